//! Messages about a script in bpftrace's form: `FILE:LINE:COLUMN-COLUMN: ERROR: text`, the line, and marks.

use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;

use super::wording;
use crate::failure::shown;
use quadrant_program::sources::Sources;

/// Errors, then warnings unless they are not wanted; each line ends with a newline.
pub fn render(script: &Sources, diagnostics: &[Diagnostic], warnings: bool) -> String {
    let of = |severity| diagnostics.iter().filter(move |diagnostic| diagnostic.severity == severity);
    let warned = of(Severity::Warning).filter(|_| warnings);
    of(Severity::Error).chain(warned).map(|diagnostic| one(script, diagnostic)).collect()
}

/// The place of a message, and the source with its marks; a message between them.
pub fn at(script: &Sources, start: u32, end: u32, what: &str) -> String {
    let (line, column) = script.position(start);
    let (last, end_column) = script.position(end.max(start));
    // What is missing between two characters is marked at the second one.
    let end_column = if end <= start { column + 1 } else { end_column };
    let (name, text) = script.file(start).map_or(("", ""), |file| (file.name.as_str(), script.text_of(file)));
    let lines = text.lines().skip(line as usize - 1).take((last - line) as usize + 1);
    let source: String = lines.clone().map(|line| format!("{}\n", shown(&untabbed(line)))).collect();
    if last > line {
        return format!("{name}:{line}-{last}: {what}\n{source}");
    }
    let marks = "~".repeat((end_column - column) as usize);
    let before: String = lines.flat_map(str::chars).take(column as usize - 1).collect();
    let indent = " ".repeat(untabbed(&before).chars().count().max(column as usize - 1));
    format!("{name}:{line}:{column}-{end_column}: {what}\n{source}{indent}{marks}\n")
}

/// A line with its tabs as wide as bpftrace shows them.
fn untabbed(line: &str) -> String {
    line.replace('\t', "    ")
}

fn one(script: &Sources, diagnostic: &Diagnostic) -> String {
    let marked = script.slice(diagnostic.span);
    let end = diagnostic.span.end as usize;
    let severity = match diagnostic.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    let message = shown(&wording::message(diagnostic, marked));
    // A script without probes has no place that could be shown, nor has the environment.
    if message == "No probes to attach" {
        return format!("{message}\n");
    }
    let nowhere =
        ["Script is using an unstable feature", ", set in the environment, ", ", given on the command line, "];
    if nowhere.iter().any(|origin| message.contains(origin)) {
        return format!("{severity}: {message}\n");
    }
    let end = if message.starts_with("Unknown function") { call_end(script.text(), end) } else { end };
    let mut text = at(script, diagnostic.span.start, end as u32, &format!("{severity}: {message}"));
    for hint in diagnostic.notes.iter().chain(&diagnostic.help) {
        text.push_str(&format!("HINT: {}\n", shown(hint)));
    }
    text
}

/// Where a call ends whose name ends there: the whole of it is marked.
fn call_end(text: &str, name_end: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().skip(name_end) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return at + 1,
            b')' => depth -= 1,
            b'\n' | b';' => break,
            _ => {}
        }
    }
    name_end
}

#[cfg(test)]
mod tests {
    use quadrant_program::span::Span;

    use super::*;

    #[test]
    fn a_message_has_its_line_and_marks() {
        let script = Sources::new("stdin", "BEGIN {\n x }\n");
        let error = Diagnostic::error(Span::new(9, 10), "unknown name `x`").help("try");
        let warning = Diagnostic::warning(Span::new(0, 9), "odd");
        let text = render(&script, &[warning.clone(), error], true);
        let expected = "stdin:2:2-3: ERROR: Unknown identifier: 'x'\n x }\n ~\nHINT: try\nstdin:1-2: WARNING: odd\nBEGIN {\n x }\n";
        assert_eq!(text, expected);
        assert_eq!(render(&script, &[warning], false), "");
    }

    #[test]
    fn marks_stand_below_what_they_mark_behind_tabs_too() {
        let script = Sources::new("stdin", "\t\tx;\n");
        let text = render(&script, &[Diagnostic::error(Span::new(2, 3), "odd")], true);
        assert_eq!(text, "stdin:1:3-4: ERROR: odd\n        x;\n        ~\n");
    }

    #[test]
    fn what_is_missing_has_a_mark() {
        let script = Sources::new("stdin", "f() $x\n");
        let text = render(&script, &[Diagnostic::error(Span::new(3, 3), "odd")], true);
        assert_eq!(text, "stdin:1:4-5: ERROR: odd\nf() $x\n   ~\n");
    }

    #[test]
    fn places_outside_the_text_do_not_hurt() {
        let script = Sources::new("stdin", "é");
        render(&script, &[Diagnostic::error(Span::new(1, 900), "x")], true);
        render(&Sources::new("stdin", ""), &[Diagnostic::error(Span::new(0, 9), "x")], true);
    }
}
