//! The script's C text: constants by `#define`, types, and what is not supported.

use std::collections::HashMap;

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::Expr;
use quadrant_program::span::Span;

use super::condition::Conditions;
use super::{Lower, version};
use crate::ast::{self, CDecl, CDeclKind, Ident, Item, MacroParam, Script};
use crate::parser::{HOW_TO_COMMENT, parse_expr_at};
use crate::script;

/// What the C text defines.
#[derive(Debug, Default)]
pub(super) struct Preamble {
    /// What a name stands for.
    defines: HashMap<String, Span>,
    /// The constants so far of the enumeration that is being defined.
    pub enumerators: Enumerators,
    /// A type definition made no sense: types that miss their members need no second message.
    pub broken_types: bool,
}

/// Constants of an enumeration. Headers that are made by programs have ten thousands.
#[derive(Debug, Default)]
pub(super) struct Enumerators {
    /// In the order of the script.
    pub list: Vec<(String, i64)>,
    values: HashMap<String, i64>,
}

impl Enumerators {
    pub fn push(&mut self, name: String, value: i64) {
        self.values.insert(name.clone(), value);
        self.list.push((name, value));
    }
}

impl Preamble {
    /// Whether a bare word is a constant of the script's.
    pub fn has_constant(&self, name: &str) -> bool {
        self.defines.contains_key(name)
    }

    /// The value of a constant of the enumeration that is being defined.
    pub fn enumerator(&self, name: &str) -> Option<i64> {
        self.enumerators.values.get(name).copied()
    }

    /// Where the text is that a constant stands for.
    pub fn constant(&self, name: &str) -> Option<Span> {
        self.defines.get(name).copied()
    }
}

/// What it costs, of all that may be expanded, to put a constant where its name stands: it is parsed each time.
const COST_OF_CONSTANT: usize = 16;

