//! Numbers that depend on the kernel's types, in programs that are loaded elsewhere: the loader finds out what they are there
//! ("compile once, run everywhere").

use quadrant_types::TypeId;

/// What a number says of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aspect {
    /// Bytes before a member; of a bit-field, before the integer that it is read with.
    Offset,
    /// By how much the integer that a bit-field is read with is shifted left, so that the field's first bit is the highest.
    LeftShift,
    /// By how much it is then shifted right.
    RightShift,
    /// Bytes of the type.
    Size,
    /// The value of a constant of an enumeration.
    Enumerator,
}

/// A number that the loader adjusts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relocation {
    /// What it is.
    pub aspect: Aspect,
    /// A type of the kernel that has a name.
    pub of: TypeId,
    /// Names of members, from outside in; members of anonymous ones are taken for the outer one's. Of a constant, its name.
    pub path: Vec<String>,
    /// The type of the last member.
    pub ty: TypeId,
    /// What the number is for the kernel whose types were read.
    pub value: i64,
}
