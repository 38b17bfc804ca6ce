//! A script's tree as text, for tests and for looking at: items and statements
//! one a line, expressions in prefix form.

mod expr;

use std::fmt::Write;

use crate::ast::{
    AttachPoint, Block, Config, ConfigValue, FnDef, ForIter, IfExpr, Item, MacroDef, MacroParam, MapDecl, Probe,
    Script, Stmt, StmtKind,
};
use expr::{expr, list, ty};

/// The tree of a script.
pub fn print(script: &Script) -> String {
    let mut printer = Printer { out: String::new(), indent: 0 };
    if script.shebang.is_some() {
        printer.line("shebang");
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

    fn item(&mut self, item: &Item) {
        match item {
            Item::C(decl) => self.line(&format!("c {}", decl.text.escape_debug())),
            Item::Config(config) => self.config(config),
            Item::Import(import) => self.line(&format!("import {:?}", import.path.name)),
            Item::Macro(def) => self.macro_def(def),
            Item::Fn(def) => self.fn_def(def),
            Item::MapDecl(decl) => self.map_decl(decl),
            Item::Probe(probe) => self.probe(probe),
        }
    }

    fn config(&mut self, config: &Config) {
        self.line("config");
        self.indented(|printer| {
            for entry in &config.entries {
                let value = match &entry.value {
                    ConfigValue::Int(value) => value.to_string(),
                    ConfigValue::Bool(value) => value.to_string(),
                    ConfigValue::Text(text) => format!("{text:?}"),
                };
                printer.line(&format!("{} = {value}", entry.key.name));
            }
        });
    }

    fn macro_def(&mut self, def: &MacroDef) {
        let params: Vec<String> = def.params.iter().map(macro_param).collect();
        self.line(&format!("macro {}({})", def.name.name, params.join(", ")));
        self.body(&def.body);
    }

    fn fn_def(&mut self, def: &FnDef) {
        let params = def.params.iter().map(|p| format!("${} : {}", p.name.name, ty(&p.ty)));
        let params: Vec<String> = params.collect();
        let result = def.result.as_ref().map_or("-".to_owned(), ty);
        self.line(&format!("fn {}({}) : {result}", def.name.name, params.join(", ")));
        self.body(&def.body);
    }

    fn map_decl(&mut self, decl: &MapDecl) {
        let args = list(&decl.args);
        self.line(&format!("map @{} {}{args}", decl.name.name, decl.kind.name));
    }

    fn probe(&mut self, probe: &Probe) {
        self.line("probe");
        self.indented(|printer| {
            for point in &probe.attach {
                printer.line(&format!("at {}", attach_point(point)));
            }
            if let Some(predicate) = &probe.predicate {
                printer.line(&format!("when {}", expr(&predicate.expr)));
            }
            printer.line("do");
            printer.body(&probe.body);
        });
    }

    fn body(&mut self, block: &Block) {
        self.indented(|printer| {
            for stmt in &block.stmts {
                printer.stmt(stmt);
            }
            if let Some(tail) = &block.tail {
                printer.line(&format!("tail {}", expr(tail)));
            }
        });
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::If(parts) => self.if_stmt(parts),
            StmtKind::While { cond, body } => self.headed(&format!("while {}", expr(cond)), body),
            StmtKind::Unroll { count, body } => self.headed(&format!("unroll {}", expr(count)), body),
            StmtKind::For { var, iter, body } => {
                let iter = match iter {
                    ForIter::Over(over) => expr(over),
                    ForIter::Range(from, to) => format!("{} .. {}", expr(from), expr(to)),
                };
                self.headed(&format!("for ${} : {iter}", var.name), body);
            }
            StmtKind::Block(block) => self.headed("block", block),
            kind => self.line(&simple_stmt(kind)),
        }
    }

    fn headed(&mut self, head: &str, body: &Block) {
        self.line(head);
        self.body(body);
    }

    fn if_stmt(&mut self, parts: &IfExpr) {
        for (at, (cond, body)) in parts.arms.iter().enumerate() {
            let word = if at == 0 { "if" } else { "else if" };
            self.headed(&format!("{word} {}", expr(cond)), body);
        }
        if let Some(body) = &parts.other {
            self.headed("else", body);
        }
    }
}

/// A statement inside an expression, however long.
fn stmt_line(stmt: &Stmt) -> String {
    let mut printer = Printer { out: String::new(), indent: 0 };
    printer.stmt(stmt);
    let lines: Vec<&str> = printer.out.lines().map(str::trim_start).collect();
    lines.join(" | ")
}

/// A statement that fits on one line.
fn simple_stmt(kind: &StmtKind) -> String {
    match kind {
        StmtKind::Expr(value) => expr(value),
        StmtKind::Assign { target, op, value } => {
            let op = op.map_or("", |op| op.symbol());
            format!("({op}= {} {})", expr(target), expr(value))
        }
        StmtKind::Let { var, ty: declared, value } => {
            let declared = declared.as_ref().map(|t| format!(" : {}", ty(t))).unwrap_or_default();
            let value = value.as_ref().map(|v| format!(" = {}", expr(v))).unwrap_or_default();
            format!("let ${}{declared}{value}", var.name)
        }
        StmtKind::Break => "break".to_owned(),
        StmtKind::Continue => "continue".to_owned(),
        StmtKind::Return(None) => "return".to_owned(),
        StmtKind::Return(Some(value)) => format!("return {}", expr(value)),
        _ => "error".to_owned(),
    }
}

fn macro_param(param: &MacroParam) -> String {
    match param {
        MacroParam::Var(ident) => format!("${}", ident.name),
        MacroParam::Map(ident) => format!("@{}", ident.name),
        MacroParam::Expr(ident) => ident.name.clone(),
        MacroParam::Type(ident) => format!("typeof({})", ident.name),
    }
}

fn attach_point(point: &AttachPoint) -> String {
    let parts = point.parts.iter().map(|part| match part.quoted {
        true => format!("{:?}", part.text),
        false => part.text.clone(),
    });
    let parts: Vec<String> = parts.collect();
    let name = point.name.as_ref().map(|ident| format!("{} = ", ident.name)).unwrap_or_default();
    format!("{name}{}", parts.join(" : "))
}
