//! printf formats, parsed once.

/// A parsed format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// Text and conversions in order.
    pub pieces: Vec<Piece>,
}

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Printed as it is.
    Text(Vec<u8>),
    /// Prints one argument (and takes one more before it for each `*`).
    Conversion(Conversion),
}

/// `%[flags][width][.precision]conversion`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// `-`: left-justified.
    pub left: bool,
    /// `+`: always a sign.
    pub plus: bool,
    /// space: a blank instead of a plus sign.
    pub space: bool,
    /// `#`: alternative form.
    pub alternate: bool,
    /// `0`: padded with zeros.
    pub zero: bool,
    /// `'`: thousands grouped.
    pub group: bool,
    /// Minimum width.
    pub width: Option<Count>,
    /// Precision.
    pub precision: Option<Count>,
    /// Length modifier (`ll`, `h`, ...): kept for checks; values know their own width.
    pub length: String,
    /// The conversion character(s): `d`, `s`, `x`, `r`, `rx`, `rh`.
    pub kind: String,
    /// `gr`: the flags that a number may have, in the order in which they are looked for.
    pub flags: Vec<Flag>,
    /// The argument is a text of the script itself: it is shown as it stands there.
    pub own: bool,
    /// Byte range in the format text, for messages.
    pub at: (u32, u32),
}

impl Conversion {
    /// Whether it shows characters of four bytes, in D.
    pub fn is_wide(&self) -> bool {
        self.length == "l" || self.kind.starts_with('w')
    }

    /// How many arguments come before its own, for its width and precision (`*`).
    pub fn stars(&self) -> usize {
        [self.width, self.precision].iter().filter(|count| **count == Some(Count::Argument)).count()
    }
}

/// The name of bits of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// What is shown.
    pub name: String,
    /// All of them are set.
    pub bits: u64,
}

/// A number in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Given.
    Fixed(u32),
    /// `*`: the next argument.
    Argument,
}

/// Widths and precisions above this are refused: they could only be a mistake, and would eat memory.
pub const MAX_COUNT: u32 = 1 << 15;

/// What is wrong with a format, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// One line.
    pub message: String,
    /// Byte range in the format text.
    pub at: (u32, u32),
}

impl Format {
    /// Parse a format. `kinds` are the conversions the language has, longest first where one is the start of another.
    ///
    /// # Errors
    /// An unfinished or unknown conversion, a count above [`MAX_COUNT`].
    pub fn parse(text: &[u8], kinds: &[&str]) -> Result<Format, FormatError> {
        Format::parse_with_flags(text, kinds, &[])
    }

    /// The same for a language that has some of these flags too, before or behind the width: `@` makes a conversion's kind
    /// start with `@` (the value of an aggregation), `?` is the width of an address.
    ///
    /// # Errors
    /// Those of [`Format::parse`].
    pub fn parse_with_flags(text: &[u8], kinds: &[&str], flags: &[u8]) -> Result<Format, FormatError> {
        Parser::new(text, kinds, flags, false).format().map(|(format, _)| format)
    }

    /// The same for a language in which what is no conversion is text; second, what may be a mistake.
    ///
    /// # Errors
    /// A count above [`MAX_COUNT`].
    pub fn parse_loose(text: &[u8], kinds: &[&str]) -> Result<(Format, Vec<FormatError>), FormatError> {
        Parser::new(text, kinds, &[], true).format()
    }

    /// The conversions in order.
    pub fn conversions(&self) -> impl Iterator<Item = &Conversion> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Conversion(c) => Some(c),
            Piece::Text(_) => None,
        })
    }

    /// The conversions in order, to change them.
    pub fn conversions_mut(&mut self) -> impl Iterator<Item = &mut Conversion> {
        self.pieces.iter_mut().filter_map(|piece| match piece {
            Piece::Conversion(c) => Some(c),
            Piece::Text(_) => None,
        })
    }

    fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (Some(Piece::Text(last)), Piece::Text(more)) => last.extend(more),
            (_, piece) => self.pieces.push(piece),
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    kinds: &'a [&'a str],
    own_flags: &'a [u8],
    /// What is no conversion is text.
    loose: bool,
    /// Where that was so.
    unknown: Vec<FormatError>,
}

/// The hexadecimal digits of an address.
const ADDRESS_WIDTH: u32 = 16;

impl<'a> Parser<'a> {
    fn new(text: &'a [u8], kinds: &'a [&'a str], own_flags: &'a [u8], loose: bool) -> Self {
        Parser { text, at: 0, kinds, own_flags, loose, unknown: Vec::new() }
    }

    fn format(mut self) -> Result<(Format, Vec<FormatError>), FormatError> {
        let mut format = Format::default();
        while let Some(piece) = self.piece()? {
            format.push(piece);
        }
        Ok((format, self.unknown))
    }

    fn piece(&mut self) -> Result<Option<Piece>, FormatError> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        if rest[0] != b'%' {
            let len = rest.iter().position(|b| *b == b'%').unwrap_or(rest.len());
            self.at += len;
            return Ok(Some(Piece::Text(rest[..len].to_vec())));
        }
        if rest.get(1) == Some(&b'%') {
            self.at += 2;
            return Ok(Some(Piece::Text(b"%".to_vec())));
        }
        let start = self.at;
        match self.conversion(start)? {
            Some(conversion) => Ok(Some(Piece::Conversion(conversion))),
            None => self.no_conversion(start).map(Some),
        }
    }

