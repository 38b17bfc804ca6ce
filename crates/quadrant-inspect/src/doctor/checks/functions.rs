//! Entry and exit of kernel functions by trampoline. They are tried on `vfs_readlink`.

use quadrant_bpf::link::Link;
use quadrant_bpf::prog::{AttachType, ProgramKind, ProgramSpec};
use quadrant_types::BtfKind;

use super::super::kit::{Kit, Outcome, load};
use super::super::model::Area;
use super::Row;
use super::kernel::{TRACEPOINTS, read_link};

const AREA: Area = Area::KernelDynamic;

const OPTIONS: &[&str] =
    &["CONFIG_DEBUG_INFO_BTF", "CONFIG_FUNCTION_TRACER", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"];

pub const ROWS: &[Row] = &[
    Row {
        id: "fentry",
        area: AREA,
        name: "fentry (entry by trampoline, typed arguments)",
        run: |kit| attach(kit, AttachType::TraceFentry),
        options: OPTIONS,
        since: "",
        instead: &[("kprobe", "kprobe"), TRACEPOINTS],
    },
    Row {
        id: "fexit",
        area: AREA,
        name: "fexit (exit by trampoline, arguments and result)",
        run: |kit| attach(kit, AttachType::TraceFexit),
        options: OPTIONS,
        since: "",
        instead: &[("kretprobe", "kretprobe"), TRACEPOINTS],
    },
];

fn attach(kit: &mut Kit, attach_type: AttachType) -> Outcome {
    let attach_btf_id = kit.type_id("vfs_readlink", BtfKind::Func)?;
    let insns = kit.counting(&[])?;
    let program = load(&ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &insns) })?;
    let link = Link::tracing(&program, attach_type, 0)?;
    kit.fires(link, read_link)
}
