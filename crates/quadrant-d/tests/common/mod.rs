//! A made-up world for scripts: a few types, probes and symbols, the same on every machine.

use std::sync::Arc;

use quadrant_d::desc::ProbeDesc;
use quadrant_d::lower::{Env, FindProbes, Symbols};
use quadrant_d::macros::Macros;
use quadrant_d::providers::{Arg, ArgType, Layout, Probe, Value};
use quadrant_program::probe::{
    BtfFunction, BtfOwner, Field, FieldPlace, Point, ProbeError, ProbeErrorKind, Rate, Site,
};
use quadrant_types::{Attributes, FieldDef, StructDef, TypeId, Types};

/// The world in which programs are compiled, without libraries and options.
pub fn env<'a>(probes: &'a Probes<'a>, macros: &'a Macros) -> Env<'a> {
    Env { probes, types: probes.0, symbols: &Names, libraries: &[], macros, options: &[], wall_offset: 1_000_000_000 }
}

/// C types: a `struct task_struct` of sorts, and what it has.
pub fn types() -> Types {
    let types = Types::without_btf("there is none in tests");
    let (int, char, u32, u64) = (types.int(4, true), types.char(), types.int(4, false), types.int(8, false));
    types.define_enum("state", &[("RUNNING", 0), ("ASLEEP", 1), ("DEAD", 64)], false);
    let state = types.lookup_enum("state").expect("just defined");
    let task = types.declare_struct("task_struct", false);
    let uid = define(&types, "kuid", vec![field("val", u32)]);
    let cred = define(&types, "cred", vec![field("uid", uid), field("gid", uid)]);
    let entity = define(&types, "sched_entity", vec![field("sum_exec_runtime", u64)]);
    let fields = vec![
        field("pid", int),
        field("tgid", int),
        field("__state", u32),
        bits("flag", u32, 3),
        bits("level", int, 7),
        field("state", state),
        field("comm", types.array_of(char, 16)),
        field("real_parent", types.pointer_to(task)),
        field("cred", types.pointer_to(cred)),
        field("se", entity),
        field("stack", types.pointer_to(TypeId::VOID)),
        field("times", types.array_of(u64, 4)),
        field("name", types.pointer_to(char)),
    ];
    define(&types, "task_struct", fields);
    types
}

fn define(types: &Types, name: &str, fields: Vec<FieldDef>) -> TypeId {
    let def = StructDef { name: name.to_owned(), is_union: false, attributes: Attributes::default(), fields };
    types.define_struct(&def).expect("a good definition")
}

fn field(name: &str, ty: TypeId) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, bits: None, attributes: Attributes::default() }
}

fn bits(name: &str, ty: TypeId, bits: u8) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, bits: Some(bits), attributes: Attributes::default() }
}

/// The probes: `BEGIN`, `END`, `ERROR`, `tick-1s`, system calls `read` and `write`, the function `f`, and `wakeup`, which speaks of
/// another task.
pub struct Probes<'t>(pub &'t Types);

const ALL: &[&str] = &[
    "dtrace:::BEGIN",
    "dtrace:::END",
    "dtrace:::ERROR",
    "profile:::tick-1s",
    "syscall:vmlinux:read:entry",
    "syscall:vmlinux:write:entry",
    "syscall:vmlinux:read:return",
    "syscall:vmlinux:write:return",
    "fbt:vmlinux:f:entry",
    "sched:vmlinux::wakeup",
    "rawtp:vmlinux::sched_switch",
];

impl FindProbes for Probes<'_> {
    fn find(&self, desc: &ProbeDesc) -> Result<Vec<Probe>, ProbeError> {
        let wanted = [&desc.provider, &desc.module, &desc.function, &desc.name];
        let fits = |name: &str| name.split(':').zip(wanted).all(|(part, wanted)| wanted.is_empty() || part == wanted);
        let found: Vec<Probe> =
            ALL.iter().enumerate().filter(|(_, name)| fits(name)).map(|(at, name)| self.probe(at, name)).collect();
        if found.is_empty() {
            let [provider, module, function, name] = wanted;
            let message = format!("probe description {provider}:{module}:{function}:{name} does not match any probes");
            let error = ProbeError::new(message).kind(ProbeErrorKind::NoMatch);
            return Err(error.help(["did you mean `dtrace:::BEGIN`?".to_owned()]));
        }
        Ok(found)
    }

    fn by_id(&self, id: u32) -> Result<Vec<Probe>, ProbeError> {
        match ALL.get((id as usize).wrapping_sub(1)) {
            Some(name) => Ok(vec![self.probe(id as usize - 1, name)]),
            None => Err(ProbeError::new(format!("there is no probe with the number {id}"))),
        }
    }
}

