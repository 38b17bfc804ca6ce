//! Functions of texts.

use quadrant_program::expr::{Expr, ExprKind, Function, TextFunction};
use quadrant_program::ty::{Space, Type};

use super::super::Lower;
use super::super::expr::block;
use super::super::value::{Int, Value};
use super::Call;

impl Lower<'_> {
    pub(super) fn text_call(&mut self, call: &Call) -> Option<Value> {
        match call.name {
            "strlen" => self.strlen(call),
            "strjoin" => self.strjoin(call),
            "strchr" => self.strchr(call, false),
            "strrchr" => self.strchr(call, true),
            "strstr" => self.strstr(call),
            "index" => self.index_of(call, false),
            "rindex" => self.index_of(call, true),
            "substr" => self.substr(call),
            "strtok" => self.strtok(call),
            "lltostr" => self.lltostr(call),
            "strtoll" => self.strtoll(call),
            "json" => {
                let args = vec![self.text_arg(call, 1)?, self.text_arg(call, 2)?];
                Some(self.text_of(TextFunction::Json, args, call))
            }
            "__joined" => {
                let args = vec![self.address_arg(call, 1)?, self.int_arg(call, 2)?];
                Some(self.of_text(ExprKind::Call(Function::Args(Space::User), args), call.span))
            }
            "__dentry_path" => {
                let args = vec![self.pointer_arg(call, 1, "struct dentry *")?];
                Some(self.text_of(TextFunction::DentryPath, args, call))
            }
            "d_path" => {
                let args = vec![self.pointer_arg(call, 1, "struct path *")?];
                Some(self.text_of(TextFunction::DPath, args, call))
            }
            name => {
                let function = match name {
                    "basename" => TextFunction::Basename,
                    "dirname" => TextFunction::Dirname,
                    "cleanpath" => TextFunction::Cleanpath,
                    "toupper" => TextFunction::Upper,
                    _ => TextFunction::Lower,
                };
                let args = vec![self.text_arg(call, 1)?];
                Some(self.text_of(function, args, call))
            }
        }
    }

    fn text_of(&mut self, function: TextFunction, args: Vec<Expr>, call: &Call) -> Value {
        self.of_text(ExprKind::Call(Function::Text(function), args), call.span)
    }

    fn strlen(&mut self, call: &Call) -> Option<Value> {
        let text = self.text_arg(call, 1)?;
        if let ExprKind::Str(text) = &text.kind {
            return Some(self.number(text.len() as i64, Int::ULONG, call.span));
        }
        Some(self.typed(ExprKind::Call(Function::Strlen, vec![text]), Type::U64, "size_t", call.span))
    }

    fn strjoin(&mut self, call: &Call) -> Option<Value> {
        let (a, b) = (self.text_arg(call, 1)?, self.text_arg(call, 2)?);
        // What is too long is cut when the program runs, which counts it.
        if let (ExprKind::Str(a), ExprKind::Str(b)) = (&a.kind, &b.kind)
            && a.len() + b.len() < self.settings.strsize as usize
        {
            let joined = [&a[..], &b[..]].concat();
            if [a, b].iter().any(|part| self.probe_names.contains(&part[..])) {
                self.probe_names.insert(joined.clone());
            }
            return Some(self.literal_text(&joined, call.span));
        }
        Some(self.of_text(ExprKind::Call(Function::Concat, vec![a, b]), call.span))
    }

    fn strchr(&mut self, call: &Call, last: bool) -> Option<Value> {
        let (text, char) = (self.text_arg(call, 1)?, self.int_arg(call, 2)?);
        Some(self.text_of(TextFunction::Strchr { last }, vec![text, char], call))
    }

    /// `strstr(s, part)`: NULL if it is not found; an empty part is, also in an empty text.
    fn strstr(&mut self, call: &Call) -> Option<Value> {
        let (text, part) = (self.text_arg(call, 1)?, self.text_arg(call, 2)?);
        let span = call.span;
        if let ExprKind::Str(_) = &part.kind {
            return Some(self.text_of(TextFunction::Strstr, vec![text, part], call));
        }
        let (keep_part, part) = self.keep(part);
        let found = self.text_of(TextFunction::Strstr, vec![text, part.clone()], call);
        let (keep_found, found) = self.keep(found.expr);
        let empty = |lower: &Self, text: Expr, negate: bool| {
            let none = Box::new(lower.literal_text(b"", span).expr);
            Expr::new(ExprKind::MemEq { lhs: Box::new(text), rhs: none, negate }, Type::Bool, span)
        };
        let (lhs, rhs) = (empty(self, found.clone(), true), empty(self, part, false));
        let kind = ExprKind::Logical { and: false, lhs: Box::new(lhs), rhs: Box::new(rhs) };
        let cond = Box::new(Expr::new(kind, Type::Bool, span));
        let null = self.text_at(Expr::int(0, Type::U64, span), Space::Kernel, span).expr;
        let chosen = self.of_text(ExprKind::Ternary { cond, then: Box::new(found), other: Box::new(null) }, span);
        Some(block(vec![keep_part, keep_found], chosen))
    }

    fn index_of(&mut self, call: &Call, last: bool) -> Option<Value> {
        let mut args = vec![self.text_arg(call, 1)?, self.text_arg(call, 2)?];
        if call.args.len() > 2 {
            args.push(self.int_arg(call, 3)?);
        }
        let kind = ExprKind::Call(Function::Text(TextFunction::Index { last }), args);
        Some(self.typed(kind, Type::I64, "int", call.span))
    }

    fn substr(&mut self, call: &Call) -> Option<Value> {
        let mut args = vec![self.text_arg(call, 1)?, self.int_arg(call, 2)?];
        if call.args.len() > 2 {
            args.push(self.int_arg(call, 3)?);
        }
        Some(self.text_of(TextFunction::Substr, args, call))
    }

    /// `strtok(s, separators)`; `strtok(NULL, separators)` goes on.
    fn strtok(&mut self, call: &Call) -> Option<Value> {
        let first = self.expr(&call.args[0])?;
        let text = match first.is_zero() && !first.is_text() {
            true => Expr::new(ExprKind::Str([].into()), Type::String { cap: 0 }, call.span),
            false => match self.to_text(first.clone()) {
                Some(text) => self.present(text.expr),
                None => return self.bad_arg(call, 1, "string", &first),
            },
        };
        let separators = self.text_arg(call, 2)?;
        Some(self.text_of(TextFunction::Strtok, vec![text, separators], call))
    }

    fn lltostr(&mut self, call: &Call) -> Option<Value> {
        let mut args = vec![self.int_arg(call, 1)?];
        args.extend(self.base_arg(call)?);
        Some(self.text_of(TextFunction::Lltostr, args, call))
    }

    fn strtoll(&mut self, call: &Call) -> Option<Value> {
        let mut args = vec![self.text_arg(call, 1)?];
        args.extend(self.base_arg(call)?);
        let kind = ExprKind::Call(Function::Text(TextFunction::Strtoll), args);
        Some(self.typed(kind, Type::I64, "int64_t", call.span))
    }

    fn base_arg(&mut self, call: &Call) -> Option<Option<Expr>> {
        let Some(arg) = call.args.get(1) else { return Some(None) };
        let value = self.expr(arg)?;
        if self.int_of(&value.ty).is_none() {
            return self.bad_arg(call, 2, "int", &value);
        }
        match value.constant().unwrap_or_default() {
            base @ 2..=36 => Some(Some(Expr::int(base, Type::I64, arg.span))),
            _ => self.fail(
                arg.span,
                "D_PROTO_ARG",
                format!("{}( ) argument #2 must be a constant base from 2 to 36", call.name),
            ),
        }
    }
}
