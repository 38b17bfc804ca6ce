//! Programs, stored bytes and a resolver for tests.

use quadrant_output::Frame;
use quadrant_output::Mode;
use quadrant_output::Renderer;
use quadrant_output::Resolver;
use quadrant_output::Symbol;
use quadrant_program::Program;
use quadrant_program::format::Format;
use quadrant_program::layout;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::record;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::span::Span;
use quadrant_program::ty::StackType;
use quadrant_program::ty::Type;

/// Conversions of the bpftrace language.
const KINDS: &[&str] = &["rx", "rh", "r", "d", "i", "u", "x", "X", "o", "c", "p", "s", "e", "f", "g"];

/// 2026-11-26 00:23:30.356772 UTC.
pub const BOOT_OFFSET: i64 = 1_795_652_610_356_772_000;

/// Knows a few names.
pub struct Names;

impl Resolver for Names {
    fn stack(&mut self, _: StackType, id: u32, _: u32, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        let named = |address, symbol, offset, module| Frame { address, symbol, offset, module, ..Frame::default() };
        match id {
            0 => {}
            1 => {
                visit(named(0xffff_ffff_81f0_81aa, Some(b"do_syscall_64"), 113, Some(b"[kernel]")));
                visit(named(0xffff_ffff_81f0_a117, Some(b"entry_SYSCALL_64_after_hwframe"), 118, None));
            }
            2 => {
                let source = Some((&b"/src/a.c"[..], 12, 0));
                visit(Frame { inlined: true, source, ..named(0x1182, Some(b"inner"), 0, Some(b"/bin/t")) });
                visit(Frame {
                    build_id: Some((&[0x60, 0xac], 0x1182)),
                    ..named(0x1182, Some(b"outer"), 16, Some(b"/bin/t"))
                });
                visit(named(0x7f37, None, 0, None));
                visit(named(0, None, 0, None));
                visit(named(0x10, Some(b"evil\x1b[2J\n"), 1, Some(b"a\nb")));
            }
            _ => return false,
        }
        true
    }

    fn kernel_symbol(&mut self, address: u64) -> Option<Symbol<'_>> {
        (address > 0xff).then_some(Symbol { name: b"vfs_read", offset: 5 })
    }

    fn user_symbol(&mut self, _: u64, pid: u32) -> Option<Symbol<'_>> {
        (pid == 7).then_some(Symbol { name: b"main", offset: 0 })
    }

    fn username(&mut self, uid: u32) -> Option<&str> {
        (uid == 0).then_some("root")
    }

    fn syscall(&mut self, number: u64) -> Option<&str> {
        (number == 1).then_some("write")
    }

    fn cgroup_path(&mut self, id: u64, _: Option<&str>) -> Option<&str> {
        (id == 1).then_some("unified:/a")
    }

    fn container(&mut self, id: u64) -> Option<&str> {
        (id == 1).then_some("3d24e2a1c0ff")
    }

    fn wall_clock(&mut self, boot_ns: u64) -> i64 {
        BOOT_OFFSET.wrapping_add(boot_ns as i64)
    }

    fn boot_clock(&mut self) -> u64 {
        0
    }
}

/// A value and its type.
pub type Typed = (Type, Vec<u8>);

pub fn int(value: i64) -> Typed {
    (Type::I64, value.to_le_bytes().to_vec())
}

pub fn uint(value: u64) -> Typed {
    word(Type::U64, value)
}

pub fn word(ty: Type, value: u64) -> Typed {
    (ty, value.to_le_bytes().to_vec())
}

/// Text as keys and map values store it.
pub fn text(value: &str) -> Typed {
    let ty = Type::String { cap: 64 };
    let mut bytes = value.as_bytes().to_vec();
    bytes.resize(layout::size(&ty) as usize, 0);
    (ty, bytes)
}

/// A buffer as keys and map values store it.
pub fn buffer(value: &[u8]) -> Typed {
    let ty = Type::Buffer { cap: 32 };
    let mut bytes = (value.len() as u64).to_le_bytes().to_vec();
    bytes.extend(value);
    bytes.resize(layout::size(&ty) as usize, 0);
    (ty, bytes)
}

pub fn tuple(parts: &[Typed]) -> Typed {
    let types: Vec<Type> = parts.iter().map(|p| p.0.clone()).collect();
    (Type::Tuple(types.into()), parts.iter().flat_map(|p| p.1.clone()).collect())
}

pub fn kernel_stack(mode: quadrant_program::ty::StackMode, id: u32) -> Typed {
    word(Type::Stack(StackType { user: false, limit: 127, mode }), id.into())
}

pub fn user_stack(mode: quadrant_program::ty::StackMode, id: u32) -> Typed {
    word(Type::Stack(StackType { user: true, limit: 127, mode }), id.into())
}

/// An argument of a record: a value as stored, with the flags of a text.
pub struct Argument {
    pub ty: Type,
    pub fixed: Option<Vec<u8>>,
    pub tail: Vec<u8>,
    pub flags: u32,
}

impl From<Typed> for Argument {
    fn from((ty, bytes): Typed) -> Argument {
        let tail = match ty {
            Type::String { .. } => bytes.split(|b| *b == 0).next().unwrap_or(&[]).to_vec(),
            Type::Buffer { .. } => bytes[8..8 + bytes[0] as usize].to_vec(),
            _ => return Argument { ty, fixed: Some(bytes), tail: Vec::new(), flags: 0 },
        };
        Argument { ty, fixed: None, tail, flags: 0 }
    }
}

