//! What C type a format's field has.

use super::{EventFormat, FieldStorage, FormatField};
use crate::{CType, TypeId, Types};

impl Types {
    /// The C type of a tracepoint's field.
    ///
    /// The kernel's struct for the event (`trace_event_raw_EVENT`) tells it best; where there is none
    /// (syscalls, events that share a class) the type's text is parsed; a text that is no known
    /// type gives an integer of the field's size and sign. A dynamic field gives an array of length
    /// 0 of its elements. A syscall's argument keeps its own type although its slot is 8 bytes:
    /// read as many bytes as the type has.
    pub fn format_field_type(&self, event: &EventFormat, field: &FormatField) -> TypeId {
        let element = self.parse_type_name(&field.type_text).ok();
        if field.storage != FieldStorage::Inline {
            let element = element.unwrap_or_else(|| self.int(1, field.signed));
            return self.array_of(element, 0);
        }
        if let Some(member) = self.record_member(event, field) {
            return member;
        }
        match (element, field.array_len) {
            (Some(element), Some(len)) => self.array_of(element, len),
            (Some(ty), None) if self.fits(ty, field) => ty,
            (_, len) => self.opaque(field, len),
        }
    }

    /// The member of the same name, offset and size in the event's own struct.
    fn record_member(&self, event: &EventFormat, field: &FormatField) -> Option<TypeId> {
        if field.common || event.name.starts_with("sys_") {
            return None;
        }
        let record = self.lookup_struct(&format!("trace_event_raw_{}", event.name))?;
        let member = self.find_member(record, &field.name)?;
        let placed = member.bitfield_size.is_none() && member.byte_offset() == u64::from(field.offset);
        (placed && self.size_of(member.ty) == Some(field.size.into())).then_some(member.ty)
    }

    fn fits(&self, ty: TypeId, field: &FormatField) -> bool {
        let size = u64::from(field.size);
        match self.kind(ty) {
            // Every syscall argument has a slot of 8 bytes.
            CType::Int { .. } | CType::Enum { .. } | CType::Ptr(_) => self.size_of(ty).is_some_and(|own| own <= size),
            _ => self.size_of(ty) == Some(size),
        }
    }

    fn opaque(&self, field: &FormatField, len: Option<u64>) -> TypeId {
        match (len, field.size) {
            (None, size @ (1 | 2 | 4 | 8)) => self.int(size, field.signed),
            (Some(len), size) if len != 0 && matches!(u64::from(size) / len, 1 | 2 | 4 | 8) => {
                let element = (u64::from(size) / len) as u32;
                self.array_of(self.int(element, field.signed), len)
            }
            (_, size) => self.array_of(self.int(1, false), size.into()),
        }
    }
}
