//! Messages about programs, as DTrace words them.

use quadrant_d::lower::Compiled;
use quadrant_d::lower::SourceKind;
use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;
use quadrant_program::span::Span;

use super::sources::Loaded;
use crate::failure::shown_lines;

/// The first error of a compilation: those behind it may only follow from it.
pub fn first_error(loaded: &[Loaded], compiled: &Compiled, tags: bool) -> String {
    let error = compiled.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    error.map_or(String::new(), |error| placed(loaded, compiled, error, tags))
}

/// What is no mistake, but not what a script for other systems means. With tags, messages are for programs that compare them.
pub fn warnings(loaded: &[Loaded], compiled: &Compiled) -> String {
    let warnings = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning);
    let shown = warnings.filter_map(|warning| {
        let part = compiled.texts.place(warning.span).part?;
        let source = loaded.get(part.source?)?;
        let position = source.lines.position(within(warning.span, part.span).start);
        let name = position.file.unwrap_or(match source.source.kind {
            SourceKind::Script => &source.source.name,
            _ => "",
        });
        let name = if name.is_empty() { String::new() } else { format!("{}: ", shown_lines(name)) };
        Some(format!("dtrace: warning: {name}line {}: {}\n", position.line, shown_lines(&warning.message)))
    });
    if compiled.options.errtags { String::new() } else { shown.collect() }
}

/// A program without anything in it.
pub fn empty(loaded: &Loaded, tags: bool) -> String {
    let help = "an empty program is no error with `-x empty`";
    let len = loaded.source.text.len() as u32;
    let end = Span { start: len, end: len };
    let diagnostic = Diagnostic::error(end, "empty D program translation unit").tag("D_EMPTY").help(help);
    message(loaded, &diagnostic, end, tags)
}

/// Whether nothing is wrong but that actions which change the system are not allowed.
pub fn lacks_permission(compiled: &Compiled) -> bool {
    let mut errors = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.all(|error| error.tag == Some("D_ACT_DESTRUCT"))
}

/// A message about a place in any of the texts.
pub fn placed(loaded: &[Loaded], compiled: &Compiled, diagnostic: &Diagnostic, tags: bool) -> String {
    let place = compiled.texts.place(diagnostic.span);
    let source = place.part.and_then(|part| Some((part, loaded.get(part.source?)?)));
    match (source, place.part) {
        (Some((part, source)), _) => message(source, diagnostic, within(diagnostic.span, part.span), tags),
        (None, part) => {
            let name = part.map_or("", |part| part.name.as_str());
            let text =
                format!("failed to compile library {name}: line {}: {}", place.line, shown_lines(&diagnostic.message));
            finish(&text, diagnostic)
        }
    }
}

fn within(span: Span, part: Span) -> Span {
    Span { start: span.start.saturating_sub(part.start), end: span.end.saturating_sub(part.start) }
}

/// A message of a later stage, which knows places in the sources only by their order: one behind the other.
pub fn in_sources(loaded: &[Loaded], diagnostic: &Diagnostic) -> String {
    let mut start = 0;
    for one in loaded {
        let part = Span { start, end: start + one.source.text.len() as u32 };
        if diagnostic.span.start <= part.end {
            return message(one, diagnostic, within(diagnostic.span, part), false);
        }
        start = part.end + 1;
    }
    finish(&shown_lines(&diagnostic.message), diagnostic)
}

/// A message about a place in one text.
pub fn message(loaded: &Loaded, diagnostic: &Diagnostic, span: Span, tags: bool) -> String {
    let tag = if tags { format!("[{}] ", diagnostic.tag.unwrap_or("D_UNKNOWN")) } else { String::new() };
    let position = loaded.lines.position(span.start);
    let file = position.file.map_or(String::new(), |file| format!("\"{file}\", "));
    let (name, said) = (shown_lines(&loaded.source.name), shown_lines(&diagnostic.message));
    let text = match loaded.source.kind {
        SourceKind::Script => {
            format!("failed to compile script {name}: {tag}{file}line {}: {said}", position.line)
        }
        _ => format!("invalid probe specifier {name}: {tag}{}{said}", region(loaded, diagnostic, span)),
    };
    // With tags, messages are for programs that compare them.
    if tags { format!("dtrace: {text}\n") } else { finish(&text, diagnostic) }
}

/// Mistakes of actions and of the grammar, which DTrace finds before it looks into expressions, by the beginning of their tags.
const WITHOUT_REGION: [&str; 20] = [
    "D_MACRO_",
    "D_SYNTAX",
    "D_FUNC_UNDEF",
    "D_PRINTF_",
    "D_PRINTA_",
    "D_TRACE_",
    "D_TRACEMEM_",
    "D_CLEAR_",
    "D_TRUNC_",
    "D_NORMALIZE_",
    "D_LQUANT_",
    "D_LLQUANT_",
    "D_SPEC_",
    "D_COMM_",
    "D_DREC_",
    "D_EXIT_",
    "D_ACT_",
    "D_AGG_SPEC",
    "D_AGG_COMM",
    "D_STACK_SIZE",
];

/// In which part of a clause a mistake in an expression is; texts of the command line have no lines to count.
fn region(loaded: &Loaded, diagnostic: &Diagnostic, span: Span) -> String {
    let tag = diagnostic.tag.unwrap_or_default();
    if WITHOUT_REGION.iter().any(|beginning| tag.starts_with(beginning)) {
        return String::new();
    }
    let region = loaded.regions.iter().find(|(region, _)| region.start <= span.start && span.end <= region.end);
    region.map_or(String::new(), |(_, name)| format!("in {name}: "))
}

fn finish(text: &str, diagnostic: &Diagnostic) -> String {
    let mut all = format!("dtrace: {text}\n");
    for help in diagnostic.help.iter().chain(&diagnostic.notes) {
        all.push_str(&format!("  help: {}\n", shown_lines(help)));
    }
    all
}
