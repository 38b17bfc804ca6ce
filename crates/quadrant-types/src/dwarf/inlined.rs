//! Copies of functions that the compiler put into others.

use std::collections::HashMap;

use gimli::{AttributeValue, Reader as _, Section as _};

use super::die::{Die, DieRef};
use super::functions;
use super::parameters::{self, Subprogram};
use super::ranges::{self, Budget};
use super::units::UnitData;
use super::{DebugInfo, Reader};

/// Further copies are left out.
const MAX_COPIES: usize = 100_000;

impl DebugInfo {
    /// The first addresses of all inlined copies of the functions with that name in the source (with or without its namespaces)
    /// or for the linker, in ascending order. Looks at all units, if the name is anywhere.
    pub fn inlined_copies(&self, name: &str) -> Vec<u64> {
        if !self.may_have(name) {
            return Vec::new();
        }
        let mut known = HashMap::new();
        let mut is_wanted = |of: DieRef| *known.entry(of).or_insert_with(|| self.is_called(of, name));
        let units = (0..self.units.count()).filter_map(|number| self.units.data(self, number));
        let mut copies = Vec::new();
        for unit in units {
            // What is damaged ends the walk through its unit.
            let _ = self.collect_copies(unit, &mut is_wanted, &mut copies);
        }
        copies.sort_unstable();
        copies.dedup();
        copies
    }

    /// False if no entry has the name's last part. Where names may be in other files, it is not known.
    fn may_have(&self, name: &str) -> bool {
        let is_whole = self.dwarf.sup().is_none() && self.dwarf.debug_addr.reader().is_empty();
        let last = name.rsplit("::").next().unwrap_or(name);
        let text = [last.as_bytes(), &[0]].concat();
        let finder = memchr::memmem::Finder::new(&text);
        let has = |section: &Reader| section.to_slice().is_ok_and(|bytes| finder.find(&bytes).is_some());
        !is_whole || has(self.dwarf.debug_str.reader()) || has(self.dwarf.debug_info.reader())
    }

    /// How many copies of the function that starts at `vaddr` are inlined into others of its unit.
    pub fn copies_beside(&self, vaddr: u64) -> usize {
        self.count_beside(vaddr).unwrap_or(0)
    }

    fn count_beside(&self, vaddr: u64) -> Option<usize> {
        let units = self.units.holding(self, vaddr);
        let found = units.into_iter().find_map(|unit| Some((unit, functions::at(self, unit, vaddr)?)));
        let (unit, (at, _)) = found.filter(|(_, (_, begin))| *begin == vaddr)?;
        let origin = self.die(at)?.reference(gimli::DW_AT_abstract_origin)?;
        let mut copies = Vec::new();
        let _ = self.collect_copies(unit, &mut |of| of == origin, &mut copies);
        copies.sort_unstable();
        copies.dedup();
        Some(copies.len())
    }

    /// The parameters of an inlined copy that starts at `vaddr`, by the function's name.
    pub fn inlined_subprogram(&self, vaddr: u64, name: &str) -> Option<Subprogram> {
        let units = self.units.holding(self, vaddr);
        let (function, _) = units.into_iter().find_map(|unit| functions::at(self, unit, vaddr))?;
        let function = self.die(function)?;
        let copy = self.copy_below(&function, vaddr, name)?;
        Some(parameters::of_copy(&copy, &function, vaddr))
    }

    fn copy_below(&self, function: &Die<'_>, vaddr: u64, name: &str) -> Option<Die<'_>> {
        let mut cursor = function.unit.unit.entries_at_offset(function.raw.offset()).ok()?;
        let mut depth = 0_isize;
        let mut is_first = true;
        while let Some((change, raw)) = cursor.next_dfs().ok()? {
            depth += change;
            if depth <= 0 && !is_first {
                return None;
            }
            is_first = false;
            if raw.tag() != gimli::DW_TAG_inlined_subroutine {
                continue;
            }
            let die = self.die(DieRef { offset: raw.offset().0, ..function.at })?;
            let starts = entry(&die, &mut Budget::for_unit()) == Some(vaddr);
            if starts && self.is_called(die.at, name) {
                return Some(die);
            }
        }
        None
    }

    fn collect_copies(
        &self,
        unit: &UnitData,
        is_wanted: &mut dyn FnMut(DieRef) -> bool,
        copies: &mut Vec<u64>,
    ) -> gimli::Result<()> {
        let mut budget = Budget::for_unit();
        let mut cursor = unit.entries(self).unit.entries();
        while let Some((_, raw)) = cursor.next_dfs()? {
            if raw.tag() != gimli::DW_TAG_inlined_subroutine || copies.len() >= MAX_COPIES {
                continue;
            }
            let die = self.die(DieRef { unit: unit.number, offset: raw.offset().0 });
            let Some(die) = die else { continue };
            if let Some(origin) = die.reference(gimli::DW_AT_abstract_origin)
                && is_wanted(origin)
            {
                copies.extend(entry(&die, &mut budget));
            }
        }
        Ok(())
    }

    fn is_called(&self, at: DieRef, name: &str) -> bool {
        let Some(die) = self.die(at) else { return false };
        die.with_completed().any(|die| {
            let plain = [die.name(), die.text(gimli::DW_AT_linkage_name)];
            plain.iter().flatten().any(|known| &**known == name)
                || (name.contains("::") && self.qualified_name(&die).as_deref() == Some(name))
        })
    }
}

/// Where execution enters a copy.
fn entry(die: &Die<'_>, budget: &mut Budget) -> Option<u64> {
    let address = |name| match die.value(name)? {
        AttributeValue::Udata(_) => None,
        value => die.unit.attr_address(value).ok()?,
    };
    let said = address(gimli::DW_AT_entry_pc).or_else(|| address(gimli::DW_AT_low_pc));
    let first = || ranges::of(die.unit, &die.raw, budget).first().map(|(begin, _)| *begin);
    said.filter(|address| *address != 0).or_else(first)
}
