//! What a clause reads of its context.

use std::collections::BTreeSet;

use quadrant_program::Program;
use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Clock;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::expr::PointPart;
use quadrant_program::expr::TextFunction;
use quadrant_program::layout;
use quadrant_program::probe::Operand;
use quadrant_program::program::Clause;
use quadrant_program::program::Faults;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

/// What a clause reads of its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextUse {
    /// Whole 8-byte words at these offsets, and nothing else.
    Fields(BTreeSet<u32>),
    /// Something that cannot be listed: an address, an array, a text, a smaller field.
    Whole,
}

impl ContextUse {
    /// Of one clause.
    pub fn of(clause: &Clause) -> ContextUse {
        let mut finder = Finder { listed: BTreeSet::new(), fields: 0, mentions: 0 };
        visit::clause(clause, &mut finder);
        if finder.mentions > finder.fields { ContextUse::Whole } else { ContextUse::Fields(finder.listed) }
    }
}

struct Finder {
    listed: BTreeSet<u32>,
    /// Mentions of the context that are whole words.
    fields: usize,
    /// All mentions.
    mentions: usize,
}

impl Visitor for Finder {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::ContextAddr(_)
            | ExprKind::DataLoc { .. }
            | ExprKind::Arg(_)
            | ExprKind::Retval
            | ExprKind::Reg(_)
            | ExprKind::ArgAt(_)
            // The kernel lets programs of tracepoints call more of its functions than those of raw tracepoints.
            | ExprKind::Call(Function::Kernel(_) | Function::Imported(_) | Function::NameOf { .. }, _)
            | ExprKind::Builtin(Builtin::Context) => self.mentions += 1,
            ExprKind::Deref { addr, space: Space::Context } => self.field(&expr.ty, addr),
            _ => {}
        }
    }
}

impl Finder {
    /// A word at a constant place; its address is visited (and counted as a mention) afterwards.
    fn field(&mut self, ty: &Type, addr: &Expr) {
        if let (ExprKind::ContextAddr(offset), true, Some(8)) = (&addr.kind, ty.is_scalar(), ty.c_size()) {
            self.listed.insert(*offset);
            self.fields += 1;
        }
    }
}

/// Whether a clause uses a builtin.
pub(crate) fn mentions(clause: &Clause, builtin: Builtin) -> bool {
    struct Finder(Builtin, bool);
    impl Visitor for Finder {
        fn expr(&mut self, expr: &Expr) {
            self.1 |= expr.kind == ExprKind::Builtin(self.0);
        }
    }
    let mut finder = Finder(builtin, false);
    visit::clause(clause, &mut finder);
    finder.1
}

/// Whether a clause wants to know at which point it fired: it says so, or sends a record that does, or may fault, which is reported
/// with the point.
pub(crate) fn asks_for_point(program: &Program, clause: &Clause) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn stmt(&mut self, stmt: &Stmt) {
            let divides = matches!(stmt.kind, StmtKind::Update(_, BinaryOp::Div | BinaryOp::Rem, _));
            self.0 |= divides || matches!(stmt.kind, StmtKind::Store { .. });
        }

        fn expr(&mut self, expr: &Expr) {
            self.0 |= matches!(
                expr.kind,
                ExprKind::Deref { .. }
                    | ExprKind::Call(..)
                    | ExprKind::Binary(BinaryOp::Div | BinaryOp::Rem, ..)
                    | ExprKind::Arg(_)
                    | ExprKind::ArgAt(_)
                    | ExprKind::DataLoc { .. }
            );
        }
    }
    let parts = [PointPart::Provider, PointPart::Module, PointPart::Function, PointPart::Name];
    let said = [Builtin::Point, Builtin::Function, Builtin::PointId].into_iter().chain(parts.map(Builtin::PointText));
    let mut finder = Finder(said.into_iter().any(|builtin| mentions(clause, builtin)));
    finder.0 |= program.stamped && (sends(clause) || exits(clause));
    if matches!(program.faults, Faults::Abort(_)) {
        visit::clause(clause, &mut finder);
    }
    finder.0
}

/// Whether a clause sends records that are no exit().
pub(crate) fn sends(clause: &Clause) -> bool {
    any_stmt(clause, &|stmt| matches!(stmt.kind, StmtKind::Emit { .. }))
}

fn exits(clause: &Clause) -> bool {
    any_stmt(clause, &|stmt| matches!(stmt.kind, StmtKind::Exit { .. }))
}

/// Whether a clause reads memory of the process.
pub(crate) fn reads_user(clause: &Clause) -> bool {
    let reads = |expr: &Expr| match &expr.kind {
        ExprKind::Deref { space, .. } => *space == Space::User,
        ExprKind::Call(
            Function::Str(space)
            | Function::Buf(space)
            | Function::Copy(space)
            | Function::Args(space)
            | Function::JoinArgs(space),
            _,
        ) => *space == Space::User,
        ExprKind::ArgAt(place) => matches!(place.operand, Operand::Mem { .. }),
        _ => false,
    };
    any_expr(clause, &reads)
}

