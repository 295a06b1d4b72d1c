//! An SQLite VFS that passes everything through to the platform's own, and tells a [`Disk`] what is written and synced.
//!
//! Once the disk's power is off, whatever would change a file fails; reads go on. Nothing is really synced: the disk
//! below keeps its power.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null;
use std::sync::{Arc, Mutex, OnceLock};

use rusqlite::ffi::{
    SQLITE_CANTOPEN, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE,
    SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_SUPER_JOURNAL, SQLITE_OPEN_WAL,
    sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::disk::{Disk, Inode};

/// The name under which the VFS is registered.
pub(super) const NAME: &str = "power-cut";

const C_NAME: &CStr = c"power-cut";

/// The disks, by their folders.
static DISKS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());

/// A disk under the files of a folder, until this is dropped.
#[derive(Debug)]
pub(super) struct Mounted(PathBuf);

impl Mounted {
    /// Puts a disk under the files of a folder that are opened through the VFS from now on.
    pub(super) fn new(folder: &Path, disk: Arc<Disk>) -> Self {
        static REGISTERED: OnceLock<()> = OnceLock::new();
        REGISTERED.get_or_init(register);
        let folder = folder.canonicalize().unwrap();
        DISKS.lock().unwrap().insert(folder.clone(), disk);
        Self(folder)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        DISKS.lock().unwrap().remove(&self.0);
    }
}

fn register() {
    // SAFETY: SQLite gives its default VFS, which lives as long as the process, as does the copy, which is leaked. The
    // functions that are not replaced get the copy as their VFS, of which they use what they find in the original too.
    let result = unsafe {
        let vfs = sqlite3_vfs {
            szOsFile: size_of_file() + (*platform()).szOsFile,
            pNext: std::ptr::null_mut(),
            zName: C_NAME.as_ptr(),
            xOpen: Some(open),
            xDelete: Some(delete),
            ..*platform()
        };
        sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0)
    };
    assert_eq!(result, SQLITE_OK);
}

/// The VFS below.
fn platform() -> *mut sqlite3_vfs {
    // SAFETY: a null name asks for the default VFS; this one is never registered as the default.
    unsafe { sqlite3_vfs_find(null()) }
}

/// An open file as SQLite sees it. The platform's own file follows it in the same allocation.
#[repr(C)]
struct File {
    base: sqlite3_file,
    /// From `Box::into_raw`; null for a temporary file, of which nothing lasts.
    handle: *mut Handle,
}

/// What is known of an open file.
struct Handle {
    disk: Arc<Disk>,
    inode: Inode,
    /// Whether the platform syncs the folder with the next sync of the file: it does for new journals.
    syncs_folder: bool,
}

fn size_of_file() -> c_int {
    c_int::try_from(size_of::<File>()).unwrap()
}

/// The disk and the name of a path, which SQLite gives in full; `None` where no disk is mounted (any more).
///
/// # Safety
/// `path` is a C string.
unsafe fn place(path: *const c_char) -> Option<(Arc<Disk>, String)> {
    // SAFETY: the caller gives a C string.
    let path = Path::new(unsafe { CStr::from_ptr(path) }.to_str().ok()?);
    let disk = Arc::clone(DISKS.lock().unwrap().get(path.parent()?)?);
    Some((disk, path.file_name()?.to_str()?.to_owned()))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a file of `szOsFile` bytes, which hold a `File` and the platform's file behind it, and a path
    // that is null or a C string. As asked of an `xOpen`, `pMethods` is set in any case, to null if there is no file.
    unsafe {
        (*file).pMethods = null();
        let below = || (*platform()).xOpen.unwrap()(platform(), path, inner(file), flags, out_flags);
        let journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
        let creates = flags & SQLITE_OPEN_CREATE != 0;
        let (result, handle) = if path.is_null() {
            (below(), std::ptr::null_mut())
        } else {
            let Some((disk, name)) = place(path) else { return SQLITE_CANTOPEN };
            let opened = disk.operate(|state| {
                let result = below();
                (result, if result == SQLITE_OK { state.open(&name) } else { Inode::MAX })
            });
            let Some((result, inode)) = opened else { return SQLITE_CANTOPEN };
            let syncs_folder = creates && flags & journals != 0;
            (result, Box::into_raw(Box::new(Handle { disk, inode, syncs_folder })))
        };
        let file = file.cast::<File>();
        if result == SQLITE_OK {
            (*file).base.pMethods = &raw const METHODS;
            (*file).handle = handle;
        } else {
            free(handle);
        }
        result
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, path: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    let Some((disk, name)) = (unsafe { place(path) }) else { return SQLITE_IOERR_DELETE };
    let deleted = disk.operate(|state| {
        // SAFETY: the arguments are those that this function got.
        let result = unsafe { (*platform()).xDelete.unwrap()(platform(), path, 0) };
        if result == SQLITE_OK {
            state.delete(&name);
        }
        if result == SQLITE_OK && sync_folder != 0 {
            state.sync_folder();
        }
        result
    });
    deleted.unwrap_or(SQLITE_IOERR_DELETE)
}

/// # Safety
/// `handle` is null or from `Box::into_raw`, and is not used afterwards.
unsafe fn free(handle: *mut Handle) {
    if !handle.is_null() {
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(handle) });
    }
}

