//! Types with all that is needed to print their values.

use std::sync::Arc;

use quadrant_program::span::Span;
use quadrant_program::ty::{RecordField, RecordType, RecordVariants, Space, Type};
use quadrant_types::{Member, TypeId};

use super::Lower;
use super::fields::is_script_record;

/// How deep the members of a printed record are followed.
const MAX_DEPTH: u8 = 8;
/// The same, members without names counted, too: base classes, of which C++'s library has many in a row.
const MAX_NESTED: u8 = 40;
/// Members of one printed record. What does not fit is shown without them.
const MAX_MEMBERS: usize = 20_000;

/// What may still be looked at.
struct Room {
    depth: u8,
    nested: u8,
    members: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { depth: MAX_DEPTH, nested: MAX_NESTED, members: MAX_MEMBERS }
    }
}

impl Room {
    /// Goes into a member.
    fn within<T>(&mut self, is_anonymous: bool, then: impl FnOnce(&mut Self) -> T) -> T {
        let (depth, nested) = (self.depth, self.nested);
        self.depth = depth.saturating_sub(u8::from(!is_anonymous));
        self.nested = nested.saturating_sub(1);
        self.members = self.members.saturating_sub(1);
        let result = then(self);
        (self.depth, self.nested) = (depth, nested);
        result
    }

    fn is_left(&self) -> bool {
        self.depth > 0 && self.nested > 0 && self.members > 0
    }
}

impl Lower<'_> {
    /// The type with all that is needed to print its values.
    pub(super) fn printable(&mut self, ty: &Type) -> Type {
        self.printable_within(ty, &mut Room::default())
    }

    fn printable_within(&mut self, ty: &Type, room: &mut Room) -> Type {
        match ty {
            Type::Record(record) if is_script_record(record) && room.is_left() => {
                let printable = |field: &RecordField| RecordField {
                    ty: room.within(false, |room| self.printable_within(&field.ty, room)),
                    ..field.clone()
                };
                let fields = record.fields.iter().map(printable).collect();
                Type::Record(Arc::new(RecordType { fields, ..(**record).clone() }))
            }
            Type::Record(record) if room.is_left() => {
                let fields = self.record_fields(record.ctype, room);
                let variants = self.record_variants(record.ctype, room).map(Arc::new);
                Type::Record(Arc::new(RecordType { fields, variants, ..(**record).clone() }))
            }
            Type::Array { elem, len } => Type::Array { elem: Arc::new(self.printable_within(elem, room)), len: *len },
            Type::Tuple(parts) => Type::Tuple(parts.iter().map(|part| self.printable_within(part, room)).collect()),
            _ => ty.clone(),
        }
    }

    fn record_fields(&mut self, record: TypeId, room: &mut Room) -> Vec<RecordField> {
        let members = self.env.types.members(record);
        members.iter().filter_map(|member| self.record_field(member, room)).collect()
    }

    /// What has no value (a struct whose members are not known) is left out of the print, and its messages with it.
    fn record_field(&mut self, member: &Member, room: &mut Room) -> Option<RecordField> {
        let before = self.messages.len();
        let ty = self.value_type(member.ty, Space::Kernel, Span::default());
        self.messages.take_back(before);
        let ty = if self.is_truth(member.ty) { Type::Bool } else { ty? };
        Some(RecordField {
            name: member.name.to_string(),
            ty: room.within(member.name.is_empty(), |room| self.printable_within(&ty, room)),
            type_name: String::new(),
            bit_offset: member.bit_offset as u32,
            bit_width: member.bitfield_size.or(self.env.types.is_short_pointer(member.ty).then_some(32)),
        })
    }

    fn record_variants(&mut self, record: TypeId, room: &mut Room) -> Option<RecordVariants> {
        let types = self.env.types;
        let variants = types.variants(record)?;
        let cases = variants.cases.iter().map(|case| Some((case.value, self.record_field(&case.member, room)?)));
        let cases = cases.collect::<Option<_>>()?;
        let tag = variants.tag.as_ref();
        Some(RecordVariants {
            tag_offset: tag.map_or(0, |tag| tag.byte_offset() as u32),
            tag_bytes: tag.and_then(|tag| types.size_of(tag.ty)).unwrap_or(0) as u8,
            cases,
        })
    }
}
