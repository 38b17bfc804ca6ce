//! What compilers add to the names of functions that they change.

/// A change that a compiler makes to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Arguments were removed or are passed in another way (`.isra.0`).
    Arguments,
    /// Some arguments are constants and are not passed (`.constprop.0`), or only the name changed (`.llvm.123`).
    Copy,
    /// A part of the function that other code calls or jumps to (`.part.0`, `.cold`).
    Part,
}

/// The name in the source, and the worst of the changes; `None` if the compiler left the name alone.
pub(crate) fn split(name: &str) -> Option<(&str, Change)> {
    let (base, suffixes) = name.split_once('.').filter(|(base, _)| !base.is_empty())?;
    let changes = suffixes.split('.').filter_map(change);
    let change = changes.reduce(|a, b| if rank(b) > rank(a) { b } else { a })?;
    Some((base, change))
}

fn change(word: &str) -> Option<Change> {
    match word {
        "isra" => Some(Change::Arguments),
        "constprop" | "llvm" | "clone" => Some(Change::Copy),
        "part" | "cold" => Some(Change::Part),
        _ => None,
    }
}

fn rank(change: Change) -> u8 {
    match change {
        Change::Copy => 0,
        Change::Arguments => 1,
        Change::Part => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_change_counts() {
        assert_eq!(split("vfs_read"), None);
        assert_eq!(split("do_it.isra.0"), Some(("do_it", Change::Arguments)));
        assert_eq!(split("do_it.constprop.0.isra.0"), Some(("do_it", Change::Arguments)));
        assert_eq!(split("do_it.part.0.cold"), Some(("do_it", Change::Part)));
        assert_eq!(split("do_it.llvm.123456"), Some(("do_it", Change::Copy)));
        assert_eq!(split("do_it.0"), None);
        assert_eq!(split(".text"), None);
    }
}
