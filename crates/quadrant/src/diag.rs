//! Messages about a script, in the style of rustc.

use annotate_snippets::Annotation;
use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Origin;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;
use annotate_snippets::Title;
use quadrant_output::escape;
use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;
use std::collections::HashMap;
use std::ops::Range;

use crate::excerpt::Excerpt;
use crate::failure::shown;
use crate::failure::shown_lines;

/// Messages of a severity that are shown.
const SHOWN: usize = 100;

/// Render messages; each ends with a newline.
pub fn render(script: &Sources, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let (shown, left_out) = few(diagnostics);
    let messages = shown.into_iter().map(|message| format!("{}\n", one(script, message, &renderer)));
    messages.chain(left_out.map(|(severity, said)| format!("{}: {said}\n", word(severity)))).collect()
}

/// The messages that are shown, and what is said of the others of a severity.
pub fn few(diagnostics: &[Diagnostic]) -> (Vec<&Diagnostic>, impl Iterator<Item = (Severity, String)>) {
    let mut number = HashMap::new();
    let mut is_shown = |message: &&Diagnostic| {
        let number = number.entry(message.severity).or_insert(0);
        *number += 1;
        *number <= SHOWN
    };
    let shown = diagnostics.iter().filter(&mut is_shown).collect();
    let left_out = [Severity::Error, Severity::Warning].into_iter().filter_map(move |severity| {
        let more = number.get(&severity)?.checked_sub(SHOWN).filter(|more| *more > 0)?;
        Some((severity, format!("{more} more {}s are not shown", word(severity))))
    });
    (shown, left_out)
}

/// What a severity is called.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn one(script: &Sources, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let excerpt = Excerpt::new(script, diagnostic.span);
    let (text, marked) = visible(&excerpt);
    let mark = AnnotationKind::Primary.span(marked);
    let mark = if diagnostic.label.is_empty() { mark } else { mark.label(diagnostic.label.as_str()) };
    let mut group =
        at(level.primary_title(shown_lines(&diagnostic.message)), script, &excerpt, (diagnostic.span, text, mark));
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(shown_lines(note)));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(shown_lines(help)));
    }
    let places = diagnostic.places.iter().map(|(span, text)| elsewhere(script, *span, text));
    let groups: Vec<Group> = [group].into_iter().chain(places).collect();
    renderer.render(&groups)
}

/// Another place that explains a message.
fn elsewhere<'a>(script: &'a Sources, span: Span, text: &str) -> Group<'a> {
    let excerpt = Excerpt::new(script, span);
    let (text_there, marked) = visible(&excerpt);
    let mark = AnnotationKind::Primary.span(marked);
    at(Level::NOTE.secondary_title(shown_lines(text)), script, &excerpt, (span, text_there, mark))
}

/// What is said, with the place and the part of the script that it is about.
fn at<'a>(
    title: Title<'a>,
    script: &'a Sources,
    excerpt: &Excerpt,
    marked: (Span, String, Annotation<'a>),
) -> Group<'a> {
    let (span, text, mark) = marked;
    let (line, _) = script.position(span.start);
    let name = shown(script.name(span.start));
    let snippet = Snippet::source(text).line_start(line as usize).annotation(mark);
    match excerpt.is_cut.0 {
        // The column is that of the whole line.
        true => title.element(Origin::path(name).line(line as usize).char_column(excerpt.column)).element(snippet),
        false => title.element(snippet.path(name)),
    }
}

/// What is shown of the script, and what is marked there. The renderer replaces most controls, not those that some terminals take from
/// characters beyond ASCII.
fn visible(excerpt: &Excerpt<'_>) -> (String, Range<usize>) {
    let visible = |text: &str| text.replace(escape::hidden, "\u{fffd}");
    let [before, marked] = [&excerpt.text[..excerpt.marked.start], &excerpt.text[excerpt.marked.clone()]].map(visible);
    let after = visible(&excerpt.text[excerpt.marked.end..]);
    let range = before.len()..before.len() + marked.len();
    (before + &marked + &after, range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_place() {
        let script = Sources::new("a.bt", "BEGIN { printf(pidd); }\n");
        let diagnostic = Diagnostic::error(Span::new(15, 19), "unknown name `pidd`").help("did you mean `pid`?");
        let text = render(&script, &[diagnostic], false);
        assert!(text.contains("error: unknown name `pidd`"), "{text}");
        assert!(text.contains("a.bt:1:16"), "{text}");
        assert!(text.contains("^^^^"), "{text}");
        assert!(text.contains("did you mean `pid`?"), "{text}");
    }

    #[test]
    fn other_places_follow() {
        let script = Sources::new("a.bt", "macro f() { x }\nBEGIN { f(); }\n");
        let diagnostic =
            Diagnostic::error(Span::new(12, 13), "unknown name `x`").place(Span::new(24, 27), "called here");
        let text = render(&script, &[diagnostic], false);
        assert!(
            text.contains("note: called here") && text.contains("a.bt:2:9") && text.contains("2 | BEGIN { f(); }"),
            "{text}"
        );
    }

    #[test]
    fn names_in_messages_move_no_cursor() {
        let script = Sources::new("a.bt", "BEGIN { }\n");
        let hostile = "a\x1b[2J\u{202e}b";
        let diagnostic = Diagnostic::error(Span::new(0, 5), hostile).help(hostile).note(hostile);
        let text = render(&script, &[diagnostic], false);
        assert_eq!(text.matches("a\\x1b[2J\\u{202e}b").count(), 3, "{text}");
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text:?}");
    }

    #[test]
    fn scripts_of_others_move_no_cursor() {
        let script = Sources::new("a.bt", "/* \u{9b}2J\u{2028} */ BEGIN {\x1b[2J\u{9b}2J\u{202e}odd }\n");
        let text = render(&script, &[Diagnostic::error(Span::new(32, 35), "x")], false);
        let line = text.lines().position(|line| line.contains("BEGIN")).unwrap();
        let (shown, mark) = (text.lines().nth(line).unwrap(), text.lines().nth(line + 1).unwrap());
        assert!(!text.contains(['\x1b', '\u{9b}', '\u{2028}', '\u{202e}']), "{text:?}");
        let column = |line: &str, what: &str| line.split(what).next().unwrap().chars().count();
        assert_eq!(column(mark, "^^^"), column(shown, "odd"), "{text}");
    }

    #[test]
    fn of_many_messages_some_are_shown() {
        let script = Sources::new("a.bt", "BEGIN { }\n");
        let error = Diagnostic::error(Span::new(0, 5), "odd");
        let text = render(&script, &vec![error; SHOWN + 20], false);
        assert_eq!(text.matches("a.bt:1:1").count(), SHOWN);
        assert!(text.ends_with("\nerror: 20 more errors are not shown\n"), "{text}");
    }

    #[test]
    fn a_line_without_end_is_shown_near_the_mark() {
        let script = Sources::new("a.bt", &format!("a\n{}é foo;{}", " 1".repeat(50_000), " 2".repeat(50_000)));
        let text = render(&script, &[Diagnostic::error(Span::new(100_005, 100_008), "odd")], false);
        assert!(text.contains("--> a.bt:2:100003\n"), "{text}");
        assert!(text.len() < 600 && text.contains("1é foo; 2 2"), "{text}");
    }

    #[test]
    fn places_outside_the_text_do_not_hurt() {
        let script = Sources::new("a.bt", "é");
        render(&script, &[Diagnostic::error(Span::new(1, 900), "x")], false);
    }
}
