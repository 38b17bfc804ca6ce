//! How stable the interfaces are that scripts use: `-v` tells the least of them, and with `amin` less than that is an
//! error.
//!
//! What libraries use is theirs: their names are promised, whatever is behind them.

use std::collections::HashMap;

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::builtin;
use crate::ast::{AttributeTarget, Attributes, Clause, ExprKind, PragmaKind, ProbeSpec, ScopedName, Script, Stability};
use crate::desc::{Last, ProbeDesc};
use crate::providers::Probe;
use crate::walk;

/// The least stable of what a script uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// Of its probes, if it has any.
    pub probes: Option<Attributes>,
    /// Of what its clauses name.
    pub statements: Attributes,
}

impl Default for Minimum {
    fn default() -> Minimum {
        Minimum { probes: None, statements: Attributes::STABLE }
    }
}

/// What the `amin` of a program refuses; and the least of what it uses, clause by clause.
pub(super) struct Scale {
    amin: Option<Attributes>,
    uses: Vec<Use>,
    /// What came of the clauses so far.
    pub minimum: Minimum,
}

impl Scale {
    /// For a script of which nothing was weighed yet.
    pub fn new(amin: Option<Attributes>, script: &mut Script) -> Scale {
        Scale { amin, uses: uses(script), minimum: Minimum::default() }
    }

    /// Weighs a clause with its probes; gives what is wrong with it.
    pub fn weigh(&mut self, clause: &Clause, probes: &[Probe]) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        let least = |of: &dyn Fn(&Probe) -> Attributes| probes.iter().map(of).reduce(Attributes::least);
        let written: Vec<Option<ProbeDesc>> = clause.probes.iter().map(written).collect();
        let of_descriptions = |probe: &Probe| {
            let of = |written: &Option<ProbeDesc>| match written {
                Some(desc) => probe.layout.stability.of_description(desc),
                None => probe.layout.stability.of_description(&ProbeDesc::named(&probe.point.name)),
            };
            written.iter().map(of).reduce(Attributes::least).unwrap_or(Attributes::UNSTABLE)
        };
        if let (Some(found), Some(spec)) = (least(&of_descriptions), clause.probes.first()) {
            self.minimum.probes = Some(self.minimum.probes.map_or(found, |known| known.least(found)));
            wrong.extend(self.refused(&format!("probe description {}", spec.text), found, spec.span));
        }
        let arguments = least(&|probe| probe.layout.stability.arguments).unwrap_or(Attributes::STABLE);
        for used in within(&self.uses, clause.span) {
            let promised = match used.promise {
                Promise::Known(attributes) => attributes,
                Promise::Arguments => arguments,
            };
            self.minimum.statements = self.minimum.statements.least(promised);
            wrong.extend(self.refused(&used.what, promised, used.span));
        }
        wrong
    }

    fn refused(&self, what: &str, attributes: Attributes, span: Span) -> Option<Diagnostic> {
        let least = self.amin.filter(|least| !attributes.reaches(*least))?;
        let message = format!("attributes for {what} ({attributes}) are less than predefined minimum");
        let help = format!("the minimum is that of `-x amin={least}`");
        Some(Diagnostic::error(span, message).tag("D_ATTR_MIN").help(help))
    }
}

/// The parts of a description; a number has none, it names the whole probe.
fn written(spec: &ProbeSpec) -> Option<ProbeDesc> {
    spec.id().is_none().then(|| ProbeDesc::parse(&spec.text, Last::Name).unwrap_or_default())
}

/// A place where a script uses something.
struct Use {
    span: Span,
    /// As messages call it.
    what: String,
    promise: Promise,
}

/// Who says how stable something is.
enum Promise {
    Known(Attributes),
    /// The provider of the clause's probes, of their arguments.
    Arguments,
}

/// What is used in a part of the script. Whatever there is of it in a script of many clauses, each is looked at for its own.
fn within(uses: &[Use], part: Span) -> &[Use] {
    let from = uses.partition_point(|used| used.span.start < part.start);
    let length = uses[from..].partition_point(|used| used.span.end <= part.end);
    &uses[from..from + length]
}

/// What a script uses, in order.
fn uses(script: &mut Script) -> Vec<Use> {
    let own = own_attributes(script);
    let mut uses = Vec::new();
    walk::exprs(script, &mut |expr| {
        let (what, promise) = match &expr.kind {
            ExprKind::Name(name) => match own.get(name).copied().or_else(|| of_builtin(name)) {
                Some(attributes) => (format!("scalar {name}"), Promise::Known(attributes)),
                None if name == "args" => (format!("associative array {name}"), Promise::Arguments),
                None => return,
            },
            ExprKind::Symbol(ScopedName { scope, name, .. }) => {
                (format!("symbol {}`{name}", scope.as_deref().unwrap_or_default()), Promise::Known(Attributes::PRIVATE))
            }
            ExprKind::Call { callee, .. } => {
                (format!("function {}", callee.name), Promise::Known(of_call(&callee.name)))
            }
            _ => return,
        };
        uses.push(Use { span: expr.span, what, promise });
    });
    uses
}

/// What pragmas say of the script's own names.
fn own_attributes(script: &Script) -> HashMap<String, Attributes> {
    let of = |kind: &PragmaKind| match kind {
        PragmaKind::Attributes { attributes, target: AttributeTarget::Name(name) } => {
            Some((name.name.clone(), *attributes))
        }
        _ => None,
    };
    script.pragmas.iter().filter_map(|pragma| of(&pragma.kind)).collect()
}

fn of_builtin(name: &str) -> Option<Attributes> {
    match name {
        "args" => None,
        // Its members are the kernel's.
        "curthread" => Some(Attributes { data: Stability::Private, ..Attributes::STABLE }),
        _ => builtin::is_builtin(name).then_some(Attributes::STABLE),
    }
}

/// Subroutines that ask about what a kernel may do in other ways one day are not promised to stay.
fn of_call(name: &str) -> Attributes {
    let asks = ["mutex_", "rw_", "getm", "hton", "ntoh"].iter().any(|beginning| name.starts_with(beginning));
    if asks { Attributes::EVOLVING } else { Attributes::STABLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_has_what_is_used_in_it() {
        let used = |start, end| Use { span: Span::new(start, end), what: String::new(), promise: Promise::Arguments };
        // A call comes after what is in it.
        let uses = [used(3, 5), used(12, 14), used(10, 15), used(18, 20), used(21, 22)];
        let starts = |start, end| -> Vec<u32> {
            within(&uses, Span::new(start, end)).iter().map(|used| used.span.start).collect()
        };
        assert_eq!(starts(10, 20), [12, 10, 18]);
        assert_eq!((starts(0, 9), starts(16, 17), starts(21, 30)), (vec![3], vec![], vec![21]));
    }
}
