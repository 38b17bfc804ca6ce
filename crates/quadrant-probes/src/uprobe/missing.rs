//! Functions that are not found: what they are instead, and what was meant.

use super::list::functions;
use super::place::READABLE;
use crate::demangle;
use crate::elf::{Elf, Symbol, SymbolKind, Symbols};
use crate::error::{advise, error, no_match};
use crate::files::CUT;
use crate::target::Target;
use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{ProbeError, ProbeKind};
use quadrant_symbols::source_names;
use quadrant_types::suggest_many;
use std::collections::{BTreeSet, HashMap};

/// Names shown as alternatives to an indirect function.
const MOST_ALTERNATIVES: usize = 4;

/// No function of that name: because it is something else, or because it is not there.
pub(super) fn missing_function(elf: &Elf, target: &Target, name: &str) -> ProbeError {
    let file = target.name.display();
    let Ok(symbols) = elf.symbols() else { return error(format!("cannot read the symbols of {file}")) };
    let other = symbols.named(name).max_by_key(|symbol| symbol.kind == SymbolKind::Indirect);
    match other.map(|symbol| symbol.kind) {
        Some(SymbolKind::Indirect) => indirect(elf, name),
        Some(SymbolKind::Data) => error(format!("`{name}` of {file} is data, not a function")),
        Some(SymbolKind::Imported) => advise(
            format!("{file} uses `{name}` but does not define it"),
            Advice::one_of(
                "probe the library that does, as ",
                vec![Named::probe(ProbeKind::Uprobe, ["libc", name])],
                "",
            ),
        ),
        _ => {
            let mut error = no_match(
                format!("{file} has no function `{name}`"),
                name,
                symbols.functions().map(|symbol| symbol.name),
            );
            error.help.extend(readable_help(target, symbols, name));
            error.help.extend(version_help(symbols, name).map(Advice::from));
            error.help.extend(variants_help(target, symbols, name));
            error.help.extend(moved_help(target, name));
            if elf.is_stripped() {
                let message = "the file is stripped, and no separate file has its symbols: only functions that it exports have names";
                error.help.push(message.into());
            }
            if elf.is_cut() {
                error.help.push(CUT.into());
            }
            error
        }
    }
}

/// How many functions with a name are shown.
const SHOWN: usize = 3;
/// Functions whose names are compared with a name that there is not, once they are made readable.
const MOST_COMPARED: usize = 64;

/// No function that sources call so. Few names are made readable for that: a large program has a hundred thousand.
pub(super) fn missing_readable(symbols: &Symbols, target: &Target, name: &str) -> ProbeError {
    let message = format!("{} has no C++ or Rust function `{name}`", target.name.display());
    let near = near_names(symbols, name);
    let mut error = no_match(message, name, near.iter().map(String::as_str));
    let named = demangle::Named::new(name);
    let candidates = symbols.functions().filter(|symbol| named.may_accept(symbol.name));
    let fuller: Vec<String> = candidates.filter_map(|symbol| demangle::readable(symbol.name)).collect();
    error.help.extend(fuller_help(target, &fuller, name));
    error
}

/// Names of the functions whose mangled names are like the name.
fn near_names(symbols: &Symbols, name: &str) -> Vec<String> {
    let path = name.split(['(', '<']).next().unwrap_or(name);
    let parts = path.split("::").count();
    let mut by_path: HashMap<String, &str> = HashMap::new();
    for symbol in symbols.functions() {
        let rough = demangle::rough_names(symbol.name);
        if rough.len() >= parts {
            by_path.entry(rough[..parts].join("::")).or_insert(symbol.name);
        }
    }
    let near = suggest_many(path, by_path.keys().map(String::as_str), MOST_COMPARED);
    let mut names: Vec<String> =
        near.iter().filter_map(|path| by_path.get(*path)).flat_map(|raw| source_names(raw)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The functions that have the name in some namespace, or with some arguments of a template.
fn fuller_help(target: &Target, names: &[String], name: &str) -> Option<Advice> {
    let fuller: BTreeSet<&str> = names.iter().filter_map(|full| without_parameters(full, name)).collect();
    let file = target.name.display().to_string();
    let probes = fuller.iter().take(SHOWN).map(|full| Named::probe(ProbeKind::Uprobe, [&file, READABLE, full]));
    let probes: Vec<_> = probes.collect();
    (!probes.is_empty()).then(|| Advice::one_of("its whole name is needed: ", probes, ""))
}

/// A function's name without its parameters and result, if it is `name` but for namespaces and arguments of templates.
fn without_parameters<'a>(full: &'a str, name: &str) -> Option<&'a str> {
    let start = full.match_indices(name).map(|(at, _)| at).find(|at| {
        let (before, behind) = (&full[..*at], &full[at + name.len()..]);
        let starts = before.is_empty() || before.ends_with("::") || before.ends_with(' ');
        starts && (behind.is_empty() || behind.starts_with(['(', '<']) || behind.starts_with("::<"))
    })?;
    let path = full[..start].rfind(' ').map_or(0, |space| space + 1);
    let end = full[start..].find('(').map_or(full.len(), |at| start + at);
    Some(&full[path..end])
}

