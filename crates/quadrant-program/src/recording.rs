//! What the clauses of a program learn from outside, so that it can be written down and given back to them later.
//!
//! An *input* is an expression that reads the probe's arguments, the machine or memory, and depends on nothing that the script did:
//! `args.filename`, `nsecs`, `str(arg0)`, `curtask->parent->pid`. Variables that are assigned once, from inputs alone, count as what they
//! were assigned. What depends on maps, or on variables that change, and reads memory all the same cannot be recorded.
//!
//! [`recorder`] makes a program that sends the inputs of each firing, [`replayer`] one that finds them in its context.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::Program;
use crate::diag::Diagnostic;
use crate::expr::Builtin;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::probe::PointId;
use crate::probe::Site;
use crate::program::Clause;
use crate::record::Record;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::rewrite;
use crate::span::Span;
use crate::stamp;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Space;
use crate::ty::StackType;
use crate::ty::Type;
use crate::visit;
use crate::visit::Visitor;

/// Bytes in a replayed program's context for each input: a number or an address, then a length.
pub const SLOT: u32 = 16;
/// Bytes before the first: programs cannot read the first fields of a tracepoint's record.
pub const FIRST_SLOT: u32 = 8;

/// Something that a point's clauses learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As the script writes it: `str(args.filename)`.
    pub name: String,
    /// What to evaluate; there are no variables in it.
    pub expr: Expr,
    /// It is an address that is shown as a symbol, of the process (true) or of the kernel.
    pub symbol: Option<bool>,
}

/// Points that have the same clauses, and so the same inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The points.
    pub points: Vec<PointId>,
    /// Indices of their clauses.
    pub clauses: Vec<usize>,
    /// What these learn, each once.
    pub inputs: Vec<Input>,
    /// The stacks that they take.
    pub stacks: Vec<StackType>,
    /// Events for which this is zero mean nothing to any clause.
    pub predicate: Option<Expr>,
    /// The first event ends the trace.
    pub exits: bool,
}

/// The groups of a program's points; `text` is the script's text of a span. BEGIN and END are not among them: they need no events.
///
/// # Errors
/// What cannot be recorded, and why.
pub fn groups(program: &Program, text: &dyn Fn(Span) -> String) -> Result<Vec<Group>, Box<Diagnostic>> {
    let mut by_clauses: BTreeMap<Vec<usize>, Vec<PointId>> = BTreeMap::new();
    for (index, point) in program.points.iter().enumerate() {
        let id = PointId(index as u32);
        let clauses = (0..program.clauses.len()).filter(|clause| program.clauses[*clause].points.contains(&id));
        if !matches!(point.site, Site::Begin | Site::End) {
            by_clauses.entry(clauses.collect()).or_default().push(id);
        }
    }
    by_clauses.into_iter().map(|(clauses, points)| group(program, clauses, points, text)).collect()
}

fn group(
    program: &Program,
    clauses: Vec<usize>,
    points: Vec<PointId>,
    text: &dyn Fn(Span) -> String,
) -> Result<Group, Box<Diagnostic>> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut stacks = Vec::new();
    let mut predicates = Vec::new();
    let mut exits = false;
    for clause in clauses.iter().map(|clause| &program.clauses[*clause]) {
        let known = Known::of(clause, text);
        let mut finder = Finder { known: &known, inputs: &mut inputs, stacks: &mut stacks, failure: None };
        finder.clause(&mut clause.clone());
        if let Some(failure) = finder.failure {
            return Err(Box::new(failure));
        }
        predicates.push(clause.predicate.as_ref().and_then(|predicate| known.outside_part(predicate)));
        exits |=
            clause.predicate.is_none() && clause.body.iter().any(|stmt| matches!(stmt.kind, StmtKind::Exit { .. }));
    }
    let predicate =
        predicates.into_iter().collect::<Option<Vec<Expr>>>().and_then(|all| all.into_iter().reduce(either));
    Ok(Group { points, clauses, inputs, stacks, predicate, exits })
}

