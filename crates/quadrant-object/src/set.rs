//! Values for variables before the programs run: `targ_pid=12`, `filter.ports[1]=443`, `name=bash`; and sizes of maps:
//! `stackmap.max_entries=1024`.

use std::ops::Range;

use quadrant_types::{Btf, BtfKind};

use crate::data::DataKind;
use crate::error::{self, Error};
use crate::externs::{Extern, ExternKind};
use crate::object::Object;

/// A place in a section that is to be set.
struct Place {
    section: usize,
    /// Bits from the start of the section.
    bit: u64,
    /// Bits of a bit-field, or 0.
    bits: u8,
    ty: u32,
}

impl Place {
    /// The bytes in its section of which some or all are its own, for a type of `len` bytes.
    fn range(&self, len: usize) -> Option<Range<usize>> {
        let start = usize::try_from(self.bit / 8).ok()?;
        let end = match self.bits {
            0 => start.checked_add(len)?,
            bits => usize::try_from(self.bit.checked_add(bits.into())?.div_ceil(8)).ok()?,
        };
        Some(start..end)
    }

    /// The bits of a number there whose type has `size` bytes.
    fn width(&self, size: usize) -> Result<u32, String> {
        match (self.bits, size) {
            (0, 1..=8) => Ok(size as u32 * 8),
            (1.., 1..=8) if usize::from(self.bits) <= size * 8 => Ok(self.bits.into()),
            (0, _) => Err(format!("numbers of {size} bytes are not supported")),
            (bits, _) => Err(format!("a bit-field of {bits} bits in {size} bytes is not supported")),
        }
    }

    /// The place this many bits further on.
    fn part(self, bit: u64, bits: u8, ty: u32) -> Result<Place, String> {
        let bit = self.bit.checked_add(bit).ok_or("it is outside its section")?;
        Ok(Place { bit, bits, ty, ..self })
    }
}

impl Object {
    /// Gives a variable, or a part of one, a value; or a map a size.
    ///
    /// # Errors
    /// There is no such variable, or the text is no value of its type.
    pub fn set(&mut self, path: &str, value: &str) -> error::Result<()> {
        let bad = |why: String| Error::new(format!("cannot set `{path}`"), why);
        if self.set_map(path, value).map_err(bad)? || self.set_option(path, value) {
            return Ok(());
        }
        let btf = self.btf().ok_or_else(|| bad("the object has no types".to_owned()))?;
        let place = self.place(btf, path).map_err(bad)?;
        let len = btf.size_of(place.ty).ok_or_else(|| bad("its type has no size".to_owned()))? as usize;
        let target =
            self.data.get(place.section).and_then(|data| place.range(len).filter(|at| at.end <= data.bytes.len()));
        let target = target.ok_or_else(|| bad("it is outside its section".to_owned()))?;
        let bytes = encode(btf, &place, len, value).map_err(bad)?;
        let section = &mut self.data[place.section].bytes;
        match place.bits {
            0 => section[target].copy_from_slice(&bytes),
            bits => set_bits(section, place.bit as usize, bits.into(), &bytes),
        }
        Ok(())
    }

    /// Whether it was the size of a map.
    fn set_map(&mut self, path: &str, value: &str) -> Result<bool, String> {
        let Some((name, attribute)) = path.split_once('.') else { return Ok(false) };
        let Some(map) = self.maps.iter_mut().find(|map| map.name == name) else { return Ok(false) };
        let value = || u32::try_from(number(value)?).map_err(|_| format!("`{value}` is no size"));
        match attribute {
            "max_entries" => map.max_entries = value()?,
            "value_size" => (map.value_size, map.value_type) = (value()?, 0),
            "key_size" => (map.key_size, map.key_type) = (value()?, 0),
            _ => return Err("of a map, max_entries, key_size and value_size can be set".to_owned()),
        }
        Ok(true)
    }

    /// Whether it was an option of the kernel's configuration, which then counts as set so.
    fn set_option(&mut self, path: &str, value: &str) -> bool {
        let is_option =
            |external: &&Extern| external.name == path && matches!(external.kind, ExternKind::Kconfig { .. });
        let found = self.externs.iter().any(|external| is_option(&external));
        if found {
            self.options.insert(path.to_owned(), value.to_owned());
        }
        found
    }