impl Probes<'_> {
    fn probe(&self, at: usize, name: &str) -> Probe {
        let func = name.split(':').nth(2).unwrap_or_default().to_owned();
        let point = Point { site: site(name), name: name.to_owned(), func };
        Probe { point, id: at as u32 + 1, layout: Arc::new(self.layout(name)) }
    }

    fn layout(&self, name: &str) -> Layout {
        let types = self.0;
        let at = |number: u32, ty: TypeId| {
            let place = FieldPlace::Context { offset: 16 + 8 * number, size: 8 };
            Value::Field(Field { name: format!("a{number}"), ty, place, user: true })
        };
        let text = types.pointer_to(types.char());
        match name.split(':').next_back().unwrap_or_default() {
            "entry" if name.starts_with("syscall") => {
                let (fd, buf) = (at(0, types.int(4, false)), at(1, text));
                let args = vec![arg(types.int(4, true), fd.clone()), arg(text, buf.clone())];
                let raw = vec![fd, buf, at(2, types.int(8, false))];
                Layout { args, raw, ..Layout::default() }
            }
            "return" => {
                let value = at(0, types.int(8, true));
                let errno = Some("arg0 < 0 && arg0 > -4096 ? -arg0 : 0".into());
                let args = vec![arg(types.int(8, true), value.clone())];
                let (raw, inputs) = (vec![value.clone(), value.clone()], vec![value]);
                Layout { args, raw, inputs, errno, ..Layout::default() }
            }
            "entry" | "sched_switch" => Layout { raw: (0..6).map(Value::Word).collect(), ..Layout::default() },
            "wakeup" => Layout {
                args: vec![Arg {
                    ty: ArgType::D("lwp_t *".into()),
                    value: Value::Text("xlate <lwp_t *> ((struct task_struct *)arg0)".into()),
                }],
                thread: Some("(struct task_struct *)arg0".into()),
                predicate: Some("arg1 != 0".into()),
                requires: vec!["fbt::f:entry { self->since = timestamp; }".into()],
                ..Layout::default()
            },
            _ => Layout::default(),
        }
    }
}

fn arg(ty: TypeId, value: Value) -> Arg {
    Arg { ty: ArgType::C(ty), value }
}

fn site(name: &str) -> Site {
    let parts: Vec<&str> = name.split(':').collect();
    let event =
        |prefix: &str| Site::Tracepoint { category: "syscalls".to_owned(), event: format!("{prefix}_{}", parts[2]) };
    match parts[3] {
        "BEGIN" => Site::Begin,
        "END" => Site::End,
        "ERROR" => Site::Error,
        "entry" if parts[0] == "syscall" => event("sys_enter"),
        "return" => event("sys_exit"),
        "entry" => Site::Fentry(BtfFunction {
            owner: BtfOwner::Kernel,
            name: "f".to_owned(),
            btf_id: 7,
            words: 2,
            is_plain: true,
            code: None,
            kprobe: false,
        }),
        "sched_switch" => Site::RawTracepoint { event: "sched_switch".to_owned(), btf_id: 10 },
        "wakeup" => Site::RawTracepoint { event: "sched_wakeup".to_owned(), btf_id: 9 },
        _ => Site::Profile(Rate::Hertz(1)),
    }
}

/// Knows `jiffies` and `f`.
pub struct Names;

impl Symbols for Names {
    fn kernel_address(&self, module: Option<&str>, name: &str) -> Result<u64, String> {
        if let Some(module) = module.filter(|module| !self.has_module(module)) {
            return Err(format!("the module `{module}` is not loaded"));
        }
        match name {
            "jiffies" => Ok(0xffff_ffff_8100_0000),
            "f" => Ok(0xffff_ffff_8200_0000),
            _ => Err("Unknown symbol name".to_owned()),
        }
    }

    fn has_module(&self, name: &str) -> bool {
        name == "vmlinux"
    }
}
