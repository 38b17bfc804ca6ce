//! D programs, records and a host for tests.

mod aggregations;
mod flow;
mod histograms;
mod hostile;
mod messages;
mod printa;
mod printf;
mod requests;
mod rows;
mod structs;

use std::collections::HashMap;

use quadrant_output::Frame;
use quadrant_output::Resolver;
use quadrant_output::Symbol;
use quadrant_output::dtrace::Host;
use quadrant_output::dtrace::Options;
use quadrant_output::dtrace::Printer;
use quadrant_output::dtrace::Request;
use quadrant_program::Program;
use quadrant_program::action::Action;
use quadrant_program::action::ActionKind;
use quadrant_program::format::Format;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::probe::Point;
use quadrant_program::probe::Site;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::StackMode;
use quadrant_program::ty::StackType;
use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;

use crate::common;
use crate::common::Argument;
use crate::common::Typed;
use crate::common::uint;
use crate::common::word;

/// Conversions of D.
const KINDS: &[&str] = &[
    "wc", "ws", "Lf", "a", "A", "c", "C", "d", "e", "E", "f", "g", "G", "i", "k", "o", "p", "s", "S", "T", "u", "x",
    "X", "Y",
];

/// The heading of rows.
pub const HEADING: &str = "CPU     ID                    FUNCTION:NAME\n";
/// A row of BEGIN before its data.
pub const BEGIN: &str = "  1      1                           :BEGIN ";

/// Knows modules; process 9 has ended.
#[derive(Default)]
pub struct Modules;

impl Resolver for Modules {
    fn stack(&mut self, kind: StackType, id: u32, _: u32, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        if kind.user && id == 1 {
            visit(Frame { inlined: true, symbol: Some(b"inlined"), ..Frame::default() });
        }
        let mut frame = |address, symbol, offset, module| {
            visit(Frame { address, symbol, offset, module, ..Frame::default() });
        };
        match (id, kind.user) {
            (0, _) => {}
            (1, false) => {
                frame(0xffff_ffff_8123, Some(b"do_syscall_64"), 0x71, Some(b"[kernel]"));
                frame(0xffff_ffff_c001, Some(b"xfs_read"), 0, Some(b"xfs"));
                frame(0xffff_ffff_c999, None, 0, Some(b"xfs"));
                frame(0xffff_ffff_d999, None, 0, None);
            }
            (1, true) => {
                frame(0x1182, Some(b"main@@V_1"), 16, Some(b"/usr/bin/prog"));
                frame(0x7f01, None, 0, Some(b"/lib/libc.so.6"));
                frame(0x7f99, None, 0, None);
                frame(0x8000, Some(b"evil\x1b[2J\n"), 0, Some(b"/a\nb"));
            }
            (2, true) => {
                frame(0x7f99, None, 0, None);
                frame(0x10, None, 0, None);
            }
            _ => return false,
        }
        true
    }

    fn kernel_symbol(&mut self, _: u64) -> Option<Symbol<'_>> {
        None
    }

    fn user_symbol(&mut self, _: u64, _: u32) -> Option<Symbol<'_>> {
        None
    }

    /// 0x1000 to 0x1fff is `vfs_read`, 0x2000 to 0x2fff `xfs_read` in a module, 0x3000 to 0x3fff only known to be in it.
    fn kernel_frame(&mut self, address: u64) -> Frame<'_> {
        let (symbol, module): (Option<&[u8]>, Option<&[u8]>) = match address >> 12 {
            1 => (Some(b"vfs_read"), None),
            2 => (Some(b"xfs_read"), Some(b"xfs")),
            3 => (None, Some(b"xfs")),
            _ => (None, None),
        };
        Frame { address, symbol, offset: address & 0xfff, module, ..Frame::default() }
    }

    fn user_frame(&mut self, address: u64, _: u32) -> Frame<'_> {
        let (symbol, module): (Option<&[u8]>, Option<&[u8]>) = match address >> 12 {
            1 => (Some(b"main"), Some(b"/usr/bin/prog")),
            2 => (None, Some(b"/lib/libc.so.6")),
            _ => (None, None),
        };
        Frame { address, symbol, offset: address & 0xfff, module, ..Frame::default() }
    }

    fn process_gone(&mut self, pid: u32) -> bool {
        pid == 9
    }

    fn username(&mut self, _: u32) -> Option<&str> {
        None
    }

    fn syscall(&mut self, _: u64) -> Option<&str> {
        None
    }

    fn cgroup_path(&mut self, _: u64, _: Option<&str>) -> Option<&str> {
        None
    }

    fn container(&mut self, _: u64) -> Option<&str> {
        None
    }

    fn wall_clock(&mut self, boot_ns: u64) -> i64 {
        boot_ns as i64
    }

    fn boot_clock(&mut self) -> u64 {
        0
    }
}

/// Has maps and speculations, and notes requests.
#[derive(Default)]
pub struct Running {
    pub maps: HashMap<u32, Snapshot>,
    pub speculations: HashMap<u64, Vec<(RecordId, Vec<u8>)>>,
    pub requests: Vec<String>,
    names: Modules,
}

impl Host for Running {
    fn resolver(&mut self) -> &mut dyn Resolver {
        &mut self.names
    }

    fn snapshot(&mut self, map: MapId) -> Snapshot {
        self.maps.get(&map.0).cloned().unwrap_or_default()
    }

    fn speculated(&mut self, id: u64) -> Vec<(RecordId, Vec<u8>)> {
        self.speculations.remove(&id).unwrap_or_default()
    }