    /// A percent sign that begins no conversion.
    fn no_conversion(&mut self, start: usize) -> Result<Piece, FormatError> {
        self.at = (self.at + 1).min(self.text.len());
        let shown = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        let error = self.error(start, format!("unknown conversion `{}` in format", shown.escape_debug()));
        if !self.loose {
            return Err(error);
        }
        self.unknown.push(error);
        self.at = start + 1;
        Ok(Piece::Text(b"%".to_vec()))
    }

    /// Nothing if there is no conversion of that name.
    fn conversion(&mut self, start: usize) -> Result<Option<Conversion>, FormatError> {
        self.at += 1;
        let mut c = Conversion::default();
        let mut aggregation = self.flags(&mut c);
        c.width = self.count(start)?.or(c.width);
        if self.eat(b'.') {
            c.precision = Some(self.count(start)?.unwrap_or(Count::Fixed(0)));
        }
        while let Some(flag) = self.own_flag() {
            aggregation |= own(&mut c, flag);
        }
        c.length = self.length();
        let Some(kind) = self.kind() else { return Ok(None) };
        c.kind = kind;
        if aggregation {
            c.kind.insert(0, '@');
        }
        c.at = (start as u32, self.at as u32);
        Ok(Some(c))
    }

    /// Returns whether one of them says that the value of an aggregation is meant.
    fn flags(&mut self, c: &mut Conversion) -> bool {
        let mut aggregation = false;
        loop {
            match self.text.get(self.at) {
                Some(b'-') => c.left = true,
                Some(b'+') => c.plus = true,
                Some(b' ') => c.space = true,
                Some(b'#') => c.alternate = true,
                Some(b'0') => c.zero = true,
                Some(b'\'') => c.group = true,
                _ => match self.own_flag() {
                    Some(flag) => {
                        aggregation |= own(c, flag);
                        continue;
                    }
                    None => return aggregation,
                },
            }
            self.at += 1;
        }
    }

    /// Takes a flag that only this language has.
    fn own_flag(&mut self) -> Option<u8> {
        let flag = *self.text.get(self.at).filter(|byte| self.own_flags.contains(byte))?;
        self.at += 1;
        Some(flag)
    }

    fn count(&mut self, start: usize) -> Result<Option<Count>, FormatError> {
        if self.eat(b'*') {
            return Ok(Some(Count::Argument));
        }
        let digits = self.text[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let number = self.text[self.at..self.at + digits]
            .iter()
            .fold(0u32, |n, d| n.saturating_mul(10).saturating_add(u32::from(d - b'0')));
        self.at += digits;
        if number > MAX_COUNT {
            return Err(self.error(start, format!("width or precision {number} is above {MAX_COUNT}")));
        }
        Ok((digits > 0).then_some(Count::Fixed(number)))
    }

    fn length(&mut self) -> String {
        let len = self.text[self.at..].iter().take_while(|b| b"hlqjzt".contains(b)).count();
        let text = String::from_utf8_lossy(&self.text[self.at..self.at + len]).into_owned();
        self.at += len;
        text
    }

    fn kind(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let kind = self.kinds.iter().find(|kind| rest.starts_with(kind.as_bytes()))?;
        self.at += kind.len();
        Some((*kind).to_owned())
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn error(&self, start: usize, message: String) -> FormatError {
        FormatError { message, at: (start as u32, self.at as u32) }
    }
}

/// What a flag of the language's own means; whether it is that of aggregations.
fn own(c: &mut Conversion, flag: u8) -> bool {
    if flag == b'?' {
        c.width = Some(Count::Fixed(ADDRESS_WIDTH));
    }
    flag == b'@'
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &[&str] = &["rx", "r", "d", "s", "x"];

    #[test]
    fn pieces_in_order() {
        let format = Format::parse(b"100%% %-6d|%*.3s %rx\n", KINDS).unwrap();
        let kinds: Vec<&str> = format.conversions().map(|c| c.kind.as_str()).collect();
        assert_eq!(kinds, ["d", "s", "rx"]);
        assert_eq!(format.pieces[0], Piece::Text(b"100% ".to_vec()));
        let star = format.conversions().nth(1).unwrap();
        assert_eq!((star.width, star.precision), (Some(Count::Argument), Some(Count::Fixed(3))));
    }

    #[test]
    fn mistakes_point_at_themselves() {
        assert_eq!(Format::parse(b"a %y", KINDS).unwrap_err().at, (2, 4));
        assert_eq!(Format::parse(b"a %", KINDS).unwrap_err().at, (2, 3));
        assert!(Format::parse(b"%99999999999d", KINDS).is_err());
    }

    #[test]
    fn a_loose_format_keeps_what_is_no_conversion() {
        let (format, unknown) = Format::parse_loose(b"100%\n %5y %d %", KINDS).unwrap();
        let kinds: Vec<&str> = format.conversions().map(|c| c.kind.as_str()).collect();
        assert_eq!(kinds, ["d"]);
        assert_eq!(format.pieces[0], Piece::Text(b"100%\n %5y ".to_vec()));
        let places: Vec<(u32, u32)> = unknown.iter().map(|error| error.at).collect();
        assert_eq!(places, [(3, 5), (6, 9), (13, 14)]);
    }

    #[test]
    fn flags_of_the_language() {
        let format = Format::parse_with_flags(b"%@d %-10@x %?s %5s", KINDS, b"@?").unwrap();
        let kinds: Vec<&str> = format.conversions().map(|c| c.kind.as_str()).collect();
        assert_eq!(kinds, ["@d", "@x", "s", "s"]);
        let widths: Vec<Option<Count>> = format.conversions().map(|c| c.width).collect();
        assert_eq!(widths, [None, Some(Count::Fixed(10)), Some(Count::Fixed(16)), Some(Count::Fixed(5))]);
        assert!(Format::parse(b"%@d", KINDS).is_err());
    }
}
