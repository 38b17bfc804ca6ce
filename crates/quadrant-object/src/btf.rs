//! An object's type information in the form that the kernel takes: places of variables filled in, what is not part of the program
//! taken out, and for older kernels, kinds that they do not know replaced by like ones.
//!
//! Ids stay as they are: records are changed in their place.

use quadrant_types::{Btf, BtfKind, BtfLinkage};

use crate::data::variables;
use crate::elf::Elf;
use crate::error::Result;

/// How much is replaced. A loader tries one after the other: what a kernel knows is found out by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sanitizing {
    /// Nothing.
    None,
    /// 64-bit enumerations (Linux 6.0).
    Enumerations,
    /// And tags of types (5.17) and declarations (5.16).
    Tags,
    /// And floating-point numbers (5.13).
    Floats,
}

impl Sanitizing {
    /// From nothing to everything.
    pub const ALL: [Sanitizing; 4] = [Sanitizing::None, Sanitizing::Enumerations, Sanitizing::Tags, Sanitizing::Floats];
}

/// Words of a record's head.
const NAME: usize = 0;
const INFO: usize = 4;
const SIZE: usize = 8;
const HEAD: usize = 12;

/// Types with all places filled in.
#[derive(Debug, Clone)]
pub(crate) struct Rewritten {
    types: Vec<u8>,
    strings: Vec<u8>,
    /// Of a small integer, which stands for what is not wanted.
    filler: u32,
    /// The id that the next type gets.
    next: u32,
}

impl Rewritten {
    /// Fills in what the linker would have.
    pub fn new(elf: &Elf<'_>, btf: &Btf, hidden: impl Fn(&str) -> bool) -> Result<Rewritten> {
        let (types, strings) = (btf.type_bytes().to_vec(), btf.string_bytes().to_vec());
        let mut new = Rewritten { types, strings, filler: btf.end_id(), next: btf.end_id() };
        let name = new.text("filler");
        new.add(&[name, info(BtfKind::Int, 0), 1, 8]);
        for (id, kind, name) in btf.iter() {
            match kind {
                BtfKind::Datasec => match elf.section(name).filter(|(_, section)| section.size > 0) {
                    Some((section, _)) => new.place(elf, btf, id, section)?,
                    None => new.scatter(btf, id),
                },
                BtfKind::Var if btf.linkage(id) == Some(BtfLinkage::Extern) => new.fill(btf, id),
                BtfKind::Func if btf.linkage(id) == Some(BtfLinkage::Extern) => {
                    new.set(btf, id, INFO, info(BtfKind::Typedef, 0));
                    new.set(btf, id, SIZE, new.filler);
                }
                BtfKind::Func if hidden(name) => new.set(btf, id, INFO, info(BtfKind::Func, 0)),
                _ => {}
            }
        }
        Ok(new)
    }

    /// Adds a text; its offset.
    pub fn text(&mut self, text: &str) -> u32 {
        let offset = self.strings.len() as u32;
        self.strings.extend(text.bytes().chain([0]));
        offset
    }

    /// Adds a type; its id.
    pub fn add(&mut self, record: &[u32]) -> u32 {
        self.types.extend(record.iter().flat_map(|word| word.to_le_bytes()));
        self.next += 1;
        self.next - 1
    }

    /// The words of a type of the object, as it is now.
    pub fn record(&self, btf: &Btf, id: u32) -> Option<Vec<u32>> {
        let bytes = self.types.get(btf.record_range(id)?)?;
        Some(bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
    }

    /// A section of the file: its size, and its variables in the order of their places.
    fn place(&mut self, elf: &Elf<'_>, btf: &Btf, id: u32, section: usize) -> Result<()> {
        self.set(btf, id, SIZE, elf.sections[section].size as u32);
        let placed = variables(elf, section, btf, id)?;
        let mut ids: Vec<u32> = btf.variables(id).map(|variable| variable.id).collect();
        for (index, variable) in placed.iter().enumerate() {
            let fits = |id: &u32| btf.name(*id) == variable.name && btf.size_or_type(*id) == variable.ty;
            let Some(at) = ids.iter().position(fits) else { continue };
            let words = [ids.remove(at), variable.offset, variable.size];
            words.into_iter().enumerate().for_each(|(word, value)| {
                self.set(btf, id, HEAD + index * 12 + word * 4, value);
            });
        }
        Ok(())
    }

    /// A section that the file does not have, of external symbols: no section at all.
    fn scatter(&mut self, btf: &Btf, id: u32) {
        let count = btf.variables(id).count();
        self.set(btf, id, NAME, 0);
        self.set(btf, id, INFO, info(BtfKind::Union, count));
        self.set(btf, id, SIZE, 1);
        (0..count).for_each(|index| self.member(btf, id, index));
    }

    /// A member that is the filler.
    fn member(&mut self, btf: &Btf, id: u32, index: usize) {
        [0, self.filler, 0].into_iter().enumerate().for_each(|(word, value)| {
            self.set(btf, id, HEAD + index * 12 + word * 4, value);
        });
    }

    /// Makes the record, which has one word behind its head, an integer.
    fn fill(&mut self, btf: &Btf, id: u32) {
        self.set(btf, id, INFO, info(BtfKind::Int, 0));
        self.set(btf, id, SIZE, 1);
        self.set(btf, id, HEAD, 8);
    }

    fn set(&mut self, btf: &Btf, id: u32, at: usize, value: u32) {
        let place =
            btf.record_range(id).and_then(|range| self.types.get_mut(range)).and_then(|it| it.get_mut(at..at + 4));
        if let Some(place) = place {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// The bytes for the kernel.
    pub fn bytes(&self, btf: &Btf, level: Sanitizing) -> Vec<u8> {
        let mut new = self.clone();
        for (id, kind, _) in btf.iter() {
            match kind {
                BtfKind::Enum64 if level >= Sanitizing::Enumerations => {
                    let count = btf.enumerators(id).count();
                    new.set(btf, id, INFO, info(BtfKind::Union, count));
                    (0..count).for_each(|index| new.member(btf, id, index));
                }
                BtfKind::TypeTag if level >= Sanitizing::Tags => {
                    new.set(btf, id, NAME, 0);
                    new.set(btf, id, INFO, info(BtfKind::Const, 0));
                }
                BtfKind::DeclTag if level >= Sanitizing::Tags || self.is_on_external(btf, id) => new.fill(btf, id),
                BtfKind::Float if level >= Sanitizing::Floats => {
                    new.set(btf, id, NAME, 0);
                    new.set(btf, id, INFO, info(BtfKind::Struct, 0));
                }
                _ => {}
            }
        }
        new.assembled()
    }

    /// What the tag is on was taken out.
    fn is_on_external(&self, btf: &Btf, tag: u32) -> bool {
        btf.linkage(btf.size_or_type(tag)) == Some(BtfLinkage::Extern)
    }

    fn assembled(&self) -> Vec<u8> {
        const MAGIC_VERSION_FLAGS: u32 = 0x0001_eb9f;
        const HEADER: u32 = 24;
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let words = [MAGIC_VERSION_FLAGS, HEADER, 0, types, types, strings];
        let header = words.iter().flat_map(|word| word.to_le_bytes());
        header.chain(self.types.iter().copied()).chain(self.strings.iter().copied()).collect()
    }
}

pub(crate) fn info(kind: BtfKind, parts: usize) -> u32 {
    (kind as u32) << 24 | parts as u32 & 0xffff
}