fn either(lhs: Expr, rhs: Expr) -> Expr {
    let span = lhs.span;
    Expr::new(ExprKind::Logical { and: false, lhs: Box::new(lhs), rhs: Box::new(rhs) }, Type::Bool, span)
}

/// What a clause's variables stand for, as far as that comes from outside alone.
struct Known<'a> {
    values: HashMap<VarId, (Expr, String)>,
    text: &'a dyn Fn(Span) -> String,
}

impl<'a> Known<'a> {
    fn of(clause: &Clause, text: &'a dyn Fn(Span) -> String) -> Known<'a> {
        let mut assigned = Assigned::default();
        visit::clause(clause, &mut assigned);
        let mut known = Known { values: HashMap::new(), text };
        for (var, value) in assigned.values {
            if assigned.times.get(&var) == Some(&1) && known.is_outside(&value) {
                let (plain, name) = (known.plain(&value), known.name(&value));
                known.values.insert(var, (plain, name));
            }
        }
        known
    }

    /// Whether nothing in it comes from the script's own state.
    fn is_outside(&self, e: &Expr) -> bool {
        struct Inside<'k, 'a>(&'k Known<'a>, bool);
        impl Visitor for Inside<'_, '_> {
            fn expr(&mut self, e: &Expr) {
                self.1 |= match &e.kind {
                    ExprKind::Var(var) => !self.0.values.contains_key(var),
                    ExprKind::MapGet { .. }
                    | ExprKind::MapHas { .. }
                    | ExprKind::MapLen(_)
                    | ExprKind::MapDelete { .. }
                    | ExprKind::IncDec { .. }
                    | ExprKind::AddrOf(_)
                    | ExprKind::Block(..) => true,
                    ExprKind::Call(function, _) => has_effect(*function),
                    _ => false,
                };
            }
        }
        let mut inside = Inside(self, false);
        visit::expr(e, &mut inside);
        !inside.1
    }

    /// What must hold, of all that must hold, and comes from outside alone.
    fn outside_part(&self, condition: &Expr) -> Option<Expr> {
        if self.is_outside(condition) {
            return Some(self.plain(condition));
        }
        let ExprKind::Logical { and: true, lhs, rhs } = &condition.kind else { return None };
        match (self.outside_part(lhs), self.outside_part(rhs)) {
            (Some(lhs), Some(rhs)) => {
                let kind = ExprKind::Logical { and: true, lhs: Box::new(lhs), rhs: Box::new(rhs) };
                Some(Expr::new(kind, Type::Bool, condition.span))
            }
            (one, other) => one.or(other),
        }
    }

    /// The expression with what its variables stand for in their place.
    fn plain(&self, e: &Expr) -> Expr {
        let mut plain = e.clone();
        rewrite::expr(&mut plain, &mut |part| {
            if let ExprKind::Var(var) = part.kind
                && let Some((value, _)) = self.values.get(&var)
            {
                *part = value.clone();
                return false;
            }
            true
        });
        plain
    }

    /// As the script writes it, with blanks as one, and variables by what they were assigned.
    fn name(&self, e: &Expr) -> String {
        let mut variables: Vec<(Span, &str)> = Vec::new();
        struct Variables<'k, 'v, 'a>(&'k Known<'a>, &'v mut Vec<(Span, &'k str)>);
        impl Visitor for Variables<'_, '_, '_> {
            fn expr(&mut self, e: &Expr) {
                if let ExprKind::Var(var) = e.kind
                    && let Some((_, name)) = self.0.values.get(&var)
                {
                    self.1.push((e.span, name));
                }
            }
        }
        visit::expr(e, &mut Variables(self, &mut variables));
        let mut name = (self.text)(e.span);
        variables.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        variables.dedup();
        for (span, value) in variables {
            let range =
                span.start.saturating_sub(e.span.start) as usize..span.end.saturating_sub(e.span.start) as usize;
            if name.get(range.clone()).is_some() {
                name.replace_range(range, &format!("({value})"));
            }
        }
        name.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// How often variables are assigned, and what, in order.
#[derive(Default)]
struct Assigned {
    times: HashMap<VarId, u32>,
    values: Vec<(VarId, Expr)>,
}

impl Assigned {
    fn changes(&mut self, var: VarId) {
        *self.times.entry(var).or_default() += 1;
    }
}

impl Visitor for Assigned {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(Place::Var(var), value) => {
                self.changes(*var);
                self.values.push((*var, value.clone()));
            }
            StmtKind::Update(Place::Var(var), ..) | StmtKind::ForRange { var, .. } | StmtKind::ForMap { var, .. } => {
                self.changes(*var);
                self.changes(*var);
            }
            _ => {}
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::IncDec { target, .. } => {
                if let Place::Var(var) = **target {
                    self.changes(var);
                    self.changes(var);
                }
            }
            ExprKind::AddrOf(inner) => {
                if let ExprKind::Var(var) = inner.kind {
                    self.changes(var);
                    self.changes(var);
                }
            }
            _ => {}
        }
    }
}

/// Collects the inputs of a clause.
struct Finder<'f, 'a> {
    known: &'f Known<'a>,
    inputs: &'f mut Vec<Input>,
    stacks: &'f mut Vec<StackType>,
    failure: Option<Diagnostic>,
}

impl Finder<'_, '_> {
    fn clause(&mut self, clause: &mut Clause) {
        rewrite::clause(clause, &mut |e| self.expr(e));
    }

