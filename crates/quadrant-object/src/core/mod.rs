//! CO-RE: an object says which field, type or constant an instruction is about; here it is found in the types of the kernel that the
//! program will run in, and the instruction is made to fit.
//!
//! The rules are libbpf's (docs.ebpf.io, "BPF CO-RE"; the documentation in bpf_core_read.h): names count, flavours (`___x`) do not,
//! a field is found wherever it has moved, its type must be of a compatible kind, and several types of one name must agree.

mod compat;
mod outcome;
mod patch;
mod spec;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use quadrant_types::{Btf, BtfKind};

pub use compat::types_are_compatible;
pub(crate) use outcome::Outcome;
pub(crate) use patch::{CORE_POISON, patch};

use crate::error::{Error, Result};
use crate::ext::CoreRecord;
use crate::externs::essential_name;
use outcome::Value;
use spec::Spec;

/// The types of the kernel that programs shall run in.
pub trait KernelTypes {
    /// Those of the kernel image.
    ///
    /// # Errors
    /// Why they cannot be had.
    fn kernel(&self) -> std::result::Result<Rc<Btf>, String>;

    /// Those of its modules; asked for only when the kernel image does not have a type.
    fn modules(&self) -> Vec<Rc<Btf>>;
}

/// What an instruction wants to know (`enum bpf_core_relo_kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    FieldOffset,
    FieldSize,
    FieldExists,
    FieldSigned,
    FieldLeftShift,
    FieldRightShift,
    TypeIdLocal,
    TypeIdTarget,
    TypeExists,
    TypeSize,
    ConstantExists,
    ConstantValue,
    TypeMatches,
}

const QUESTIONS: [Question; 13] = [
    Question::FieldOffset,
    Question::FieldSize,
    Question::FieldExists,
    Question::FieldSigned,
    Question::FieldLeftShift,
    Question::FieldRightShift,
    Question::TypeIdLocal,
    Question::TypeIdTarget,
    Question::TypeExists,
    Question::TypeSize,
    Question::ConstantExists,
    Question::ConstantValue,
    Question::TypeMatches,
];

impl Question {
    fn is_about_field(self) -> bool {
        (self as usize) < Question::TypeIdLocal as usize
    }

    fn is_about_constant(self) -> bool {
        matches!(self, Question::ConstantExists | Question::ConstantValue)
    }

    /// What is not there is 0: "no", or for a size or an id of a type, as in libbpf, "none".
    fn has_zero(self) -> bool {
        use Question::*;
        matches!(self, FieldExists | TypeExists | ConstantExists | TypeMatches | TypeSize | TypeIdTarget)
    }
}

/// Most types of one name that are looked at.
const MAX_CANDIDATES: usize = 64;

/// Answers an object's questions for one kernel.
pub(crate) struct Resolver<'a> {
    local: &'a Btf,
    kernel: &'a dyn KernelTypes,
    /// By the local type's id.
    candidates: RefCell<HashMap<u32, Rc<[Candidate]>>>,
}

/// A type of the kernel that may be the one meant.
#[derive(Clone)]
struct Candidate {
    btf: Rc<Btf>,
    id: u32,
}

impl<'a> Resolver<'a> {
    pub fn new(local: &'a Btf, kernel: &'a dyn KernelTypes) -> Resolver<'a> {
        Resolver { local, kernel, candidates: RefCell::default() }
    }

    /// The answer for one record.
    pub fn resolve(&self, record: &CoreRecord) -> Result<Outcome> {
        let bad = |why: &str| Error::malformed(format!("CO-RE relocation of instruction {}: {why}", record.at));
        let question = QUESTIONS.get(record.kind as usize).ok_or_else(|| bad("its kind is not known"))?;
        let spec = Spec::parse(self.local, record.ty, self.local.string(record.access), *question);
        let spec = spec.ok_or_else(|| bad("its access string does not fit its type"))?;
        if *question == Question::TypeIdLocal {
            return Ok(Outcome::known(&spec, record.ty.into()));
        }
        let candidates = self.candidates(record.ty, question.is_about_constant())?;
        let mut found: Option<(Spec<'_>, Value)> = None;
        for candidate in candidates.iter() {
            let Some(matched) = spec.find_in(&candidate.btf, candidate.id, *question) else { continue };
            let value = Value::of(&matched, *question).ok_or_else(|| bad("the field cannot be read so"))?;
            match &found {
                None => found = Some((matched, value)),
                Some((first, known)) if first.agrees(&matched, *question) && *known == value => {}
                Some(_) => return Err(ambiguous(&spec)),
            }
        }
        let found = found.map(|(_, value)| value);
        Outcome::new(*question, &spec, found).ok_or_else(|| bad("the field cannot be read so"))
    }

    /// Types of the same name and kind, first among the kernel's own.
    fn candidates(&self, local: u32, constants: bool) -> Result<Rc<[Candidate]>> {
        if let Some(known) = self.candidates.borrow().get(&local) {
            return Ok(known.clone());
        }
        let why_not = |why| Error::new("cannot adapt the object to this kernel (CO-RE)", why);
        let kernel = self.kernel.kernel().map_err(why_not)?;
        let mut found = self.candidates_in(&kernel, local, constants);
        if found.is_empty() {
            found = self.kernel.modules().iter().flat_map(|btf| self.candidates_in(btf, local, constants)).collect();
        }
        found.truncate(MAX_CANDIDATES);
        let found: Rc<[Candidate]> = found.into();
        self.candidates.borrow_mut().insert(local, found.clone());
        Ok(found)
    }

    fn candidates_in(&self, btf: &Rc<Btf>, local: u32, constants: bool) -> Vec<Candidate> {
        let name = essential_name(self.local.name(local));
        let kinds = match self.local.kind(local) {
            Some(BtfKind::Enum | BtfKind::Enum64) => &[BtfKind::Enum, BtfKind::Enum64][..],
            Some(BtfKind::Struct) => &[BtfKind::Struct],
            Some(BtfKind::Union) => &[BtfKind::Union],
            Some(BtfKind::Typedef) => &[BtfKind::Typedef],
            Some(BtfKind::Int) => &[BtfKind::Int],
            Some(BtfKind::Float) => &[BtfKind::Float],
            Some(BtfKind::Fwd) => &[BtfKind::Fwd],
            _ => return Vec::new(),
        };
        let is_enum = |id| matches!(btf.kind(btf.resolve(id)), Some(BtfKind::Enum | BtfKind::Enum64));
        let ids = btf.find_all(name, kinds).into_iter().filter(|id| !constants || is_enum(*id));
        ids.map(|id| Candidate { btf: Rc::clone(btf), id }).collect()
    }
}

fn ambiguous(spec: &Spec<'_>) -> Error {
    let why = "the kernel has several types of that name, and they do not agree";
    Error::new(format!("cannot adapt the object to this kernel (CO-RE): {}", spec.describe()), why)
}
