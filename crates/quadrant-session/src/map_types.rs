//! The types of what a script's maps hold, for whoever looks into them: bpftool, `quadrant maps`, the loader of an object.

use std::collections::HashMap;

use quadrant_bpf::btf::Btf;
use quadrant_bpf::btf::Field;
use quadrant_codegen::front::SLOT;
use quadrant_codegen::front::SLOTS;
use quadrant_codegen::front::Shape;
use quadrant_codegen::object::Data;
use quadrant_codegen::object::MapDef;
use quadrant_codegen::object::MapRole;
use quadrant_program::Program;
use quadrant_program::layout;
use quadrant_program::layout::SHORT_STACK;
use quadrant_program::layout::STACK_FRAMES_AT;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::Type;

/// The name of the type of a kept stack: a hash, then frames.
pub const STACK_TYPE: &str = "quadrant_stack";

/// Types under construction: each integer and array once.
#[derive(Debug, Default)]
pub(crate) struct MapTypes {
    pub(crate) btf: Btf,
    ints: HashMap<&'static str, u32>,
    arrays: HashMap<(u32, u32), u32>,
}

impl MapTypes {
    /// The ids of a map's key and value; `None` of maps that hold nothing for others to read, or whose kind has no types.
    pub(crate) fn of(&mut self, program: &Program, data: &Data, def: &MapDef) -> Option<(u32, u32)> {
        match def.role {
            MapRole::Script(id) | MapRole::Overflow(id) => {
                self.of_script(program.maps.get(id.0 as usize)?, |key| Some(key.clone()))
            }
            MapRole::Short(id) => self.of_script(program.maps.get(id.0 as usize)?, layout::short_key),
            MapRole::Data => Some((self.int(), self.data(program, data))),
            // Nothing in it is for others: a struct without members.
            MapRole::Scratch => Some((self.int(), self.btf.composite("scratch", false, def.value_size, &[]))),
            MapRole::Front(id) => Some((self.int(), self.front(program.maps.get(id.0 as usize)?)?)),
            MapRole::Slots(id) => Some((self.int(), self.slots(program.maps.get(id.0 as usize)?)?)),
            MapRole::Cells => Some((self.int(), self.words(def.value_size / 8))),
            MapRole::Stacks { limit } => Some((self.int(), self.stack(limit))),
            MapRole::ShortStacks { limit } => Some((self.int(), self.stack(limit.min(SHORT_STACK)))),
            MapRole::Records | MapRole::Packets | MapRole::Group | MapRole::Import(..) => None,
        }
    }

    /// A kept stack: whoever shows maps knows it by its name, [`STACK_TYPE`].
    fn stack(&mut self, limit: u8) -> u32 {
        let (hash, limit) = (self.unsigned(), u32::from(limit));
        let frames = self.array(hash, limit);
        let field = |name, ty, bit_offset| Field { name, ty, bit_offset, bits: 0 };
        self.btf.composite(
            STACK_TYPE,
            false,
            STACK_FRAMES_AT + 8 * limit,
            &[field("hash", hash, 0), field("frames", frames, 8 * STACK_FRAMES_AT)],
        )
    }

    /// A CPU's slots.
    fn front(&mut self, map: &Map) -> Option<u32> {
        let shape = Shape::of(map);
        let (state, key, value) = (self.unsigned(), self.stored(map.key.as_ref()?), self.held(map));
        let field = |name, ty, at| Field { name, ty, bit_offset: at * 8, bits: 0 };
        let fields = [field("state", state, 0), field("key", key, 8), field("value", value, shape.part_at())];
        let slot = self.btf.composite("", false, shape.slot(), &fields);
        Some(self.array(slot, shape.slots()))
    }

    fn slots(&mut self, map: &Map) -> Option<u32> {
        let (key, there, value) = (self.stored(map.key.as_ref()?), self.unsigned(), self.held(map));
        let field = |name, ty, at: u32| Field { name, ty, bit_offset: at * 8, bits: 0 };
        let fields = [field("key", key, 0), field("there", there, 8), field("value", value, 16)];
        let slot = self.btf.composite("", false, SLOT, &fields);
        Some(self.array(slot, SLOTS))
    }

    fn words(&mut self, count: u32) -> u32 {
        let word = self.unsigned();
        self.array(word, count)
    }

