//! Memory: of the process, of the kernel, and the clause's own.

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::program::Fault;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};

use super::super::Lower;
use super::super::expr::block;
use super::super::value::Value;
use super::Call;

impl Lower<'_> {
    pub(super) fn memory_call(&mut self, call: &Call) -> Option<Value> {
        let span = call.span;
        match call.name {
            "alloca" => {
                let size = self.int_arg(call, 1)?;
                self.check_room(&size)?;
                Some(self.void_pointer(ExprKind::Call(Function::Alloca(Fault::NoScratch), vec![size]), span))
            }
            "copyin" => self.copyin(call),
            "copyinstr" => {
                let mut args = vec![self.address_arg(call, 1)?];
                if call.args.len() > 1 {
                    args.push(self.int_arg(call, 2)?);
                }
                Some(self.of_text(ExprKind::Call(Function::Str(Space::User), args), span))
            }
            "copyinto" => {
                let (from, size, to) = (self.address_arg(call, 1)?, self.int_arg(call, 2)?, self.own_memory(call, 3)?);
                Some(self.done(Function::Copy(Space::User), vec![from, to, size], call))
            }
            "bcopy" => {
                let (from, space) = self.copied(call)?;
                let (to, size) = (self.own_memory(call, 2)?, self.int_arg(call, 3)?);
                Some(self.done(Function::Copy(space), vec![from, to, size], call))
            }
            "copyout" => {
                let args =
                    vec![self.pointer_arg(call, 1, "void *")?, self.address_arg(call, 2)?, self.int_arg(call, 3)?];
                self.destructive(call.name, span)?;
                Some(self.done(Function::CopyOut, args, call))
            }
            _ => {
                let args = vec![self.text_arg(call, 1)?, self.address_arg(call, 2)?, self.int_arg(call, 3)?];
                self.destructive(call.name, span)?;
                Some(self.done(Function::CopyOutText, args, call))
            }
        }
    }

    /// An argument to which is written: memory of the clause.
    fn own_memory(&mut self, call: &Call, number: usize) -> Option<Expr> {
        let value = self.argument_value(call, number, "void *")?;
        if self.int_of(&value.ty).is_some() && !value.is_zero() {
            return self.bad_arg(call, number, "void *", &value);
        }
        let arg = call.args.get(number - 1)?;
        if self.is_allocated(arg) == Some(false) {
            let (what, types) = (call.name, "prototype: alloca pointer\n\t argument: non-alloca pointer");
            let message = format!("{what}( ) argument #{number} is incompatible with prototype:\n\t{types}");
            return self.fail(arg.span, "D_PROTO_ARG", message);
        }
        self.address_of_arg(call, number, value)
    }

    /// What bcopy() takes from: a text, or memory of the kernel.
    fn copied(&mut self, call: &Call) -> Option<(Expr, Space)> {
        let value = self.expr(&call.args[0])?;
        if value.is_text() {
            return Some(place_of(value.expr));
        }
        Some((self.pointer_arg(call, 1, "void *")?, Space::Kernel))
    }

    /// Refuses what never has room.
    fn check_room(&mut self, size: &Expr) -> Option<()> {
        let ExprKind::Int(bytes) = size.kind else { return Some(()) };
        let (bytes, room) = (bytes.cast_unsigned(), self.settings.scratchsize);
        if bytes <= room.into() {
            return Some(());
        }
        self.fail_help(
            size.span,
            "D_ALLOCA_SIZE",
            format!("alloca({bytes}) size larger than scratchsize {room}"),
            "`-x scratchsize=SIZE` makes more room",
        )
    }

    /// `copyin(address, size)`: scratch memory with what is there.
    fn copyin(&mut self, call: &Call) -> Option<Value> {
        let span = call.span;
        let (from, size) = (self.address_arg(call, 1)?, self.int_arg(call, 2)?);
        self.check_room(&size)?;
        let (keep_size, size) = match size.kind {
            ExprKind::Int(_) => (None, size),
            _ => {
                let (keep, kept) = self.keep(size);
                (Some(keep), kept)
            }
        };
        let room = Expr::new(ExprKind::Call(Function::Alloca(Fault::BadSize), vec![size.clone()]), Type::U64, span);
        let (keep, room) = self.keep(room);
        let copy = ExprKind::Call(Function::Copy(Space::User), vec![from, room.clone(), size]);
        let copy = Stmt::new(StmtKind::Expr(Expr::new(copy, Type::None, span)), span);
        let stmts: Vec<Stmt> = keep_size.into_iter().chain([keep, copy]).collect();
        let value = self.void_pointer(room.kind, span);
        Some(block(stmts, value))
    }

    /// An address as D's `void *`.
    fn void_pointer(&mut self, kind: ExprKind, span: quadrant_program::span::Span) -> Value {
        let value = self.named(ExprKind::Int(0), "void *", span);
        let address = Expr::new(kind, Type::U64, span);
        let expr = Expr::new(ExprKind::Cast(Box::new(address)), value.expr.ty, span);
        Value { expr, ty: value.ty }
    }

    fn done(&mut self, function: Function, args: Vec<Expr>, call: &Call) -> Value {
        super::super::expr::nothing(ExprKind::Call(function, args), call.span)
    }
}
