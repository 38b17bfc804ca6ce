//! Loops over maps. The kernel walks over a map in an order of its own, so where a loop reads memory the recorder sends the key of each
//! round, and the replay goes in that order.

use super::Input;
use super::Walked;
use super::names::Names;
use crate::Program;
use crate::expr::BinaryOp;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::probe::PointId;
use crate::program::Clause;
use crate::record::Record;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::rewrite;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Type;

/// A loop over a map whose order counts.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// The loop's variable: it is of no other loop.
    pub var: VarId,
    /// The map.
    pub map: MapId,
    /// The keys: a list of tuples that have the key as their only part.
    pub input: Input,
}

impl Walk {
    /// The loop with a variable over a map, in a clause at some points; `None` if the map's keys are another machine's.
    pub fn new(program: &Program, (var, map): (VarId, MapId), points: &[PointId], names: &mut Names) -> Option<Walk> {
        let declared = &program.maps[map.0 as usize];
        let key = declared.key.clone().filter(|_| can_be_told(program, map))?;
        let (slot, name) = names.another(format!("keys of {}", declared.name), points);
        let (span, ty) = (Span::default(), program.vars[var.0 as usize].ty.clone());
        let entry = Expr::new(ExprKind::Var(var), ty, span);
        let part = Expr::new(ExprKind::TupleField(Box::new(entry), 0), key.clone(), span);
        let expr = Expr::new(ExprKind::Tuple(vec![part]), Type::Tuple([key].into()), span);
        Some(Walk { var, map, input: Input { name, slot, expr, shown: Vec::new(), caught: false, seen: false } })
    }

    /// What a replay has to know of it.
    pub fn walked(&self) -> Walked {
        Walked { slot: self.input.slot, var: self.var, map: self.map }
    }
}

/// Whether the order of a loop over a map can be told by its keys.
pub(super) fn can_be_told(program: &Program, map: MapId) -> bool {
    program.maps[map.0 as usize].key.as_ref().is_some_and(|key| !has_stack(key))
}

/// A stack is known by a number that the machine gave it.
fn has_stack(ty: &Type) -> bool {
    match ty {
        Type::Stack(_) => true,
        Type::Tuple(parts) => parts.iter().any(has_stack),
        _ => false,
    }
}

/// Lets loops of a clause send the key of each round; the values of a firing are numbered by a variable.
pub(super) fn mark(program: &mut Program, clause: usize, walks: &[Walk], number: VarId) {
    let first = program.records.len() as u32;
    program.records.extend(walks.iter().map(|walk| Record {
        kind: RecordKind::Print,
        args: vec![walk.input.expr.ty.clone(), Type::U64],
        span: walk.input.expr.span,
    }));
    each_loop(&mut program.clauses[clause], &mut |var, body| {
        let Some(index) = walks.iter().position(|walk| walk.var == var) else { return };
        let record = RecordId(first + index as u32);
        body.splice(0..0, told(&walks[index].input.expr, record, number));
    });
}

fn told(key: &Expr, record: RecordId, number: VarId) -> [Stmt; 2] {
    let span = key.span;
    let next = StmtKind::Update(Place::Var(number), BinaryOp::Add, Expr::int(1, Type::U64, span));
    let number = Expr::new(ExprKind::Var(number), Type::U64, span);
    [next, StmtKind::Emit { record, args: vec![key.clone(), number] }].map(|kind| Stmt::new(kind, span))
}

type Change<'c> = &'c mut dyn FnMut(VarId, &mut Vec<Stmt>);

/// Changes the bodies of a clause's loops over maps.
fn each_loop(clause: &mut Clause, change: Change) {
    in_list(&mut clause.body, change);
    rewrite::clause(clause, &mut |e| {
        if let ExprKind::Block(body, _) = &mut e.kind {
            in_list(body, change);
        }
        true
    });
}

/// Those in a list of statements, but for those in its expressions.
fn in_list(list: &mut [Stmt], change: Change) {
    for stmt in list {
        match &mut stmt.kind {
            StmtKind::If { then, other, .. } => [then, other].into_iter().for_each(|list| in_list(list, change)),
            StmtKind::While { body, .. }
            | StmtKind::ForRange { body, .. }
            | StmtKind::Unroll { body, .. }
            | StmtKind::Block(body) => in_list(body, change),
            StmtKind::ForMap { var, body, .. } => {
                in_list(body, change);
                change(*var, body);
            }
            _ => {}
        }
    }
}