    fn of_script(&mut self, map: &Map, key: impl Fn(&Type) -> Option<Type>) -> Option<(u32, u32)> {
        let key = match &map.key {
            Some(whole) => self.stored(&key(whole)?),
            None => self.int(),
        };
        Some((key, self.held(map)))
    }

    /// The variables in the data section.
    fn data(&mut self, program: &Program, data: &Data) -> u32 {
        let scalar = |(id, at): &(quadrant_program::map::MapId, u32)| Some((program.maps.get(id.0 as usize)?, *at));
        let scalars: Vec<(&Map, u32)> = data.scalars.iter().filter_map(scalar).collect();
        let members: Vec<(u32, u32)> = scalars.iter().map(|(map, at)| (self.scalar(map), at * 8)).collect();
        let fields: Vec<Field> = scalars
            .iter()
            .zip(members)
            .map(|((map, _), (ty, bit_offset))| Field { name: plain_name(&map.name), ty, bit_offset, bits: 0 })
            .collect();
        self.btf.composite("data", false, data.size, &fields)
    }

    /// A map without keys in the data section: whether it has a value, and which.
    pub(crate) fn scalar(&mut self, map: &Map) -> u32 {
        let (set, value) = (self.unsigned(), self.held(map));
        self.row(&[("set", set, 8), ("value", value, held_size(map))])
    }

    /// What one entry of a map holds.
    fn held(&mut self, map: &Map) -> u32 {
        match &map.value {
            MapValue::Plain(ty) => self.stored(ty),
            MapValue::Aggregation(kind) => self.part(kind, map.key.is_none()),
        }
    }

    /// A part of an aggregation.
    fn part(&mut self, kind: &Aggregation, keyless: bool) -> u32 {
        let word = match kind {
            Aggregation::Sum { signed }
            | Aggregation::Min { signed }
            | Aggregation::Max { signed }
            | Aggregation::Avg { signed }
            | Aggregation::Stats { signed } => self.word(*signed),
            _ => self.unsigned(),
        };
        let unsigned = self.unsigned();
        let words = |count: u32| 8 * count;
        let mut parts = match kind {
            Aggregation::Count | Aggregation::Sum { .. } if !keyless => return word,
            Aggregation::Count => vec![("count", word, 8)],
            Aggregation::Sum { .. } => vec![("sum", word, 8)],
            Aggregation::Min { .. } | Aggregation::Max { .. } => vec![(kind.function(), word, 8), ("set", unsigned, 8)],
            Aggregation::Avg { .. } | Aggregation::Stats { .. } => vec![("sum", word, 8), ("count", unsigned, 8)],
            // Slot n counts the values from 2 to the power n on, as tools by libbpf have it.
            Aggregation::Hist { bits: 0 } => {
                vec![("negative", word, 8), ("zero", word, 8), ("slots", self.array(word, 64), words(64))]
            }
            _ => vec![("words", self.array(word, kind.words()), words(kind.words()))],
        };
        if keyless {
            parts.push(("fed", unsigned, 8));
        }
        self.row(&parts)
    }

    /// A value as [`quadrant_program::layout`] stores it.
    fn stored(&mut self, ty: &Type) -> u32 {
        let size = layout::size(ty);
        match ty {
            Type::String { .. } => {
                let char = self.char();
                self.array(char, size)
            }
            Type::Buffer { .. } => {
                let (length, byte) = (self.unsigned(), self.byte());
                let bytes = self.array(byte, size - 8);
                self.row(&[("length", length, 8), ("bytes", bytes, size - 8)])
            }
            Type::Tuple(parts) => self.tuple(parts),
            Type::Record(record) if !record.fields.is_empty() && record.fields.iter().all(is_whole) => {
                let members: Vec<u32> = record.fields.iter().map(|field| self.stored(&field.ty)).collect();
                let fields: Vec<Field> = record
                    .fields
                    .iter()
                    .zip(members)
                    .map(|(field, ty)| Field { name: &field.name, ty, bit_offset: field.bit_offset, bits: 0 })
                    .collect();
                self.btf.composite("", false, size, &fields)
            }
            Type::Record(_) | Type::Array { .. } | Type::Float { bytes: 9.. } => {
                let byte = self.byte();
                self.array(byte, size)
            }
            Type::Stack(_) => {
                let id = self.named("unsigned int", 4, false);
                self.row(&[("stack", id, 4), ("pid", id, 4)])
            }
            Type::Symbol { user: true, .. } => {
                let word = self.unsigned();
                self.row(&[("address", word, 8), ("pid", word, 8)])
            }
            Type::Inet => {
                let (family, byte) = (self.unsigned(), self.byte());
                let address = self.array(byte, 16);
                self.row(&[("family", family, 8), ("address", address, 16)])
            }
            Type::Enum(of) => self.enumeration(of),
            _ => self.word(ty.is_signed()),
        }
    }

