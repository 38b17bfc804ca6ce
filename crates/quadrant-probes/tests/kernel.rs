//! Against the running kernel: tracepoints by tracefs, raw tracepoints by BTF. Needs root; says so and passes without.

use quadrant_probes::{Options, Source};
use quadrant_program::probe::{FieldPlace, Found, ProbeError, ProbeKind, ProbeSource, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_types::{Btf, Types};
use std::rc::Rc;
use std::sync::Arc;

struct Kernel {
    source: Source,
    types: Rc<Types>,
}

impl Kernel {
    fn open() -> Option<Self> {
        let data = std::fs::read("/sys/kernel/btf/vmlinux").map_err(|error| eprintln!("skipped: BTF: {error}")).ok()?;
        let types = Rc::new(Types::new(Btf::new(data).unwrap()));
        let source = Source::new(types.clone(), Options::default());
        if let Err(error) = source.tracefs() {
            eprintln!("skipped: {error}");
            return None;
        }
        Some(Self { source, types })
    }

    fn find(&self, kind: ProbeKind, parts: &[&str]) -> Result<Vec<Found>, ProbeError> {
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        self.source.find(&ProbeSpec { kind, parts, span: Span::default() })
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<Vec<Found>, ProbeError> {
        self.find(ProbeKind::Tracepoint, &[category, event])
    }

    fn list(&self, kind: ProbeKind, parts: &[&str]) -> Vec<String> {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        self.source.list(kind, &parts).unwrap()
    }

    /// Name, type, place and whether it points to user memory.
    fn field(&self, found: &Found, name: &str) -> (String, FieldPlace, bool) {
        let field = found.args.fields.iter().find(|field| field.name == name).unwrap();
        (self.types.display(field.ty), field.place, field.user)
    }
}

/// The advice of an error, with probes as data.
fn advice(error: &ProbeError) -> String {
    error.help_in(|named| Some(format!("{named:?}"))).join("\n")
}

#[test]
fn system_call_arguments() {
    let Some(kernel) = Kernel::open() else { return };
    let found = kernel.tracepoint("syscalls", "sys_enter_openat").unwrap();
    let [openat] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(openat.point.name, "tracepoint:syscalls:sys_enter_openat");
    let place = |offset, size| FieldPlace::Context { offset, size };
    assert_eq!(kernel.field(openat, "dfd"), ("int".into(), place(16, 4), false));
    assert_eq!(kernel.field(openat, "filename"), ("const char *".into(), place(24, 8), true));
    assert!(openat.args.fields.iter().all(|field| !field.name.starts_with("common_")));
}

#[test]
fn fields_of_each_kind() {
    let Some(kernel) = Kernel::open() else { return };
    let switch = &kernel.tracepoint("sched", "sched_switch").unwrap()[0];
    let (ty, place, user) = kernel.field(switch, "prev_comm");
    assert_eq!((ty.as_str(), user), ("char[16]", false));
    assert!(matches!(place, FieldPlace::Context { size: 16, .. }));
    let exec = &kernel.tracepoint("sched", "sched_process_exec").unwrap()[0];
    let (ty, place, _) = kernel.field(exec, "filename");
    assert_eq!(ty, "char[]");
    assert!(matches!(place, FieldPlace::DataLoc { relative: false, .. }));
    let enter = &kernel.tracepoint("raw_syscalls", "sys_enter").unwrap()[0];
    assert_eq!(kernel.field(enter, "args").0, "unsigned long[6]");
}

#[test]
fn wildcards_share_equal_arguments() {
    let Some(kernel) = Kernel::open() else { return };
    let exits = kernel.tracepoint("syscalls", "sys_exit_*").unwrap();
    assert!(exits.len() > 200);
    assert!(exits.iter().all(|found| Arc::ptr_eq(&found.args, &exits[0].args)));
    let listed = kernel.list(ProbeKind::Tracepoint, &["syscalls", "sys_exit_*"]);
    let names: Vec<String> = exits.iter().map(|found| found.point.name.clone()).collect();
    assert_eq!(listed, names);
}

#[test]
fn all_tracepoints_can_be_described() {
    let Some(kernel) = Kernel::open() else { return };
    let too_many = kernel.tracepoint("*", "*").unwrap_err();
    assert!(too_many.message.contains("more than the limit of 1024"), "{too_many:?}");
    assert!(advice(&too_many).contains("--max-probes"));
    let options = Options { max_points: usize::MAX, ..Options::default() };
    let kernel = Kernel { source: Source::new(kernel.types.clone(), options), types: kernel.types };
    let all = kernel.tracepoint("*", "*").unwrap();
    assert!(all.len() > 1000);
    let unknown = all.iter().flat_map(|found| &found.args.fields).filter(|field| field.name.is_empty());
    assert_eq!(unknown.count(), 0);
}

#[test]
fn misspelt_tracepoints() {
    let Some(kernel) = Kernel::open() else { return };
    let error = kernel.tracepoint("sched", "sched_swich").unwrap_err();
    assert_eq!(error.message, "there is no tracepoint `sched:sched_swich`");
    assert!(advice(&error).contains("`sched:sched_switch`"), "{error:?}");
    assert!(kernel.tracepoint("sched", "../sched/sched_switch").is_err());
    assert!(kernel.tracepoint("nothing", "x*").is_err());
    assert!(kernel.list(ProbeKind::Tracepoint, &["nothing"]).is_empty());
}

#[test]
fn listings() {
    let Some(kernel) = Kernel::open() else { return };
    assert!(kernel.list(ProbeKind::RawTracepoint, &["sched_*"]).contains(&"rawtracepoint:vmlinux:sched_switch".into()));
    assert!(kernel.list(ProbeKind::Tracepoint, &[]).len() > 1000);
    assert_eq!(kernel.list(ProbeKind::Interval, &["s"]), ["interval:s:"]);
    assert!(kernel.list(ProbeKind::Software, &[]).contains(&"software:faults:".into()));
    assert_eq!(kernel.list(ProbeKind::Begin, &[]), ["begin"]);
}
