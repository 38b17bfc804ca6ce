//! D's printf formats: the shared parser with D's conversions and messages.

use quadrant_program::format::{Conversion, Format, FormatError};

/// All conversions, those of several characters first where one starts another. Sizes (`h`, `l`, `ll`) stand before them.
const KINDS: &[&str] = &[
    "wc", "ws", "Le", "LE", "Lf", "Lg", "LG", "a", "A", "c", "C", "d", "e", "E", "f", "g", "G", "i", "k", "o", "p",
    "s", "S", "T", "u", "x", "X", "Y",
];

/// Flags that C does not have: an aggregation's value, an address' width.
const FLAGS: &[u8] = b"@?";

/// The prototype of dates.
pub const TIME: &str = "int64_t";

/// What kind of argument a conversion takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// An integer; [`bytes`] says whether of a certain size. `%Y` and `%T` take nanoseconds since 1970.
    Integer,
    /// A string or array of characters.
    Text,
    /// A pointer or integer.
    Address,
    /// `stack()` or `ustack()`.
    Stack,
    /// A floating-point number.
    Float,
}

/// Parses a format. Conversions of an aggregation's value (`%@d`) have a kind that starts with `@`.
///
/// # Errors
/// In DTrace's words, with the number of the conversion; the tag is `D_SYNTAX`.
pub fn parse(text: &[u8]) -> Result<Format, FormatError> {
    let format = Format::parse_with_flags(text, KINDS, FLAGS).map_err(|error| worded(text, error))?;
    let wrong = format.conversions().enumerate().find(|(_, conversion)| !is_known(conversion));
    let wrong = wrong.map(|(at, conversion)| undefined(text, at + 1, conversion.at));
    wrong.map_or(Ok(format), Err)
}

/// What a conversion takes, by its kind (`d`, `@d`, `wc`).
pub fn takes(kind: &str) -> Takes {
    match kind.trim_start_matches('@') {
        "s" | "S" | "ws" => Takes::Text,
        "a" | "A" | "p" => Takes::Address,
        "k" => Takes::Stack,
        "d" | "i" | "o" | "u" | "x" | "X" | "c" | "C" | "wc" | "T" | "Y" => Takes::Integer,
        _ => Takes::Float,
    }
}

/// What a conversion takes, as messages say it: a size in the format allows only that size.
pub fn prototype(conversion: &Conversion) -> &'static str {
    let kind = conversion.kind.trim_start_matches('@');
    // Hexadecimal numbers have any sign.
    let unsigned = matches!(kind, "o" | "u");
    match (takes(kind), conversion.length.as_str()) {
        (Takes::Integer, "h") if unsigned => "unsigned short",
        (Takes::Integer, "h") => "short",
        (Takes::Integer, "l") if kind == "c" => "int",
        (Takes::Integer, "l") if unsigned => "unsigned long",
        (Takes::Integer, "l") => "long",
        (Takes::Integer, "ll") if unsigned => "unsigned long long",
        (Takes::Integer, "ll") => "long long",
        (Takes::Integer, _) if kind == "wc" => "int",
        (Takes::Integer, _) if matches!(kind, "c" | "C") => "char, short, or int",
        (Takes::Integer, _) if matches!(kind, "T" | "Y") => TIME,
        (Takes::Integer, _) => "char, short, int, long, or long long",
        (Takes::Text, _) if conversion.is_wide() => "wchar_t []",
        (Takes::Text, _) => "char [] or string (or use stringof)",
        (Takes::Address, _) if kind == "A" => "pointer or integer (with -p/-c) or _usymaddr (without -p/-c)",
        (Takes::Address, _) => "pointer or integer",
        (Takes::Stack, _) => "dt_stack_t",
        (Takes::Float, _) if kind.starts_with('L') => "long double",
        (Takes::Float, _) => "float, double, or long double",
    }
}

/// The bytes that an integer must have for a conversion with a size (`%hd`: 2, `%ld` and `%lld`: 8); none allows any.
pub fn bytes(conversion: &Conversion) -> Option<u8> {
    match (takes(&conversion.kind), conversion.length.as_str()) {
        (Takes::Integer, "h") => Some(2),
        (Takes::Integer, "l") if conversion.kind.ends_with('c') => Some(4),
        (Takes::Integer, "l" | "ll") => Some(8),
        _ => None,
    }
}

/// Whether the size goes with the conversion.
fn is_known(conversion: &Conversion) -> bool {
    let kind = conversion.kind.trim_start_matches('@');
    match conversion.length.as_str() {
        "" => true,
        "h" | "ll" => matches!(kind, "d" | "i" | "o" | "u" | "x" | "X"),
        "l" => matches!(kind, "c" | "d" | "i" | "o" | "s" | "u" | "x" | "X"),
        _ => false,
    }
}

