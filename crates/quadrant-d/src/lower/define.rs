//! Declarations: types, and variables with the type that they shall have.

use std::collections::HashSet;

use quadrant_program::span::Span;
use quadrant_types::{Attributes, CType, DebugTag, FieldDef, StructDef, TypeId};

use super::Lower;
use super::translate::Frame;
use super::value::{Int, Ty};
use super::vars::Declared;
use crate::ast::{self, Declaration, Enumerator, LayoutWish, Scope, ScopedName, Storage, Tag, TagBody, Wrap};

/// The name of types without a layout that have none of their own.
const NO_LAYOUT: &str = "(whose __attribute__ is not supported)";

impl Lower<'_> {
    /// Carries out a declaration at the top of a script. Others may be needed by it, of libraries.
    pub(super) fn declaration(&mut self, declaration: &Declaration) {
        let around = std::mem::replace(&mut self.from_c, declaration.from_c);
        self.declare_all(declaration);
        self.from_c = around;
    }

    fn declare_all(&mut self, declaration: &Declaration) {
        if is_forward_enum(declaration) {
            return;
        }
        if self.incomplete_enum(declaration).is_none() {
            return;
        }
        let Some(base) = self.type_spec(&declaration.base) else { return };
        if declaration.declared.is_empty() && !matches!(declaration.base.kind, ast::TypeSpecKind::Tagged { .. }) {
            self.fail::<()>(declaration.span, "D_DECL_USELESS", "useless declaration");
        }
        for declared in &declaration.declared {
            let Some(name) = &declared.name else { continue };
            match declaration.storage {
                Some(Storage::Typedef) => {
                    if let Some(id) = self.wrapped(base, &declared.wraps, declared.span) {
                        self.define_typedef(&name.name, id, declared);
                    }
                }
                _ => drop(self.declare_variable(declaration.scope, base, declared)),
            }
        }
    }

    /// A type that is aligned by its name's attributes is not known as such, so nothing can be made of it.
    fn define_typedef(&mut self, name: &str, id: TypeId, declared: &ast::Declared) {
        let wish = declared.wish;
        let other = wish.unknown || wish.asked.align != 0 && wish.asked.align != self.types.align_of(id);
        let id = if other { self.types.declare_struct(NO_LAYOUT, false) } else { id };
        self.types.define_typedef(name, id);
    }

    /// Refuses what would have the type of an `enum` that there is not.
    fn incomplete_enum(&mut self, declaration: &Declaration) -> Option<()> {
        let ast::TypeSpecKind::Tagged { tag: Tag::Enum, name: Some(name), body: None } = &declaration.base.kind else {
            return Some(());
        };
        let is_whole = |declared: &&ast::Declared| declared.wraps.is_empty() && declared.name.is_some();
        let declared = declaration.declared.iter().find(is_whole);
        let Some(declared) = declared.filter(|_| declaration.storage != Some(Storage::Typedef)) else {
            return Some(());
        };
        self.need(&format!("enum {}", name.name));
        if self.types.lookup_enum(&name.name).is_some_and(|id| self.types.size_of(id).is_some()) {
            return Some(());
        }
        let of = declared.name.as_ref().map_or("", |name| &name.name);
        let message = format!("incomplete struct/union/enum enum {}: {of}", name.name);
        self.fail(declared.span, "D_DECL_INCOMPLETE", message)
    }

    fn declare_variable(&mut self, scope: Scope, base: TypeId, declared: &ast::Declared) -> Option<()> {
        let name = declared.name.as_ref()?;
        let (keys, wraps) = match declared.wraps.split_last() {
            // C's functions cannot be called from D: there is nothing to remember.
            Some((Wrap::Function { .. }, _)) => return Some(()),
            Some((Wrap::Array(None), _)) if self.from_c => return Some(()),
            Some((Wrap::Array(None), _)) => {
                let message = format!("array declaration requires array dimension or tuple signature: {}", name.name);
                return self.fail(name.span, "D_DECL_ARRNULL", message);
            }
            Some((Wrap::Assoc(params), rest)) => (Some(params), rest),
            _ => (None, &declared.wraps[..]),
        };
        let id = self.wrapped(base, wraps, declared.span)?;
        if keys.is_some() && self.is_array_of_c_type(id) {
            return self.no_array_elements(id, name);
        }
        if let Some((elem, len)) = self.array_by_index(scope, id) {
            let keys = Some(vec![self.int_ty(Int::LONG)]);
            return self.declare(scope, &name.name, Declared { ty: elem, keys, len: Some(len) }, name.span);
        }
        let keys = match keys {
            Some(_) if scope == Scope::Clause => {
                let message = format!("associative arrays may not be declared as local variables: {}", name.name);
                return self.fail(name.span, "D_DECL_LOCASSC", message);
            }
            Some(params) => Some(self.key_types(params)?),
            None => None,
        };
        let ty = self.ty_of(id);
        if matches!(self.kind(&ty), Some(CType::Void)) {
            return self.fail(name.span, "D_DECL_VOIDOBJ", format!("cannot have void object: {}", name.name));
        }
        if let Some(CType::Struct { complete: false, .. }) = self.kind(&ty) {
            let message = format!("incomplete struct/union/enum {}: {}", self.type_name(&ty), name.name);
            return self.fail(name.span, "D_DECL_INCOMPLETE", message);
        }
        self.declare(scope, &name.name, Declared { ty, keys, len: None }, name.span)
    }

    fn is_array_of_c_type(&self, id: TypeId) -> bool {
        matches!(self.ty_of(id), Ty::C(id) if matches!(self.types.kind(self.types.resolve(id)), CType::Array { .. }))
    }

    fn no_array_elements(&mut self, id: TypeId, name: &ast::Ident) -> Option<()> {
        let message =
            format!("associative array of arrays is not supported: {} of {}", name.name, self.types.display(id));
        let help = "make the index one more key, or the array a member of a struct";
        self.fail_help(name.span, "D_DECL_DYNOBJ", message, help)
    }

    fn key_types(&mut self, params: &[ast::Param]) -> Option<Vec<Ty>> {
        let mut types = Vec::new();
        for (at, param) in params.iter().enumerate() {
            let ty = self.type_expr(&param.ty)?;
            if matches!(self.kind(&ty), Some(CType::Void)) {
                let name = param.name.as_ref().map_or("(anonymous)", |name| &name.name);
                let number = at + 1;
                let message =
                    format!("array prototype may not use parameter of type void: {name}, parameter #{number}");
                return self.fail(param.span, "D_DECL_PROTO_TYPE", message);
            }
            types.push(ty);
        }
        Some(types)
    }

    /// The type and number of the elements of an array that is kept as an associative one, so that each can be assigned.
    fn array_by_index(&self, scope: Scope, id: TypeId) -> Option<(Ty, u64)> {
        match self.types.kind(id) {
            CType::Array { elem, len } if scope != Scope::Clause && !self.is_char(elem) => {
                let elem = self.ty_of(elem);
                let is_record = matches!(self.kind(&elem), Some(CType::Struct { .. }));
                (self.is_scalar(&elem) || matches!(elem, Ty::Text) || is_record).then_some((elem, len))
            }
            _ => None,
        }
    }

    /// A `struct`, `union` or `enum` with its body.
    pub(super) fn define_tagged(
        &mut self,
        tag: Tag,
        name: Option<&ScopedName>,
        body: &TagBody,
        spec: &ast::TypeSpec,
    ) -> Option<TypeId> {
        let name = name.map_or("", |name| name.name.as_str());
        match body {
            TagBody::Values(values) => self.define_enum(name, values, spec.span),
            TagBody::Members(members) => self.define_record(tag, name, members, spec),
        }
    }

    fn define_enum(&mut self, name: &str, values: &[Enumerator], span: Span) -> Option<TypeId> {
        if !name.is_empty() && self.types.lookup_own(DebugTag::Enum, name).is_some() {
            return self.fail(span, "D_DECL_TYPERED", format!("type redeclared: enum {name}"));
        }
        let mut known: Vec<(&str, i64)> = Vec::new();
        let mut names = HashSet::new();
        let mut next = 0i64;
        for value in values {
            if let Some(expr) = &value.value {
                next = self.enumerator(&value.name.name, expr, &known)?;
            }
            let is_taken = self.enumerators.contains(&value.name.name)
                || self.variable(Scope::Global, &value.name.name).is_some()
                || super::distinct::is_builtin(&value.name.name);
            if is_taken || !names.insert(value.name.name.as_str()) {
                let message = format!("identifier redeclared: {}", value.name.name);
                return self.fail(value.name.span, "D_DECL_IDRED", message);
            }
            if i32::try_from(next).is_err() && !self.from_c {
                let message = format!("enumerator '{}' value overflows INT_MAX ({})", value.name.name, i32::MAX);
                return self.fail(value.name.span, "D_DECL_ENOFLOW", message);
            }
            known.push((&value.name.name, next));
            next = next.wrapping_add(1);
        }
        self.enumerators.extend(known.iter().map(|(name, _)| (*name).to_owned()));
        Some(self.types.define_enum(name, &known, false))
    }

    /// The value that an enumerator is given; `known` are those in front of it.
    fn enumerator(&mut self, name: &str, expr: &ast::Expr, known: &[(&str, i64)]) -> Option<i64> {
        let number = |(name, value): &(&str, i64)| ((*name).to_owned(), self.number(*value, Int::INT, expr.span));
        let frame = Frame { names: known.iter().map(number).collect(), at: expr.span, ..Frame::default() };
        let value = self.within(frame, |lower| lower.expr(expr))?;
        let message = format!("enumerator '{name}' must be assigned to an integral constant expression");
        value.constant().or_else(|| self.fail(expr.span, "D_DECL_ENCONST", message))
    }

    fn define_record(&mut self, tag: Tag, name: &str, members: &[Declaration], spec: &ast::TypeSpec) -> Option<TypeId> {
        let span = spec.span;
        let is_union = tag == Tag::Union;
        if !name.is_empty() {
            // So that members can point to the record itself.
            self.types.declare_struct(name, is_union);
        }
        if has_unknown_layout(spec.wish, members) {
            return Some(self.types.declare_struct(if name.is_empty() { NO_LAYOUT } else { name }, is_union));
        }
        let mut fields = Vec::new();
        for member in members {
            self.members(member, &mut fields)?;
        }
        if self.from_c && fields.iter().any(|field| self.types.size_of(field.ty).is_none()) {
            return Some(self.types.declare_struct(if name.is_empty() { NO_LAYOUT } else { name }, is_union));
        }
        self.check_names(members)?;
        let def = StructDef { name: name.to_owned(), is_union, attributes: spec.wish.asked, fields };
        match self.types.define_struct(&def) {
            Ok(id) => Some(id),
            Err(_) if !name.is_empty() => {
                self.fail(span, "D_DECL_TYPERED", format!("type redeclared: {} {name}", tag.word()))
            }
            Err(error) => self.fail(span, "D_DECL_TYPERED", error.to_string()),
        }
    }

    /// Each member has a name of its own.
    fn check_names(&mut self, members: &[Declaration]) -> Option<()> {
        let mut seen = HashSet::new();
        let names = members.iter().flat_map(|member| &member.declared).filter_map(|declared| declared.name.as_ref());
        for name in names {
            if !seen.insert(&name.name) {
                let message =
                    format!("failed to define member '{}': Duplicate member, enumerator, or variable name.", name.name);
                return self.fail(name.span, "D_UNKNOWN", message);
            }
        }
        Some(())
    }

    fn members(&mut self, declaration: &Declaration, fields: &mut Vec<FieldDef>) -> Option<()> {
        self.incomplete_enum(declaration)?;
        let base = self.type_spec(&declaration.base)?;
        if declaration.declared.is_empty() {
            fields.push(FieldDef { name: String::new(), ty: base, bits: None, attributes: Attributes::default() });
        }
        for declared in &declaration.declared {
            if let Some(Wrap::Assoc(_)) = declared.wraps.last() {
                let name = declared.name.as_ref().map_or("", |name| &name.name);
                return self.fail(declared.span, "D_DECL_DYNOBJ", format!("cannot have dynamic member: {name}"));
            }
            let ty = self.wrapped(base, &declared.wraps, declared.span)?;
            // In C it has a size: one that D does not know.
            if self.types.size_of(ty).is_none() && !self.from_c {
                return self.sizeless_member(ty, declared);
            }
            let bits = match &declared.bits {
                Some(bits) => Some(self.bit_width(bits, ty, declared)?),
                None => None,
            };
            let name = declared.name.as_ref().map_or_else(String::new, |name| name.name.clone());
            fields.push(FieldDef { name, ty, bits, attributes: declared.wish.asked });
        }
        Some(())
    }

    fn sizeless_member<T>(&mut self, ty: TypeId, declared: &ast::Declared) -> Option<T> {
        let member = declared.name.as_ref().map_or("", |name| &name.name);
        if matches!(self.types.kind(ty), CType::Void) {
            return self.fail(declared.span, "D_DECL_VOIDOBJ", format!("cannot have void member: {member}"));
        }
        let name = self.types.display(ty);
        self.fail(declared.span, "D_DECL_INCOMPLETE", format!("incomplete struct/union/enum {name}: {member}"))
    }

    fn bit_width(&mut self, bits: &ast::Expr, ty: TypeId, declared: &ast::Declared) -> Option<u8> {
        let name = declared.name.as_ref().map_or("", |name| &name.name);
        let Some(int) = self.int_of(&Ty::C(ty)) else {
            return self.fail(declared.span, "D_DECL_BFTYPE", format!("invalid type for bit-field: {name}"));
        };
        let most = 8 * i64::from(int.bytes);
        // Without a name, nothing is a width, too: the next member starts a unit of its own.
        let least = i64::from(declared.name.is_some());
        match self.expr(bits)?.constant() {
            Some(value) if (least..=most).contains(&value) => Some(value as u8),
            Some(value) if value > most => {
                self.fail(bits.span, "D_DECL_BFSIZE", format!("bit-field too big for type: {name}"))
            }
            _ => {
                let message = "positive integral constant expression expected as bit-field size";
                self.fail(bits.span, "D_DECL_BFCONST", message)
            }
        }
    }
}

fn has_unknown_layout(wish: LayoutWish, members: &[Declaration]) -> bool {
    wish.unknown || members.iter().flat_map(|member| &member.declared).any(|declared| declared.wish.unknown)
}

/// `enum e;`: only says that there is one.
fn is_forward_enum(declaration: &Declaration) -> bool {
    let kind = &declaration.base.kind;
    declaration.declared.is_empty() && matches!(kind, ast::TypeSpecKind::Tagged { tag: Tag::Enum, body: None, .. })
}
