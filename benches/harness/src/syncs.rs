//! Counts what really reaches the disk, so that durability is seen and not believed.
//!
//! The two functions take the place of the C library's in every contestant's process; `SQLite` calls them.

use std::sync::atomic::{AtomicU64, Ordering};

use libc::{SYS_fdatasync, SYS_fsync, c_int, c_long, syscall};

static SYNCS: AtomicU64 = AtomicU64::new(0);

/// How often this process has asked the kernel to write a file through.
pub fn count() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}

/// Takes the place of the C library's `fdatasync`.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    counted(SYS_fdatasync, file)
}

/// Takes the place of the C library's `fsync`.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    counted(SYS_fsync, file)
}

fn counted(call: c_long, file: c_int) -> c_int {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: both calls take a file descriptor and touch no memory of ours; a bad one is answered with an error.
    let result = unsafe { syscall(call, file) };
    c_int::try_from(result).unwrap_or(-1)
}
