//! What the kernel's `struct task_struct` says of a task.

use quadrant_program::expr::Expr;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::Lower;
use crate::ast::{self, Ident};

/// The way from a task to its parent's process id.
pub(super) const PPID: &[&str] = &["real_parent", "tgid"];
/// The way from a task to its parent's name.
pub(super) const PCOMM: &[&str] = &["real_parent", "comm"];

impl Lower<'_> {
    /// `pid(curr_ns)`, `tid(curr_ns)`: the number in the process id namespace of the task itself.
    pub(super) fn namespace_id(&mut self, name: &str, arg: &ast::Expr, span: Span) -> Option<Expr> {
        if !matches!(&arg.kind, ast::ExprKind::Name(word) if word == "curr_ns") {
            let message = match arg.kind {
                ast::ExprKind::Name(_) => format!("unknown namespace of process ids `{}`", self.text(arg.span)),
                _ => format!("the namespace of {name}() is a word"),
            };
            return self.error_help(arg.span, message, "there are `curr_ns` and `init`");
        }
        let ids = if name == "pid" { &["group_leader", "thread_pid"][..] } else { &["thread_pid"] };
        let number = field(innermost(of_task(ids, span), span), "nr", span);
        let number = self.expr(&number)?;
        Some(self.cast(number, &Type::U32))
    }

    /// `pidns`: the number of the namespace of process ids that the task is in.
    pub(super) fn pid_namespace(&mut self, span: Span) -> Option<Expr> {
        let namespace = field(innermost(of_task(&["thread_pid"], span), span), "ns", span);
        let number = self.expr(&field(field(namespace, "ns", span), "inum", span))?;
        Some(self.cast(number, &Type::U32))
    }

    /// A number behind members of the current task, through pointers and structures.
    pub(super) fn task_number(&mut self, path: &[&str], span: Span) -> Option<Expr> {
        let number = self.expr(&of_task(path, span))?;
        Some(self.cast(number, &Type::U32))
    }

    /// A member of the current task, through pointers.
    pub(super) fn task_field(&mut self, path: &[&str], span: Span) -> Option<Expr> {
        let task = self.curtask(span)?;
        self.member_of_task(task, path, span)
    }

    /// `ppid(task)`, `pcomm(task)`: of another task than the current one.
    pub(super) fn parent_of(&mut self, name: &str, task: &ast::Expr, span: Span) -> Option<Expr> {
        let value = self.expr(task)?;
        let wanted = self.env.types.lookup_struct("task_struct");
        match value.ty {
            Type::Pointer { to, .. } if wanted.is_none_or(|wanted| wanted == to) => {
                self.member_of_task(value, if name == "ppid" { PPID } else { PCOMM }, span)
            }
            ref ty => {
                let ty = self.describe(ty);
                self.error(task.span, format!("{name}() takes a `struct task_struct *`, and this is {ty}"))
            }
        }
    }

    fn member_of_task(&mut self, task: Expr, path: &[&str], span: Span) -> Option<Expr> {
        let mut value = task;
        for name in path {
            let Type::Pointer { to, space } = value.ty else {
                return self.error_help(
                    span,
                    "the kernel's types are needed for this, and cannot be read",
                    "the kernel has to be built with CONFIG_DEBUG_INFO_BTF",
                );
            };
            let Some(member) = self.env.types.find_member(to, name) else {
                return self.error(span, format!("this kernel's `struct task_struct` has no member `{name}`"));
            };
            value = self.read_member(value, space, (to, &member), span)?;
        }
        Some(value)
    }
}

fn field(base: ast::Expr, name: &str, span: Span) -> ast::Expr {
    let name = Ident { name: name.to_owned(), span };
    ast::Expr::new(span, ast::ExprKind::Field { base: Box::new(base), name })
}

/// `curtask.a.b`
fn of_task(path: &[&str], span: Span) -> ast::Expr {
    let task = ast::Expr::new(span, ast::ExprKind::Name("curtask".to_owned()));
    path.iter().fold(task, |base, name| field(base, name, span))
}

/// The innermost of the numbers of a `struct pid`: `pid.numbers[pid.level]`.
fn innermost(pid: ast::Expr, span: Span) -> ast::Expr {
    let index = Box::new(field(pid.clone(), "level", span));
    ast::Expr::new(span, ast::ExprKind::Index { base: Box::new(field(pid, "numbers", span)), index })
}
