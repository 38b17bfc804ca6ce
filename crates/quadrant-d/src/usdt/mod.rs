//! Static probes of programs: what `dtrace -h` and `dtrace -G` make of a provider definition.
//!
//! A build calls `-h` for a header with a macro for each probe, compiles its sources with it, calls `-G` for one more
//! object, and links all. Here the macro ([`header`]) places a nop and a note of the stapsdt format (SystemTap's wiki,
//! UserSpaceProbeImplementation), which all Linux tracers read; the object ([`object`]) has the counters ("semaphores")
//! that tracers raise, and that `PROVIDER_PROBE_ENABLED()` looks at; and the definition, for tracers that want to know types.

mod arg;
mod definition;
mod header;
mod object;

pub(crate) use definition::type_text;
pub use header::header;
pub use object::object;

use quadrant_program::diag::Diagnostic;

use crate::ast::{Item, Param, ProviderDef, ProviderProbe, Script};
use arg::{Passed, passed};
use definition::Types;

/// What a C compiler takes as operands of one `asm`.
const MAX_ARGS: usize = 30;

/// The providers that a file defines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderFile {
    providers: Vec<Provider>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Provider {
    name: String,
    probes: Vec<Probe>,
    /// The definition, for tracers.
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Probe {
    /// As notes have it: `a__b`.
    name: String,
    args: Vec<Passed>,
}

impl ProviderFile {
    /// The providers of a script, and what of it cannot be done.
    pub fn read(script: &Script) -> (ProviderFile, Vec<Diagnostic>) {
        let types = Types::of(script);
        let mut diagnostics = Vec::new();
        let mut file = ProviderFile::default();
        for item in &script.items {
            match item {
                Item::Provider(definition) => {
                    let text = definition::text(definition, &script.pragmas, &types);
                    file.providers.push(provider(definition, text, &types, &mut diagnostics));
                }
                Item::Clause(clause) => {
                    let message = "probe clauses may not be used in a provider definition file";
                    diagnostics.push(Diagnostic::error(clause.span, message).tag("D_SYNTAX"));
                }
                Item::Inline(_) | Item::Translator(_) | Item::Declaration(_) => {}
            }
        }
        (file, diagnostics)
    }

    /// Adds what another file defines.
    pub fn append(&mut self, other: ProviderFile) {
        self.providers.extend(other.providers);
    }

    /// Whether no provider is defined.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }
}

fn provider(definition: &ProviderDef, text: String, types: &Types, diagnostics: &mut Vec<Diagnostic>) -> Provider {
    let name = definition.name.name.clone();
    let mut probes = Vec::new();
    for definition in &definition.probes {
        check_mapping(&name, definition, types, diagnostics);
        probes.push(probe(definition, types, diagnostics));
    }
    Provider { name, probes, text }
}

fn probe(definition: &ProviderProbe, types: &Types, diagnostics: &mut Vec<Diagnostic>) -> Probe {
    let name = definition.name.name.replace('-', "__");
    if definition.args.len() > MAX_ARGS {
        let message = format!("probe {name} has too many arguments: the limit is {MAX_ARGS}");
        diagnostics.push(Diagnostic::error(definition.span, message).tag("D_PROV_PRARGLEN"));
    }
    let mut args = Vec::new();
    for param in &definition.args {
        match passed(&types.resolve(&param.ty)) {
            Ok(passed) => args.push(passed),
            Err(why) => {
                let tag = if why == arg::VOID { "D_DECL_PROTO_VOID" } else { "D_DECL_PROTO_TYPE" };
                diagnostics.push(Diagnostic::error(param.span, why).tag(tag));
            }
        }
    }
    Probe { name, args }
}

/// What scripts see of an argument is a number if the program passes one, and an address if it passes an address.
fn check_mapping(provider: &str, probe: &ProviderProbe, types: &Types, diagnostics: &mut Vec<Diagnostic>) {
    let name = |param: &Param| param.name.as_ref().map(|name| name.name.clone());
    let is_address = |param: &Param| arg::is_address(&types.resolve(&param.ty));
    let differ = |a: &Param, b: &Param| is_address(a).zip(is_address(b)).is_some_and(|(a, b)| a != b);
    for (seen, number) in probe.mapped.iter().flatten().zip(1..) {
        let given = probe.args.iter().find(|given| name(given).is_some() && name(given) == name(seen));
        let Some(given) = given.filter(|given| differ(given, seen)) else { continue };
        let (from, to) = (type_text(&given.ty), type_text(&seen.ty));
        let message = format!(
            "translator for {provider}:::{} output argument #{number} from {from} to {to} is not defined",
            probe.name.name
        );
        diagnostics.push(Diagnostic::error(seen.span, message).tag("D_PROV_PRXLATOR"));
    }
}

impl Probe {
    /// The counter's symbol, as the header and the object call it.
    fn semaphore(&self, provider: &str) -> String {
        format!("{provider}_{}_semaphore", self.name)
    }
}