/// The parser's error in DTrace's words.
fn worded(text: &[u8], error: FormatError) -> FormatError {
    let (start, end) = (error.at.0 as usize, error.at.1 as usize);
    let before = Format::parse_with_flags(text.get(..start).unwrap_or_default(), KINDS, FLAGS);
    let number = before.map_or(0, |format| format.conversions().count()) + 1;
    let shown = text.get(start..end).unwrap_or_default();
    let message = match shown.last() {
        Some(b'$') => format!("format conversion #{number} uses unsupported positional format (%n$)"),
        _ if end >= text.len() && is_unfinished(shown) => {
            format!("format conversion #{number} name expected before end of format string")
        }
        Some(last) if last.is_ascii_digit() => format!("format conversion #{number}: {}", error.message),
        _ => return undefined(text, number, error.at),
    };
    FormatError { message, at: error.at }
}

/// Whether there are only flags, numbers and sizes, which something has to follow.
fn is_unfinished(shown: &[u8]) -> bool {
    shown.iter().all(|byte| byte.is_ascii_digit() || b"%#-+ '?*@.hlw".contains(byte))
}

fn undefined(text: &[u8], number: usize, at: (u32, u32)) -> FormatError {
    let mut shown = text.get(at.0 as usize..at.1 as usize).unwrap_or_default();
    if shown.ends_with(b"L") || shown.ends_with(b"w") {
        // A size that nothing has alone.
        shown = text.get(at.0 as usize..=at.1 as usize).unwrap_or(shown);
    }
    let mut name: String =
        String::from_utf8_lossy(shown).chars().filter(|c| !"%#0-+ '?*@.123456789".contains(*c)).collect();
    // Behind the sizes there is one letter.
    if let Some((at, last)) = name.char_indices().find(|(_, c)| !"hlLw".contains(*c)) {
        name.truncate(at + last.len_utf8());
    }
    FormatError { message: format!("format conversion #{number} is undefined: %{}", name.escape_debug()), at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::format::Count;

    fn message(text: &str) -> String {
        parse(text.as_bytes()).expect_err(text).message
    }

    #[test]
    fn every_conversion_of_the_language() {
        let all = "%a %A %c %C %d %e %E %f %g %G %hd %hi %ho %hu %hx %hX %i %k %lc %ld %li %lo %ls %lu %lx %lX %lld %lli \
                   %llo %llu %llx %llX %Le %LE %Lf %Lg %LG %o %p %s %S %T %u %wc %ws %x %X %Y %%";
        let format = parse(all.as_bytes()).expect("a format");
        assert_eq!(format.conversions().count(), 48);
    }

    #[test]
    fn flags_widths_precisions() {
        let text = "%-20s|%#x|%0*d|%'d|%+5.3d|% d|%.*s|%10@d|%-5@hu|%@lld";
        assert_eq!(parse(text.as_bytes()).expect("a format").conversions().count(), 10);
        let format = parse(b"%@10u %?p").expect("a format");
        let [value, address] = &format.conversions().collect::<Vec<_>>()[..] else { panic!("{format:?}") };
        assert_eq!((value.kind.as_str(), value.width), ("@u", Some(Count::Fixed(10))));
        assert_eq!((address.kind.as_str(), address.width), ("p", Some(Count::Fixed(16))));
        assert_eq!(takes(&value.kind), Takes::Integer);
    }

    #[test]
    fn mistakes_in_the_standard_words() {
        assert_eq!(message("%z"), "format conversion #1 is undefined: %z");
        assert_eq!(message("%z\n"), "format conversion #1 is undefined: %z");
        assert_eq!(message("%d %-5hhd"), "format conversion #2 is undefined: %hhd");
        assert_eq!(message("%d %lY"), "format conversion #2 is undefined: %lY");
        assert_eq!(message("%d %"), "format conversion #2 name expected before end of format string");
        assert_eq!(message("%ll"), "format conversion #1 name expected before end of format string");
        assert_eq!(message("%5$d"), "format conversion #1 uses unsupported positional format (%n$)");
        assert_eq!(message("100% \u{1b}"), "format conversion #1 is undefined: %\\u{1b}");
    }

    #[test]
    fn sizes_say_what_fits() {
        let of = |text: &str| {
            let format = parse(text.as_bytes()).expect(text);
            let conversion = format.conversions().next().cloned().expect("a conversion");
            (prototype(&conversion), bytes(&conversion))
        };
        assert_eq!(of("%hd"), ("short", Some(2)));
        assert_eq!(of("%lu"), ("unsigned long", Some(8)));
        assert_eq!(of("%d"), ("char, short, int, long, or long long", None));
        assert_eq!(of("%s"), ("char [] or string (or use stringof)", None));
    }
}
