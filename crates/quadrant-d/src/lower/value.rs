//! Values of D: an expression of the model, and its type in C's terms.

use std::rc::Rc;

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, TypeId};

use super::Lower;
use super::translate::Xlated;

/// A value. Numbers have the model's integer type of their C type, pointers point to the kernel's memory.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub expr: Expr,
    pub ty: Ty,
}

/// The type of a value.
#[derive(Clone, Debug)]
pub(super) enum Ty {
    /// A type of C. Arrays and structs are in memory.
    C(TypeId),
    /// D's `string`.
    Text,
    /// A stack, or an address shown by name: the model's type says all.
    Special(Type),
    /// `@name` where a value is wanted: it has none, and messages say so.
    Aggregation,
    /// What a translator makes, or a pointer to it: only its members have values.
    Xlated(Rc<Xlated>),
}

/// An integer type, in which numbers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Int {
    pub bytes: u8,
    pub signed: bool,
}

impl Int {
    pub const INT: Int = Int { bytes: 4, signed: true };
    pub const LONG: Int = Int { bytes: 8, signed: true };
    pub const ULONG: Int = Int { bytes: 8, signed: false };

    /// The model's type.
    pub fn model(self) -> Type {
        Type::Int { bytes: self.bytes, signed: self.signed }
    }

    /// The type that two numbers make: that of the higher rank, which is the wider one, and of two as wide the unsigned one.
    /// D does not promote what is narrower than `int`, as C does: two `char` make a `char`. Computed with, it has all of its bits.
    pub fn common(self, other: Int) -> Int {
        let (a, b) = (self, other);
        match a.bytes.cmp(&b.bytes) {
            std::cmp::Ordering::Greater => a,
            std::cmp::Ordering::Less => b,
            std::cmp::Ordering::Equal => Int { bytes: a.bytes, signed: a.signed && b.signed },
        }
    }

    /// The type in which numbers of this type are computed.
    pub fn promoted(self) -> Int {
        if self.bytes < Int::INT.bytes { Int::INT } else { self }
    }

    /// A number cut to the width and extended by the sign.
    pub fn cut(self, value: i64) -> i64 {
        let bits = 64 - 8 * u32::from(self.bytes.clamp(1, 8));
        if self.signed { value << bits >> bits } else { ((value as u64) << bits >> bits) as i64 }
    }

    /// How C calls it.
    pub fn word(self) -> &'static str {
        match (self.bytes, self.signed) {
            (1, true) => "signed char",
            (1, false) => "unsigned char",
            (2, true) => "short",
            (2, false) => "unsigned short",
            (4, true) => "int",
            (4, false) => "unsigned int",
            (_, true) => "long",
            (_, false) => "unsigned long",
        }
    }
}

