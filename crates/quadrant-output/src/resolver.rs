//! What the output asks of the running trace.

use quadrant_program::ty::StackType;

/// Answers questions whose answers are not in the bytes of a record.
///
/// Texts may come from the traced program: they are escaped here, not by the resolver.
pub trait Resolver {
    /// Give the frames of a stack to `visit`, innermost first; an inlined frame comes before the one that it was inlined into.
    /// False when the stack is not known (its id was lost, or its map entry is gone).
    fn stack(&mut self, kind: StackType, id: u32, pid: u32, visit: &mut dyn FnMut(Frame<'_>)) -> bool;

    /// The symbol of a kernel address.
    fn kernel_symbol(&mut self, address: u64) -> Option<Symbol<'_>>;

    /// The symbol of an address in a process.
    fn user_symbol(&mut self, address: u64, pid: u32) -> Option<Symbol<'_>>;

    /// All that is known of a kernel address, its module included.
    fn kernel_frame(&mut self, address: u64) -> Frame<'_> {
        framed(address, self.kernel_symbol(address))
    }

    /// All that is known of an address in a process, its file included.
    fn user_frame(&mut self, address: u64, pid: u32) -> Frame<'_> {
        framed(address, self.user_symbol(address, pid))
    }

    /// Whether a process has ended, so that what is not known of its addresses will never be.
    fn process_gone(&mut self, pid: u32) -> bool {
        let _ = pid;
        false
    }

    /// The name of a user id.
    fn username(&mut self, uid: u32) -> Option<&str>;

    /// The name of a system call: `openat`.
    fn syscall(&mut self, number: u64) -> Option<&str>;

    /// The path of a cgroup by its id, in the hierarchies whose names match a pattern if there is one.
    fn cgroup_path(&mut self, id: u64, pattern: Option<&str>) -> Option<&str>;

    /// The container that a cgroup belongs to, by the cgroup's id; `-` for none. `None` if the cgroup is not known.
    fn container(&mut self, id: u64) -> Option<&str>;

    /// Nanoseconds since 1970 of a time of the boot clock.
    fn wall_clock(&mut self, boot_ns: u64) -> i64;

    /// The boot clock in nanoseconds, now.
    fn boot_clock(&mut self) -> u64;

    /// Nanoseconds since 1970, now.
    fn now(&mut self) -> i64 {
        let boot_ns = self.boot_clock();
        self.wall_clock(boot_ns)
    }
}

/// A symbol and the distance from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name, demangled when that is wanted.
    pub name: &'a [u8],
    /// Bytes from its start.
    pub offset: u64,
}

/// A frame of a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The address.
    pub address: u64,
    /// Name of the function, demangled when that is wanted.
    pub symbol: Option<&'a [u8]>,
    /// Bytes from the start of the function.
    pub offset: u64,
    /// Path of the file (or name of the module) that the address is in.
    pub module: Option<&'a [u8]>,
    /// Source file, line and column (0 when unknown).
    pub source: Option<(&'a [u8], u32, u32)>,
    /// Inlined into the next frame.
    pub inlined: bool,
    /// Build id of the file and offset in it, for `build_id` stacks.
    pub build_id: Option<(&'a [u8], u64)>,
}

fn framed(address: u64, symbol: Option<Symbol<'_>>) -> Frame<'_> {
    Frame {
        address,
        symbol: symbol.map(|symbol| symbol.name),
        offset: symbol.map_or(0, |symbol| symbol.offset),
        ..Frame::default()
    }
}
