//! The raw system calls, turned into `Result<_, Errno>`.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::errno::Errno;

/// A structure that bpf(2) or perf_event_open(2) reads, and for some commands writes.
///
/// # Safety
/// The type is `repr(C)`, has no padding bytes, holds only integers, and every address in it is 0 or that of
/// memory which is valid for what the command does with it, for as long as the call runs.
pub(crate) unsafe trait Attr: Copy {}

/// Commands of bpf(2) (linux/bpf.h).
#[derive(Copy, Clone)]
pub(crate) enum Command {
    MapCreate = 0,
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    MapNextKey = 4,
    ProgLoad = 5,
    ObjectPin = 6,
    ObjectGet = 7,
    ProgTestRun = 10,
    ProgNextId = 11,
    MapNextId = 12,
    ProgById = 13,
    MapById = 14,
    InfoByFd = 15,
    RawTracepointOpen = 17,
    BtfLoad = 18,
    BtfById = 19,
    TaskFdQuery = 20,
    MapFreeze = 22,
    BtfNextId = 23,
    MapLookupBatch = 24,
    MapLookupAndDeleteBatch = 25,
    LinkCreate = 28,
    LinkById = 30,
    LinkNextId = 31,
    EnableStats = 32,
    IterCreate = 33,
}

/// bpf(2) with that command. The kernel takes a structure that is shorter or longer than its own, as long as bytes
/// unknown to it are 0.
pub(crate) fn bpf<A: Attr>(command: Command, attr: &mut A) -> Result<i32, Errno> {
    let size = size_of::<A>() as libc::c_uint;
    // SAFETY: `attr` is valid for reads and writes of `size` bytes, and `Attr` promises the same of every address
    // inside.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command as libc::c_int, attr as *mut A, size) };
    check(answer).map(|value| value as i32)
}

/// bpf(2) with a command that returns a descriptor.
pub(crate) fn bpf_fd<A: Attr>(command: Command, attr: &mut A) -> Result<OwnedFd, Errno> {
    bpf(command, attr).map(own)
}

/// perf_event_open(2) with the flag to close on exec. `pid` -1 is every process, `cpu` -1 every processor.
pub(crate) fn perf_event_open<A: Attr>(attr: &mut A, pid: i32, cpu: i32) -> Result<OwnedFd, Errno> {
    const FLAG_FD_CLOEXEC: libc::c_ulong = 8;
    let none: RawFd = -1;
    // SAFETY: `attr` is valid for reads and writes and starts with its own size; `Attr` promises the addresses inside.
    let answer = unsafe { libc::syscall(libc::SYS_perf_event_open, attr as *mut A, pid, cpu, none, FLAG_FD_CLOEXEC) };
    check(answer).map(|fd| own(fd as RawFd))
}

/// ioctl(2) with a number as its argument.
pub(crate) fn ioctl(fd: BorrowedFd<'_>, request: libc::c_ulong, value: libc::c_ulong) -> Result<(), Errno> {
    // SAFETY: the callers' requests take a plain number, so no memory is involved.
    check(i64::from(unsafe { libc::ioctl(fd.as_raw_fd(), request, value) })).map(drop)
}

/// openat(2), read-only, closed on exec.
pub(crate) fn open_at(directory: BorrowedFd<'_>, path: &CStr, flags: libc::c_int) -> Result<OwnedFd, Errno> {
    let flags = flags | libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: `path` is a terminated string.
    check(i64::from(unsafe { libc::openat(directory.as_raw_fd(), path.as_ptr(), flags) })).map(|fd| own(fd as RawFd))
}

/// The names in a directory, sorted; not through /proc, which may not be there.
pub(crate) fn names(directory: OwnedFd) -> Result<Vec<String>, Errno> {
    // SAFETY: the stream takes the descriptor over only if it is made.
    let stream = unsafe { libc::fdopendir(directory.as_raw_fd()) };
    if stream.is_null() {
        return Err(Errno::last());
    }
    let _ = directory.into_raw_fd();
    let names = read_names(stream);
    // SAFETY: the stream is open, and nobody else has it.
    unsafe { libc::closedir(stream) };
    names
}

