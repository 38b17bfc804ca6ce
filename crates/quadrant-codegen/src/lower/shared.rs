//! Variables that the clauses of one firing share (D's `this->x`).
//!
//! Numbers stay in registers from clause to clause. Those that need memory are in scratch memory, which the program then holds from its
//! first clause to its last. A firing of ERROR has variables of its own.

use std::collections::BTreeMap;

use quadrant_program::expr::VarId;
use quadrant_program::layout;
use quadrant_program::program::Clause;
use quadrant_program::program::Program;

use super::fault;
use super::memory::Mem;
use super::scratch::HEADER;
use super::unit::Lower;
use super::variable::Uses;

/// Where shared variables are that need memory.
pub(super) struct Shared {
    /// Offsets in scratch memory: for the program's clauses, and for those of ERROR.
    homes: [BTreeMap<VarId, u32>; 2],
    end: u32,
}

impl Shared {
    /// Finds places for the variables that these clauses share, and those of ERROR.
    pub fn of(program: &Program, clauses: &[&Clause]) -> Shared {
        let mut shared = Shared { homes: [BTreeMap::new(), BTreeMap::new()], end: HEADER };
        if !program.vars.iter().any(|variable| variable.shared) {
            return shared;
        }
        let errors: Vec<&Clause> =
            fault::error_clauses(program).into_iter().map(|(index, _)| &program.clauses[index]).collect();
        for (firing, clauses) in [clauses, &errors].into_iter().enumerate() {
            clauses.iter().for_each(|clause| shared.add(program, firing, clause));
        }
        shared
    }

    /// No variable needs memory.
    pub fn is_empty(&self) -> bool {
        self.end == HEADER
    }

    /// Where the memory of clauses begins.
    pub fn end(&self) -> u32 {
        self.end
    }

    fn add(&mut self, program: &Program, firing: usize, clause: &Clause) {
        for (var, variable) in Uses::of(clause).in_memory(program).filter(|(_, variable)| variable.shared) {
            if let std::collections::btree_map::Entry::Vacant(place) = self.homes[firing].entry(var) {
                place.insert(self.end);
                // A text is read with one byte more than its cap.
                self.end += layout::size(&variable.ty) + if variable.ty.is_scalar() { 0 } else { 8 };
            }
        }
    }
}

impl Lower<'_, '_> {
    /// Whether the clauses of a firing share a variable.
    pub fn is_shared(&self, var: VarId) -> bool {
        self.g.program.vars.get(var.0 as usize).is_some_and(|variable| variable.shared)
    }

    /// The place of a shared variable in scratch memory, if it needs one.
    pub fn shared_home(&self, var: VarId) -> Option<u32> {
        self.shared.homes[usize::from(self.error.is_some())].get(&var).copied()
    }

    /// Forgets the variables of the clause before, but not those that the next one shares with it.
    pub fn keep_shared(&mut self) {
        let vars = &self.g.program.vars;
        self.f.vars.retain(|var, _| vars.get(var.0 as usize).is_some_and(|variable| variable.shared));
    }

    /// Clears the shared variables of a new firing that are in memory.
    pub fn clear_shared(&mut self) {
        let Some(base) = self.unit_scratch else { return };
        for (var, off) in self.shared.homes[usize::from(self.error.is_some())].clone() {
            let size = self.g.program.vars.get(var.0 as usize).map_or(0, |variable| layout::size(&variable.ty));
            self.zero(Mem { base, off: off as i32 }, size);
        }
    }
}
