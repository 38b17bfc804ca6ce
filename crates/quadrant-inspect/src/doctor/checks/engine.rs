//! Maps, loops, counters and stacks: what every script's programs are made of.

use quadrant_bpf::helper;
use quadrant_bpf::insn::{Alu, Insn, Reg, Size};
use quadrant_bpf::link::Link;
use quadrant_bpf::map::{Map, MapKind, MapSpec};
use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_bpf::perfbuf::PerfBuffer;
use quadrant_bpf::prog::{self, ProgramKind, ProgramSpec};
use quadrant_bpf::{Error, Result, cpus};

use super::super::kit::{Kit, Outcome, absent, load};
use super::super::model::Area;
use super::super::own;
use super::{Instead, Row};

pub const ROWS: &[Row] = &[
    row("map.array", "maps that are memory of both sides", "", &[], |kit| done(kit.counters())),
    row(
        "map.growing",
        "maps that take memory as they grow",
        "6.1",
        &[("", "maps whose memory is taken at the start")],
        |kit| has(kit.features.growing_hash(), "hashes without memory of their own in all tracing programs"),
    ),
    row("map.task_storage", "values kept with a thread", "5.11", &[("", "maps with the thread as key")], |kit| {
        has(kit.features.task_storage(), "task storage")
    }),
    row("ring_buffer", "ring buffer", "5.8", &[("", "perf buffers, one a processor")], ring_buffer),
    row("perf_buffer", "perf buffers", "", &[("", "the ring buffer")], perf_buffer),
    row(
        "loop",
        "bpf_loop (loops that may run long)",
        "5.17",
        &[("", "unroll(n) { ... }; other loops are refused")],
        |kit| has(kit.features.bpf_loop(), "bpf_loop"),
    ),
    row(
        "for_each",
        "bpf_for_each_map_elem (loops over maps)",
        "5.13",
        &[("", "loops over maps and len() of maps are refused")],
        |kit| has(kit.features.for_each_map_elem(), "bpf_for_each_map_elem"),
    ),
    row(
        "atomic",
        "atomic exchange (scratch memory)",
        "5.12",
        &[("", "a load and a store, which kernels without it do not preempt")],
        |kit| has(kit.features.atomic_fetch(), "atomic operations that return the old value"),
    ),
    row("cpu_v4", "signed division by instruction", "6.6", &[("", "it is put together from others")], |kit| {
        has(kit.features.cpu_v4(), "the instructions of version 4")
    }),
    row(
        "perf_link",
        "links to perf events",
        "5.15",
        &[("", "the event holds the program itself, without a cookie")],
        |kit| has(kit.features.perf_link(), "links to perf events"),
    ),
    row("statistics", "runs of programs, counted by the kernel", "5.8", &[("", "no costs are shown")], |_| {
        done(prog::enable_stats())
    }),
    row("stack.kernel", "kernel stacks", "", &[("", "kstack is empty")], kernel_stack),
    row("stack.user", "user stacks", "", &[("", "ustack is empty")], user_stack),
];

const fn row(
    id: &'static str,
    name: &'static str,
    since: &'static str,
    instead: &'static [Instead],
    run: fn(&mut Kit) -> Outcome,
) -> Row {
    Row { id, area: Area::Engine, name, run, options: &["CONFIG_BPF_SYSCALL"], since, instead }
}

/// It worked if there was an answer.
fn done<T>(answer: Result<T>) -> Outcome {
    answer?;
    Ok(String::new())
}

fn has(available: bool, what: &str) -> Outcome {
    // Without the right to load programs the answer is no, which means nothing.
    match (available, Map::create(&MapSpec::new(MapKind::Array, 4, 4, 1))) {
        (true, _) => Ok(String::new()),
        (false, Err(refused)) => Err(refused.into()),
        (false, Ok(_)) => Err(absent(what).into()),
    }
}

fn ring_buffer(_kit: &mut Kit) -> Outcome {
    done(Map::create(&MapSpec::new(MapKind::RingBuffer, 0, 0, 1 << 16)))
}

fn perf_buffer(_kit: &mut Kit) -> Outcome {
    let map = Map::create(&MapSpec::new(MapKind::PerfEventArray, 4, 4, cpus::possible_count()? as u32))?;
    done(PerfBuffer::new(&map, 1, 1))
}

/// Frames that a stack may have.
const DEPTH: i32 = 16;

/// The flag of `bpf_get_stack` for the user's side.
const USER: i32 = 1 << 8;

fn kernel_stack(kit: &mut Kit) -> Outcome {
    let insns = kit.counting(&stack(0))?;
    let program = load(&ProgramSpec::new(ProgramKind::RawTracepoint, &insns))?;
    let link = Link::raw_tracepoint(&program, c"sched_process_fork", 0)?;
    taken(kit.value_of(link, super::tracepoints::fork)?)
}

fn user_stack(kit: &mut Kit) -> Outcome {
    let insns = kit.counting(&stack(USER))?;
    let program = load(&ProgramSpec::new(ProgramKind::Kprobe, &insns))?;
    let offset = own::function_offset()?;
    let event = Event::Uprobe { path: own::FILE, offset, ref_ctr_offset: 0, on_return: false };
    let event = PerfEvent::open(&event, Scope::Process(std::process::id()))?;
    let link = Link::perf_event(&program, event, 0)?;
    taken(kit.value_of(link, own::call)?)
}

/// `r0 = bpf_get_stack(ctx, frames, size, flags)`, with the frames on the program's stack: filled with zeros before, for verifiers before
/// Linux 6.12 believe that the helper reads them.
fn stack(flags: i32) -> Vec<Insn> {
    const SIZE: i32 = 8 * DEPTH;
    let zeros = (1..=DEPTH as i16).map(|frame| Insn::st(Size::Dw, Reg::FP, -8 * frame, 0));
    let call = [
        Insn::mov64(Reg::R1, Reg::R6),
        Insn::mov64(Reg::R2, Reg::FP),
        Insn::alu64_imm(Alu::Add, Reg::R2, -SIZE),
        Insn::mov64_imm(Reg::R3, SIZE),
        Insn::mov64_imm(Reg::R4, flags),
        Insn::call_helper(helper::GET_STACK),
    ];
    zeros.chain(call).collect()
}

/// A negative answer is an error number.
fn taken(answer: u64) -> Outcome {
    match i64::try_from(answer) {
        Ok(_) => Ok(String::new()),
        Err(_) => {
            let errno = quadrant_bpf::errno::Errno::new((answer as i64).wrapping_neg() as i32);
            Err(Error::new("cannot take a stack", format!("bpf_get_stack answers {errno}")).into())
        }
    }
}
