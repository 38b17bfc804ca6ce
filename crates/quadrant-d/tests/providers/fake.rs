//! Providers on kernels that are made up: others than the running one, and with less.

use crate::world::desc;
use quadrant_d::providers::{Providers, Settings, Value, spell};
use quadrant_program::probe::{
    Args, Field, FieldPlace, Found, Inode, KernelCode, Point, ProbeCatalog, ProbeError, ProbeKind, ProbeSource,
    ProbeSpec, Site,
};
use quadrant_types::{TypeId, Types};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A kernel with these tracepoints and functions; the names of the tracepoints' arguments.
struct Fake {
    types: Types,
    events: &'static [&'static str],
    raw: &'static [(&'static str, &'static [&'static str])],
    functions: &'static [&'static str],
    /// They have a static probe `sale` of the providers `shop` and `audit` each, in a file that cannot be looked up.
    processes: &'static [u32],
    /// What lists were asked for, but those of which nothing is said.
    listed: RefCell<Vec<String>>,
}

impl Fake {
    /// The types know the raw tracepoints' names and nothing else.
    fn new(
        events: &'static [&'static str],
        raw: &'static [(&'static str, &'static [&'static str])],
        functions: &'static [&'static str],
    ) -> Self {
        let types = Types::without_btf("none");
        for (name, _) in raw {
            types.define_typedef(&format!("btf_trace_{name}"), TypeId::VOID);
        }
        Self { types, events, raw, functions, processes: &[], listed: RefCell::default() }
    }

    fn providers(&self) -> Providers<'_> {
        Providers::new(self, &self.types, Settings::default())
    }

    fn field(&self, name: &str, place: FieldPlace) -> Field {
        Field { name: name.to_owned(), ty: self.types.int(8, true), place, user: false }
    }

    fn tracepoint(&self, category: &str, event: &str) -> Option<Found> {
        self.events.contains(&&*format!("{category}:{event}")).then(|| {
            let site = Site::Tracepoint { category: category.to_owned(), event: event.to_owned() };
            let field = |index: u32| self.field("f", FieldPlace::Context { offset: 16 + 8 * index, size: 8 });
            found(site, "", vec![field(0), field(1)])
        })
    }

    fn raw_tracepoint(&self, event: &str) -> Option<Found> {
        let (name, args) = self.raw.iter().find(|(name, _)| *name == event)?;
        let fields = args.iter().zip(0..).map(|(name, index)| self.field(name, FieldPlace::Arg(index)));
        Some(found(Site::RawTracepoint { event: (*name).to_owned(), btf_id: 1 }, "", fields.collect()))
    }

    /// Functions whose names begin with `__`, or that the compiler made, have no types.
    fn function(&self, kind: ProbeKind, name: &str) -> Option<Found> {
        let name = self.functions.iter().find(|known| **known == name)?;
        if matches!(kind, ProbeKind::Fentry | ProbeKind::Fexit) && (name.starts_with("__") || name.contains('.')) {
            return None;
        }
        let code = KernelCode { symbol: (*name).to_owned(), ..KernelCode::default() };
        let (site, place) = match kind {
            ProbeKind::Fentry | ProbeKind::Kprobe => (Site::Kprobe(code), FieldPlace::Arg(0)),
            _ => (Site::Kretprobe(code), FieldPlace::Result),
        };
        Some(found(site, name, vec![self.field("bio", place)]))
    }
}

fn found(site: Site, func: &str, fields: Vec<Field>) -> Found {
    let point = Point { site, name: String::new(), func: func.to_owned() };
    Found { point, args: Arc::new(Args { fields, ..Args::default() }) }
}