    /// Whether to look into the expression.
    fn expr(&mut self, e: &Expr) -> bool {
        if let (ExprKind::Call(Function::Stack, _), Type::Stack(stack)) = (&e.kind, &e.ty) {
            if !self.stacks.contains(stack) {
                self.stacks.push(*stack);
            }
            return false;
        }
        if let (ExprKind::Call(Function::Symbol, args), Type::Symbol { user, .. }) = (&e.kind, &e.ty) {
            let addresses = args.iter().filter(|arg| reads(arg) && self.known.is_outside(arg));
            addresses.for_each(|address| self.add(address, Some(*user)));
        }
        if !reads(e) {
            return true;
        }
        if !self.known.is_outside(e) {
            let message = "this cannot be recorded: it reads what the script's own state decides";
            self.failure.get_or_insert(Diagnostic::error(e.span, message));
            return false;
        }
        if !can_be_stored(&e.ty) {
            let failure = Diagnostic::error(e.span, "values of this type cannot be recorded");
            self.failure.get_or_insert(failure);
            return false;
        }
        self.add(e, None);
        false
    }

    fn add(&mut self, e: &Expr, symbol: Option<bool>) {
        let name = self.known.name(e);
        match self.inputs.iter_mut().find(|input| input.name == name) {
            Some(input) => input.symbol = input.symbol.or(symbol),
            None => self.inputs.push(Input { name, expr: self.known.plain(e), symbol }),
        }
    }
}

/// Whether an expression asks the world; what is only computed from such is not.
fn reads(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Builtin(builtin) => !is_of_the_point(*builtin),
        ExprKind::Arg(_) | ExprKind::Retval | ExprKind::Reg(_) | ExprKind::ArgAt(_) | ExprKind::Deref { .. } => true,
        ExprKind::Bits { value, .. } => reads(value),
        ExprKind::Cast(inner) => matches!(inner.kind, ExprKind::Deref { .. }) && !inner.ty.is_scalar(),
        ExprKind::Call(function, _) => {
            matches!(function, Function::Str(_) | Function::Buf(_) | Function::Args(_) | Function::JoinArgs(_))
        }
        ExprKind::ContextAddr(_) | ExprKind::DataLoc { .. } => true,
        _ => false,
    }
}

/// Known without asking: which point fired.
fn is_of_the_point(builtin: Builtin) -> bool {
    matches!(builtin, Builtin::Point | Builtin::PointText(_) | Builtin::PointId | Builtin::Ncpus)
}

