//! Which point fired: its index, its number, its name, its function.

use std::collections::HashMap;

use quadrant_bpf::helper;
use quadrant_program::expr::PointPart;
use quadrant_program::layout;
use quadrant_program::probe::PointId;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::text::TextSource;
use super::unit::Lower;
use crate::object::Context;
use crate::ssa::Size;
use crate::ssa::Value;

impl<'a, 'g> Lower<'a, 'g> {
    /// The point that fired, an index into the program's points, or one more as a name: 0 is no name. Of points that are
    /// shown alike it is the first, so that they are one key of a map.
    pub fn fired_point(&mut self, ty: &Type) -> Result<Value> {
        let alike = self.g.points_alike(*ty == Type::ProbeFunc);
        let none = u32::from(matches!(ty, Type::ProbeName | Type::ProbeFunc));
        let number = |id: &PointId| Some(alike.get(id.0 as usize)? + none);
        let points: Vec<u32> = self.points().iter().filter_map(number).collect();
        let Some(first) = points.first() else {
            return Err(self.model_error("a unit without points"));
        };
        if points.len() == 1 {
            return Ok(self.f.b.iconst((*first).into()));
        }
        self.by_point(&points, *first)
    }

    /// The number that the program gives to the point that fired.
    pub fn fired_point_id(&mut self) -> Result<Value> {
        let ids = &self.g.program.point_ids;
        let known: Option<Vec<u32>> = self.points().iter().map(|id| ids.get(id.0 as usize).copied()).collect();
        match known.as_deref() {
            Some(ids @ [first, ..]) if ids.iter().all(|id| id == first) => Ok(self.f.b.iconst((*first).into())),
            Some(ids @ [first, ..]) => self.by_point(ids, *first),
            _ => Err(self.model_error("a point without a number")),
        }
    }

    /// The number of those, one for each point, that belongs to the point that fired.
    fn by_point(&mut self, numbers: &[u32], first: u32) -> Result<Value> {
        let index = self.point_index()?;
        let in_a_row = numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        if in_a_row {
            return Ok(self.f.b.add(index, i64::from(first)));
        }
        Ok(self.table_entry(numbers, Size::B4, index))
    }

    /// A part of the name of the point that fired, if it is known now.
    pub fn known_point_text(&self, part: PointPart) -> Option<&'a str> {
        let program = self.g.program;
        let names = self.points().iter().filter_map(|id| program.points.get(id.0 as usize));
        let mut texts = names.map(|point| part.of(&point.name));
        let first = texts.next().unwrap_or_default();
        texts.all(|text| text == first).then_some(first)
    }

    /// A part of the name of the point that fired, as a text in a table.
    pub fn point_text(&mut self, part: PointPart) -> Result<TextSource> {
        let program = self.g.program;
        let name = |id: &PointId| program.points.get(id.0 as usize).map_or("", |point| part.of(&point.name));
        let table = NameTable::of(self.points().iter().map(name));
        let index = self.point_index()?;
        let offset = self.table_entry(&table.offsets, Size::B4, index);
        // Never beyond the table; the verifier wants to see it.
        let room = table.texts.len().next_power_of_two() as u32;
        let offset = self.f.b.and(offset, i64::from(room - 1));
        let texts = self.constant(table.texts, room);
        let start = self.address(texts);
        Ok(TextSource { space: Space::Program, addr: self.f.b.add(start, offset), limit: None })
    }

    /// Stores a part of the name of the point that fired.
    pub fn store_point_text(&mut self, part: PointPart, cap: u32, to: Mem) -> Result<()> {
        let Some(text) = self.known_point_text(part) else {
            let source = self.point_text(part)?;
            return self.read_padded(source, cap, to);
        };
        let mut bytes: Vec<u8> = text.bytes().take(cap.saturating_sub(1) as usize).collect();
        bytes.resize(layout::round_up(cap) as usize, 0);
        self.write(to, &bytes);
        Ok(())
    }

    /// The points that the clause may have fired at.
    fn points(&self) -> &[PointId] {
        self.error.as_ref().map_or(&self.unit.points, |error| &error.point)
    }

    /// The address of the kernel function that the point is in.
    pub fn fired_function(&mut self) -> Result<Value> {
        let points = &self.g.program.points;
        let code = |id: &PointId| points.get(id.0 as usize).and_then(|point| point.site.kernel_code());
        let address = |id| code(id).and_then(|code| Some(code.address?.wrapping_sub(code.offset))).unwrap_or(0);
        let addresses: Vec<u64> = self.points().iter().map(address).collect();
        if let [address] = addresses.as_slice() {
            return Ok(self.f.b.iconst(*address as i64));
        }
        let index = self.point_index()?;
        Ok(self.table_entry(&addresses, Size::B8, index))
    }

    /// Which of the unit's points fired.
    fn point_index(&mut self) -> Result<Value> {
        if let Context::Syscalls { .. } = self.unit.context {
            if let (Some(point), true) = (self.point, self.f.loops.is_empty()) {
                return Ok(point);
            }
            let place = self.syscall_place()?;
            return Ok(self.f.b.sub(place, 1));
        }
        if self.unit.context == Context::Run {
            return Err(self.model_error("one run for several points"));
        }
        Ok(self.f.b.call(helper::GET_ATTACH_COOKIE, &[self.f.ctx]))
    }

    /// An entry of a constant table of numbers of that size. The index is one of the table.
    fn table_entry<N: Copy + Into<u64>>(&mut self, entries: &[N], size: Size, index: Value) -> Value {
        let bytes = |entry: &N| Into::<u64>::into(*entry).to_le_bytes().into_iter().take(size.bytes() as usize);
        let mut bytes: Vec<u8> = entries.iter().flat_map(bytes).collect();
        bytes.resize(bytes.len().next_power_of_two(), 0);
        let len = bytes.len() as u32;
        let table = self.constant(bytes, len);
        let offset = self.f.b.shl(index, i64::from(size.bytes().trailing_zeros()));
        // Never beyond the table. A comparison would do for newer kernels; before 5.11 the verifier forgets it when the index is spilled.
        let offset = self.f.b.and(offset, i64::from(len - 1));
        let start = self.address(table);
        let place = self.f.b.add(start, offset);
        self.f.b.load_with(place, 0, size, false, true)
    }
}

/// Texts by index, each stored once.
#[derive(Default)]
struct NameTable {
    /// Where the text of an index starts.
    offsets: Vec<u32>,
    /// All texts, each with its NUL.
    texts: Vec<u8>,
}

impl NameTable {
    fn of<'t>(names: impl Iterator<Item = &'t str>) -> NameTable {
        let mut table = NameTable::default();
        let mut known: HashMap<&str, u32> = HashMap::new();
        for name in names {
            let at = *known.entry(name).or_insert_with(|| {
                let at = table.texts.len() as u32;
                table.texts.extend_from_slice(name.as_bytes());
                table.texts.push(0);
                at
            });
            table.offsets.push(at);
        }
        table
    }
}