    fn set_option(&mut self, name: &str, value: Option<&str>) -> Result<Options, String> {
        self.requests.push(format!("Setopt({name:?}, {value:?})"));
        if name == "quiet" { Ok(Options { quiet: true, ..Options::default() }) } else { Err("no".to_owned()) }
    }

    fn request(&mut self, out: &mut Vec<u8>, request: Request<'_>) {
        let printed = String::from_utf8_lossy(out).into_owned();
        let request = match request {
            Request::System(command) => format!("System({:?})", String::from_utf8_lossy(command)),
            Request::Freopen(name) => format!("Freopen({:?})", String::from_utf8_lossy(name)),
            Request::Complain(text) => format!("Complain({:?})", String::from_utf8_lossy(text)),
            other => format!("{other:?}"),
        };
        self.requests.push(format!("{printed:?} {request}"));
    }
}

/// A D program: points by name, records and maps as tests add them.
pub fn program(points: &[(&str, u32)]) -> Program {
    let point = |(name, _): &(&str, u32)| Point {
        site: Site::Begin,
        name: (*name).to_owned(),
        func: name.split(':').nth(2).unwrap_or_default().to_owned(),
    };
    Program {
        points: points.iter().map(point).collect(),
        point_ids: points.iter().map(|(_, id)| *id).collect(),
        ..Program::default()
    }
}

/// With the point BEGIN only.
pub fn begin() -> Program {
    program(&[("dtrace:::BEGIN", 1)])
}

/// Add a firing's record to a program, and make its bytes: on CPU 1 at the point with this index.
pub fn firing(
    program: &mut Program,
    point: u64,
    speculation: u64,
    actions: Vec<(ActionKind, Vec<Argument>)>,
) -> (RecordId, Vec<u8>) {
    let mut args = vec![uint(point).into(), uint(speculation).into()];
    let mut kinds = Vec::new();
    for (kind, own) in actions {
        let start = args.len() as u32;
        args.extend(own);
        kinds.push(Action { kind, args: start..args.len() as u32 });
    }
    let (record, mut bytes): (Record, Vec<u8>) = common::record(RecordKind::Firing(kinds), args);
    bytes[4..8].copy_from_slice(&1u32.to_le_bytes());
    program.records.push(record);
    (RecordId(program.records.len() as u32 - 1), bytes)
}

/// What records print with these options.
pub fn printed(program: &Program, options: Options, records: &[(RecordId, Vec<u8>)], host: &mut Running) -> String {
    let mut out = Vec::new();
    let mut printer = Printer::new(program, options).with_zone(jiff::tz::TimeZone::UTC);
    records.iter().for_each(|(id, bytes)| printer.firing(&mut out, *id, bytes, host));
    printer.flush(&mut out, host);
    String::from_utf8(out).unwrap()
}

/// What a clause of BEGIN with one action prints, without heading, columns, and the line end at the end.
pub fn shown(options: Options, kind: ActionKind, args: Vec<Argument>) -> String {
    let mut program = begin();
    let record = firing(&mut program, 0, 0, vec![(kind, args)]);
    let quiet = options.quiet;
    let text = printed(&program, options, &[record], &mut Running::default());
    if quiet {
        return text;
    }
    let row = text.strip_prefix(HEADING).and_then(|text| text.strip_prefix(BEGIN)).unwrap();
    row.strip_suffix('\n').unwrap().to_owned()
}

/// What `trace()` of a value prints.
pub fn trace(value: impl Into<Argument>) -> String {
    shown(Options::default(), ActionKind::Trace, vec![value.into()])
}

/// Options with `quiet`.
pub fn quiet() -> Options {
    Options { quiet: true, ..Options::default() }
}

pub fn format(text: &str) -> Format {
    Format::parse_with_flags(text.as_bytes(), KINDS, b"@?").unwrap()
}

/// What `printf()` prints.
pub fn printf(text: &str, args: Vec<Argument>) -> String {
    shown(quiet(), ActionKind::Printf(format(text)), args)
}

/// An integer of a width.
pub fn int(bytes: u8, signed: bool, value: i64) -> Typed {
    word(Type::Int { bytes, signed }, value as u64)
}

pub fn symbol(user: bool, part: SymbolPart, address: u64) -> Typed {
    let mut bytes = address.to_le_bytes().to_vec();
    if user {
        bytes.extend(7u64.to_le_bytes());
    }
    (Type::Symbol { user, part }, bytes)
}

pub fn stack(user: bool, id: u32, pid: u32) -> Typed {
    let ty = Type::Stack(StackType { user, limit: 20, mode: StackMode::Dtrace });
    word(ty, u64::from(id) | u64::from(pid) << 32)
}

/// Text in a record.
pub fn text(value: &str) -> Argument {
    common::text(value).into()
}

/// Add an aggregation to a program, with values that were fed to it.
pub fn aggregate(
    program: &mut Program,
    host: &mut Running,
    aggregation: Aggregation,
    entries: &[(Option<Typed>, &[i64])],
) -> MapId {
    let (map, snapshot): (Map, Snapshot) = common::aggregation("@a", aggregation, entries);
    let id = MapId(program.maps.len() as u32);
    program.maps.push(map);
    host.maps.insert(id.0, snapshot);
    id
}

/// What a program that only has aggregations prints at the end.
pub fn at_end(program: &Program, host: &mut Running, options: Options) -> String {
    let mut out = Vec::new();
    Printer::new(program, options).finish(&mut out, host);
    String::from_utf8(out).unwrap()
}
