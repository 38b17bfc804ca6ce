//! A script's tree as text, for tests and for looking at: items and statements one a line, expressions in prefix form.

mod expr;
mod types;

use std::fmt::Write;

use crate::ast::{
    AttributeTarget, Block, Clause, Inline, Item, Pragma, PragmaKind, ProviderDef, Script, Stmt, StmtKind, Translator,
};
use expr::expr;
use types::{declaration_lines, param, params, type_expr};

/// The tree of a script.
pub fn print(script: &Script) -> String {
    let mut printer = Printer { out: String::new(), indent: 0 };
    if script.shebang.is_some() {
        printer.line("shebang");
    }
    for pragma in &script.pragmas {
        printer.pragma(pragma);
    }
    for item in &script.items {
        printer.item(item);
    }
    printer.out
}

struct Printer {
    out: String,
    indent: usize,
}

impl Printer {
    fn line(&mut self, text: &str) {
        let width = self.indent * 2;
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:width$}{}", "", text.trim_end());
    }

    fn indented(&mut self, inner: impl FnOnce(&mut Self)) {
        self.indent += 1;
        inner(self);
        self.indent -= 1;
    }

    fn pragma(&mut self, pragma: &Pragma) {
        let text = match &pragma.kind {
            PragmaKind::Error => "<error>".to_owned(),
            PragmaKind::Option { name, value } => {
                let value = value.as_ref().map(|value| format!(" = {:?}", value.name)).unwrap_or_default();
                format!("option {}{value}", name.name)
            }
            PragmaKind::Attributes { attributes, target } => format!("attributes {attributes} {}", attributed(target)),
            PragmaKind::Binding { version, name } => format!("binding {:?} {}", version.name, name.name),
            PragmaKind::DependsOn { kind, name } => format!("depends_on {} {}", kind.word(), name.name),
            PragmaKind::Fail(text) => format!("error {text:?}"),
            PragmaKind::Ident(text) => format!("ident {text:?}"),
            PragmaKind::Foreign => "foreign".to_owned(),
        };
        self.line(&format!("pragma {text}"));
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Clause(clause) => self.clause(clause),
            Item::Inline(inline) => self.inline(inline),
            Item::Translator(translator) => self.translator(translator),
            Item::Provider(provider) => self.provider(provider),
            Item::Declaration(declaration) => {
                declaration_lines(declaration).iter().for_each(|line| self.line(line));
            }
        }
    }

    fn clause(&mut self, clause: &Clause) {
        self.line("clause");
        self.indented(|printer| {
            for probe in &clause.probes {
                match probe.id() {
                    Some(Ok(id)) => printer.line(&format!("at id {id}")),
                    _ => printer.line(&format!("at {}", probe.text.escape_debug())),
                }
            }
            if let Some(predicate) = &clause.predicate {
                printer.line(&format!("when {}", expr(&predicate.expr)));
            }
            if let Some(body) = &clause.body {
                printer.line("do");
                printer.body(body);
            }
        });
    }

    fn inline(&mut self, inline: &Inline) {
        let keys = inline.params.as_ref().map(|keys| format!(" [{}]", params(keys))).unwrap_or_default();
        let ty = type_expr(&inline.ty);
        self.line(&format!("inline {ty} {}{keys} = {}", inline.name.name, expr(&inline.value)));
    }

    fn translator(&mut self, translator: &Translator) {
        self.line(&format!("translator {} < {} >", type_expr(&translator.output), param(&translator.input)));
        self.indented(|printer| {
            for (name, value) in &translator.members {
                printer.line(&format!("{} = {}", name.name, expr(value)));
            }
        });
    }

    fn provider(&mut self, provider: &ProviderDef) {
        self.line(&format!("provider {}", provider.name.name));
        self.indented(|printer| {
            for probe in &provider.probes {
                let mapped = probe.mapped.as_ref().map(|mapped| format!(" : ({})", params(mapped)));
                let args = params(&probe.args);
                printer.line(&format!("probe {} ({args}){}", probe.name.name, mapped.unwrap_or_default()));
            }
        });
    }

    fn body(&mut self, block: &Block) {
        self.indented(|printer| block.stmts.iter().for_each(|stmt| printer.stmt(stmt)));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Error => self.line("<error>"),
            StmtKind::Expr(value) => self.line(&expr(value)),
            StmtKind::If { cond, then, other } => {
                self.line(&format!("if {}", expr(cond)));
                self.body(then);
                if let Some(other) = other {
                    self.line("else");
                    self.body(other);
                }
            }
        }
    }
}

fn attributed(target: &AttributeTarget) -> String {
    match target {
        AttributeTarget::Name(name) => name.name.clone(),
        AttributeTarget::Provider { provider, part } => format!("provider {} {}", provider.name, part.word()),
    }
}
