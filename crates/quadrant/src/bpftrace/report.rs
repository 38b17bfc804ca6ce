//! Messages about a script in bpftrace's form: `FILE:LINE:COLUMN-COLUMN: ERROR: text`, the line, and marks.

use quadrant_bpftrace::Script;
use quadrant_bpftrace::around;
use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Origin;
use quadrant_program::diag::Severity;
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;
use unicode_width::UnicodeWidthStr;

use super::follow;
use super::wording;
use crate::diag;
use crate::diag::few;
use crate::excerpt::Excerpt;
use crate::failure::shown;
use crate::failure::shown_lines;

/// What is said of a script without probes.
pub const NO_PROBES: &str = "No probes to attach\n";

/// Errors, then warnings unless they are not wanted; each line ends with a newline.
pub fn render(script: &Script, diagnostics: &[Diagnostic], warnings: bool) -> String {
    let mut wanted: Vec<Diagnostic> =
        diagnostics.iter().filter(|message| warnings || message.severity == Severity::Error).cloned().collect();
    stop_at_syntax(script, &mut wanted);
    leave_out_patterns(script, &mut wanted);
    wanted.sort_by_key(|message| (message.origin != Origin::Settings, message.severity));
    let (shown, left_out) = few(&wanted);
    let messages = shown.into_iter().map(|message| one(script, message));
    messages.chain(left_out.map(|(severity, said)| format!("{}: {said}\n", word(severity)))).collect()
}

/// Leaves out what bpftrace does not come to where the script makes no sense: the files to import.
fn stop_at_syntax(script: &Script, messages: &mut Vec<Diagnostic>) {
    let is_syntax =
        |message: &Diagnostic| wording::message(message, script.sources.slice(message.span)).starts_with("syntax: ");
    if messages.iter().any(is_syntax) {
        messages.retain(|message| !message.message.starts_with("cannot find `"));
    }
}

/// Leaves out patterns without matches of probes of which it is said that nothing is there.
fn leave_out_patterns(script: &Script, messages: &mut Vec<Diagnostic>) {
    let left_out: Vec<Span> =
        messages.iter().filter(|message| wording::is_left_out(message)).map(|message| message.span).collect();
    let is_within = |span: Span| left_out.iter().any(|probe| probe.start <= span.start && span.end <= probe.end);
    messages.retain(|message| {
        wording::is_left_out(message)
            || !is_within(message.span)
            || !wording::is_pattern_without_match(message, script.sources.slice(message.span))
    });
}

/// Whether it is the environment that is wrong, not the script.
pub fn is_of_environment(message: &Diagnostic) -> bool {
    message.severity == Severity::Error && message.origin == Origin::Environment
}

/// The place of a message, and the source with its marks; a message between them.
pub fn at(script: &Sources, start: u32, end: u32, what: &str) -> String {
    let (line, column) = script.position(start);
    let (last, end_column) = script.position(end.max(start));
    if end <= start && script.file(start).is_some_and(|file| file.span.end == start) {
        return at_end(script, start, what);
    }
    // What is missing between two characters is marked at the second one.
    let end_column = if end <= start { column + 1 } else { end_column };
    let name = script.name(start);
    let excerpt = Excerpt::new(script, Span::new(start, end));
    let dots = |is_cut: bool| if is_cut { "..." } else { "" };
    let (before, behind) = (dots(excerpt.is_cut.0), dots(excerpt.is_cut.1));
    let source = untabbed(&format!("{before}{}{behind}\n", shown_lines(excerpt.text)));
    if last > line {
        return format!("{name}:{line}-{last}: {what}\n{source}");
    }
    let width = |part: &str| untabbed(&shown_lines(part)).width();
    let indent = " ".repeat(before.len() + width(&excerpt.text[..excerpt.marked.start]));
    let marks = "~".repeat(width(&excerpt.text[excerpt.marked]).max(1));
    format!("{name}:{line}:{column}-{end_column}: {what}\n{source}{indent}{marks}\n")
}

