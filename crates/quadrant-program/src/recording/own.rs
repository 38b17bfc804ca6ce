//! The records of the recorder: behind those of the script, which keep their numbers, come those for values, and its own.

use crate::Program;
use crate::expr::Expr;
use crate::record::Record;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Type;

/// Numbers of the recorder's records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// The first that is not the script's: values that are sent where the script reads them.
    later: u32,
    /// The end of the trace; then the end of a speculation, and one for each group.
    exit: u32,
}

impl Own {
    /// Those of a program of which the first so many records are the script's.
    pub fn of(program: &Program, scripts: usize) -> Own {
        Own { later: scripts as u32, exit: program.records.len() as u32 }
    }

    /// Whether a record of the program is one that the recorder wants.
    pub fn is_sent(&self, record: RecordId) -> bool {
        record.0 >= self.later
    }

    /// The index of a value that is sent where the script reads it.
    pub fn later(&self, record: RecordId) -> Option<usize> {
        (self.later..self.exit).contains(&record.0).then(|| (record.0 - self.later) as usize)
    }

    /// The record of a group.
    pub fn of_group(&self, index: usize) -> RecordId {
        RecordId(self.ended().0 + 1 + index as u32)
    }

    /// The index of the group with a record.
    pub fn group(&self, record: RecordId) -> Option<usize> {
        record.0.checked_sub(self.of_group(0).0).map(|index| index as usize)
    }

    /// That a speculation has ended; its argument is the number.
    pub fn ended(&self) -> RecordId {
        RecordId(self.exit + 1)
    }

    /// The records before those of the groups. Of the script's those remain that print or empty a map, and that of faults.
    pub fn records(&self, program: &Program) -> Vec<Record> {
        let own = [(RecordKind::Exit, Type::I64), (RecordKind::Print, Type::U64)];
        let own = own.map(|(kind, ty)| Record { kind, args: vec![ty], span: Span::default() });
        let (scripts, later) = program.records.split_at(self.later as usize);
        scripts.iter().map(muted).chain(later.iter().cloned()).chain(own).collect()
    }

    /// Ends the trace and the clause.
    pub fn exit(&self, span: Span) -> StmtKind {
        StmtKind::Exit { record: RecordId(self.exit), code: Expr::int(0, Type::I64, span) }
    }

    /// Ends the trace, and goes on with the clause.
    pub fn stop(&self, span: Span) -> Vec<Stmt> {
        let emit = StmtKind::Emit { record: RecordId(self.exit), args: vec![Expr::int(0, Type::I64, span)] };
        vec![Stmt::new(StmtKind::Stop, span), Stmt::new(emit, span)]
    }

    /// Ends a speculation.
    pub fn end_speculation(&self, id: Expr, span: Span) -> Vec<Stmt> {
        let emit = StmtKind::Emit { record: self.ended(), args: vec![id.clone()] };
        vec![Stmt::new(StmtKind::EndSpeculation { id }, span), Stmt::new(emit, span)]
    }
}

fn muted(record: &Record) -> Record {
    let (kind, args) = match &record.kind {
        // Who clears a map, and when, depends on whether it is printed.
        RecordKind::PrintMap { .. } | RecordKind::Clear(_) | RecordKind::Zero(_) => (record.kind.clone(), Vec::new()),
        RecordKind::Fault => (RecordKind::Fault, record.args.clone()),
        _ => (RecordKind::Print, Vec::new()),
    };
    Record { kind, args, span: record.span }
}
