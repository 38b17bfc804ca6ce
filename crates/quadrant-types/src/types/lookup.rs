//! Finding types and constants by name: the script's own first, then BTF's.

use super::{DebugTag, Origin, TypeId, Types};
use crate::BtfKind;
use crate::suggest::suggest;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// What the script defined, by name.
#[derive(Default)]
pub(super) struct UserNames {
    structs: HashMap<String, TypeId>,
    unions: HashMap<String, TypeId>,
    enums: HashMap<String, TypeId>,
    typedefs: HashMap<String, TypeId>,
    constants: HashMap<String, (i64, TypeId)>,
}

impl Types {
    /// `struct NAME`.
    pub fn lookup_struct(&self, name: &str) -> Option<TypeId> {
        self.user_struct(name, false).or_else(|| self.lookup_name_with_kind(name, &[BtfKind::Struct]))
    }

    /// `union NAME`.
    pub fn lookup_union(&self, name: &str) -> Option<TypeId> {
        self.user_struct(name, true).or_else(|| self.lookup_name_with_kind(name, &[BtfKind::Union]))
    }

    /// `enum NAME`.
    pub fn lookup_enum(&self, name: &str) -> Option<TypeId> {
        let user = self.user.borrow().enums.get(name).copied();
        user.or_else(|| self.lookup_name_with_kind(name, &[BtfKind::Enum, BtfKind::Enum64]))
    }

    /// A typedef.
    pub fn lookup_typedef(&self, name: &str) -> Option<TypeId> {
        self.user_typedef(name).or_else(|| self.lookup_name_with_kind(name, &[BtfKind::Typedef]))
    }

    /// A type that the script defined.
    pub fn lookup_own(&self, tag: DebugTag, name: &str) -> Option<TypeId> {
        match tag {
            DebugTag::Struct => self.user_struct(name, false),
            DebugTag::Union => self.user_struct(name, true),
            DebugTag::Enum => self.user.borrow().enums.get(name).copied(),
            DebugTag::Plain => self.user_typedef(name),
        }
    }

    /// BTF's first record of that name and one of those kinds, in the kernel's and the modules' BTF.
    pub fn lookup_name_with_kind(&self, name: &str, kinds: &[BtfKind]) -> Option<TypeId> {
        self.find_origin(name, kinds).map(|origin| self.handle(origin))
    }

    /// An enumeration constant's value and its type, as `TCP_ESTABLISHED`.
    pub fn lookup_constant(&self, name: &str) -> Option<(i64, TypeId)> {
        if let Some(&known) = self.user.borrow().constants.get(name) {
            return Some(known);
        }
        let count = self.btfs().ok()?.borrow().len();
        (0..count).find_map(|btf| {
            let (id, value) = self.btf_at(btf)?.find_enumerator(name)?;
            Some((value, self.handle(Origin { btf, id })))
        })
    }

    /// The names of all of the kernel's and the modules' records of those kinds, sorted, each once. Reads all names.
    pub fn names(&self, kinds: &[BtfKind]) -> Vec<String> {
        let count = self.btfs().map_or(0, |btfs| btfs.borrow().len());
        let blobs: Vec<_> = (0..count).filter_map(|btf| self.btf_at(btf)).collect();
        let all = blobs.iter().flat_map(|blob| blob.iter());
        let named = all.filter(|(_, kind, name)| kinds.contains(kind) && !name.is_empty());
        let names: BTreeSet<String> = named.map(|(.., name)| name.to_owned()).collect();
        names.into_iter().collect()
    }

    /// The nearest name among BTF's records of those kinds. Reads all names: for error messages only.
    pub fn suggest_name(&self, name: &str, kinds: &[BtfKind]) -> Option<String> {
        let btf = self.btf().ok()?;
        let names = btf.iter().filter(|(_, kind, _)| kinds.contains(kind)).map(|(.., name)| name);
        suggest(name, names).map(str::to_owned)
    }

    /// The nearest enumeration constant. Reads all names: for error messages only.
    pub fn suggest_constant(&self, name: &str) -> Option<String> {
        let user = self.user.borrow();
        let own = user.constants.keys().map(String::as_str);
        let btf = self.btf().ok();
        let kernel = btf.iter().flat_map(|btf| btf.enumerator_names());
        suggest(name, own.chain(kernel)).map(str::to_owned)
    }

    pub(super) fn find_origin(&self, name: &str, kinds: &[BtfKind]) -> Option<Origin> {
        let btfs = self.btfs().ok()?.borrow();
        btfs.iter().enumerate().find_map(|(btf, blob)| Some(Origin { btf, id: blob.find(name, kinds)? }))
    }

    pub(super) fn user_struct(&self, name: &str, is_union: bool) -> Option<TypeId> {
        let user = self.user.borrow();
        let names = if is_union { &user.unions } else { &user.structs };
        names.get(name).copied()
    }

    pub(super) fn user_typedef(&self, name: &str) -> Option<TypeId> {
        self.user.borrow().typedefs.get(name).copied()
    }

    pub(super) fn remember_struct(&self, name: &str, is_union: bool, id: TypeId) {
        let mut user = self.user.borrow_mut();
        let names = if is_union { &mut user.unions } else { &mut user.structs };
        names.insert(name.to_owned(), id);
    }

    pub(super) fn remember_enum(&self, name: &str, id: TypeId) {
        let constants: Rc<[_]> = self.enum_values(id);
        let mut user = self.user.borrow_mut();
        if !name.is_empty() {
            user.enums.insert(name.to_owned(), id);
        }
        let pairs = constants.iter().map(|constant| (constant.name.to_string(), (constant.value, id)));
        user.constants.extend(pairs);
    }

    pub(super) fn remember_typedef(&self, name: &str, id: TypeId) {
        self.user.borrow_mut().typedefs.insert(name.to_owned(), id);
    }
}
