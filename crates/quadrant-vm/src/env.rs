//! The world around a program: who runs it, what time it is, what memory there is to probe.

/// What helpers ask. Implement it to script a run; [`crate::FakeEnv`] is a ready one.
pub trait Env {
    /// Number of the processor that runs the program, below the machine's count.
    fn cpu(&mut self) -> usize {
        0
    }

    /// Process id in the high half, thread id in the low half.
    fn pid_tgid(&mut self) -> u64;

    /// Group id in the high half, user id in the low half.
    fn uid_gid(&mut self) -> u64;

    /// Name of the thread, NUL-padded.
    fn comm(&mut self) -> [u8; 16];

    /// Nanoseconds on a clock.
    fn clock(&mut self, clock: Clock) -> u64;

    /// A random number.
    fn random(&mut self) -> u32;

    /// Address of the current `task_struct`.
    fn task(&mut self) -> u64;

    /// Id of the current control group.
    fn cgroup_id(&mut self) -> u64;

    /// The attach cookie.
    fn cookie(&mut self) -> u64;

    /// Address of the probed function.
    fn func_ip(&mut self) -> u64;

    /// Return addresses, innermost first; `Err` is a negative error number.
    fn stack(&mut self, which: StackKind) -> Result<Vec<u64>, i64>;

    /// Fills `buf` from memory that is not the program's own; false if any byte of it is not there.
    fn probe(&mut self, space: Space, addr: u64, buf: &mut [u8]) -> bool;

    /// A program wrote to the process's memory; false if there is none.
    fn write_user(&mut self, addr: u64, bytes: &[u8]) -> bool;

    /// A program printed a debug message with up to three arguments.
    fn trace_printk(&mut self, format: &[u8], args: &[u64]);

    /// A program sent a signal; 0 or a negative error number.
    fn send_signal(&mut self, signal: u32, to_thread: bool) -> i64;

    /// A kernel function was called by its BTF type id; `None` if there is none.
    fn kfunc(&mut self, btf_id: u32, args: [u64; 5]) -> Option<u64>;
}

/// The clocks that helpers read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// Since boot without sleep.
    Monotonic,
    /// Since boot with sleep.
    Boot,
    /// Monotonic, at the last tick.
    Coarse,
    /// Atomic time.
    Tai,
    /// Timer ticks.
    Jiffies,
}

/// Address spaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Space {
    /// The kernel's.
    Kernel,
    /// The current process's, without waiting for pages.
    User,
    /// The current process's, waiting for pages (sleepable programs).
    UserFaulting,
}

/// Whose stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackKind {
    /// The kernel's.
    Kernel,
    /// The process's.
    User,
}
