//! Lines that start with `#`: pragmas, line numbers, and what only the C preprocessor knows.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::pack::{Packs, Said};
use crate::ast::{AttributeTarget, Attributes, Dependency, Ident, Pragma, PragmaKind, ProviderPart};
use crate::lexer::directive::{Directive, directives};
use crate::lines::{Lines, Step};
use crate::options::value::is_version;

/// Pragmas of C's compilers that lay out memory in ways of their own, which are not known here.
const LAYOUTS: [&str; 2] = ["scalar_storage_order", "ms_struct"];

/// What the lines say.
pub(super) struct Found {
    start: u32,
    pub shebang: Option<Span>,
    pub pragmas: Vec<Pragma>,
    pub lines: Lines,
    pub packs: Packs,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads all lines that start with `#`, from `start` on.
pub(super) fn read(source: &str, start: u32) -> Found {
    let lines = Lines::new(source, start);
    let mut found =
        Found { start, shebang: None, pragmas: Vec::new(), lines, packs: Packs::default(), diagnostics: Vec::new() };
    for directive in directives(source, start) {
        found.directive(&directive);
    }
    found
}

impl Found {
    fn directive(&mut self, directive: &Directive) {
        let rest = directive.rest.trim();
        match directive.word {
            "" if directive.rest.starts_with('!') && directive.span.start == self.start => {
                self.shebang = Some(directive.span)
            }
            "" if directive.rest.starts_with('!') || rest.is_empty() => {}
            "line" => self.line(directive, directive.rest),
            "pragma" => self.pragma(directive),
            "ident" => self.push(directive, PragmaKind::Ident(unquoted(rest).to_owned())),
            "error" => self.fail(directive, rest),
            word if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() => {
                self.line(directive, &format!("{word}{}", directive.rest));
            }
            word => self.unknown(directive, word),
        }
    }

    fn push(&mut self, directive: &Directive, kind: PragmaKind) {
        self.pragmas.push(Pragma { span: directive.span, kind });
    }

    fn error(&mut self, span: Span, tag: &'static str, message: impl Into<String>) -> PragmaKind {
        self.diagnostics.push(Diagnostic::error(span, message).tag(tag));
        PragmaKind::Error
    }

    fn unknown(&mut self, directive: &Directive, word: &str) {
        let message = format!("invalid control directive: #{word}");
        let mut diagnostic = Diagnostic::error(directive.span, message).tag("D_PRAGCTL_INVAL");
        if matches!(word, "include" | "define" | "undef" | "if" | "ifdef" | "ifndef" | "elif" | "else" | "endif") {
            diagnostic = diagnostic.help("with -C the script goes through the C preprocessor first");
        }
        self.diagnostics.push(diagnostic);
    }

    /// `#line 12 "file"`, and the preprocessor's `# 12 "file" 1 3`.
    fn line(&mut self, directive: &Directive, text: &str) {
        let mut words = text.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok());
        let file = text.split('"').nth(1).map(str::to_owned);
        let plain = words.next().is_none_or(|word| word.starts_with('"'));
        let flag = text.rsplit_once('"').and_then(|(_, flags)| flags.split_whitespace().next());
        let step = match flag {
            Some("1") => Step::Into,
            Some("2") => Step::Back,
            _ => Step::None,
        };
        match number.filter(|_| plain) {
            Some(number) => self.lines.mark(directive.span, number, file, step),
            None => drop(self.error(directive.span, "D_PRAGMA_MALFORM", "malformed #line <line> [ [\"file\"] state ]")),
        }
    }

    fn pragma(&mut self, directive: &Directive) {
        let words = words(directive);
        let kind = match words.split_first() {
            Some((d, rest)) if d.name == "D" => match rest.split_first() {
                Some((name, args)) => self.d_pragma(directive, name, args),
                None => PragmaKind::Foreign,
            },
            Some((word, _)) if word.name == "error" => {
                self.fail(directive, after_word(directive.rest, "error"));
                return;
            }
            Some((word, args)) if word.name == "ident" => ident(args),
            Some((word, _)) if word.name == "line" => {
                self.line(directive, after_word(directive.rest, "line"));
                return;
            }
            Some((word, args)) => self.c_pragma(directive, &word.name, args),
            None => PragmaKind::Foreign,
        };
        self.push(directive, kind);
    }

