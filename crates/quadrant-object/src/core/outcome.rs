//! Numbers for instructions: what a path comes to in the object's types, and in the kernel's.

use quadrant_types::{Btf, BtfKind};

use super::Question;
use super::spec::Spec;

/// What a question comes to in one BTF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    /// For the instruction.
    pub number: u64,
    /// Of the field whose offset it is, where the size of the access may have to follow.
    pub access: Option<Access>,
    /// The compiler's own number is known for certain; that of bit-fields is not.
    pub is_certain: bool,
}

/// A field that is read or written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    pub bytes: u32,
    /// A pointer, or an integer without sign: shorter and longer ones are read alike.
    pub adjustable: Adjustable,
}

/// Which accesses of another size mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adjustable {
    Pointer,
    Unsigned,
    No,
}

/// What to do with an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The number that the compiler wrote, where that is known.
    pub expected: Option<u64>,
    /// The number for this kernel; `None` if there is none, and the instruction must not run.
    pub number: Option<u64>,
    /// Sizes of the field in the object and in the kernel, if they differ, and whether the access can be changed.
    pub resize: Option<(u32, u32, bool)>,
    /// What was asked for, in words.
    pub what: String,
}

impl Outcome {
    /// An answer that needs no kernel.
    pub(super) fn known(spec: &Spec<'_>, number: u64) -> Outcome {
        Outcome { expected: None, number: Some(number), resize: None, what: spec.describe() }
    }

    /// An answer from what was found in the kernel's types, if anything was.
    pub(super) fn new(question: Question, local: &Spec<'_>, found: Option<Value>) -> Option<Outcome> {
        let ours = Value::of(local, question)?;
        let number = match found {
            Some(value) => Some(value.number),
            None if question.has_zero() => Some(0),
            None => None,
        };
        let resize = match (ours.access, found.and_then(|value| value.access)) {
            (Some(a), Some(b)) if a.bytes != b.bytes => {
                Some((a.bytes, b.bytes, a.adjustable == b.adjustable && a.adjustable != Adjustable::No))
            }
            _ => None,
        };
        let expected = ours.is_certain.then_some(ours.number);
        Some(Outcome { expected, number, resize, what: local.describe() })
    }
}

impl Value {
    /// `None` if the question cannot be asked of such a path.
    pub fn of(spec: &Spec<'_>, question: Question) -> Option<Value> {
        let plain = |number| Some(Value { number, access: None, is_certain: true });
        match question {
            Question::FieldExists | Question::TypeExists | Question::TypeMatches | Question::ConstantExists => plain(1),
            Question::TypeIdLocal | Question::TypeIdTarget => {
                Some(Value { number: spec.root.into(), access: None, is_certain: false })
            }
            Question::TypeSize => plain(spec.btf.size_of(spec.root)?.into()),
            Question::ConstantValue => {
                let step = spec.steps.first()?;
                let (_, value) = spec.btf.enumerators(step.ty).nth(step.index as usize)?;
                plain(value as u64)
            }
            _ => field(spec, question),
        }
    }
}

fn field(spec: &Spec<'_>, question: Question) -> Option<Value> {
    let Some(member) = spec.last_member() else { return element(spec, question) };
    let ty = spec.btf.resolve(member.ty);
    let place = Place::of(spec, &member, ty)?;
    let number = match question {
        Question::FieldOffset => place.byte_offset,
        Question::FieldSize => place.bytes.into(),
        Question::FieldSigned => is_signed(spec.btf, ty).into(),
        Question::FieldLeftShift => {
            let end = place.bit_offset.checked_add(place.bits)?.checked_sub(place.byte_offset.checked_mul(8)?)?;
            64_u64.checked_sub(end)?
        }
        Question::FieldRightShift => 64_u64.checked_sub(place.bits)?,
        _ => return None,
    };
    let access = (question == Question::FieldOffset && !place.is_bit_field).then(|| access(spec.btf, ty, place.bytes));
    let is_sure = !place.is_bit_field || matches!(question, Question::FieldSigned | Question::FieldRightShift);
    Some(Value { number, access, is_certain: is_sure })
}

/// An element of an array.
fn element(spec: &Spec<'_>, question: Question) -> Option<Value> {
    let bytes = spec.btf.size_of(spec.steps.last()?.ty)?;
    let ty = spec.btf.resolve(spec.steps.last()?.ty);
    match question {
        Question::FieldOffset => {
            let access = Some(access(spec.btf, ty, bytes));
            Some(Value { number: spec.bit_offset / 8, access, is_certain: true })
        }
        Question::FieldSize => Some(Value { number: bytes.into(), access: None, is_certain: true }),
        _ => None,
    }
}

/// Which bytes to load, and which bits of them count.
struct Place {
    byte_offset: u64,
    bytes: u32,
    bit_offset: u64,
    bits: u64,
    is_bit_field: bool,
}

impl Place {
    /// The smallest aligned integer, of at least the field's own type, that has all bits of a bit-field.
    fn of(spec: &Spec<'_>, member: &quadrant_types::BtfMember<'_>, ty: u32) -> Option<Place> {
        let bit_offset = spec.bit_offset;
        if member.bits == 0 {
            let bytes = spec.btf.size_of(member.ty)?;
            let bits = u64::from(bytes) * 8;
            return Some(Place { byte_offset: bit_offset / 8, bytes, bit_offset, bits, is_bit_field: false });
        }
        let bits = u64::from(member.bits);
        let mut bytes = spec.btf.size_of(ty).filter(|bytes| *bytes > 0)?;
        loop {
            let byte_offset = bit_offset / 8 / u64::from(bytes) * u64::from(bytes);
            if bit_offset + bits <= (byte_offset + u64::from(bytes)) * 8 && bytes <= 8 {
                return Some(Place { byte_offset, bytes, bit_offset, bits, is_bit_field: true });
            }
            bytes = bytes.checked_mul(2).filter(|bytes| *bytes <= 8)?;
        }
    }
}

fn access(btf: &Btf, ty: u32, bytes: u32) -> Access {
    let adjustable = match btf.kind(ty) {
        Some(BtfKind::Ptr) => Adjustable::Pointer,
        Some(BtfKind::Int) if !is_signed(btf, ty) => Adjustable::Unsigned,
        _ => Adjustable::No,
    };
    Access { bytes, adjustable }
}

fn is_signed(btf: &Btf, ty: u32) -> bool {
    match btf.kind(ty) {
        Some(BtfKind::Enum | BtfKind::Enum64) => btf.kind_flag(ty),
        _ => btf.int(ty).is_some_and(|int| int.signed),
    }
}
