//! Functions of C++ and Rust by the names that their sources have.

use crate::glob::Glob;
use quadrant_symbols::source_names;

/// Shorter pieces of names are not looked for: they are in nearly all.
const MIN_PIECE: usize = 3;

/// What readable names have behind a `::` although mangled names have not, or have as a letter. Parts of them are no pieces either.
const WORDS: [&str; 4] = [
    "std allocator basic_string string basic_istream basic_ostream basic_iostream istream ostream iostream char_traits",
    "nullptr_t bfloat16_t float16_t float32_t float64_t float128_t",
    "operator new delete unnamed type anonymous namespace string literal block invocation lambda closure",
    "vtable VTT typeinfo guard",
];

/// What readable names start with that is no source's own name: types that functions return, which are words of C++ or reserved names
/// (`_Float16`), and what the compiler makes of its own.
const FIRST_WORDS: [&str; 5] = [
    "unsigned signed short long int char bool void float double half decimal128 decimal64 decimal32 wchar_t char8_t char16_t char32_t",
    "auto decltype typeof const volatile restrict struct class union enum typename template operator noexcept sizeof alignof true false",
    "construction covariant virtual non reference hidden transaction TLS java initializer global static string nullptr",
    "vector complex imaginary throw typeid this co_await static_cast dynamic_cast const_cast reinterpret_cast",
    "isize usize i128 u128 i16 u16 i32 u32 i64 u64 f16 f32 f64 f128 str dyn impl extern unsafe mut",
];

/// A disambiguator of Rust and a length are 64-bit numbers: so many digits of base 62, and of base 10.
const MAX_DIGITS: usize = 11;
const MAX_DECIMALS: usize = 20;

/// Which functions are meant by the names that their sources have.
pub(crate) struct Named {
    pattern: Glob,
    /// What all names that match have in them, mangled or not, so that few have to be made readable.
    piece: Option<String>,
}

impl Named {
    pub fn new(pattern: &str) -> Self {
        Self { pattern: Glob::new(pattern), piece: piece(pattern).map(str::to_owned) }
    }

    /// See [`is_called`].
    pub fn accepts(&self, raw: &str) -> bool {
        self.may_accept(raw) && is_called(raw, &self.pattern)
    }

    /// False for most of the names that it does not accept.
    pub fn may_accept(&self, raw: &str) -> bool {
        self.piece.as_deref().is_none_or(|piece| raw.contains(piece))
    }
}

/// The longest piece of a pattern that is a source's own name, or a part of one: mangled names have it as it is. What else a readable
/// name has, types most of all, mangled names have in letters, and no list of it is whole: only what is behind a `::` or starts the pattern
/// is surely a name. Behind a bracket may be a set, parameters, or an expression.
fn piece(pattern: &str) -> Option<&str> {
    let plain = pattern.split(['[', '(', '<', '{']).next().unwrap_or_default();
    let first =
        Some(run(plain)).filter(|first| pattern.chars().all(|c| is_part(c) || c == ':') || !is_first_word(first));
    let others = plain.match_indices("::").map(|(at, colons)| run(&plain[at + colons.len()..]));
    let is_own =
        |run: &&str| run.len() >= MIN_PIECE && !run.starts_with(|c: char| c.is_ascii_digit()) && !is_among(&WORDS, run);
    first.into_iter().chain(others).filter(is_own).max_by_key(|run| run.len())
}

/// What of a name a text starts with.
fn run(text: &str) -> &str {
    text.split(|c| !is_part(c)).next().unwrap_or_default()
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_first_word(run: &str) -> bool {
    run.starts_with('_') || is_among(&FIRST_WORDS, run)
}

/// Whether it is one of the words, or a part of one.
fn is_among(words: &[&str], run: &str) -> bool {
    words.iter().flat_map(|words| words.split(' ')).any(|word| word.contains(run))
}

/// The names in a mangled name, in its order: `shop::sale` of `_ZN4shop4saleEi`. More or less what the source has, for comparisons.
pub(crate) fn rough_names(raw: &str) -> Vec<&str> {
    let is_rust = raw.starts_with("_R");
    let mut names = Vec::new();
    let mut rest = if raw.starts_with("_Z") || is_rust { &raw[2..] } else { "" };
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("St") && !is_rust {
            names.push("std");
        }
        // Rust tells crates of the same name apart.
        let disambiguator = rest.strip_prefix('s').filter(|_| is_rust).and_then(behind_digits);
        let named = || first.is_ascii_digit().then(|| source_name(rest)).flatten();
        rest = match (disambiguator, named()) {
            (Some(behind), _) => behind,
            (None, Some((name, behind))) => {
                names.push(name);
                behind
            }
            (None, None) => &rest[first.len_utf8()..],
        };
    }
    names
}

/// What is behind a disambiguator.
fn behind_digits(text: &str) -> Option<&str> {
    let digits = text.bytes().take(MAX_DIGITS + 1).position(|byte| byte == b'_')?;
    Some(&text[digits + 1..])
}

/// A length and the name behind it.
fn source_name(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take(MAX_DECIMALS + 1).position(|byte| !byte.is_ascii_digit())?;
    let (len, rest) = text.split_at(digits);
    let len: usize = len.parse().ok()?;
    let rest = if text.len() > digits && rest.len() > len { rest.strip_prefix('_').unwrap_or(rest) } else { rest };
    rest.is_char_boundary(len).then(|| rest.split_at_checked(len)).flatten()
}

