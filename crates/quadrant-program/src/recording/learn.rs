//! Finding what a clause learns.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Input;
use super::add;
use super::cell::Cell;
use super::faulting::can_fault;
use super::known::Known;
use super::known::conjuncts;
use super::later::Later;
use super::later::valued;
use super::logical;
use super::moment::Again;
use super::names::Names;
use super::seen::Dropped;
use super::seen::Shared;
use super::seen::can_be_told;
use super::seen::map_of;
use super::state::Unchanged;
use super::state::count;
use super::state::maps_of;
use super::walk::Walk;
use crate::Program;
use crate::diag::Diagnostic;
use crate::expr::Builtin;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::TextFunction;
use crate::expr::VarId;
use crate::map::MapId;
use crate::probe::PointId;
use crate::program::Clause;
use crate::program::Variable;
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
    /// What it learns on its way.
    pub later: Vec<Later>,
    /// Where the order of maps decides what it learns.
    pub walks: Vec<Walk>,
    pub stacks: Vec<StackType>,
    pub predicate: Option<Expr>,
    /// The maps whose values inputs depend on.
    pub state: BTreeSet<MapId>,
}

impl Learned {
    /// What an event has lists of.
    pub fn listed(&self) -> impl Iterator<Item = &Input> {
        let later = self.later.iter().filter(|later| !later.is_shown).map(|later| &later.input);
        later.chain(self.walks.iter().map(|walk| &walk.input))
    }

    /// What is sent on the way, in the order of its records.
    pub fn into_later(self) -> impl Iterator<Item = Input> {
        self.later.into_iter().map(|later| later.input).chain(self.walks.into_iter().map(|walk| walk.input))
    }
}

/// What learning needs to know of the rest of the program.
pub(super) struct Around<'a> {
    pub program: &'a Program,
    pub text: &'a dyn Fn(Span) -> String,
    pub names: &'a mut Names,
    pub unchanged: Unchanged<'a>,
    /// Times and random numbers that are learned where they are asked for.
    pub again: &'a Again,
    /// Maps of which the clause tells what it sees, because other CPUs may change them meanwhile.
    pub shared: Option<&'a Shared>,
    /// Faults end the clause.
    pub aborts: bool,
    /// The clause is one of ERROR: whatever faults brings what it learns, at any of these points.
    pub of_faults: Option<&'a [PointId]>,
    /// Of the replayed program.
    pub vars: &'a mut Vec<Variable>,
}

/// Finds what a clause learns, and lets it have that from its context. Inputs get their slots by their names.
pub(super) fn learn(clause: &mut Clause, around: Around) -> Result<Learned, Box<Diagnostic>> {
    let known = Known::of(clause, around.text);
    let condition = clause.predicate.clone();
    let points = around.of_faults.map_or_else(|| clause.points.clone(), <[PointId]>::to_vec);
    let (learned, loops, dropped) = (Learned::default(), map_loops(clause), Dropped::of(clause));
    let mut finder = Finder {
        known: &known,
        points: &points,
        loops,
        dropped,
        around,
        learned,
        failure: None,
        walked: 0,
        end: 0,
        shown: None,
    };
    rewrite::clause(clause, &mut |e| finder.expr(e));
    let Finder { mut learned, failure, around: Around { unchanged, aborts, .. }, .. } = finder;
    if let Some(failure) = failure {
        return Err(Box::new(failure));
    }
    // What the recorder remembers anyway, it can ask for.
    let walked = condition.as_ref().map_or(0, count);
    let is_remembered = |e: &Expr| {
        let maps = maps_of(&known.plain(e));
        known.is_given(e, true) && maps.is_subset(&learned.state) && unchanged.hold_at_start(&maps, walked)
    };
    // What faults in a predicate is told, and not passed over; what it learns on the way belongs to an event. Only what is
    // asked before can leave events out.
    let is_told = |(at, part): &(usize, &Expr)| {
        // What is seen of a map at the start leaves the event out, whatever it is afterwards.
        let reads = learned.later.iter().filter(|later| !later.input.seen);
        let learns = reads.map(|later| later.at).any(|place| (*at..at + count(part)).contains(&place));
        learns || aborts && can_fault(&known.plain(part))
    };
    let parts = condition.iter().flat_map(conjuncts).take_while(|part| !is_told(part)).map(|(_, part)| part);
    let parts = parts.filter(|part| is_remembered(part)).map(|part| known.plain(part));
    learned.predicate = parts.reduce(|lhs, rhs| logical(true, lhs, rhs));
    Ok(learned)
}