impl Value {
    /// The number, if it is known.
    pub fn constant(&self) -> Option<i64> {
        match self.expr.kind {
            ExprKind::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is known.
    pub fn literal(&self) -> Option<&[u8]> {
        match &self.expr.kind {
            ExprKind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The constant zero, which is also the null pointer.
    pub fn is_zero(&self) -> bool {
        self.constant() == Some(0)
    }

    pub fn is_text(&self) -> bool {
        matches!(self.ty, Ty::Text)
    }
}

impl Lower<'_> {
    /// A number of an integer type.
    pub(super) fn number(&self, value: i64, int: Int, span: Span) -> Value {
        Value { expr: Expr::int(int.cut(value), int.model(), span), ty: self.int_ty(int) }
    }

    /// A computed value of an integer type.
    pub(super) fn of_int(&self, kind: ExprKind, int: Int, span: Span) -> Value {
        Value { expr: Expr::new(kind, int.model(), span), ty: self.int_ty(int) }
    }

    /// A truth value as C has it.
    pub(super) fn truth(&self, kind: ExprKind, span: Span) -> Value {
        self.of_int(kind, Int::INT, span)
    }

    /// Text of the usual capacity.
    pub(super) fn of_text(&self, kind: ExprKind, span: Span) -> Value {
        Value { expr: Expr::new(kind, self.text_type(), span), ty: Ty::Text }
    }

    /// What there can be of a text as a value.
    pub(super) fn within_strsize<'t>(&self, bytes: &'t [u8]) -> &'t [u8] {
        &bytes[..bytes.len().min(self.settings.strsize.saturating_sub(1) as usize)]
    }

    /// Constant text.
    pub(super) fn literal_text(&self, bytes: &[u8], span: Span) -> Value {
        // A text ends at its first NUL, as in C.
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let ty = Type::String { cap: bytes.len() as u32 + 1 };
        Value { expr: Expr::new(ExprKind::Str(bytes.into()), ty, span), ty: Ty::Text }
    }

    /// A value of the type of C with that name, which is known not to be missing.
    pub(super) fn named(&self, kind: ExprKind, name: &str, span: Span) -> Value {
        let id = self.types.parse_type_name(name).unwrap_or_else(|_| self.types.int(8, true));
        Value { expr: Expr::new(kind, self.scalar_model(id), span), ty: Ty::C(id) }
    }

    /// The model's type for text.
    pub(super) fn text_type(&self) -> Type {
        Type::String { cap: self.settings.strsize.max(1) }
    }

    pub(super) fn int_ty(&self, int: Int) -> Ty {
        Ty::C(self.int_id(int))
    }

    pub(super) fn int_id(&self, int: Int) -> TypeId {
        self.types.parse_type_name(int.word()).unwrap_or_else(|_| self.types.int(int.bytes.into(), int.signed))
    }

    /// What kind of type of C it is; none for D's own types.
    pub(super) fn kind(&self, ty: &Ty) -> Option<CType> {
        match ty {
            Ty::C(id) => Some(self.types.kind(*id)),
            _ => None,
        }
    }

    /// The integer type that it is, enumerations included.
    pub(super) fn int_of(&self, ty: &Ty) -> Option<Int> {
        match self.kind(ty)? {
            CType::Int { size: 16, .. } | CType::Enum { size: 0, .. } => None,
            CType::Int { size, signed, is_char, .. } => Some(Int { bytes: size as u8, signed: signed || is_char }),
            CType::Enum { size: 4, .. } => Some(Int::INT),
            CType::Enum { size, signed, .. } => Some(Int { bytes: size as u8, signed }),
            _ => None,
        }
    }

    pub(super) fn is_bool(&self, ty: &Ty) -> bool {
        matches!(self.kind(ty), Some(CType::Int { is_bool: true, .. }))
    }

    /// What a pointer points to.
    pub(super) fn pointee(&self, ty: &Ty) -> Option<TypeId> {
        match self.kind(ty)? {
            CType::Ptr { to, .. } => Some(to),
            _ => None,
        }
    }

    /// Integers and pointers: what can be compared with zero.
    pub(super) fn is_scalar(&self, ty: &Ty) -> bool {
        self.int_of(ty).is_some() || self.pointee(ty).is_some()
    }

    /// Text, or what stands for text: an array of characters or a pointer to one.
    pub(super) fn is_textual(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Text => true,
            Ty::C(id) => match self.types.kind(*id) {
                CType::Ptr { to, .. } | CType::Array { elem: to, .. } => self.is_char(to),
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn is_char(&self, id: TypeId) -> bool {
        matches!(self.types.kind(id), CType::Int { size: 1, is_bool: false, .. })
    }

    /// The model's type of a number or pointer of a C type.
    pub(super) fn scalar_model(&self, id: TypeId) -> Type {
        match (self.types.kind(id), self.int_of(&Ty::C(id))) {
            (_, Some(int)) => int.model(),
            (CType::Ptr { to, .. }, _) => Type::Pointer { to, space: Space::Kernel },
            _ => Type::U64,
        }
    }

    /// How the type is called in messages.
    pub(super) fn type_name(&self, ty: &Ty) -> String {
        match ty {
            Ty::C(id) => match (self.types.kind(*id), self.types.display(*id)) {
                (CType::Array { .. }, name) => name.replacen('[', " [", 1),
                (_, name) => name,
            },
            Ty::Text => "string".to_owned(),
            Ty::Aggregation => "aggregation".to_owned(),
            Ty::Special(Type::Stack(_)) => "dt_stack_t".to_owned(),
            Ty::Special(Type::Symbol { user: true, .. }) => "_usymaddr".to_owned(),
            Ty::Special(_) => "_symaddr".to_owned(),
            Ty::Xlated(_) => "pointer to translated data".to_owned(),
        }
    }
}