/// Whether a mangled name is that of a function whose readable name matches, with or without its parameters:
/// `shop::sale`, `shop::sale(int)`, `shop::*`. A name with brackets, as `make[abi:cxx11]`, means itself, too.
pub(crate) fn matches(raw: &str, wanted: &Glob) -> bool {
    source_names(raw).iter().any(|name| wanted.matches(name) || name == wanted.text())
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

/// How many parameters a readable or mangled name of C++ has in it, of `shop::sale(int, char)` 2.
pub(crate) fn count_of_parameters(name: &str) -> Option<usize> {
    let readable = readable(name);
    let name = readable.as_deref().unwrap_or(name);
    let end = name.rfind(')')?;
    let mut depth = 0_usize;
    let is_start = |(_, letter): &(usize, char)| {
        depth = if *letter == ')' { depth + 1 } else { depth.saturating_sub(usize::from(*letter == '(')) };
        depth == 0
    };
    let start = name[..=end].char_indices().rev().find(is_start)?.0 + 1;
    let list = &name[start..end];
    let mut inside = 0_i32;
    let commas = list.chars().filter(|letter| {
        inside += i32::from("(<{[".contains(*letter)) - i32::from(")>}]".contains(*letter));
        *letter == ',' && inside == 0
    });
    let all = commas.count() + usize::from(!list.is_empty() && list != "void");
    Some(all - usize::from(list.ends_with("...")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_names() {
        let names = [
            "f",
            "f()",
            "a::f(int) const",
            "f(std::map<int, char>, void (*)(int, int), ...)",
            "_Z1fic",
            "(anonymous namespace)::f(X&)",
        ];
        let counts = names.map(count_of_parameters);
        assert_eq!(counts, [None, Some(0), Some(1), Some(2), Some(2), Some(1)]);
    }

    /// A name that a pattern matches has the pattern's piece in its mangled form.
    #[test]
    fn pieces_of_patterns() {
        let pieces = [
            ("shop::sale", Some("sale")),
            ("shop::sale*", Some("sale")),
            ("*place", None),
            ("sale*", Some("sale")),
            ("sale(int)", Some("sale")),
            ("*sale", None),
            ("half", Some("half")),
            ("half*", None),
            ("_Float16*", None),
            ("float __vec*", None),
            ("_BitInt(7) half<int>(int)", None),
            ("uns*", None),
            ("*::sale(int)", Some("sale")),
            ("*::basic_str*", None),
            ("int max<int>(int, int)", None),
            ("operator new(unsigned long)", None),
            ("ns::operator[]", None),
            ("*", None),
            ("<alloc::vec::Vec<u32> as core::fmt::Debug>::fmt", None),
        ];
        pieces.iter().for_each(|(pattern, wanted)| assert_eq!(piece(pattern), *wanted, "{pattern}"));
        assert!(Named::new("shop::sale").accepts("_ZN4shop4saleEi") && !Named::new("shop::sale").accepts("sale"));
        assert!(Named::new("for_c").accepts("for_c"));
    }

    /// Types have words in readable names that mangled names have in letters.
    #[test]
    fn functions_are_found_by_types_of_any_words() {
        for (raw, pattern) in [
            ("_Z4halfDF16_", "half(_Float16)"),
            ("_Z4halfDF16_", "half(_Float16*"),
            ("_Z3addDv4_f", "add(float __vector(4))"),
            ("_Z3addDv4_f", "*vector*"),
            ("_Z3addIiEDTplfp_fp0_ET_S1_", "decltype ({parm#1}+{parm#2}) add<int>(int, int)"),
            ("_Z3addIiEDTplfp_fp0_ET_S1_", "*parm*"),
            ("_Z4bitsDB7_", "bits*(*_BitInt*)"),
            ("_ZN4shop4saleEg", "shop::sale(__float128)"),
        ] {
            let (named, readable) = (Named::new(pattern), source_names(raw));
            assert!(named.may_accept(raw), "{pattern}");
            assert!(readable.is_empty() || named.accepts(raw), "{pattern} {readable:?}");
        }
    }

    /// Would take hours if each letter looked at all that is behind it.
    #[test]
    fn rough_names_of_a_hostile_symbol_take_no_time() {
        for raw in ["s".repeat(1 << 20), "1".repeat(1 << 20)] {
            rough_names(&format!("_R{raw}"));
            rough_names(&format!("_Z{raw}"));
        }
    }

    #[test]
    fn rough_names_are_those_of_the_source() {
        let rough = |raw: &'static str| rough_names(raw).join("::");
        assert_eq!(rough("_ZN4shop4saleERKNS_5PointE"), "shop::sale::Point");
        assert_eq!(rough("_ZNSt4pairIiE4swapEv"), "std::pair::swap");
        assert_eq!(rough("_RNvMs_NtCsbq3T_4core3fmt5write"), "core::fmt::write");
        assert_eq!(rough("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write::h0123456789abcdef");
        for raw in
            ["", "_Z", "_R", "main", "_Z99x", "_Z18446744073709551616a", "_Z3\u{e4}\u{e4}", "_Rs", "_Z5\u{e4}bcd"]
        {
            rough_names(raw);
        }
    }

    fn check(raw: &str, wanted: &str) -> bool {
        matches(raw, &Glob::new(wanted))
    }

    #[test]
    fn cpp_with_and_without_parameters() {
        assert!(check("_ZN4shop4saleEi", "shop::sale"));
        assert!(check("_ZN4shop4saleEi", "shop::sale(int)"));
        assert!(check("_ZN4shop4saleEi", "shop::*"));
        assert!(check("_ZN2ns4makeB5cxx11Ei", "ns::make[abi:cxx11]"));
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
