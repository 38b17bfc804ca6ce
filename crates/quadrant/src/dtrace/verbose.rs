//! `-v`: how stable the interfaces are that a program uses, and which of its options change nothing.

use quadrant_d::ast::Attributes;
use quadrant_d::ast::PragmaKind;
use quadrant_d::lower::Minimum;
use quadrant_d::options::no_meaning;
use quadrant_output::dtrace::list;

use super::getopt::Setting;
use super::sources::Loaded;

/// A report for each program: the least stable of its probes, and of what its clauses name.
pub fn report(loaded: &[Loaded], stability: &[Minimum]) -> Vec<u8> {
    let mut text = Vec::new();
    for (one, minimum) in loaded.iter().zip(stability) {
        let Some(probes) = minimum.probes else { continue };
        text.extend_from_slice(format!("\nStability attributes for {}:\n", one.shown_name()).as_bytes());
        list::attributes(&mut text, "Minimum Probe Description", &attributes(probes));
        list::attributes(&mut text, "Minimum Statement", &attributes(minimum.statements));
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

/// As the listing wants them.
pub fn attributes(attributes: Attributes) -> list::Attributes<'static> {
    let Attributes { name, data, class } = attributes;
    list::Attributes { names: name.word(), data: data.word(), class: class.word() }
}
