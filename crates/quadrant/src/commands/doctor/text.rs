//! The examination for people.

use quadrant_inspect::doctor::Area;
use quadrant_inspect::doctor::Check;
use quadrant_inspect::doctor::Fact;
use quadrant_inspect::doctor::Report;
use quadrant_inspect::doctor::Verdict;

use crate::commands::escaped;

/// Width of lines.
const WIDTH: usize = 120;

/// Before a check's explanation.
const INDENT: &str = "           ";

/// Everything, the summary first.
pub fn text(report: &Report) -> String {
    let areas = Area::ALL.iter().map(|area| section(*area, &report.checks));
    let parts = std::iter::once(summary(report)).chain(areas).chain([machine(&report.machine)]);
    parts.collect::<Vec<_>>().join("\n")
}

fn summary(report: &Report) -> String {
    let value = |name: &str| report.machine.iter().find(|fact| fact.name == name)?.value.clone();
    let release = escaped(value("kernel.release").unwrap_or_default().as_bytes());
    let untried = report.checks.iter().find(|check| check.verdict == Verdict::Untried);
    let answer = match (report.able, untried) {
        (true, _) => "scripts can run here".to_owned(),
        (false, None) => "scripts cannot run here".to_owned(),
        (false, Some(check)) => {
            format!("scripts cannot run as this user: {}\nuntried things are not known; {}", check.why, check.fix)
        }
    };
    format!("Quadrant {} on Linux {release}, {}: {answer}\n", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)
}

fn section(area: Area, checks: &[Check]) -> String {
    let mut text = format!("{}\n", area.title());
    let mut before = None;
    for check in checks.iter().filter(|check| check.area == area) {
        text.push_str(&line(check, before));
        before = Some(check);
    }
    text
}

/// A check, and if it fails its explanation, as far as it is not that of the one before.
fn line(check: &Check, before: Option<&Check>) -> String {
    let verdict = match check.verdict {
        Verdict::Works => "yes",
        Verdict::Fails => "no",
        Verdict::Untried => "untried",
    };
    let aside = match (&check.errno, check.detail.as_str()) {
        (Some(errno), _) => format!(": {errno}"),
        (None, "") => String::new(),
        (None, detail) => format!(": {}", escaped(detail.as_bytes())),
    };
    let mut text = format!("  {verdict:7}  {}{aside}\n", check.name);
    if check.verdict == Verdict::Fails {
        explain(&mut text, check, before);
    }
    text
}

fn explain(text: &mut String, check: &Check, before: Option<&Check>) {
    let of = |check: &'_ Check| [check.why.clone(), check.fix.clone(), check.instead.to_owned()];
    let before = before.map(of).unwrap_or_default();
    for ((label, new), old) in ["why", "do", "instead"].iter().zip(of(check)).zip(before) {
        if !new.is_empty() && new != old {
            text.push_str(&wrapped(&format!("{label}: {}", escaped(new.as_bytes()))));
        }
    }
}

/// Lines with an indent, broken at blanks.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("{INDENT}  {word}")),
            None => lines.push(format!("{INDENT}{word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn machine(facts: &[Fact]) -> String {
    let width = facts.iter().map(|fact| fact.name.len()).max().unwrap_or(0);
    let lines = facts.iter().map(|fact| {
        let value = fact.value.as_deref().unwrap_or("unknown");
        format!("  {:width$}  {}\n", fact.name, escaped(value.as_bytes()))
    });
    std::iter::once("For a bug report\n".to_owned()).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_are_wrapped() {
        let text = wrapped(&"word ".repeat(60));
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.len() <= WIDTH && line.starts_with(INDENT)));
    }
}
