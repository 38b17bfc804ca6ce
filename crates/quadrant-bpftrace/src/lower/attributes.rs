//! `__attribute__((...))` and `_Alignas(...)` in C text: what they say of places in memory.

use quadrant_program::span::Span;
use quadrant_types::Attributes;

use super::Lower;
use super::reader::Reader;
use crate::lexer::Tok;

impl Lower<'_> {
    /// The attributes at hand, none or more of them.
    pub(super) fn attributes(&mut self, reader: &mut Reader) -> Option<Attributes> {
        let mut found = Attributes::default();
        self.more_attributes(reader, &mut found)?;
        Some(found)
    }

    /// Adds the attributes at hand to those found before.
    pub(super) fn more_attributes(&mut self, reader: &mut Reader, found: &mut Attributes) -> Option<()> {
        loop {
            match reader.word() {
                "__attribute__" | "__attribute" => self.attribute_list(reader, found)?,
                "_Alignas" | "alignas" => {
                    reader.bump();
                    let number = reader.parens();
                    found.align = found.align.max(self.alignment(number)?);
                }
                _ => return Some(()),
            }
        }
    }

    /// `__attribute__((a, b(1)))`
    fn attribute_list(&mut self, reader: &mut Reader, found: &mut Attributes) -> Option<()> {
        reader.bump();
        let outer = reader.parens();
        let mut inside = Reader::new(self.sources.text(), outer);
        let list = inside.parens();
        let mut list = Reader::new(self.sources.text(), list);
        while list.token.kind != Tok::Eof {
            if list.eat(Tok::Comma) {
                continue;
            }
            let (span, name) = (list.token.span, list.word().trim_matches('_').to_owned());
            list.bump();
            let argument = (list.token.kind == Tok::LParen).then(|| list.parens());
            match (name.as_str(), argument) {
                ("packed", _) => found.packed = true,
                ("aligned", None) => found.align = found.align.max(Attributes::MAX_ALIGN),
                ("aligned", Some(number)) => found.align = found.align.max(self.alignment(number)?),
                (name, _) if Attributes::OTHERS.contains(&name) => {
                    return self.unsupported(span, &format!("the attribute `{name}`"), "spell the members' places out");
                }
                // All others are about code, warnings and linking.
                _ => {}
            }
        }
        Some(())
    }

    fn alignment(&mut self, number: Span) -> Option<u64> {
        match u64::try_from(self.constant(number)?) {
            Ok(bytes) if Attributes::is_alignment(bytes) => Some(bytes),
            _ => self.error(number, "an alignment is a power of two"),
        }
    }
}
