//! What a C type is, once typedefs and qualifiers are looked through.

use std::rc::Rc;

/// A handle to a type in one [`Types`](super::Types) store.
///
/// Handles of typedefs and qualified types differ from the type they stand for:
/// compare with [`Types::same`](super::Types::same), not with `==`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u32);

impl TypeId {
    /// C's `void`.
    pub const VOID: Self = Self(0);
}

/// A type with typedefs and qualifiers looked through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CType {
    /// No value; what an untyped pointer points to.
    Void,
    /// An integer, a character or a truth value.
    Int {
        /// Bytes: 1, 2, 4, 8 or 16.
        size: u32,
        /// Sign-extended when widened.
        signed: bool,
        /// One character of a string: `char`, and kinds of it by typedef.
        is_char: bool,
        /// `_Bool`.
        is_bool: bool,
    },
    /// A floating point number of `size` bytes.
    Float {
        /// Bytes: 4, 8 or 16.
        size: u32,
    },
    /// A pointer.
    Ptr {
        /// Type of what it points to.
        to: TypeId,
        /// Bytes: 8, or 4 in programs of 32 bits.
        size: u32,
    },
    /// `len` elements; 0 for a flexible array.
    Array {
        /// Type of one element.
        elem: TypeId,
        /// Number of elements.
        len: u64,
    },
    /// A struct or union. Members: [`Types::members`](super::Types::members).
    Struct {
        /// Tag; empty if anonymous.
        name: Rc<str>,
        /// Bytes, 0 while `complete` is false.
        size: u32,
        /// All members at offset 0.
        is_union: bool,
        /// False for a forward declaration without definition.
        complete: bool,
    },
    /// An enumeration. Constants: [`Types::enum_values`](super::Types::enum_values).
    Enum {
        /// Tag; empty if anonymous.
        name: Rc<str>,
        /// Bytes: 1, 2, 4 or 8.
        size: u32,
        /// Has negative constants.
        signed: bool,
    },
    /// A function (always behind a pointer in values).
    Func(FuncProto),
}

/// A function's parameters and result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FuncProto {
    /// Result type.
    pub ret: TypeId,
    /// Parameters in order, without the `...` of a variadic function.
    pub params: Rc<[Param]>,
    /// Ends in `...`.
    pub variadic: bool,
}

/// A function's parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Param {
    /// Name; empty if the type information has none.
    pub name: Rc<str>,
    /// Type.
    pub ty: TypeId,
}

/// A member of a struct or union.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name; empty for an anonymous struct or union.
    pub name: Rc<str>,
    /// Type.
    pub ty: TypeId,
    /// Bits from the start of the struct that was asked.
    pub bit_offset: u64,
    /// Bits of a bitfield; `None` for an ordinary member.
    pub bitfield_size: Option<u8>,
}

impl Member {
    /// Bytes from the start of the struct (of a bitfield: of the byte its first bit is in).
    pub fn byte_offset(&self) -> u64 {
        self.bit_offset / 8
    }
}

/// A constant of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue {
    /// Name.
    pub name: Rc<str>,
    /// Value; unsigned 64-bit ones keep their bits.
    pub value: i64,
}
