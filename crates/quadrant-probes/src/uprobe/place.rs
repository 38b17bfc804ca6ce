//! What a script may write after the file: a function, an offset into it, or an address.

use crate::error::{Result, advise, error};
use crate::number;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Functions by name, wildcards allowed.
    Functions(String),
    /// Bytes after the start of a function.
    Inside { function: String, offset: u64 },
    /// An address as the file's symbols have it.
    Address(u64),
}

impl Place {
    /// The parts after the file: `["malloc"]`, `["malloc+4"]`, `["0x401136"]`.
    pub fn parse(parts: &[String]) -> Result<Self> {
        match parts {
            [place] => Self::parse_one(place),
            [language, _] if language == "cpp" => {
                let help = "use the symbol's mangled name, with wildcards where it is long: `*function*`";
                Err(advise("C++ names are not supported in probes", help))
            }
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
        assert_eq!(parse(&["main+0"]), Ok(Place::Functions("main".into())));
        assert_eq!(parse(&["0x401136"]), Ok(Place::Address(0x40_1136)));
        assert!(parse(&["main+x"]).is_err());
        assert!(parse(&["12ab"]).is_err());
        assert!(parse(&[""]).is_err());
        assert!(parse(&["cpp", "f()"]).unwrap_err().message.contains("C++"));
        assert!(parse(&["a", "b", "c"]).is_err());
    }
}