    fn tuple(&mut self, parts: &[Type]) -> u32 {
        let names: Vec<String> = (0..parts.len()).map(|index| format!("part{index}")).collect();
        let members: Vec<u32> = parts.iter().map(|part| self.stored(part)).collect();
        let row: Vec<(&str, u32, u32)> = names
            .iter()
            .zip(members)
            .zip(parts)
            .map(|((name, ty), part)| (name.as_str(), ty, layout::size(part)))
            .collect();
        self.row(&row)
    }

    /// Enumerations are kept in words; values that do not fit their old form of description stay numbers.
    fn enumeration(&mut self, of: &EnumType) -> u32 {
        let values: Option<Vec<(&str, i32)>> =
            of.values.iter().map(|(name, value)| Some((name.as_str(), i32::try_from(*value).ok()?))).collect();
        match values {
            Some(values) if !values.is_empty() => self.btf.enumeration(&of.name, 8, of.signed, &values),
            _ => self.word(of.signed),
        }
    }

    /// A structure of members in a row: name, type, bytes.
    fn row(&mut self, members: &[(&str, u32, u32)]) -> u32 {
        let mut bytes = 0;
        let mut fields = Vec::with_capacity(members.len());
        for &(name, ty, size) in members {
            fields.push(Field { name, ty, bit_offset: bytes * 8, bits: 0 });
            bytes += size;
        }
        self.btf.composite("", false, bytes, &fields)
    }

    /// `int`, as the key of an array must be.
    pub(crate) fn int(&mut self) -> u32 {
        self.named("int", 4, true)
    }

    /// An unsigned word.
    pub(crate) fn unsigned(&mut self) -> u32 {
        self.word(false)
    }

    fn word(&mut self, signed: bool) -> u32 {
        self.named(if signed { "long long" } else { "unsigned long long" }, 8, signed)
    }

    pub(crate) fn byte(&mut self) -> u32 {
        self.named("unsigned char", 1, false)
    }

    /// Arrays of it are shown as text.
    fn char(&mut self) -> u32 {
        self.named("char", 1, true)
    }

    fn named(&mut self, name: &'static str, bytes: u32, signed: bool) -> u32 {
        let MapTypes { btf, ints, .. } = self;
        *ints.entry(name).or_insert_with(|| btf.int(name, bytes, signed))
    }

    /// Elements in a row.
    pub(crate) fn array(&mut self, element: u32, len: u32) -> u32 {
        let index = self.int();
        let MapTypes { btf, arrays, .. } = self;
        *arrays.entry((element, len)).or_insert_with(|| btf.array(element, index, len))
    }
}

/// Stored where its type's bytes in a row would be: a record of the script.
fn is_whole(field: &quadrant_program::ty::RecordField) -> bool {
    field.bit_width.is_none() && field.ty.c_size().is_none_or(|size| size == layout::size(&field.ty))
}

/// The name of a map without what C does not allow at its start; the map without a name is `at`.
pub(crate) fn plain_name(name: &str) -> &str {
    match name.trim_start_matches('@') {
        "" => "at",
        name => name,
    }
}

/// Bytes of [`MapTypes::scalar`].
pub(crate) fn scalar_size(map: &Map) -> u32 {
    8 + held_size(map)
}

/// Bytes of [`MapTypes::held`].
fn held_size(map: &Map) -> u32 {
    match &map.value {
        MapValue::Plain(ty) => layout::size(ty),
        MapValue::Aggregation(kind) => 8 * (kind.words() + u32::from(map.key.is_none())),
    }
}