/// What is missing where a script ends: nothing is there that could be marked.
fn at_end(script: &Sources, end: u32, what: &str) -> String {
    let (line, column) = script.position(end);
    let excerpt = Excerpt::new(script, Span::new(end, end));
    let source = untabbed(&shown_lines(excerpt.text));
    let name = script.name(end);
    let place = format!("{name}:{line}:{column}-{column}: {what}\n");
    if source.is_empty() { place } else { format!("{place}{source}\n{:width$}\n", "", width = source.width()) }
}

/// A line with its tabs as wide as bpftrace shows them.
fn untabbed(line: &str) -> String {
    line.replace('\t', "    ")
}

fn word(severity: Severity) -> String {
    diag::word(severity).to_uppercase()
}

fn one(script: &Script, diagnostic: &Diagnostic) -> String {
    let severity = word(diagnostic.severity);
    let message = shown(&wording::message(diagnostic, script.sources.slice(diagnostic.span)));
    // A script without probes has no place that could be shown, nor has the environment.
    if NO_PROBES.trim_end() == message {
        return NO_PROBES.to_owned();
    }
    let what = format!("{severity}: {message}");
    let has_sides = message.starts_with("Type mismatch for '");
    let mut text = match diagnostic.origin {
        Origin::Script => {
            placed(script, wording::marked(script, diagnostic), &what)
                + &if has_sides { sides(script, diagnostic) } else { String::new() }
                + &initial(script, diagnostic)
                + &follow::after(script.sources.text(), wording::marked(script, diagnostic), &message)
                    .iter()
                    .map(|text| placed(script, wording::marked(script, diagnostic), &format!("ERROR: syntax: {text}")))
                    .collect::<String>()
                + &elsewhere(script, diagnostic)
        }
        Origin::Environment if wording::environment(diagnostic).is_some() => format!("{message}\n"),
        _ => format!("{what}\n"),
    };
    let reason = wording::reason(diagnostic).into_iter();
    for hint in reason.chain(diagnostic.notes.iter().chain(&diagnostic.help).map(String::as_str)) {
        text.push_str(&format!("HINT: {}\n", shown(&wording::hint(hint))));
    }
    text
}

fn placed(script: &Script, span: Span, what: &str) -> String {
    at(&script.sources, span.start, span.end, what)
}

/// The other places that a message has.
fn elsewhere(script: &Script, diagnostic: &Diagnostic) -> String {
    let severity = word(diagnostic.severity);
    let place =
        |(span, text): &(Span, String)| placed(script, *span, &format!("{severity}: {}", shown(&wording::place(text))));
    diagnostic.places.iter().map(place).collect()
}

/// Of an operation whose operands do not go with each other: both, and their types.
fn sides(script: &Script, diagnostic: &Diagnostic) -> String {
    let (Some((left, right)), Some(places)) =
        (wording::sides(diagnostic), around::operands(&script.tree, diagnostic.span))
    else {
        return String::new();
    };
    let one = |span: Span, side: &str, ty: &str| placed(script, span, &format!("ERROR: {side} ({})", shown(ty)));
    one(places.0, "left", &left) + &one(places.1, "right", &right)
}

