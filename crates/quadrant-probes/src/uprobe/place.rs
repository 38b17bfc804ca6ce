//! What a script may write after the file: a function, an offset into it, or an address.

use crate::error::{Result, error};
use crate::number;

/// Words between file and function that say how names are mangled.
const LANGUAGES: [&str; 2] = [READABLE, "rust"];
/// Stands before the name that a function has in its source.
pub(super) const READABLE: &str = "cpp";

/// Whether a word between file and function says how names are mangled.
pub(crate) fn is_language(word: &str) -> bool {
    LANGUAGES.contains(&word)
}

/// The word between file and function that asks for inlined copies.
pub(super) const INLINED: &str = "inline";

/// In place of an offset: all instructions.
const EVERYWHERE: &str = "*";

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Functions by name, wildcards allowed.
    Functions(String),
    /// Functions by the name that a C++ or Rust source calls them.
    Readable(String),
    /// Bytes after the start of a function.
    Inside { function: String, offset: u64 },
    /// Every instruction of functions.
    Instructions(String),
    /// The inlined copies of a function, and the function itself if it has code of its own.
    Inlined(String),
    /// The code of a source line.
    Line(SourcePlace),
    /// An address as the file's symbols have it.
    Address(u64),
}

/// A line of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourcePlace {
    /// The end of its path.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1.
    pub column: Option<u32>,
}

impl SourcePlace {
    /// Of `["program@file.c", "12"]` or `["program@file.c", "12", "5"]` the program and the place.
    pub fn parse(parts: &[String]) -> Option<(&str, Self)> {
        let (first, numbers) = parts.split_first()?;
        let (program, file) =
            first.rsplit_once('@').filter(|(program, file)| !program.is_empty() && !file.is_empty())?;
        let number = |text: &String| text.parse::<u32>().ok().filter(|number| *number > 0);
        let (line, column) = match numbers {
            [line] => (number(line)?, None),
            [line, column] => (number(line)?, Some(number(column)?)),
            _ => return None,
        };
        Some((program, Self { file: file.to_owned(), line, column }))
    }
}

impl Place {
    /// The parts after the file: `["malloc"]`, `["malloc+4"]`, `["0x401136"]`, `["cpp", "shop::sale"]`. A name with `::` that
    /// was not quoted comes in pieces.
    pub fn parse(parts: &[String]) -> Result<Self> {
        match parts {
            [place] if place.contains("::") => Ok(Self::Readable(place.clone())),
            [place] => Self::parse_one(place),
            [word, rest @ ..] if word == INLINED && !rest.is_empty() => Ok(Self::Inlined(rest.join(":"))),
            [language, rest @ ..] if is_language(language) => Ok(Self::Readable(rest.join(":"))),
            [_, colons, ..] if colons.is_empty() => Ok(Self::Readable(parts.join(":"))),
            _ => Err(error(
                "a uprobe is written `uprobe:file:function`, `uprobe:file:function+offset` or `uprobe:file:address`",
            )),
        }
    }

    fn parse_one(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(error("the probe names no function"));
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let address = number::parse(text);
            return address.map(Self::Address).ok_or_else(|| error(format!("`{text}` is no address")));
        }
        // Mangled names have no plus sign; C++'s operator+ is written demangled only.
        let Some((function, offset)) = text.rsplit_once('+') else { return Ok(Self::Functions(text.to_owned())) };
        if offset == EVERYWHERE {
            return Ok(Self::Instructions(function.trim().to_owned()));
        }
        let offset = number::parse(offset.trim());
        let offset = offset.ok_or_else(|| error(format!("the offset in `{text}` is no number")))?;
        let function = function.trim().to_owned();
        Ok(if offset == 0 { Self::Functions(function) } else { Self::Inside { function, offset } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parts: &[&str]) -> Result<Place> {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        Place::parse(&parts)
    }

    #[test]
    fn forms() {
        assert_eq!(parse(&["malloc"]), Ok(Place::Functions("malloc".into())));
        assert_eq!(parse(&["mem*"]), Ok(Place::Functions("mem*".into())));
        assert_eq!(parse(&["main+0x10"]), Ok(Place::Inside { function: "main".into(), offset: 16 }));
        assert_eq!(parse(&["main+*"]), Ok(Place::Instructions("main".into())));
        assert_eq!(parse(&["main+0"]), Ok(Place::Functions("main".into())));
        assert_eq!(parse(&["0x401136"]), Ok(Place::Address(0x40_1136)));
        assert!(parse(&["main+x"]).is_err());
        assert!(parse(&["12ab"]).is_err());
        assert!(parse(&[""]).is_err());
        let readable = Ok(Place::Readable("shop::sale".into()));
        assert_eq!(parse(&["shop::sale"]), readable);
        assert_eq!(parse(&["shop", "", "sale"]), readable);
        assert_eq!(parse(&["cpp", "shop::sale"]), readable);
        assert_eq!(parse(&["cpp", "shop", "", "sale"]), readable);
        assert_eq!(parse(&["cpp", "f()"]), Ok(Place::Readable("f()".into())));
        assert!(parse(&["a", "b", "c"]).is_err());
        assert_eq!(parse(&["inline", "shop", "", "sale"]), Ok(Place::Inlined("shop::sale".into())));
        assert_eq!(parse(&["inline"]), Ok(Place::Functions("inline".into())));
    }

    #[test]
    fn lines() {
        let parse = |parts: &[&str]| {
            let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            SourcePlace::parse(&parts).map(|(program, place)| (program.to_owned(), place))
        };
        let place = |column| SourcePlace { file: "src/a.c".into(), line: 12, column };
        assert_eq!(parse(&["/bin/x@src/a.c", "12"]), Some(("/bin/x".into(), place(None))));
        assert_eq!(parse(&["/bin/x@src/a.c", "12", "5"]), Some(("/bin/x".into(), place(Some(5)))));
        for other in [&["/bin/x", "12"][..], &["/bin/x@a.c", "main"], &["/bin/x@a.c"], &["@a.c", "1"], &["x@a.c", "0"]]
        {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
