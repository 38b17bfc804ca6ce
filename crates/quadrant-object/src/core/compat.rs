//! When a type of an object and one of a kernel are the same for CO-RE.

use quadrant_types::{Btf, BtfKind};

use crate::externs::essential_name;

/// Deepest nesting that is compared.
const MAX_DEPTH: usize = 32;
/// Pairs of types that are compared for one question: what an object says may be made to take for ever.
const MAX_PAIRS: usize = 20_000;

/// A type in its BTF.
#[derive(Clone, Copy)]
struct Type<'a> {
    btf: &'a Btf,
    id: u32,
}

impl<'a> Type<'a> {
    /// Without typedefs and qualifiers.
    fn new(btf: &'a Btf, id: u32) -> Self {
        Type { btf, id: btf.resolve(id) }
    }

    fn kind(self) -> Option<BtfKind> {
        self.btf.kind(self.id)
    }

    fn target(self) -> Self {
        Type::new(self.btf, self.btf.size_or_type(self.id))
    }

    fn element(self) -> Option<Self> {
        self.btf.array(self.id).map(|(element, _)| Type::new(self.btf, element))
    }

    fn name(self) -> &'a str {
        essential_name(self.btf.name(self.id))
    }

    fn is_whole_int(self) -> bool {
        self.btf.int(self.id).is_some_and(|int| int.bit_offset == 0)
    }

    fn params(self) -> Vec<u32> {
        self.btf.params(self.id).map(|(_, ty)| ty).collect()
    }
}

/// Whether a member of the object's type may stand for a member of the kernel's: both structs, or of the same kind; sizes and signs
/// of integers do not count.
pub(super) fn fields_are_compatible(local: &Btf, local_id: u32, target: &Btf, target_id: u32) -> bool {
    let (mut local, mut target) = (Type::new(local, local_id), Type::new(target, target_id));
    for _ in 0..MAX_DEPTH {
        let composite = |ty: Type<'_>| matches!(ty.kind(), Some(BtfKind::Struct | BtfKind::Union));
        if composite(local) && composite(target) {
            return true;
        }
        if !same_kind(local, target) {
            return false;
        }
        match local.kind() {
            Some(BtfKind::Ptr | BtfKind::Float) => return true,
            Some(BtfKind::Fwd | BtfKind::Enum | BtfKind::Enum64) => {
                let (a, b) = (local.name(), target.name());
                return a.is_empty() || b.is_empty() || a == b;
            }
            Some(BtfKind::Int) => return local.is_whole_int() && target.is_whole_int(),
            Some(BtfKind::Array) => match (local.element(), target.element()) {
                (Some(a), Some(b)) => (local, target) = (a, b),
                _ => return false,
            },
            _ => return false,
        }
    }
    false
}

/// Whether two types are of compatible kinds: pointers, arrays and prototypes are compared part by part, structs, unions and
/// enumerations by their kind alone.
pub fn types_are_compatible(local: &Btf, local_id: u32, target: &Btf, target_id: u32) -> bool {
    let mut left = MAX_PAIRS;
    compatible(Type::new(local, local_id), Type::new(target, target_id), MAX_DEPTH, &mut left)
}

fn compatible(local: Type<'_>, target: Type<'_>, depth: usize, left: &mut usize) -> bool {
    let (Some(depth), Some(rest)) = (depth.checked_sub(1), left.checked_sub(1)) else { return false };
    *left = rest;
    if !same_kind(local, target) {
        return false;
    }
    match local.kind() {
        None => local.id == 0 && target.id == 0,
        Some(BtfKind::Struct | BtfKind::Union | BtfKind::Enum | BtfKind::Enum64 | BtfKind::Fwd | BtfKind::Float) => {
            true
        }
        Some(BtfKind::Int) => local.is_whole_int() && target.is_whole_int(),
        Some(BtfKind::Ptr) => compatible(local.target(), target.target(), depth, left),
        Some(BtfKind::Array) => match (local.element(), target.element()) {
            (Some(a), Some(b)) => compatible(a, b, depth, left),
            _ => false,
        },
        Some(BtfKind::FuncProto) => prototypes(local, target, &mut |a, b| compatible(a, b, depth, left)),
        _ => false,
    }
}

