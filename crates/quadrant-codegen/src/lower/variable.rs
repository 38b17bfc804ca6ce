//! Variables of the script: in registers where possible, in memory when a loop's body or an address needs them there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Place;
use quadrant_program::expr::VarId;
use quadrant_program::layout;
use quadrant_program::program::Clause;
use quadrant_program::program::Program;
use quadrant_program::program::Variable;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::ssa::Size;
use crate::ssa::Slot;
use crate::ssa::Value;

/// Where the variables of a clause are; those that are missing are in registers.
#[derive(Default)]
pub(super) struct Variables {
    homes: BTreeMap<VarId, Home>,
}

#[derive(Clone, Copy)]
enum Home {
    Stack(Slot),
    Scratch(u32),
}

impl Lower<'_, '_> {
    /// Finds places for the variables of a clause, and clears those that its predicate uses.
    pub fn declare_variables(&mut self, clause: &Clause) {
        let uses = Uses::of(clause);
        self.variables = Variables::default();
        for (var, variable) in uses.in_memory(self.g.program).filter(|(_, variable)| !variable.shared) {
            let home = self.home(&variable.ty, uses.in_loops.contains(&var));
            self.variables.homes.insert(var, home);
        }
        // What one clause needs in memory is there for all that share it.
        for var in uses.all {
            let place = self.shared_home(var);
            self.variables.homes.extend(place.map(|place| (var, Home::Scratch(place))));
        }
        for var in uses.in_predicate {
            self.clear_variable(var);
        }
    }

    /// Clears the variables of a clause that its body may read before it assigns them.
    pub fn init_variables(&mut self, clause: &Clause) {
        let predicate = Uses::of_predicate(clause);
        let homes: Vec<VarId> = self.variables.homes.keys().copied().filter(|var| !predicate.contains(var)).collect();
        for var in homes {
            if first_use(&clause.body, var) == First::Read {
                self.clear_variable(var);
            }
        }
    }

    fn home(&mut self, ty: &Type, in_loop: bool) -> Home {
        // A text is read with one byte more than its cap.
        let bytes = layout::size(ty) + if ty.is_scalar() { 0 } else { 8 };
        let slot = if in_loop { None } else { self.f.stack.take(&mut self.f.b, bytes) };
        slot.map_or_else(|| Home::Scratch(self.reserve_scratch(bytes)), Home::Stack)
    }

    fn clear_variable(&mut self, var: VarId) {
        if self.is_shared(var) {
            return;
        }
        let size = self.g.program.vars.get(var.0 as usize).map_or(0, |variable| layout::size(&variable.ty));
        if let Some(mem) = self.variable_memory(var) {
            self.zero(mem, size);
        }
    }

    /// The type of a variable.
    pub fn variable_type(&self, var: VarId) -> Result<Type> {
        let variable = self.g.program.vars.get(var.0 as usize);
        variable.map(|variable| variable.ty.clone()).ok_or_else(|| self.model_error("a variable that does not exist"))
    }

    /// Where a variable is, if it is in memory.
    pub fn variable_memory(&mut self, var: VarId) -> Option<Mem> {
        Some(match *self.variables.homes.get(&var)? {
            Home::Stack(slot) => Mem { base: self.f.b.stack_addr(slot), off: 0 },
            Home::Scratch(off) => Mem { base: self.scratch_base(), off: off as i32 },
        })
    }

    /// The value of a scalar variable.
    pub fn variable(&mut self, var: VarId) -> Value {
        match self.variable_memory(var) {
            Some(mem) => self.f.b.load(mem.base, mem.off, Size::B8),
            None => {
                let register = self.register(var);
                self.f.b.use_var(register)
            }
        }
    }

    /// Gives a scalar variable a value.
    pub fn set_variable(&mut self, var: VarId, value: Value) {
        match self.variable_memory(var) {
            Some(mem) => self.f.b.store(mem.base, mem.off, Size::B8, value),
            None => {
                let register = self.register(var);
                self.f.b.def_var(register, value);
            }
        }
    }

    fn register(&mut self, var: VarId) -> crate::ssa::Var {
        *self.f.vars.entry(var).or_insert_with(|| self.f.b.declare_var())
    }
}

/// Which variables a clause uses, and how.
#[derive(Default)]
pub(super) struct Uses {
    all: BTreeSet<VarId>,
    in_loops: BTreeSet<VarId>,
    addressed: BTreeSet<VarId>,
    in_predicate: BTreeSet<VarId>,
}

impl Uses {
    /// Of a clause.
    pub fn of(clause: &Clause) -> Uses {
        let mut uses = Uses { in_predicate: Uses::of_predicate(clause), ..Uses::default() };
        let mut depth = walk::LoopDepth::default();
        walk::clause(clause, &mut |node| {
            depth.note(node);
            uses.note(node, depth.now > 0);
        });
        uses
    }

