//! What the clauses of one firing share: variables (D's `this->x`), and the text that `strtok` goes on with.
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
use super::texts::token::Tokens;
use super::unit::Lower;
use super::variable::Uses;

/// Where is what clauses share, if it needs memory.
pub(super) struct Shared {
    /// Offsets in scratch memory: for the program's clauses, and for those of ERROR.
    homes: [BTreeMap<VarId, u32>; 2],
    /// What `strtok` goes on with from clause to clause, in the same two firings.
    tokens: [Option<Tokens>; 2],
    end: u32,
}

impl Shared {
    /// Finds places for what these clauses share, and those of ERROR.
    pub fn of(program: &Program, clauses: &[&Clause]) -> Shared {
        let mut shared = Shared { homes: [BTreeMap::new(), BTreeMap::new()], tokens: [None; 2], end: HEADER };
        let errors: Vec<&Clause> =
            fault::error_clauses(program).into_iter().map(|(index, _)| &program.clauses[index]).collect();
        for (firing, clauses) in [clauses, &errors].into_iter().enumerate() {
            if program.vars.iter().any(|variable| variable.shared) {
                clauses.iter().for_each(|clause| shared.add(program, firing, clause));
            }
            shared.tokens[firing] = Tokens::shared(clauses, &mut shared.end);
        }
        shared
    }

    /// Nothing needs memory.
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

    /// What `strtok` goes on with, if clauses share it.
    pub fn shared_tokens(&self) -> Option<Tokens> {
        self.shared.tokens[usize::from(self.error.is_some())]
    }

    /// Forgets the variables of the clause before, but not those that the next one shares with it.
    pub fn keep_shared(&mut self) {
        let vars = &self.g.program.vars;
        self.f.vars.retain(|var, _| vars.get(var.0 as usize).is_some_and(|variable| variable.shared));
    }

    /// Clears what is shared in memory for a new firing.
    pub fn clear_shared(&mut self) {
        let Some(base) = self.unit_scratch else { return };
        for (var, off) in self.shared.homes[usize::from(self.error.is_some())].clone() {
            let size = self.g.program.vars.get(var.0 as usize).map_or(0, |variable| layout::size(&variable.ty));
            self.zero(Mem { base, off: off as i32 }, size);
        }
        if let Some(tokens) = self.shared_tokens() {
            self.init_tokens(tokens);
        }
    }
}
