//! What a program carries of the definitions of its providers: the types of `args[]`, which of the arguments they are, and how
//! stable they are.

use super::layout::{Arg, ArgType, Layout, Stability, Value};
use crate::ast::{
    AttributeTarget, Attributes, Item, Param, PragmaKind, ProviderDef, ProviderPart, ProviderProbe, Script,
};
use crate::usdt;
use quadrant_program::probe::{ArgLoc, Operand};
use quadrant_types::{TypeId, Types};

/// The definitions in one file.
pub(super) struct Definitions {
    scripts: Vec<Script>,
}

impl Definitions {
    /// Those that are written in texts. What of them makes no sense is left out.
    pub fn read(texts: &[String]) -> Self {
        Self { scripts: texts.iter().map(|text| crate::parse(text).script).collect() }
    }

    /// What a place of a probe offers: as the definition says, or as far as the note's sizes tell.
    pub fn layout(&self, types: &Types, provider: &str, probe: &str, arguments: &[ArgLoc]) -> Layout {
        let inputs: Vec<Value> = arguments.iter().map(value).collect();
        match self.find(provider, probe) {
            Some((script, definition)) => {
                let (args, raw) = defined(types, definition, arguments).into_iter().unzip();
                Layout { args, raw, inputs, stability: stability(script, provider), ..Layout::default() }
            }
            None => {
                let args = arguments.iter().map(|arg| by_size(types, arg)).collect();
                Layout { args, raw: inputs.clone(), inputs, stability: UNDEFINED, ..Layout::default() }
            }
        }
    }

    fn find(&self, provider: &str, probe: &str) -> Option<(&Script, &ProviderProbe)> {
        self.scripts.iter().find_map(|script| {
            let providers = script.items.iter().filter_map(|item| match item {
                Item::Provider(definition) if definition.name.name == provider => Some(definition),
                _ => None,
            });
            let mut probes = providers.flat_map(|ProviderDef { probes, .. }| probes);
            Some((script, probes.find(|definition| definition.name.name == probe)?))
        })
    }
}

/// `args[]` of a definition, mapped or not, each with its `argN`. Arguments that the note lacks are left out.
fn defined(types: &Types, definition: &ProviderProbe, arguments: &[ArgLoc]) -> Vec<(Arg, Value)> {
    let shown = definition.mapped.as_ref().unwrap_or(&definition.args);
    let typed = |(at, param): (usize, &Param)| {
        let source = if definition.mapped.is_some() { position(param, &definition.args)? } else { at };
        let arg = arguments.get(source)?;
        Some((typed(types, param, source, arg), value(arg)))
    };
    shown.iter().enumerate().map_while(typed).collect()
}

fn position(param: &Param, args: &[Param]) -> Option<usize> {
    let name = &param.name.as_ref()?.name;
    args.iter().position(|arg| arg.name.as_ref().is_some_and(|arg| arg.name == *name))
}

fn typed(types: &Types, param: &Param, source: usize, arg: &ArgLoc) -> Arg {
    let text = usdt::type_text(&param.ty);
    if text == "string" {
        return Arg { ty: ArgType::D(text.into()), value: Value::Text(format!("copyinstr(arg{source})").into()) };
    }
    let fallback = match text.contains('*') {
        true => Some(types.pointer_to(TypeId::VOID)),
        false => None,
    };
    match types.parse_type_name(&text).ok().or(fallback) {
        Some(id) => Arg { ty: ArgType::C(id), value: value(arg) },
        None => by_size(types, arg),
    }
}

/// Notes know how wide arguments are, and not what they are.
fn by_size(types: &Types, arg: &ArgLoc) -> Arg {
    Arg { ty: ArgType::C(types.int(arg.bytes.into(), arg.signed)), value: value(arg) }
}

fn value(arg: &ArgLoc) -> Value {
    match arg.operand {
        Operand::Const(value) => Value::Constant(value),
        _ => Value::At(*arg),
    }
}

const UNDEFINED: Stability = Stability::of_all(Attributes::PRIVATE);

/// The attributes that pragmas give a provider and its arguments.
fn stability(script: &Script, provider: &str) -> Stability {
    let mut found = UNDEFINED;
    for pragma in &script.pragmas {
        let PragmaKind::Attributes { attributes, target: AttributeTarget::Provider { provider: of, part } } =
            &pragma.kind
        else {
            continue;
        };
        match part {
            ProviderPart::Provider if of.name == provider => {
                found = Stability { arguments: found.arguments, ..Stability::of_all(*attributes) };
            }
            ProviderPart::Args if of.name == provider => found.arguments = *attributes,
            _ => {}
        }
    }
    found
}