    /// One of C's compilers: those that lay out memory matter.
    fn c_pragma(&mut self, directive: &Directive, word: &str, args: &[Ident]) -> PragmaKind {
        let is_alignment = || args.first().is_some_and(|arg| matches!(arg.name.split('=').next(), Some("align")));
        match word {
            "options" if is_alignment() => self.layout(directive, "options align"),
            "option" | "options" => self.not_ds_option(directive, args),
            _ if LAYOUTS.contains(&word) => self.layout(directive, word),
            _ if is_pack(word) => self.pack(directive),
            _ => PragmaKind::Foreign,
        }
    }

    fn layout(&mut self, directive: &Directive, what: &str) -> PragmaKind {
        let message = format!("#pragma {what} is not supported: lay the types out as they are");
        self.error(directive.span, "D_PRAGMA_INVAL", message)
    }

    /// It does nothing, so whoever meant one of D's is told.
    fn not_ds_option(&mut self, directive: &Directive, args: &[Ident]) -> PragmaKind {
        let known = args.first().filter(|arg| crate::options::is_known(&split_option(arg).0.name));
        if let Some(arg) = known {
            let message =
                format!("this pragma is not D's and does nothing: did you mean `#pragma D option {}`?", arg.name);
            self.diagnostics.push(Diagnostic::warning(directive.span, message));
        }
        PragmaKind::Foreign
    }

    /// `#pragma pack(2)`
    fn pack(&mut self, directive: &Directive) -> PragmaKind {
        let words: Vec<String> = words(directive).into_iter().map(|word| word.name).collect();
        match self.packs.say(directive.span.end, after_word(&words.join(" "), "pack")) {
            Said::Held => PragmaKind::Foreign,
            Said::Ignored(why) => {
                let message = format!("#pragma pack is ignored, as C's compilers do: {why}");
                self.diagnostics.push(Diagnostic::warning(directive.span, message));
                PragmaKind::Foreign
            }
            Said::Unknown => {
                let message = "malformed #pragma pack([push|pop] [, 1|2|4|8|16])";
                self.error(directive.span, "D_PRAGMA_MALFORM", message)
            }
        }
    }

    fn d_pragma(&mut self, directive: &Directive, name: &Ident, args: &[Ident]) -> PragmaKind {
        match name.name.as_str() {
            "option" => self.option(directive.span, args),
            "attributes" => self.attributes(directive.span, args),
            "binding" => self.binding(directive.span, args),
            "depends_on" => self.depends_on(directive.span, args),
            "error" => {
                let words = args.iter().map(|arg| unquoted(&arg.name));
                // Each word is followed by a blank, as DTrace has it.
                let text = words.fold(String::new(), |text, word| text + word + " ");
                self.error(directive.span, "D_PRAGERR", format!("#error: {text}"));
                PragmaKind::Fail(text)
            }
            "ident" => ident(args),
            "line" => {
                self.line(directive, after_word(after_word(directive.rest, "D"), "line"));
                PragmaKind::Foreign
            }
            word => self.error(name.span, "D_PRAGMA_INVAL", format!("invalid D pragma: {word}")),
        }
    }

    fn fail(&mut self, directive: &Directive, text: &str) {
        let text = unquoted(text.trim()).to_owned();
        let blank = if text.is_empty() { "" } else { " " };
        self.error(directive.span, "D_PRAGERR", format!("#error: {text}{blank}"));
        self.push(directive, PragmaKind::Fail(text));
    }

    /// `name`, `name=value`
    fn option(&mut self, span: Span, args: &[Ident]) -> PragmaKind {
        match args {
            [arg] if !arg.name.starts_with('"') => {
                let (name, value) = split_option(arg);
                PragmaKind::Option { name, value }
            }
            [] | [_] => self.error(span, "D_PRAGMA_MALFORM", "malformed #pragma option <option>=<val>"),
            [_, extra, ..] => {
                self.error(extra.span, "D_PRAGMA_MALFORM", "superfluous arguments specified for #pragma option")
            }
        }
    }

