//! A lazy reader of raw BTF, the format of `/sys/kernel/btf/vmlinux`
//! (described in the kernel's Documentation/bpf/btf.rst and linux/btf.h).
//!
//! Opening builds one table: where each record starts. Nothing else is decoded
//! until it is asked for, and every later access is checked against the data.

mod kind;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod view;

pub use kind::BtfKind;
pub(crate) use record::{RawMember, Record};
pub use view::{BtfInt, BtfLinkage, BtfMember, BtfVariable};

use crate::TypeError;
use names::NameIndex;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

const MAGIC: u16 = 0xeb9f;
const HEADER_LEN: usize = 24;
const RECORD_HEAD: usize = 12;

/// One BTF blob: the kernel's own, or a module's on top of it.
pub struct Btf {
    data: Box<dyn AsRef<[u8]>>,
    strings: Range<usize>,
    /// Where each record starts in the data; the first is record `first_id`.
    offsets: Vec<u32>,
    first_id: u32,
    /// String offsets below this belong to `base`.
    string_base: u32,
    base: Option<Rc<Btf>>,
    names: NameIndex,
}

impl Btf {
    /// Reads the table of records of stand-alone BTF, as in `/sys/kernel/btf/vmlinux`.
    pub fn new(data: impl AsRef<[u8]> + 'static) -> Result<Self, TypeError> {
        Self::open(Box::new(data), None)
    }

    /// Reads a module's BTF (`/sys/kernel/btf/MODULE`), whose ids and strings continue those of `base`.
    pub fn new_split(base: Rc<Btf>, data: impl AsRef<[u8]> + 'static) -> Result<Self, TypeError> {
        Self::open(Box::new(data), Some(base))
    }

    fn open(data: Box<dyn AsRef<[u8]>>, base: Option<Rc<Btf>>) -> Result<Self, TypeError> {
        let bytes = (*data).as_ref();
        let sections = Sections::parse(bytes)?;
        let offsets = index_records(bytes, sections.types)?;
        Ok(Self {
            strings: sections.strings,
            offsets,
            first_id: base.as_ref().map_or(1, |base| base.end_id()),
            string_base: base.as_ref().map_or(0, |base| base.end_string()),
            base,
            names: NameIndex::default(),
            data,
        })
    }

    /// The id after the last one.
    pub fn end_id(&self) -> u32 {
        self.first_id.saturating_add(u32::try_from(self.offsets.len()).unwrap_or(u32::MAX))
    }

    /// The first id of this blob itself: 1, or where the base ends.
    pub fn first_id(&self) -> u32 {
        self.first_id
    }

    /// The kind of record `id`; `None` for void (0) and for ids beyond the end.
    pub fn kind(&self, id: u32) -> Option<BtfKind> {
        self.record(id).map(|record| record.kind)
    }

    /// The name of record `id`, empty if it has none.
    pub fn name(&self, id: u32) -> &str {
        self.record(id).map_or("", |record| self.string(record.name_off))
    }

    /// All records of this blob (not of its base): id, kind, name.
    pub fn iter(&self) -> impl Iterator<Item = (u32, BtfKind, &str)> {
        (self.first_id..self.end_id()).filter_map(|id| {
            let record = self.record(id)?;
            Some((id, record.kind, self.string(record.name_off)))
        })
    }

    pub(crate) fn record(&self, id: u32) -> Option<Record<'_>> {
        if id < self.first_id {
            return self.base.as_ref()?.record(id);
        }
        let start = *self.offsets.get((id - self.first_id) as usize)? as usize;
        Record::parse(self.bytes(), start)
    }

    /// The string at `offset`; empty if the offset is out of bounds or the text is not UTF-8.
    pub fn string(&self, offset: u32) -> &str {
        if offset < self.string_base {
            return self.base.as_ref().map_or("", |base| base.string(offset));
        }
        let start = (offset - self.string_base) as usize;
        let Some(tail) = self.string_section().get(start..) else { return "" };
        let end = memchr::memchr(0, tail).unwrap_or(tail.len());
        std::str::from_utf8(&tail[..end]).unwrap_or("")
    }

    fn bytes(&self) -> &[u8] {
        (*self.data).as_ref()
    }

    fn string_section(&self) -> &[u8] {
        self.bytes().get(self.strings.clone()).unwrap_or_default()
    }

    pub(crate) fn end_string(&self) -> u32 {
        self.string_base.saturating_add(u32::try_from(self.strings.len()).unwrap_or(u32::MAX))
    }
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Btf({} records from {})", self.offsets.len(), self.first_id)
    }
}

struct Sections {
    types: Range<usize>,
    strings: Range<usize>,
}

impl Sections {
    fn parse(data: &[u8]) -> Result<Self, TypeError> {
        let word = |at| record::u32_at(data, at).ok_or(malformed("header cut short", at));
        let magic = word(0)? as u16;
        if magic == MAGIC.swap_bytes() {
            return Err(malformed("big-endian data, only little-endian is supported", 0));
        }
        if magic != MAGIC {
            return Err(malformed("no BTF magic number", 0));
        }
        let header = word(4)? as usize;
        if header < HEADER_LEN {
            return Err(malformed("header too short", 4));
        }
        Ok(Self {
            types: section(data, header, word(8)?, word(12)?, 8)?,
            strings: section(data, header, word(16)?, word(20)?, 16)?,
        })
    }
}

fn section(data: &[u8], header: usize, offset: u32, len: u32, at: usize) -> Result<Range<usize>, TypeError> {
    let start = header.checked_add(offset as usize);
    let end = start.and_then(|start| start.checked_add(len as usize));
    match (start, end) {
        (Some(start), Some(end)) if end <= data.len() => Ok(start..end),
        _ => Err(malformed("section reaches beyond the data", at)),
    }
}

/// Where each record starts. Checks that every record lies inside the section.
fn index_records(data: &[u8], types: Range<usize>) -> Result<Vec<u32>, TypeError> {
    // About 26 bytes a record in real kernels.
    let mut offsets = Vec::with_capacity(types.len() / 24);
    let mut at = types.start;
    while at < types.end {
        let next = Record::end(data, at).filter(|end| *end <= types.end);
        offsets.push(u32::try_from(at).map_err(|_| malformed("data over 4 GiB", at))?);
        at = next.ok_or(malformed("record of unknown kind or cut short", at))?;
    }
    Ok(offsets)
}

fn malformed(what: &'static str, offset: usize) -> TypeError {
    TypeError::MalformedBtf { what, offset }
}