    fn place(&self, btf: &Btf, path: &str) -> Result<Place, String> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, mut rest) = path.split_at(end);
        let mut place = self.variable(name)?;
        while !rest.is_empty() {
            let id = btf.resolve(place.ty);
            if let Some(index) = rest.strip_prefix('[') {
                let (index, after) = index.split_once(']').ok_or("a bracket is not closed")?;
                let (element, len) = btf.array(id).ok_or("it is no array")?;
                let index: u32 = index.parse().ok().filter(|index| *index < len).ok_or("there is no such element")?;
                let size = btf.size_of(element).ok_or("its elements have no size")?;
                place = place.part((u64::from(index) * u64::from(size)).saturating_mul(8), 0, element)?;
                rest = after;
                continue;
            }
            let member = rest.strip_prefix('.').ok_or("a member begins with a dot")?;
            let (name, after) = member.split_at(member.find(['.', '[']).unwrap_or(member.len()));
            let (bit, bits, ty) = member_named(btf, id, name, 0).ok_or_else(|| format!("it has no member `{name}`"))?;
            place = place.part(bit.into(), bits, ty)?;
            rest = after;
        }
        Ok(place)
    }

    fn variable(&self, name: &str) -> Result<Place, String> {
        for (section, data) in self.data.iter().enumerate().filter(|(_, data)| data.kind != DataKind::Kconfig) {
            if let Some(variable) = data.variables.iter().find(|variable| variable.name == name) {
                return Ok(Place { section, bit: u64::from(variable.offset) * 8, bits: 0, ty: variable.ty });
            }
        }
        let own = self.data.iter().filter(|data| data.kind != DataKind::Kconfig);
        let names = own.flat_map(|data| &data.variables).map(|variable| variable.name.as_str());
        let nearest = quadrant_types::suggest(name, names);
        let nearest = nearest.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(format!("the object has no variable of that name{nearest}"))
    }
}

/// Bit offset, bits and type of a member, in anonymous members, too.
fn member_named(btf: &Btf, id: u32, name: &str, depth: u32) -> Option<(u32, u8, u32)> {
    const DEEPEST: u32 = 16;
    btf.members(id).find_map(|member| match member.name {
        "" if depth < DEEPEST => {
            let (bit, bits, ty) = member_named(btf, btf.resolve(member.ty), name, depth + 1)?;
            Some((member.bit_offset.checked_add(bit)?, bits, ty))
        }
        found => (found == name).then_some((member.bit_offset, member.bits, member.ty)),
    })
}

/// The bytes of a value whose type has `size` of them.
fn encode(btf: &Btf, place: &Place, size: usize, text: &str) -> Result<Vec<u8>, String> {
    let id = btf.resolve(place.ty);
    match btf.kind(id) {
        Some(BtfKind::Int) => {
            let int = btf.int(id).ok_or("its type is damaged")?;
            let bits = if int.is_bool { 1 } else { place.width(size)? };
            fitting(number(text)?, bits, int.signed).map(|value| value.to_le_bytes()[..size].to_vec())
        }
        Some(kind @ (BtfKind::Enum | BtfKind::Enum64)) => {
            let bits = place.width(size)?;
            let signed = btf.kind_flag(id);
            let is_wide = kind == BtfKind::Enum64 && !signed;
            let as_number = |value: i64| if is_wide { i128::from(value as u64) } else { value.into() };
            let named = btf.enumerators(id).find(|(name, _)| *name == text).map(|(_, value)| as_number(value));
            if named.is_some() && kind == BtfKind::Enum && bits > 32 {
                return Err(format!(
                    "the object has 32 bits of `{text}`, as clang before 16 keeps it: give the number"
                ));
            }
            let value = named.map_or_else(|| constant(btf, id, text), Ok)?;
            fitting(value, bits, signed).map(|value| value.to_le_bytes()[..size].to_vec())
        }
        Some(BtfKind::Float) => {
            let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            match size {
                4 => Ok((value as f32).to_le_bytes().to_vec()),
                8 => Ok(value.to_le_bytes().to_vec()),
                _ => Err(format!("numbers of {size} bytes are not supported")),
            }
        }
        Some(BtfKind::Array) => characters(btf, id, size, text),
        Some(BtfKind::Struct | BtfKind::Union) => Err("it is a struct: set its members".to_owned()),
        _ => Err("values of its type cannot be given".to_owned()),
    }
}

/// A number for an enumeration that has no constant of that name.
fn constant(btf: &Btf, id: u32, text: &str) -> Result<i128, String> {
    number(text).map_err(|_| {
        let near = quadrant_types::suggest(text, btf.enumerators(id).map(|(name, _)| name));
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        format!("`{text}` is neither a constant of the enumeration nor a whole number{near}")
    })
}

