//! The kernel's types in a program that is loaded elsewhere, where they may be laid out in another way: places and sizes are numbers
//! that the loader adjusts.

use std::sync::Arc;

use quadrant_program::build::{bit_container, offset};
use quadrant_program::core::{Aspect, Relocation};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind};
use quadrant_program::probe::{Field, FieldPlace, ProbeKind};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{BtfKind, CType, Member, TypeId};

use super::Lower;

/// The struct of a tracepoint's record has this prefix in the kernel's types.
const RECORD: &str = "trace_event_raw_";

impl Lower<'_> {
    /// Whether the layout of a type is the loader's to know.
    fn is_adjusted(&self, ty: TypeId) -> bool {
        self.env.portable && self.env.types.is_of_kernel(ty)
    }

    /// The bytes of a value's type, where the loader adjusts them: of a struct, and of an array of them.
    pub(super) fn portable_size_of(&mut self, ty: &Type, span: Span) -> Option<Option<Expr>> {
        match ty {
            Type::Record(record) => self.portable_size(record.ctype, span),
            Type::Array { elem, len } => Some(self.portable_size_of(elem, span)?.map(|size| times(size, *len, span))),
            _ => Some(None),
        }
    }

    /// The bytes of a type, where the loader adjusts them.
    pub(super) fn portable_size(&mut self, ty: TypeId, span: Span) -> Option<Option<Expr>> {
        let ty = self.env.types.resolve(ty);
        if let CType::Array { elem, len } = self.env.types.kind(ty) {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            return Some(self.portable_size(elem, span)?.map(|size| times(size, len, span)));
        }
        let CType::Struct { name, size, .. } = self.env.types.kind(ty) else { return Some(None) };
        if !self.is_adjusted(ty) {
            return Some(None);
        }
        if name.is_empty() {
            return self.nameless(span);
        }
        Some(Some(number(Aspect::Size, (ty, Vec::new(), ty), size.into(), span)))
    }

    /// A constant of the kernel's, where the loader adjusts it.
    pub(super) fn portable_constant(&self, name: &str, value: i64, of: TypeId) -> Option<Arc<Relocation>> {
        let CType::Enum { name: tag, .. } = self.env.types.kind(of) else { return None };
        // Those without a tag cannot be told apart on another kernel; negative ones do not fit the instruction.
        let adjusted = self.is_adjusted(of) && !tag.is_empty() && (0..=i64::from(i32::MAX)).contains(&value);
        let path = vec![name.to_owned()];
        let of = self.env.types.resolve(of);
        adjusted.then(|| Arc::new(Relocation { aspect: Aspect::Enumerator, of, path, ty: of, value }))
    }

    /// A member at an address, where the loader adjusts its place.
    pub(super) fn portable_member(
        &mut self,
        addr: &Expr,
        (record, member): (TypeId, &Member),
        space: Space,
        span: Span,
    ) -> Option<Option<Expr>> {
        if !self.is_adjusted(record) {
            return Some(None);
        }
        let Some((base, start, place)) = self.place(addr, record, member) else { return self.nameless(span) };
        // Only the place itself counts from now on: the context is memory of the kernel like any other.
        let space = if space == Space::Context { Space::Kernel } else { space };
        match member.bitfield_size {
            Some(bits) => {
                let first = start * 8 + member.bit_offset;
                self.portable_bits(base, (place, first, bits), space, span).map(Some)
            }
            None => {
                let bytes = number(Aspect::Offset, place, start + member.byte_offset(), span);
                self.read(offset(base, false, bytes, span), member.ty, space, span).map(Some)
            }
        }
    }

    /// Where a member is counted from, the bytes from there to its record, and its way by names: from a type that has one. `None` if there
    /// is none.
    fn place(&self, addr: &Expr, record: TypeId, member: &Member) -> Option<(Expr, u64, Place)> {
        let record = self.env.types.resolve(record);
        if let ExprKind::Binary(BinaryOp::Add, base, by) = &addr.kind
            && let ExprKind::Core(outer) = &by.kind
            && outer.aspect == Aspect::Offset
            && self.env.types.resolve(outer.ty) == record
        {
            let path = [outer.path.as_slice(), &[member.name.to_string()]].concat();
            return Some((Expr::clone(base), outer.value as u64, (outer.of, path, member.ty)));
        }
        match self.env.types.kind(record) {
            CType::Struct { name, .. } if !name.is_empty() => {
                Some((addr.clone(), 0, (record, vec![member.name.to_string()], member.ty)))
            }
            _ => None,
        }
    }

    fn nameless<T>(&mut self, span: Span) -> Option<T> {
        self.error_help(
            span,
            "this struct of the kernel has no name by which an object could find it on another kernel",
            "go from a struct that has one: `p->member.inner`, or build a tool (a name without .o), which is compiled where it runs",
        )
    }

    /// A bit-field: eight bytes from the integer on that it is declared in, shifted left and right.
    fn portable_bits(
        &mut self,
        base: Expr,
        (place, first, bits): (Place, u64, u8),
        space: Space,
        span: Span,
    ) -> Option<Expr> {
        let ty = self.value_type(place.2, space, span)?;
        let declared = ty.c_size().unwrap_or(4);
        let Some((start, _)) = bit_container(first, bits, declared) else {
            return self.unsupported(span, "a bit-field that spans more than 8 bytes", "read the bytes around it");
        };
        let number = |aspect, value| Box::new(number(aspect, place.clone(), value, span));
        let addr = Box::new(offset(base, false, *number(Aspect::Offset, start), span));
        let word = Expr::new(ExprKind::Deref { addr, space }, Type::U64, span);
        let left = number(Aspect::LeftShift, 64 - (first + u64::from(bits) - start * 8));
        let right = number(Aspect::RightShift, 64 - u64::from(bits));
        let whole = if ty.is_signed() { Type::I64 } else { Type::U64 };
        let shifted = Expr::new(ExprKind::Binary(BinaryOp::Shl, Box::new(word), left), whole.clone(), span);
        let value = Expr::new(ExprKind::Binary(BinaryOp::Shr, Box::new(shifted), right), whole, span);
        Some(Expr::new(ExprKind::Cast(Box::new(value)), ty, span))
    }

    /// The bytes before a member, by its path, where the loader adjusts them.
    pub(super) fn portable_offset(
        &mut self,
        of: TypeId,
        path: &[String],
        member: (TypeId, u64),
        span: Span,
    ) -> Option<Option<Expr>> {
        let of = self.env.types.resolve(of);
        match self.env.types.kind(of) {
            _ if !self.is_adjusted(of) => Some(None),
            CType::Struct { name, .. } if name.is_empty() => self.nameless(span),
            _ => Some(Some(number(Aspect::Offset, (of, path.to_vec(), member.0), member.1, span))),
        }
    }

    /// An argument in a tracepoint's record, where the loader adjusts its place: all but those of system calls, which stay where they are.
    pub(super) fn portable_argument(&mut self, field: &Field, span: Span) -> Option<Option<Expr>> {
        let is_record = matches!(field.place, FieldPlace::Context { .. } | FieldPlace::DataLoc { .. });
        let words: Vec<&str> = self.scope.point.split(':').collect();
        let (true, true, ProbeKind::Tracepoint, [_, category, event]) =
            (self.env.portable, is_record, self.scope.kind, words.as_slice())
        else {
            return Some(None);
        };
        if *category == "syscalls" {
            return Some(None);
        }
        let event = (*event).to_owned();
        let Some(record) = self.record_of(&event) else {
            let message = format!("the kernel's types do not describe the record of `{}`", self.scope.point);
            return self.error_help(span, message, AS_TOOL);
        };
        self.field_of(record, field, span).map(Some)
    }

    /// The struct of an event's record: that of its name, or the one of its class, by what is in it.
    fn record_of(&self, event: &str) -> Option<TypeId> {
        let types = self.env.types;
        let fits =
            |of: &TypeId| self.scope.args.as_ref().is_some_and(|args| args.fields.iter().all(|it| self.has(*of, it)));
        if let Some(own) = types.lookup_name_with_kind(&format!("{RECORD}{event}"), &[BtfKind::Struct]).filter(fits) {
            return Some(own);
        }
        let common = |name: &str| name[RECORD.len()..].bytes().zip(event.bytes()).take_while(|(a, b)| a == b).count();
        let mut names = types.names(&[BtfKind::Struct]);
        names.retain(|name| name.starts_with(RECORD));
        names.sort_by_key(|name| std::cmp::Reverse(common(name)));
        let found = names.iter().filter_map(|name| types.lookup_name_with_kind(name, &[BtfKind::Struct]));
        found.into_iter().find(fits)
    }

    fn has(&self, record: TypeId, field: &Field) -> bool {
        let Some((name, offset)) = member_of(field) else { return true };
        field.name.starts_with("common_")
            || self.env.types.find_member(record, &name).is_some_and(|member| member.byte_offset() == u64::from(offset))
    }

    fn field_of(&mut self, record: TypeId, field: &Field, span: Span) -> Option<Expr> {
        let (name, at) = member_of(field)?;
        let Some(member) = self.env.types.find_member(record, &name) else {
            let message = format!("an object cannot read `{}`: the kernel's types do not say where it is", field.name);
            return self.error_help(span, message, AS_TOOL);
        };
        let bytes = number(Aspect::Offset, (record, vec![name], member.ty), at.into(), span);
        let context = |to| Expr::new(ExprKind::ContextAddr(0), Type::Pointer { to, space: Space::Kernel }, span);
        let place = offset(context(field.ty), false, bytes.clone(), span);
        let FieldPlace::DataLoc { relative, .. } = field.place else {
            let pointers = if field.user { Space::User } else { self.default_space() };
            let ty = self.value_type(field.ty, pointers, span)?;
            let addr = Box::new(place);
            return Some(Expr::new(ExprKind::Deref { addr, space: Space::Kernel }, ty, span));
        };
        let word = Expr::new(ExprKind::Deref { addr: Box::new(place), space: Space::Kernel }, Type::U32, span);
        let mask = Box::new(Expr::int(0xffff, Type::U64, span));
        let word = Box::new(self.cast(word, &Type::U64));
        let distance = Expr::new(ExprKind::Binary(BinaryOp::And, word, mask), Type::U64, span);
        let start = offset(context(field.ty), false, distance, span);
        let start = match relative {
            true => offset(offset(start, false, bytes, span), false, Expr::int(4, Type::I64, span), span),
            false => start,
        };
        self.dynamic(field.ty, start, span)
    }
}

const AS_TOOL: &str = "build a tool (a name without .o), which is compiled where it runs";

/// A type that has a name, the members that lead from there, and the type of the last one.
type Place = (TypeId, Vec<String>, TypeId);

/// The member of a record's struct that a field is, and its offset.
fn member_of(field: &Field) -> Option<(String, u32)> {
    match field.place {
        FieldPlace::Context { offset, .. } => Some((field.name.clone(), offset)),
        FieldPlace::DataLoc { offset, relative: true } => Some((format!("__rel_loc_{}", field.name), offset)),
        FieldPlace::DataLoc { offset, relative: false } => Some((format!("__data_loc_{}", field.name), offset)),
        _ => None,
    }
}

fn times(size: Expr, count: u32, span: Span) -> Expr {
    let count = Box::new(Expr::int(count.into(), Type::I64, span));
    Expr::new(ExprKind::Binary(BinaryOp::Mul, Box::new(size), count), Type::I64, span)
}

fn number(aspect: Aspect, (of, path, ty): Place, value: u64, span: Span) -> Expr {
    let relocation = Relocation { aspect, of, path, ty, value: value as i64 };
    Expr::new(ExprKind::Core(Arc::new(relocation)), Type::I64, span)
}
