//! Functions of C++ and Rust by the names that their sources have.

use crate::glob::Glob;
use cpp_demangle::DemangleOptions;
use std::fmt::{self, Write};

/// Longer names are compared as they are.
const MAX_INPUT: usize = 8 * 1024;
/// A readable name that would be longer is given up: back references let a short hostile name stand for gigabytes.
const MAX_OUTPUT: usize = 16 * 1024;

/// Whether a mangled name is that of a function whose readable name matches, with or without its parameters:
/// `shop::sale`, `shop::sale(int)`, `shop::*`.
pub(crate) fn matches(raw: &str, wanted: &Glob) -> bool {
    forms(raw).iter().any(|form| wanted.matches(form))
}

/// The readable name, as the source would call the function; `None` if the name is not mangled.
pub(crate) fn readable(raw: &str) -> Option<String> {
    forms(raw).into_iter().next()
}

/// The readable name, and where it has parameters also without.
fn forms(raw: &str) -> Vec<String> {
    if raw.len() > MAX_INPUT || !(raw.starts_with("_Z") || raw.starts_with("_R")) {
        return Vec::new();
    }
    match rust(raw) {
        Some(name) => vec![name],
        None => cpp(raw),
    }
}

fn rust(raw: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(raw).ok()?;
    // The alternate form has no hash.
    limited(|out| write!(out, "{name:#}"))
}

fn cpp(raw: &str) -> Vec<String> {
    let Ok(symbol) = cpp_demangle::Symbol::new(raw) else { return Vec::new() };
    let whole = DemangleOptions::default().no_return_type();
    let bare = DemangleOptions::default().no_return_type().no_params();
    let forms = [whole, bare].map(|options| limited(|out| symbol.structured_demangle(out, &options)));
    forms.into_iter().flatten().collect()
}

fn limited(write: impl FnOnce(&mut Limited) -> fmt::Result) -> Option<String> {
    let mut out = Limited(String::new());
    write(&mut out).ok()?;
    Some(out.0)
}

struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_OUTPUT {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
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