    fn attributes(&mut self, span: Span, args: &[Ident]) -> PragmaKind {
        let [attributes, target @ ..] = args else {
            return self.error(span, "D_PRAGMA_MALFORM", "malformed #pragma attributes <attributes> <ident>");
        };
        let target = match target {
            [word, provider, part] if word.name == "provider" => {
                let Some(part) = ProviderPart::from_word(&part.name) else {
                    let (part, provider) = (&part.name, &provider.name);
                    let message = format!("invalid component \"{part}\" in attribute #pragma for provider {provider}");
                    return self.error(span, "D_PRAGMA_INVAL", message);
                };
                Some(AttributeTarget::Provider { provider: provider.clone(), part })
            }
            [name] if name.name != "provider" => Some(AttributeTarget::Name(name.clone())),
            _ => None,
        };
        let Some(target) = target else {
            return self.error(span, "D_PRAGMA_MALFORM", "malformed #pragma attributes <attributes> <ident>");
        };
        match Attributes::parse(&attributes.name) {
            Some(attributes) => PragmaKind::Attributes { attributes, target },
            None => {
                let message = "invalid attributes specified by #pragma attributes";
                self.error(attributes.span, "D_PRAGMA_INVAL", message)
            }
        }
    }

    fn binding(&mut self, span: Span, args: &[Ident]) -> PragmaKind {
        let [version, name] = args else {
            return self.error(span, "D_PRAGMA_MALFORM", "malformed #pragma binding \"version\" <ident>");
        };
        if !version.name.starts_with('"') {
            return self.error(span, "D_PRAGMA_MALFORM", "malformed #pragma binding \"version\" <ident>");
        }
        if !is_version(unquoted(&version.name)) {
            let message = "invalid version string specified by #pragma binding";
            return self.error(version.span, "D_PRAGMA_INVAL", message);
        }
        let version = Ident { name: unquoted(&version.name).to_owned(), span: version.span };
        PragmaKind::Binding { version, name: name.clone() }
    }

    fn depends_on(&mut self, span: Span, args: &[Ident]) -> PragmaKind {
        let [class, name] = args else {
            return self.error(span, "D_PRAGMA_MALFORM", "malformed #pragma depends_on <class> <name>");
        };
        match Dependency::from_word(&class.name) {
            Some(kind) => {
                let name = Ident { name: unquoted(&name.name).to_owned(), span: name.span };
                PragmaKind::DependsOn { kind, name }
            }
            None => {
                let message = format!("invalid class {} specified by #pragma depends_on", class.name);
                self.error(class.span, "D_PRAGMA_INVAL", message)
            }
        }
    }
}

/// Its parenthesis needs no blank in front.
fn is_pack(word: &str) -> bool {
    word.strip_prefix("pack").is_some_and(|rest| rest.is_empty() || rest.starts_with('('))
}

fn ident(args: &[Ident]) -> PragmaKind {
    PragmaKind::Ident(args.first().map_or(String::new(), |arg| unquoted(&arg.name).to_owned()))
}

fn split_option(arg: &Ident) -> (Ident, Option<Ident>) {
    let Some(at) = arg.name.find('=') else { return (arg.clone(), None) };
    let middle = arg.span.start + at as u32;
    let name = Ident { name: arg.name[..at].to_owned(), span: Span::new(arg.span.start, middle) };
    let value = Ident { name: unquoted(&arg.name[at + 1..]).to_owned(), span: Span::new(middle + 1, arg.span.end) };
    (name, Some(value))
}

/// What follows the first `word` in a text.
fn after_word<'a>(text: &'a str, word: &str) -> &'a str {
    text.find(word).map_or("", |at| &text[at + word.len()..])
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').map_or(text, |inner| inner.strip_suffix('"').unwrap_or(inner))
}

/// The words of a directive, comments left out; quotes hold a word together and stay on it.
fn words(directive: &Directive) -> Vec<Ident> {
    let text = directive.rest;
    let mut words = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start().len();
        let skipped = if blanks > 0 { blanks } else { comment_len(rest) };
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let len = word_len(rest);
        let start = directive.rest_start + at as u32;
        words.push(Ident { name: rest[..len].to_owned(), span: Span::new(start, start + len as u32) });
        at += len;
    }
    words
}

/// The length of a comment at the start, if one is there.
fn comment_len(text: &str) -> usize {
    match text.strip_prefix("/*") {
        Some(comment) => comment.find("*/").map_or(text.len(), |len| len + 4),
        None if text.starts_with("//") => text.len(),
        None => 0,
    }
}

/// The length of the word at the start: up to a blank or comment outside quotes. At least one character.
fn word_len(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        quoted ^= c == '"';
        if !quoted && at > 0 && (c.is_whitespace() || text[at..].starts_with("/*") || text[at..].starts_with("//")) {
            return at;
        }
    }
    text.len()
}
