//! What stands at the top of a script.

use super::Parser;
use crate::ast::{
    Config, ConfigEntry, ConfigValue, FnDef, Ident, Import, Item, MacroDef, MacroParam, MapDecl, Param, Predicate,
    Probe, Script,
};
use crate::lexer::{Tok, parse_int, parse_str};
use quadrant_program::diag::Diagnostic;
use quadrant_syntax::descent::Descent;

impl Parser<'_> {
    pub(super) fn script(&mut self, start: u32) -> Script {
        let shebang = self.shebang(start);
        self.restart_at(shebang.map_or(start, |line| line.end));
        let mut items = Vec::new();
        while !self.at(Tok::Eof) {
            let start = self.token.span.start;
            self.unclosed = false;
            self.config_is_first(&items);
            self.imports_are_first(&items);
            items.extend(self.item());
            if self.recovering {
                self.sync_item(start);
            }
        }
        Script { shebang, items }
    }

    fn item(&mut self) -> Option<Item> {
        match self.token.kind {
            Tok::Hash => Some(Item::C(self.directive())),
            Tok::Semi => {
                self.bump();
                self.unexpected_but("`{` or `/predicate/`", "leave out the `;` before it");
                None
            }
            Tok::RBrace => {
                let message = "`}` without an opening `{`";
                let here = self.here();
                self.error(Diagnostic::error(here, message));
                None
            }
            Tok::Ident => self.word_item(),
            Tok::Star | Tok::Bang | Tok::Param => Some(Item::Probe(self.probe())),
            _ => {
                self.unexpected("a probe");
                None
            }
        }
    }

    /// Reports a `config` block that is not the only one, or stands behind what it is for.
    fn config_is_first(&mut self, before: &[Item]) {
        if self.token.kind != Tok::Ident || self.word() != "config" || self.second() != Tok::Assign {
            return;
        }
        let here = self.here();
        let is_late = |item: &Item| !matches!(item, Item::C(_) | Item::Config(_) | Item::Import(_));
        if before.iter().any(is_late) {
            let late = Diagnostic::error(here, "the `config` block stands before probes, macros, maps and functions");
            self.diagnostics.push(late.help("move it to the top of the script"));
        } else if before.iter().any(|item| matches!(item, Item::Config(_))) {
            let second = Diagnostic::error(here, "a second `config` block");
            self.diagnostics.push(second.help("put all settings into the first"));
        }
    }

    /// Reports an import behind probes, macros, maps and functions.
    fn imports_are_first(&mut self, before: &[Item]) {
        let is_late = |item: &Item| !matches!(item, Item::C(_) | Item::Config(_) | Item::Import(_));
        if self.word() == "import" && self.second() == Tok::Str && before.iter().any(is_late) {
            let late = Diagnostic::error(self.here(), "imports stand before probes, macros, maps and functions");
            self.diagnostics.push(late.help("move it to the top of the script"));
        }
    }

    fn word_item(&mut self) -> Option<Item> {
        let second = self.second();
        match (self.word(), second) {
            ("struct" | "union" | "enum" | "typedef", Tok::Ident | Tok::LBrace) => Some(Item::C(self.c_decl())),
            ("config", Tok::Assign | Tok::LBrace) => Some(Item::Config(self.config())),
            ("import", second) if second != Tok::Colon => self.import().map(Item::Import),
            ("macro", second) if second != Tok::Colon => Some(Item::Macro(self.macro_def())),
            ("fn", second) if second != Tok::Colon => Some(Item::Fn(self.fn_def())),
            ("let", Tok::Var | Tok::Ident) => {
                let here = self.here();
                self.error(Diagnostic::error(here, "outside of probes, `let` declares maps: `let @a = hash(100);`"));
                None
            }
            ("let", Tok::Map) => Some(Item::MapDecl(self.map_decl())),
            _ => Some(Item::Probe(self.probe())),
        }
    }

    fn probe(&mut self) -> Probe {
        let start = self.token.span.start;
        let attach = self.attach_points();
        let predicate = if self.at(Tok::Slash) { Some(self.predicate()) } else { None };
        if self.recovering {
            self.skip_to_body();
        }
        let wanted = if predicate.is_some() { "`{`" } else { "`{` or `/predicate/`" };
        let body = self.block(wanted);
        Probe { span: self.span_from(start), attach, predicate, body }
    }

    fn predicate(&mut self) -> Predicate {
        let start = self.bump().span.start;
        self.in_predicate = true;
        let expr = self.expr();
        self.in_predicate = false;
        if self.at(Tok::Assign) {
            self.unexpected_but("`/` to end the predicate", "compare with `==`");
        }
        self.expect(Tok::Slash, "`/` to end the predicate");
        Predicate { span: self.span_from(start), expr }
    }

    fn config(&mut self) -> Config {
        let start = self.bump().span.start;
        self.expect(Tok::Assign, "`=`");
        let mut entries = Vec::new();
        self.expect(Tok::LBrace, "`{`");
        while self.at(Tok::Ident) && !self.recovering {
            entries.push(self.config_entry());
            if !self.eat(Tok::Semi) && !self.eat(Tok::Comma) && !self.at(Tok::RBrace) {
                self.unexpected("`;`");
            }
            if self.recovering {
                self.sync_stmt();
            }
            while self.eat(Tok::Semi) {}
        }
        self.expect(Tok::RBrace, "a setting or `}`");
        Config { span: self.span_from(start), entries }
    }

    fn config_entry(&mut self) -> ConfigEntry {
        let key = self.take_ident(0);
        self.expect(Tok::Assign, "`=`");
        let value_span = self.here();
        let value = self.config_value();
        ConfigEntry { key, value, value_span }
    }

    fn config_value(&mut self) -> ConfigValue {
        let text = self.text(self.token.span);
        let value = match self.token.kind {
            Tok::Int => parse_int(text).ok().map(|literal| ConfigValue::Int(literal.value)),
            Tok::Ident if text == "true" || text == "false" => Some(ConfigValue::Bool(text == "true")),
            Tok::Ident => Some(ConfigValue::Text(text.to_owned())),
            Tok::Str => {
                let bytes = parse_str(text).0;
                Some(ConfigValue::Text(String::from_utf8_lossy(&bytes).into_owned()))
            }
            _ => None,
        };
        if value.is_none() {
            self.unexpected("a number, a string or a word");
        } else {
            self.bump();
        }
        value.unwrap_or(ConfigValue::Int(0))
    }

    fn import(&mut self) -> Option<Import> {
        let start = self.bump().span.start;
        if !self.at(Tok::Str) {
            self.unexpected("a path in quotes");
            return None;
        }
        let span = self.bump().span;
        let bytes = parse_str(self.text(span)).0;
        let path = Ident { name: String::from_utf8_lossy(&bytes).into_owned(), span };
        let import = Import { span: self.span_from(start), path };
        self.expect(Tok::Semi, "`;` behind the import");
        Some(import)
    }

    fn macro_def(&mut self) -> MacroDef {
        let start = self.bump().span.start;
        let name = self.expect_ident("the macro's name");
        let mut params = Vec::new();
        if self.at(Tok::LBrace) {
            self.unexpected_but("`(`", "without parameters: `macro name() { ... }`");
        } else if self.expect(Tok::LParen, "`(`") {
            params = self.list(Tok::RParen, "`)`", Self::macro_param);
        }
        self.in_macro = true;
        let body = self.block("`{`");
        self.in_macro = false;
        MacroDef { span: self.span_from(start), name, params: params.into_iter().flatten().collect(), body }
    }

    fn macro_param(&mut self) -> Option<MacroParam> {
        match self.token.kind {
            Tok::Var => Some(MacroParam::Var(self.take_ident(1))),
            Tok::Map => Some(MacroParam::Map(self.take_ident(1))),
            Tok::Ident if self.at_word("typeof") => {
                self.bump();
                self.expect(Tok::LParen, "`(`");
                let name = self.expect_ident("a name for the type");
                self.expect(Tok::RParen, "`)`");
                Some(MacroParam::Type(name))
            }
            Tok::Ident => Some(MacroParam::Expr(self.take_ident(0))),
            _ => {
                self.unexpected("a parameter: `$v`, `@m` or a name");
                None
            }
        }
    }

    fn fn_def(&mut self) -> FnDef {
        let start = self.bump().span.start;
        let name = self.expect_ident("the function's name");
        let mut params = Vec::new();
        if self.expect(Tok::LParen, "`(`") {
            params = self.list(Tok::RParen, "`)`", Self::fn_param);
        }
        let result = match self.eat(Tok::Colon) {
            true => Some(self.type_expr()),
            false => {
                self.unexpected_but("`:` and a type", "`: void` if the function has no result");
                None
            }
        };
        let body = self.block("`{`");
        FnDef { span: self.span_from(start), name, params: params.into_iter().flatten().collect(), result, body }
    }

    fn fn_param(&mut self) -> Option<Param> {
        if !self.at(Tok::Var) {
            self.unexpected("a parameter: `$name : type`");
            return None;
        }
        let name = self.take_ident(1);
        self.expect(Tok::Colon, "`:` and a type");
        Some(Param { name, ty: self.type_expr() })
    }

    fn map_decl(&mut self) -> MapDecl {
        let start = self.bump().span.start;
        let name = self.take_ident(1);
        self.expect(Tok::Assign, "`=`");
        let kind = self.expect_ident("a kind of map: `hash`, `lruhash`, `percpuhash`, `percpulruhash`");
        let mut args = Vec::new();
        if self.expect(Tok::LParen, "`(`") {
            match self.token.kind {
                Tok::Int | Tok::Ident | Tok::Param | Tok::LParen => args.push(self.bracketed(Self::expr)),
                _ => self.unexpected("the number of keys"),
            }
            self.expect(Tok::RParen, "`)`");
        }
        let decl = MapDecl { span: self.span_from(start), name, kind, args };
        // bpftrace takes a declaration without its `;`, too.
        self.eat(Tok::Semi);
        decl
    }
}