/// A text with its terminator, and zeros.
fn characters(btf: &Btf, id: u32, size: usize, text: &str) -> Result<Vec<u8>, String> {
    let element = btf.array(id).map(|(element, _)| element).and_then(|element| btf.size_of(element));
    if element != Some(1) {
        return Err("it is an array: set its elements".to_owned());
    }
    if text.len() >= size {
        return Err(format!("the text has {} bytes, and the most are {}", text.len(), size.saturating_sub(1)));
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(size, 0);
    Ok(bytes)
}

/// `12`, `-1`, `0x1f`, `true`, `'a'`.
fn number(text: &str) -> Result<i128, String> {
    let bad = || format!("`{text}` is no whole number");
    if let "true" | "false" = text {
        return Ok((text == "true").into());
    }
    if let Some(character) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return character.as_bytes().first().filter(|_| character.len() == 1).map(|c| (*c).into()).ok_or_else(bad);
    }
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    value.map(|value| sign * i128::from(value)).map_err(|_| bad())
}

fn fitting(value: i128, bits: u32, signed: bool) -> Result<u64, String> {
    let (low, high) = if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1_i128 << bits) - 1) };
    if value < low || value > high {
        return Err(format!("{value} does not fit: it may be {low} to {high}"));
    }
    Ok(value as u64)
}

fn set_bits(section: &mut [u8], bit: usize, bits: usize, value: &[u8]) {
    for place in 0..bits {
        let on = value.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 != 0);
        if let Some(byte) = section.get_mut((bit + place) / 8) {
            let mask = 1 << ((bit + place) % 8);
            *byte = if on { *byte | mask } else { *byte & !mask };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number("0x1f"), Ok(31));
        assert_eq!(number("-5"), Ok(-5));
        assert_eq!(number("true"), Ok(1));
        assert_eq!(number("'a'"), Ok(97));
        assert!(number("12x").is_err() && number("").is_err() && number("''").is_err());
        assert_eq!(fitting(-1, 32, true), Ok(u64::MAX));
        assert!(fitting(256, 8, false).is_err() && fitting(128, 8, true).is_err());
    }

    /// Types: an `enum` of `size` bytes (or Enum64) with the constant `a`, whose value has all bits set.
    fn enumeration(kind: BtfKind, size: u32) -> Btf {
        let wide = kind == BtfKind::Enum64;
        let mut types = vec![0, (kind as u32) << 24 | 1, size, 1, u32::MAX];
        types.extend(wide.then_some(u32::MAX));
        let len = types.len() as u32 * 4;
        let mut words = vec![0x0001_eb9f, 24, 0, len, len, 3];
        words.extend(types);
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).chain(*b"\0a\0");
        Btf::new(bytes.collect::<Vec<u8>>()).unwrap()
    }

    fn place(bits: u8) -> Place {
        Place { section: 0, bit: 0, bits, ty: 1 }
    }

    #[test]
    fn widths() {
        assert_eq!((place(0).width(2), place(3).width(1), place(64).width(8)), (Ok(16), Ok(3), Ok(64)));
        assert!(place(0).width(0).is_err() && place(0).width(16).is_err() && place(9).width(1).is_err());
        assert!(place(255).width(8).is_err() && place(1).width(0).is_err());
    }

    #[test]
    fn enumerations() {
        let set = |kind, size, text| encode(&enumeration(kind, size), &place(0), size as usize, text);
        assert_eq!(set(BtfKind::Enum, 4, "a"), Ok(vec![0xff; 4]));
        assert_eq!(set(BtfKind::Enum64, 8, "a"), Ok(vec![0xff; 8]));
        assert_eq!(set(BtfKind::Enum, 1, "a").unwrap_err(), "4294967295 does not fit: it may be 0 to 255");
        for size in [0, 9, 16, u32::MAX] {
            let error = set(BtfKind::Enum, size, "a").unwrap_err();
            assert_eq!(error, format!("numbers of {size} bytes are not supported"));
        }
    }

    #[test]
    fn places_outside_of_everything() {
        let far = Place { bit: u64::MAX - 3, ..place(0) };
        assert!(far.range(8).is_some_and(|at| at.end > 1 << 60) && place(0).range(usize::MAX).is_some());
        assert!(Place { bits: 8, ..far }.range(1).is_none() && far.part(8, 0, 1).is_err());
    }

    #[test]
    fn bits() {
        let mut bytes = [0xff, 0xff];
        set_bits(&mut bytes, 6, 4, &[0b0101]);
        assert_eq!(bytes, [0b0111_1111, 0b1111_1101]);
    }
}
