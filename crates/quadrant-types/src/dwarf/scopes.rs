//! Namespaces and classes of a unit, for the full names of what is in them.

use std::sync::Arc;

use gimli::{Reader as _, UnitRef};

use super::units::UnitData;
use super::{DebugInfo, Reader};

/// Further namespaces and classes of a unit are left out.
const MAX_SCOPES: usize = 4_000_000;
/// Deeper nesting is not named.
pub(super) const MAX_DEPTH: usize = 64;

/// Named entries that have others in them, in the order of their offsets.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

#[derive(Debug)]
struct Scope {
    begin: usize,
    /// The offset behind the last entry in it.
    end: usize,
    /// The scope around it, as an index.
    outer: Option<usize>,
    name: Arc<str>,
}

impl Scopes {
    /// The names of the scopes around an entry, outermost first.
    pub(super) fn around(&self, offset: usize) -> Vec<Arc<str>> {
        let before = self.0.partition_point(|scope| scope.begin < offset);
        let mut next = before.checked_sub(1);
        let mut names = Vec::new();
        // The last one that begins before may have ended; then those around it are looked at.
        while let Some(scope) = next.and_then(|index| self.0.get(index)) {
            if offset < scope.end && names.len() < MAX_DEPTH {
                names.push(Arc::clone(&scope.name));
            }
            next = scope.outer;
        }
        names.reverse();
        names
    }
}

/// The scopes of a unit.
pub(super) fn of<'a>(info: &DebugInfo, unit: &'a UnitData) -> &'a Scopes {
    unit.scopes.get_or_init(|| match is_flat(info, unit) {
        true => Scopes::default(),
        false => index(unit.entries(info)).unwrap_or_default(),
    })
}

/// Whether the unit's language has no namespaces: C.
fn is_flat(info: &DebugInfo, unit: &UnitData) -> bool {
    let language = super::die::language(info, unit);
    matches!(
        language,
        Some(gimli::DW_LANG_C | gimli::DW_LANG_C89 | gimli::DW_LANG_C99 | gimli::DW_LANG_C11 | gimli::DW_LANG_C17)
    )
}

/// Whether entries of that tag name what is in them.
pub(super) fn is_scope(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_module
    )
}

fn index(unit: UnitRef<'_, Reader>) -> gimli::Result<Scopes> {
    let mut scopes: Vec<Scope> = Vec::new();
    // Open scopes with the depth of what is in them.
    let mut open: Vec<(isize, usize)> = Vec::new();
    let mut cursor = unit.unit.entries();
    let mut depth = 0_isize;
    while let Some((change, die)) = cursor.next_dfs()? {
        depth += change;
        let offset = die.offset().0;
        while let Some((_, index)) = open.pop_if(|(inside, _)| depth < *inside) {
            scopes[index].end = offset;
        }
        if is_scope(die.tag()) && die.has_children() && scopes.len() < MAX_SCOPES {
            let outer = open.last().map(|(_, index)| *index);
            open.push((depth + 1, scopes.len()));
            scopes.push(Scope { begin: offset, end: usize::MAX, outer, name: name_of(unit, die) });
        }
    }
    Ok(Scopes(scopes))
}

fn name_of(unit: UnitRef<'_, Reader>, die: &super::die::RawDie<'_>) -> Arc<str> {
    let name = die.attr_value(gimli::DW_AT_name).ok().flatten();
    let bytes = name.and_then(|value| unit.attr_string(value).ok());
    let bytes = bytes.as_ref().and_then(|bytes| bytes.to_slice().ok());
    bytes.map_or_else(|| "(anonymous)".into(), |bytes| String::from_utf8_lossy(&bytes).into())
}
