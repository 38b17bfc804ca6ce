//! What a probe's meaning depends on, judged by the words in it and in the macros, functions and constants that it uses.

use super::Lower;
use super::call::is_function;
use crate::ast::{Expr, ExprKind, MacroParam, Probe};
use crate::parser::parse_expr_at;
use crate::walk::{Node, walk_block, walk_expr, walk_probe};

/// What a body's meaning depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    /// The kind of probe.
    pub kind: bool,
    /// The arguments' names and places.
    pub args: bool,
    /// The executable.
    pub path: bool,
    /// The names and types of arguments or of the result, which are looked up in debug information.
    pub names: bool,
    /// It means something in some kinds of probes only.
    pub probe: bool,
    /// Each point is by itself: points with the same arguments can have them from different types.
    pub alone: bool,
    /// It asks for a process's descendants, so it is for other processes than that of `-c` or `-p`, too.
    pub descendants: bool,
}

/// Functions with arguments that are words of their own.
const WITH_WORDS: &[&str] = &["kstack", "ustack", "nsecs", "pid", "tid"];

/// Functions of texts: a probe's name is one, where it is known which probe it is.
const OF_TEXTS: &[&str] = &["memcmp", "str", "str_concat", "strcontains", "strlen", "strncmp", "strstr"];

/// What some kinds of probes have, and others do not.
const OF_PROBES: &[&str] = &[
    "args",
    "ctx",
    "func",
    "kstack",
    "override",
    "reg",
    "retval",
    "signal",
    "signal_thread",
    "skboutput",
    "socket_cookie",
    "uaddr",
    "usermode",
    "ustack",
    "write_user",
];

impl Lower<'_> {
    /// What the meaning of a probe's predicate and body depends on.
    pub(super) fn needs(&self, probe: &Probe) -> Needs {
        let mut words = Words { lower: self, needs: Needs::default(), hidden: Vec::new(), own: 0 };
        walk_probe(probe, &mut |node| words.see(node, &[]));
        words.all()
    }

    /// Whether a function of the script reads what some probes only have.
    pub(super) fn depends_on_probe(&self, function: &str) -> bool {
        let hidden = vec![function.to_owned()];
        Words { lower: self, needs: Needs::default(), hidden, own: 0 }.all().probe
    }
}

/// The words so far.
struct Words<'a> {
    lower: &'a Lower<'a>,
    needs: Needs,
    /// Names of macros, functions and constants, each once: their texts belong to the probe, too.
    hidden: Vec<String>,
    /// So many of the next names are words of the function that was called last.
    own: usize,
}

impl Words<'_> {
    /// Follows all names.
    fn all(mut self) -> Needs {
        let mut next = 0;
        while let Some(name) = self.hidden.get(next).cloned() {
            self.follow(&name);
            next += 1;
        }
        self.needs
    }

    /// Looks at what a macro, a function or a constant stands for.
    fn follow(&mut self, name: &str) {
        let lower = self.lower;
        for def in lower.macros.get(name).into_iter().flatten() {
            walk_block(&def.body, &mut |node| self.see(node, &def.params));
        }
        if let Some(body) = lower.body_of_fn(name) {
            // The types of its parameters and its result may be the executable's.
            (self.needs.kind, self.needs.path) = (true, true);
            walk_block(body, &mut |node| self.see(node, &[]));
        }
        if let Some(text) = lower.preamble.constant(name) {
            let (expr, _) = parse_expr_at(lower.sources.text(), text);
            walk_expr(&expr, &mut |node| self.see(node, &[]));
        }
    }

    /// `params` are those of the macro in which the word stands: arguments are looked at where they are given.
    fn see(&mut self, node: Node, params: &[MacroParam]) {
        match node {
            Node::Name(name) if params.iter().any(|param| matches!(param, MacroParam::Expr(it) if it.name == name)) => {
            }
            Node::Name(name) => self.name(name),
            Node::Call(name, args) => {
                let is_name = |arg: &&Expr| matches!(arg.kind, ExprKind::Name(_));
                self.own = if WITH_WORDS.contains(&name) { args.iter().filter(is_name).count() } else { 0 };
                // What is no function of the language may be one of the kernel's, which only some programs may call.
                let is_foreign = !self.word(name) && !is_function(name);
                self.needs.kind |= is_foreign;
                self.needs.probe |= is_foreign && self.lower.env.types.btf_func(name).is_ok();
                self.needs.alone |= OF_TEXTS.contains(&name) && args.iter().any(is_of_point);
            }
            Node::Infix(_, sides) => self.needs.alone |= sides.into_iter().any(is_of_point),
            // Where an address points depends on the kind of probe.
            Node::Cast | Node::Deref => self.needs.kind = true,
            // An executable has types of its own.
            Node::NamedType => (self.needs.kind, self.needs.path) = (true, true),
            _ => {}
        }
    }

    fn name(&mut self, name: &str) {
        if self.own > 0 {
            self.own -= 1;
        } else if !self.word(name) && !self.lower.is_builtin(name) {
            // It may be a constant of the executable's, also where headers have one of that name.
            self.needs.path = true;
        }
    }

    /// Whether it is a word of the script's or one that depends on the probe.
    fn word(&mut self, word: &str) -> bool {
        let needs = &mut self.needs;
        needs.probe |= is_numbered(word) || OF_PROBES.contains(&word);
        match word {
            word if self.lower.hides(word) => {
                if !self.hidden.iter().any(|known| known == word) {
                    self.hidden.push(word.to_owned());
                }
            }
            "args" | "retval" => (needs.kind, needs.args, needs.names) = (true, true, true),
            "ctx" => (needs.kind, needs.args) = (true, true),
            "progenyof" => needs.descendants = true,
            // How far a symbol is from the probe, each has for itself.
            "uaddr" => (needs.kind, needs.alone) = (true, true),
            "func" | "reg" | "str" | "buf" | "join" | "ntop" | "macaddr" | "signal" | "signal_thread" | "kstack"
            | "ustack" | "usermode" | "probetype" | "path" | "override" | "write_user" | "socket_cookie"
            | "skboutput" | "kfunc_allowed" => needs.kind = true,
            word if is_numbered(word) => (needs.kind, needs.args) = (true, true),
            _ => return false,
        }
        true
    }
}

/// Whether this is the probe's name, or its function's.
fn is_of_point(value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::Name(name) if name == "probe" || name == "func")
}

/// Whether the word is `arg0`, `arg1`, ..., or `sarg0`, ...
fn is_numbered(word: &str) -> bool {
    let number = word.strip_prefix('s').unwrap_or(word).strip_prefix("arg");
    number.is_some_and(|digits| digits.parse::<u8>().is_ok())
}