/// A text with the flags of a record.
pub fn flagged(bytes: &[u8], flags: u32) -> Argument {
    Argument { ty: Type::String { cap: 64 }, fixed: None, tail: bytes.to_vec(), flags }
}

/// A record and its bytes.
pub fn record(kind: RecordKind, args: Vec<Argument>) -> (Record, Vec<u8>) {
    let types: Vec<Type> = args.iter().map(|a| a.ty.clone()).collect();
    let (_, fixed) = layout::record_offsets(&types);
    let (mut bytes, mut tail) = (vec![0; record::HEADER as usize], Vec::<u8>::new());
    for arg in &args {
        match &arg.fixed {
            Some(stored) => bytes.extend(stored),
            None => {
                bytes.extend((fixed + tail.len() as u32).to_le_bytes());
                bytes.extend((arg.tail.len() as u32 | arg.flags).to_le_bytes());
                tail.extend(&arg.tail);
            }
        }
    }
    bytes.extend(tail);
    (Record { kind, args: types, span: Span::default() }, bytes)
}

pub fn render(program: &Program, mode: Mode, kind: RecordKind, args: Vec<Argument>) -> String {
    let (record, bytes) = record(kind, args);
    let mut out = Vec::new();
    let mut renderer = Renderer::new(program, mode).with_zone(jiff::tz::TimeZone::UTC);
    renderer.record(&mut out, &record, &bytes, &mut Names);
    String::from_utf8(out).unwrap()
}

pub fn format(text: &str) -> Format {
    Format::parse(text.as_bytes(), KINDS).unwrap()
}

/// What `printf(format, args...)` prints.
pub fn printf(text: &str, args: Vec<Argument>) -> String {
    render(&Program::default(), Mode::Text, RecordKind::Printf(format(text)), args)
}

/// What `print(value)` prints.
pub fn print(value: Typed) -> String {
    render(&Program::default(), Mode::Text, RecordKind::Print, vec![value.into()])
}

/// What `print(value)` prints as JSON.
pub fn print_json(value: Typed) -> String {
    render(&Program::default(), Mode::Json, RecordKind::Print, vec![value.into()])
}

/// A map with its content.
pub fn map(name: &str, entries: &[(Option<Typed>, Typed)]) -> (Map, Snapshot) {
    let (key, value) = &entries[0];
    let map = Map::new(name, key.as_ref().map(|k| k.0.clone()), MapValue::Plain(value.0.clone()));
    let mut snapshot = Snapshot::of(&map);
    for (key, value) in entries {
        snapshot.push(key.as_ref().map_or(&[], |k| k.1.as_slice()), &value.1);
    }
    (map, snapshot)
}

/// A map of an aggregation, each entry the values fed to it.
pub fn aggregation(name: &str, agg: Aggregation, entries: &[(Option<Typed>, &[i64])]) -> (Map, Snapshot) {
    let map = Map::new(name, entries[0].0.as_ref().map(|k| k.0.clone()), MapValue::Aggregation(agg.clone()));
    let mut snapshot = Snapshot::of(&map);
    for (key, fed) in entries {
        let bytes: Vec<u8> = fed_words(&agg, fed).iter().flat_map(|w| w.to_le_bytes()).collect();
        snapshot.push(key.as_ref().map_or(&[], |k| k.1.as_slice()), &bytes);
    }
    (map, snapshot)
}

fn fed_words(agg: &Aggregation, fed: &[i64]) -> Vec<u64> {
    let mut words = vec![0; agg.words() as usize];
    fed.iter().for_each(|value| agg.merge(&mut words, &fed_once(agg, *value)));
    words
}

fn fed_once(agg: &Aggregation, value: i64) -> Vec<u64> {
    use quadrant_program::map::hist_bucket;
    use quadrant_program::map::linear_bucket;
    let bucket = match agg {
        Aggregation::Count => return vec![1],
        Aggregation::Sum { .. } => return vec![value as u64],
        Aggregation::Min { .. } | Aggregation::Max { .. } | Aggregation::Avg { .. } | Aggregation::Stats { .. } => {
            return vec![value as u64, 1];
        }
        Aggregation::Hist { bits } => hist_bucket(value, *bits),
        Aggregation::LinearHist { min, max, step } => linear_bucket(value, *min, *max, *step),
        Aggregation::Quantize => quadrant_program::map::quantize_bucket(value),
        Aggregation::LogLinear(scale) => scale.bucket(value),
        Aggregation::Series(_) => unreachable!("not fed here"),
        Aggregation::Stddev => return fed_squares(value),
    };
    let mut words = vec![0; agg.words() as usize];
    words[bucket as usize] = 1;
    words
}

fn fed_squares(value: i64) -> Vec<u64> {
    let square = (i128::from(value) * i128::from(value)) as u128;
    vec![1, value as u64, square as u64, (square >> 64) as u64]
}

/// What `print(@map, top, div)` prints.
pub fn shown(mode: Mode, (map, snapshot): &(Map, Snapshot), top: u64, div: u64) -> String {
    let program = Program::default();
    let mut out = Vec::new();
    Renderer::new(&program, mode).map(&mut out, map, snapshot, top, div, &mut Names);
    String::from_utf8(out).unwrap()
}
