//! What the clauses of a program learn from outside, so that it can be written down and given back to them later.
//!
//! An *input* is an expression that reads the probe's arguments, the machine or memory, and depends on nothing that the script did:
//! `args.filename`, `nsecs`, `str(arg0)`, `curtask->parent->pid`. Variables that are assigned once, from inputs alone, count as what they
//! were assigned. Values of maps may be in it that nothing at the point changes before: then the recorder has these maps, too. What else
//! reads memory where the script's own state decides, is learned on the way (`later`): the recorder runs what decides it, and sends each
//! value as it is read.
//!
//! In a program whose faults end the clause, an input whose evaluation can fault is sent with the fault in its place
//! ([`Function::Caught`]), and the replayed program faults where it stands ([`Function::Raise`]), if it gets there.
//!
//! [`split`] finds them, and gives the program that has them from its context; [`recorder`] makes the one that sends them. That one ends
//! where the script would: it runs what leads to `exit()` (`slice`).

mod cell;
mod faulting;
mod known;
mod later;
mod learn;
mod moment;
mod names;
mod own;
mod seen;
mod slice;
mod state;
mod targets;
mod walk;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Program;
use crate::clears;
use crate::diag::Diagnostic;
use crate::expr::BinaryOp;
use crate::expr::Builtin;
use crate::expr::Clock;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::probe::PointId;
use crate::probe::Site;
use crate::program::Clause;
use crate::program::Faults;
use crate::program::Variable;
use crate::record::Record;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::span::Span;
use crate::stamp;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::StackType;
use crate::ty::Type;
use learn::Around;
use learn::Learned;
use moment::Again;
use names::Names;
use own::Own;
use seen::Shared;
use state::Unchanged;
use walk::Walk;

/// Bytes in a replayed program's context for each input: a number or an address, then a length.
pub const SLOT: u32 = 16;
/// Bytes before the first: programs cannot read the first fields of a tracepoint's record.
pub const FIRST_SLOT: u32 = 8;
/// How far up in the second word the kind of fault is that an input was.
pub const FAULT_SHIFT: u32 = 56;

/// Something that clauses learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As the script writes it: `str(args.filename)`; with a number behind it where that means several things at one point.
    pub name: String,
    /// Where the replayed program has it: the same for all inputs of a name.
    pub slot: usize,
    /// What to evaluate; there are no variables in it.
    pub expr: Expr,
    /// It is a number that is shown as a name: the types that it is shown as, such as [`Type::Symbol`] or
    /// [`Type::Username`].
    pub shown: Vec<Type>,
    /// Evaluating it can fault, and a fault ends the clause.
    pub caught: bool,
    /// It is what was seen of a map that the replay has, too, and takes where an event does not say it.
    pub seen: bool,
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
    /// What they learn on their way, any number of times.
    pub later: Vec<Input>,
    /// The stacks that they take.
    pub stacks: Vec<StackType>,
    /// Events for which this is zero mean nothing to any clause.
    pub predicate: Option<Expr>,
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
    /// A number for what its clauses say: what was seen of maps ([`Input::seen`]) is of such clauses only.
    pub said: u64,
    /// The loops over maps whose order counts.
    pub walks: Vec<Walked>,
    /// The recorder has maps, variables and records of this one.
    marked: Program,
    own: Own,
    /// What of its clauses the recorder has to run: what decides inputs, and where the trace ends.
    kept: Vec<(usize, Clause)>,
    /// What is sent on the way, by the order of its records.
    later: Vec<Input>,
    /// The variable that numbers what is sent in a firing, from a time on that is the firing's own.
    number: VarId,
    again: Again,
}

/// A loop over a map in the replayed program that goes as it went in the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The slot with the keys of its rounds, each as a tuple of its own.
    pub slot: usize,
    /// The loop's variable, which no other has.
    pub var: VarId,
    /// The map.
    pub map: MapId,
}

/// The flags by which a loop over a map says which it is, in a replay: the number of its variable, and 1, as 0 is no loop's.
pub fn walk_number(var: VarId) -> u64 {
    u64::from(var.0) + 1
}

