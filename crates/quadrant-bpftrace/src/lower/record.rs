//! Records: what a script sends to user space.

use quadrant_program::expr::Expr;
use quadrant_program::record::{Record, RecordId, RecordKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;

use super::Lower;

impl Lower<'_> {
    /// A statement that sends a record.
    pub(super) fn emit(&mut self, kind: RecordKind, args: Vec<Expr>, span: Span) -> StmtKind {
        let types = args.iter().map(|arg| self.printable(&arg.ty)).collect();
        let record = self.record(kind, types, span);
        StmtKind::Emit { record, args }
    }

    /// A new record.
    pub(super) fn record(&mut self, kind: RecordKind, args: Vec<Type>, span: Span) -> RecordId {
        self.program.records.push(Record { kind, args, span });
        RecordId(self.program.records.len() as u32 - 1)
    }
}
