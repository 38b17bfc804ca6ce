//! Texts of the script itself that went through variables and maps: `$red = "\033[31m"`. They are shown as they stand in the script, as
//! those are that stand in a call. Everything else may be what a traced program chose, and is escaped.

use std::collections::{HashMap, HashSet};

use quadrant_program::expr::{Expr, ExprKind, Function, Place, VarId};
use quadrant_program::format::Format;
use quadrant_program::map::MapId;
use quadrant_program::program::{Clause, Program};
use quadrant_program::record::{RecordId, RecordKind};
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_program::visit::{self, Visitor};

/// Marks what prints such texts.
pub(super) fn mark(program: &mut Program) {
    let foreign = Foreign::of(&program.clauses);
    let mut sent = Sent { foreign: &foreign, texts: HashMap::new() };
    program.clauses.iter().for_each(|clause| visit::clause(clause, &mut sent));
    for (id, own) in sent.texts {
        if let Some(record) = program.records.get_mut(id.0 as usize) {
            mark_record(&mut record.kind, &own);
        }
    }
}

fn mark_record(kind: &mut RecordKind, own: &[bool]) {
    match kind {
        RecordKind::Printf(format) | RecordKind::Errorf(format) | RecordKind::Warnf(format) => mark_format(format, own),
        RecordKind::Print if own == [true] => *kind = RecordKind::PrintOwn,
        _ => {}
    }
}

fn mark_format(format: &mut Format, own: &[bool]) {
    let mut own = own.iter();
    for conversion in format.conversions_mut() {
        conversion.own = own.nth(conversion.stars()) == Some(&true);
    }
}

/// Variables and maps that hold, or may hold, other things than texts of the script.
#[derive(Default)]
struct Foreign {
    vars: HashSet<VarId>,
    maps: HashSet<MapId>,
}

impl Foreign {
    /// What is assigned from something foreign is foreign, until nothing more is found.
    fn of(clauses: &[Clause]) -> Self {
        let mut foreign = Self::default();
        loop {
            let before = foreign.vars.len() + foreign.maps.len();
            clauses.iter().for_each(|clause| visit::clause(clause, &mut foreign));
            if foreign.vars.len() + foreign.maps.len() == before {
                return foreign;
            }
        }
    }

    fn is_own(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Str(_) => true,
            ExprKind::Var(var) => !self.vars.contains(var),
            ExprKind::MapGet { map, .. } => !self.maps.contains(map),
            ExprKind::Ternary { then, other, .. } => self.is_own(then) && self.is_own(other),
            ExprKind::Call(Function::Concat, parts) => parts.iter().all(|part| self.is_own(part)),
            ExprKind::Block(_, value) => self.is_own(value),
            _ => false,
        }
    }

    fn add(&mut self, place: &Place) {
        match place {
            Place::Var(var) => self.vars.insert(*var),
            Place::Map { map, .. } => self.maps.insert(*map),
        };
    }
}

impl Visitor for Foreign {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(place, value) if !self.is_own(value) => self.add(place),
            StmtKind::Update(place, ..) => self.add(place),
            StmtKind::ForMap { var, .. } | StmtKind::ForRange { var, .. } => {
                self.vars.insert(*var);
            }
            _ => {}
        }
    }

    /// Whoever has an address can write there.
    fn expr(&mut self, expr: &Expr) {
        let ExprKind::AddrOf(inner) = &expr.kind else { return };
        match &inner.kind {
            ExprKind::Var(var) => self.vars.insert(*var),
            ExprKind::MapGet { map, .. } => self.maps.insert(*map),
            _ => false,
        };
    }
}

/// Which arguments of records are the script's own texts wherever the record is sent.
struct Sent<'a> {
    foreign: &'a Foreign,
    texts: HashMap<RecordId, Vec<bool>>,
}

impl Visitor for Sent<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        let StmtKind::Emit { record, args } = &stmt.kind else { return };
        let all = self.texts.entry(*record).or_insert_with(|| vec![true; args.len()]);
        for (own, arg) in all.iter_mut().zip(args) {
            *own &= matches!(arg.ty, Type::String { .. }) && self.foreign.is_own(arg);
        }
    }
}