/// What a record of the recorder brings.
#[derive(Clone, Copy, Debug)]
pub enum Sent<'s> {
    /// A firing, and what is learned at its start.
    Firing(&'s Group),
    /// A value that is learned on the way.
    Later(&'s Input),
    /// The end of a speculation, whose number is the first argument.
    Speculation,
}

/// A recording holds what happens, and a walk is over at once; one that stays as a file is made when the trace is over.
fn is_walk(program: &Program, clause: &Clause) -> Option<Diagnostic> {
    let iterator = |id: &PointId| matches!(program.points[id.0 as usize].site, Site::Iter { .. });
    let why = "not supported: an iterator cannot be recorded: it shows what is there now, and nothing happens in it";
    let help = "run the script without `record`";
    clause.points.iter().any(iterator).then(|| Diagnostic::error(clause.span, why).help(help))
}

/// Splits a program from the world; `text` is the script's text of a span.
///
/// # Errors
/// What cannot be recorded, and why.
pub fn split(program: &Program, text: &dyn Fn(Span) -> String) -> Result<Split, Box<Diagnostic>> {
    let walk = program.clauses.iter().find_map(|clause| is_walk(program, clause));
    if let Some(failure) = walk.or_else(|| program.clauses.iter().find_map(learn::needs_kernel)) {
        return Err(Box::new(failure));
    }
    let (again, shared, said) = (Again::of(program), Shared::of(program), seen::said(program, text));
    let mut told = BTreeSet::new();
    loop {
        let means = Means { text, names: &mut Names::default(), again: &again, shared: &shared, told: &told };
        let split = split_telling(program, means)?;
        let before = told.len();
        told.extend(split.kept.iter().map(|(clause, _)| *clause));
        if told.len() == before {
            return Ok(Split { again, said, ..split });
        }
    }
}

/// Splits a program whose clauses at some indices say what they see of maps that all CPUs share, as the recorder runs them.
fn split_telling(program: &Program, means: Means) -> Result<Split, Box<Diagnostic>> {
    let (mut replayer, mut marked) = (program.clone(), program.clone());
    let (names, learned) = learned(program, &mut replayer, means)?;
    let handlers: Vec<usize> = (0..learned.len()).filter(|clause| is_of_faults(program, *clause)).collect();
    let number = VarId(marked.vars.len() as u32);
    marked.vars.push(Variable { name: String::new(), ty: Type::U64, shared: true });
    for (index, learned) in learned.iter().enumerate() {
        later::mark(&mut marked, index, &learned.later, number);
        walk::mark(&mut marked, index, &learned.walks, number);
    }
    let own = Own::of(&marked, program.records.len());
    let groups = by_clauses(program).into_iter();
    let groups = groups.map(|(clauses, points)| group(clauses, points, &learned, &handlers)).collect();
    let state = learned.iter().flat_map(|learned| &learned.state).copied().collect();
    let mut kept = slice::clauses(&marked, own, state);
    let is_listing = |clause: &usize| learned[*clause].listed().next().is_some();
    kept.iter_mut().filter(|(clause, _)| is_listing(clause)).for_each(|(_, clause)| only_recorded(clause, number));
    let walks = learned.iter().flat_map(|learned| &learned.walks).map(Walk::walked).collect();
    let later = learned.into_iter().flat_map(Learned::into_later).collect();
    let again = Again::default();
    Ok(Split { replayer, groups, slots: names, said: 0, walks, marked, own, kept, later, number, again })
}

/// Lets a clause of the recorder run only where the event is in the file: what left it out may be another thing now.
fn only_recorded(clause: &mut Clause, number: VarId) {
    let span = clause.span;
    let number = Box::new(Expr::new(ExprKind::Var(number), Type::U64, span));
    let is_not_0 = ExprKind::Binary(BinaryOp::Ne, number, Box::new(Expr::int(0, Type::U64, span)));
    let is_recorded = Expr::new(is_not_0, Type::Bool, span);
    clause.predicate = clause.predicate.take().map(|predicate| logical(true, is_recorded, predicate));
}

/// What is known of a program before it is split.
struct Means<'m> {
    text: &'m dyn Fn(Span) -> String,
    names: &'m mut Names,
    again: &'m Again,
    shared: &'m Shared,
    /// The clauses that tell what they see of maps that are shared.
    told: &'m BTreeSet<usize>,
}

/// How many names there are, and what each clause learns; the replayed program then has it from its context.
fn learned(program: &Program, replayer: &mut Program, means: Means) -> Result<(usize, Vec<Learned>), Box<Diagnostic>> {
    let Means { text, names, again, shared, told } = means;
    let all_points: Vec<PointId> = (0..program.points.len() as u32).map(PointId).collect();
    let vars = &mut replayer.vars;
    let learn = |(index, clause): (usize, &mut Clause)| {
        let unchanged = Unchanged::of(program, index);
        let of_faults = is_of_faults(program, index).then_some(&*all_points);
        let aborts = aborts(program);
        let shared = told.contains(&index).then_some(shared);
        learn::learn(clause, Around { program, text, names, unchanged, again, shared, aborts, of_faults, vars })
    };
    let learned = replayer.clauses.iter_mut().enumerate().map(learn).collect::<Result<_, _>>()?;
    Ok((names.len(), learned))
}

/// Whether a clause is one of faults.
fn is_of_faults(program: &Program, clause: usize) -> bool {
    program.clauses[clause].points.iter().all(|point| phase(program, *point).is_none())
}

impl Split {
    /// Whether a number is shown as the symbol of an address of its process.
    fn names_processes(&self) -> bool {
        let inputs = self.groups.iter().flat_map(|group| &group.inputs).chain(&self.later);
        inputs.flat_map(|input| &input.shown).any(|ty| matches!(ty, Type::Symbol { user: true, .. }))
    }

    /// What a record of the recorder brings, if that is of use.
    pub fn sent(&self, record: RecordId) -> Option<Sent<'_>> {
        if record == self.own.ended() {
            return Some(Sent::Speculation);
        }
        let later = self.own.later(record).and_then(|index| self.later.get(index)).map(Sent::Later);
        later.or_else(|| Some(Sent::Firing(self.groups.get(self.own.group(record)?)?)))
    }
}

