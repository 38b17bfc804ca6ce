//! Types as D writes them, and types of C as types of the model.

use std::sync::Arc;

use quadrant_program::span::Span;
use quadrant_program::ty::{EnumType, RecordField, RecordType, RecordVariants, Space, Type};
use quadrant_types::{CType, Member, TypeId};

use super::Lower;
use super::value::{Int, Ty};
use crate::ast::{self, ScopedName, Tag, TypeExpr, TypeSpec, TypeSpecKind, Wrap};

/// How deep the members of a printed record are followed.
const MAX_PRINT_DEPTH: u8 = 6;
/// The longest array that a script may declare.
const MAX_ARRAY: i64 = 1 << 20;

/// Solaris' names of types that scripts use everywhere.
const SOLARIS: &[(&str, &str)] = &[
    ("uchar_t", "unsigned char"),
    ("ushort_t", "unsigned short"),
    ("uint_t", "unsigned int"),
    ("ulong_t", "unsigned long"),
    ("longlong_t", "long long"),
    ("u_longlong_t", "unsigned long long"),
    ("offset_t", "long long"),
    ("hrtime_t", "long long"),
    ("caddr_t", "char *"),
    ("daddr_t", "long"),
    ("id_t", "int"),
    ("processorid_t", "int"),
    ("zoneid_t", "int"),
    ("projid_t", "int"),
    ("taskid_t", "int"),
    ("psetid_t", "int"),
    ("chipid_t", "int"),
    ("lgrp_id_t", "int"),
    ("ipaddr_t", "unsigned int"),
    ("in6_addr_t", "struct in6_addr"),
    ("pc_t", "unsigned long"),
    ("greg_t", "long"),
    ("size32_t", "unsigned int"),
    ("boolean_t", "int"),
    ("poolid_t", "int"),
    ("lwpid_t", "int"),
    ("major_t", "unsigned int"),
    ("minor_t", "unsigned int"),
    ("pfn_t", "unsigned long"),
    ("off64_t", "long long"),
    // Of C's headers, where the kernel has none.
    ("in_addr_t", "unsigned int"),
    ("in_port_t", "unsigned short"),
    ("socklen_t", "unsigned int"),
    ("u_char", "unsigned char"),
    ("u_short", "unsigned short"),
    ("u_int", "unsigned int"),
    ("u_long", "unsigned long"),
];

