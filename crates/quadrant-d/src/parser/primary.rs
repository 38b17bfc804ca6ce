//! Operands: literals, names, calls, parentheses, and what stands behind them.

use quadrant_program::diag::Diagnostic;
use quadrant_syntax::descent::Descent;

use super::Parser;
use super::words;
use crate::ast::{Expr, ExprKind, Ident, MacroVar, Scope, ScopedName};
use crate::lexer::{CharError, IntError, Tok, char_value, int_value, str_value};

impl Parser<'_> {
    /// An operand with its members, indexes and arguments.
    pub(super) fn postfix(&mut self) -> Expr {
        let start = self.token.span.start;
        let mut expr = self.primary();
        while !self.recovering {
            let kind = match self.token.kind {
                Tok::Dot | Tok::Arrow => {
                    let arrow = self.bump().kind == Tok::Arrow;
                    ExprKind::Field { base: Box::new(expr), arrow, name: self.expect_member() }
                }
                Tok::LBracket => self.index(expr),
                Tok::LParen => self.call(expr),
                Tok::PlusPlus | Tok::MinusMinus => {
                    let increment = self.bump().kind == Tok::PlusPlus;
                    ExprKind::IncDec { increment, prefix: false, target: Box::new(expr) }
                }
                _ => break,
            };
            expr = self.node(start, kind);
        }
        expr
    }

    fn index(&mut self, base: Expr) -> ExprKind {
        let open = self.bump().span;
        if self.at(Tok::RBracket) {
            self.unexpected("an index");
        }
        let keys = self.list(Tok::RBracket, "`]`", Self::assign);
        match base.kind {
            ExprKind::Agg { name, keys: first } if first.is_empty() => ExprKind::Agg { name, keys },
            ExprKind::Agg { name, .. } => {
                let message = format!("improper attempt to reference @{} as a multi-dimensional array", name.name);
                self.soft_error(self.span_from(open.start), "D_AGG_MDIM", message);
                ExprKind::Error
            }
            _ => ExprKind::Index { base: Box::new(base), keys },
        }
    }

    fn call(&mut self, callee: Expr) -> ExprKind {
        self.bump();
        let args = self.list(Tok::RParen, "`)`", Self::assign);
        match callee.kind {
            ExprKind::Name(name) => ExprKind::Call { callee: Ident { name, span: callee.span }, args },
            ExprKind::Macro(MacroVar::Arg(number)) => {
                ExprKind::Call { callee: Ident { name: format!("${number}"), span: callee.span }, args }
            }
            ExprKind::Error => ExprKind::Error,
            ExprKind::Symbol(symbol) => {
                let (scope, name) = (symbol.scope.as_deref().unwrap_or_default(), &symbol.name);
                let message = format!("undefined function name: {scope}`{name}");
                self.soft_error(callee.span, "D_FUNC_UNDEF", message);
                ExprKind::Error
            }
            ExprKind::Agg { name, .. } => {
                self.soft_error(callee.span, "D_FUNC_UNDEF", format!("undefined function name: @{}", name.name));
                ExprKind::Error
            }
            _ => {
                self.soft_error(callee.span, "D_FUNC_IDENT", "function designator is not of function type");
                ExprKind::Error
            }
        }
    }

    fn primary(&mut self) -> Expr {
        let start = self.token.span.start;
        let kind = match self.token.kind {
            Tok::Int => self.int(),
            Tok::Str => ExprKind::Str(str_value(self.text_of_next())),
            Tok::Char => self.char(),
            Tok::Var => ExprKind::Macro(MacroVar::Named(self.take_ident(1).name)),
            Tok::Param => self.macro_arg(1, MacroVar::Arg),
            Tok::ParamText => self.macro_text(),
            Tok::Map => ExprKind::Agg { name: self.take_ident(1), keys: Vec::new() },
            Tok::LParen => return self.parens(),
            Tok::Ident => self.name(),
            _ => {
                self.unexpected("an expression");
                ExprKind::Error
            }
        };
        self.node(start, kind)
    }

    fn text_of_next(&mut self) -> &str {
        let span = self.bump().span;
        self.text(span)
    }

    fn parens(&mut self) -> Expr {
        let start = self.bump().span.start;
        let mut inner = self.bracketed(Self::expr);
        self.expect(Tok::RParen, "`)`");
        inner.span = self.span_from(start);
        inner
    }

    fn int(&mut self) -> ExprKind {
        let span = self.bump().span;
        let text = self.text(span);
        match int_value(text) {
            Ok(literal) => return ExprKind::Int(literal),
            Err(IntError::BadDigit(digit)) => {
                self.soft_error(span, "D_INT_DIGIT", format!("constant {text} contains invalid digit {digit}"));
            }
            Err(IntError::TooLarge | IntError::NoDigits | IntError::BadSuffix(_)) => {
                self.soft_error(span, "D_INT_OFLOW", format!("constant {text} results in integer overflow"));
            }
        }
        ExprKind::Error
    }

    fn char(&mut self) -> ExprKind {
        let span = self.bump().span;
        match char_value(self.text(span)) {
            Ok(value) => return ExprKind::Char(value),
            Err(CharError::Empty) => self.soft_error(span, "D_CHR_NULL", "empty character constant"),
            Err(CharError::TooLong) => self.soft_error(span, "D_CHR_OFLOW", "character constant is too long"),
        }
        ExprKind::Error
    }

    /// `$$1`, `$$target`
    fn macro_text(&mut self) -> ExprKind {
        let is_number = self.text(self.token.span)[2..].starts_with(|first: char| first.is_ascii_digit());
        match is_number {
            true => self.macro_arg(2, MacroVar::ArgText),
            false => ExprKind::Macro(MacroVar::NamedText(self.take_ident(2).name)),
        }
    }

    fn macro_arg(&mut self, sigil: usize, make: fn(u32) -> MacroVar) -> ExprKind {
        let ident = self.take_ident(sigil);
        match ident.name.parse() {
            Ok(number) => ExprKind::Macro(make(number)),
            Err(_) => {
                let message = format!("macro argument {} is not defined", self.text(ident.span));
                self.soft_error(ident.span, "D_MACRO_UNDEF", message);
                ExprKind::Error
            }
        }
    }

    fn name(&mut self) -> ExprKind {
        match self.word() {
            "self" => self.scoped(Scope::Thread),
            "this" => self.scoped(Scope::Clause),
            "offsetof" => self.offsetof(),
            "xlate" => self.xlate(),
            word if words::is_reserved(word) => {
                self.unexpected("an expression");
                ExprKind::Error
            }
            word if word.contains('`') => match self.scoped_name() {
                Some(name) => ExprKind::Symbol(name),
                None => ExprKind::Error,
            },
            _ => ExprKind::Name(self.take_ident(0).name),
        }
    }

    /// A name with a backtick: what is in front of the last one says whose it is.
    pub(super) fn scoped_name(&mut self) -> Option<ScopedName> {
        let span = self.token.span;
        let text = self.text(span);
        let (scope, name) = match text.rsplit_once('`') {
            Some((scope, name)) => (Some(scope.to_owned()), name),
            None => (None, text),
        };
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
            self.unexpected("a name");
            return None;
        }
        self.bump();
        Some(ScopedName { span, scope, name: name.to_owned() })
    }

    fn scoped(&mut self, scope: Scope) -> ExprKind {
        let word = self.take_ident(0);
        if self.at(Tok::Ident) {
            self.unexpected("`->`");
            return ExprKind::Error;
        }
        if !self.eat(Tok::Arrow) {
            let message = format!("pointer '{}' may not be referenced as scalar", word.name);
            let help = format!("a variable is written `{}->name`", word.name);
            self.error(Diagnostic::error(word.span, message).tag("D_IDENT_BADREF").help(help));
            return ExprKind::Error;
        }
        ExprKind::Scoped { scope, name: self.expect_member() }
    }

    fn offsetof(&mut self) -> ExprKind {
        self.bump();
        self.expect(Tok::LParen, "`(`");
        let ty = Box::new(self.bracketed(Self::type_name));
        self.expect(Tok::Comma, "`,` and a member");
        let mut path = vec![self.expect_member()];
        while !self.recovering && self.eat(Tok::Dot) {
            path.push(self.expect_member());
        }
        self.expect(Tok::RParen, "`)`");
        ExprKind::Offsetof { ty, path }
    }

    fn xlate(&mut self) -> ExprKind {
        self.bump();
        self.expect(Tok::Less, "`<` and a type");
        let ty = Box::new(self.type_name());
        self.expect(Tok::Greater, "`>`");
        self.expect(Tok::LParen, "`(`");
        let operand = Box::new(self.bracketed(Self::expr));
        self.expect(Tok::RParen, "`)`");
        ExprKind::Xlate { ty, operand }
    }
}
