//! What every way of showing values shares: the renderer's state, names of special values, addresses.

use std::cell::OnceCell;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use jiff::tz::TimeZone;
use quadrant_program::Program;
use quadrant_program::errno;
use quadrant_program::probe::Point;
use quadrant_program::signals;
use quadrant_program::syscalls;
use quadrant_program::ty::EnumType;
use quadrant_program::ty::RecordField;
use quadrant_program::ty::RecordType;
use quadrant_program::ty::RecordVariants;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::decode_c;
use quadrant_program::value::extend;

use crate::number;
use crate::resolver::Resolver;
use crate::time;
use crate::zone;

/// Shown for a text that could not be read.
pub(crate) const FAULT: &[u8] = b"<fault>";
/// Shown for a value with too few bytes.
pub(crate) const MALFORMED: &[u8] = b"<malformed>";
/// Shown for a stack that was not kept.
pub(crate) const LOST_STACK: &[u8] = b"<lost stack>";

/// `AF_INET` of the stored address family.
const AF_INET: u64 = 2;

/// What is needed to show values.
pub(crate) struct Scene<'a> {
    pub program: &'a Program,
    pub zone: &'a OnceCell<TimeZone>,
    pub resolver: &'a mut dyn Resolver,
    /// What numbers are divided by as they are shown, also those in tuples, records and arrays; 0 and 1: nothing.
    pub div: u64,
}

impl<'a> Scene<'a> {
    /// Do something while numbers are divided.
    pub fn divided<T>(&mut self, div: u64, then: impl FnOnce(&mut Self) -> T) -> T {
        self.div = div;
        let result = then(self);
        self.div = 1;
        result
    }

    /// A signed number as it is shown.
    pub fn signed(&self, number: i64) -> i64 {
        (i128::from(number) / i128::from(self.div.max(1))) as i64
    }

    /// A number without a sign as it is shown.
    pub fn unsigned(&self, number: u64) -> u64 {
        number / self.div.max(1)
    }

    /// The time zone that times are shown in.
    pub fn zone(&self) -> &TimeZone {
        self.zone.get_or_init(zone::local)
    }

    /// The name of a value that the program knows only as a number, not yet escaped. What has no name shows as its number.
    pub fn special(&mut self, out: &mut Vec<u8>, ty: &Type, word: u64) {
        let name: Option<&[u8]> = match ty {
            Type::Enum(e) => enumerator(e, word).map(str::as_bytes),
            Type::Username => self.resolver.username(word as u32).map(str::as_bytes),
            Type::ProbeName => self.point(word, |point| &point.name),
            Type::ProbeFunc => self.point(word, |point| &point.func),
            Type::Errno => Some(errno::message(word as i32).as_bytes()),
            Type::SyscallName => Some(self.resolver.syscall(word).unwrap_or(syscalls::UNKNOWN).as_bytes()),
            Type::SignalName => return out.extend_from_slice(signals::describe(word as i64).as_bytes()),
            Type::Container => self.resolver.container(word).map(str::as_bytes),
            Type::CgroupPath(pattern) => self.resolver.cgroup_path(word, pattern.as_deref()).map(str::as_bytes),
            Type::Time(format) => {
                let unix_ns = time::since_1970(word, |boot_ns| self.resolver.wall_clock(boot_ns));
                return time::strftime(out, format, unix_ns, self.zone());
            }
            _ => None,
        };
        match name {
            Some(name) => out.extend_from_slice(name),
            None if ty.is_signed() => number::signed(out, word as i64),
            None => number::unsigned(out, word),
        }
    }

    /// A name of the point with this number, from 1; what was never set has none.
    fn point(&self, number: u64, name: fn(&Point) -> &str) -> Option<&'a [u8]> {
        let Some(index) = number.checked_sub(1) else { return Some(b"") };
        self.program.points.get(usize::try_from(index).ok()?).map(|point| name(point).as_bytes())
    }
}

/// The name of an enumeration's value.
pub(crate) fn enumerator(e: &EnumType, word: u64) -> Option<&str> {
    e.values.iter().find(|(_, value)| *value as u64 == word).map(|(name, _)| name.as_str())
}

