//! `-v`: how stable the interfaces are that a program uses, and which of its options change nothing.

use quadrant_d::ast::PragmaKind;
use quadrant_d::macros::Macros;
use quadrant_d::options::no_meaning;
use quadrant_d::providers::Class;
use quadrant_d::providers::Providers;
use quadrant_output::dtrace::list;

use super::descriptions;
use super::descriptions::Meant;
use super::getopt::Setting;
use super::sources::Loaded;

/// A report for each program: the least stable of its probes.
pub fn report(loaded: &[Loaded], providers: &Providers<'_>, macros: &Macros) -> Vec<u8> {
    let mut text = Vec::new();
    for one in loaded {
        // What is wrong with a description was told when it was compiled.
        let Ok(meant) = descriptions::of(one, macros) else { continue };
        let found = meant.iter().filter_map(|meant| match meant {
            Meant::Matching(desc, _) => providers.find(desc).ok(),
            Meant::Numbered(id, _) => providers.by_id(*id).ok(),
        });
        let all = found.flatten().map(|probe| probe.layout.stability.description);
        let Some(least) = all.reduce(|a, b| [0, 1, 2].map(|part| least(a[part], b[part]))) else { continue };
        text.extend_from_slice(format!("\nStability attributes for {}:\n", one.shown_name()).as_bytes());
        list::attributes(&mut text, "Minimum Probe Description", &attributes(least));
        text.push(b'\n');
    }
    text
}

/// Which of the options that are set change nothing, and why.
pub fn idle_options(loaded: &[Loaded], settings: &[Setting]) -> String {
    let pragmas: Vec<_> = loaded.iter().flat_map(|one| one.script().pragmas).collect();
    let set = pragmas.iter().filter_map(|pragma| match &pragma.kind {
        PragmaKind::Option { name, .. } => Some(name.name.as_str()),
        _ => None,
    });
    let names = settings.iter().map(|setting| setting.name.as_str()).chain(set);
    names.filter_map(|name| Some(format!("dtrace: option {name} changes nothing: {}\n", no_meaning(name)?))).collect()
}

/// The classes are in the order of their stability.
fn least(a: Class, b: Class) -> Class {
    if (a as u8) <= b as u8 { a } else { b }
}

/// As the listing wants them.
pub fn attributes([names, data, class]: [Class; 3]) -> list::Attributes<'static> {
    list::Attributes { names: names.word(), data: data.word(), class: class.word() }
}
