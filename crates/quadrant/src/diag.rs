//! Messages about a script, in the style of rustc.

use annotate_snippets::AnnotationKind;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;
use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;
use quadrant_program::sources::Sources;

use crate::failure::shown;
use crate::failure::shown_lines;

/// Render messages; each ends with a newline.
pub fn render(script: &Sources, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    diagnostics.iter().map(|d| format!("{}\n", renderer.render(&report(script, d)))).collect()
}

fn report<'a>(script: &'a Sources, diagnostic: &'a Diagnostic) -> [annotate_snippets::Group<'a>; 1] {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let file = script.file(diagnostic.span.start);
    let range = range(script, file.map_or(0, |file| file.span.start), diagnostic);
    let mark = AnnotationKind::Primary.span(range);
    let mark = if diagnostic.label.is_empty() { mark } else { mark.label(diagnostic.label.as_str()) };
    let snippet = Snippet::source(file.map_or("", |file| script.text_of(file)))
        .path(shown(script.name(diagnostic.span.start)))
        .annotation(mark);
    let mut group = level.primary_title(shown_lines(&diagnostic.message)).element(snippet);
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(shown_lines(note)));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(shown_lines(help)));
    }
    [group]
}

/// The marked bytes of the file that starts at `base`, within the text and on character boundaries.
fn range(script: &Sources, base: u32, diagnostic: &Diagnostic) -> std::ops::Range<usize> {
    let text = script.file(base).map_or("", |file| script.text_of(file));
    let floor = |at: u32| {
        let at = at.saturating_sub(base) as usize;
        (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
    };
    let (start, end) = (floor(diagnostic.span.start), floor(diagnostic.span.end));
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use quadrant_program::span::Span;

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
    fn names_in_messages_move_no_cursor() {
        let script = Sources::new("a.bt", "BEGIN { }\n");
        let hostile = "a\x1b[2J\u{202e}b";
        let diagnostic = Diagnostic::error(Span::new(0, 5), hostile).help(hostile).note(hostile);
        let text = render(&script, &[diagnostic], false);
        assert_eq!(text.matches("a\\x1b[2J\\u{202e}b").count(), 3, "{text}");
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text:?}");
    }

    #[test]
    fn places_outside_the_text_do_not_hurt() {
        let script = Sources::new("a.bt", "é");
        render(&script, &[Diagnostic::error(Span::new(1, 900), "x")], false);
    }
}