/// Append an IPv4 or IPv6 address.
pub(crate) fn inet(out: &mut Vec<u8>, family: u64, bytes: &[u8]) {
    use std::io::Write;
    let written = match (family, <[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (AF_INET, Ok(v4), _) => write!(out, "{}", Ipv4Addr::from(v4)),
        (_, _, Ok(v6)) => write!(out, "{}", Ipv6Addr::from(v6)),
        _ => out.write_all(MALFORMED),
    };
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// Append bytes as hexadecimal pairs with a separator.
pub(crate) fn hex_pairs(out: &mut Vec<u8>, bytes: &[u8], separator: u8) {
    for (i, b) in bytes.iter().enumerate() {
        if i > 0 {
            out.push(separator);
        }
        let digits = crate::escape::HEX;
        out.extend_from_slice(&[digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]);
    }
}

/// Append bytes: printable ASCII as it is, others as `\xNN`.
pub(crate) fn buffer(out: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        match b {
            b' '..=b'~' => out.push(*b),
            _ => crate::escape::hex_byte(out, *b),
        }
    }
}

/// Bytes of text that was cut, less a character that was cut in two.
pub(crate) fn whole_characters(bytes: &[u8]) -> &[u8] {
    let tail = bytes.len().saturating_sub(3);
    match bytes[tail..].utf8_chunks().last() {
        Some(chunk) if !chunk.invalid().is_empty() && unfinished(chunk.invalid()) => {
            &bytes[..bytes.len() - chunk.invalid().len()]
        }
        _ => bytes,
    }
}

fn unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_none())
}

/// The elements of a C array.
pub(crate) fn array_elements<'a>(elem: &'a Type, bytes: &'a [u8]) -> impl Iterator<Item = Value<'a>> {
    let size = elem.c_size().unwrap_or(0).max(1) as usize;
    bytes.chunks_exact(size).map(|part| decode_c(elem, part))
}

/// A member's value.
pub(crate) fn member<'a>(field: &'a RecordField, record: &'a [u8]) -> Value<'a> {
    let start = (field.bit_offset / 8) as usize;
    let Some(rest) = record.get(start..) else {
        return Value::Malformed;
    };
    match field.bit_width {
        None => decode_c(&field.ty, rest),
        Some(width) => bit_field(&field.ty, rest, field.bit_offset % 8, width.into()),
    }
}

/// A bit-field of at most 64 bits that starts in the first byte.
fn bit_field<'a>(ty: &'a Type, bytes: &[u8], shift: u32, width: u32) -> Value<'a> {
    if width == 0 || width > 64 || bytes.len() * 8 < (shift + width) as usize {
        return Value::Malformed;
    }
    let low = u128::from(extend(bytes, false));
    let high = u128::from(bytes.get(8).copied().unwrap_or(0));
    let value = ((low | high << 64) >> shift) as u64;
    let unused = 64 - width;
    match ty {
        Type::Bool => Value::Bool(value << unused != 0),
        _ if ty.is_signed() => scalar_of(ty, ((value << unused) as i64 >> unused) as u64),
        _ => scalar_of(ty, value << unused >> unused),
    }
}

fn scalar_of(ty: &Type, word: u64) -> Value<'_> {
    match ty {
        Type::Int { signed: true, .. } => Value::Int(word as i64),
        Type::Int { signed: false, .. } => Value::Uint(word),
        Type::Pointer { .. } => Value::Pointer(word),
        _ => Value::Special(ty, word),
    }
}

/// Shown for an enumeration with data that is none of its variants.
pub(crate) const NO_VARIANT: &[u8] = b"<no variant>";

/// A variant of an enumeration with data, as it is shown: the name, and what is in it.
pub(crate) struct Variant<'a> {
    pub name: &'a str,
    pub data: &'a RecordType,
    pub bytes: &'a [u8],
}

impl<'a> Variant<'a> {
    /// `None` if the bytes are no variant.
    pub fn of(variants: &'a RecordVariants, record: &'a [u8]) -> Option<Self> {
        let field = variants.of(record)?;
        match member(field, record) {
            Value::Record(data, bytes) => Some(Self { name: &field.name, data, bytes }),
            _ => None,
        }
    }

    /// Whether it is written as `Some(3)`: its members are numbered.
    pub fn is_tuple(&self) -> bool {
        let is_numbered = |name: &str| name.strip_prefix("__").is_some_and(|rest| rest.parse::<u32>().is_ok());
        !self.data.fields.is_empty() && self.data.fields.iter().all(|field| is_numbered(&field.name))
    }

    /// The values of what is in it.
    pub fn values(&self) -> Vec<Value<'a>> {
        self.data.fields.iter().map(|field| member(field, self.bytes)).collect()
    }
}

/// Members to show: those of anonymous members in their place.
pub(crate) fn visit_members<'a>(record: &'a RecordType, bytes: &'a [u8], visit: &mut dyn FnMut(&'a str, Value<'a>)) {
    for field in &record.fields {
        match (field.name.is_empty(), member(field, bytes)) {
            (true, Value::Record(inner, part)) => visit_members(inner, part, visit),
            (_, value) => visit(&field.name, value),
        }
    }
}
