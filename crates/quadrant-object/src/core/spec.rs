//! A path from a type to what is meant: `0:1:2` is the third member of the second member of what a pointer points to.

use quadrant_types::{Btf, BtfKind, BtfMember};

use super::Question;
use super::compat::{fields_are_compatible, types_are_compatible, types_match};
use crate::externs::essential_name;

/// Deepest path, anonymous members included.
const MAX_DEPTH: usize = 64;

/// Members looked at for one step, so that hostile types cannot make it exponential.
const MAX_VISITS: usize = 100_000;

/// One step by name or index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// The struct that the member is in, or the type of the array's elements.
    pub ty: u32,
    /// Which member, element or constant.
    pub index: u32,
    /// The member's or constant's name.
    pub name: Option<&'a str>,
}

/// A member that is looked for by its name.
struct Search<'a> {
    from: &'a Btf,
    wanted: BtfMember<'a>,
    left: usize,
}

/// A path through the types of one BTF.
pub(super) struct Spec<'a> {
    pub btf: &'a Btf,
    pub root: u32,
    pub steps: Vec<Step<'a>>,
    pub bit_offset: u64,
}

impl<'a> Spec<'a> {
    /// The path that an object's record names; `None` if there is none.
    pub fn parse(btf: &'a Btf, root: u32, access: &str, question: Question) -> Option<Spec<'a>> {
        let mut indexes = Vec::new();
        for part in access.split(':') {
            indexes.push(part.parse::<u32>().ok()?);
        }
        let mut spec = Spec { btf, root, steps: Vec::new(), bit_offset: 0 };
        let (first, rest) = indexes.split_first().filter(|(_, rest)| rest.len() < MAX_DEPTH)?;
        btf.kind(root)?;
        match question {
            _ if question.is_about_constant() => {
                let id = btf.resolve(root);
                let (name, _) = btf.enumerators(id).nth(*first as usize).filter(|_| rest.is_empty())?;
                spec.steps.push(Step { ty: id, index: *first, name: Some(name) });
            }
            _ if question.is_about_field() => spec.walk(*first, rest)?,
            _ => (*first == 0 && rest.is_empty()).then_some(())?,
        }
        Some(spec)
    }

    fn walk(&mut self, first: u32, rest: &[u32]) -> Option<()> {
        let mut id = self.btf.resolve(self.root);
        self.step_to_element(id, first)?;
        for index in rest {
            id = self.btf.resolve(id);
            match self.btf.kind(id)? {
                BtfKind::Struct | BtfKind::Union => {
                    let member = self.btf.members(id).nth(*index as usize)?;
                    self.bit_offset = self.bit_offset.checked_add(member.bit_offset.into())?;
                    if !member.name.is_empty() {
                        self.steps.push(Step { ty: id, index: *index, name: Some(member.name) });
                    }
                    id = member.ty;
                }
                BtfKind::Array => {
                    let (element, len) = self.btf.array(id)?;
                    if *index >= len && !self.is_flexible(len) {
                        return None;
                    }
                    id = self.btf.resolve(element);
                    self.step_to_element(id, *index)?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn step_to_element(&mut self, element: u32, index: u32) -> Option<()> {
        self.steps.push(Step { ty: element, index, name: None });
        let size = self.btf.size_of(element).unwrap_or(0);
        if index > 0 && size == 0 {
            return None;
        }
        let bits = u64::from(index) * u64::from(size) * 8;
        self.bit_offset = self.bit_offset.checked_add(bits)?;
        Some(())
    }

    /// Whether the array that the last step led to is the last member of its struct, and so may go on behind it.
    fn is_flexible(&self, len: u32) -> bool {
        let Some(step) = self.steps.last().filter(|step| step.name.is_some() && len <= 1) else { return false };
        self.btf.members(step.ty).count() == step.index as usize + 1
    }

    /// The same path in another BTF, from that type on; `None` if it has none.
    pub fn find_in<'b>(&self, btf: &'b Btf, root: u32, question: Question) -> Option<Spec<'b>> {
        let mut found = Spec { btf, root, steps: Vec::new(), bit_offset: 0 };
        match question {
            Question::TypeMatches => types_match(self.btf, self.root, btf, root).then_some(found),
            _ if question.is_about_constant() => {
                let id = btf.resolve(root);
                let name = essential_name(self.steps.first()?.name?);
                let (index, (name, _)) =
                    btf.enumerators(id).enumerate().find(|(_, (n, _))| essential_name(n) == name)?;
                found.steps.push(Step { ty: id, index: index as u32, name: Some(name) });
                Some(found)
            }
            _ if question.is_about_field() => found.follow(self).map(|()| found),
            _ => types_are_compatible(self.btf, self.root, btf, root).then_some(found),
        }
    }

    fn follow(&mut self, local: &Spec<'_>) -> Option<()> {
        let mut id = self.root;
        for (place, step) in local.steps.iter().enumerate() {
            id = self.btf.resolve(id);
            if let Some(name) = step.name {
                let wanted = local.btf.members(step.ty).nth(step.index as usize)?;
                let mut search = Search { from: local.btf, wanted: BtfMember { name, ..wanted }, left: MAX_VISITS };
                id = self.find_member(&mut search, id, 0)??;
                continue;
            }
            // The first step is the element of an array that a pointer points to.
            if place > 0 {
                let (element, len) = self.btf.array(id)?;
                if step.index >= len && !self.is_flexible(len) {
                    return None;
                }
                id = self.btf.resolve(element);
            }
            self.step_to_element(id, step.index)?;
        }
        Some(())
    }

    /// Looks for a member by name, in anonymous members, too. `None`: there is none; `Some(None)`: it is of another kind; else
    /// its type.
    fn find_member(&mut self, search: &mut Search<'_>, id: u32, depth: usize) -> Option<Option<u32>> {
        if depth == MAX_DEPTH {
            return None;
        }
        let (id, btf) = (self.btf.resolve(id), self.btf);
        for (index, member) in btf.members(id).enumerate() {
            search.left = search.left.checked_sub(1)?;
            let before = self.bit_offset;
            self.bit_offset = before.checked_add(member.bit_offset.into())?;
            if member.name.is_empty() {
                let found = self.find_member(search, member.ty, depth + 1);
                if found.is_some() {
                    return found;
                }
            } else if member.name == search.wanted.name {
                let fits = fields_are_compatible(search.from, search.wanted.ty, btf, member.ty);
                self.steps.push(Step { ty: id, index: index as u32, name: Some(member.name) });
                return Some(fits.then_some(member.ty));
            }
            self.bit_offset = before;
        }
        None
    }

    /// Whether two types of the kernel have the field in the same place.
    pub fn agrees(&self, other: &Spec<'_>, question: Question) -> bool {
        !question.is_about_field() || self.bit_offset == other.bit_offset
    }

    /// In C's words: ``field `task_struct.cred.uid` ``.
    pub fn describe(&self) -> String {
        let kind = match self.btf.kind(self.root) {
            Some(BtfKind::Struct) => "struct ",
            Some(BtfKind::Union) => "union ",
            Some(BtfKind::Enum | BtfKind::Enum64) => "enum ",
            _ => "",
        };
        let mut path = format!("{kind}{}", self.btf.name(self.root));
        for (place, step) in self.steps.iter().enumerate() {
            match step.name {
                Some(name) => path.push_str(&format!(".{name}")),
                None if place > 0 => path.push_str(&format!("[{}]", step.index)),
                None => {}
            }
        }
        path
    }

    /// The member that the path ends with, if it ends with one.
    pub fn last_member(&self) -> Option<BtfMember<'a>> {
        let step = self.steps.last().filter(|step| step.name.is_some())?;
        self.btf.members(step.ty).nth(step.index as usize)
    }
}