impl Lower<'_> {
    /// The type that is written.
    pub(super) fn type_expr(&mut self, ty: &TypeExpr) -> Option<Ty> {
        let id = self.type_id(ty)?;
        Some(self.ty_of(id))
    }

    /// The type that is written, as the store of types has it.
    pub(super) fn type_id(&mut self, ty: &TypeExpr) -> Option<TypeId> {
        let base = self.type_spec(&ty.base)?;
        self.wrapped(base, &ty.wraps, ty.span)
    }

    /// A type of the store as the type of values: `string` is one of its own.
    pub(super) fn ty_of(&self, id: TypeId) -> Ty {
        if id == self.string_id || self.types.display(id) == "string" { Ty::Text } else { Ty::C(id) }
    }

    /// What stands in front of the declarators; a definition in it is carried out.
    pub(super) fn type_spec(&mut self, spec: &TypeSpec) -> Option<TypeId> {
        match &spec.kind {
            TypeSpecKind::Error => None,
            TypeSpecKind::Words(words) if words == "string" => Some(self.string_id),
            TypeSpecKind::Words(words) => self.worded_type(words, spec.span),
            TypeSpecKind::Named(name) => self.named_type(name),
            TypeSpecKind::Tagged { tag, name, body } => match body {
                Some(body) => self.define_tagged(*tag, name.as_ref(), body, spec),
                None => self.tagged_type(*tag, name.as_ref()?),
            },
        }
    }

    fn worded_type(&mut self, words: &str, span: Span) -> Option<TypeId> {
        if let Some((tag, message)) = super::words::mistake(words) {
            return self.fail(span, tag, message);
        }
        match self.types.parse_type_name(words) {
            Ok(id) if !super::words::no_float(words) => Some(id),
            _ => {
                let (tag, message) = super::words::no_type(words);
                self.fail(span, tag, message)
            }
        }
    }

    /// Puts pointers and dimensions around a type.
    pub(super) fn wrapped(&mut self, base: TypeId, wraps: &[Wrap], span: Span) -> Option<TypeId> {
        wraps.iter().try_fold(base, |id, wrap| match wrap {
            Wrap::Pointer => Some(self.types.pointer_to(id)),
            Wrap::Array(_) if matches!(self.types.kind(id), CType::Void) => {
                self.fail(span, "D_DECL_VOIDOBJ", "cannot declare array of void")
            }
            Wrap::Array(None) => Some(self.types.array_of(id, 0)),
            Wrap::Array(Some(len)) => Some(self.types.array_of(id, self.array_len(len)?)),
            // Nothing is called through it: it only has an address.
            Wrap::Function { .. } => Some(TypeId::VOID),
            Wrap::Assoc(_) => self.fail(span, "D_DECL_DYNOBJ", "cannot declare array of associative arrays"),
        })
    }

    fn array_len(&mut self, len: &ast::Expr) -> Option<u64> {
        match self.expr(len)?.constant() {
            Some(value @ 1..=MAX_ARRAY) => Some(value as u64),
            Some(0) if self.from_c => Some(0),
            Some(value) if value > MAX_ARRAY => {
                let help = format!("an array may have up to {MAX_ARRAY} elements");
                self.fail_help(len.span, "D_DECL_ARRBIG", "array dimension too big", help)
            }
            _ => self.fail(
                len.span,
                "D_DECL_ARRSUB",
                "positive integral constant expression or tuple signature expected as array declaration subscript",
            ),
        }
    }

    /// A type given by `typedef`, by the script, a library, or the kernel.
    pub(super) fn named_type(&mut self, name: &ScopedName) -> Option<TypeId> {
        match self.find_named_type(&name.name) {
            Some(id) => Some(id),
            // To DTrace, a word that is no type cannot stand there at all.
            None => self.fail(
                name.span,
                "D_SYNTAX",
                format!("failed to resolve type {}: Type definition is not available", name.name),
            ),
        }
    }

    /// As [`Lower::named_type`], without a message.
    pub(super) fn find_named_type(&mut self, name: &str) -> Option<TypeId> {
        if name == "string" {
            return Some(self.string_id);
        }
        self.need(name);
        if let Some(id) = self.types.lookup_plain_name(name) {
            return Some(id);
        }
        let (_, words) = SOLARIS.iter().find(|(known, _)| *known == name)?;
        self.types.parse_type_name(words).ok()
    }

    pub(super) fn tagged_type(&mut self, tag: Tag, name: &ScopedName) -> Option<TypeId> {
        self.need(&format!("{} {}", tag.word(), name.name));
        let found = match tag {
            Tag::Struct => self.types.lookup_struct(&name.name),
            Tag::Union => self.types.lookup_union(&name.name),
            Tag::Enum => self.types.lookup_enum(&name.name),
        };
        // Of what is only declared, pointers have a use.
        Some(found.unwrap_or_else(|| match tag {
            Tag::Enum => self.types.declare_enum(&name.name),
            Tag::Struct | Tag::Union => self.types.declare_struct(&name.name, tag == Tag::Union),
        }))
    }

    /// What the model calls a value of this type; values in memory have C's layout.
    pub(super) fn model(&mut self, ty: &Ty, span: Span) -> Option<Type> {
        match ty {
            Ty::Text => Some(self.text_type()),
            Ty::Special(model) => Some(model.clone()),
            Ty::Aggregation => self.fail(span, "D_OP_DYN", "operator cannot be applied to an aggregation"),
            Ty::Xlated(made) => {
                let name = made.name.clone();
                self.fail(span, "D_XLATE_REF", format!("translated {name} has no value of its own: use its members"))
            }
            Ty::C(id) => self.model_of(*id, span),
        }
    }

    pub(super) fn model_of(&mut self, id: TypeId, span: Span) -> Option<Type> {
        match self.types.kind(id) {
            CType::Int { size: 16, .. } => Some(bytes(16)),
            CType::Struct { complete: false, .. } | CType::Enum { size: 0, .. } => self.only_declared(id, span),
            CType::Int { .. } | CType::Enum { .. } | CType::Ptr { .. } => Some(self.scalar_model(id)),
            CType::Array { elem, len } => {
                let Ok(len) = u32::try_from(len) else {
                    return self.fail(span, "D_SIZEOF_TYPE", "array is too large");
                };
                let elem = self.model_of(elem, span)?;
                Some(Type::Array { elem: Arc::new(elem), len })
            }
            CType::Struct { size, .. } => Some(Type::Record(Arc::new(RecordType {
                name: self.types.display(self.types.resolve(id)),
                ctype: self.types.resolve(id),
                size,
                fields: Vec::new(),
                variants: None,
            }))),
            CType::Float { size } => Some(bytes(size)),
            CType::Void => self.fail(span, "D_DEREF_VOID", "cannot dereference pointer to void"),
            CType::Func(_) => self.fail(span, "D_DEREF_FUNC", "cannot dereference pointer to function"),
        }
    }

    fn only_declared<T>(&mut self, id: TypeId, span: Span) -> Option<T> {
        let name = self.types.display(id);
        let message = format!("operator cannot be applied to a forward declaration: no {name} definition is available");
        self.fail(span, "D_OP_INCOMPLETE", message)
    }

    /// The type with all that is needed to print its values.
    pub(super) fn printable(&self, id: TypeId) -> Option<Type> {
        self.printable_within(id, MAX_PRINT_DEPTH)
    }

    fn printable_within(&self, id: TypeId, depth: u8) -> Option<Type> {
        Some(match self.types.kind(id) {
            CType::Enum { .. } => Type::Enum(self.enum_type(id)),
            CType::Int { is_bool: true, .. } => Type::Bool,
            CType::Int { .. } => self.int_of(&Ty::C(id))?.model(),
            CType::Ptr { to, .. } => Type::Pointer { to, space: Space::Kernel },
            CType::Array { elem, len } if self.is_text(elem) && len > 0 => {
                Type::String { cap: u32::try_from(len).ok()? }
            }
            CType::Array { elem, len } => {
                let elem = Arc::new(self.printable_within(elem, depth)?);
                Type::Array { elem, len: u32::try_from(len).ok()? }
            }
            CType::Struct { complete: true, size, .. } => {
                let ctype = self.types.resolve(id);
                let inner = depth.checked_sub(1);
                let fields = inner.map_or_else(Vec::new, |depth| self.record_fields(ctype, depth));
                let variants = inner.and_then(|depth| self.record_variants(ctype, depth)).map(Arc::new);
                Type::Record(Arc::new(RecordType { name: self.types.display(ctype), ctype, size, fields, variants }))
            }
            CType::Float { size } => bytes(size),
            _ => return None,
        })
    }

    /// Arrays of `char` are text; those of other types of its size are numbers.
    fn is_text(&self, elem: TypeId) -> bool {
        self.types.display(self.types.resolve(elem)) == "char"
    }

    fn record_fields(&self, record: TypeId, depth: u8) -> Vec<RecordField> {
        let members = self.types.members(record);
        members.iter().filter_map(|member| self.record_field(member, depth)).collect()
    }

    fn record_field(&self, member: &Member, depth: u8) -> Option<RecordField> {
        Some(RecordField {
            name: member.name.to_string(),
            ty: self.printable_within(member.ty, depth)?,
            type_name: self.types.display(member.ty),
            bit_offset: u32::try_from(member.bit_offset).ok()?,
            bit_width: member.bitfield_size,
        })
    }

    fn record_variants(&self, record: TypeId, depth: u8) -> Option<RecordVariants> {
        let variants = self.types.variants(record)?;
        let cases = variants.cases.iter().map(|case| Some((case.value, self.record_field(&case.member, depth)?)));
        let cases = cases.collect::<Option<_>>()?;
        let tag = variants.tag.as_ref();
        Some(RecordVariants {
            tag_offset: tag.map_or(0, |tag| tag.byte_offset() as u32),
            tag_bytes: tag.and_then(|tag| self.types.size_of(tag.ty)).unwrap_or(0) as u8,
            cases,
        })
    }

    pub(super) fn enum_type(&self, id: TypeId) -> Arc<EnumType> {
        let id = self.types.resolve(id);
        let (name, bytes, signed) = match self.types.kind(id) {
            CType::Enum { name, size, signed } => (name.to_string(), size as u8, signed),
            _ => (String::new(), 4, true),
        };
        let values = self.types.enum_values(id).iter().map(|value| (value.name.to_string(), value.value)).collect();
        Arc::new(EnumType { name, bytes, signed, values })
    }

    /// Bytes of a type.
    pub(super) fn size_of(&self, ty: &Ty) -> Option<u64> {
        match ty {
            Ty::C(id) => self.types.size_of(*id),
            Ty::Text => Some(self.settings.strsize.into()),
            Ty::Xlated(made) => self.types.size_of(made.output),
            Ty::Aggregation | Ty::Special(_) => None,
        }
    }

    /// The type of an integer constant as it was written: the first that holds it, by C's rules.
    pub(super) fn literal_int(&mut self, literal: &ast::IntLiteral, span: Span) -> Option<Int> {
        let fits = |int: Int| match (int.bytes, int.signed) {
            (4, true) => literal.value <= i32::MAX as u64,
            (4, false) => u32::try_from(literal.value).is_ok(),
            (_, true) => literal.value <= i64::MAX as u64,
            (_, false) => true,
        };
        let ints = [Int::INT, Int { bytes: 4, signed: false }, Int::LONG, Int::ULONG];
        let mut allowed = ints.into_iter().filter(|int| {
            (literal.longs == 0 || int.bytes == 8)
                && (!literal.unsigned || !int.signed)
                && (!literal.decimal || literal.unsigned || int.signed)
        });
        allowed.find(|int| fits(*int)).or_else(|| {
            let value = literal.value;
            let message = format!("integer constant {value:#x} cannot be represented in any built-in integral type");
            self.fail_help(span, "D_INT_OFLOW", message, "the suffix `u` makes it unsigned")
        })
    }
}

fn bytes(len: u32) -> Type {
    Type::Array { elem: Arc::new(Type::Int { bytes: 1, signed: false }), len }
}
