//! The disk under it all: what one synchronisation costs here.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use bench_harness::Result;

/// How often a second 4 KiB can be appended to a file and written through.
pub(crate) fn syncs_per_second(dir: &Path) -> Result<f64> {
    let mut file = File::create(dir.join("sync"))?;
    let (mut count, start) = (0_u32, Instant::now());
    while start.elapsed() < Duration::from_millis(200) {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Says so where the directory lies in memory: there durability is free, and no figure means anything.
pub(crate) fn warn_of_memory(dir: &Path) -> Result<()> {
    let dir = dir.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(point, _)| dir.starts_with(point))
        .max_by_key(|(point, _)| point.len());
    if let Some((point, kind @ ("tmpfs" | "ramfs"))) = mount {
        eprintln!(
            "warning: {point} is {kind}, where a commit costs nothing; give a directory on a disk with --dir"
        );
    }
    Ok(())
}
