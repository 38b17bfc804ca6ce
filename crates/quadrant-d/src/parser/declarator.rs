//! Declarators: names with what C wraps around the type.

use quadrant_program::diag::Diagnostic;
use quadrant_syntax::descent::Descent;

use super::Parser;
use super::words;
use crate::ast::{Declared, Ident, MAX_DEPTH, Param, TypeExpr, TypeSpecKind, Wrap};
use crate::lexer::Tok;

/// Whether a declarator has a name in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// In declarations.
    Must,
    /// For parameters.
    May,
    /// In casts and the like, which only have a type.
    MustNot,
}

impl Parser<'_> {
    /// `*name[3]`, `(*name)(int)`, or without the name.
    pub(super) fn declarator(&mut self, named: Name) -> Declared {
        let start = self.token.span.start;
        let parsed = self.nested(|parser| parser.declarator_inner(named));
        let mut declared = parsed.unwrap_or_else(|| Declared::empty(self.here()));
        declared.span = self.span_from(start);
        declared
    }

    /// A parameter, or a key of an associative array.
    pub(super) fn param(&mut self) -> Param {
        let start = self.token.span.start;
        let base = self.type_spec();
        let declared = self.declarator(Name::May);
        let span = self.span_from(start);
        let ty = self.checked(TypeExpr { span, base, wraps: declared.wraps });
        Param { span, ty, name: declared.name }
    }

    /// Parameters up to the `)`, which is taken, and whether they end in `...`.
    pub(super) fn params(&mut self) -> (Vec<Param>, bool) {
        if self.at_word("void") && self.second() == Tok::RParen {
            self.bump();
        }
        let mut params = Vec::new();
        let mut variadic = false;
        while !self.at(Tok::RParen) && !self.recovering {
            if self.eat(Tok::Ellipsis) {
                variadic = true;
                break;
            }
            self.param_class();
            params.push(self.bracketed(Self::param));
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        self.expect(Tok::RParen, "`,` or `)`");
        (params, variadic)
    }

    fn declarator_inner(&mut self, named: Name) -> Declared {
        let mut wraps = Vec::new();
        while self.eat(Tok::Star) {
            self.qualifiers();
            wraps.push(Wrap::Pointer);
        }
        let mut declared = if self.at_inner_declarator() {
            self.bump();
            let inner = self.declarator(named);
            self.expect(Tok::RParen, "`)`");
            inner
        } else {
            Declared { name: self.declared_name(named), ..Declared::empty(self.here()) }
        };
        let mut suffixes = Vec::new();
        while !self.recovering {
            match self.token.kind {
                Tok::LBracket => suffixes.push(self.brackets()),
                Tok::LParen => suffixes.push(self.function()),
                _ => break,
            }
        }
        wraps.extend(suffixes.into_iter().rev());
        wraps.append(&mut declared.wraps);
        if wraps.len() > usize::from(MAX_DEPTH) {
            self.too_deep(self.here());
            wraps.clear();
        }
        declared.wraps = wraps;
        declared
    }

    /// Whether the next token is the `(` of `(*name)`, not that of a function's parameters.
    fn at_inner_declarator(&self) -> bool {
        let mut ahead = self.ahead();
        self.at(Tok::LParen)
            && ahead.next().is_some_and(|next| match next.kind {
                Tok::Star | Tok::LParen | Tok::LBracket => true,
                Tok::Ident => !self.is_type(self.text(next.span)) && !words::is_reserved(self.text(next.span)),
                _ => false,
            })
    }

    fn declared_name(&mut self, named: Name) -> Option<Ident> {
        let scoped = self.word().contains('`');
        if self.at(Tok::Ident) && scoped && named == Name::Must {
            let message = format!("D scoping operator may not be used in a declaration name ({})", self.word());
            let here = self.here();
            self.error(Diagnostic::error(here, message).tag("D_DECL_SCOPE"));
            return None;
        }
        let there = self.at(Tok::Ident) && !scoped && !self.at_reserved();
        match named {
            Name::May if there => Some(self.expect_ident("a name")),
            Name::Must => Some(self.expect_ident("a name")),
            Name::May | Name::MustNot => None,
        }
    }

    fn function(&mut self) -> Wrap {
        self.bump();
        let (params, variadic) = self.params();
        self.check_names(params.iter(), "function");
        self.check_void(&params);
        Wrap::Function { params, variadic }
    }

    /// A parameter without a value is alone and has no name.
    fn check_void(&mut self, params: &[Param]) {
        let is_void = |param: &&Param| {
            param.ty.wraps.is_empty() && matches!(&param.ty.base.kind, TypeSpecKind::Words(words) if words == "void")
        };
        let Some(param) = params.iter().find(is_void) else { return };
        match &param.name {
            Some(name) => {
                let message = format!("void parameter may not have a name: {}", name.name);
                self.soft_error(param.span, "D_DECL_PROTO_NAME", message);
            }
            None if params.len() > 1 => {
                self.soft_error(param.span, "D_DECL_PROTO_VOID", "void must be sole parameter");
            }
            None => {}
        }
    }

    /// The storage class of a parameter, of which C has one.
    fn param_class(&mut self) {
        while matches!(self.word(), "static" | "extern" | "auto" | "typedef" | "register") {
            let is_fit = self.at_word("register");
            let span = self.bump().span;
            if !is_fit {
                let message = "inappropriate storage class for function or associative array parameter";
                self.soft_error(span, "D_DECL_PARMCLASS", message);
            }
        }
    }

    /// `[]`, `[n]`, `[string, int]`
    fn brackets(&mut self) -> Wrap {
        self.bump();
        self.pass_array_qualifiers();
        if self.eat(Tok::RBracket) {
            return Wrap::Array(None);
        }
        if self.at_key_types() {
            let keys = self.list(Tok::RBracket, "`]`", Self::key);
            return Wrap::Assoc(keys.into_iter().flatten().collect());
        }
        let size = self.bracketed(Self::assign);
        self.expect(Tok::RBracket, "`]`");
        Wrap::Array(Some(Box::new(size)))
    }

    /// The type of a key of an associative array, whose number cannot vary.
    fn key(&mut self) -> Option<Param> {
        let here = self.here();
        if !self.eat(Tok::Ellipsis) {
            return Some(self.param());
        }
        let message = "array prototype may not use a variable-length argument list";
        self.soft_error(here, "D_DECL_PROTO_VARARGS", message);
        None
    }

    /// Whether what stands in brackets are types: one starts here, or a name that is followed by the key's name.
    fn at_key_types(&self) -> bool {
        let mut ahead = self.ahead();
        self.at_type()
            || self.at(Tok::Ellipsis)
            || self.at(Tok::Ident)
                && match ahead.next().map(|token| token.kind) {
                    Some(Tok::Ident | Tok::Comma) => true,
                    Some(Tok::Star) => !matches!(ahead.next().map(|token| token.kind), Some(Tok::Int)),
                    _ => false,
                }
    }
}