/// Of a variable that is there already: where it came to be.
fn initial(script: &Script, diagnostic: &Diagnostic) -> String {
    let found = wording::existing(diagnostic).and_then(|name| around::first(&script.tree, &name, diagnostic.span));
    let Some((place, declared)) = found else { return String::new() };
    let how = if declared { "declaration" } else { "assignment" };
    placed(script, place, &format!("ERROR: This is the initial {how}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_line_and_marks() {
        let script = Script::alone("stdin", "BEGIN {\n x }\n");
        let error = Diagnostic::error(Span::new(9, 10), "unknown name `x`").help("try");
        let warning = Diagnostic::warning(Span::new(0, 9), "odd");
        let text = render(&script, &[warning.clone(), error], true);
        let expected = "stdin:2:2-3: ERROR: Unknown identifier: 'x'\n x }\n ~\nHINT: try\nstdin:1-2: WARNING: odd\nBEGIN {\n x }\n";
        assert_eq!(text, expected);
        assert_eq!(render(&script, &[warning], false), "");
    }

    #[test]
    fn a_variable_that_exists_is_shown_where_it_came_to_be() {
        let script = Script::alone("stdin", "BEGIN { $x = 1; let $x; }\n");
        let error = Diagnostic::error(Span::new(16, 22), "`$x` already exists (line 1)");
        let text = render(&script, &[error], true);
        assert!(text.contains("\nstdin:1:9-15: ERROR: This is the initial assignment.\nBEGIN { $x = 1; let"), "{text}");
    }

    #[test]
    fn marks_stand_below_what_they_mark_behind_tabs_too() {
        let script = Script::alone("stdin", "\t\tx;\n");
        let text = render(&script, &[Diagnostic::error(Span::new(2, 3), "odd")], true);
        assert_eq!(text, "stdin:1:3-4: ERROR: odd\n        x;\n        ~\n");
    }

    #[test]
    fn tabs_of_several_lines_are_as_wide() {
        let script = Script::alone("stdin", "\tx\n\ty;\n");
        let text = render(&script, &[Diagnostic::error(Span::new(1, 5), "odd")], true);
        assert!(text.starts_with("stdin:1-2: ERROR: odd\n    x\n") && !text.contains('\t'), "{text}");
    }

    /// A script may name things as messages do.
    #[test]
    fn only_what_is_not_in_the_script_has_no_place() {
        let script = Script::alone("stdin", "x { }\n");
        let error = Diagnostic::error(Span::new(0, 1), "no `/x, set in the environment, y`");
        assert!(!is_of_environment(&error));
        assert!(render(&script, std::slice::from_ref(&error), true).starts_with("stdin:1:1-2: ERROR: no"));
        let unset = Diagnostic::warning(Span::new(0, 1), "odd").from(Origin::Settings).help("set it");
        assert_eq!(render(&script, &[unset], true), "WARNING: odd\nHINT: set it\n");
        let error = error.from(Origin::Environment);
        assert!(is_of_environment(&error));
        assert_eq!(render(&script, &[error], true), "ERROR: no `/x, set in the environment, y`\n");
    }

    #[test]
    fn what_is_missing_has_a_mark() {
        let script = Script::alone("stdin", "f() $x\n");
        let text = render(&script, &[Diagnostic::error(Span::new(3, 3), "odd")], true);
        assert_eq!(text, "stdin:1:4-5: ERROR: odd\nf() $x\n   ~\n");
    }

    #[test]
    fn marks_stand_below_wide_characters() {
        let script = Script::alone("stdin", "\"日本é\" x;\n");
        let text = render(&script, &[Diagnostic::error(Span::new(11, 12), "odd")], true);
        assert_eq!(text, "stdin:1:12-13: ERROR: odd\n\"日本é\" x;\n        ~\n");
    }

    #[test]
    fn a_line_without_end_is_shown_near_the_mark() {
        let script = Script::alone("stdin", &format!("{}x;{}", " ".repeat(50_000), " ".repeat(50_000)));
        let text = render(&script, &[Diagnostic::error(Span::new(50_000, 50_001), "odd")], true);
        let (space, marks) = (" ".repeat(300), " ".repeat(303));
        assert_eq!(text, format!("stdin:1:50001-50002: ERROR: odd\n...{space}x;{}...\n{marks}~\n", &space[1..]));
    }

    #[test]
    fn of_many_messages_some_are_shown() {
        let script = Script::alone("stdin", "BEGIN { }\n");
        let warning = Diagnostic::warning(Span::new(0, 5), "odd");
        let text = render(&script, &vec![warning; 103], true);
        assert_eq!(text.matches("stdin:1:1-6: WARNING: odd").count(), 100);
        assert!(text.ends_with("\nWARNING: 3 more warnings are not shown\n"), "{text}");
    }

    #[test]
    fn places_outside_the_text_do_not_hurt() {
        let script = Script::alone("stdin", "é");
        render(&script, &[Diagnostic::error(Span::new(1, 900), "x")], true);
        render(&Script::alone("stdin", ""), &[Diagnostic::error(Span::new(0, 9), "x")], true);
    }
}
