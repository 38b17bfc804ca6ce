//! What a clause learns on its way: what cannot be evaluated when the point fires, because the clause itself decides it. The recorder
//! runs what decides it, and sends the value where the script has it.

use super::Input;
use super::caught;
use super::learn::has_effect;
use super::seen::is_of_map;
use crate::Program;
use crate::expr::BinaryOp;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::program::Variable;
use crate::record::Record;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::rewrite;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Type;
use crate::visit;
use crate::visit::Visitor;

/// Something that a clause learns on its way.
#[derive(Clone, Debug)]
pub(super) struct Later {
    /// How many expressions of the clause come before, and with it.
    pub at: usize,
    pub end: usize,
    /// It is an address whose symbol is wanted; the replay has the address itself.
    pub is_shown: bool,
    /// What it is.
    pub input: Input,
}

/// Lets a clause of a program send what it learns on its way, each with a record of its own, in their order.
/// The values of a firing are numbered by a variable, so that what was lost of them is noticed.
pub(super) fn mark(program: &mut Program, clause: usize, later: &[Later], number: VarId) {
    let mut marked = program.clauses[clause].clone();
    let mut marker = Marker { program, later, number, walked: 0 };
    rewrite::clause(&mut marked, &mut |e| marker.expr(e));
    program.clauses[clause] = marked;
}

struct Marker<'m> {
    program: &'m mut Program,
    /// Those that are still to come.
    later: &'m [Later],
    number: VarId,
    walked: usize,
}

impl Marker<'_> {
    /// Whether to look into the expression.
    fn expr(&mut self, e: &mut Expr) -> bool {
        let at = self.walked;
        let found = self.later.split_first().filter(|(first, _)| first.at == at);
        let Some((first, rest)) = found else {
            self.walked += 1;
            return true;
        };
        self.later = rest;
        let number = (!first.is_shown).then_some(self.number);
        let record = self.record(&first.input, number);
        if first.is_shown || first.input.seen {
            self.parts(e);
        }
        self.walked = first.end;
        *e = self.sent(&valued(e), record, number, first.input.caught);
        false
    }

    /// The parts of an expression, but not itself.
    fn parts(&mut self, e: &mut Expr) {
        self.walked += 1;
        rewrite::parts(e, &mut |part| self.expr(part));
    }

    fn record(&mut self, input: &Input, number: Option<VarId>) -> RecordId {
        let args = [super::sent(input).ty].into_iter().chain(number.map(|_| Type::U64)).collect();
        self.program.records.push(Record { kind: RecordKind::Print, args, span: input.expr.span });
        RecordId(self.program.records.len() as u32 - 1)
    }

    /// An expression that sends its value, too, and faults if it did.
    fn sent(&mut self, e: &Expr, record: RecordId, number: Option<VarId>, is_caught: bool) -> Expr {
        let span = e.span;
        let next = number.map(|var| StmtKind::Update(Place::Var(var), BinaryOp::Add, Expr::int(1, Type::U64, span)));
        let emit = |value: Expr| {
            let number = number.map(|var| Expr::new(ExprKind::Var(var), Type::U64, span));
            StmtKind::Emit { record, args: [value].into_iter().chain(number).collect() }
        };
        if !is_caught && matches!(e.ty, Type::String { .. }) && is_pure(e) && !is_of_map(e) {
            // A record knows that a text was cut, a variable does not. A map's text is as long as it is, and another the next moment.
            let before = next.into_iter().chain([emit(e.clone())]).map(|kind| Stmt::new(kind, span)).collect();
            return Expr::new(ExprKind::Block(before, Box::new(e.clone())), e.ty.clone(), span);
        }
        let value = if is_caught { caught(e) } else { e.clone() };
        let var = VarId(self.program.vars.len() as u32);
        self.program.vars.push(Variable { name: String::new(), ty: value.ty.clone(), shared: false });
        let kept = Expr::new(ExprKind::Var(var), value.ty.clone(), span);
        let assign = StmtKind::Assign(Place::Var(var), value);
        let mut before: Vec<StmtKind> = [assign].into_iter().chain(next).chain([emit(kept.clone())]).collect();
        let part = |index, ty| Expr::new(ExprKind::TupleField(Box::new(kept.clone()), index), ty, span);
        if is_caught {
            let raise = ExprKind::Call(Function::Raise, vec![part(0, Type::U64), part(1, Type::U64)]);
            before.push(StmtKind::Expr(Expr::new(raise, Type::None, span)));
        }
        let value = if is_caught { part(2, e.ty.clone()) } else { kept };
        let before = before.into_iter().map(|kind| Stmt::new(kind, span)).collect();
        Expr::new(ExprKind::Block(before, Box::new(value)), e.ty.clone(), span)
    }
}

/// An expression as a value: what only has effects is 0.
pub(super) fn valued(e: &Expr) -> Expr {
    if e.ty != Type::None {
        return e.clone();
    }
    let done = vec![Stmt::new(StmtKind::Expr(e.clone()), e.span)];
    Expr::new(ExprKind::Block(done, Box::new(Expr::int(0, Type::U64, e.span))), Type::U64, e.span)
}

/// Whether evaluating an expression changes nothing.
fn is_pure(e: &Expr) -> bool {
    struct Changes(bool);
    impl Visitor for Changes {
        fn expr(&mut self, e: &Expr) {
            self.0 |= match &e.kind {
                ExprKind::Block(..) | ExprKind::IncDec { .. } | ExprKind::MapDelete { .. } => true,
                ExprKind::Call(function, _) => has_effect(*function),
                _ => false,
            };
        }
    }
    let mut changes = Changes(false);
    visit::expr(e, &mut changes);
    !changes.0
}
