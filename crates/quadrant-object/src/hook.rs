//! What the name of a program's section says: `kprobe/do_unlinkat`, `?fentry.s/vfs_read`.

use quadrant_bpf::prog::{AttachType, ProgramKind};

/// When a program of a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// At the entry.
    Entry,
    /// At the return.
    Return,
    /// At both.
    Session,
}

/// The kind of place that a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// A kernel function (`kprobe`, `kretprobe`).
    Kprobe(Part),
    /// Kernel functions by pattern (`kprobe.multi`, `kretprobe.multi`, `kprobe.session`).
    KprobeMulti(Part),
    /// A system call by its name (`ksyscall`, `kretsyscall`).
    Ksyscall(Part),
    /// A user function (`uprobe`, `uretprobe`).
    Uprobe(Part),
    /// User functions by pattern (`uprobe.multi`, `uretprobe.multi`, `uprobe.session`).
    UprobeMulti(Part),
    /// A static user probe.
    Usdt,
    /// A tracepoint.
    Tracepoint,
    /// A raw tracepoint.
    RawTracepoint,
    /// A raw tracepoint whose arguments the program may write to (`raw_tp.w`).
    WritableRawTracepoint,
    /// A raw tracepoint with types (`tp_btf`).
    BtfTracepoint,
    /// A kernel function by trampoline (`fentry`, `fexit`, `fsession`).
    Trampoline(Part),
    /// A kernel function whose result the program may change (`fmod_ret`).
    ModifyReturn,
    /// A security hook.
    Lsm,
    /// An iterator.
    Iter,
    /// A perf event.
    PerfEvent,
    /// Run by the loader.
    Syscall,
}

/// A section's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SectionName<'a> {
    pub hook: Hook,
    /// What follows the first slash.
    pub target: Option<&'a str>,
    pub sleepable: bool,
    /// No question mark before it.
    pub autoload: bool,
}

/// The names of libbpf's table that are about tracing.
const NAMES: [(&str, Hook); 28] = [
    ("kprobe", Hook::Kprobe(Part::Entry)),
    ("kretprobe", Hook::Kprobe(Part::Return)),
    ("kprobe.multi", Hook::KprobeMulti(Part::Entry)),
    ("kretprobe.multi", Hook::KprobeMulti(Part::Return)),
    ("kprobe.session", Hook::KprobeMulti(Part::Session)),
    ("ksyscall", Hook::Ksyscall(Part::Entry)),
    ("kretsyscall", Hook::Ksyscall(Part::Return)),
    ("uprobe", Hook::Uprobe(Part::Entry)),
    ("uretprobe", Hook::Uprobe(Part::Return)),
    ("uprobe.multi", Hook::UprobeMulti(Part::Entry)),
    ("uretprobe.multi", Hook::UprobeMulti(Part::Return)),
    ("uprobe.session", Hook::UprobeMulti(Part::Session)),
    ("usdt", Hook::Usdt),
    ("tracepoint", Hook::Tracepoint),
    ("tp", Hook::Tracepoint),
    ("raw_tracepoint", Hook::RawTracepoint),
    ("raw_tp", Hook::RawTracepoint),
    ("raw_tracepoint.w", Hook::WritableRawTracepoint),
    ("raw_tp.w", Hook::WritableRawTracepoint),
    ("tp_btf", Hook::BtfTracepoint),
    ("fentry", Hook::Trampoline(Part::Entry)),
    ("fexit", Hook::Trampoline(Part::Return)),
    ("fsession", Hook::Trampoline(Part::Session)),
    ("fmod_ret", Hook::ModifyReturn),
    ("lsm", Hook::Lsm),
    ("iter", Hook::Iter),
    ("perf_event", Hook::PerfEvent),
    ("syscall", Hook::Syscall),
];

/// Hooks that have a sleepable form, whose name ends in `.s`.
const SLEEPABLE: [&str; 12] = [
    "uprobe",
    "uretprobe",
    "uprobe.multi",
    "uretprobe.multi",
    "uprobe.session",
    "usdt",
    "fentry",
    "fexit",
    "fsession",
    "fmod_ret",
    "lsm",
    "iter",
];

