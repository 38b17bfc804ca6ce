//! What a clause sees of maps that others change while it runs, and no record says when: the tracer, which empties a map (`clear()` in a
//! probe) some time after the order, and programs on other CPUs. What the recorder's clauses saw is told, each time, and the replay goes by
//! that, as it cannot know better. Of maps that CPUs share this is done where the recorder runs the clause: there what is read, or where
//! the trace ends, depends on it.

use std::collections::BTreeSet;

use crate::Program;
use crate::expr::Builtin;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::map::MapId;
use crate::program::Clause;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Space;
use crate::ty::Type;
use crate::visit;
use crate::visit::Visitor;

/// A number for the text of a program's clauses.
pub(super) fn said(program: &Program, text: &dyn Fn(Span) -> String) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x100_0000_01b3;
    let texts: BTreeSet<String> = program.clauses.iter().map(|clause| text(clause.span)).collect();
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// Maps that CPUs share: what is not kept for each thread by its number.
pub(super) struct Shared(BTreeSet<MapId>);

impl Shared {
    pub fn of(program: &Program) -> Shared {
        let mut uses = Uses::default();
        program.clauses.iter().for_each(|clause| visit::clause(clause, &mut uses));
        // Values may be addresses of a clause's own memory, which is elsewhere in a replay.
        Shared(if uses.allocates { BTreeSet::new() } else { uses.shared })
    }

    pub fn has(&self, map: MapId) -> bool {
        self.0.contains(&map)
    }
}

/// How clauses use maps.
#[derive(Default)]
struct Uses {
    shared: BTreeSet<MapId>,
    /// There are clauses with memory of their own.
    allocates: bool,
}

impl Uses {
    fn place(&mut self, place: &Place) {
        if let Place::Map { map, key } = place {
            self.used(*map, key.as_ref());
        }
    }

    fn used(&mut self, map: MapId, key: Option<&Expr>) {
        if !key.is_some_and(is_of_thread) {
            self.shared.insert(map);
        }
    }
}

impl Visitor for Uses {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => self.place(place),
            StmtKind::Aggregate { map, key, .. } => self.used(*map, key.as_ref()),
            _ => {}
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::MapGet { map, key } | ExprKind::MapHas { map, key } | ExprKind::MapDelete { map, key } => {
                self.used(*map, key.as_deref());
            }
            ExprKind::MapLen(map) => self.used(*map, None),
            ExprKind::IncDec { target, .. } => self.place(target),
            ExprKind::Call(Function::Alloca(_) | Function::Copy(_), _) => self.allocates = true,
            _ => {}
        }
    }
}

fn is_of_thread(key: &Expr) -> bool {
    struct Threads(bool);
    impl Visitor for Threads {
        fn expr(&mut self, e: &Expr) {
            self.0 |= matches!(e.kind, ExprKind::Builtin(Builtin::Tid | Builtin::InitialTid));
        }
    }
    let mut threads = Threads(false);
    visit::expr(key, &mut threads);
    threads.0
}

/// The map of which an expression says something.
pub(super) fn map_of(e: &Expr) -> Option<MapId> {
    match &e.kind {
        ExprKind::MapGet { map, .. }
        | ExprKind::MapHas { map, .. }
        | ExprKind::MapDelete { map, .. }
        | ExprKind::MapLen(map) => Some(*map),
        ExprKind::IncDec { target, .. } => match **target {
            Place::Map { map, .. } => Some(map),
            Place::Var(_) => None,
        },
        _ => None,
    }
}

/// Whether an expression is the value of a map.
pub(super) fn is_of_map(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::MapGet { .. })
}

/// Whether values of a type mean the same in a replay.
pub(super) fn can_be_told(ty: &Type) -> bool {
    match ty {
        Type::Pointer { space, .. } => *space != Space::Program,
        Type::Bool | Type::String { .. } => true,
        other => other.is_integer(),
    }
}

/// Which expressions of a clause are statements, so that nobody sees their values, by how many come before.
pub(super) struct Dropped(BTreeSet<usize>);

impl Dropped {
    pub fn of(clause: &Clause) -> Dropped {
        let mut statements = Statements::default();
        visit::clause(clause, &mut statements);
        Dropped(statements.starts)
    }

    pub fn has(&self, walked: usize) -> bool {
        self.0.contains(&walked)
    }
}

#[derive(Default)]
struct Statements {
    starts: BTreeSet<usize>,
    walked: usize,
}

impl Visitor for Statements {
    fn stmt(&mut self, stmt: &Stmt) {
        if matches!(stmt.kind, StmtKind::Expr(_)) {
            self.starts.insert(self.walked);
        }
    }

    fn expr(&mut self, _: &Expr) {
        self.walked += 1;
    }
}
