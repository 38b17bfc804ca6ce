//! Probes by what they belong to: a subsystem, a module, a file; with counts.

use std::collections::BTreeMap;

use super::pattern::split;

/// A group of probes, or a probe.
#[derive(Debug, Default)]
pub struct Tree {
    /// By the next part of their names.
    below: BTreeMap<String, Tree>,
    /// Probes here and below.
    probes: usize,
    /// The arguments of the probe that this is.
    arguments: Vec<String>,
}

impl Tree {
    /// Adds a probe by its full name; one that is known already is none more.
    pub fn add(&mut self, name: &str, arguments: Vec<String>) {
        let parts = split(name);
        let known = parts.iter().try_fold(&*self, |tree, part| tree.below.get(part)).is_some();
        self.probes += usize::from(!known);
        let mut tree = self;
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            tree = tree.below.entry(part).or_default();
            tree.probes += usize::from(!known);
        }
        tree.arguments = arguments;
    }

    /// A line for each group with its count, and, unless `groups_only`, for each probe.
    pub fn lines(&self, groups_only: bool) -> Vec<String> {
        let mut lines = Vec::new();
        self.write(0, groups_only, &mut lines);
        lines
    }

    fn write(&self, depth: usize, groups_only: bool, lines: &mut Vec<String>) {
        let indent = "  ".repeat(depth);
        for (name, tree) in &self.below {
            match tree.below.is_empty() {
                true if groups_only => continue,
                true => lines.push(format!("{indent}{name}")),
                false => lines.push(format!("{indent}{name} ({})", tree.probes)),
            }
            lines.extend(tree.arguments.iter().map(|argument| format!("{indent}    {argument}")));
            tree.write(depth + 1, groups_only, lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let mut tree = Tree::default();
        let names =
            ["tracepoint:sched:sched_switch", "tracepoint:sched:sched_waking", "tracepoint:irq:irq_handler_entry"];
        names.iter().for_each(|name| tree.add(name, Vec::new()));
        tree.add("software:faults:", vec!["int x".to_owned()]);
        tree
    }

    #[test]
    fn groups_have_counts() {
        let wanted = [
            "software (1)",
            "  faults",
            "      int x",
            "tracepoint (3)",
            "  irq (1)",
            "    irq_handler_entry",
            "  sched (2)",
            "    sched_switch",
            "    sched_waking",
        ];
        assert_eq!(sample().lines(false), wanted);
        assert_eq!(sample().lines(true), ["software (1)", "tracepoint (3)", "  irq (1)", "  sched (2)"]);
    }

    #[test]
    fn a_probe_counts_once() {
        let mut tree = sample();
        tree.add("tracepoint:sched:sched_switch", Vec::new());
        assert_eq!(tree.lines(true)[3], "  sched (2)");
    }
}