fn read_names(stream: *mut libc::DIR) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    loop {
        // SAFETY: the stream is open, and the place of the error number is this thread's. An entry ends with its name's last byte, and
        // stays until the next call.
        let name = unsafe {
            *libc::__errno_location() = 0;
            let entry = libc::readdir64(stream);
            (!entry.is_null())
                .then(|| CStr::from_ptr((&raw const (*entry).d_name).cast()).to_string_lossy().into_owned())
        };
        match name {
            Some(name) if name == "." || name == ".." => {}
            Some(name) => names.push(name),
            None if Errno::last().number() != 0 => return Err(Errno::last()),
            None => break,
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Mounts a file system of that type without a place in the file tree; the descriptor is its root directory.
pub(crate) fn mount_detached(kind: &CStr) -> Result<OwnedFd, Errno> {
    const CLOEXEC: libc::c_uint = 1;
    const CMD_CREATE: libc::c_uint = 6;
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: `kind` is a terminated string.
    let context = unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), CLOEXEC) };
    let context = check(context).map(|fd| own(fd as RawFd))?;
    // SAFETY: FSCONFIG_CMD_CREATE takes neither key nor value.
    let created = unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), CMD_CREATE, null, null, 0) };
    check(created)?;
    // SAFETY: only numbers are passed.
    let mount = unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), CLOEXEC, 0) };
    check(mount).map(|fd| own(fd as RawFd))
}

/// uprobe(2), by which optimized user probes enter the kernel: everyone else gets ENXIO, EPROTO since
/// Linux 7.2, or ENOSYS where there is none.
#[cfg(target_arch = "x86_64")]
pub(crate) fn uprobe() -> Result<(), Errno> {
    const SYS_UPROBE: libc::c_long = 336;
    // SAFETY: the call has no arguments, and does nothing outside the kernel's own trampolines.
    check(unsafe { libc::syscall(SYS_UPROBE) }).map(drop)
}

/// The answer of a system call that returns -1 for an error.
pub(crate) fn check(answer: i64) -> Result<i64, Errno> {
    if answer < 0 { Err(Errno::last()) } else { Ok(answer) }
}

/// Takes over a descriptor that a system call just made.
pub(crate) fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: the callers pass the result of a system call that created the descriptor, so nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The address of a slice for a field of an [`Attr`]; 0 for an empty one, as the kernel expects.
pub(crate) fn address<T>(slice: &[T]) -> u64 {
    if slice.is_empty() { 0 } else { slice.as_ptr() as u64 }
}

/// As [`address`], for memory that the kernel writes.
pub(crate) fn address_mut<T>(slice: &mut [T]) -> u64 {
    if slice.is_empty() { 0 } else { slice.as_mut_ptr() as u64 }
}

/// read(2), again if a signal interrupts it.
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Errno> {
    loop {
        // SAFETY: `into` is valid for writes of its length.
        let answer = unsafe { libc::read(fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len()) };
        match check(answer as i64) {
            Err(errno) if errno.is(libc::EINTR) => {}
            answer => return answer.map(|count| count as usize),
        }
    }
}

/// write(2) of a few bytes, again if a signal interrupts it.
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    loop {
        // SAFETY: `bytes` is valid for reads of its length.
        let answer = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        match check(answer as i64) {
            Err(errno) if errno.is(libc::EINTR) => {}
            answer => return answer.map(|count| count as usize),
        }
    }
}

/// A pipe, reading end first; both ends are closed on exec.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut ends = [0; 2];
    // SAFETY: the kernel writes two descriptors to the array.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }.into())?;
    let [reading, writing] = ends;
    Ok((own(reading), own(writing)))
}
