//! What the clauses of a program learn from outside, so that it can be written down and given back to them later.
//!
//! An *input* is an expression that reads the probe's arguments, the machine or memory, and depends on nothing that the script did:
//! `args.filename`, `nsecs`, `str(arg0)`, `curtask->parent->pid`. Variables that are assigned once, from inputs alone, count as what they
//! were assigned. What depends on maps, or on variables that change, and reads memory all the same cannot be recorded.
//!
//! [`split`] finds them, and gives the program that has them from its context; [`recorder`] makes the one that sends them.

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

/// Something that clauses learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As the script writes it: `str(args.filename)`.
    pub name: String,
    /// Where the replayed program has it: the same for all inputs of a name.
    pub slot: usize,
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

/// A program, and what it learns.
#[derive(Clone, Debug)]
pub struct Split {
    /// The program with its inputs read from its context: after [`FIRST_SLOT`] bytes, each has a [`SLOT`].
    pub replayer: Program,
    /// Its points. BEGIN and END are not among them: they need no events.
    pub groups: Vec<Group>,
    /// How many slots there are.
    pub slots: usize,
}

/// Splits a program from the world; `text` is the script's text of a span.
///
/// # Errors
/// What cannot be recorded, and why.
pub fn split(program: &Program, text: &dyn Fn(Span) -> String) -> Result<Split, Box<Diagnostic>> {
    if let Some(failure) = program.clauses.iter().find_map(needs_kernel) {
        return Err(Box::new(failure));
    }
    let mut replayer = program.clone();
    let mut names = Vec::new();
    let mut learned = Vec::new();
    for clause in &mut replayer.clauses {
        let is_recorded = clause.points.iter().any(|point| needs_events(program, *point));
        learned.push(if is_recorded { learn(clause, text, &mut names)? } else { Learned::default() });
    }
    let groups = by_clauses(program).into_iter().map(|(clauses, points)| group(clauses, points, &learned)).collect();
    Ok(Split { replayer, groups, slots: names.len() })
}

/// A call that only a kernel can carry out.
fn needs_kernel(clause: &Clause) -> Option<Diagnostic> {
    struct Calls(Option<Span>);
    impl Visitor for Calls {
        fn expr(&mut self, e: &Expr) {
            if let ExprKind::Call(
                Function::Kernel(_) | Function::Imported(_) | Function::NameOf { .. } | Function::PacketOutput(_),
                _,
            ) = e.kind
            {
                self.0.get_or_insert(e.span);
            }
        }
    }
    let mut calls = Calls(None);
    visit::clause(clause, &mut calls);
    let message = "functions in C, those of the kernel and skboutput() cannot be recorded: a replay has no kernel that would run them";
    calls.0.map(|span| Diagnostic::error(span, message))
}

fn needs_events(program: &Program, point: PointId) -> bool {
    !matches!(program.points[point.0 as usize].site, Site::Begin | Site::End)
}

