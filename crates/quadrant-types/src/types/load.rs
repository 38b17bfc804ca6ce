//! From BTF records to entries of the store.

use super::{
    CType, Entry, Form, FuncProto, Home, MAX_CHAIN, Origin, POINTER_SIZE, Param, Qualifier, Slot, TypeId, Types,
};
use crate::Btf;
use crate::btf::{BtfKind, Record};
use std::rc::Rc;

impl Types {
    /// The handle for a record; decodes nothing yet.
    pub(super) fn handle(&self, origin: Origin) -> TypeId {
        if origin.id == 0 {
            return TypeId::VOID;
        }
        self.handle_at(Home::Btf(self.normalize(origin)))
    }

    /// The handle for what is at a place; decodes nothing yet.
    pub(super) fn handle_at(&self, home: Home) -> TypeId {
        if let Some(&id) = self.by_origin.borrow().get(&home) {
            return id;
        }
        let id = self.push(Slot::Pending(home));
        self.by_origin.borrow_mut().insert(home, id);
        id
    }

    pub(super) fn entry(&self, id: TypeId) -> Rc<Entry> {
        let slot = self.entries.borrow().get(id.0 as usize).cloned();
        match slot {
            Some(Slot::Ready(entry)) => entry,
            Some(Slot::Pending(home)) => {
                let entry = Rc::new(match home {
                    Home::Btf(origin) => self.decode(origin),
                    Home::Debug(of, die) => self.decode_debug(of, die),
                });
                if let Some(slot) = self.entries.borrow_mut().get_mut(id.0 as usize) {
                    *slot = Slot::Ready(entry.clone());
                }
                entry
            }
            // A handle of another store.
            None => Rc::new(Entry::new(Form::Plain, CType::Void, None)),
        }
    }

    pub(super) fn btf_at(&self, index: usize) -> Option<Rc<Btf>> {
        self.btfs().ok()?.borrow().get(index).cloned()
    }

    /// Records of a module's base are the base's own.
    fn normalize(&self, origin: Origin) -> Origin {
        let in_base = self.btf_at(origin.btf).is_some_and(|btf| origin.id < btf.first_id());
        Origin { btf: if in_base { 0 } else { origin.btf }, ..origin }
    }

    fn decode(&self, origin: Origin) -> Entry {
        let Some(btf) = self.btf_at(origin.btf) else {
            return Entry::new(Form::Plain, CType::Void, None);
        };
        let Some(record) = btf.record(origin.id) else {
            return Entry::new(Form::Base("<malformed>".into()), CType::Void, None);
        };
        let (end, ctype) = self.decode_ctype(&btf, origin);
        Entry::new(self.decode_form(&btf, origin, &record), ctype, Some(Home::Btf(end)))
    }

    fn decode_form(&self, btf: &Btf, origin: Origin, record: &Record) -> Form {
        let name = || Rc::from(btf.string(record.name_off));
        let inner = || self.handle(Origin { id: record.value, ..origin });
        match record.kind {
            BtfKind::Int | BtfKind::Float => Form::Base(name()),
            BtfKind::Typedef => Form::Typedef(name(), inner()),
            BtfKind::Const => Form::Qualified(Qualifier::Const, inner()),
            BtfKind::Volatile => Form::Qualified(Qualifier::Volatile, inner()),
            BtfKind::Restrict => Form::Qualified(Qualifier::Restrict, inner()),
            BtfKind::TypeTag => Form::Qualified(Qualifier::Tag(name()), inner()),
            _ => Form::Plain,
        }
    }

    /// The type at the end of a chain of typedefs and qualifiers, and its record.
    fn decode_ctype(&self, btf: &Btf, origin: Origin) -> (Origin, CType) {
        let mut origin = origin;
        for _ in 0..MAX_CHAIN {
            let Some(record) = btf.record(origin.id) else { break };
            if record.kind.is_transparent() || matches!(record.kind, BtfKind::Func | BtfKind::Var) {
                origin.id = record.value;
                continue;
            }
            if record.kind == BtfKind::Fwd
                && let Some(found) = self.definition(btf.string(record.name_off), record.kind_flag)
            {
                return found;
            }
            return (self.normalize(origin), self.decode_plain(btf, origin, &record));
        }
        (origin, CType::Void)
    }

    /// The struct or union that a forward declaration speaks of, in any loaded blob.
    fn definition(&self, name: &str, is_union: bool) -> Option<(Origin, CType)> {
        let kind = if is_union { BtfKind::Union } else { BtfKind::Struct };
        let origin = self.find_origin(name, &[kind])?;
        let btf = self.btf_at(origin.btf)?;
        let record = btf.record(origin.id)?;
        Some((origin, self.decode_plain(&btf, origin, &record)))
    }

    fn decode_plain(&self, btf: &Btf, origin: Origin, record: &Record) -> CType {
        let name = || Rc::from(btf.string(record.name_off));
        let size = record.value;
        if !plausible(record) {
            return CType::Void;
        }
        let to = |id| self.handle(Origin { id, ..origin });
        let structure = |size, is_union, complete| CType::Struct { name: name(), size, is_union, complete };
        match record.kind {
            BtfKind::Int => decode_int(record, btf.string(record.name_off)),
            BtfKind::Float => CType::Float { size },
            BtfKind::Ptr => CType::Ptr { to: to(record.value), size: POINTER_SIZE },
            BtfKind::Array => {
                let (elem, len) = record.array();
                CType::Array { elem: to(elem), len: len.into() }
            }
            BtfKind::Struct => structure(size, false, true),
            BtfKind::Union => structure(size, true, true),
            BtfKind::Fwd => structure(0, record.kind_flag, false),
            BtfKind::Enum | BtfKind::Enum64 => CType::Enum { name: name(), size, signed: record.kind_flag },
            BtfKind::FuncProto => CType::Func(self.decode_proto(btf, origin, record)),
            _ => CType::Void,
        }
    }

    fn decode_proto(&self, btf: &Btf, origin: Origin, record: &Record) -> FuncProto {
        let to = |id| self.handle(Origin { id, ..origin });
        let mut raw: Vec<(u32, u32)> = record.params().collect();
        let variadic = raw.pop_if(|last| *last == (0, 0)).is_some();
        let params = raw.iter().map(|&(name, ty)| Param { name: btf.string(name).into(), ty: to(ty) });
        FuncProto { ret: to(record.value), params: params.collect(), variadic }
    }
}

/// Sizes that the kind can have; others would only make trouble later.
fn plausible(record: &Record) -> bool {
    match record.kind {
        BtfKind::Int => matches!(record.value, 1 | 2 | 4 | 8 | 16),
        BtfKind::Float => matches!(record.value, 2 | 4 | 8 | 12 | 16),
        BtfKind::Enum | BtfKind::Enum64 => matches!(record.value, 1 | 2 | 4 | 8),
        _ => true,
    }
}

/// gcc never sets the char flag: kernels tell `char` by its name only.
fn decode_int(record: &Record, name: &str) -> CType {
    let encoding = record.int_encoding();
    CType::Int {
        size: record.value,
        signed: encoding.signed,
        is_char: encoding.is_char || name == "char",
        is_bool: encoding.is_bool,
    }
}
