//! Faults: in a program whose faults end the clause, the way out of a clause on which something failed.
//!
//! A fault leaves the clause for its fault exit with two numbers: what happened and where, and the address. There a record is
//! sent and the clauses of ERROR run; then the firing goes on behind the clause. In other programs a fault is a loss that is counted.

use std::collections::BTreeSet;
use std::rc::Rc;

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::program::Fault;
use quadrant_program::program::Faults;
use quadrant_program::program::Program;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::record::Wake;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// A failed read.
pub(super) const BAD_ADDRESS: (Fault, LossKind) = (Fault::BadAddress, LossKind::Read);

/// Where in what `Caught` gives the value is: behind the kind of fault and the address.
const CAUGHT_VALUE: u32 = 16;

/// The way out of a clause for faults: a block with two parameters.
#[derive(Clone, Copy)]
pub(super) struct FaultExit {
    /// Where to go.
    pub block: Block,
    /// The kind of fault in the lowest byte, the number of the statement above it, and in the upper half the place in the program.
    pub what: Value,
    /// The address.
    pub address: Value,
}

/// A firing of ERROR, while its clauses are lowered.
#[derive(Clone, Copy)]
pub(super) struct ErrorFiring {
    /// The point.
    pub point: [PointId; 1],
    /// The arguments, from `Arg(1)` on.
    pub args: [Value; 5],
}

