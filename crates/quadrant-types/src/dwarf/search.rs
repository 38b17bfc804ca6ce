//! Types and constants by name.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use gimli::{AttributeValue, DwTag, EntriesRaw, Reader as _, Unit, UnitOffset, UnitRef};

use super::die::{Die, DieRef};
use super::{DebugInfo, Reader, scopes};

/// Further names are left out.
const MAX_NAMES: usize = 16_000_000;

/// The types, and the enumerations' constants, that have names.
#[derive(Debug)]
pub(super) struct NameIndex {
    hasher: RandomState,
    /// By a hash of the name; which of them has it is looked at.
    types: HashMap<u64, Vec<DieRef>>,
    constants: HashMap<u64, Vec<DieRef>>,
    names: usize,
}

impl DebugInfo {
    /// The definition of a type by its tag and its full name, as `ns::Thing`.
    pub(crate) fn find_type(&self, name: &str, tags: &[DwTag]) -> Option<DieRef> {
        let index = self.name_index();
        let last = name.rsplit("::").next().unwrap_or(name);
        let candidates = index.types.get(&index.hasher.hash_one(last))?;
        let has_tag = |at: &DieRef| self.die(*at).filter(|die| tags.contains(&die.tag()));
        let is_called = |die: &Die<'_>| self.qualified_name(die).as_deref() == Some(name);
        let whole = candidates.iter().find(|at| has_tag(at).is_some_and(|die| is_called(&die)));
        // Without its namespace a name means any.
        let last = || candidates.iter().find(|at| has_tag(at).is_some_and(|die| die.name().as_deref() == Some(name)));
        whole.or_else(last).copied()
    }

    /// The enumeration with a constant of that name, which may have those of its enumeration and of namespaces before it.
    pub(crate) fn find_constant(&self, name: &str) -> Option<DieRef> {
        let index = self.name_index();
        let (scope, last) = name.rsplit_once("::").map_or((None, name), |(scope, last)| (Some(scope), last));
        let candidates = index.constants.get(&index.hasher.hash_one(last))?;
        let has = |at: &&DieRef| {
            let Some(die) = self.die(**at) else { return false };
            let is_named = die.children().iter().any(|constant| constant.name().as_deref() == Some(last));
            is_named && scope.is_none_or(|scope| self.is_scope_of_constants(&die, scope))
        };
        candidates.iter().find(has).copied()
    }

    /// Whether an enumeration's constants can be written behind `scope::`: its own name, or the namespace that it is in, which is all
    /// that one without a name has.
    fn is_scope_of_constants(&self, die: &Die<'_>, scope: &str) -> bool {
        let Some(full) = self.qualified_name(die) else { return self.scopes_around(die).as_deref() == Some(scope) };
        full == scope || full.strip_suffix(scope).is_some_and(|outer| outer.ends_with("::")) || {
            full.rsplit_once("::").is_some_and(|(around, _)| around == scope)
        }
    }

    /// The names of all types of those tags, without their namespaces. For error messages only.
    pub(crate) fn type_names(&self, tags: &[DwTag]) -> Vec<String> {
        let all = self.name_index().types.values().flatten();
        let dies = all.filter_map(|at| self.die(*at)).filter(|die| tags.contains(&die.tag()));
        dies.filter_map(|die| Some(die.name()?.to_string())).collect()
    }

    /// The name with the namespaces and classes around it: `ns::Thing`. `None` for what has no name.
    pub(crate) fn qualified_name(&self, die: &Die<'_>) -> Option<String> {
        let (name, around) = (die.name()?, self.scopes_around(die)?);
        Some(if around.is_empty() { name.to_string() } else { format!("{around}::{name}") })
    }

    /// The namespaces and classes around it: `ns::Thing`; empty if there are none.
    fn scopes_around(&self, die: &Die<'_>) -> Option<String> {
        let unit = self.units.data(self, die.at.unit)?;
        Some(scopes::of(self, unit).around(die.at.offset).join("::"))
    }