    /// The variables that cannot be in registers: they are no numbers, a loop's body uses them, or their address is taken.
    pub fn in_memory<'p>(&self, program: &'p Program) -> impl Iterator<Item = (VarId, &'p Variable)> {
        let known = self.all.iter().filter_map(|var| Some((*var, program.vars.get(var.0 as usize)?)));
        known.filter(|(var, variable)| {
            !variable.ty.is_scalar() || self.in_loops.contains(var) || self.addressed.contains(var)
        })
    }

    fn of_predicate(clause: &Clause) -> BTreeSet<VarId> {
        let mut vars = BTreeSet::new();
        if let Some(predicate) = &clause.predicate {
            walk::expr(predicate, &mut |node| vars.extend(named(node)));
        }
        vars
    }

    fn note(&mut self, node: Node<'_>, in_loop: bool) {
        if let Some(var) = named(node) {
            self.all.insert(var);
            if in_loop {
                self.in_loops.insert(var);
            }
        }
        if let Node::Expr(Expr { kind: ExprKind::AddrOf(inner), .. }) = node
            && let ExprKind::Var(var) = inner.kind
        {
            self.addressed.insert(var);
        }
    }
}

/// The variable that a node itself names.
fn named(node: Node<'_>) -> Option<VarId> {
    match node {
        Node::Expr(e) => match &e.kind {
            ExprKind::Var(var) => Some(*var),
            ExprKind::IncDec { target, .. } => variable_place(target),
            _ => None,
        },
        Node::Stmt(stmt) => match &stmt.kind {
            StmtKind::ForRange { var, .. } | StmtKind::ForMap { var, .. } => Some(*var),
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => variable_place(place),
            _ => None,
        },
        Node::End(_) => None,
    }
}

fn variable_place(place: &Place) -> Option<VarId> {
    match place {
        Place::Var(var) => Some(*var),
        Place::Map { .. } => None,
    }
}

/// How some statements first use a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum First {
    /// On no way.
    Absent,
    /// On some ways it is assigned, on no way read before that.
    Maybe,
    /// On every way it is assigned before it is read.
    Assigned,
    /// On some way it may be read first.
    Read,
}

fn first_use(body: &[Stmt], var: VarId) -> First {
    let mut result = First::Absent;
    for stmt in body {
        match first_use_of(stmt, var) {
            First::Absent => {}
            First::Maybe => result = First::Maybe,
            sure => return sure,
        }
    }
    result
}

fn first_use_of(stmt: &Stmt, var: VarId) -> First {
    match &stmt.kind {
        StmtKind::Assign(Place::Var(target), value) if *target == var && !expr_uses(value, var) => First::Assigned,
        StmtKind::If { cond, .. } if expr_uses(cond, var) => First::Read,
        StmtKind::If { then, other, .. } => first_of_two(first_use(then, var), first_use(other, var)),
        StmtKind::Block(body) => first_use(body, var),
        StmtKind::Unroll { count: 0, .. } => First::Absent,
        StmtKind::Unroll { body, .. } => match first_use(body, var) {
            First::Assigned if jumps(body) => First::Maybe,
            first => first,
        },
        _ => {
            let mut used = false;
            walk::stmt(stmt, &mut |node| used |= named(node) == Some(var));
            if used { First::Read } else { First::Absent }
        }
    }
}

fn first_of_two(a: First, b: First) -> First {
    match (a, b) {
        (First::Read, _) | (_, First::Read) => First::Read,
        (a, b) if a == b => a,
        _ => First::Maybe,
    }
}

/// Whether statements can leave an iteration early.
fn jumps(body: &[Stmt]) -> bool {
    let mut found = false;
    walk::stmts(body, &mut |node| {
        found |= matches!(node, Node::Stmt(Stmt { kind: StmtKind::Break | StmtKind::Continue, .. }));
    });
    found
}

/// Whether an expression names a variable.
pub(super) fn expr_uses(e: &Expr, var: VarId) -> bool {
    let mut used = false;
    walk::expr(e, &mut |node| used |= named(node) == Some(var));
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::span::Span;

    fn stmt(kind: StmtKind) -> Stmt {
        Stmt::new(kind, Span::default())
    }

    fn int() -> Expr {
        Expr::int(1, Type::I64, Span::default())
    }

    fn assign() -> Stmt {
        stmt(StmtKind::Assign(Place::Var(VarId(0)), int()))
    }

    fn read() -> Stmt {
        stmt(StmtKind::Expr(Expr::new(ExprKind::Var(VarId(0)), Type::I64, Span::default())))
    }

    fn branch(then: Vec<Stmt>, other: Vec<Stmt>) -> Stmt {
        stmt(StmtKind::If { cond: int(), then, other })
    }

    fn unroll(count: u32, body: Vec<Stmt>) -> Stmt {
        stmt(StmtKind::Unroll { count, body })
    }

    #[test]
    fn what_may_be_read_before_it_is_assigned() {
        let first = |body: Vec<Stmt>| first_use(&body, VarId(0));
        assert_eq!(first(vec![]), First::Absent);
        assert_eq!(first(vec![assign(), read()]), First::Assigned);
        assert_eq!(first(vec![read(), assign()]), First::Read);
        assert_eq!(first(vec![branch(vec![assign()], vec![]), read()]), First::Read);
        assert_eq!(first(vec![branch(vec![assign(), read()], vec![])]), First::Maybe);
        assert_eq!(first(vec![branch(vec![assign()], vec![assign()]), read()]), First::Assigned);
        assert_eq!(first(vec![branch(vec![unroll(0, vec![assign()])], vec![assign()]), read()]), First::Read);
        assert_eq!(first(vec![unroll(2, vec![stmt(StmtKind::Break), assign()]), read()]), First::Read);
    }
}
