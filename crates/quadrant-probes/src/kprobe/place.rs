//! What a script may write after `kprobe:`: functions, an offset into one, or an address.

use crate::error::{Result, error};
use crate::glob::{Glob, has_wildcards};
use crate::kernel::Wanted;
use crate::number;

/// A place in the kernel's code.
pub(super) enum Place {
    /// Functions by name, wildcards allowed.
    Functions(Wanted),
    /// Bytes after the start of the function of that name.
    Inside { wanted: Wanted, function: String, offset: u64 },
    /// An address.
    Address(u64),
}

impl Place {
    /// The parts after the kind: `["vfs_read"]`, `["xfs", "xfs_*"]`, `["vfs_read+9"]`, `["0xffffffff81000000"]`.
    pub fn parse(parts: &[String]) -> Result<Self> {
        let (Some(last), true) = (parts.last(), parts.len() <= 2) else {
            return Err(error(
                "a kernel probe is written `kprobe:function`, `kprobe:module:function` or `kprobe:function+offset`",
            ));
        };
        if last.is_empty() {
            return Err(error("the probe names no function"));
        }
        if parts.len() == 1 && last.starts_with(|c: char| c.is_ascii_digit()) {
            let address = number::parse(last).ok_or_else(|| error(format!("`{last}` is no address")))?;
            return Ok(Self::Address(address));
        }
        match last.rsplit_once('+') {
            Some((function, offset)) => Self::inside(parts, function.trim(), offset.trim()),
            None => Ok(Self::Functions(wanted(parts, last))),
        }
    }

    fn inside(parts: &[String], function: &str, offset: &str) -> Result<Self> {
        let number = number::parse(offset).ok_or_else(|| error(format!("the offset `{offset}` is no number")))?;
        let wanted = wanted(parts, function);
        match number {
            _ if has_wildcards(function) => Err(error("an offset needs one function, not a pattern")),
            0 => Ok(Self::Functions(wanted)),
            offset => Ok(Self::Inside { wanted, function: function.to_owned(), offset }),
        }
    }
}

fn wanted(parts: &[String], function: &str) -> Wanted {
    let module = (parts.len() == 2).then(|| Glob::new(&parts[0]));
    Wanted { module, name: Glob::new(function) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parts: &[&str]) -> Result<Place> {
        Place::parse(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn forms() {
        assert!(matches!(parse(&["vfs_read"]), Ok(Place::Functions(wanted)) if wanted.name.text() == "vfs_read"));
        assert!(matches!(parse(&["xfs", "xfs_*"]), Ok(Place::Functions(wanted)) if wanted.module.is_some()));
        assert!(matches!(parse(&["vfs_read+0"]), Ok(Place::Functions(_))));
        assert!(matches!(parse(&["vfs_read + 0x10"]), Ok(Place::Inside { offset: 16, .. })));
        assert!(matches!(parse(&["0xffffffff81000000"]), Ok(Place::Address(0xffff_ffff_8100_0000))));
        for bad in [&[][..], &[""], &["vfs_read+x"], &["vfs_*+4"], &["12ab"], &["a", "b", "c"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