fn has_effect(function: Function) -> bool {
    matches!(
        function,
        Function::Alloca
            | Function::Copy(_)
            | Function::CopyOut
            | Function::CopyOutText
            | Function::WriteUser
            | Function::Override
            | Function::Debug
            | Function::Speculation
            | Function::Chill
    )
}

fn can_be_stored(ty: &Type) -> bool {
    ty.is_scalar() && !matches!(ty, Type::Stack(_))
        || matches!(ty, Type::String { .. } | Type::Buffer { .. } | Type::Record(_) | Type::Array { .. })
}

/// A program that sends the inputs of each firing at its points: for each group a record, whose number is the group's. Its arguments are
/// the inputs and then the stacks, and it is stamped.
pub fn recorder(program: &Program, groups: &[Group]) -> Program {
    let mut recorder = Program { points: program.points.clone(), config: program.config.clone(), ..Program::default() };
    recorder.config.print_maps_on_exit = false;
    let span = |group: &Group| group.clauses.first().map_or(Span::default(), |clause| program.clauses[*clause].span);
    for (index, group) in groups.iter().enumerate() {
        let stacks = group.stacks.iter().map(|stack| taken(*stack, span(group)));
        let args: Vec<Expr> = group.inputs.iter().map(|input| input.expr.clone()).chain(stacks).collect();
        let types = args.iter().map(|arg| arg.ty.clone()).collect();
        recorder.records.push(Record { kind: RecordKind::Print, args: types, span: span(group) });
        let record = RecordId(index as u32);
        let body = vec![Stmt::new(StmtKind::Emit { record, args }, span(group))];
        let predicate = group.predicate.clone();
        recorder.clauses.push(Clause { points: group.points.clone(), predicate, body, span: span(group) });
    }
    let exit = RecordId(recorder.records.len() as u32);
    recorder.records.push(Record { kind: RecordKind::Exit, args: vec![Type::I64], span: Span::default() });
    for (group, clause) in groups.iter().zip(&mut recorder.clauses) {
        if group.exits {
            let code = Expr::int(0, Type::I64, clause.span);
            clause.body.push(Stmt::new(StmtKind::Exit { record: exit, code }, clause.span));
        }
    }
    stamp::stamp(&mut recorder);
    recorder
}

fn taken(stack: StackType, span: Span) -> Expr {
    Expr::new(ExprKind::Call(Function::Stack, Vec::new()), Type::Stack(stack), span)
}

/// The program with its inputs read from its context, in which the `n`-th input of the point's group has the `n`-th [`SLOT`].
pub fn replayer(program: &Program, groups: &[Group], text: &dyn Fn(Span) -> String) -> Program {
    let mut replayer = program.clone();
    for group in groups {
        for index in &group.clauses {
            let clause = &mut replayer.clauses[*index];
            let known = Known::of(&clause.clone(), text);
            rewrite::clause(clause, &mut |e| {
                let place = reads(e).then(|| known.name(e));
                let place = place.and_then(|name| group.inputs.iter().position(|input| input.name == name));
                let Some(place) = place else { return true };
                *e = given(e, FIRST_SLOT + place as u32 * SLOT);
                false
            });
        }
    }
    replayer
}

/// An input at a place in the context.
fn given(e: &Expr, at: u32) -> Expr {
    let span = e.span;
    let word = |offset| {
        let addr = Box::new(Expr::new(ExprKind::ContextAddr(offset), Type::U64, span));
        Expr::new(ExprKind::Deref { addr, space: Space::Context }, Type::U64, span)
    };
    let kind = match e.ty {
        Type::String { .. } => ExprKind::Call(Function::Str(Space::Kernel), vec![word(at)]),
        Type::Buffer { .. } => ExprKind::Call(Function::Buf(Space::Kernel), vec![word(at), word(at + 8)]),
        Type::Record(_) | Type::Array { .. } => ExprKind::Deref { addr: Box::new(word(at)), space: Space::Kernel },
        _ => ExprKind::Cast(Box::new(word(at))),
    };
    Expr::new(kind, e.ty.clone(), span)
}
