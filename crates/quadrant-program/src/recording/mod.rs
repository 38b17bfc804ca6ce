//! What the clauses of a program learn from outside, so that it can be written down and given back to them later.
//!
//! An *input* is an expression that reads the probe's arguments, the machine or memory, and depends on nothing that the script did:
//! `args.filename`, `nsecs`, `str(arg0)`, `curtask->parent->pid`. Variables that are assigned once, from inputs alone, count as what they
//! were assigned. Values of maps may be in it that nothing at the point changes before: then the recorder has these maps, too. What else
//! depends on the script's state and reads memory all the same cannot be recorded.
//!
//! In a program whose faults end the clause, an input whose evaluation can fault is sent with the fault in its place
//! ([`Function::Caught`]), and the replayed program has it in memory, so that it faults there, and only if it gets there.
//!
//! [`split`] finds them, and gives the program that has them from its context; [`recorder`] makes the one that sends them.

mod known;
mod learn;
mod names;
mod slice;
mod state;

use std::collections::BTreeMap;

use crate::Program;
use crate::diag::Diagnostic;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::probe::PointId;
use crate::probe::Site;
use crate::program::Clause;
use crate::program::Faults;
use crate::record::Record;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::span::Span;
use crate::stamp;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::StackType;
use crate::ty::Type;
use learn::Learned;
use names::Names;
use state::Unchanged;

/// Bytes in a replayed program's context for each input: a number or an address, then a length.
pub const SLOT: u32 = 16;
/// Bytes before the first: programs cannot read the first fields of a tracepoint's record.
pub const FIRST_SLOT: u32 = 8;

/// Something that clauses learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As the script writes it: `str(args.filename)`; with a number behind it where that means several things at one point.
    pub name: String,
    /// Where the replayed program has it: the same for all inputs of a name.
    pub slot: usize,
    /// What to evaluate; there are no variables in it.
    pub expr: Expr,
    /// It is an address that is shown as a symbol, of the process (true) or of the kernel.
    pub symbol: Option<bool>,
    /// Evaluating it can fault, and a fault ends the clause.
    pub caught: bool,
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
    /// The first event ends the trace: with the clause at this index.
    pub exits: Option<usize>,
}

/// A program, and what it learns.
#[derive(Clone, Debug)]
pub struct Split {
    /// The program with its inputs read from its context: after [`FIRST_SLOT`] bytes, each has a [`SLOT`].
    pub replayer: Program,
    /// Its points, but for those of faults: these have what the fault gives them. BEGIN and END are in groups of their own.
    pub groups: Vec<Group>,
    /// How many slots there are.
    pub slots: usize,
    /// What of the script's clauses the recorder has to run, so that it knows the maps that inputs depend on, with their indices.
    pub state: Vec<(usize, Clause)>,
}

/// Splits a program from the world; `text` is the script's text of a span.
///
/// # Errors
/// What cannot be recorded, and why.
pub fn split(program: &Program, text: &dyn Fn(Span) -> String) -> Result<Split, Box<Diagnostic>> {
    if let Some(failure) = program.clauses.iter().find_map(learn::needs_kernel) {
        return Err(Box::new(failure));
    }
    let mut replayer = program.clone();
    let mut names = Names::default();
    let mut learned = Vec::new();
    let aborts = aborts(program);
    for (index, clause) in replayer.clauses.iter_mut().enumerate() {
        let is_recorded = clause.points.iter().any(|point| phase(program, *point).is_some());
        let unchanged = Unchanged::of(program, index);
        let mut learn = |clause| learn::learn(clause, text, &mut names, &unchanged, aborts);
        learned.push(if is_recorded { learn(clause)? } else { Learned::default() });
    }
    let groups = by_clauses(program).into_iter().map(|(clauses, points)| group(clauses, points, &learned)).collect();
    let state = learned.iter().flat_map(|learned| &learned.state).copied().collect();
    Ok(Split { replayer, groups, slots: names.len(), state: slice::clauses(program, state)? })
}

impl Group {
    /// Whether its points fire once, at the start or the end of the trace.
    pub fn is_once(&self, program: &Program) -> bool {
        self.points.first().is_some_and(|point| phase(program, *point) != Some(Phase::During))
    }

    /// Whether there is anything to be recorded: an event means something by itself, the start and the end do not if they end nothing.
    fn is_recorded(&self, program: &Program) -> bool {
        !self.is_once(program) || !self.inputs.is_empty() || !self.stacks.is_empty() || self.exits.is_some()
    }
}

fn aborts(program: &Program) -> bool {
    matches!(program.faults, Faults::Abort(_))
}