impl Group {
    /// Whether its points fire once, at the start or the end of the trace.
    pub fn is_once(&self, program: &Program) -> bool {
        self.points.first().is_some_and(|point| phase(program, *point) != Some(Phase::During))
    }

    /// Whether there is anything to be recorded: an event means something by itself, the start and the end do not.
    fn is_recorded(&self, program: &Program) -> bool {
        !self.is_once(program) || self.is_learning()
    }

    /// Whether anything is learned.
    pub fn is_learning(&self) -> bool {
        !self.inputs.is_empty() || !self.later.is_empty() || !self.stacks.is_empty()
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

fn group(clauses: Vec<usize>, points: Vec<PointId>, learned: &[Learned], handlers: &[usize]) -> Group {
    let of_clauses = || clauses.iter().map(|clause| &learned[*clause]);
    // What faults runs the handlers, there and then.
    let handlers = handlers.iter().map(|clause| &learned[*clause]);
    let all = || of_clauses().chain(handlers.clone());
    let mut inputs: Vec<Input> = Vec::new();
    for input in all().flat_map(|learned| &learned.inputs) {
        match inputs.iter_mut().find(|known| known.slot == input.slot) {
            Some(known) => input.shown.iter().for_each(|ty| add(&mut known.shown, ty.clone())),
            None => inputs.push(input.clone()),
        }
    }
    let mut stacks: Vec<StackType> = Vec::new();
    all().flat_map(|learned| &learned.stacks).for_each(|stack| add(&mut stacks, *stack));
    let predicates: Option<Vec<Expr>> = of_clauses().map(|learned| learned.predicate.clone()).collect();
    let predicate = predicates.and_then(|all| all.into_iter().reduce(|lhs, rhs| logical(false, lhs, rhs)));
    let later = of_clauses().flat_map(Learned::listed).cloned().collect();
    Group { points, clauses, inputs, later, stacks, predicate }
}

fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

fn logical(and: bool, lhs: Expr, rhs: Expr) -> Expr {
    let span = lhs.span;
    Expr::new(ExprKind::Logical { and, lhs: Box::new(lhs), rhs: Box::new(rhs) }, Type::Bool, span)
}

/// A program that sends the inputs of each firing at its points, and ends where the script would. Records are stamped; [`Split::sent`] says
/// what they are. Starts and ends at which nothing is learned send nothing.
pub fn recorder(split: &Split) -> Program {
    let Split { marked, groups, own, kept, number, again, .. } = split;
    let mut recorder = Program { clauses: Vec::new(), records: own.records(marked), ..marked.clone() };
    recorder.config.print_maps_on_exit = false;
    // It leaves out walks, and clears maps when the replay does all the same.
    recorder.clears_at_once = clears::at_once(marked);
    recorder.config.names_numbers = split.names_processes();
    for (index, group) in groups.iter().enumerate() {
        let span = group.clauses.first().map_or(Span::default(), |clause| marked.clauses[*clause].span);
        let stacks = group.stacks.iter().map(|stack| taken(*stack, span));
        // The last says which values that are sent later are this firing's.
        let number = (!group.later.is_empty()).then_some(*number);
        let numbered = number.map(|var| Expr::new(ExprKind::Var(var), Type::U64, span));
        let args: Vec<Expr> = group.inputs.iter().map(sent).chain(stacks).chain(numbered).collect();
        let types = args.iter().map(|arg| arg.ty.clone()).collect();
        recorder.records.push(Record { kind: RecordKind::Print, args: types, span });
        if group.is_recorded(marked) {
            let emit = StmtKind::Emit { record: own.of_group(index), args };
            let start = number.map(|var| StmtKind::Assign(Place::Var(var), own_time(span)));
            let body = start.into_iter().chain([emit]).map(|kind| Stmt::new(kind, span)).collect();
            let predicate = group.predicate.clone();
            recorder.clauses.push(Clause { points: group.points.clone(), predicate, body, span });
        }
    }
    recorder.clauses.extend(kept.iter().map(|(_, clause)| clause.clone()));
    moment::share(&mut recorder, again);
    stamp::stamp(&mut recorder);
    recorder
}

/// A time at which no other firing of the point has begun on this CPU.
fn own_time(span: Span) -> Expr {
    Expr::new(ExprKind::Builtin(Builtin::Nsecs(Clock::Boot)), Type::U64, span)
}

fn taken(stack: StackType, span: Span) -> Expr {
    Expr::new(ExprKind::Call(Function::Stack, Vec::new()), Type::Stack(stack), span)
}

/// An input as the recorder sends it.
fn sent(input: &Input) -> Expr {
    if input.caught { caught(&input.expr) } else { input.expr.clone() }
}

/// A value, or the fault that evaluating it is.
fn caught(e: &Expr) -> Expr {
    let ty = Type::Tuple([Type::U64, Type::U64, e.ty.clone()].into());
    Expr::new(ExprKind::Call(Function::Caught, vec![e.clone()]), ty, e.span)
}
