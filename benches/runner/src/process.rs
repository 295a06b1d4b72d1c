//! A contestant's process: built by cargo, asked over a Unix socket.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bench_harness::Result;
use bench_harness::work::{Measure, Request};

/// A contestant that runs.
pub(crate) struct Process {
    child: Child,
    input: UnixStream,
    output: BufReader<UnixStream>,
}

/// The folder of the package that holds a contestant, and its program.
fn package(contestant: &str) -> (&'static str, &'static str) {
    match contestant.split(',').next() {
        Some("cqrs-es") => ("peers/cqrs-es", "bench-cqrs-es"),
        Some("evento") => ("peers/evento", "bench-evento"),
        Some("mire") => ("peers/mire", "bench-mire"),
        _ => ("contestants", "bench-contestants"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One target folder for all, so that peers with the same dependencies share them.
fn target() -> PathBuf {
    root().join("target/contestants")
}

/// Builds the packages that hold these contestants.
pub(crate) fn build<'a>(contestants: impl Iterator<Item = &'a &'static str>) -> Result<()> {
    let folders: BTreeSet<_> = contestants.map(|name| package(name).0).chain(["contestants"]).collect();
    for folder in folders {
        let status = Command::new("cargo")
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(target())
            .arg("--manifest-path")
            .arg(root().join(folder).join("Cargo.toml"))
            .status()?;
        if !status.success() {
            return Err(format!("`{folder}` did not build").into());
        }
    }
    Ok(())
}

impl Process {
    /// Starts a contestant's process; its socket lies in `dir`.
    pub(crate) fn start(contestant: &str, dir: &Path) -> Result<Self> {
        let socket = tempfile::tempdir_in(dir)?;
        let path = socket.path().join("socket");
        let listener = UnixListener::bind(&path)?;
        let program = target().join("release").join(package(contestant).1);
        // Some contestants print while they work; nobody is to wait for a terminal.
        let child = Command::new(program).arg(&path).arg(contestant).stdout(Stdio::null()).spawn()?;
        let (input, _) = listener.accept()?;
        let output = BufReader::new(input.try_clone()?);
        Ok(Self { child, input, output })
    }

    /// Has one work done and waits for the measure.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Measure> {
        self.input.write_all((serde_json::to_string(request)? + "\n").as_bytes())?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err("the process ended; its message stands above".into());
        }
        Ok(serde_json::from_str::<Result<Measure, String>>(&line)??)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process ends by itself when the socket closes; it may also have ended before.
        let _ = self.input.shutdown(std::net::Shutdown::Both);
        let _ = self.child.wait();
    }
}
