//! Kernel probes. They are tried on `vfs_readlink`, which readlink(2) calls, and which is in no hurry.

use quadrant_bpf::link::{KernelFunctions, KprobeMulti, Link, When};
use quadrant_bpf::maker::Maker;
use quadrant_bpf::perf::{Event, KernelPlace, Scope};
use quadrant_bpf::prog::{AttachType, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_bpf::{Error, Result};

use super::super::kit::{Kit, Outcome, load};
use super::super::model::Area;
use super::{Instead, Row};

const AREA: Area = Area::KernelDynamic;

/// What is left when nothing enters functions.
pub const TRACEPOINTS: Instead = ("rawtracepoint", "tracepoints and raw tracepoints (quadrant -l 'rawtracepoint:*')");

const ENTRY: &[Instead] = &[("fentry", "fentry"), TRACEPOINTS];
const RETURN: &[Instead] = &[("fexit", "fexit"), TRACEPOINTS];

pub const ROWS: &[Row] = &[
    Row {
        id: "kprobe",
        area: AREA,
        name: "kprobe, by perf event",
        run: |kit| perf(kit, false),
        options: &["CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS"],
        since: "",
        instead: ENTRY,
    },
    Row {
        id: "kretprobe",
        area: AREA,
        name: "kretprobe, by perf event",
        run: |kit| perf(kit, true),
        options: &["CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS", "CONFIG_KRETPROBES"],
        since: "",
        instead: RETURN,
    },
    Row {
        id: "kprobe.tracefs",
        area: AREA,
        name: "kprobe, by tracefs (kretprobe with maxactive)",
        run: tracefs,
        options: &["CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS"],
        since: "",
        instead: &[("kprobe", "kprobes by perf event, without maxactive"), TRACEPOINTS],
    },
    Row {
        id: "kprobe.multi",
        area: AREA,
        name: "kprobe, many with one link",
        run: |kit| multi(kit, AttachType::TraceKprobeMulti, When::Entry),
        options: &["CONFIG_KPROBES", "CONFIG_FPROBE"],
        since: "5.18",
        instead: &[("kprobe", "one perf event for each function"), ("fentry", "fentry"), TRACEPOINTS],
    },
    Row {
        id: "kprobe.session",
        area: AREA,
        name: "kprobe, entry and return with one program",
        run: session,
        options: &["CONFIG_KPROBES", "CONFIG_FPROBE"],
        since: "6.10",
        instead: &[("kprobe", "two programs"), ("fentry", "fentry and fexit"), TRACEPOINTS],
    },
];

/// Makes the kernel call `vfs_readlink`.
pub fn read_link() {
    // If it fails, the probe does not fire, and that is told.
    let _ = std::fs::read_link("/proc/self/exe");
}

fn perf(kit: &mut Kit, on_return: bool) -> Outcome {
    let event = Event::Kprobe { place: KernelPlace::Symbol(c"vfs_readlink", 0), on_return };
    kit.event_fires(ProgramKind::Kprobe, &event, Scope::All, read_link)
}

fn multi(kit: &mut Kit, attach_type: AttachType, when: When) -> Outcome {
    let insns = kit.counting(&[])?;
    let program = load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) })?;
    let functions = KernelFunctions::Symbols(&[c"vfs_readlink"]);
    let link = Link::kprobe_multi(&program, &KprobeMulti { functions, cookies: &[], when })?;
    kit.fires(link, read_link)
}

/// What these links are made of has a pool for calls under way before Linux 6.14.
fn session(kit: &mut Kit) -> Outcome {
    multi(kit, AttachType::TraceKprobeSession, When::Session)?;
    let limited = "used on demand only (--kprobe-mechanism session): this kernel keeps track of two calls for each CPU, and \
        loses the entries of others, too";
    Ok(if kit.has_member("fprobe", "rethook") { limited.to_owned() } else { String::new() })
}

fn tracefs(_kit: &mut Kit) -> Outcome {
    Definition::new("kprobe_events", "vfs_readlink")?.remove()
}

/// An event of tracefs for as long as it takes to see that the kernel accepts it. Its group's name tells whose it is, so
/// that a later start removes it if this process is killed meanwhile.
pub struct Definition {
    tracefs: TraceFs,
    file: &'static str,
    name: String,
    removed: bool,
}

impl Definition {
    /// Defines an event at that place.
    pub fn new(file: &'static str, place: &str) -> Result<Definition> {
        let tracefs = TraceFs::open()?;
        let name = format!("{}/doctor", Maker::this()?.group());
        tracefs.append(file, &format!("p:{name} {place}\n"))?;
        Ok(Definition { tracefs, file, name, removed: false })
    }

    /// Removes it, and says whether all went well.
    pub fn remove(mut self) -> Outcome {
        let there = self.tracefs.exists(&format!("events/{}/id", self.name));
        self.removed = true;
        self.tracefs.append(self.file, &format!("-:{}\n", self.name))?;
        match there {
            true => Ok(String::new()),
            false => Err(Error::new("cannot use the event that was defined", "tracefs does not show it").into()),
        }
    }
}

impl Drop for Definition {
    fn drop(&mut self) {
        if !self.removed {
            // There is nobody to tell; a cleanup finds it by its name.
            let _ = self.tracefs.append(self.file, &format!("-:{}\n", self.name));
        }
    }
}
