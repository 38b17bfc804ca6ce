//! Declarations: C's, variables, inlines, translators, providers.

use std::collections::HashSet;

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Parser;
use super::declarator::Name;
use super::recover::near;
use crate::ast::{
    Declaration, Declared, Enumerator, Expr, Ident, Inline, LayoutWish, Param, ProviderDef, ProviderProbe, Scope,
    Storage, Tag, TagBody, Translator, TypeExpr, TypeSpecKind, Wrap,
};
use crate::lexer::Tok;

/// The longest name of a provider or probe.
const MAX_PROBE_NAME: usize = 63;

impl Parser<'_> {
    /// A declaration with its semicolon.
    pub(super) fn declaration(&mut self) -> Declaration {
        let start = self.token.span.start;
        let (storage, scope) = self.storage();
        let mut wish = self.attributes();
        let base = self.type_spec();
        wish = wish.and(self.attributes());
        let declared = self.declarators(|parser| parser.wished(wish, |parser| parser.declarator(Name::Must)));
        if storage == Some(Storage::Typedef) {
            self.remember_typedefs(&declared);
        }
        let from_c = self.lines.is_included(start);
        Declaration { span: self.span_from(start), storage, scope, base, declared, from_c }
    }

    /// Members of a `struct` or `union`, with the semicolon. Without a name they are those of a struct of their own.
    fn member(&mut self) -> Declaration {
        let start = self.token.span.start;
        let mut wish = self.attributes();
        let base = self.type_spec();
        wish = wish.and(self.attributes());
        if self.at(Tok::Semi) && !matches!(base.kind, TypeSpecKind::Tagged { .. }) {
            self.unexpected("the member's name");
        }
        let declared = self.declarators(|parser| parser.wished(wish, Self::member_declarator));
        let from_c = self.lines.is_included(start);
        Declaration { span: self.span_from(start), storage: None, scope: Scope::Global, base, declared, from_c }
    }

    /// A declarator with the attributes behind it, besides those in front of all.
    fn wished(&mut self, all: LayoutWish, one: impl Fn(&mut Self) -> Declared) -> Declared {
        let mut declared = one(self);
        declared.wish = all.and(self.attributes());
        declared
    }

    /// What is declared, up to the semicolon, which is taken.
    fn declarators(&mut self, one: impl Fn(&mut Self) -> Declared) -> Vec<Declared> {
        let mut declared = Vec::new();
        if !self.at(Tok::Semi) && !self.recovering {
            declared.push(one(self));
            while !self.recovering && self.eat(Tok::Comma) {
                declared.push(one(self));
            }
        }
        self.expect(Tok::Semi, "`;`");
        declared
    }

    /// `inline int n[int k] = k + 1;`
    pub(super) fn inline(&mut self) -> Inline {
        let start = self.bump().span.start;
        let class = self.here();
        if matches!(self.storage(), (Some(Storage::Typedef | Storage::Extern), _) | (_, Scope::Thread | Scope::Clause))
        {
            let message = "specified storage class not appropriate for inline declaration";
            self.soft_error(class, "D_DECL_BADCLASS", message);
        }
        let base = self.type_spec();
        let mut declared = self.declarator(Name::Must);
        let params = match declared.wraps.pop_if(|wrap| matches!(wrap, Wrap::Assoc(_))) {
            Some(Wrap::Assoc(params)) => Some(params),
            _ => None,
        };
        self.check_names(params.iter().flatten(), "array");
        let ty = TypeExpr { span: base.span.to(declared.span), base, wraps: declared.wraps };
        self.expect(Tok::Assign, "`=`");
        let value = self.assign();
        self.expect(Tok::Semi, "`;`");
        let name = declared.name.unwrap_or_else(|| self.no_name());
        Inline { span: self.span_from(start), name, ty: self.checked(ty), params, value }
    }

    /// `translator out_t < struct in *p > { member = expr; };`
    pub(super) fn translator(&mut self) -> Translator {
        let start = self.bump().span.start;
        let output = self.type_name();
        self.expect(Tok::Less, "`<`");
        let input = self.param();
        self.expect(Tok::Greater, "`>`");
        let members = self.in_braces(Self::translated_member);
        self.expect(Tok::Semi, "`;`");
        Translator { span: self.span_from(start), output, input, members }
    }

    /// `provider x { probe a(int); };`
    pub(super) fn provider(&mut self) -> ProviderDef {
        let start = self.bump().span.start;
        let name = self.expect_ident("the provider's name");
        self.check_provider_name(&name);
        let probes = self.in_braces(Self::provider_probe);
        self.check_twice(&name, &probes);
        self.expect(Tok::Semi, "`;`");
        ProviderDef { span: self.span_from(start), name, probes }
    }

    /// What stands between the braces of a `struct`, `union` or `enum`; the next token is the `{`.
    pub(super) fn tag_body(&mut self, tag: Tag) -> TagBody {
        match tag {
            Tag::Enum => TagBody::Values(self.enumerators()),
            _ => {
                let members = self.in_braces(Self::member);
                if members.is_empty() && !self.recovering && !self.lines.is_included(self.prev_end) {
                    let closing = Span::new(self.prev_end - 1, self.prev_end);
                    self.error(near("}", closing).label("expected a member"));
                }
                TagBody::Members(members)
            }
        }
    }

    /// What stands between braces, one after the other.
    fn in_braces<T>(&mut self, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        self.expect(Tok::LBrace, "`{`");
        if self.recovering {
            return items;
        }
        while !self.recovering && !self.at(Tok::RBrace) && !self.at(Tok::Eof) {
            if !self.pass_extra_semicolon() {
                items.push(item(self));
            }
        }
        self.close_braces();
        items
    }

    fn storage(&mut self) -> (Option<Storage>, Scope) {
        let (mut storage, mut scope) = (None, Scope::Global);
        let mut unfit = None;
        loop {
            let word = self.word();
            let found = Storage::from_word(word);
            let second = storage.is_some() || scope != Scope::Global;
            match (word, found) {
                (word, _) if self.is_cs_type(word) => break,
                ("self", _) => scope = Scope::Thread,
                ("this", _) => scope = Scope::Clause,
                (_, Some(class)) => storage = Some(class),
                _ => break,
            }
            let span = self.bump().span;
            if second {
                self.soft_error(span, "D_DECL_CLASS", "only one storage class allowed in a declaration");
                return (storage, scope);
            }
            if matches!(found, Some(Storage::Static | Storage::Register | Storage::Auto)) {
                unfit = Some(span);
            }
        }
        if let Some(span) = unfit {
            self.soft_error(span, "D_DECL_BADCLASS", "specified storage class not appropriate in D");
        }
        (storage, scope)
    }

    /// A declarator with the width of a bit-field.
    fn member_declarator(&mut self) -> Declared {
        let mut declared = match self.at(Tok::Colon) {
            true => Declared::empty(self.here()),
            false => self.declarator(Name::Must),
        };
        if !self.recovering && self.eat(Tok::Colon) {
            declared.bits = Some(self.binary(1));
            declared.span = self.span_from(declared.span.start);
        }
        declared
    }

    fn remember_typedefs(&mut self, declared: &[Declared]) {
        for ident in declared.iter().filter_map(|declared| declared.name.as_ref()) {
            let name = self.text(ident.span);
            self.typedefs.insert(name);
        }
    }

    fn enumerators(&mut self) -> Vec<Enumerator> {
        self.bump();
        let mut values = Vec::new();
        while !self.recovering && (values.is_empty() || !self.at(Tok::RBrace)) {
            let name = self.expect_ident("a constant's name");
            let value = if self.eat(Tok::Assign) { Some(self.assign()) } else { None };
            values.push(Enumerator { name, value });
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        self.close_braces();
        values
    }

    fn translated_member(&mut self) -> (Ident, Expr) {
        let name = self.expect_member();
        self.expect(Tok::Assign, "`=`");
        let value = self.assign();
        self.expect(Tok::Semi, "`;`");
        (name, value)
    }

    /// `probe a__b(int n, char *s) : (string s);`
    fn provider_probe(&mut self) -> ProviderProbe {
        let start = self.token.span.start;
        if !self.eat_word("probe") {
            self.unexpected("`probe` or `}`");
        }
        let name = self.probe_name();
        self.check_len("probe", &name);
        self.expect(Tok::LParen, "`(`");
        let args = self.prototype("input");
        let mapped = if !self.recovering && self.eat(Tok::Colon) {
            self.expect(Tok::LParen, "`(`");
            Some(self.prototype("output"))
        } else {
            None
        };
        self.check_mapped(&args, mapped.as_deref().unwrap_or_default());
        self.expect(Tok::Semi, "`;`");
        ProviderProbe { span: self.span_from(start), name, args, mapped }
    }

    /// The parameters of a probe, as programs pass them (`input`) or as scripts see them (`output`).
    fn prototype(&mut self, which: &str) -> Vec<Param> {
        let (params, variadic) = self.params();
        if variadic {
            let message = format!("probe {which} prototype may not use a variable-length argument list");
            self.soft_error(self.here(), "D_DECL_PROTO_VARARGS", message);
        }
        if which == "input" {
            self.check_names(params.iter(), "probe input");
        }
        params
    }

    /// What is used by its name has it alone.
    pub(super) fn check_names<'p>(&mut self, params: impl Iterator<Item = &'p Param>, whose: &str) {
        let mut seen = HashSet::new();
        for (at, name) in params.enumerate().filter_map(|(at, param)| Some((at, param.name.as_ref()?))) {
            if !seen.insert(&name.name) {
                let (name, number, span) = (&name.name, at + 1, name.span);
                let message =
                    format!("parameter is already declared in {whose} prototype: {name}, parameter #{number}");
                self.soft_error(span, "D_DECL_PROTO_FORM", message);
            }
        }
    }

    /// A word; also with dashes, as it is written in probe descriptions.
    fn probe_name(&mut self) -> Ident {
        if !self.at(Tok::Ident) || self.recovering {
            self.unexpected("the probe's name");
            return self.no_name();
        }
        let mut span = self.bump().span;
        while matches!(self.token.kind, Tok::Minus | Tok::MinusMinus | Tok::Ident) && self.token.span.start == span.end
        {
            span = span.to(self.bump().span);
        }
        Ident { name: self.text(span).to_owned(), span }
    }

    /// The pid is appended to the name, so it cannot end in a digit.
    fn check_provider_name(&mut self, name: &Ident) {
        self.check_len("provider", name);
        if name.name.ends_with(|last: char| last.is_ascii_digit()) {
            let message = format!("provider name may not end with a digit: {}", name.name);
            let diagnostic = Diagnostic::error(name.span, message).tag("D_PROV_BADNAME");
            self.diagnostics.push(diagnostic.note("probes are described with the process' number behind it"));
        }
    }

    fn check_len(&mut self, whose: &str, name: &Ident) {
        if name.name.len() > MAX_PROBE_NAME {
            let message = format!("{whose} name may not exceed {MAX_PROBE_NAME} characters: {}", name.name);
            self.soft_error(name.span, "D_PROV_BADNAME", message);
        }
    }

    fn check_twice(&mut self, provider: &Ident, probes: &[ProviderProbe]) {
        let mut seen = HashSet::new();
        for probe in probes {
            if !seen.insert(&probe.name.name) {
                let message = format!("probe redeclared: {}:::{}", provider.name, probe.name.name);
                self.soft_error(probe.name.span, "D_PROV_PRDUP", message);
            }
        }
    }

    /// What scripts see is named after what the program passes.
    fn check_mapped(&mut self, args: &[Param], mapped: &[Param]) {
        for (at, param) in mapped.iter().enumerate() {
            let known =
                param.name.iter().any(|name| args.iter().flat_map(|arg| &arg.name).any(|n| n.name == name.name));
            if !known {
                let name = param.name.as_ref().map_or("", |name| &name.name);
                let number = at + 1;
                let message =
                    format!("parameter is not declared in probe output prototype: {name}, parameter #{number}");
                self.soft_error(param.span, "D_DECL_PROTO_FORM", message);
            }
        }
    }

    fn no_name(&self) -> Ident {
        Ident { name: String::new(), span: self.here() }
    }
}
