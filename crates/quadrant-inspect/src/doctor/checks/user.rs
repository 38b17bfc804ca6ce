//! User probes and USDT, on functions of this process.

use quadrant_bpf::Error;
use quadrant_bpf::helper;
use quadrant_bpf::insn::{Alu, Insn, Reg};
use quadrant_bpf::link::{Link, UprobeMulti, When};
use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_bpf::prog::{AttachType, ProgramKind, ProgramSpec, flags};

use super::super::kit::{Kit, Outcome, load};
use super::super::model::Area;
use super::super::own;
use super::Row;
use super::kernel::Definition;

const STATIC: Area = Area::UserStatic;
const DYNAMIC: Area = Area::UserDynamic;

const OPTIONS: &[&str] = &["CONFIG_UPROBES", "CONFIG_UPROBE_EVENTS"];

pub const ROWS: &[Row] = &[
    Row {
        id: "usdt.semaphore",
        area: STATIC,
        name: "USDT, with semaphores that the kernel raises",
        run: semaphore,
        options: OPTIONS,
        since: "",
        instead: &[("uprobe", "USDT probes without a semaphore")],
    },
    Row {
        id: "uprobe",
        area: DYNAMIC,
        name: "uprobe, by perf event",
        run: |kit| perf(kit, false),
        options: OPTIONS,
        since: "",
        instead: &[("uprobe.multi", "links to many places")],
    },
    Row {
        id: "uretprobe",
        area: DYNAMIC,
        name: "uretprobe, by perf event",
        run: |kit| perf(kit, true),
        options: OPTIONS,
        since: "",
        instead: &[("uprobe.multi", "links to many places")],
    },
    Row {
        id: "uprobe.multi",
        area: DYNAMIC,
        name: "uprobe, many with one link",
        run: |kit| multi(kit, AttachType::TraceUprobeMulti, When::Entry),
        options: OPTIONS,
        since: "6.6",
        instead: &[("uprobe", "one perf event for each place")],
    },
    Row {
        id: "uretprobe.multi",
        area: DYNAMIC,
        name: "uretprobe, many with one link",
        run: |kit| multi(kit, AttachType::TraceUprobeMulti, When::Return),
        options: OPTIONS,
        since: "6.6",
        instead: &[("uretprobe", "one perf event for each function")],
    },
    Row {
        id: "uprobe.session",
        area: DYNAMIC,
        name: "uprobe, entry and return with one program",
        run: |kit| multi(kit, AttachType::TraceUprobeSession, When::Session),
        options: OPTIONS,
        since: "6.13",
        instead: &[("uprobe", "two programs")],
    },
    Row {
        id: "uprobe.sleepable",
        area: DYNAMIC,
        name: "uprobe, programs that may wait for user memory",
        run: sleepable,
        options: OPTIONS,
        since: "6.0",
        instead: &[("uprobe", "texts whose page is not in memory read as empty")],
    },
    Row {
        id: "uprobe.tracefs",
        area: DYNAMIC,
        name: "uprobe, by tracefs",
        run: tracefs,
        options: OPTIONS,
        since: "",
        instead: &[("", "not needed: uprobes attach by perf event or link")],
    },
];

fn scope() -> Scope {
    Scope::Process(std::process::id())
}

fn perf(kit: &mut Kit, on_return: bool) -> Outcome {
    let event = Event::Uprobe { path: own::FILE, offset: own::function_offset()?, ref_ctr_offset: 0, on_return };
    kit.event_fires(ProgramKind::Kprobe, &event, scope(), own::call)
}

fn multi(kit: &mut Kit, attach_type: AttachType, when: When) -> Outcome {
    let insns = kit.counting(&[])?;
    let program = load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) })?;
    let places = UprobeMulti {
        path: own::FILE,
        offsets: &[own::function_offset()?],
        ref_ctr_offsets: &[],
        cookies: &[],
        pid: None,
        when,
    };
    let link = Link::uprobe_multi(&program, &places)?;
    kit.fires(link, own::call)
}

/// The program copies a word of user memory that is certainly there: the one that watchpoints are tried on.
fn sleepable(kit: &mut Kit) -> Outcome {
    let mut copy = vec![Insn::mov64(Reg::R1, Reg::R10), Insn::alu64_imm(Alu::Add, Reg::R1, -8)];
    copy.push(Insn::mov64_imm(Reg::R2, 8));
    copy.extend(Insn::ld_imm64(Reg::R3, own::word_address()));
    copy.push(Insn::call_helper(helper::COPY_FROM_USER));
    let insns = kit.counting(&copy)?;
    let program = load(&ProgramSpec { flags: flags::SLEEPABLE, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) })?;
    let offset = own::function_offset()?;
    let event = Event::Uprobe { path: own::FILE, offset, ref_ctr_offset: 0, on_return: false };
    let link = Link::perf_event(&program, PerfEvent::open(&event, scope())?, 0)?;
    match kit.value_of(link, own::call)? {
        0 => Ok(String::new()),
        _ => Err(Error::new("cannot read user memory", "the program ran, but its copy failed").into()),
    }
}

fn semaphore(kit: &mut Kit) -> Outcome {
    let program = kit.counter(ProgramKind::Kprobe)?;
    let (offset, ref_ctr_offset) = own::guarded_offsets()?;
    let event = Event::Uprobe { path: own::FILE, offset, ref_ctr_offset, on_return: false };
    let before = own::semaphore();
    let link = Link::perf_event(&program, PerfEvent::open(&event, scope())?, 0)?;
    let raised = own::semaphore() == before + 1;
    kit.fires(link, own::call_guarded)?;
    match raised {
        true => Ok(String::new()),
        false => Err(Error::new("the semaphore is not raised", "the probe fires, but it was not counted").into()),
    }
}

fn tracefs(_kit: &mut Kit) -> Outcome {
    let file = std::fs::read_link("/proc/self/exe").map_err(|error| Error::io("cannot find this program", &error))?;
    let place = format!("{}:{:#x}", file.display(), own::function_offset()?);
    Definition::new("uprobe_events", &place)?.remove()
}
