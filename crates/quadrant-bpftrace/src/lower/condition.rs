//! `#if` and `#elif`: conditions of the preprocessor, and the text that they leave out.

use quadrant_program::span::Span;

use super::{Lower, version};
use crate::ast::{BinOp, Expr, ExprKind, UnOp};
use crate::parser::parse_expr_at;

/// How many constants may be looked up for one condition, those that others stand for included.
const MAX_EXPANSIONS: u16 = 256;

/// Longest text, in bytes, of a constant in a condition.
const MAX_BODY: u32 = 1024;

/// Nested conditions, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    open: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    /// The text at hand is left out.
    skip: bool,
    /// A part of it was taken: the others are left out.
    taken: bool,
    /// Where it opened.
    span: Span,
}

impl Conditions {
    pub fn push(&mut self, holds: bool, span: Span) {
        self.open.push(Condition { skip: !holds, taken: holds, span });
    }

    /// Whether the condition of an `#elif` here matters.
    pub fn undecided(&self) -> bool {
        let outer = self.open.len().saturating_sub(1);
        self.open.last().is_some_and(|top| !top.taken) && !self.open[..outer].iter().any(|condition| condition.skip)
    }

    /// `#elif` or `#else`; false if none is open.
    pub fn turn(&mut self, holds: bool) -> bool {
        let Some(top) = self.open.last_mut() else { return false };
        top.skip = top.taken || !holds;
        top.taken |= holds;
        true
    }

    /// `#endif`; false if none is open.
    pub fn end(&mut self) -> bool {
        self.open.pop().is_some()
    }

    pub fn skipping(&self) -> bool {
        self.open.iter().any(|condition| condition.skip)
    }

    pub fn open(&self) -> Option<Span> {
        self.open.last().map(|condition| condition.span)
    }
}

impl Lower<'_> {
    /// Whether the condition of an `#if` holds; what makes no sense was reported.
    pub(super) fn directive_holds(&mut self, condition: Span) -> bool {
        let (expr, diagnostics) = parse_expr_at(self.sources.text(), condition);
        if !diagnostics.is_empty() {
            self.messages.append(diagnostics);
            return false;
        }
        match self.directive_value(&expr, &mut { MAX_EXPANSIONS }) {
            Some(value) => value != 0,
            None => {
                if let Some(why) = self.unknown_version(condition) {
                    self.error::<()>(condition, why);
                    return false;
                }
                let help = "numbers, operators, constants by `#define`, and `defined(NAME)` can";
                self.error_help::<()>(condition, "this cannot stand in an `#if`", help);
                false
            }
        }
    }

    /// The value of an expression of the preprocessor; a name that is not defined is 0, as in C.
    fn directive_value(&self, expr: &Expr, expansions: &mut u16) -> Option<i64> {
        match &expr.kind {
            ExprKind::Int(literal) => Some(literal.value as i64),
            ExprKind::Bool(value) => Some((*value).into()),
            ExprKind::Name(name) => self.directive_name(name, expansions),
            ExprKind::Call { callee, args } if callee.name == "defined" => match args.as_slice() {
                [Expr { kind: ExprKind::Name(name), .. }] => Some(self.is_defined(name).into()),
                _ => None,
            },
            ExprKind::Call { callee, args } if callee.name == version::FUNCTION => {
                let [major, patch_level, sublevel] = args.as_slice() else { return None };
                let mut part = |part| self.directive_value(part, expansions);
                Some(version::number([part(major)?, part(patch_level)?, part(sublevel)?]))
            }
            ExprKind::Unary { op, operand } => {
                let value = self.directive_value(operand, expansions)?;
                match op {
                    UnOp::Not => Some((value == 0).into()),
                    UnOp::Neg => Some(value.wrapping_neg()),
                    UnOp::BitNot => Some(!value),
                    UnOp::Plus => Some(value),
                    UnOp::Deref | UnOp::AddrOf => None,
                }
            }
            ExprKind::Binary { op, left, right, .. } => {
                let (left, right) = (self.directive_value(left, expansions)?, self.directive_value(right, expansions)?);
                binary(*op, left, right)
            }
            _ => None,
        }
    }

    /// Why the kernel's version is not known, if a condition asks for it.
    fn unknown_version(&self, condition: Span) -> Option<String> {
        let asks = self.text(condition).contains("LINUX_VERSION_");
        self.env.symbols.kernel_version().err().filter(|_| asks)
    }

    fn directive_name(&self, name: &str, expansions: &mut u16) -> Option<i64> {
        let Some(body) = self.preamble.constant(name) else {
            return match self.version_part(name) {
                Some(value) => Some(value.ok()?.cast_signed()),
                None => Some(self.is_defined(name).into()),
            };
        };
        *expansions = expansions.checked_sub(1)?;
        if body.end - body.start > MAX_BODY {
            return None;
        }
        let (expr, diagnostics) = parse_expr_at(self.sources.text(), body);
        if diagnostics.is_empty() { self.directive_value(&expr, expansions) } else { None }
    }
}

fn binary(op: BinOp, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        BinOp::Or => (a != 0 || b != 0).into(),
        BinOp::LogXor => ((a != 0) != (b != 0)).into(),
        BinOp::And => (a != 0 && b != 0).into(),
        BinOp::Div | BinOp::Rem if b == 0 => return None,
        _ => op.model()?.compute(a, b, true),
    })
}
