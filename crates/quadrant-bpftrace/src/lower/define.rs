//! Types that the script defines in C: structs, unions, enums, typedefs.

use quadrant_program::expr::ExprKind;
use quadrant_program::span::Span;
use quadrant_types::{Attributes, FieldDef, StructDef, TypeId};

use super::Lower;
use super::reader::Reader;
use crate::ast::{Ident, Tag};
use crate::lexer::Tok;
use crate::parser::parse_expr_at;

/// How deep definitions may stand in each other.
const MAX_NESTING: u8 = 16;

impl Lower<'_> {
    /// `struct name { ... };`
    pub(super) fn define_tagged(&mut self, tag: Tag, name: Option<&Ident>, body: Option<Span>, span: Span) {
        let name = name.map_or("", |name| &name.name);
        match (tag, body) {
            (_, Some(_)) => {
                let mut reader = Reader::new(self.sources.text(), span);
                reader.bump();
                self.tagged_base(&mut reader, tag, 0);
            }
            // A forward declaration: a pointer to it can be declared, and that is all it is for.
            (Tag::Struct | Tag::Union, None) if !name.is_empty() && self.known(tag, name).is_none() => {
                self.env.types.declare_struct(name, tag == Tag::Union);
            }
            (_, None) => {}
        }
    }

    /// `typedef type name;`, `typedef type name, *pointer;`
    pub(super) fn define_typedef(&mut self, span: Span) {
        let mut reader = Reader::new(self.sources.text(), span);
        reader.bump();
        let Some(base) = self.base(&mut reader, 0) else { return };
        loop {
            let Some(declared) = self.declarator(&mut reader, base) else { return };
            if declared.attributes.align > 0 {
                let help = "put the attribute behind the members that are to have it";
                self.unsupported::<()>(span, "an alignment of a typedef", help);
            }
            self.env.types.define_typedef(&declared.name, declared.ty);
            if !reader.eat(Tok::Comma) {
                return;
            }
        }
    }

    fn define_enum(&mut self, name: &str, body: Span, packed: bool) -> Option<TypeId> {
        let outer = std::mem::take(&mut self.preamble.enumerators);
        let complete = self.enumerators(body);
        let values = std::mem::replace(&mut self.preamble.enumerators, outer);
        let values: Vec<(&str, i64)> = values.list.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        complete.map(|()| self.env.types.define_enum(name, &values, packed))
    }

    /// Reads constants and their values; each may be made of those before it.
    fn enumerators(&mut self, body: Span) -> Option<()> {
        let mut reader = Reader::new(self.sources.text(), body);
        let mut next = 0i64;
        while reader.token.kind != Tok::Eof {
            let span = reader.token.span;
            let constant = self.word(&mut reader, "a constant's name")?;
            if self.preamble.enumerator(&constant).is_some() {
                return self.error(span, format!("`{constant}` is defined twice"));
            }
            if reader.eat(Tok::Assign) {
                let value = reader.skip_to(Tok::Comma);
                next = self.constant(value)?;
            }
            self.preamble.enumerators.push(constant, next);
            next = next.wrapping_add(1);
            if !reader.eat(Tok::Comma) && reader.token.kind != Tok::Eof {
                return self.error(reader.token.span, "expected `,`");
            }
        }
        Some(())
    }

    /// A number in C text, an expression of constants.
    pub(super) fn constant(&mut self, span: Span) -> Option<i64> {
        let (expr, diagnostics) = parse_expr_at(self.sources.text(), span);
        if !diagnostics.is_empty() {
            self.messages.append(diagnostics);
            return None;
        }
        match self.expr(&expr)?.kind {
            ExprKind::Int(value) => Some(value),
            _ => self.error(span, "this is not a constant"),
        }
    }

    fn define_record(&mut self, tag: Tag, name: &str, body: Span, attributes: Attributes, depth: u8) -> Option<TypeId> {
        if depth > MAX_NESTING {
            return self.error(body, format!("nested more than {MAX_NESTING} levels deep"));
        }
        let is_union = tag == Tag::Union;
        if !name.is_empty() {
            // So that members can point to the record itself.
            self.env.types.declare_struct(name, is_union);
        }
        let fields = self.fields(body, depth)?;
        let def = StructDef { name: name.to_owned(), is_union, attributes, fields };
        match self.env.types.define_struct(&def) {
            Ok(id) => Some(id),
            Err(error) => self.error(body, error.to_string()),
        }
    }

    fn fields(&mut self, body: Span, depth: u8) -> Option<Vec<FieldDef>> {
        let mut reader = Reader::new(self.sources.text(), body);
        let mut fields = Vec::new();
        while reader.token.kind != Tok::Eof {
            if reader.eat(Tok::Semi) {
                continue;
            }
            self.members(&mut reader, depth, &mut fields)?;
            // C compilers do not insist on the last one.
            if !reader.eat(Tok::Semi) && reader.token.kind != Tok::Eof {
                return self.error(reader.token.span, "expected `;` after the member");
            }
        }
        Some(fields)
    }

    /// One type and the members that have it.
    fn members(&mut self, reader: &mut Reader, depth: u8, fields: &mut Vec<FieldDef>) -> Option<()> {
        let mut attributes = self.attributes(reader)?;
        let base = self.base(reader, depth)?;
        self.more_attributes(reader, &mut attributes)?;
        if reader.token.kind == Tok::Semi {
            fields.push(FieldDef { name: String::new(), ty: base, bits: None, attributes });
            return Some(());
        }
        loop {
            let mut field = self.declarator(reader, base)?;
            field.attributes = field.attributes.and(attributes);
            fields.push(field);
            if !reader.eat(Tok::Comma) {
                return Some(());
            }
        }
    }

    /// The type in front of the declarators.
    fn base(&mut self, reader: &mut Reader, depth: u8) -> Option<TypeId> {
        reader.skip_qualifiers();
        if let Some(tag) = Tag::from_word(reader.word()) {
            reader.bump();
            return self.tagged_base(reader, tag, depth);
        }
        let mut words = Vec::new();
        let start = reader.token.span;
        loop {
            reader.skip_qualifiers();
            let word = reader.word();
            if word.is_empty() || (!words.is_empty() && !is_c_word(word)) {
                break;
            }
            words.push(word);
            let more = is_c_word(word);
            reader.bump();
            if !more {
                break;
            }
        }
        let end = reader.prev_end;
        if words.is_empty() {
            return self.error(start, "expected a type");
        }
        self.plain_base(&words.join(" "), Span::new(start.start, end))
    }

    fn plain_base(&mut self, words: &str, span: Span) -> Option<TypeId> {
        match self.env.types.parse_type_name(words) {
            Ok(id) => Some(id),
            Err(error) => match self.c_integer(words) {
                Some(id) => Some(id),
                None => self.error(span, error.to_string()),
            },
        }
    }

    fn tagged_base(&mut self, reader: &mut Reader, tag: Tag, depth: u8) -> Option<TypeId> {
        let mut attributes = self.attributes(reader)?;
        let span = reader.token.span;
        let name = reader.word().to_owned();
        if !name.is_empty() {
            reader.bump();
        }
        if reader.token.kind != Tok::LBrace {
            return match self.known(tag, &name) {
                Some(id) => Some(id),
                None if tag == Tag::Enum => self.error(span, format!("unknown type `enum {name}`")),
                None => Some(self.env.types.declare_struct(&name, tag == Tag::Union)),
            };
        }
        let body = reader.braces();
        self.more_attributes(reader, &mut attributes)?;
        match tag {
            Tag::Enum => self.define_enum(&name, body, attributes.packed),
            _ => self.define_record(tag, &name, body, attributes, depth + 1),
        }
    }

    fn known(&self, tag: Tag, name: &str) -> Option<TypeId> {
        let types = self.env.types;
        match tag {
            Tag::Struct => types.lookup_struct(name),
            Tag::Union => types.lookup_union(name),
            Tag::Enum => types.lookup_enum(name),
        }
    }

    /// `*name`, `name[4]`, `name : 3`, `(*name)(...)`
    fn declarator(&mut self, reader: &mut Reader, base: TypeId) -> Option<FieldDef> {
        let types = self.env.types;
        let mut ty = base;
        while reader.eat(Tok::Star) {
            ty = types.pointer_to(ty);
            reader.skip_qualifiers();
        }
        if reader.eat(Tok::LParen) {
            return self.function_pointer(reader);
        }
        let name = match reader.token.kind {
            Tok::Colon => String::new(),
            _ => self.word(reader, "a member's name")?,
        };
        let mut lengths = Vec::new();
        while reader.eat(Tok::LBracket) {
            let length = reader.skip_to(Tok::RBracket);
            lengths.push(self.member_length(length)?);
            reader.eat(Tok::RBracket);
        }
        for length in lengths.into_iter().rev() {
            ty = types.array_of(ty, length);
        }
        let bits = if reader.eat(Tok::Colon) { Some(self.bit_width(reader)?) } else { None };
        Some(FieldDef { name, ty, bits, attributes: self.attributes(reader)? })
    }

    /// The length of an array that is a member; 0 where C does not tell.
    fn member_length(&mut self, length: Span) -> Option<u64> {
        if self.text(length).trim().is_empty() {
            return Some(0);
        }
        match u64::try_from(self.constant(length)?) {
            Ok(length) => Some(length),
            Err(_) => self.error(length, "the length of an array is not negative"),
        }
    }

    fn bit_width(&mut self, reader: &mut Reader) -> Option<u8> {
        let width = Span::new(reader.token.span.start, reader.token.span.end);
        reader.bump();
        match u8::try_from(self.constant(width)?) {
            Ok(bits @ 0..=64) => Some(bits),
            _ => self.error(width, "a bit-field has 0 to 64 bits"),
        }
    }

    /// The rest of `(*name)(...)`: nothing is called through it, so it is a pointer to nothing.
    fn function_pointer(&mut self, reader: &mut Reader) -> Option<FieldDef> {
        reader.eat(Tok::Star);
        let name = self.word(reader, "a member's name")?;
        reader.eat(Tok::RParen);
        if reader.eat(Tok::LParen) {
            reader.skip_to(Tok::RParen);
            reader.eat(Tok::RParen);
        }
        let attributes = self.attributes(reader)?;
        Some(FieldDef { name, ty: self.env.types.pointer_to(TypeId::VOID), bits: None, attributes })
    }

    fn word(&mut self, reader: &mut Reader, wanted: &str) -> Option<String> {
        let word = reader.word().to_owned();
        if word.is_empty() {
            return self.error(reader.token.span, format!("expected {wanted}"));
        }
        reader.bump();
        Some(word)
    }
}

fn is_c_word(word: &str) -> bool {
    matches!(word, "unsigned" | "signed" | "long" | "short" | "int" | "char")
}