/// The points that need events, by their clauses.
fn by_clauses(program: &Program) -> BTreeMap<Vec<usize>, Vec<PointId>> {
    let mut of_points = vec![Vec::new(); program.points.len()];
    for (index, clause) in program.clauses.iter().enumerate() {
        clause.points.iter().for_each(|point| of_points[point.0 as usize].push(index));
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<PointId>> = BTreeMap::new();
    for (point, clauses) in (0..).map(PointId).zip(of_points) {
        if needs_events(program, point) {
            groups.entry(clauses).or_default().push(point);
        }
    }
    groups
}

/// What one clause learns.
#[derive(Default)]
struct Learned {
    inputs: Vec<Input>,
    stacks: Vec<StackType>,
    predicate: Option<Expr>,
    exits: bool,
}

/// Finds what a clause learns, and lets it have that from its context. Inputs get their slots by their names.
fn learn(
    clause: &mut Clause,
    text: &dyn Fn(Span) -> String,
    names: &mut Vec<String>,
) -> Result<Learned, Box<Diagnostic>> {
    let known = Known::of(clause, text);
    let predicate = clause.predicate.as_ref().and_then(|predicate| known.outside_part(predicate));
    let exits = clause.predicate.is_none() && clause.body.iter().any(|stmt| matches!(stmt.kind, StmtKind::Exit { .. }));
    let learned = Learned { predicate, exits, ..Learned::default() };
    let mut finder = Finder { known: &known, names, learned, failure: None };
    rewrite::clause(clause, &mut |e| finder.expr(e));
    match finder.failure {
        Some(failure) => Err(Box::new(failure)),
        None => Ok(finder.learned),
    }
}

fn group(clauses: Vec<usize>, points: Vec<PointId>, learned: &[Learned]) -> Group {
    let of_clauses = || clauses.iter().map(|clause| &learned[*clause]);
    let mut inputs: Vec<Input> = Vec::new();
    for input in of_clauses().flat_map(|learned| &learned.inputs) {
        match inputs.iter_mut().find(|known| known.slot == input.slot) {
            Some(known) => known.symbol = known.symbol.or(input.symbol),
            None => inputs.push(input.clone()),
        }
    }
    let mut stacks: Vec<StackType> = Vec::new();
    of_clauses().flat_map(|learned| &learned.stacks).for_each(|stack| add(&mut stacks, *stack));
    let predicates: Option<Vec<Expr>> = of_clauses().map(|learned| learned.predicate.clone()).collect();
    let predicate = predicates.and_then(|all| all.into_iter().reduce(either));
    let exits = of_clauses().any(|learned| learned.exits);
    Group { points, clauses, inputs, stacks, predicate, exits }
}

fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
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

/// Collects the inputs of a clause, and puts places of the context where they stand.
struct Finder<'f, 'a> {
    known: &'f Known<'a>,
    /// Names of inputs, by their slots.
    names: &'f mut Vec<String>,
    learned: Learned,
    failure: Option<Diagnostic>,
}

impl Finder<'_, '_> {
    /// Whether to look into the expression.
    fn expr(&mut self, e: &mut Expr) -> bool {
        if let (ExprKind::Call(Function::Stack, _), Type::Stack(stack)) = (&e.kind, &e.ty) {
            add(&mut self.learned.stacks, *stack);
            return false;
        }
        if let (ExprKind::Call(Function::Symbol, args), Type::Symbol { user, .. }) = (&e.kind, &e.ty) {
            for address in args.iter().filter(|arg| reads(arg) && self.known.is_outside(arg)) {
                self.input(address, Some(*user));
            }
        }
        if !reads(e) {
            return true;
        }
        let refusal = match (self.known.is_outside(e), can_be_stored(&e.ty)) {
            (false, _) => "this cannot be recorded: it reads what the script's own state decides",
            (true, false) => "values of this type cannot be recorded",
            (true, true) => {
                *e = given(e, self.input(e, None));
                return false;
            }
        };
        self.failure.get_or_insert(Diagnostic::error(e.span, refusal));
        false
    }

    /// The slot of an input.
    fn input(&mut self, e: &Expr, symbol: Option<bool>) -> usize {
        let name = self.known.name(e);
        let slot = self.names.iter().position(|known| *known == name).unwrap_or(self.names.len());
        if slot == self.names.len() {
            self.names.push(name.clone());
        }
        match self.learned.inputs.iter_mut().find(|input| input.slot == slot) {
            Some(input) => input.symbol = input.symbol.or(symbol),
            None => self.learned.inputs.push(Input { name, slot, expr: self.known.plain(e), symbol }),
        }
        slot
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

/// An input at its place in the context.
fn given(e: &Expr, slot: usize) -> Expr {
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
        _ => ExprKind::Cast(Box::new(word(at))),
    };
    Expr::new(kind, e.ty.clone(), span)
}
