//! What C type a format's field has.

use super::{EventFormat, FieldStorage, FormatField};
use crate::{CType, TypeId, Types};

impl Types {
    /// The C type of a tracepoint's field.
    ///
    /// Built-in types are read from the text, without BTF. Of others the kernel's struct for the event
    /// (`trace_event_raw_EVENT`) tells best; where there is none (syscalls, events that share a class) the
    /// type's text is parsed; a text that is no known type gives an integer of the field's size and sign.
    /// A dynamic field gives an array of length 0 of its elements. A syscall's argument keeps its own type
    /// although its slot is 8 bytes: read as many bytes as the type has.
    pub fn format_field_type(&self, event: &EventFormat, field: &FormatField) -> TypeId {
        if field.storage != FieldStorage::Inline {
            let element = self.parse_type_name(&field.type_text);
            return self.array_of(element.unwrap_or_else(|_| self.int(1, field.signed)), 0);
        }
        let builtin = self.parse_builtin(&field.type_text).and_then(|ty| self.shaped(ty, field));
        builtin
            .or_else(|| self.record_member(event, field))
            .or_else(|| self.parse_type_name(&field.type_text).ok().and_then(|ty| self.shaped(ty, field)))
            .unwrap_or_else(|| self.opaque(field))
    }

    /// The field's type if `ty` is what one element of it is, and the size agrees.
    fn shaped(&self, ty: TypeId, field: &FormatField) -> Option<TypeId> {
        let whole = field.array_len.map_or(ty, |len| self.array_of(ty, len));
        self.fits(whole, field).then_some(whole)
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
            CType::Int { .. } | CType::Enum { .. } | CType::Ptr { .. } => {
                self.size_of(ty).is_some_and(|own| own <= size)
            }
            _ => self.size_of(ty) == Some(size),
        }
    }

    fn opaque(&self, field: &FormatField) -> TypeId {
        match (field.array_len, field.size) {
            (None, size @ (1 | 2 | 4 | 8)) => self.int(size, field.signed),
            (Some(len), size) if len != 0 && matches!(u64::from(size) / len, 1 | 2 | 4 | 8) => {
                let element = (u64::from(size) / len) as u32;
                self.array_of(self.int(element, field.signed), len)
            }
            (_, size) => self.array_of(self.int(1, false), size.into()),
        }
    }
}
