//! Splitting a library into its declarations, without parsing them.

/// A declaration of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// The file that it is in.
    pub file: &'static str,
    /// All of it, with its semicolon.
    pub text: &'static str,
}

/// What a declaration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `inline int name = 1;`, `inline int name[int key] = ...;`
    Inline,
    /// `typedef struct tag { ... } name;`
    Typedef,
    /// `struct tag { ... };`
    Struct,
    /// `translator name < struct in *p > { ... };`
    Translator,
}

impl Item {
    /// The names under which it is found.
    pub fn names(&self) -> Vec<String> {
        let mut words = words(self.text).skip(1);
        match self.kind {
            Kind::Inline => before(self.text, &['='])
                .and_then(|head| last_word(before(head, &['[']).unwrap_or(head)))
                .into_iter()
                .collect(),
            Kind::Struct => words.next().map(|tag| format!("struct {tag}")).into_iter().collect(),
            Kind::Translator => words.next().map(|name| format!("translator {name}")).into_iter().collect(),
            Kind::Typedef => {
                let tag = words.next().filter(|word| *word == "struct").and_then(|_| words.next());
                let tag = tag.filter(|_| self.text.contains('{')).map(|tag| format!("struct {tag}"));
                last_word(self.text).into_iter().chain(tag).collect()
            }
        }
    }
}

/// The declarations of a file: each ends with the first semicolon outside braces.
pub(super) fn split(file: &'static str, text: &'static str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = skip_blanks(text);
    while let Some(end) = end(rest) {
        let (text, after) = rest.split_at(end);
        items.extend(kind(text).map(|kind| Item { kind, file, text }));
        rest = skip_blanks(after);
    }
    items
}

fn kind(text: &str) -> Option<Kind> {
    Some(match words(text).next()? {
        "inline" => Kind::Inline,
        "typedef" => Kind::Typedef,
        "struct" => Kind::Struct,
        "translator" => Kind::Translator,
        _ => return None,
    })
}

/// Blanks and comments.
fn skip_blanks(text: &'static str) -> &'static str {
    let text = text.trim_start();
    match text.strip_prefix("/*").and_then(|comment| comment.split_once("*/")) {
        Some((_, after)) => skip_blanks(after),
        None => text,
    }
}

fn end(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn before<'a>(text: &'a str, ends: &[char]) -> Option<&'a str> {
    text.find(ends).map(|at| &text[..at])
}

fn last_word(text: &str) -> Option<String> {
    words(text).last().map(str::to_owned)
}