/// Whether a clause asks if the process descends from one.
pub(crate) fn asks_for_descendants(clause: &Clause) -> bool {
    any_expr(clause, &|expr| matches!(expr.kind, ExprKind::Call(Function::ProgenyOf, _)))
}

/// Whether a clause keeps stacks, in maps that programs which sleep cannot use.
pub(crate) fn takes_stacks(clause: &Clause) -> bool {
    any_expr(clause, &|expr| matches!(expr.kind, ExprKind::Call(Function::Stack, _)))
}

fn any_stmt(clause: &Clause, is: &dyn Fn(&Stmt) -> bool) -> bool {
    struct Finder<'f>(&'f dyn Fn(&Stmt) -> bool, bool);
    impl Visitor for Finder<'_> {
        fn stmt(&mut self, stmt: &Stmt) {
            self.1 |= (self.0)(stmt);
        }
    }
    let mut finder = Finder(is, false);
    visit::clause(clause, &mut finder);
    finder.1
}

pub(crate) fn any_expr(clause: &Clause, is: &dyn Fn(&Expr) -> bool) -> bool {
    struct Finder<'f>(&'f dyn Fn(&Expr) -> bool, bool);
    impl Visitor for Finder<'_> {
        fn expr(&mut self, expr: &Expr) {
            self.1 |= (self.0)(expr);
        }
    }
    let mut finder = Finder(is, false);
    visit::clause(clause, &mut finder);
    finder.1
}

/// Values of more bytes may be compared in a loop.
const LONG_VALUE: u32 = 4096;

/// What a program may want of the kernel beyond what every program wants: each is tried only for programs that need it, because every
/// trial loads a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Loops, and functions that may be made of one.
    pub(crate) repeats: bool,
    /// Walks over the keys of a map.
    pub(crate) walks_maps: bool,
    /// The clock of international atomic time.
    pub(crate) tai: bool,
    /// Memory of processes is written.
    pub(crate) writes_user: bool,
    /// Results of kernel functions are overridden.
    pub(crate) overrides: bool,
    /// The ancestors of processes.
    pub(crate) ancestors: bool,
    /// Names of open files.
    pub(crate) paths: bool,
}

impl Needs {
    /// Of all clauses.
    pub(crate) fn of(program: &Program) -> Needs {
        let mut needs = Needs::default();
        program.clauses.iter().for_each(|clause| visit::clause(clause, &mut needs));
        // Programs clear maps themselves, where that takes no time; those that are printed, user space clears.
        needs.walks_maps |= program.records.iter().any(|record| may_walk(program, record));
        needs
    }
}

/// Whether a record clears a map with keys that the script does not print.
fn may_walk(program: &Program, record: &Record) -> bool {
    let RecordKind::Clear(map) = record.kind else { return false };
    let is_printed = program.records.iter().any(|record| record.kind.printed() == Some(map));
    !is_printed && program.maps[map.0 as usize].key.is_some()
}

impl Visitor for Needs {
    fn stmt(&mut self, stmt: &Stmt) {
        match stmt.kind {
            StmtKind::While { .. } | StmtKind::ForRange { .. } => self.repeats = true,
            StmtKind::ForMap { .. } => self.walks_maps = true,
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr.kind {
            ExprKind::Call(function, _) => {
                self.repeats = true;
                self.writes_user |= matches!(function, Function::CopyOut | Function::CopyOutText | Function::WriteUser);
                self.overrides |= function == Function::Override;
                self.ancestors |= function == Function::ProgenyOf;
                self.paths |= matches!(function, Function::Text(TextFunction::DPath | TextFunction::DentryPath));
            }
            ExprKind::MapLen(_) => self.walks_maps = true,
            ExprKind::MemEq { ref lhs, .. } => self.repeats |= layout::size(&lhs.ty) > LONG_VALUE,
            ExprKind::Builtin(Builtin::Nsecs(Clock::Tai)) => self.tai = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use quadrant_program::map::Map;
    use quadrant_program::map::MapId;
    use quadrant_program::map::MapValue;
    use quadrant_program::span::Span;

    use super::*;

    fn walks(key: Option<Type>, records: &[RecordKind]) -> bool {
        let span = Span::default();
        let value = MapValue::Plain(Type::I64);
        let map = Map::new("@", key, value);
        let record = |kind: &RecordKind| Record { kind: kind.clone(), args: Vec::new(), span };
        let records = records.iter().map(record).collect();
        Needs::of(&Program { maps: vec![map], records, ..Program::default() }).walks_maps
    }

    #[test]
    fn walks_over_maps_are_tried_where_a_program_may_clear_one() {
        let print = RecordKind::PrintMap { map: MapId(0), top: 0, div: 0, take: true };
        let clear = RecordKind::Clear(MapId(0));
        assert!(walks(Some(Type::I64), std::slice::from_ref(&clear)));
        assert!(!walks(Some(Type::I64), &[print, clear.clone()]));
        assert!(!walks(None, &[clear]));
    }
}
