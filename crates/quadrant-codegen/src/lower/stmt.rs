//! Statements.

use quadrant_bpf::helper;
use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Place;
use quadrant_program::record::RecordId;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;

use super::error::Result;
use super::record::Wake;
use super::unit::Lower;
use super::variable::expr_uses;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Size;

impl Lower<'_, '_> {
    /// Statements in order.
    pub fn block(&mut self, body: &[Stmt]) -> Result<()> {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<()> {
        let outer = self.span;
        self.at(stmt.span);
        let mark = self.mark();
        self.stmt_kind(stmt)?;
        self.release(mark);
        self.at(outer);
        Ok(())
    }

    fn stmt_kind(&mut self, stmt: &Stmt) -> Result<()> {
        match &stmt.kind {
            StmtKind::Expr(e) => self.effect(e),
            StmtKind::Assign(place, value) => self.assign(place, value),
            StmtKind::Update(place, op, value) => self.update_place(place, *op, value),
            StmtKind::Aggregate { map, key, value, weight } => {
                self.aggregate(*map, key.as_ref(), value.as_ref(), weight.as_ref())
            }
            StmtKind::Emit { record, args } => self.emit(*record, args, Wake::Not),
            StmtKind::Exit { record, code } => self.exit(*record, code),
            StmtKind::Signal { signal, thread } => self.signal(signal, *thread),
            StmtKind::If { cond, then, other } => self.if_else(cond, then, other),
            StmtKind::While { cond, body } => self.while_loop(cond, body),
            StmtKind::Unroll { count, body } => self.unroll(*count, body),
            StmtKind::ForRange { var, start, end, body } => self.for_range(*var, start, end, body),
            StmtKind::ForMap { var, map, body } => self.for_map(*var, *map, body),
            StmtKind::Break => self.loop_jump(true),
            StmtKind::Continue => self.loop_jump(false),
            StmtKind::Return => {
                self.leave(false);
                Ok(())
            }
            StmtKind::Result(value) => {
                let value = self.scalar(value)?;
                let at = self.g.result();
                let place = self.data(at);
                self.f.b.store(place.base, place.off, Size::B8, value);
                Ok(())
            }
            StmtKind::Block(body) => self.block(body),
            StmtKind::Stop => {
                self.stop(0);
                Ok(())
            }
            StmtKind::Store { addr, value } => self.store_number(addr, value),
            StmtKind::EndSpeculation { id } => self.end_speculation(id),
        }
    }

    fn assign(&mut self, place: &Place, value: &Expr) -> Result<()> {
        let var = match place {
            Place::Map { map, key } => return self.map_assign(*map, key.as_ref(), value),
            Place::Var(var) => *var,
        };
        let ty = self.variable_type(var)?;
        if ty.is_scalar() {
            let value = self.scalar(value)?;
            self.set_variable(var, value);
            return Ok(());
        }
        let Some(home) = self.variable_memory(var) else {
            return Err(self.model_error("a variable without a place"));
        };
        if expr_uses(value, var) {
            // Parts of the old value may be needed until the new one is whole.
            let mem = self.temporary(value, &ty)?;
            self.copy(home, mem, quadrant_program::layout::size(&ty));
            return Ok(());
        }
        self.store_as(value, &ty, home)
    }

    fn update_place(&mut self, place: &Place, op: BinaryOp, value: &Expr) -> Result<()> {
        match place {
            Place::Map { map, key } => self.map_update(*map, key.as_ref(), op, value),
            Place::Var(var) => {
                let ty = self.variable_type(*var)?;
                let by = self.operand(value)?;
                let old = self.variable(*var);
                let new = self.arithmetic(op, old, by, ty.is_signed());
                let new = self.cut(new, &ty);
                self.set_variable(*var, new);
                Ok(())
            }
        }
    }

    /// Stops all programs, tells user space, and leaves.
    fn exit(&mut self, record: RecordId, code: &Expr) -> Result<()> {
        self.stop(if let ExprKind::Int(status) = code.kind { status } else { 0 });
        self.emit(record, std::slice::from_ref(code), Wake::Now)?;
        self.leave(true);
        Ok(())
    }

    /// Stops all programs that start from now on. The status is for the case that the record of exit() is lost.
    fn stop(&mut self, status: i64) {
        if let Some(at) = self.g.exit_flag() {
            let flag = self.data(at);
            let set = self.f.b.iconst(1 | status << 32);
            self.f.b.store(flag.base, flag.off, Size::B8, set);
        }
    }

    fn signal(&mut self, signal: &Expr, thread: bool) -> Result<()> {
        let signal = self.scalar(signal)?;
        let helper = if thread { helper::SEND_SIGNAL_THREAD } else { helper::SEND_SIGNAL };
        let failed = self.f.b.call(helper, &[signal]);
        self.lose_if(LossKind::Signal, Cond::Ne, failed, 0);
        Ok(())
    }

    fn if_else(&mut self, cond: &Expr, then: &[Stmt], other: &[Stmt]) -> Result<()> {
        let [yes, end] = [self.f.b.create_block(), self.f.b.create_block()];
        let no = if other.is_empty() { end } else { self.f.b.create_block() };
        let mark = self.mark();
        self.condition(cond, yes, no)?;
        self.release(mark);
        self.f.b.switch_to(yes);
        self.branch(|lower| lower.block(then))?;
        self.f.b.jump(end, &[]);
        if !other.is_empty() {
            self.f.b.switch_to(no);
            self.branch(|lower| lower.block(other))?;
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        Ok(())
    }
}