/// How to name the C++ or Rust function that has the name in its source.
fn readable_help(target: &Target, symbols: &Symbols, name: &str) -> Option<Advice> {
    let readable = symbols.functions().find_map(|symbol| demangle::called(symbol.name, name))?;
    let probe = Named::probe(ProbeKind::Uprobe, [&target.name.display().to_string(), READABLE, &readable]);
    Some(Advice::one_of(format!("there is a function `{readable}` of C++ or Rust: "), vec![probe], ""))
}

/// Other tools show `realpath@@GLIBC_2.3`.
fn version_help(symbols: &Symbols, name: &str) -> Option<String> {
    let (name, _) = name.split_once('@')?;
    let is_there = symbols.functions().any(|symbol| symbol.name == name);
    is_there.then(|| format!("without its version, `{name}` means the function in all its versions"))
}

/// Libraries of glibc whose functions are in its C library since version 2.34; what is left of them is empty.
const EMPTIED: [&str; 5] = ["libpthread", "libdl", "librt", "libutil", "libanl"];

/// Where a function went that scripts for older systems look for in another library.
fn moved_help(target: &Target, name: &str) -> Option<Advice> {
    let file = target.path.file_name()?.to_str()?;
    let library = EMPTIED.iter().find(|library| file.strip_prefix(**library).is_some_and(is_of_library))?;
    let start = format!("since glibc 2.34 the functions of {library} are in the C library: ");
    Some(Advice::one_of(start, vec![Named::probe(ProbeKind::Uprobe, ["libc", name])], ""))
}

/// Whether this ends the name of a library's file: `.so.0`, `-2.31.so`.
fn is_of_library(rest: &str) -> bool {
    rest.starts_with(".so") || rest.starts_with('-') && rest.ends_with(".so")
}

/// What compilers did to a function, as they write it behind its name.
const CHANGES: [&str; 6] = ["constprop", "isra", "part", "llvm", "localalias", "lto_priv"];

/// Whether this stands behind the name of a function that the compiler changed: `.constprop.0`, `.isra.0.part.1`.
fn is_change(rest: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(mut parts) = rest.strip_prefix('.').map(|rest| rest.split('.')) else { return false };
    parts.next().is_some_and(|first| CHANGES.contains(&first))
        && parts.all(|part| CHANGES.contains(&part) || is_number(part))
}

/// How to name what the compiler made of a function.
fn variants_help(target: &Target, symbols: &Symbols, name: &str) -> Option<Advice> {
    let is_variant = |symbol: &Symbol<'_>| symbol.name.strip_prefix(name).is_some_and(is_change);
    let mut variants: Vec<&str> = symbols.functions().filter(is_variant).map(|symbol| symbol.name).collect();
    variants.sort_unstable();
    variants.dedup();
    let first = variants.first()?;
    let place = if variants.len() == 1 { (*first).to_owned() } else { format!("{name}.*") };
    let before = "the compiler changed it and gave it another name, its arguments may differ: ";
    Some(Advice::one_of(before, vec![in_file(target, &place)], ""))
}

pub(super) fn in_file(target: &Target, place: &str) -> Named {
    Named::probe(ProbeKind::Uprobe, [&target.name.display().to_string(), place])
}

fn indirect(elf: &Elf, name: &str) -> ProbeError {
    let message = format!(
        "`{name}` is chosen among several functions when the program is loaded (IFUNC), a probe on it fires once only"
    );
    // The C library's are called `__memcpy_avx_unaligned` and so on.
    let implementation = |other: &str| {
        let rest = other.trim_start_matches('_').strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('_') && !is_checked(rest) && !rest.ends_with("_ifunc"))
    };
    let symbols = functions(elf, implementation).unwrap_or_default();
    let names: Vec<String> =
        symbols.iter().map(|symbol| format!("`{}`", symbol.name)).take(MOST_ALTERNATIVES).collect();
    if names.is_empty() {
        return advise(message, "probe one of the functions it chooses from, by address");
    }
    advise(message, format!("probe one of the functions it chooses from: {}", names.join(", ")))
}

/// Whether a name ends as those of the C library's functions that check sizes: `__memcpy_chk`, `__memcpy_chk_avx_unaligned`.
fn is_checked(rest: &str) -> bool {
    rest.ends_with("_chk") || rest.contains("_chk_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compilers_write_behind_names() {
        for rest in [".constprop.0", ".isra.0.part.1", ".llvm.12345", ".localalias"] {
            assert!(is_change(rest), "{rest}");
        }
        for rest in ["", ".", ".0", ".cold", ".constprop.0.cold", ".isra.", "_isra", ".x\x1b[2J", ".part.\x1b[2J"] {
            assert!(!is_change(rest), "{rest}");
        }
    }

    #[test]
    fn functions_that_check_sizes() {
        assert!(is_checked("_chk") && is_checked("_chk_avx_unaligned"));
        assert!(!is_checked("_chkpt") && !is_checked("_avx_unaligned"));
    }

    #[test]
    fn names_without_their_namespaces_and_arguments_of_templates() {
        let found = [
            ("geo::twice<int>(int)", "geo::twice", Some("geo::twice<int>")),
            ("int geo::twice<int>(int)", "twice", Some("geo::twice<int>")),
            ("m::greet", "greet", Some("m::greet")),
            ("m::add::<u8>", "add", Some("m::add::<u8>")),
            ("m::greeting", "greet", None),
            ("m::greet::part", "greet", None),
            ("regreet(int)", "greet", None),
        ];
        found.iter().for_each(|(full, name, fuller)| assert_eq!(without_parameters(full, name), *fuller, "{full}"));
    }
}
