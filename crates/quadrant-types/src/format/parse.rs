//! The text of a `format` file.

use super::{EventFormat, FieldStorage, FormatField};
use crate::TypeError;

/// Fields of the largest real event: under 40.
const MAX_FIELDS: usize = 4096;

pub(super) fn parse(text: &str) -> Result<EventFormat, TypeError> {
    let mut format = EventFormat { name: String::new(), id: 0, fields: Vec::new(), print_fmt: String::new() };
    let mut state = State::default();
    for (index, line) in text.lines().enumerate() {
        let wrong = |what| TypeError::MalformedFormat { what, line: index + 1 };
        parse_line(line, &mut format, &mut state).map_err(wrong)?;
    }
    let wrong = |what| TypeError::MalformedFormat { what, line: text.lines().count() };
    if !state.has_name {
        return Err(wrong("no `name:` line"));
    }
    if !state.has_id {
        return Err(wrong("no `ID:` line"));
    }
    Ok(format)
}

#[derive(Default)]
struct State {
    has_name: bool,
    has_id: bool,
    in_print_fmt: bool,
}

fn parse_line(line: &str, format: &mut EventFormat, state: &mut State) -> Result<(), &'static str> {
    if state.in_print_fmt {
        format.print_fmt.push('\n');
        format.print_fmt.push_str(line);
    } else if let Some(name) = line.strip_prefix("name:") {
        format.name = name.trim().to_owned();
        state.has_name = !format.name.is_empty();
    } else if let Some(id) = line.strip_prefix("ID:") {
        format.id = id.trim().parse().map_err(|_| "the id is no number")?;
        state.has_id = true;
    } else if let Some(rest) = line.strip_prefix("print fmt:") {
        format.print_fmt = rest.trim_start().to_owned();
        state.in_print_fmt = true;
    } else if let Some(field) = line.trim_start().strip_prefix("field:") {
        push_field(field, format)?;
    } else if line.is_empty() {
        end_of_group(&mut format.fields);
    }
    Ok(())
}

fn push_field(text: &str, format: &mut EventFormat) -> Result<(), &'static str> {
    if format.fields.len() == MAX_FIELDS {
        return Err("too many fields");
    }
    format.fields.push(parse_field(text)?);
    Ok(())
}

/// An empty line parts the common fields from the event's own; it also ends the file's groups.
fn end_of_group(fields: &mut [FormatField]) {
    if fields.iter().all(|field| field.name.starts_with("common_")) {
        fields.iter_mut().for_each(|field| field.common = true);
    }
}

fn parse_field(text: &str) -> Result<FormatField, &'static str> {
    let (declaration, attributes) = text.split_once(';').ok_or("no `;` after the field's name")?;
    let offset = attribute(attributes, "offset:").ok_or("no `offset:`")?;
    let size = attribute(attributes, "size:").ok_or("no `size:`")?;
    let signed = attribute(attributes, "signed:").unwrap_or(0) != 0;
    offset.checked_add(size).ok_or("the field reaches beyond 4 GiB")?;
    let (name, type_text, dimension, storage) = declared(declaration)?;
    let mut field = FormatField { name, type_text, offset, size, signed, array_len: None, storage, common: false };
    field.array_len = match storage {
        FieldStorage::Inline => dimension.map(|dimension| array_len(&dimension, &field)),
        _ => None,
    };
    Ok(field)
}

fn attribute(text: &str, key: &str) -> Option<u32> {
    text.split(';').find_map(|part| part.trim().strip_prefix(key)?.trim().parse().ok())
}

type Declared = (String, String, Option<String>, FieldStorage);

/// `__data_loc char[] name`, `char comm[16]`, `int (*fn)(int)`: name, type, dimension, storage.
fn declared(text: &str) -> Result<Declared, &'static str> {
    let (text, storage) = storage_of(text.trim());
    if let Some((before, after)) = text.split_once("(*") {
        let (name, rest) = after.split_once(')').ok_or("unclosed `(`")?;
        return Ok((name.trim().to_owned(), format!("{before}(*){rest}"), None, storage));
    }
    let (text, name_dimension) = split_dimension(text);
    let name_start = text.rfind(|c: char| !is_name_char(c)).map_or(0, |at| at + last_len(text, at));
    let name = text[name_start..].to_owned();
    let (type_text, type_dimension) = split_dimension(text[..name_start].trim_end());
    if name.is_empty() || type_text.is_empty() {
        return Err("a field without name or type");
    }
    Ok((name, type_text.to_owned(), name_dimension.or(type_dimension), storage))
}

fn storage_of(text: &str) -> (&str, FieldStorage) {
    if let Some(rest) = text.strip_prefix("__data_loc ") {
        (rest.trim_start(), FieldStorage::DataLoc)
    } else if let Some(rest) = text.strip_prefix("__rel_loc ") {
        (rest.trim_start(), FieldStorage::RelLoc)
    } else {
        (text, FieldStorage::Inline)
    }
}

/// Cuts a trailing `[...]`.
fn split_dimension(text: &str) -> (&str, Option<String>) {
    match (text.ends_with(']'), text.rfind('[')) {
        (true, Some(at)) => (text[..at].trim_end(), Some(text[at + 1..text.len() - 1].to_owned())),
        _ => (text, None),
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn last_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// The length as written; a macro's name (older kernels write `[TASK_COMM_LEN]`) is worked out from the size.
fn array_len(dimension: &str, field: &FormatField) -> u64 {
    let words = || field.type_text.split_whitespace();
    let element: u32 = if words().any(|word| word == "char" || word.ends_with("8")) { 1 } else { field.size };
    dimension.trim().parse().unwrap_or(u64::from(field.size / element.max(1)))
}