/// When a point fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Start,
    During,
    End,
}

/// When a point fires; `None` for faults, which the replayed program has itself.
fn phase(program: &Program, point: PointId) -> Option<Phase> {
    match program.points[point.0 as usize].site {
        Site::Begin => Some(Phase::Start),
        Site::End => Some(Phase::End),
        Site::Error => None,
        _ => Some(Phase::During),
    }
}

/// The points by their clauses.
fn by_clauses(program: &Program) -> Vec<(Vec<usize>, Vec<PointId>)> {
    let mut of_points = vec![Vec::new(); program.points.len()];
    for (index, clause) in program.clauses.iter().enumerate() {
        clause.points.iter().for_each(|point| of_points[point.0 as usize].push(index));
    }
    let mut groups: BTreeMap<(Vec<usize>, Phase), Vec<PointId>> = BTreeMap::new();
    for (point, clauses) in (0..).map(PointId).zip(of_points) {
        if let Some(phase) = phase(program, point) {
            groups.entry((clauses, phase)).or_default().push(point);
        }
    }
    groups.into_iter().map(|((clauses, _), points)| (clauses, points)).collect()
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
    let exits = clauses.iter().copied().find(|clause| learned[*clause].exits);
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

/// A program that sends the inputs of each firing at its points: for each group a record, whose number is the group's. Its arguments are
/// the inputs and then the stacks, and it is stamped. Starts and ends at which nothing is learned send nothing.
pub fn recorder(program: &Program, split: &Split) -> Program {
    let groups = &split.groups;
    let mut recorder = Program { points: program.points.clone(), config: program.config.clone(), ..Program::default() };
    recorder.config.print_maps_on_exit = false;
    let span = |group: &Group| group.clauses.first().map_or(Span::default(), |clause| program.clauses[*clause].span);
    for (index, group) in groups.iter().enumerate() {
        let stacks = group.stacks.iter().map(|stack| taken(*stack, span(group)));
        let args: Vec<Expr> = group.inputs.iter().map(sent).chain(stacks).collect();
        let types = args.iter().map(|arg| arg.ty.clone()).collect();
        recorder.records.push(Record { kind: RecordKind::Print, args: types, span: span(group) });
        if group.is_recorded(program) {
            let record = RecordId(index as u32);
            let body = vec![Stmt::new(StmtKind::Emit { record, args }, span(group))];
            let predicate = group.predicate.clone();
            recorder.clauses.push(Clause { points: group.points.clone(), predicate, body, span: span(group) });
        }
    }
    recorder.clauses.extend(after_inputs(split, RecordId(groups.len() as u32)));
    if !split.state.is_empty() {
        (recorder.maps, recorder.vars) = (program.maps.clone(), program.vars.clone());
    }
    recorder.records.push(Record { kind: RecordKind::Exit, args: vec![Type::I64], span: Span::default() });
    if aborts(program) {
        recorder.faults = Faults::Abort(RecordId(recorder.records.len() as u32));
        recorder.records.push(Record { kind: RecordKind::Fault, args: vec![Type::U64; 6], span: Span::default() });
    }
    stamp::stamp(&mut recorder);
    recorder
}

/// What the recorder runs when it has sent the inputs, in the script's order: what fills maps, and exits. These leave out what comes later,
/// but not what comes before. Groups that exit have a clause without a predicate, and so none themselves.
fn after_inputs(split: &Split, record: RecordId) -> Vec<Clause> {
    let exits = split.groups.iter().filter_map(|group| {
        let (index, span) = (group.exits?, Span::default());
        let body = vec![exit(record, span)];
        Some((index, Clause { points: group.points.clone(), predicate: None, body, span }))
    });
    let mut all: Vec<(usize, Clause)> = split.state.iter().cloned().chain(exits).collect();
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, clause)| clause).collect()
}

fn taken(stack: StackType, span: Span) -> Expr {
    Expr::new(ExprKind::Call(Function::Stack, Vec::new()), Type::Stack(stack), span)
}

/// An input as the recorder sends it.
fn sent(input: &Input) -> Expr {
    if !input.caught {
        return input.expr.clone();
    }
    let (ty, span) = (Type::Tuple([Type::U64, Type::U64, input.expr.ty.clone()].into()), input.expr.span);
    Expr::new(ExprKind::Call(Function::Caught, vec![input.expr.clone()]), ty, span)
}

fn exit(record: RecordId, span: Span) -> Stmt {
    Stmt::new(StmtKind::Exit { record, code: Expr::int(0, Type::I64, span) }, span)
}
