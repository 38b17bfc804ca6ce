//! Built-in variables.

use quadrant_program::expr::{BinaryOp, Builtin, Clock, Expr, ExprKind, Function, PointPart};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};

use super::Lower;
use super::facts::Fact;
use super::value::{Int, Ty, Value};
use crate::ast::Ident;

/// Names of all built-in variables, without `arg0` to `arg9`.
pub(super) const NAMES: &[&str] = &[
    "args",
    "caller",
    "cpu",
    "curthread",
    "epid",
    "errno",
    "execname",
    "gid",
    "id",
    "ipl",
    "lgrp",
    "pid",
    "ppid",
    "probefunc",
    "probemod",
    "probename",
    "probeprov",
    "stackdepth",
    "tid",
    "timestamp",
    "ucaller",
    "uid",
    "uregs",
    "ustackdepth",
    "vtimestamp",
    "walltimestamp",
];

/// Whether a word is a built-in variable.
pub(super) fn is_builtin(name: &str) -> bool {
    NAMES.contains(&name) || raw(name).is_some()
}

/// The number in `arg0` to `arg9`.
fn raw(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("arg")?;
    (digits.len() == 1).then(|| digits.parse().ok())?
}

impl Lower<'_> {
    /// The value of a built-in variable, if the word is one.
    pub(super) fn builtin(&mut self, name: &str, span: Span) -> Option<Option<Value>> {
        if let Some(number) = raw(name) {
            return Some(self.raw_argument(number, span));
        }
        Some(match name {
            "args" | "uregs" => {
                let message = format!("associative array '{name}' may not be referenced as scalar");
                self.fail(span, "D_IDENT_BADREF", message)
            }
            "curthread" => self.curthread(span),
            "pid" => self.task_number(Builtin::Pid, &["tgid"], "pid_t", span),
            "tid" => self.task_number(Builtin::Tid, &["pid"], "id_t", span),
            "uid" => self.task_number(Builtin::Uid, &["cred", "uid", "val"], "uid_t", span),
            "gid" => self.task_number(Builtin::Gid, &["cred", "gid", "val"], "gid_t", span),
            "ppid" => self.ppid(span),
            "execname" => self.execname(span),
            "cpu" => Some(self.typed(ExprKind::Builtin(Builtin::Cpu), Type::U32, "processorid_t", span)),
            "timestamp" => Some(self.timestamp(span)),
            "walltimestamp" => Some(self.walltimestamp(span)),
            "vtimestamp" => self.vtimestamp(span),
            "errno" => self.errno(span),
            "id" | "epid" => Some(self.typed(ExprKind::Builtin(Builtin::PointId), Type::U32, "uint_t", span)),
            // A locality group is a node of memory.
            "lgrp" => Some(self.typed(ExprKind::Builtin(Builtin::NumaNode), Type::U32, "int", span)),
            "ipl" => Some(self.typed(ExprKind::Int(0), Type::U32, "uint_t", span)),
            "probeprov" => self.probeprov(span),
            "probemod" => Some(self.point_text(PointPart::Module, span)),
            "probefunc" => Some(self.point_text(PointPart::Function, span)),
            "probename" => Some(self.point_text(PointPart::Name, span)),
            "stackdepth" => Some(self.typed(call(Function::StackDepth(false)), Type::U64, "uint32_t", span)),
            "ustackdepth" => Some(self.typed(call(Function::StackDepth(true)), Type::U64, "uint32_t", span)),
            "caller" => Some(self.typed(call(Function::Caller(false)), Type::U64, "uintptr_t", span)),
            "ucaller" => Some(self.typed(call(Function::Caller(true)), Type::U64, "uintptr_t", span)),
            _ => return None,
        })
    }

    /// A value of the model as one of a named type of C.
    pub(super) fn typed(&mut self, kind: ExprKind, model: Type, name: &str, span: Span) -> Value {
        let id = self.find_named_type(name).or_else(|| self.types.parse_type_name(name).ok());
        let id = id.unwrap_or_else(|| self.int_id(Int::LONG));
        let expr = Expr::new(kind, model, span);
        let expr = match self.int_of(&Ty::C(id)) {
            Some(int) => self.cut(expr, int),
            None => expr,
        };
        Value { expr, ty: Ty::C(id) }
    }

    /// The task that the probe speaks of: the running one, unless the probe says otherwise.
    pub(super) fn curthread(&mut self, span: Span) -> Option<Value> {
        if let Some(text) = self.thread_text() {
            return self.layout_text(&text, span);
        }
        let record = self.types.lookup_struct("task_struct");
        let record = record.unwrap_or_else(|| self.types.declare_struct("task_struct", false));
        let id = self.types.pointer_to(record);
        let ty = Type::Pointer { to: record, space: Space::Kernel };
        Some(Value { expr: Expr::new(ExprKind::Builtin(Builtin::Curtask), ty, span), ty: Ty::C(id) })
    }

    /// How the probe's task is found, if it is not the running one.
    fn thread_text(&mut self) -> Option<crate::providers::Text> {
        self.consult(Fact::Thread);
        self.clause.layout.as_ref()?.thread.clone()
    }

    /// A number of the task: what the machine knows of the running one, or a member.
    fn task_number(&mut self, builtin: Builtin, path: &[&str], ty: &str, span: Span) -> Option<Value> {
        if self.thread_text().is_none() {
            return Some(self.typed(ExprKind::Builtin(builtin), Type::U32, ty, span));
        }
        let value = self.task_member(path, span)?;
        Some(self.typed_as(value, ty, span))
    }

    fn typed_as(&mut self, value: Value, ty: &str, span: Span) -> Value {
        let model = value.expr.ty.clone();
        self.typed(value.expr.kind, model, ty, span)
    }

    /// The number of the thread that the probe speaks of.
    pub(super) fn thread_id(&mut self, span: Span) -> Expr {
        match self.task_number(Builtin::Tid, &["pid"], "id_t", span) {
            Some(value) => value.expr,
            None => Expr::int(0, Type::I32, span),
        }
    }

    /// A member of the task, through pointers and structs.
    fn task_member(&mut self, path: &[&str], span: Span) -> Option<Value> {
        let task = self.curthread(span)?;
        self.members_of(task, path, span)
    }

    fn members_of(&mut self, base: Value, path: &[&str], span: Span) -> Option<Value> {
        let mut value = base;
        for name in path {
            let ident = Ident { name: (*name).to_owned(), span };
            let (record, addr) = match (self.pointee(&value.ty), &value.ty) {
                (Some(to), _) => (to, value.expr),
                (None, Ty::C(id)) => (*id, quadrant_program::build::place_of(value.expr).0),
                _ => return None,
            };
            let member = self.member_of(record, &ident, "D_TYPE_MEMBER")?;
            value = self.read_member(addr, Space::Kernel, &member, span)?;
        }
        Some(value)
    }

    fn ppid(&mut self, span: Span) -> Option<Value> {
        let value = self.task_member(&["real_parent", "tgid"], span)?;
        Some(self.typed_as(value, "pid_t", span))
    }

    fn execname(&mut self, span: Span) -> Option<Value> {
        if self.thread_text().is_some() {
            let value = self.task_member(&["comm"], span)?;
            return self.to_text(value);
        }
        let expr = Expr::new(ExprKind::Builtin(Builtin::Comm), Type::String { cap: 16 }, span);
        Some(Value { expr, ty: Ty::Text })
    }

    /// One firing has one time: the body of a clause reads the clock once.
    fn timestamp(&mut self, span: Span) -> Value {
        let now = Expr::new(ExprKind::Builtin(Builtin::Nsecs(Clock::Monotonic)), Type::U64, span);
        let expr = if self.clause.in_body { self.once("timestamp", now) } else { now };
        let ty = self.named(ExprKind::Int(0), "uint64_t", span).ty;
        Value { expr, ty }
    }

    fn walltimestamp(&mut self, span: Span) -> Value {
        let now = self.timestamp(span).expr;
        let offset = Expr::int(self.env.wall_offset, Type::U64, span);
        let sum = Expr::new(ExprKind::Binary(BinaryOp::Add, Box::new(now), Box::new(offset)), Type::U64, span);
        self.typed(sum.kind, Type::U64, "int64_t", span)
    }

    fn probeprov(&mut self, span: Span) -> Option<Value> {
        match self.provider_text() {
            Some(text) => self.layout_text(&text, span),
            None => Some(self.point_text(PointPart::Provider, span)),
        }
    }

    /// The name of the probe's provider, where it depends on the process.
    pub(super) fn provider_text(&mut self) -> Option<crate::providers::Text> {
        self.consult(Fact::Provider);
        self.clause.layout.as_ref()?.provider.clone()
    }

    /// A part of the probe's name. At a single point it is known.
    pub(super) fn point_text(&mut self, part: PointPart, span: Span) -> Value {
        if let Some(name) = self.clause.only_point.clone() {
            let text = self.within_strsize(part.of(&name).as_bytes());
            self.probe_names.insert(text.to_vec());
            return self.literal_text(text, span);
        }
        self.of_text(ExprKind::Builtin(Builtin::PointText(part)), span)
    }
}

fn call(function: Function) -> ExprKind {
    ExprKind::Call(function, Vec::new())
}
