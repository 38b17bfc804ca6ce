//! C types as types of values, and types as the script writes them.

use std::sync::Arc;

use quadrant_program::expr::ExprKind;
use quadrant_program::span::Span;
use quadrant_program::ty::{EnumType, RecordType, Space, Type};
use quadrant_types::{CType, DebugTag, TypeId, suggest};

use super::Lower;
use super::words::word_of_c;
use crate::ast::{Expr, Tag, TypeExpr, TypeKind};

/// Dimensions of an array. Debug information of a hostile program can make one of each entry, or an array of itself.
const MAX_DIMENSIONS: usize = 64;

/// Types with a name of one word, besides those of C.
const TYPE_NAMES: &[&str] =
    &["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "string", "buffer", "inet"];

impl Lower<'_> {
    /// What a value of a C type is, read from `space`: pointers in it point there, too,
    /// unless the type says that they point to user memory.
    pub(super) fn value_type(&mut self, id: TypeId, space: Space, span: Span) -> Option<Type> {
        let types = self.env.types;
        match types.kind(id) {
            CType::Int { size: 16, .. } => Some(array(Type::Int { bytes: 1, signed: false }, 16)),
            CType::Int { size, signed, .. } => Some(Type::Int { bytes: size as u8, signed }),
            CType::Enum { .. } => Some(Type::Enum(self.enum_type(id))),
            CType::Ptr { to, .. } => Some(Type::Pointer { to, space: self.pointee_space(id, space) }),
            CType::Array { elem, len } => self.array_type(elem, len, space, span),
            CType::Struct { complete: true, size, .. } => Some(Type::Record(Arc::new(RecordType {
                name: types.display(types.resolve(id)),
                ctype: types.resolve(id),
                size,
                fields: Vec::new(),
                variants: None,
            }))),
            CType::Struct { .. } if self.preamble.broken_types => None,
            CType::Struct { .. } => {
                let name = types.display(id);
                self.error(span, format!("the members of `{name}` are not known"))
            }
            CType::Void => self.error_help(
                span,
                "there is nothing to read behind a `void` pointer",
                "cast it to what it points to: `(uint64 *)...`",
            ),
            CType::Func(_) => self.error(span, "a function has no value: use its pointer"),
            CType::Float { size } => Some(Type::Float { bytes: size as u8 }),
        }
    }

    /// Where a pointer that was read from `space` points.
    fn pointee_space(&self, pointer: TypeId, space: Space) -> Space {
        if self.env.types.pointer_tags(pointer).iter().any(|tag| &**tag == "user") {
            return Space::User;
        }
        match space {
            Space::User | Space::Any => space,
            Space::Kernel | Space::Context => Space::Kernel,
            // What was copied keeps its meaning.
            Space::Program => self.default_space(),
        }
    }

    fn array_type(&mut self, elem: TypeId, len: u64, space: Space, span: Span) -> Option<Type> {
        let is_char = matches!(self.env.types.kind(elem), CType::Int { is_char: true, .. });
        let Some(len) = u32::try_from(len).ok().filter(|_| self.has_an_innermost(elem)) else {
            return self.error(span, "this array is too large");
        };
        if is_char {
            // Text of unknown length is read up to its NUL.
            let cap = if len == 0 { self.config.max_strlen } else { len };
            return Some(Type::String { cap });
        }
        // Elements are as far from each other as they are long.
        let short = Type::Int { bytes: 4, signed: false };
        let elem = match elem {
            elem if self.env.types.is_short_pointer(elem) => short,
            elem if self.is_truth(elem) => Type::Bool,
            elem => self.value_type(elem, space, span)?,
        };
        Some(array(elem, len))
    }

    /// Whether what the elements are made of is no array after some dimensions.
    fn has_an_innermost(&self, elem: TypeId) -> bool {
        let inner = |id: &TypeId| match self.env.types.kind(*id) {
            CType::Array { elem, .. } => Some(elem),
            _ => None,
        };
        std::iter::successors(Some(elem), inner).take(MAX_DIMENSIONS + 1).count() <= MAX_DIMENSIONS
    }

    pub(super) fn enum_type(&self, id: TypeId) -> Arc<EnumType> {
        let types = self.env.types;
        let id = types.resolve(id);
        let (name, bytes, signed) = match types.kind(id) {
            CType::Enum { name, size, signed } => (name.to_string(), size as u8, signed),
            _ => (String::new(), 4, false),
        };
        let values = types.enum_values(id).iter().map(|value| (value.name.to_string(), value.value)).collect();
        Arc::new(EnumType { name, bytes, signed, values })
    }

    /// The type that the script writes.
    pub(super) fn type_of(&mut self, ty: &TypeExpr) -> Option<Type> {
        match &ty.kind {
            TypeKind::Error => None,
            TypeKind::Typeof(arg) => self.type_arg(arg),
            TypeKind::Tuple(parts) => {
                let parts: Vec<Option<Type>> = parts.iter().map(|part| self.type_of(part)).collect();
                Some(Type::Tuple(parts.into_iter().collect::<Option<_>>()?))
            }
            TypeKind::Array(inner, size) => self.written_array(inner, size.as_deref(), ty.span),
            TypeKind::Named(name) => self.named_type(name, ty.span),
            TypeKind::Pointer(_) | TypeKind::Tagged(..) => {
                let id = self.c_type_of(ty)?;
                let space = self.number_space();
                match self.env.types.kind(id) {
                    CType::Ptr { to, .. } => Some(Type::Pointer { to, space }),
                    _ => self.value_type(id, space, ty.span),
                }
            }
        }
    }

    fn written_array(&mut self, inner: &TypeExpr, size: Option<&Expr>, span: Span) -> Option<Type> {
        let len = match size {
            Some(size) => self.array_len(size)?,
            None => return self.error(span, "this array needs a length"),
        };
        match &inner.kind {
            TypeKind::Named(name) if name == "string" => Some(Type::String { cap: len.max(1) }),
            TypeKind::Named(name) if name == "buffer" => Some(Type::Buffer { cap: len }),
            TypeKind::Named(name) if name == "inet" => Some(Type::Inet),
            _ => Some(array(self.type_of(inner)?, len)),
        }
    }

    fn array_len(&mut self, size: &Expr) -> Option<u32> {
        let value = self.expr(size)?;
        match value.kind {
            ExprKind::Int(len @ 0..=0x10_0000) => Some(len as u32),
            _ => self.error(size.span, "the length of an array is a constant, 1048576 at most"),
        }
    }

    /// The type of that name.
    pub(super) fn named_type(&mut self, name: &str, span: Span) -> Option<Type> {
        match name {
            // In C's types it is a number, as all are.
            "bool" => return Some(Type::Bool),
            "string" => return Some(Type::String { cap: self.config.max_strlen }),
            "buffer" => return Some(Type::Buffer { cap: self.config.max_strlen }),
            "inet" => return Some(Type::Inet),
            _ => {}
        }
        let id = self.c_named(name, span)?;
        let space = self.default_space();
        self.value_type(id, space, span)
    }

    /// The C type that the script writes, what a pointer points to for example.
    fn c_type_of(&mut self, ty: &TypeExpr) -> Option<TypeId> {
        let types = self.env.types;
        match &ty.kind {
            TypeKind::Named(name) => self.c_named(name, ty.span),
            TypeKind::Tagged(tag, name) => self.tagged(*tag, name, ty.span),
            TypeKind::Pointer(inner) => {
                let inner = self.c_type_of(inner)?;
                Some(if self.is_narrow() { types.short_pointer_to(inner) } else { types.pointer_to(inner) })
            }
            TypeKind::Array(inner, Some(size)) => {
                let elem = self.c_type_of(inner)?;
                Some(types.array_of(elem, u64::from(self.array_len(size)?)))
            }
            TypeKind::Typeof(arg) => {
                let ty_ = self.type_arg(arg)?;
                match self.c_type(&ty_) {
                    Some(id) => Some(id),
                    None => self.error(ty.span, "nothing can point to this type"),
                }
            }
            TypeKind::Array(_, None) | TypeKind::Tuple(_) => self.error(ty.span, "nothing can point to this type"),
            TypeKind::Error => None,
        }
    }

    /// bpftrace's own integer names, as C types.
    pub(super) fn c_integer(&self, name: &str) -> Option<TypeId> {
        integer(self.env.types, name)
    }

    fn c_named(&mut self, name: &str, span: Span) -> Option<TypeId> {
        let types = self.env.types;
        if let Some(id) = integer(types, name).or_else(|| self.program_name(name)) {
            return self.of_this_width(DebugTag::Plain, name, id, span);
        }
        if let Some(signed) = word_of_c(name).filter(|_| self.is_narrow()) {
            return Some(types.int(4, signed));
        }
        if let Some(id) = types.lookup_plain_name(name) {
            return Some(id);
        }
        // `(task_struct *)x` without the word `struct` is bpftrace's older spelling.
        match types.parse_type_name(name) {
            Ok(id) => Some(id),
            Err(error) => {
                if let Some(id) = types.lookup_struct(name) {
                    return self.of_this_width(DebugTag::Struct, name, id, span);
                }
                if let Some(id) = types.lookup_union(name) {
                    return self.of_this_width(DebugTag::Union, name, id, span);
                }
                if name.contains("::") {
                    return self.unknown_type("", name, format!("unknown type `{name}`"), span);
                }
                match suggest(name, TYPE_NAMES.iter().copied()) {
                    Some(near) => self.error_near(span, format!("unknown type `{name}`"), Some(near)),
                    None => self.unknown_type("", name, error.to_string(), span),
                }
            }
        }
    }

    fn tagged(&mut self, tag: Tag, name: &str, span: Span) -> Option<TypeId> {
        let types = self.env.types;
        let found = self.known_tagged(tag, name);
        match found {
            Some(id) => self.of_this_width(tag.of_types(), name, id, span),
            None if name.contains("::") => {
                let word = tag.word();
                self.unknown_type(word, name, format!("unknown type `{word} {name}`"), span)
            }
            None => match types.parse_type_name(&format!("{} {name}", tag.word())) {
                Ok(id) => Some(id),
                Err(error) => self.unknown_type(tag.word(), name, error.to_string(), span),
            },
        }
    }
}

/// bpftrace's integer names.
fn integer(types: &quadrant_types::Types, name: &str) -> Option<TypeId> {
    if name == "bool" {
        return Some(types.bool());
    }
    let (signed, bits) = match name.strip_prefix("uint") {
        Some(bits) => (false, bits),
        None => (true, name.strip_prefix("int")?),
    };
    match bits {
        "8" | "16" | "32" | "64" => Some(types.int(bits.parse::<u32>().ok()? / 8, signed)),
        _ => None,
    }
}

fn array(elem: Type, len: u32) -> Type {
    Type::Array { elem: Arc::new(elem), len }
}