/// The platform's file behind ours.
fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // `File` is two pointers, so that what follows it is aligned as it is.
    file.cast::<File>().wrapping_add(1).cast()
}

/// # Safety
/// `file` is open.
unsafe fn below<'a>(file: *mut sqlite3_file) -> &'a sqlite3_io_methods {
    // SAFETY: while our file is open the platform's is, and its methods are static.
    unsafe { &*(*inner(file)).pMethods }
}

/// Does something that changes a file, and tells its disk: `change` does it, and gives whether it worked.
///
/// # Safety
/// `file` is open, and SQLite does not use it elsewhere at the same time.
unsafe fn operate(
    file: *mut sqlite3_file,
    without_power: c_int,
    change: impl FnOnce() -> c_int,
    record: impl FnOnce(&mut super::disk::State, &mut Handle),
) -> c_int {
    // SAFETY: the handle is null or lives until the file is closed; a file belongs to one connection, which is used by
    // one thread at a time.
    let Some(handle) = (unsafe { (*file.cast::<File>()).handle.as_mut() }) else { return change() };
    let disk = Arc::clone(&handle.disk);
    let changed = disk.operate(|state| {
        let result = change();
        if result == SQLITE_OK {
            record(state, handle);
        }
        result
    });
    changed.unwrap_or(without_power)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once, and does not use it afterwards.
    unsafe {
        free((*file.cast::<File>()).handle);
        below(file).xClose.unwrap()(inner(file))
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives an open file and `amount` bytes.
    unsafe {
        let bytes = std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(amount).unwrap());
        operate(
            file,
            SQLITE_IOERR_WRITE,
            || below(file).xWrite.unwrap()(inner(file), data, amount, offset),
            |state, handle| state.write(handle.inode, usize::try_from(offset).unwrap(), bytes),
        )
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives an open file.
    unsafe {
        operate(
            file,
            SQLITE_IOERR_TRUNCATE,
            || below(file).xTruncate.unwrap()(inner(file), length),
            |state, handle| state.truncate(handle.inode, usize::try_from(length).unwrap()),
        )
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    unsafe {
        operate(
            file,
            SQLITE_IOERR_FSYNC,
            || SQLITE_OK,
            |state, handle| {
                state.sync(handle.inode);
                if std::mem::take(&mut handle.syncs_folder) {
                    state.sync_folder();
                }
            },
        )
    }
}

/// Functions that only hand their arguments on.
macro_rules! pass_through {
    ($($name:ident => $method:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $(unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) $(-> $result)? {
            // SAFETY: SQLite gives an open file, and arguments that suit the platform's method.
            unsafe { below(file).$method.unwrap()(inner(file), $($argument),*) }
        })*
    };
}

pass_through! {
    read => xRead(data: *mut c_void, amount: c_int, offset: sqlite3_int64) -> c_int;
    file_size => xFileSize(size: *mut sqlite3_int64) -> c_int;
    lock => xLock(level: c_int) -> c_int;
    unlock => xUnlock(level: c_int) -> c_int;
    check_reserved_lock => xCheckReservedLock(held: *mut c_int) -> c_int;
    file_control => xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size => xSectorSize() -> c_int;
    device_characteristics => xDeviceCharacteristics() -> c_int;
    shm_map => xShmMap(page: c_int, size: c_int, extend: c_int, memory: *mut *mut c_void) -> c_int;
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier => xShmBarrier();
    shm_unmap => xShmUnmap(delete: c_int) -> c_int;
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Without `xFetch`, so that no page is written through a memory map.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
