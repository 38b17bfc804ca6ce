//! What statements and expressions change.

use super::own::Own;
use super::state::Parts;
use super::state::emptied;
use crate::Program;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// What something that was walked over changes.
pub(super) struct Targets<'p> {
    program: &'p Program,
    records: &'p Own,
    /// Maps.
    pub maps: Vec<MapId>,
    /// Variables.
    pub vars: Vec<VarId>,
    /// It ends a speculation.
    pub ends_speculation: bool,
    /// It ends the trace, or sends what the recorder wants.
    pub own: bool,
}

impl<'p> Targets<'p> {
    pub fn new(program: &'p Program, records: &'p Own) -> Targets<'p> {
        Targets { program, records, maps: Vec::new(), vars: Vec::new(), ends_speculation: false, own: false }
    }

    fn place(&mut self, place: &Place) {
        match place {
            Place::Var(var) => self.vars.push(*var),
            Place::Map { map, .. } => self.maps.push(*map),
        }
    }

    /// What an address leads to: a variable, or scratch memory whose address is in one.
    fn address(&mut self, addr: &Expr) {
        let mut parts = Parts::default();
        visit::expr(addr, &mut parts);
        self.vars.extend(parts.vars);
    }
}

impl Visitor for Targets<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => self.place(place),
            StmtKind::Aggregate { map, .. } => self.maps.push(*map),
            StmtKind::Store { addr, .. } => self.address(addr),
            StmtKind::Emit { record, .. } => {
                self.own |= self.records.is_sent(*record);
                self.maps.extend(emptied(self.program, *record));
            }
            StmtKind::EndSpeculation { .. } => self.ends_speculation = true,
            StmtKind::Exit { .. } | StmtKind::Stop => self.own = true,
            _ => {}
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::MapDelete { map, .. } => self.maps.push(*map),
            ExprKind::IncDec { target, .. } => self.place(target),
            ExprKind::Call(Function::Copy(_), args) => args.get(1).into_iter().for_each(|to| self.address(to)),
            _ => {}
        }
    }
}