    fn name_index(&self) -> &NameIndex {
        self.names.get_or_init(|| {
            let hasher = RandomState::new();
            let mut index = NameIndex { hasher, types: HashMap::new(), constants: HashMap::new(), names: 0 };
            for unit in 0..self.units.count() {
                if let Some(data) = self.units.data(self, unit) {
                    let mut walk = Walk { index: &mut index, unit: data.entries(self), number: unit };
                    // What is damaged ends the walk through its unit.
                    let _ = walk.run();
                }
            }
            index
        })
    }
}

/// A walk through a unit's types.
struct Walk<'a> {
    index: &'a mut NameIndex,
    unit: UnitRef<'a, Reader>,
    number: u32,
}

/// What a walk looks at of an entry.
#[derive(Default)]
struct Seen {
    name: Option<AttributeValue<Reader>>,
    declaration: bool,
    sibling: Option<UnitOffset<usize>>,
}

impl<'a> Walk<'a> {
    fn run(&mut self) -> gimli::Result<()> {
        let unit: &'a Unit<Reader> = self.unit.unit;
        let mut entries = unit.entries_raw(None)?;
        // The enumeration whose constants are being read, with their depth.
        let mut constants_of: Option<(isize, DieRef)> = None;
        while !entries.is_empty() && self.index.names < MAX_NAMES {
            let (offset, depth) = (entries.next_offset(), entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            let at = DieRef { unit: self.number, offset: offset.0 };
            let tag = abbreviation.tag();
            if !is_named_type(tag) && tag != gimli::DW_TAG_enumerator && !is_passed_over(tag) {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let seen = see(&mut entries, abbreviation)?;
            if is_named_type(tag) {
                constants_of = (tag == gimli::DW_TAG_enumeration_type).then_some((depth + 1, at));
                self.add(&seen, at, false);
            } else if tag == gimli::DW_TAG_enumerator {
                if let Some((_, of)) = constants_of.filter(|(inside, _)| *inside == depth) {
                    self.add(&seen, of, true);
                }
            } else if let Some(sibling) =
                seen.sibling.filter(|sibling| *sibling > offset && abbreviation.has_children())
            {
                // Depths count from here now; only differences to that of an enumeration matter.
                entries = unit.entries_raw(Some(sibling))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, seen: &Seen, at: DieRef, constant: bool) {
        let Some(name) = seen.name.as_ref().filter(|_| !seen.declaration) else { return };
        let Ok(name) = self.unit.attr_string(name.clone()) else { return };
        let Ok(name) = name.to_slice() else { return };
        let Ok(name) = std::str::from_utf8(&name) else { return };
        let hash = self.index.hasher.hash_one(name);
        let names = if constant { &mut self.index.constants } else { &mut self.index.types };
        names.entry(hash).or_default().push(at);
        self.index.names += 1;
    }
}

fn see(entries: &mut EntriesRaw<'_, '_, Reader>, abbreviation: &gimli::Abbreviation) -> gimli::Result<Seen> {
    let mut seen = Seen::default();
    for spec in abbreviation.attributes() {
        let attribute = entries.read_attribute(*spec)?;
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_name, name) => seen.name = Some(name),
            (gimli::DW_AT_declaration, AttributeValue::Flag(true)) => seen.declaration = true,
            (gimli::DW_AT_sibling, AttributeValue::UnitRef(sibling)) => seen.sibling = Some(sibling),
            _ => {}
        }
    }
    Ok(seen)
}

fn is_named_type(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_typedef
            | gimli::DW_TAG_base_type
    )
}

/// Entries in which no type of interest is.
fn is_passed_over(tag: DwTag) -> bool {
    matches!(tag, gimli::DW_TAG_subprogram | gimli::DW_TAG_subroutine_type | gimli::DW_TAG_array_type)
}
