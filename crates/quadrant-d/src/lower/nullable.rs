//! Which texts may become NULL, found before anything is lowered: a clause may use a text that a later one makes NULL.
//!
//! Nothing that may be NULL is missed. What is found needlessly, because a name stands for all that have it, costs a mark that stays 0.

use std::collections::{HashMap, HashSet};

use super::builtin::is_builtin;
use super::env::Library;
use super::nulls::Names;
use super::vars::variable_named;
use crate::ast::{Expr, ExprKind, Inline, Item, Scope, Script, Translator};
use crate::{library, walk};

/// Functions that give NULL if they find nothing.
const SEARCHES: &[&str] = &["strchr", "strrchr", "strstr", "strtok"];

/// The variables to which NULL may be assigned, by way of others too.
pub(super) fn names(scripts: &mut [Script], libraries: &[Library]) -> Names {
    let mut parsed: Vec<Script> = libraries.iter().map(|library| crate::parse(&library.text).script).collect();
    let mut flows = Flows::default();
    scripts.iter().chain(&parsed).for_each(|script| flows.declare(script));
    scripts.iter_mut().chain(&mut parsed).for_each(|script| flows.script(script));
    flows.nullable()
}

/// What holds a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    /// A variable; as global ones, inlines and parameters too.
    Variable(Scope, String),
    /// A member of what translators make.
    Member(String),
    /// What is translated.
    Input,
}

/// Which values get where.
#[derive(Default)]
struct Flows {
    /// Where the value of a holder is given to.
    to: HashMap<Holder, Vec<Holder>>,
    /// What may get NULL other than from a holder.
    nulls: Vec<Holder>,
    /// Words that stand for variables, inlines or parameters. Others may be constants, of which 0 is NULL.
    words: HashSet<String>,
    /// The parameters of inlines.
    params: HashMap<String, Vec<String>>,
    /// Words that were looked up in the libraries that are built in.
    tried: HashSet<String>,
}

impl Flows {
    fn declare(&mut self, script: &Script) {
        for item in &script.items {
            match item {
                Item::Inline(inline) => self.declare_inline(inline),
                Item::Translator(translator) => {
                    self.words.extend(translator.input.name.iter().map(|name| name.name.clone()));
                }
                Item::Declaration(declaration) => {
                    let names = declaration.declared.iter().filter_map(|declared| declared.name.as_ref());
                    self.words.extend(names.map(|name| name.name.clone()));
                }
                Item::Clause(_) | Item::Provider(_) => {}
            }
        }
    }

    fn declare_inline(&mut self, inline: &Inline) {
        let params = inline.params.iter().flatten();
        let params: Vec<String> =
            params.map(|param| param.name.as_ref().map(|name| name.name.clone()).unwrap_or_default()).collect();
        self.words.insert(inline.name.name.clone());
        self.words.extend(params.iter().cloned());
        // A script's inline and a library's may have one name.
        self.params.entry(inline.name.name.clone()).or_default().extend(params);
    }

    fn script(&mut self, script: &mut Script) {
        for item in &script.items {
            match item {
                Item::Inline(inline) => self.flow(&inline.value, &global(&inline.name.name)),
                Item::Translator(translator) => self.translator(translator),
                _ => {}
            }
        }
        walk::exprs(script, &mut |expr| self.expr(expr));
    }

    fn translator(&mut self, translator: &Translator) {
        if let Some(name) = &translator.input.name {
            self.to.entry(Holder::Input).or_default().push(global(&name.name));
        }
        for (name, value) in &translator.members {
            self.flow(value, &Holder::Member(name.name.clone()));
        }
    }

