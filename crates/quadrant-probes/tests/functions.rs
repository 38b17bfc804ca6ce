//! Functions of the running kernel. Needs root, and a kernel with kprobes; says so and passes without.

use quadrant_bpf::insn::{Insn, Reg};
use quadrant_bpf::prog::{Program, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_probes::attach::{Means, Request, Semaphores, attach, close, stop};
use quadrant_probes::{Options, Source};
use quadrant_program::probe::{Found, ProbeError, ProbeKind, ProbeSource, ProbeSpec, Site};
use quadrant_program::span::Span;
use quadrant_types::{Btf, Types};
use std::ops::ControlFlow;
use std::rc::Rc;

/// In no hurry, and there on every kernel.
const QUIET: &str = "vfs_readlink";

fn source(allow_unsafe: bool) -> Option<Source> {
    let data = std::fs::read("/sys/kernel/btf/vmlinux").map_err(|error| eprintln!("skipped: BTF: {error}")).ok()?;
    let options = Options { allow_unsafe, ..Options::default() };
    let source = Source::new(Rc::new(Types::new(Btf::new(data).unwrap())), options);
    let tracefs = source.tracefs().map_err(|error| eprintln!("skipped: {error}")).ok()?;
    if !tracefs.exists("kprobe_events") {
        eprintln!("skipped: this kernel has no kprobes");
        return None;
    }
    Some(source)
}

fn find(source: &Source, kind: ProbeKind, parts: &[&str]) -> Result<Vec<Found>, ProbeError> {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    source.find(&ProbeSpec { kind, parts, span: Span::default() })
}

fn refusal(source: &Source, function: &str) -> ProbeError {
    find(source, ProbeKind::Kprobe, &[function]).unwrap_err()
}

/// Names of functions in the kernel's list, in its order.
fn functions() -> Vec<String> {
    let list = std::fs::read_to_string("/proc/kallsyms").unwrap();
    let function = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        matches!(words.next()?, "t" | "T").then_some(words.next()?.to_owned())
    };
    list.lines().filter_map(function).collect()
}

/// The advice of an error, with probes as data.
fn advice(error: &ProbeError) -> String {
    error.help_in(|named| Some(format!("{named:?}"))).join("\n")
}

#[test]
fn a_pattern_that_means_nothing_says_why() {
    let Some(source) = source(false) else { return };
    let locks = refusal(&source, "_raw_spin_*");
    assert!(advice(&locks).contains("--unsafe"), "{locks:?}");
    let parts = refusal(&source, "*.cold");
    assert!(advice(&parts).contains("not known to the function tracer"), "{parts:?}");
    let none = refusal(&source, "no_such_function_*");
    assert!(none.help.is_empty(), "{none:?}");
}

#[test]
fn locks_need_a_word_from_the_user() {
    let (Some(safe), Some(unsafe_)) = (source(false), source(true)) else { return };
    assert!(advice(&refusal(&safe, "_raw_spin_lock")).contains("--unsafe"));
    assert_eq!(find(&unsafe_, ProbeKind::Kprobe, &["_raw_spin_lock"]).unwrap().len(), 1);
}

#[test]
fn functions_that_the_compiler_changed_are_found_by_their_names_in_the_source() {
    let Some(source) = source(false) else { return };
    let all = functions();
    let is_alone = |name: &str| all.iter().filter(|other| other.split('.').next() == Some(name)).count() == 1;
    let changed = all.iter().filter(|name| !name.starts_with("__pfx_")).filter_map(|name| name.strip_suffix(".isra.0"));
    let Some(base) = changed.clone().find(|base| is_alone(base)) else { return eprintln!("skipped: there is none") };
    let found = find(&source, ProbeKind::Kprobe, &[base]).unwrap();
    assert_eq!(found.iter().map(|one| one.point.func.clone()).collect::<Vec<_>>(), [format!("{base}.isra.0")]);
    assert!(source.warnings().iter().any(|warning| warning.message.contains("changed by the compiler")));
}

/// bcc #5115: since Linux 6.10 the function is `kmem_cache_alloc_noprof`.
#[test]
fn functions_that_give_memory_are_found_by_the_names_of_all_kernels() {
    let Some(source) = source(false) else { return };
    let called = |name: &str| find(&source, ProbeKind::Kprobe, &[name]).unwrap()[0].point.func.clone();
    let [old, new] = ["kmem_cache_alloc", "kmem_cache_alloc_noprof"].map(called);
    assert_eq!(old, new);
    assert!(source.warnings().iter().any(|warning| warning.message.contains("in this kernel")));
    assert!(refusal(&source, "no_such_noprof").message.contains("no function"));
}

#[test]
fn what_the_kernel_blocks_is_refused_with_its_reason() {
    let Some(source) = source(false) else { return };
    let error = refusal(&source, "do_int3");
    assert!(error.message.contains("kprobes/blacklist"), "{error:?}");
}

#[test]
fn places_within_functions() {
    let Some(source) = source(false) else { return };
    let error = refusal(&source, "vfs_read+1");
    assert!(error.message.contains("no instruction starts"), "{error:?}");
    assert!(refusal(&source, "vfs_read+100000").message.contains("outside"));
    assert!(find(&source, ProbeKind::Kretprobe, &["vfs_read+4"]).is_err());
    let image = find(&source, ProbeKind::Kprobe, &["vmlinux", "vfs_read"]).unwrap();
    assert_eq!(image[0].point.name, "kprobe:vmlinux:vfs_read");
    let module = find(&source, ProbeKind::Kprobe, &["no_such_module", "vfs_read"]).unwrap_err();
    assert!(module.message.contains("not loaded"), "{module:?}");
}

#[test]
fn addresses_need_a_word_from_the_user() {
    let (Some(safe), Some(unsafe_)) = (source(false), source(true)) else { return };
    let found = find(&safe, ProbeKind::Kprobe, &[QUIET]).unwrap();
    let Site::Kprobe(code) = &found[0].point.site else { panic!("{found:?}") };
    let address = format!("{:#x}", code.address.unwrap());
    assert!(advice(&refusal(&safe, &address)).contains("--unsafe"));
    let by_address = find(&unsafe_, ProbeKind::Kprobe, &[&address]).unwrap();
    let Site::Kprobe(same) = &by_address[0].point.site else { panic!("{by_address:?}") };
    assert_eq!((same.address, same.symbol.as_str()), (code.address, QUIET));
}

/// Also where the kernel does not tell what it missed, and a trampoline would be chosen.
#[test]
fn returns_by_every_kind_of_event() {
    let Some(source) = source(false) else { return };
    let found = find(&source, ProbeKind::Kretprobe, &[QUIET]).unwrap();
    let insns = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    let program = Program::load(&ProgramSpec::new(ProgramKind::Kprobe, &insns)).unwrap();
    for means in [Means::Each, Means::Tracefs { maxactive: None }, Means::Tracefs { maxactive: Some(1) }] {
        let sites = [&found[0].point.site];
        let semaphores = &Semaphores::default();
        let request =
            Request { program: &program, sites: &sites, first_cookie: None, means, tolerant: false, semaphores };
        let mut attached = attach(&request, &TraceFs::open, &mut || ControlFlow::Continue(())).unwrap();
        stop([&mut attached]);
        assert!(attached.counts_misses() || means == Means::Each, "{means:?}");
        close(vec![attached]);
    }
}
