//! Functions of C++ and Rust by the names that their sources have.

use crate::glob::Glob;
use quadrant_symbols::source_names;

/// Whether a mangled name is that of a function whose readable name matches, with or without its parameters:
/// `shop::sale`, `shop::sale(int)`, `shop::*`.
pub(crate) fn matches(raw: &str, wanted: &Glob) -> bool {
    source_names(raw).iter().any(|name| wanted.matches(name))
}

/// As [`matches`], or the name itself, for a function that C can call, too: it has the name that the source gives it. A pattern of
/// wildcards alone means the functions of C++ and Rust only.
pub(crate) fn is_called(raw: &str, wanted: &Glob) -> bool {
    let is_plain = || !wanted.is_bare() && wanted.matches(raw) && readable(raw).is_none();
    matches(raw, wanted) || is_plain()
}

/// The readable name of a function that is called `wanted` in whatever namespace or class it is.
pub(crate) fn called(raw: &str, wanted: &str) -> Option<String> {
    let names = source_names(raw);
    let last = |name: &String| name.rsplit("::").next() == Some(wanted);
    names.iter().find(|name| last(name)).cloned()
}

/// The readable name, as the source would call the function; `None` if the name is not mangled.
pub(crate) fn readable(raw: &str) -> Option<String> {
    source_names(raw).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, wanted: &str) -> bool {
        matches(raw, &Glob::new(wanted))
    }

    #[test]
    fn cpp_with_and_without_parameters() {
        assert!(check("_ZN4shop4saleEi", "shop::sale"));
        assert!(check("_ZN4shop4saleEi", "shop::sale(int)"));
        assert!(check("_ZN4shop4saleEi", "shop::*"));
        assert!(!check("_ZN4shop4saleEi", "sale"));
        assert!(!check("_ZN4shop4saleEi", "shop::sale(long)"));
    }

    #[test]
    fn names_that_are_not_mangled() {
        let check = |raw: &str, wanted: &str| is_called(raw, &Glob::new(wanted));
        assert!(check("for_c", "for_c"));
        assert!(check("for_c", "for_*"));
        assert!(!check("for_c", "*") && !check("for_c", "") && !check("for_c", "?*"));
        assert!(check("_ZN4shop4saleEi", "*") && !check("_ZN4shop4saleEi", "*Z*"));
        assert!(!check("_ZN4shop4saleEi", "_ZN4shop4saleEi"));
    }

    #[test]
    fn functions_by_their_last_names() {
        assert_eq!(called("_ZN4shop4saleEi", "sale").as_deref(), Some("shop::sale"));
        assert_eq!(called("_ZN4shop4saleEi", "shop"), None);
        assert_eq!(called("sale", "sale"), None);
    }

    #[test]
    fn rust_without_hash() {
        assert!(check("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"));
        assert_eq!(readable("_RNvC6_123foo3bar").as_deref(), Some("123foo::bar"));
    }

    #[test]
    fn plain_names_are_not_mangled() {
        for raw in ["main", "_start", "_Z", "_R", ""] {
            assert_eq!(readable(raw), None, "{raw}");
        }
    }
}