/// Collects the inputs of a clause, and puts places of the context where they stand.
struct Finder<'f, 'a> {
    known: &'f Known<'a>,
    points: &'f [PointId],
    loops: Vec<MapLoop>,
    dropped: Dropped,
    around: Around<'a>,
    learned: Learned,
    failure: Option<Diagnostic>,
    /// How many expressions of the script come before the one at hand, and with it.
    walked: usize,
    end: usize,
    /// The place of a number that is shown as a name, and as what.
    shown: Option<(usize, Type)>,
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
        let shown = self.shown.take_if(|(at, _)| *at == self.walked).map(|(_, ty)| ty);
        if let (ExprKind::Call(Function::Stack, _), Type::Stack(stack)) = (&e.kind, &e.ty) {
            add(&mut self.learned.stacks, *stack);
            return false;
        }
        if is_named(e) {
            self.shown = Some((self.walked + 1, e.ty.clone()));
        }
        if self.sees(e) {
            self.seen(e, shown);
            return false;
        }
        let is_of_fault = self.around.of_faults.is_some() && matches!(e.kind, ExprKind::Arg(_));
        if !reads(e) || is_of_fault {
            if shown.is_some() && self.around.of_faults.is_none() {
                let (shown, caught) = (shown.into_iter().collect(), self.is_caught(e));
                let input = Input { name: String::new(), slot: 0, expr: e.clone(), shown, caught, seen: false };
                self.learn_later(input, true);
            }
            return true;
        }
        let value = valued(e);
        if !can_be_stored(&value.ty) {
            self.failure.get_or_insert(Diagnostic::error(e.span, "values of this type cannot be recorded"));
            return false;
        }
        let is_given = self.is_given(e);
        if !is_given && let Some(why) = self.why_never(e) {
            self.failure.get_or_insert(why);
            return false;
        }
        let (cell, caught) = if is_given { self.input(e, shown) } else { self.later(&value, shown, false) };
        *e = cell.given(&value, caught);
        false
    }

    /// Whether an expression can be evaluated when the point fires.
    fn is_given(&self, e: &Expr) -> bool {
        if self.around.of_faults.is_some() {
            return self.known.is_given(e, false) && !has_argument(e);
        }
        let plain = self.known.plain(e);
        !self.around.again.asks(&plain, self.points)
            && self.known.is_given(e, true)
            && self.around.unchanged.hold(&maps_of(&plain), self.end)
    }

    fn learn_later(&mut self, input: Input, is_shown: bool) {
        self.learned.later.push(Later { at: self.walked, end: self.end, is_shown, input });
    }

    /// Why what cannot be evaluated when the point fires cannot be on the way either.
    fn why_never(&mut self, e: &Expr) -> Option<Diagnostic> {
        let (why, help) = if self.around.of_faults.is_some() {
            let why = "this cannot be recorded: a clause of ERROR reads memory where the fault or the script's own state decides";
            (why, "read it in the clause that faults")
        } else if !self.walks() {
            let why = "this cannot be recorded: it reads memory in a loop over a map with stacks in its keys, and these are other numbers in a \
                       replay, so nothing says what is of which round";
            (why, "read it when the map gets its value, and keep what was read")
        } else {
            return None;
        };
        Some(Diagnostic::error(e.span, why).help(help))
    }

    /// Learns the order of the maps over which the loops around what is at hand go; false if it cannot be.
    fn walks(&mut self) -> bool {
        let around = self.loops.iter().filter(|one| one.inside.contains(&self.walked));
        let Around { program, names, .. } = &mut self.around;
        let walks = &mut self.learned.walks;
        for MapLoop { var, map, .. } in around {
            if walks.iter().all(|walk| walk.var != *var) {
                let Some(walk) = Walk::new(program, (*var, *map), self.points, names) else { return false };
                walks.push(walk);
            }
        }
        true
    }

    fn is_caught(&self, e: &Expr) -> bool {
        self.around.aborts && can_fault(e)
    }

    /// The place of an input, and whether it may be a fault.
    fn input(&mut self, e: &Expr, shown: Option<Type>) -> (Cell, bool) {
        let (base, expr) = (self.known.name(e), self.known.plain(e));
        self.learned.state.extend(maps_of(&expr));
        let (slot, name) = self.around.names.of(base, self.points, &expr);
        let caught = self.is_caught(&expr);
        match self.learned.inputs.iter_mut().find(|input| input.slot == slot) {
            Some(input) => shown.into_iter().for_each(|ty| add(&mut input.shown, ty)),
            None => {
                let shown = shown.into_iter().collect();
                self.learned.inputs.push(Input { name, slot, expr, shown, caught, seen: false });
            }
        }
        (Cell::Context(slot), caught)
    }

    /// The same for what can only be evaluated where it stands, any number of times.
    fn later(&mut self, e: &Expr, shown: Option<Type>, seen: bool) -> (Cell, bool) {
        let (slot, name) = self.around.names.another(self.known.name(e), self.points);
        let caught = self.is_caught(e);
        let input = Input { name, slot, expr: e.clone(), shown: shown.into_iter().collect(), caught, seen };
        self.learn_later(input, false);
        (Cell::Next { slot, times: self.variable(Type::U64) }, caught)
    }

    fn variable(&mut self, ty: Type) -> VarId {
        self.around.vars.push(Variable { name: String::new(), ty, shared: false });
        VarId(self.around.vars.len() as u32 - 1)
    }

    /// Whether an expression's value is told because no replay would know it: the tracer empties its map at a time of its own.
    fn sees(&mut self, e: &Expr) -> bool {
        let Around { unchanged, shared, of_faults, .. } = &self.around;
        let changes = |map: MapId| unchanged.is_emptied(map) || shared.is_some_and(|shared| shared.has(map));
        let is_one = map_of(e).is_some_and(changes) && can_be_told(&e.ty) && of_faults.is_none();
        let mut around = self.loops.iter().filter(|one| one.inside.contains(&self.walked));
        is_one
            && !self.is_caught(e)
            && !self.dropped.has(self.walked)
            && !around.any(|one| changes(one.map))
            && self.walks()
    }

    /// The replay does to its own map what the script does, and goes by what was seen.
    fn seen(&mut self, e: &mut Expr, shown: Option<Type>) {
        let end = self.end;
        let (cell, _) = self.later(e, shown, true);
        let own = self.variable(e.ty.clone());
        self.parts(e);
        *e = cell.seen(e, own);
        self.end = end;
    }

    fn parts(&mut self, e: &mut Expr) {
        self.walked += 1;
        rewrite::parts(e, &mut |part| self.expr(part));
    }
}