/// Whether the kernel's type has everything that the object's has, with the same names and types, for
/// `bpf_core_type_matches()`.
pub(super) fn types_match(local: &Btf, local_id: u32, target: &Btf, target_id: u32) -> bool {
    let mut left = MAX_PAIRS;
    matching(Type::new(local, local_id), Type::new(target, target_id), false, MAX_DEPTH, &mut left)
}

fn matching(local: Type<'_>, target: Type<'_>, behind: bool, depth: usize, left: &mut usize) -> bool {
    let (Some(depth), Some(rest)) = (depth.checked_sub(1), left.checked_sub(1)) else { return false };
    *left = rest;
    if local.name() != target.name() {
        return false;
    }
    if is_declared(local, target) && behind {
        return true;
    }
    if !same_kind(local, target) {
        return false;
    }
    match local.kind() {
        None => local.id == 0 && target.id == 0,
        Some(BtfKind::Fwd) => local.btf.kind_flag(local.id) == target.btf.kind_flag(target.id),
        Some(BtfKind::Enum | BtfKind::Enum64) => enumerations(local, target),
        // Behind a pointer a name is enough.
        Some(BtfKind::Struct | BtfKind::Union) if behind => true,
        Some(BtfKind::Struct | BtfKind::Union) => members(local, target, depth, left),
        Some(BtfKind::Int) => integers(local, target),
        Some(BtfKind::Float) => local.btf.size_of(local.id) == target.btf.size_of(target.id),
        Some(BtfKind::Ptr) => matching(local.target(), target.target(), true, depth, left),
        Some(BtfKind::Array) => {
            let same_len = local.btf.array(local.id).map(|(_, n)| n) == target.btf.array(target.id).map(|(_, n)| n);
            let elements = local.element().zip(target.element());
            same_len && elements.is_some_and(|(a, b)| matching(a, b, behind, depth, left))
        }
        Some(BtfKind::FuncProto) => prototypes(local, target, &mut |a, b| matching(a, b, behind, depth, left)),
        _ => false,
    }
}

/// A struct or union that one of the two only declares.
fn is_declared(a: Type<'_>, b: Type<'_>) -> bool {
    let fits = |declared: Type<'_>, other: Type<'_>| {
        let wanted = if declared.btf.kind_flag(declared.id) { BtfKind::Union } else { BtfKind::Struct };
        declared.kind() == Some(BtfKind::Fwd) && other.kind() == Some(wanted)
    };
    fits(a, b) || fits(b, a)
}

fn integers(local: Type<'_>, target: Type<'_>) -> bool {
    let same_size = local.btf.size_of(local.id) == target.btf.size_of(target.id);
    let signed = |ty: Type<'_>| ty.btf.int(ty.id).is_some_and(|int| int.signed);
    same_size && local.is_whole_int() && target.is_whole_int() && signed(local) == signed(target)
}

fn enumerations(local: Type<'_>, target: Type<'_>) -> bool {
    let same_size = local.kind() != target.kind() || local.btf.size_of(local.id) == target.btf.size_of(target.id);
    let has = |name: &str| target.btf.enumerators(target.id).any(|(other, _)| essential_name(other) == name);
    same_size && local.btf.enumerators(local.id).all(|(name, _)| has(essential_name(name)))
}

fn members(local: Type<'_>, target: Type<'_>, depth: usize, left: &mut usize) -> bool {
    local.btf.members(local.id).all(|member| {
        let mut others =
            target.btf.members(target.id).filter(|other| essential_name(other.name) == essential_name(member.name));
        others
            .any(|other| matching(Type::new(local.btf, member.ty), Type::new(target.btf, other.ty), false, depth, left))
    })
}

fn prototypes<'a>(local: Type<'a>, target: Type<'a>, same: &mut dyn FnMut(Type<'a>, Type<'a>) -> bool) -> bool {
    let (ours, theirs) = (local.params(), target.params());
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(a, b)| same(Type::new(local.btf, *a), Type::new(target.btf, *b)))
        && same(local.target(), target.target())
}

fn same_kind(a: Type<'_>, b: Type<'_>) -> bool {
    let is_enum = |ty: Type<'_>| matches!(ty.kind(), Some(BtfKind::Enum | BtfKind::Enum64));
    a.kind() == b.kind() || (is_enum(a) && is_enum(b))
}
