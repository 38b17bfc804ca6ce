//! A made-up world for scripts: a few types, probes and symbols, the same on every machine.

pub mod dump;
pub mod expect;

use std::path::PathBuf;
use std::sync::Arc;

use quadrant_bpftrace::lower::{UserAddress, UserPlace, UserSymbol};
use quadrant_bpftrace::{Env, Symbols};
use quadrant_program::probe::{
    ArgLoc, Args, Field, FieldPlace, Found, Inode, Operand, Point, ProbeError, ProbeKind, ProbeSource, ProbeSpec, Site,
};
use quadrant_types::{Attributes, FieldDef, StructDef, TypeId, Types};

/// The world in which scripts are compiled: what the user may do is all that there is to say.
pub fn env<'a>(probes: &'a Probes<'a>, params: &'a [String]) -> Env<'a> {
    Env {
        probes,
        runs: &|_| true,
        chosen: &|_| true,
        types: probes.0,
        symbols: &Names,
        params,
        settings: &[],
        child: Some(77),
        allow_unsafe: true,
        warns_of_style: false,
        portable: false,
    }
}

/// C types: `struct task`, `struct cred`, `enum state`.
pub fn types() -> Types {
    let types = Types::without_btf("there is none in tests");
    let (int, char, u64) = (types.int(4, true), types.char(), types.int(8, false));
    types.define_enum("state", &[("RUNNING", 0), ("ASLEEP", 1), ("DEAD", 64)], false);
    let state = types.lookup_enum("state").expect("just defined");
    let task = types.declare_struct("task", false);
    let cred = define(&types, "cred", vec![field("uid", int), field("gid", types.int(4, false))]);
    let fields = vec![
        field("pid", int),
        bits("flag", types.int(4, false), 3),
        bits("level", int, 7),
        field("state", state),
        field("comm", types.array_of(char, 16)),
        field("parent", types.pointer_to(task)),
        field("cred", cred),
        field("times", types.array_of(u64, 4)),
        field("mask", types.array_of(types.int(1, false), 6)),
        field("ready", types.bool()),
        field("data", types.pointer_to(TypeId::VOID)),
        field("name", types.pointer_to(char)),
    ];
    define(&types, "task", fields);
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

/// Probes whose names do not start with `no`.
pub struct Probes<'t>(pub &'t Types);

impl ProbeSource for Probes<'_> {
    fn find(&self, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError> {
        let last = spec.parts.last().map_or("", String::as_str);
        if last.starts_with("no") {
            let message = format!("no {} matches {}", spec.kind.name(), spec.parts.join(":"));
            return Err(ProbeError::new(message).help(["did you mean `yes`?".to_owned()]));
        }
        let names: Vec<String> = match last.strip_suffix('*') {
            Some(prefix) => ["one", "two"].iter().map(|end| format!("{prefix}{end}")).collect(),
            None => vec![last.to_owned()],
        };
        Ok(names.iter().map(|name| self.found(spec, name)).collect())
    }
}