impl<'a> SectionName<'a> {
    /// What a name says; `None` if no tracing program has such a section.
    pub fn parse(name: &'a str) -> Option<SectionName<'a>> {
        let (autoload, name) = name.strip_prefix('?').map_or((true, name), |rest| (false, rest));
        let (head, target) = name.split_once('/').map_or((name, None), |(head, target)| (head, Some(target)));
        let (head, sleepable) = match head.strip_suffix(".s") {
            Some(head) if SLEEPABLE.contains(&head) => (head, true),
            _ => (head, false),
        };
        let (_, hook) = NAMES.iter().find(|(known, _)| *known == head)?;
        let target = target.filter(|target| !target.is_empty());
        // The kernel runs programs of this kind only as sleepable ones.
        Some(SectionName { hook: *hook, target, sleepable: sleepable || *hook == Hook::Syscall, autoload })
    }
}

impl Hook {
    /// As what the kernel loads the program.
    pub fn program_kind(self) -> ProgramKind {
        match self {
            Hook::Tracepoint => ProgramKind::Tracepoint,
            Hook::RawTracepoint => ProgramKind::RawTracepoint,
            Hook::WritableRawTracepoint => ProgramKind::WritableRawTracepoint,
            Hook::BtfTracepoint | Hook::Trampoline(_) | Hook::ModifyReturn | Hook::Iter => ProgramKind::Tracing,
            Hook::Lsm => ProgramKind::Lsm,
            Hook::PerfEvent => ProgramKind::PerfEvent,
            Hook::Syscall => ProgramKind::Syscall,
            _ => ProgramKind::Kprobe,
        }
    }

    /// How it will be attached, as far as the kernel must know it at loading.
    pub fn attach_type(self) -> AttachType {
        match self {
            Hook::KprobeMulti(Part::Session) => AttachType::TraceKprobeSession,
            Hook::KprobeMulti(_) => AttachType::TraceKprobeMulti,
            Hook::UprobeMulti(Part::Session) => AttachType::TraceUprobeSession,
            Hook::UprobeMulti(_) => AttachType::TraceUprobeMulti,
            Hook::BtfTracepoint => AttachType::TraceRawTp,
            Hook::Trampoline(Part::Return) => AttachType::TraceFexit,
            Hook::Trampoline(Part::Session) => AttachType::TraceFsession,
            Hook::Trampoline(Part::Entry) => AttachType::TraceFentry,
            Hook::ModifyReturn => AttachType::ModifyReturn,
            Hook::Lsm => AttachType::LsmMac,
            Hook::Iter => AttachType::TraceIter,
            _ => AttachType::None,
        }
    }

    /// The name of its section, without target.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, hook)| *hook == self).map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sections() {
        let found = SectionName::parse("?fentry.s/vfs_read").unwrap();
        assert_eq!((found.hook, found.target), (Hook::Trampoline(Part::Entry), Some("vfs_read")));
        assert!(found.sleepable && !found.autoload);
        let found = SectionName::parse("uprobe.multi.s//usr/bin/x:f*").unwrap();
        assert_eq!((found.hook, found.target), (Hook::UprobeMulti(Part::Entry), Some("/usr/bin/x:f*")));
        assert_eq!(SectionName::parse("tp/sched/sched_switch").unwrap().target, Some("sched/sched_switch"));
        assert_eq!(SectionName::parse("perf_event").unwrap().target, None);
        assert_eq!(SectionName::parse("raw_tp.w/nbd_send_request").unwrap().hook, Hook::WritableRawTracepoint);
        let found = SectionName::parse("fsession.s/do_unlinkat").unwrap();
        assert_eq!((found.hook.attach_type(), found.sleepable), (AttachType::TraceFsession, true));
        assert_eq!(SectionName::parse("kprobe").unwrap().hook.name(), "kprobe");
        for unknown in ["xdp", "kprobe.s/x", "tcx/ingress", "", "struct_ops/x", "kprobes/x"] {
            assert_eq!(SectionName::parse(unknown), None, "{unknown}");
        }
    }
}
