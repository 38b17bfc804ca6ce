//! Objects and arrays in the making.

use crate::escape;

/// An object; knows where commas go.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    /// Append an object with the members that `members` adds.
    pub fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        members(&mut Object { out, empty: true });
        out.push(b'}');
    }

    /// Start a member; its value goes to what is returned.
    pub fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        escape::json(self.out, name.as_bytes());
        self.out.push(b':');
        self.out
    }

    /// A text.
    pub fn text(&mut self, name: &str, text: &[u8]) {
        escape::json(self.member(name), text);
    }

    /// A text, or null.
    pub fn maybe_text(&mut self, name: &str, text: Option<&[u8]>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.null(name),
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, number: i128) {
        super::number(self.member(name), number);
    }

    /// A whole number, or null.
    pub fn maybe_number(&mut self, name: &str, number: Option<i128>) {
        match number {
            Some(number) => self.number(name, number),
            None => self.null(name),
        }
    }

    /// True or false.
    pub fn bool(&mut self, name: &str, value: bool) {
        self.member(name).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// An array of what `each` writes.
    pub fn list<T>(&mut self, name: &str, parts: impl IntoIterator<Item = T>, each: impl FnMut(&mut Vec<u8>, T)) {
        list(self.member(name), parts, each);
    }

    fn null(&mut self, name: &str) {
        self.member(name).extend_from_slice(b"null");
    }
}

/// Append an array of what `each` writes.
pub(super) fn list<T>(out: &mut Vec<u8>, parts: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(out, part);
    }
    out.push(b']');
}