/// Whether an expression is a number that is shown as a name, which user space finds while the trace runs.
fn is_named(e: &Expr) -> bool {
    match &e.ty {
        Type::Symbol { .. } => matches!(e.kind, ExprKind::Call(Function::Symbol, _)),
        Type::Username | Type::CgroupPath(_) | Type::Container => matches!(e.kind, ExprKind::Cast(_)),
        _ => false,
    }
}

/// A loop over a map, and which expressions of the clause are in it, by how many come before.
struct MapLoop {
    var: VarId,
    map: MapId,
    inside: Range<usize>,
}

fn map_loops(clause: &Clause) -> Vec<MapLoop> {
    #[derive(Default)]
    struct Loops {
        all: Vec<MapLoop>,
        open: Vec<usize>,
        walked: usize,
    }
    impl Visitor for Loops {
        fn stmt(&mut self, stmt: &Stmt) {
            if matches!(stmt.kind, StmtKind::ForMap { .. }) {
                self.open.push(self.walked);
            }
        }

        fn end(&mut self, stmt: &Stmt) {
            if let StmtKind::ForMap { var, map, .. } = stmt.kind
                && let Some(start) = self.open.pop()
            {
                self.all.push(MapLoop { var, map, inside: start..self.walked });
            }
        }

        fn expr(&mut self, _: &Expr) {
            self.walked += 1;
        }
    }
    let mut loops = Loops::default();
    visit::clause(clause, &mut loops);
    loops.all
}

/// Whether an argument of the point is in an expression.
fn has_argument(e: &Expr) -> bool {
    struct Finds(bool);
    impl Visitor for Finds {
        fn expr(&mut self, e: &Expr) {
            self.0 |= matches!(e.kind, ExprKind::Arg(_));
        }
    }
    let mut finds = Finds(false);
    visit::expr(e, &mut finds);
    finds.0
}

/// Whether an expression asks the world; what is only computed from such is not.
fn reads(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Builtin(builtin) => !is_of_the_point(*builtin),
        ExprKind::Arg(_) | ExprKind::Retval | ExprKind::Reg(_) | ExprKind::ArgAt(_) => true,
        ExprKind::Deref { space, .. } => *space != Space::Program,
        ExprKind::Bits { value, .. } => reads(value),
        // One thing in the script: `uaddr()` is at another distance from each place of a probe.
        ExprKind::Binary(_, lhs, _) => matches!(lhs.kind, ExprKind::Reg(_)) && lhs.span == e.span,
        ExprKind::Cast(inner) => matches!(inner.kind, ExprKind::Deref { .. }) && reads(inner) && !inner.ty.is_scalar(),
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
            | Function::Copy(_)
            | Function::Text(
                TextFunction::DPath
                    | TextFunction::DentryPath
                    | TextFunction::Ntop
                    | TextFunction::Ntoa6
                    | TextFunction::LinkNtop
            )
    )
}

/// Known without asking: which point fired.
fn is_of_the_point(builtin: Builtin) -> bool {
    matches!(builtin, Builtin::Point | Builtin::PointText(_) | Builtin::PointId | Builtin::Ncpus)
}

pub(super) fn has_effect(function: Function) -> bool {
    matches!(
        function,
        Function::Alloca(_)
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
