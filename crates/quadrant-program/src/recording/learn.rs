//! Finding what a clause learns.

use std::collections::BTreeSet;

use super::FIRST_SLOT;
use super::Input;
use super::SLOT;
use super::add;
use super::known::Known;
use super::names::Names;
use super::state::Unchanged;
use super::state::count;
use super::state::maps_of;
use crate::diag::Diagnostic;
use crate::expr::BinaryOp;
use crate::expr::Builtin;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::TextFunction;
use crate::map::MapId;
use crate::probe::PointId;
use crate::program::Clause;
use crate::rewrite;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Space;
use crate::ty::StackType;
use crate::ty::Type;
use crate::visit;
use crate::visit::Visitor;

/// A call that only a kernel can carry out.
pub(super) fn needs_kernel(clause: &Clause) -> Option<Diagnostic> {
    struct Calls(Option<(Span, &'static str)>);
    impl Visitor for Calls {
        fn expr(&mut self, e: &Expr) {
            if let ExprKind::Call(function, _) = e.kind
                && let Some(why) = why_kernel(function)
            {
                self.0.get_or_insert((e.span, why));
            }
        }
    }
    let mut calls = Calls(None);
    visit::clause(clause, &mut calls);
    calls.0.map(|(span, why)| Diagnostic::error(span, why))
}

fn why_kernel(function: Function) -> Option<&'static str> {
    match function {
        Function::Kernel(_) | Function::Imported(_) | Function::NameOf { .. } | Function::PacketOutput(_) => Some(
            "functions in C, those of the kernel and skboutput() cannot be recorded: a replay has no kernel that would run them",
        ),
        Function::Copy(_) => Some("copies into scratch memory cannot be recorded: copyinstr() and tracemem() can"),
        Function::CopyOut | Function::CopyOutText | Function::WriteUser | Function::Override | Function::Chill => {
            Some("what changes the traced system cannot be recorded: a replay has no such system")
        }
        _ => None,
    }
}

/// What one clause learns.
#[derive(Default)]
pub(super) struct Learned {
    pub inputs: Vec<Input>,
    pub stacks: Vec<StackType>,
    pub predicate: Option<Expr>,
    pub exits: bool,
    /// The maps whose values inputs depend on.
    pub state: BTreeSet<MapId>,
}

/// Finds what a clause learns, and lets it have that from its context. Inputs get their slots by their names.
pub(super) fn learn(
    clause: &mut Clause,
    text: &dyn Fn(Span) -> String,
    names: &mut Names,
    unchanged: &Unchanged,
    aborts: bool,
) -> Result<Learned, Box<Diagnostic>> {
    let known = Known::of(clause, text);
    let condition = clause.predicate.clone();
    let exits = clause.predicate.is_none() && always_exits(&clause.body);
    let learned = Learned { exits, ..Learned::default() };
    let points = clause.points.clone();
    let mut finder =
        Finder { known: &known, unchanged, points: &points, names, aborts, learned, failure: None, walked: 0, end: 0 };
    rewrite::clause(clause, &mut |e| finder.expr(e));
    let Finder { mut learned, failure, .. } = finder;
    if let Some(failure) = failure {
        return Err(Box::new(failure));
    }
    // What the recorder remembers anyway, it can ask for.
    let walked = condition.as_ref().map_or(0, count);
    let is_remembered = |e: &Expr| {
        let maps = maps_of(&known.plain(e));
        known.is_given(e, true) && maps.is_subset(&learned.state) && unchanged.hold(&maps, walked)
    };
    let predicate = condition.and_then(|condition| known.part(&condition, &is_remembered));
    // What faults in a predicate is told, and not passed over.
    learned.predicate = predicate.filter(|predicate| !aborts || !can_fault(predicate));
    Ok(learned)
}

/// Whether statements end the trace whatever happens.
fn always_exits(body: &[Stmt]) -> bool {
    struct Returns(bool);
    impl Visitor for Returns {
        fn stmt(&mut self, stmt: &Stmt) {
            self.0 |= stmt.kind == StmtKind::Return;
        }
    }
    let mut returns = Returns(false);
    let mut comes_here = body.iter().take_while(|stmt| {
        visit::stmt(stmt, &mut returns);
        !returns.0
    });
    comes_here.any(|stmt| matches!(stmt.kind, StmtKind::Exit { .. } | StmtKind::Stop))
}

/// Collects the inputs of a clause, and puts places of the context where they stand.
struct Finder<'f, 'a> {
    known: &'f Known<'a>,
    unchanged: &'f Unchanged<'f>,
    points: &'f [PointId],
    names: &'f mut Names,
    /// Faults end the clause.
    aborts: bool,
    learned: Learned,
    failure: Option<Diagnostic>,
    /// How many expressions of the script come before the one at hand, and with it.
    walked: usize,
    end: usize,
}

impl Finder<'_, '_> {
    /// Whether to look into the expression.
    fn expr(&mut self, e: &mut Expr) -> bool {
        self.end = self.walked + count(e);
        let inside = self.look(e);
        self.walked = if inside { self.walked + 1 } else { self.end };
        inside
    }

    fn look(&mut self, e: &mut Expr) -> bool {
        if let (ExprKind::Call(Function::Stack, _), Type::Stack(stack)) = (&e.kind, &e.ty) {
            add(&mut self.learned.stacks, *stack);
            return false;
        }
        if let (ExprKind::Call(Function::Symbol, args), Type::Symbol { user, .. }) = (&e.kind, &e.ty) {
            for address in args.iter().filter(|arg| reads(arg) && self.is_given(arg)).collect::<Vec<_>>() {
                self.input(address, Some(*user));
            }
        }
        if !reads(e) {
            return true;
        }
        let refusal = match (self.is_given(e), can_be_stored(&e.ty)) {
            (false, _) => {
                Diagnostic::error(e.span, "this cannot be recorded: it reads what the script's own state decides")
                    .help("read the memory where its address comes from the probe, and keep what was read; or read it before the clauses of \
                           this probe change a map")
            }
            (true, false) => Diagnostic::error(e.span, "values of this type cannot be recorded"),
            (true, true) => {
                let (slot, caught) = self.input(e, None);
                *e = given(e, slot, caught);
                return false;
            }
        };
        self.failure.get_or_insert(refusal);
        false
    }

    /// Whether an expression can be evaluated when the point fires.
    fn is_given(&self, e: &Expr) -> bool {
        self.known.is_given(e, true) && self.unchanged.hold(&maps_of(&self.known.plain(e)), self.end)
    }

    /// The slot of an input, and whether it may be a fault.
    fn input(&mut self, e: &Expr, symbol: Option<bool>) -> (usize, bool) {
        let (base, expr) = (self.known.name(e), self.known.plain(e));
        self.learned.state.extend(maps_of(&expr));
        let (slot, name) = self.names.of(base, self.points, &expr);
        let caught = self.aborts && can_fault(&expr);
        match self.learned.inputs.iter_mut().find(|input| input.slot == slot) {
            Some(input) => input.symbol = input.symbol.or(symbol),
            None => self.learned.inputs.push(Input { name, slot, expr, symbol, caught }),
        }
        (slot, caught)
    }
}

/// Whether evaluating an expression may fault.
fn can_fault(e: &Expr) -> bool {
    struct Faults(bool);
    impl Visitor for Faults {
        fn expr(&mut self, e: &Expr) {
            self.0 |= match &e.kind {
                ExprKind::Deref { space, .. } => *space != Space::Context,
                ExprKind::Call(..) | ExprKind::ArgAt(_) | ExprKind::Arg(_) => true,
                ExprKind::Binary(op, ..) => matches!(op, BinaryOp::Div | BinaryOp::Rem),
                _ => false,
            };
        }
    }
    let mut faults = Faults(false);
    visit::expr(e, &mut faults);
    faults.0
}

/// Whether an expression asks the world; what is only computed from such is not.
fn reads(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Builtin(builtin) => !is_of_the_point(*builtin),
        ExprKind::Arg(_) | ExprKind::Retval | ExprKind::Reg(_) | ExprKind::ArgAt(_) | ExprKind::Deref { .. } => true,
        ExprKind::Bits { value, .. } => reads(value),
        ExprKind::Cast(inner) => matches!(inner.kind, ExprKind::Deref { .. }) && !inner.ty.is_scalar(),
        ExprKind::Call(function, _) => asks(*function),
        ExprKind::ContextAddr(_) | ExprKind::DataLoc { .. } => true,
        _ => false,
    }
}