impl Probes<'_> {
    fn found(&self, spec: &ProbeSpec, last: &str) -> Found {
        let before = &spec.parts[..spec.parts.len().saturating_sub(1)];
        let mut parts = vec![spec.kind.name()];
        parts.extend(before.iter().map(String::as_str).chain([last]).filter(|part| !part.is_empty()));
        let point = Point { site: site(spec.kind, before, last), name: parts.join(":"), func: String::new() };
        Found { point, args: Arc::new(self.args(spec.kind, last)) }
    }

    fn args(&self, kind: ProbeKind, last: &str) -> Args {
        let numbered = match kind {
            ProbeKind::Usdt => usdt_args(),
            _ => Vec::new(),
        };
        let fields = match kind {
            ProbeKind::Tracepoint => self.tracepoint_fields(last),
            ProbeKind::RawTracepoint => self.raw_fields(),
            _ => Vec::new(),
        };
        Args { fields, numbered, ..Args::default() }
    }

    fn tracepoint_fields(&self, last: &str) -> Vec<Field> {
        let types = self.0;
        // `wake_two` has its fields elsewhere than the others.
        let shift = if last.ends_with("two") { 8 } else { 0 };
        let context = |offset: u32, size| FieldPlace::Context { offset: offset + shift, size };
        let int = types.int(4, true);
        let text = types.pointer_to(types.char());
        let task = types.pointer_to(types.lookup_struct("task").expect("defined above"));
        let state = types.lookup_enum("state").expect("defined above");
        let field = |name: &str, ty, place, user| Field { name: name.to_owned(), ty, place, user };
        vec![
            field("pid", int, context(8, 4), false),
            field("comm", types.array_of(types.char(), 16), context(16, 16), false),
            field("filename", text, context(32, 8), true),
            field("task", task, context(40, 8), false),
            field("state", state, context(48, 4), false),
            field("name", types.array_of(types.char(), 0), FieldPlace::DataLoc { offset: 52, relative: false }, false),
            field(
                "bytes",
                types.array_of(types.int(1, false), 0),
                FieldPlace::DataLoc { offset: 56, relative: true },
                false,
            ),
            field("argv", types.pointer_to(text), context(64, 8), true),
            field("mac", types.array_of(types.int(1, false), 6), context(72, 6), false),
            field("addr", types.array_of(types.int(1, false), 16), context(80, 16), false),
            field("ret", types.int(8, true), context(96, 8), false),
        ]
    }

    fn raw_fields(&self) -> Vec<Field> {
        let types = self.0;
        let task = types.pointer_to(types.lookup_struct("task").expect("defined above"));
        let field =
            |name: &str, ty, number| Field { name: name.to_owned(), ty, place: FieldPlace::Arg(number), user: false };
        vec![field("prev", task, 0), field("count", types.int(4, true), 1)]
    }
}

fn usdt_args() -> Vec<ArgLoc> {
    let place = |bytes, signed, operand| ArgLoc { bytes, signed, float: false, operand };
    vec![
        place(4, true, Operand::Reg { reg: 112, shift: 0 }),
        place(8, false, Operand::Const(7)),
        place(8, false, Operand::Unavailable),
    ]
}

fn site(kind: ProbeKind, before: &[String], last: &str) -> Site {
    let path = PathBuf::from(before.first().map_or("", String::as_str));
    let offset = last.len() as u64 * 16;
    match kind {
        ProbeKind::Begin => Site::Begin,
        ProbeKind::End => Site::End,
        ProbeKind::Tracepoint => Site::Tracepoint { category: before.join(":"), event: last.to_owned() },
        ProbeKind::RawTracepoint => Site::RawTracepoint { event: last.to_owned(), btf_id: 1 },
        ProbeKind::Uprobe => Site::Uprobe { path, inode: Inode::default(), offset, pid: None },
        ProbeKind::Uretprobe => Site::Uretprobe { path, inode: Inode::default(), offset, pid: None },
        ProbeKind::Usdt => Site::Usdt { path, inode: Inode::default(), offset, semaphore: 0, pid: None },
        _ => Site::Interval { period_ns: 1_000_000_000 + last.len() as u64 },
    }
}

/// Knows names that do not start with `no`.
pub struct Names;

impl Symbols for Names {
    fn kernel_address(&self, name: &str) -> Result<u64, String> {
        known(name, 0xffff_ffff_8100_0000)
    }

    fn user_symbol(&self, place: UserPlace<'_>, name: &str) -> Result<UserSymbol, String> {
        let address = known(name, 0x40_0000 + place.path.as_os_str().len() as u64)?;
        Ok(UserSymbol { address: UserAddress::Fixed(address), size: 8 })
    }

    fn cgroup_id(&self, path: &str) -> Result<u64, String> {
        known(path, 42)
    }

    fn kernel_version(&self) -> Result<u64, String> {
        Ok(0x06_0c_ff)
    }
}

fn known(name: &str, value: u64) -> Result<u64, String> {
    if name.starts_with("no") { Err(format!("there is no symbol `{name}`")) } else { Ok(value) }
}
