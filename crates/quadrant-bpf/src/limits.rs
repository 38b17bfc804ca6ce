//! Limits of this process that tracing runs into.

use std::sync::OnceLock;

/// What the limit of open files was before [`bump_nofile`].
static NOFILE_BEFORE: OnceLock<libc::rlimit> = OnceLock::new();
/// What the limit of locked memory was before [`bump_memlock`].
static MEMLOCK_BEFORE: OnceLock<libc::rlimit> = OnceLock::new();
/// What the limit of the stack was before [`bump_stack`].
static STACK_BEFORE: OnceLock<libc::rlimit> = OnceLock::new();
/// The stack that the compiler's limits of nesting are made for, which is also the usual one.
pub const STACK: u64 = 8 << 20;
/// With less than this, in bytes, scripts of no great depth end in an overflow, too.
const LEAST_STACK: u64 = 1 << 20;

/// Raises the number of files that may be open (every attachment is one) as far as this process may, and returns it.
/// Programs that are started ([`crate::process::Child`], [`crate::process::command`]) get the old limit back: some close every file that
/// could be open.
pub fn bump_nofile() -> u64 {
    NOFILE_BEFORE.get_or_init(|| get(libc::RLIMIT_NOFILE));
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok());
    raise(libc::RLIMIT_NOFILE, most.unwrap_or(1 << 20))
}

/// Raises the memory that may be locked, which kernels before 5.11 count maps against, and returns it in bytes. Programs
/// that are started get the old limit back, as with [`bump_nofile`].
pub fn bump_memlock() -> u64 {
    MEMLOCK_BEFORE.get_or_init(|| get(libc::RLIMIT_MEMLOCK));
    raise(libc::RLIMIT_MEMLOCK, libc::RLIM_INFINITY)
}

/// Raises a stack that is limited to less than usual (`ulimit -s`), as far as this process may: it grows when it is used. Programs that
/// are started get the old limit back, as with [`bump_nofile`].
///
/// # Errors
/// The limit, in bytes, where it is too small for any script and may not be raised.
pub fn bump_stack() -> Result<(), u64> {
    let old = get(libc::RLIMIT_STACK);
    if old.rlim_cur < STACK {
        STACK_BEFORE.get_or_init(|| old);
        let wanted = libc::rlimit { rlim_cur: STACK, rlim_max: old.rlim_max.max(STACK) };
        if !set(libc::RLIMIT_STACK, wanted) {
            set(libc::RLIMIT_STACK, libc::rlimit { rlim_cur: old.rlim_max.min(STACK), ..old });
        }
    }
    let limit = get(libc::RLIMIT_STACK).rlim_cur;
    if limit < LEAST_STACK { Err(limit) } else { Ok(()) }
}

/// From now on a write beyond the largest file that this process may make (`ulimit -f`) fails with EFBIG, which can be told; by default a
/// signal ends the process without a word. A handler does it: started programs have the default again, which no handler outlives.
pub fn fail_at_file_size() {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: the handler does nothing, which it may at any time.
    let before = unsafe { libc::signal(libc::SIGXFSZ, nothing as *const () as libc::sighandler_t) };
    if before == libc::SIG_IGN {
        // SAFETY: to ignore a signal runs nothing.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    }
}

/// The memory that this process may lock, in bytes, if there is a limit.
pub(crate) fn memlock() -> Option<u64> {
    Some(get(libc::RLIMIT_MEMLOCK).rlim_cur).filter(|limit| *limit != libc::RLIM_INFINITY)
}

/// The limits that a started program shall have, as far as they were changed here.
#[derive(Clone, Copy)]
pub(crate) struct Originals {
    files: Option<libc::rlimit>,
    memory: Option<libc::rlimit>,
    stack: Option<libc::rlimit>,
}

impl Originals {
    /// Those of this process.
    pub(crate) fn get() -> Self {
        let [files, memory, stack] =
            [&NOFILE_BEFORE, &MEMLOCK_BEFORE, &STACK_BEFORE].map(|before| before.get().copied());
        Self { files, memory, stack }
    }

    /// Sets them. Async-signal-safe.
    pub(crate) fn set(self) {
        let limits =
            [(libc::RLIMIT_NOFILE, self.files), (libc::RLIMIT_MEMLOCK, self.memory), (libc::RLIMIT_STACK, self.stack)];
        for (resource, limit) in limits {
            let _ = limit.is_some_and(|limit| set(resource, limit));
        }
    }
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// First both limits to `most`, which takes a capability, else the soft one to the hard one.
fn raise(resource: Resource, most: u64) -> u64 {
    let old = get(resource);
    let wanted = libc::rlimit { rlim_cur: most.max(old.rlim_max), rlim_max: most.max(old.rlim_max) };
    if !set(resource, wanted) {
        set(resource, libc::rlimit { rlim_cur: old.rlim_max, ..old });
    }
    get(resource).rlim_cur
}

fn get(resource: Resource) -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer.
    unsafe { libc::getrlimit(resource, &mut limit) };
    limit
}

fn set(resource: Resource, limit: libc::rlimit) -> bool {
    // SAFETY: `limit` is a valid structure.
    unsafe { libc::setrlimit(resource, &limit) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_lowers_a_limit() {
        let (files, memory) = (get(libc::RLIMIT_NOFILE), get(libc::RLIMIT_MEMLOCK));
        assert!(bump_nofile() >= files.rlim_cur);
        assert!(bump_memlock() >= memory.rlim_cur);
    }
}