impl Lower<'_> {
    /// Takes the definitions, and reports the items that have no meaning here.
    pub(super) fn preamble(&mut self, script: &Script) {
        let mut skip = Conditions::default();
        for item in &script.items {
            match item {
                Item::C(decl) => self.c_decl(decl, &mut skip),
                Item::Macro(def) => self.define_macro(def),
                Item::Fn(def) => self.define_fn(def),
                Item::MapDecl(decl) => self.map_decl(decl),
                Item::Config(_) | Item::Import(_) | Item::Probe(_) => {}
            }
        }
        if let Some(open) = skip.open() {
            self.error::<()>(open, "this condition has no `#endif`");
        }
    }

    fn c_decl(&mut self, decl: &CDecl, skip: &mut Conditions) {
        match &decl.kind {
            CDeclKind::Directive { word, rest } => self.directive(word, *rest, decl.span, skip),
            _ if skip.skipping() => {}
            CDeclKind::Tagged { tag, name, body } => self.define_tagged(*tag, name.as_ref(), *body, decl.span),
            CDeclKind::Typedef => self.define_typedef(decl.span),
        }
        self.preamble.broken_types |= !matches!(decl.kind, CDeclKind::Directive { .. }) && self.messages.failed();
    }

    fn directive(&mut self, word: &str, rest: Span, span: Span, skip: &mut Conditions) {
        let first = self.text(rest).split_whitespace().next().unwrap_or("");
        match word {
            "ifdef" => skip.push(self.is_defined(first), span),
            "ifndef" => skip.push(!self.is_defined(first), span),
            "if" => {
                let holds = !skip.skipping() && self.directive_holds(rest);
                skip.push(holds, span);
            }
            "elif" | "else" | "endif" => {
                let open = match word {
                    "endif" => skip.end(),
                    "else" => skip.turn(true),
                    _ => {
                        let holds = skip.undecided() && self.directive_holds(rest);
                        skip.turn(holds)
                    }
                };
                if !open {
                    self.error::<()>(span, format!("`#{word}` without `#ifdef`"));
                }
            }
            _ if skip.skipping() => {}
            "define" => self.define(rest, span),
            "undef" => {
                self.preamble.defines.remove(first);
                self.macros.remove(first);
            }
            "include" => self.include(rest, span),
            "pragma" => {}
            "error" => {
                let text = self.text(rest).trim().to_owned();
                self.error::<()>(span, text);
            }
            _ => {
                self.error_help::<()>(span, format!("unknown directive `#{word}`"), HOW_TO_COMMENT);
            }
        }
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        // The kernel's types are always there, as with bpftrace on a kernel with BTF.
        name == "BPFTRACE_HAVE_BTF" || version::defines(name) || self.preamble.has_constant(name)
    }

    fn define(&mut self, rest: Span, span: Span) {
        let text = self.text(rest);
        let start = text.len() - text.trim_start().len();
        let text = &text[start..];
        let len = text.bytes().take_while(|&byte| crate::lexer::is_word_byte(byte)).count();
        if len == 0 {
            self.error::<()>(span, "`#define` needs a name");
            return;
        }
        let body = Span::new(rest.start + (start + len) as u32, rest.end);
        match text[len..].starts_with('(') {
            true => self.define_function(Ident { name: text[..len].to_owned(), span }, body),
            false => drop(self.preamble.defines.insert(text[..len].to_owned(), body)),
        }
    }

    /// `#define name(a, b) expression` is a macro of expressions.
    fn define_function(&mut self, name: Ident, rest: Span) {
        let text = self.text(rest);
        let Some(close) = text.find(')') else {
            self.error::<()>(rest, "the parameters have no closing `)`");
            return;
        };
        let words = text[1..close].split(',').map(str::trim).filter(|word| !word.is_empty());
        let params = words.map(|word| MacroParam::Expr(Ident { name: word.to_owned(), span: rest })).collect();
        let body = Span::new(rest.start + close as u32 + 1, rest.end);
        let (expr, diagnostics) = parse_expr_at(self.sources.text(), body);
        // What is no expression is no mistake as long as nobody uses it.
        if diagnostics.is_empty() {
            let body = ast::Block::new(body, Vec::new(), Some(Box::new(expr)));
            self.macros.remove(&name.name);
            self.define_macro(&ast::MacroDef { span: rest, name, params, body });
        }
    }

    /// A header that was not found.
    fn include(&mut self, rest: Span, span: Span) {
        let path = self.text(rest).trim().trim_matches(['<', '>', '"']);
        self.report(Diagnostic::warning(span, script::not_read(path, "")).help(script::DEFINE));
    }

    /// The value of a word that `#define` gave a meaning; the outer `None` if it did not.
    pub(super) fn preamble_constant(&mut self, name: &str, span: Span) -> Option<Option<Expr>> {
        let body = *self.preamble.defines.get(name)?;
        if self.scope.expanding.iter().any(|open| open.name == name) {
            return Some(self.error(span, format!("`{name}` is defined by itself")));
        }
        self.expansion_budget = self.expansion_budget.saturating_sub(COST_OF_CONSTANT);
        if self.expansion_budget == 0 {
            return Some(self.error(span, "the constants of this script are put into each other too often"));
        }
        let (expr, diagnostics) = parse_expr_at(self.sources.text(), body);
        if !diagnostics.is_empty() {
            let message = format!("`{name}` does not stand for a value");
            return Some(self.error_help(span, message, "a `#define` can be used where its text is an expression"));
        }
        self.scope.expanding.push(Ident { name: name.to_owned(), span: body });
        let value = self.expr(&expr);
        self.scope.expanding.pop();
        Some(value.map(|value| Expr { span, ..value }))
    }

    /// `let @name = hash(keys)`
    fn map_decl(&mut self, decl: &ast::MapDecl) {
        let map = self.inferred.map_mut(&decl.name.name);
        match decl.kind.name.as_str() {
            kind @ ("hash" | "percpuhash" | "lruhash" | "percpulruhash") => {
                map.forgets = kind.contains("lru");
                map.per_cpu = kind.starts_with("percpu");
            }
            other => {
                let kinds = "there are hash, percpuhash, lruhash and percpulruhash";
                self.error_help::<()>(decl.kind.span, format!("unknown kind of map `{other}`"), kinds);
            }
        }
        let size = match decl.args.as_slice() {
            [size] => self.expr(size),
            _ => None,
        };
        let Some(size) = size else { return };
        match size.kind {
            quadrant_program::expr::ExprKind::Int(keys @ 1..=0x7fff_ffff) => {
                self.inferred.map_mut(&decl.name.name).max_entries = Some(keys as u32);
            }
            _ => drop(self.error::<()>(size.span, "the number of keys is a constant, 1 or more")),
        }
    }
}