/// Functions that look at memory or at the machine themselves.
fn asks(function: Function) -> bool {
    matches!(
        function,
        Function::Str(_)
            | Function::Buf(_)
            | Function::Args(_)
            | Function::JoinArgs(_)
            | Function::SocketCookie
            | Function::ProgenyOf
            | Function::InstructionPointer(_)
            | Function::StackDepth(_)
            | Function::Caller(_)
            | Function::Text(TextFunction::DPath | TextFunction::Ntop | TextFunction::LinkNtop)
    )
}

/// Known without asking: which point fired.
fn is_of_the_point(builtin: Builtin) -> bool {
    matches!(builtin, Builtin::Point | Builtin::PointText(_) | Builtin::PointId | Builtin::Ncpus)
}

pub(super) fn has_effect(function: Function) -> bool {
    matches!(
        function,
        Function::Alloca
            | Function::Copy(_)
            | Function::CopyOut
            | Function::CopyOutText
            | Function::WriteUser
            | Function::Override
            | Function::PacketOutput(_)
            | Function::Kernel(_)
            | Function::Imported(_)
            | Function::Debug
            | Function::Speculation
            | Function::Chill
    )
}

fn can_be_stored(ty: &Type) -> bool {
    ty.is_scalar() && !matches!(ty, Type::Stack(_))
        || matches!(
            ty,
            Type::String { .. } | Type::Buffer { .. } | Type::Record(_) | Type::Array { .. } | Type::Float { .. }
        )
}

/// An input at its place in the context. One that may be a fault is in memory, which cannot be read then.
fn given(e: &Expr, slot: usize, caught: bool) -> Expr {
    let (span, at) = (e.span, FIRST_SLOT + slot as u32 * SLOT);
    let word = |offset| {
        let addr = Box::new(Expr::new(ExprKind::ContextAddr(offset), Type::U64, span));
        Expr::new(ExprKind::Deref { addr, space: Space::Context }, Type::U64, span)
    };
    let kind = match e.ty {
        Type::String { .. } => ExprKind::Call(Function::Str(Space::Kernel), vec![word(at)]),
        Type::Buffer { .. } => ExprKind::Call(Function::Buf(Space::Kernel), vec![word(at), word(at + 8)]),
        Type::Record(_) | Type::Array { .. } | Type::Float { bytes: 9.. } => {
            ExprKind::Deref { addr: Box::new(word(at)), space: Space::Kernel }
        }
        _ if caught => {
            let addr = Box::new(word(at));
            ExprKind::Cast(Box::new(Expr::new(ExprKind::Deref { addr, space: Space::Kernel }, Type::U64, span)))
        }
        _ => ExprKind::Cast(Box::new(word(at))),
    };
    Expr::new(kind, e.ty.clone(), span)
}