impl ProbeSource for Fake {
    fn find(&self, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError> {
        let parts: Vec<&str> = spec.parts.iter().map(String::as_str).collect();
        let found = match (spec.kind, parts.as_slice()) {
            (ProbeKind::Tracepoint, [category, event]) => self.tracepoint(category, event),
            (ProbeKind::RawTracepoint, [event]) => self.raw_tracepoint(event),
            (kind, [.., name]) => self.function(kind, name),
            _ => None,
        };
        found.map(|found| vec![found]).ok_or_else(|| ProbeError::new("not here"))
    }
}

impl ProbeCatalog for Fake {
    fn find_in(&self, pid: u32, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError> {
        if spec.kind != ProbeKind::Usdt {
            return self.find(spec);
        }
        let sale = |provider| {
            let path = PathBuf::from("/gone");
            let site = Site::Usdt { path, inode: Inode::default(), offset: 4, semaphore: 0, pid: Some(pid) };
            let mut one = found(site, "", Vec::new());
            one.point.name = format!("usdt:/gone:{provider}:sale");
            one
        };
        Ok(["shop", "audit"].map(sale).into())
    }

    fn list(&self, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>, ProbeError> {
        let part = |index: usize| parts.get(index).map_or("*", String::as_str);
        let is_part = |index: usize, name: &str| part(index) == "*" || part(index) == name;
        let is_meant = |event: &&&str| {
            event.split_once(':').is_some_and(|(category, event)| is_part(0, category) && is_part(1, event))
        };
        self.listed.borrow_mut().push(parts.join(":"));
        Ok(match kind {
            ProbeKind::Tracepoint => {
                self.events.iter().filter(is_meant).map(|event| format!("tracepoint:{event}")).collect()
            }
            ProbeKind::RawTracepoint => {
                self.raw.iter().map(|(name, _)| format!("rawtracepoint:vmlinux:{name}")).collect()
            }
            kind => self.functions.iter().map(|name| format!("{}:vmlinux:{name}", kind.name())).collect(),
        })
    }

    fn unsaid(&self, look: &mut dyn FnMut()) {
        let listed = self.listed.borrow().clone();
        look();
        self.listed.replace(listed);
    }

    fn list_in(&self, _pid: u32, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>, ProbeError> {
        self.list(kind, parts)
    }

    fn event_number(&self, category: &str, event: &str) -> Option<u32> {
        let place = self.events.iter().position(|known| *known == format!("{category}:{event}"))?;
        u32::try_from(place).ok().map(|place| place + 20)
    }

    fn program_of(&self, _pid: u32) -> Option<PathBuf> {
        None
    }

    fn processes(&self) -> Vec<u32> {
        self.processes.to_vec()
    }

    fn libraries_of(&self, _program: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    fn provider_definitions(&self, _path: &Path) -> Vec<String> {
        Vec::new()
    }

    fn user_function_at(&self, _path: &Path, _offset: u64) -> Option<String> {
        None
    }
}

const EVENTS: &[&str] = &["sched:sched_switch", "mod:of_a_module", "syscalls:sys_enter_read", "syscalls:sys_exit_read"];

#[test]
fn probes_of_processes_outlive_their_file() {
    let fake = Fake { processes: &[12, 34], ..Fake::new(&[], &[], &[]) };
    let found = fake.providers().find(&desc("shop*:::sale")).unwrap();
    let names: Vec<&str> = found.iter().map(|probe| probe.point.name.as_str()).collect();
    assert_eq!(names, ["shop12:gone::sale", "shop34:gone::sale"]);
}

/// Other systems' providers have names that programs have for theirs too.
#[test]
fn advice_for_other_systems_is_not_for_a_programs_own_provider() {
    let fake = Fake { processes: &[12], ..Fake::new(&[], &[], &[]) };
    let refused = |text: &str| {
        let error = fake.providers().find(&desc(text)).unwrap_err();
        format!("{}\n{}", error.message, error.help_in(spell).join("\n"))
    };
    for of_a_process in ["audit12:::sal", "audit*:::sal"] {
        let refusal = refused(of_a_process);
        assert!(refusal.contains(":::sale`?") && !refusal.contains("FreeBSD"), "{refusal}");
    }
    let refusal = refused("audit*:/tmp/nosuch::sale");
    assert!(refusal.contains("not here") && !refusal.contains("FreeBSD"), "{refusal}");
    for of_nobody in ["audit:::sal", "priv12:::sal", "priv*:::sal", "priv*:gone::sale"] {
        assert!(refused(of_nobody).contains("is a provider of FreeBSD"), "{of_nobody}");
    }
}

#[test]
fn arguments_by_their_names_wherever_they_are() {
    let old = Fake::new(EVENTS, &[("block_bio_queue", &["q", "bio"])], &[]);
    let start = old.providers().find(&desc("io:::start")).unwrap();
    let Value::Text(text) = &start[0].layout.args[0].value else { panic!("{start:?}") };
    assert!(text.contains("arg1)") && !text.contains("arg0"), "{text}");
}

#[test]
fn other_ways_of_older_kernels() {
    let old = Fake::new(EVENTS, &[("sched_switch", &["preempt", "prev", "next"]), ("sched_process_exit", &["p"])], &[]);
    let providers = old.providers();
    let predicate = |text: &str| providers.find(&desc(text)).unwrap()[0].layout.predicate.clone().unwrap();
    assert!(predicate("sched:::sleep").contains("->state != 0"));
    assert!(predicate("proc:::exit").contains("->signal->live.counter == 0"));
    let error = providers.find(&desc("sched:::wakeup")).unwrap_err();
    assert!(error.message.contains("it has no tracepoint sched_waking"), "{error:?}");
}

#[test]
fn what_needs_functions() {
    let without = Fake::new(EVENTS, &[], &[]);
    let error = without.providers().find(&desc("io:::wait-start")).unwrap_err();
    assert!(error.message.contains("not here") && error.help_in(spell)[0].contains("sched:::off-cpu"), "{error:?}");
    let with = Fake::new(EVENTS, &[], &["submit_bio_wait", "vfs_read"]);
    let providers = with.providers();
    let wait = providers.find(&desc("io:::wait-done")).unwrap();
    assert!(matches!(wait[0].point.site, Site::Kretprobe(_)));
    assert!(wait[0].layout.requires[0].starts_with("fbt::submit_bio_wait:entry { self->__io_wait = "), "{wait:?}");
    let read = providers.find(&desc("fbt::vfs_read:")).unwrap();
    assert_eq!(read[0].point.name, "fbt:vmlinux:vfs_read:entry");
    assert_eq!(read[1].layout.raw, [Value::Constant(-1), Value::Result], "no offset of a return is told");
    assert_eq!((&read[1].layout.args[0].value, read[1].layout.args.len()), (&Value::Constant(-1), 2));
    let raw = providers.find(&desc("rawfbt::vfs_read:")).unwrap();
    assert!(raw[0].layout.args.is_empty());
    assert_eq!(raw[1].layout.raw, read[1].layout.raw);
}

/// A kernel probe could be there, with what the registers hold by then.
#[test]
fn places_between_the_ends_of_functions_are_none() {
    let kernel = Fake::new(EVENTS, &[], &["vfs_read+4"]);
    for place in ["fbt::vfs_read+4:entry", "rawfbt::vfs_read+4:entry"] {
        let error = kernel.providers().find(&desc(place)).unwrap_err();
        assert_eq!(error.message, format!("probe description {place} does not match any probes"));
        assert!(error.help_in(spell)[0].contains("the two ends of functions"), "{error:?}");
    }
}

#[test]
fn functions_without_types() {
    let kernel = Fake::new(EVENTS, &[], &["__untyped", "made.isra.0"]);
    let providers = kernel.providers();
    let both = providers.find(&desc("fbt::__untyped:")).unwrap();
    assert!(matches!((&both[0].point.site, &both[1].point.site), (Site::Kprobe(_), Site::Kretprobe(_))), "{both:?}");
    assert_eq!(both[1].point.name, "fbt:vmlinux:__untyped:return");
    let error = providers.find(&desc("fbt::made.isra.0:entry")).unwrap_err();
    assert_eq!(error.help_in(spell), ["use `rawfbt::made.isra.0:entry`"]);
    assert_eq!(providers.find(&desc("rawfbt::made.isra.0:entry")).unwrap().len(), 1);
}

#[test]
fn tracepoints_without_types() {
    let fake = Fake::new(EVENTS, &[], &[]);
    let providers = fake.providers();
    let module = providers.find(&desc("sdt:mod::of_a_module")).unwrap();
    assert!(matches!(module[0].point.site, Site::Tracepoint { .. }));
    assert_eq!((module[0].id, module[0].layout.args.len()), (2_021, 2));
    assert_eq!(providers.by_id(2_021).unwrap()[0].point, module[0].point);
    // System calls are no probes of this provider.
    assert_eq!(providers.find(&desc("sdt:::")).unwrap().len(), 2);
}

#[test]
fn providers_that_are_not_there() {
    let fake = Fake::new(EVENTS, &[], &[]);
    let providers = fake.providers();
    for text in ["nosuch:::", "nosuch123:::", "syscall:xfs:read:entry", "::nothing:entry"] {
        let error = providers.find(&desc(text)).unwrap_err();
        assert!(!error.message.is_empty(), "{text}");
    }
    assert_eq!(providers.find(&desc("syscall::read:")).unwrap().len(), 2);
}

/// The directory of all calls has thousands of files, which the kernel makes as they are looked at.
#[test]
fn calls_that_are_named_need_no_list_of_all() {
    let kernel = Fake::new(&["syscalls:sys_enter_read", "syscalls:sys_enter_openat"], &[], &[]);
    let providers = kernel.providers();
    assert_eq!(providers.find(&desc("syscall::read:entry")).unwrap().len(), 1);
    assert_eq!(providers.find(&desc("syscall::open64:entry")).unwrap().len(), 1);
    assert_eq!(providers.find(&desc("syscall::open*:entry")).unwrap().len(), 1);
    let listed = kernel.listed.take();
    assert!(listed[0] == "syscalls:sys_enter_read" && listed.last().unwrap() == "syscalls:*", "{listed:?}");
    assert_eq!(listed.iter().filter(|asked| asked.ends_with('*')).count(), 1, "{listed:?}");
    // Nothing is asked again once all are known.
    assert_eq!(providers.find(&desc("syscall::read:entry")).unwrap().len(), 1);
    assert_eq!(kernel.listed.take(), [""; 0]);
}

/// To look through thousands of functions for a near name is no reason to say which of them cannot be probed.
#[test]
fn nothing_is_said_of_what_was_not_asked_for() {
    let kernel = Fake::new(EVENTS, &[], &["vfs_read"]);
    let error = kernel.providers().find(&desc("fbt::vfs_read:foo")).unwrap_err();
    assert!(error.message.contains("fbt::vfs_read:foo"), "{error:?}");
    assert_eq!(kernel.listed.take(), [""; 0]);
}
