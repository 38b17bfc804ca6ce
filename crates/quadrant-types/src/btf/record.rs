//! One BTF record and its parts.

use super::RECORD_HEAD;
use super::kind::BtfKind;

/// A record: its 12-byte head decoded, the rest as bytes.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub name_off: u32,
    pub kind: BtfKind,
    pub kind_flag: bool,
    /// The number of its parts; of a FUNC, its linkage.
    pub parts: u32,
    /// `size` or `type`, as the kind has it.
    pub value: u32,
    /// Exactly the bytes that the kind and its number of parts ask for.
    pub extra: &'a [u8],
}

/// A member of a struct or union.
pub(crate) struct RawMember {
    pub name_off: u32,
    pub ty: u32,
    pub bit_offset: u32,
    /// Zero unless the record has `kind_flag` and the member is a bitfield.
    pub bits: u8,
}

/// What an INT record says beyond its size.
pub(crate) struct IntEncoding {
    pub signed: bool,
    pub is_char: bool,
    pub is_bool: bool,
    pub bit_offset: u8,
    pub bits: u8,
}

impl<'a> Record<'a> {
    /// The kind of the record that starts at `at`.
    pub(super) fn kind_at(data: &[u8], at: usize) -> Option<BtfKind> {
        BtfKind::from_info(u32_at(data, at.checked_add(4)?)?)
    }

    /// Where the record that starts at `at` ends, as far as its head tells.
    pub(super) fn end(data: &[u8], at: usize) -> Option<usize> {
        let info = u32_at(data, at.checked_add(4)?)?;
        let extra = BtfKind::from_info(info)?.extra_len((info & 0xffff) as usize);
        at.checked_add(RECORD_HEAD + extra)
    }

    pub(super) fn parse(data: &'a [u8], at: usize) -> Option<Self> {
        let info = u32_at(data, at.checked_add(4)?)?;
        let kind = BtfKind::from_info(info)?;
        let extra = at + RECORD_HEAD;
        Some(Self {
            name_off: u32_at(data, at)?,
            kind,
            kind_flag: info >> 31 != 0,
            parts: info & 0xffff,
            value: u32_at(data, at + 8)?,
            extra: data.get(extra..extra + kind.extra_len((info & 0xffff) as usize))?,
        })
    }

    pub fn int_encoding(&self) -> IntEncoding {
        let word = u32_at(self.extra, 0).unwrap_or(0);
        IntEncoding {
            signed: word & 1 << 24 != 0,
            is_char: word & 1 << 25 != 0,
            is_bool: word & 1 << 26 != 0,
            bit_offset: (word >> 16) as u8,
            bits: word as u8,
        }
    }

    /// Element type and number of elements of an ARRAY.
    pub fn array(&self) -> (u32, u32) {
        (u32_at(self.extra, 0).unwrap_or(0), u32_at(self.extra, 8).unwrap_or(0))
    }

    pub fn members(&self) -> impl Iterator<Item = RawMember> + use<'a> {
        let kind_flag = self.kind_flag;
        self.extra.chunks_exact(12).map(move |part| {
            let [name_off, ty, offset] = words(part);
            RawMember {
                name_off,
                ty,
                bit_offset: if kind_flag { offset & 0x00ff_ffff } else { offset },
                bits: if kind_flag { (offset >> 24) as u8 } else { 0 },
            }
        })
    }

    /// Name offset and type of each parameter of a FUNC_PROTO.
    pub fn params(&self) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        self.extra.chunks_exact(8).map(|part| {
            let [name_off, ty] = words(part);
            (name_off, ty)
        })
    }

    /// Name offset and value of each constant of an ENUM or ENUM64; unsigned
    /// 64-bit values keep their bits.
    pub fn enumerators(&self) -> impl Iterator<Item = (u32, i64)> + use<'a> {
        let wide = self.kind == BtfKind::Enum64;
        let signed = self.kind_flag;
        self.extra.chunks_exact(if wide { 12 } else { 8 }).map(move |part| {
            let [name_off, low] = words(part);
            let value = match (wide, signed) {
                (true, _) => i64::from(low) | i64::from(u32_at(part, 8).unwrap_or(0)) << 32,
                (false, true) => i64::from(low as i32),
                (false, false) => i64::from(low),
            };
            (name_off, value)
        })
    }
}

pub(super) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

pub(super) fn words<const N: usize>(part: &[u8]) -> [u32; N] {
    std::array::from_fn(|index| u32_at(part, index * 4).unwrap_or(0))
}
