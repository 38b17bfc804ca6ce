//! What the examination finds.

/// All that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether scripts can run here, as this user: programs load, answers come back, and there is something to attach to.
    pub able: bool,
    /// Each mechanism, in the order of the areas.
    pub checks: Vec<Check>,
    /// What a bug report needs to say of the machine.
    pub machine: Vec<Fact>,
}

/// One mechanism.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// A name that stays the same, such as `kprobe.multi`.
    pub id: &'static str,
    /// What it belongs to.
    pub area: Area,
    /// What it is, for people.
    pub name: &'static str,
    /// Whether it works.
    pub verdict: Verdict,
    /// More about what works; may be empty.
    pub detail: String,
    /// The kernel's answer by name, such as `EPERM`.
    pub errno: Option<String>,
    /// Why it does not work; may be empty.
    pub why: String,
    /// What to do about it; may be empty.
    pub fix: String,
    /// What Quadrant uses in its place; may be empty.
    pub instead: &'static str,
    /// The options of the kernel's configuration that it needs, what others depend on first, and what they are set to.
    pub options: Vec<ConfigOption>,
    /// The version of Linux that brought it; empty if all have it.
    pub since: &'static str,
}

/// An option of the kernel's configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigOption {
    /// Its name.
    pub name: &'static str,
    /// What it is set to; `None` if it is not set. Nothing is listed if the configuration cannot be read.
    pub value: Option<String>,
}

/// Whether something works.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It was done, and it worked.
    Works,
    /// It was tried, and the kernel cannot or will not do it.
    Fails,
    /// This user may not try.
    Untried,
}

impl Verdict {
    /// The name, which stays the same in all versions.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Works => "works",
            Verdict::Fails => "fails",
            Verdict::Untried => "untried",
        }
    }
}

/// What a mechanism belongs to: the four quadrants, and what serves all of them.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Area {
    /// Tracepoints.
    KernelStatic,
    /// Kernel probes and trampolines.
    KernelDynamic,
    /// USDT.
    UserStatic,
    /// User probes.
    UserDynamic,
    /// Timers, counters, watchpoints.
    Events,
    /// Iterators.
    Iterators,
    /// How programs run and send answers.
    Engine,
    /// Functions of the kernel that programs call.
    Helpers,
    /// Symbols and types.
    Names,
}

impl Area {
    /// All of them, in order.
    pub const ALL: &[Area] = &[
        Area::KernelStatic,
        Area::KernelDynamic,
        Area::UserStatic,
        Area::UserDynamic,
        Area::Events,
        Area::Iterators,
        Area::Engine,
        Area::Helpers,
        Area::Names,
    ];

    /// The name, which stays the same in all versions.
    pub fn name(self) -> &'static str {
        match self {
            Area::KernelStatic => "kernel_static",
            Area::KernelDynamic => "kernel_dynamic",
            Area::UserStatic => "user_static",
            Area::UserDynamic => "user_dynamic",
            Area::Events => "events",
            Area::Iterators => "iterators",
            Area::Engine => "engine",
            Area::Helpers => "helpers",
            Area::Names => "names",
        }
    }

    /// A heading for people.
    pub fn title(self) -> &'static str {
        match self {
            Area::KernelStatic => "Kernel, static",
            Area::KernelDynamic => "Kernel, dynamic",
            Area::UserStatic => "User, static",
            Area::UserDynamic => "User, dynamic",
            Area::Events => "Timers, counters, watchpoints",
            Area::Iterators => "Iterators",
            Area::Engine => "Programs and their answers",
            Area::Helpers => "Functions for programs",
            Area::Names => "Symbols and types",
        }
    }
}

/// Something about the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// A name that stays the same, such as `kernel.release`.
    pub name: String,
    /// `None` if it could not be found out.
    pub value: Option<String>,
}
