//! Attach points, which are read raw: blanks, `,`, `{` and `/` end them, other characters are theirs.

use super::Parser;
use crate::ast::{AttachPart, AttachPoint, Ident};
use crate::lexer::Tok;
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

impl Parser<'_> {
    /// A list of attach points, up to the predicate or the body.
    pub(super) fn attach_points(&mut self) -> Vec<AttachPoint> {
        let mut points = vec![self.attach_point()];
        while self.at(Tok::Comma) && !self.recovering {
            self.bump();
            // As in bpftrace, a list may end with a comma.
            if matches!(self.token.kind, Tok::LBrace | Tok::Slash) {
                break;
            }
            if matches!(self.token.kind, Tok::Eof | Tok::Comma) {
                self.unexpected("a probe after `,`");
                break;
            }
            points.push(self.attach_point());
        }
        points
    }

    fn attach_point(&mut self) -> AttachPoint {
        let start = self.token.span.start;
        let mut scan = Scan::new(self.source, start as usize);
        scan.run();
        let point = AttachPoint {
            span: Span::new(start, scan.pos as u32),
            name: scan.name.take(),
            parts: std::mem::take(&mut scan.parts),
        };
        self.restart_at(scan.pos as u32);
        if let Some(at) = scan.open_quote {
            let span = Span::new(at as u32, at as u32 + 1);
            self.error(Diagnostic::error(span, "name without closing quote"));
        } else if point.parts.is_empty() {
            self.unexpected("a probe");
        }
        point
    }
}

/// A raw read of one attach point.
struct Scan<'a> {
    source: &'a str,
    pos: usize,
    part_start: usize,
    text: String,
    quoted: bool,
    parts: Vec<AttachPart>,
    name: Option<Ident>,
    open_quote: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(source: &'a str, pos: usize) -> Self {
        Self {
            source,
            pos,
            part_start: pos,
            text: String::new(),
            quoted: false,
            parts: Vec::new(),
            name: None,
            open_quote: None,
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '"' => self.quote(),
                ':' => self.end_part(1),
                '=' if self.may_be_name() => self.end_name(),
                '/' if !self.in_path() && !self.in_name() => break,
                ',' | '{' | '}' | ';' => break,
                c if c.is_whitespace() => break,
                c => {
                    self.text.push(c);
                    self.pos += c.len_utf8();
                }
            }
        }
        if self.pos > self.part_start || !self.parts.is_empty() {
            self.end_part(0);
        }
    }

    fn peek(&self) -> Option<char> {
        self.source.get(self.pos..)?.chars().next()
    }

    /// Takes `"…"`; without a second quote only the first one.
    fn quote(&mut self) {
        let rest = self.source.get(self.pos + 1..).unwrap_or("");
        let inner = rest.split(['"', '\n']).next().unwrap_or("");
        self.quoted = true;
        if rest[inner.len()..].starts_with('"') {
            self.text.push_str(inner);
            self.pos += inner.len() + 2;
        } else {
            self.open_quote.get_or_insert(self.pos);
            self.pos += 1;
        }
    }

    fn end_part(&mut self, separator: usize) {
        let span = Span::new(self.part_start as u32, self.pos as u32);
        let text = std::mem::take(&mut self.text);
        let quoted = std::mem::take(&mut self.quoted);
        self.parts.push(AttachPart { span, text, quoted });
        self.pos += separator;
        self.part_start = self.pos;
    }

    fn may_be_name(&self) -> bool {
        self.parts.is_empty() && self.name.is_none() && !self.text.is_empty() && !self.quoted
    }

    fn end_name(&mut self) {
        let span = Span::new(self.part_start as u32, self.pos as u32);
        self.name = Some(Ident { name: std::mem::take(&mut self.text), span });
        self.pos += 1;
        self.part_start = self.pos;
    }

    /// Whether a `/` belongs to a function's name rather than to a predicate, as in `net/http.(*Server).Serve`: what follows is the rest of
    /// a name of Go's, with its package, and then comes what may follow an attach point.
    fn in_name(&self) -> bool {
        let has_names = matches!(self.kind().as_deref(), Some("uprobe" | "u" | "uretprobe" | "ur"));
        if !has_names || self.parts.len() < 2 || self.text.is_empty() {
            return false;
        }
        let rest = &self.source[self.pos..];
        let word = rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | '{')).next().unwrap_or("");
        let next = rest[word.len()..].trim_start();
        is_rest_of_name(word)
            && match next.strip_prefix('/') {
                Some(predicate) => predicate.split('{').next().is_some_and(|text| text.contains('/')),
                None => next.is_empty() || next.starts_with([',', '{']),
            }
    }

    /// What kind of probe the first part names.
    fn kind(&self) -> Option<String> {
        self.parts.first().map(|part| part.text.to_ascii_lowercase())
    }

    /// Whether a `/` belongs to a path here rather than to a predicate.
    fn in_path(&self) -> bool {
        match self.kind().as_deref() {
            Some("uprobe" | "u" | "uretprobe" | "ur" | "usdt") => self.parts.len() == 1,
            Some("iter" | "it") => self.parts.len() == 2,
            _ => false,
        }
    }
}

/// Whether it is `/http.(*Server).Serve`, and no predicate.
fn is_rest_of_name(word: &str) -> bool {
    const OBJECTS: [&str; 3] = ["/args.", "/retval.", "/curtask."];
    let belongs = |c: char| c.is_alphanumeric() || "_.*()[]/-".contains(c);
    let count = |wanted| word.matches(wanted).count();
    word.contains('.')
        && !word.ends_with('/')
        && word.chars().all(belongs)
        && count('(') == count(')')
        && count('[') == count(']')
        && !OBJECTS.iter().any(|object| word.starts_with(object))
}
