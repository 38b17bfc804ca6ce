//! `--info`: what this kernel can do, by bpftrace's names and in its layout; behind them what matters to this tracer.

use quadrant_bpf::features::Features;
use quadrant_bpf::helper;
use quadrant_bpf::kernel;
use quadrant_bpf::prog::ProgramKind;

use crate::world;

/// Columns of an entry.
const WIDTH: usize = 33;

/// Everything, as lines.
pub fn text() -> String {
    let features = Features::new();
    let parts = [system(), build(), helpers(&features), kernel(&features), probe_types(&features)];
    parts.map(|part| part + "\n").concat()
}

fn system() -> String {
    let names = [kernel::name(), kernel::release(), kernel::version()].join(" ");
    format!("System\n  OS: {names}\n  Arch: {}\n", std::env::consts::ARCH)
}

/// What bpftrace gets from libraries is this program's own.
fn build() -> String {
    format!(
        "Build\n  version: {} (Quadrant {})\n  LLVM: none (Quadrant makes the instructions itself)\n  bfd: no\n  \
         libdw (DWARF support): yes\n  libsystemd (systemd notify support): yes\n  \
         blazesym (advanced symbolization): yes\n  dwunwind (DWARF stack unwinding): no\n",
        super::VERSION,
        env!("CARGO_PKG_VERSION"),
    )
}

fn helpers(features: &Features) -> String {
    let has = |helper| yes_no(features.helper(ProgramKind::Kprobe, helper));
    let entries = [
        ("dpath", has(helper::D_PATH)),
        ("get_tai_ns", has(helper::KTIME_GET_TAI_NS)),
        ("get_func_ip", yes_no(features.get_func_ip())),
        ("lookup_percpu_elem", has(helper::MAP_LOOKUP_PERCPU_ELEM)),
        ("loop", yes_no(features.bpf_loop())),
        ("for_each_map_elem", yes_no(features.for_each_map_elem())),
        ("probe_read_user", yes_no(features.split_probe_read())),
    ];
    section("Kernel helpers", &entries)
}

fn kernel(features: &Features) -> String {
    let has_types = std::path::Path::new("/sys/kernel/btf/vmlinux").exists();
    let entries = [
        // Of whoever may load tracing programs, since Linux 5.2.
        ("Instruction limit", "1000000"),
        ("btf", yes_no(has_types)),
        ("module btf", yes_no(knows_module_types())),
        ("ringbuf", yes_no(features.ring_buffer())),
        ("atomic fetch", yes_no(features.atomic_fetch())),
        ("sleepable uprobes", yes_no(features.sleepable_uprobe())),
    ];
    section("Kernel features", &entries)
}

/// Whether the kernel keeps types of modules, if it has any: since then it says of types whether they are its own.
fn knows_module_types() -> bool {
    let types = world::types();
    types.lookup_struct("bpf_btf_info").is_some_and(|info| types.find_member(info, "kernel_btf").is_some())
}

fn probe_types(features: &Features) -> String {
    let iterates = world::types().iterator_names().is_ok_and(|names| names.iter().any(|name| name == "task"));
    let entries = [
        ("kprobe_multi", yes_no(features.kprobe_multi())),
        ("uprobe_multi", yes_no(features.uprobe_multi())),
        ("kprobe_session", yes_no(features.kprobe_session())),
        ("iter", yes_no(iterates)),
        ("kprobe", yes_no(features.kprobe_event())),
    ];
    section("Probe types", &entries)
}

/// A title and entries, two a line.
fn section(title: &str, entries: &[(&str, &str)]) -> String {
    let cell = |(name, value): &(&str, &str)| format!("{:WIDTH$}", format!("{name}: {value}"));
    let line = |pair: &[(&str, &str)]| {
        let line: String = pair.iter().map(cell).collect();
        format!("  {}\n", line.trim_end())
    };
    format!("{title}\n{}", entries.chunks(2).map(line).collect::<String>())
}

fn yes_no(has: bool) -> &'static str {
    if has { "yes" } else { "no" }
}
