//! Rust and C++ names made readable, with a bound on the result.
//!
//! Mangled names compress repeated parts by back references, so a short hostile name can
//! stand for gigabytes. All output goes through [`Limited`], which stops early.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, Symbol};

/// Longer names stay as they are.
const MAX_INPUT: usize = 16 * 1024;
/// A demangled name that would be longer is given up.
const MAX_OUTPUT: usize = 64 * 1024;

/// The readable form of `raw` as stacks show it, the types of a template's result included, or `None` when it is not a
/// mangled name.
pub fn demangle(raw: &str) -> Option<String> {
    match scheme(raw)? {
        Scheme::Rust(name) => Some(name),
        Scheme::Cpp(symbol) => cpp(&symbol, &DemangleOptions::default()),
    }
}

/// The readable names by which a source speaks of the function, without the type of its result: with its parameters,
/// and, where it has some, without; both without tags of the library's version; and as other tools show it, with the result. Empty when
/// `raw` is not a mangled name.
pub fn source_names(raw: &str) -> Vec<String> {
    match scheme(raw) {
        None => Vec::new(),
        Some(Scheme::Rust(name)) => vec![name],
        Some(Scheme::Cpp(symbol)) => {
            let whole = DemangleOptions::default().no_return_type();
            let bare = DemangleOptions::default().no_return_type().no_params();
            let mut names: Vec<String> = [whole, bare].iter().filter_map(|options| cpp(&symbol, options)).collect();
            if let Some(bare) = names.get_mut(1) {
                bare.truncate(without_qualifiers(bare).len());
            }
            names.extend(names.iter().filter_map(|name| without_tags(name)).collect::<Vec<_>>());
            names.extend(cpp(&symbol, &DemangleOptions::default()).filter(|shown| !names.contains(shown)));
            names
        }
    }
}

/// The name of a member function without what stands behind its parameters.
fn without_qualifiers(name: &str) -> &str {
    [" &&", " &", " volatile", " const"]
        .iter()
        .fold(name, |name, qualifier| name.strip_suffix(qualifier).unwrap_or(name))
}

/// The name without what the compiler adds for the C++ library's versions, as `[abi:cxx11]` where a `std::string` is returned;
/// `None` if nothing was added.
fn without_tags(name: &str) -> Option<String> {
    const TAG: &str = "[abi:";
    let mut parts = name.split(TAG);
    let first = parts.next()?.to_owned();
    let rest: Option<String> = parts.map(|part| Some(part.split_once(']')?.1)).collect();
    rest.filter(|_| name.contains(TAG)).map(|rest| first + &rest)
}

enum Scheme<'a> {
    Rust(String),
    Cpp(Symbol<&'a str>),
}

fn scheme(raw: &str) -> Option<Scheme<'_>> {
    if raw.len() > MAX_INPUT {
        return None;
    }
    let cpp = || Symbol::new(raw).ok().map(Scheme::Cpp);
    match raw.as_bytes() {
        [b'_', b'R', ..] => rust(raw).map(Scheme::Rust),
        [b'_', b'Z', ..] => rust(raw).map(Scheme::Rust).or_else(cpp),
        [b'_', b'_', b'Z', ..] | [b'_', b'G', b'L', b'O', ..] => cpp(),
        _ => None,
    }
}

/// Rust's legacy and v0 schemes; `{:#}` leaves out the hash.
fn rust(raw: &str) -> Option<String> {
    let demangled = rustc_demangle::try_demangle(raw).ok()?;
    let mut out = Limited(String::new());
    write!(out, "{demangled:#}").ok()?;
    Some(out.0)
}

fn cpp(symbol: &Symbol<&str>, options: &DemangleOptions) -> Option<String> {
    let mut out = Limited(String::new());
    symbol.structured_demangle(&mut out, options).ok()?;
    Some(out.0)
}

/// A string that refuses to grow beyond [`MAX_OUTPUT`].
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

    #[test]
    fn knows_rust_and_cpp() {
        let cases = [
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_Z3addii", "add(int, int)"),
            ("_ZN2ns5Thing3runEv", "ns::Thing::run()"),
        ];
        for (raw, readable) in cases {
            assert_eq!(demangle(raw).as_deref(), Some(readable), "{raw}");
        }
    }

    #[test]
    fn leaves_c_names_alone() {
        for raw in ["main", "_start", "__libc_start_main", "", "_Z", "_R"] {
            assert_eq!(demangle(raw), None, "{raw}");
            assert!(source_names(raw).is_empty(), "{raw}");
        }
    }

    #[test]
    fn names_in_sources_have_no_result_and_may_have_parameters() {
        assert_eq!(source_names("_ZN4shop4saleEi"), ["shop::sale(int)", "shop::sale"]);
        assert_eq!(demangle("_Z3maxIiET_S0_S0_").as_deref(), Some("int max<int>(int, int)"));
        assert_eq!(source_names("_Z3maxIiET_S0_S0_"), ["max<int>(int, int)", "max<int>", "int max<int>(int, int)"]);
        assert_eq!(source_names("_ZNR1P4lrefEi"), ["P::lref(int) &", "P::lref"]);
        assert_eq!(source_names("_ZZ5f_lamiENKUliE_clEi")[1], "f_lam(int)::{lambda(int)#1}::operator()");
        assert_eq!(source_names("_ZN4core3fmt5write17h0123456789abcdefE"), ["core::fmt::write"]);
        let tagged = ["ns::make[abi:cxx11](int)", "ns::make[abi:cxx11]", "ns::make(int)", "ns::make"];
        assert_eq!(source_names("_ZN2ns4makeB5cxx11Ei"), tagged);
    }

    /// Each level of the name refers to the one before twice: the text would double 60 times.
    #[test]
    fn exponential_names_are_given_up() {
        let mut raw = String::from("_Z1fSt4pairIiiE");
        for level in 0..60 {
            let seq = match level {
                0 => "S_".to_owned(),
                n => format!("S{}_", base36(n - 1)),
            };
            raw.push_str(&format!("St4pairI{seq}{seq}E"));
        }
        let demangled = demangle(&raw);
        assert!(demangled.is_none_or(|text| text.len() <= MAX_OUTPUT));
    }

    fn base36(number: u32) -> String {
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        match number {
            0..36 => char::from(digits[number as usize]).to_string(),
            _ => format!("{}{}", base36(number / 36), base36(number % 36)),
        }
    }
}