    /// What an expression gives to holders itself.
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Assign { op: None, target, value, .. } => self.assign(target, value),
            ExprKind::Index { base, keys } => self.arguments(base, keys),
            ExprKind::Xlate { operand, .. } => self.flow(operand, &Holder::Input),
            _ => {}
        }
    }

    /// Elements are not looked at: any of them may be NULL.
    fn assign(&mut self, target: &Expr, value: &Expr) {
        let Some((scope @ (Scope::Global | Scope::Clause), name, None)) = variable_named(target) else { return };
        if scope == Scope::Global {
            self.words.insert(name.to_owned());
        }
        self.flow(value, &Holder::Variable(scope, name.to_owned()));
    }

    /// All that one argument may be is given to all parameters that inlines of that name have.
    fn arguments(&mut self, base: &Expr, keys: &[Expr]) {
        let ExprKind::Name(name) = &base.kind else { return };
        self.look_up(name);
        for param in self.params.get(name).cloned().unwrap_or_default() {
            keys.iter().for_each(|key| self.flow(key, &global(&param)));
        }
    }

    /// Gives what a value may be to a holder.
    fn flow(&mut self, value: &Expr, into: &Holder) {
        match &value.kind {
            ExprKind::Name(name) => self.flow_from(global(name), into),
            ExprKind::Scoped { scope: Scope::Clause, name } => {
                self.flow_from(Holder::Variable(Scope::Clause, name.name.clone()), into);
            }
            ExprKind::Index { base, .. } => self.flow_of_index(base, into),
            ExprKind::Field { name, .. } => self.flow_from(Holder::Member(name.name.clone()), into),
            ExprKind::Ternary { then, other, .. } => {
                self.flow(then, into);
                self.flow(other, into);
            }
            ExprKind::Comma(parts) => parts.last().into_iter().for_each(|last| self.flow(last, into)),
            ExprKind::Assign { target: inner, .. } | ExprKind::Cast { operand: inner, .. } => self.flow(inner, into),
            ExprKind::Call { callee, .. } if !SEARCHES.contains(&callee.name.as_str()) => {}
            ExprKind::Int(number) if number.value != 0 => {}
            ExprKind::Str(_) | ExprKind::Stringof(_) | ExprKind::Symbol(_) | ExprKind::Agg { .. } => {}
            _ => self.nulls.push(into.clone()),
        }
    }

    fn flow_of_index(&mut self, base: &Expr, into: &Holder) {
        if let ExprKind::Name(name) = &base.kind {
            self.look_up(name);
            if self.params.contains_key(name) {
                return self.flow_from(global(name), into);
            }
        }
        self.nulls.push(into.clone());
    }

    fn flow_from(&mut self, from: Holder, into: &Holder) {
        if let Holder::Variable(Scope::Global, name) = &from {
            self.look_up(name);
        }
        self.to.entry(from).or_default().push(into.clone());
    }

    /// Sees what the libraries that are built in have under a name.
    fn look_up(&mut self, name: &str) {
        if self.words.contains(name) || !self.tried.insert(name.to_owned()) {
            return;
        }
        for item in library::items(name) {
            let mut parsed = crate::parse(item.text);
            self.declare(&parsed.script);
            self.script(&mut parsed.script);
        }
    }

    /// All variables that NULL may reach.
    fn nullable(mut self) -> Names {
        let is_constant = |from: &&Holder| match from {
            Holder::Variable(Scope::Global, name) => !self.words.contains(name) && !is_builtin(name),
            _ => false,
        };
        let constants = self.to.keys().filter(is_constant);
        let mut open: Vec<Holder> = constants.cloned().chain(std::mem::take(&mut self.nulls)).collect();
        let mut reached = HashSet::new();
        while let Some(holder) = open.pop() {
            if reached.insert(holder.clone()) {
                open.extend(self.to.get(&holder).into_iter().flatten().cloned());
            }
        }
        reached.into_iter().filter_map(Holder::variable).collect()
    }
}

impl Holder {
    fn variable(self) -> Option<(Scope, String)> {
        match self {
            Holder::Variable(scope, name) => Some((scope, name)),
            _ => None,
        }
    }
}

/// What holds the value of a word.
fn global(name: &str) -> Holder {
    Holder::Variable(Scope::Global, name.to_owned())
}