impl<'a> Lower<'a, '_> {
    /// Whether a fault ends its clause.
    pub fn aborts(&self) -> bool {
        matches!(self.g.program.faults, Faults::Abort(_))
    }

    /// A fault exit, in programs that have them.
    pub fn fault_exit(&mut self) -> Option<FaultExit> {
        if !self.aborts() {
            return None;
        }
        let block = self.f.b.create_block();
        let what = self.f.b.append_param(block);
        let address = self.f.b.append_param(block);
        Some(FaultExit { block, what, address })
    }

    /// Stores a value, and before it the fault that evaluating it is, and where, or zeros (`Caught`).
    pub fn store_caught(&mut self, value: &Expr, to: Mem) -> Result<()> {
        let Some(exit) = self.fault_exit() else { return Err(self.model_error("a fault that nothing can have")) };
        let (end, outer) = (self.f.b.create_block(), self.f.fault.replace(exit));
        self.zero(to, CAUGHT_VALUE);
        let stored = self.store(value, to.at(CAUGHT_VALUE));
        self.f.fault = outer;
        stored?;
        self.f.b.jump(end, &[]);
        if self.f.b.is_reachable(exit.block) {
            self.f.b.switch_to(exit.block);
            let kind = self.f.b.ext(exit.what, Size::B1, false);
            self.f.b.store(to.base, to.off, Size::B8, kind);
            self.f.b.store(to.base, to.off + 8, Size::B8, exit.address);
            self.zero(to.at(CAUGHT_VALUE), layout::size(&value.ty));
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Faults if the comparison holds; where faults do not end the clause, counts the loss and goes on in any case.
    pub fn fault_if(
        &mut self,
        (fault, loss): (Fault, LossKind),
        cond: Cond,
        lhs: Value,
        rhs: impl Into<Operand>,
        address: Value,
    ) {
        match self.f.fault {
            None => self.lose_if(loss, cond, lhs, rhs),
            Some(exit) => {
                let what = self.what(fault);
                let next = self.f.b.create_block();
                self.f.b.branch(cond, lhs, rhs, exit.block, &[what, address], next, &[]);
                self.f.b.switch_to(next);
            }
        }
    }

    /// Something failed here: faults, or counts the loss and goes on.
    pub fn failed(&mut self, (fault, loss): (Fault, LossKind), address: Value) {
        match self.f.fault {
            None => self.lose(loss),
            Some(exit) => {
                let what = self.what(fault);
                self.f.b.jump(exit.block, &[what, address]);
            }
        }
    }

    /// A fault that only programs with fault exits can have, if the comparison holds.
    pub fn abort_if(
        &mut self,
        fault: Fault,
        cond: Cond,
        lhs: Value,
        rhs: impl Into<Operand>,
        address: Value,
    ) -> Result<()> {
        if self.f.fault.is_none() {
            return Err(self.model_error("a function that can fault in a program without faults"));
        }
        self.fault_if((fault, LossKind::Fault), cond, lhs, rhs, address);
        Ok(())
    }

    /// Faults with a kind, unless that is 0 (`Raise`).
    pub fn raise(&mut self, kind: &Expr, address: &Expr) -> Result<()> {
        let Some(exit) = self.f.fault else { return Err(self.model_error("a fault that nothing can have")) };
        let (kind, address) = (self.scalar(kind)?, self.scalar(address)?);
        let place = self.place();
        let place = self.f.b.site(place);
        let what = self.f.b.or(place, kind);
        let next = self.f.b.create_block();
        self.f.b.branch(Cond::Ne, kind, 0, exit.block, &[what, address], next, &[]);
        self.f.b.switch_to(next);
        Ok(())
    }

    /// An address that could not be read: 0 in place of those of the program itself, which are no numbers to the verifier.
    pub fn bad_address(&mut self, space: Space, address: Value) {
        let address = self.faulty(space, address);
        self.failed(BAD_ADDRESS, address);
    }

    /// An address as a fault gives it.
    pub fn faulty(&mut self, space: Space, address: Value) -> Value {
        match space {
            Space::Kernel | Space::User | Space::Any => address,
            Space::Context | Space::Program if self.f.fault.is_some() => self.f.b.iconst(0),
            Space::Context | Space::Program => address,
        }
    }

    fn what(&mut self, fault: Fault) -> Value {
        let place = self.place();
        self.f.b.site(fault as u32 | place)
    }

    /// The number of the statement at hand, where what a fault tells has it.
    fn place(&self) -> u32 {
        (self.statements.iter().filter(|start| **start <= self.span.start).count() as u32) << 8
    }

    /// What happens at the fault exit of a clause: the record, then the clauses of ERROR. A fault in one of those only counts.
    /// Gives whether there is such an exit; code then goes on behind it.
    pub fn handle_faults(&mut self, clause: &'a Clause, exit: Option<FaultExit>, unit_end: Block) -> Result<bool> {
        let Some(exit) = exit.filter(|exit| self.f.b.is_reachable(exit.block)) else { return Ok(false) };
        self.f.b.switch_to(exit.block);
        self.at(clause.span);
        self.f.fault = None;
        self.f.scratch = self.unit_scratch;
        if self.error.is_some() {
            self.lose(LossKind::Fault);
            return Ok(true);
        }
        let kind = self.f.b.ext(exit.what, Size::B1, false);
        let low = self.f.b.ext(exit.what, Size::B4, false);
        let statement = self.f.b.shr(low, 8);
        let place = self.f.b.shr(exit.what, 32);
        let what = [statement, place, kind, exit.address];
        self.fault_record(what)?;
        self.error_clauses(what, unit_end)?;
        Ok(true)
    }

    fn fault_record(&mut self, [statement, place, kind, address]: [Value; 4]) -> Result<()> {
        let Faults::Abort(record) = self.g.program.faults else { return Ok(()) };
        let point = self.fired_point(&Type::U64)?;
        let clause = self.f.b.iconst(self.clause.into());
        self.emit_words(record, &[point, clause, statement, kind, address, place])
    }

    /// Sends a record of numbers. It needs no scratch memory.
    fn emit_words(&mut self, record: RecordId, words: &[Value]) -> Result<()> {
        const HEADER: u32 = quadrant_program::record::HEADER;
        let size = HEADER + 8 * words.len() as u32;
        let end = self.f.b.create_block();
        let to = match self.g.target.ring_buffer {
            true => self.reserve_record(size, end),
            false => self.own_stack(size),
        };
        self.header(record, to);
        for (word, at) in words.iter().zip(0..) {
            self.f.b.store(to.base, to.off + HEADER as i32 + 8 * at, Size::B8, *word);
        }
        match self.g.target.ring_buffer {
            true => self.submit(to, Wake::Not),
            false => {
                let size = self.f.b.iconst(size.into());
                self.send(to, size, Wake::Not);
            }
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// The clauses of ERROR, in order, with variables of their own.
    fn error_clauses(&mut self, [statement, place, kind, address]: [Value; 4], unit_end: Block) -> Result<()> {
        let program = self.g.program;
        let clauses = Rc::clone(&self.g.usage.on_fault);
        let Some((_, point)) = clauses.first() else { return Ok(()) };
        let id = self.fired_point_id()?;
        self.error = Some(ErrorFiring { point: [*point], args: [id, statement, place, kind, address] });
        let outer = (self.clause, std::mem::take(&mut self.f.vars));
        self.clear_shared();
        for &(index, point) in clauses.iter() {
            self.clause = index as u32;
            self.error.iter_mut().for_each(|error| error.point = [point]);
            self.clause(&program.clauses[index], unit_end)?;
        }
        (self.clause, self.f.vars) = outer;
        self.error = None;
        Ok(())
    }
}

/// The clauses that run when another clause faults, and their point.
pub(super) fn error_clauses(program: &Program) -> Vec<(usize, PointId)> {
    let is_error = |id: &&PointId| program.points.get(id.0 as usize).is_some_and(|point| point.site == Site::Error);
    let of_error = |(index, clause): (usize, &Clause)| Some((index, *clause.points.iter().find(is_error)?));
    program.clauses.iter().enumerate().filter_map(of_error).collect()
}

/// Where the statements of a clause start in the script: those of its body, and the actions of its records. What a statement was
/// taken apart into is within it, and no statement of its own.
pub(super) fn statements(program: &Program, clause: &Clause) -> BTreeSet<u32> {
    let mut spans = Vec::new();
    if matches!(program.faults, Faults::Abort(_)) {
        note_statements(program, &clause.body, &mut spans);
    }
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut starts = BTreeSet::new();
    let mut end = 0;
    for span in spans {
        if starts.is_empty() || span.start >= end {
            starts.insert(span.start);
            end = span.end;
        }
    }
    starts
}

fn note_statements(program: &Program, body: &[Stmt], spans: &mut Vec<Span>) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::If { then, other, .. } => {
                // The statements in it are counted on their own.
                spans.push(Span::new(stmt.span.start, stmt.span.start));
                note_statements(program, then, spans);
                note_statements(program, other, spans);
            }
            StmtKind::Block(body) => note_statements(program, body, spans),
            StmtKind::Emit { record, args } => note_actions(program, *record, args, spans),
            _ => spans.push(stmt.span),
        }
    }
}

fn note_actions(program: &Program, record: RecordId, args: &[Expr], spans: &mut Vec<Span>) {
    let Some(RecordKind::Firing(actions)) = program.records.get(record.0 as usize).map(|record| &record.kind) else {
        return;
    };
    for action in actions {
        let args = args.get(action.args.start as usize..action.args.end as usize).unwrap_or_default();
        if let [first, ..] = args {
            let end = args.iter().map(|arg| arg.span.end).max().unwrap_or(first.span.end);
            spans.push(Span::new(first.span.start, end));
        }
    }
}

/// Whether evaluating an expression can fault.
pub(super) fn can_fault(e: &Expr) -> bool {
    let mut found = false;
    super::walk::expr(e, &mut |node| {
        if let super::walk::Node::Expr(e) = node {
            found |= matches!(e.kind, ExprKind::Deref { .. } | ExprKind::Call(..) | ExprKind::Binary(..));
        }
    });
    found
}
