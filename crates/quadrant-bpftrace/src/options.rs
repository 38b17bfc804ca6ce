//! The parameters that a script names with `getopt("name", default, "help")`.

use std::collections::BTreeMap;

use crate::ast::{Expr, ExprKind, Item, Script};
use crate::walk::{Node, walk_probe};

/// A named parameter of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameter {
    /// The name, without dashes.
    pub name: String,
    /// What the script says of it; may be empty.
    pub help: String,
}

/// The named parameters of a script's probes, by name, each once.
pub fn parameters(script: &Script) -> Vec<Parameter> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let probes = script.items.iter().filter_map(|item| if let Item::Probe(probe) = item { Some(probe) } else { None });
    for probe in probes {
        walk_probe(probe, &mut |node| {
            let Node::Call("getopt", args) = node else { return };
            let Some(name) = args.first().and_then(text) else { return };
            let help = found.entry(name).or_default();
            if let Some(given) = args.get(2).and_then(text) {
                *help = given;
            }
        });
    }
    found.into_iter().map(|(name, help)| Parameter { name, help }).collect()
}

fn text(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Str(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_once_with_its_help() {
        let script = crate::parse(
            r#"BEGIN { $a = getopt("num", 5, "how many"); if (getopt("flag")) { print(getopt("num", 5)); } }"#,
        );
        let parameter = |name: &str, help: &str| Parameter { name: name.to_owned(), help: help.to_owned() };
        assert_eq!(parameters(&script.script), [parameter("flag", ""), parameter("num", "how many")]);
    }
}
