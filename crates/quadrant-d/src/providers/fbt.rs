//! `fbt:MODULE:FUNCTION:entry`, `return`: the kernel's functions, with typed arguments where the kernel's types describe the function.

use super::layout::{Arg, ArgType, Layout, Stability, Value};
use super::pattern::Wanted;
use super::{KERNEL, MOST_TYPED, Probe, Provider, Providers, Result, Row, advise, ids, no_match};
use crate::ast::Attributes;
use quadrant_program::probe::{Args, FieldPlace, Found, Point, ProbeKind};
use quadrant_types::BtfKind;
use std::collections::HashMap;
use std::ops::Range;

/// A function that all kernels have, to try on whether functions can be probed.
const SOME_FUNCTION: &str = "vfs_read";

/// Words of arguments that `arg0` ... reach.
const MOST_ARGS: u8 = 10;

/// Where in a function it returned, of which Linux does not tell.
const NO_OFFSET: i64 = -1;

pub(super) const PROVIDER: Provider = Provider {
    is_called: |pattern| pattern.matches(FBT.name),
    find: |providers, wanted| FBT.find(providers, wanted),
    list: |providers, wanted, show| FBT.list(providers, wanted, show),
    of_id: |providers, id| FBT.of_id(providers, id),
    knows: |_| false,
};

const FBT: Kind = Kind {
    name: "fbt",
    sides: [(ProbeKind::Fentry, "entry"), (ProbeKind::Fexit, "return")],
    ids: ids::FBT,
    typed: true,
};

/// A provider of functions.
pub(super) struct Kind {
    pub name: &'static str,
    /// How the probes at both ends of a function are called.
    pub sides: [(ProbeKind, &'static str); 2],
    pub ids: Range<u32>,
    /// It has `args[]`.
    pub typed: bool,
}

impl Kind {
    pub fn find(&self, providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
        let mut probes = Vec::new();
        for (side, (kind, name)) in self.sides_of(wanted) {
            let found = self.resolve(providers, wanted, *kind, name)?;
            let typed = self.typed && found.len() <= MOST_TYPED;
            probes.extend(found.into_iter().map(|found| self.probe(providers, found, side, name, typed)));
        }
        Ok(probes)
    }

    fn resolve(&self, providers: &Providers<'_>, wanted: &Wanted, kind: ProbeKind, name: &str) -> Result<Vec<Found>> {
        let (module, function) = (wanted.module.widened(), wanted.function.widened());
        let function = if function.is_empty() { "*" } else { &function };
        if function.contains('+') {
            let help = format!("`{}` has the two ends of functions, not what is between them", self.name);
            return Err(no_match(self.full_name(&module, function, name)).help([help]));
        }
        let parts = if module.is_empty() { vec![function] } else { vec![&module, function] };
        let untyped = match kind {
            ProbeKind::Fentry => ProbeKind::Kprobe,
            ProbeKind::Fexit => ProbeKind::Kretprobe,
            _ => return providers.resolve(kind, &parts),
        };
        providers.resolve(kind, &parts).or_else(|refusal| match providers.resolve(untyped, &parts) {
            // What the compiler made of a function has other arguments than the source says, so it is asked for by name.
            Ok(_) if function.contains('.') => {
                Err(advise(refusal.message, format!("use `rawfbt:{module}:{function}:{name}`")))
            }
            // The kernel's types do not describe the function: its arguments are words.
            Ok(found) => Ok(found),
            Err(_) => Err(refusal),
        })
    }

    pub fn list(&self, providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
        for (side, (kind, name)) in self.sides_of(wanted) {
            // Names can be read on every kernel; probes there are only where one can be made.
            providers.resolve(*kind, &[SOME_FUNCTION])?;
            let names = providers.source.list(*kind, &[wanted.module.widened(), wanted.function.widened()])?;
            for listed in names {
                let Some((module, function)) = listed.split_once(':').and_then(|(_, rest)| rest.split_once(':')) else {
                    continue;
                };
                show(Row {
                    id: self.id(providers, module, function, side),
                    name: self.full_name(module, function, name),
                });
            }
        }
        Ok(())
    }

    pub fn of_id(&self, providers: &Providers<'_>, id: u32) -> Option<Wanted> {
        let place = ids::place(&self.ids, id)?;
        let (_, name) = self.sides.get(place as usize % 2)?;
        let rank = place / 2;
        let function = providers.functions().iter().find(|(_, known)| **known == rank)?.0;
        Some(Wanted::new(self.name, KERNEL, function, name))
    }

    fn sides_of<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = (u32, &'a (ProbeKind, &'static str))> {
        (0..).zip(&self.sides).filter(|(_, (_, name))| wanted.name.matches(name))
    }

    fn full_name(&self, module: &str, function: &str, name: &str) -> String {
        format!("{}:{module}:{function}:{name}", self.name)
    }

    /// By the function's place in the kernel's types; functions that they do not describe are numbered as they come.
    fn id(&self, providers: &Providers<'_>, module: &str, function: &str, side: u32) -> u32 {
        let rank = Some(function).filter(|_| module == KERNEL).and_then(|name| providers.functions().get(name));
        let fixed = rank.and_then(|rank| ids::at(&self.ids, rank.checked_mul(2)?.checked_add(side)?));
        let (_, name) = self.sides[side as usize % 2];
        fixed.unwrap_or_else(|| providers.on_demand.number(&self.full_name(module, function, name)))
    }

    fn probe(&self, providers: &Providers<'_>, found: Found, side: u32, name: &str, typed: bool) -> Probe {
        let function = found.point.func.clone();
        let module =
            found.point.site.kernel_code().and_then(|code| code.module.clone()).unwrap_or_else(|| KERNEL.to_owned());
        let layout = if side == 0 { self.entry(&found.args, typed) } else { self.end(&found.args, typed) };
        let id = self.id(providers, &module, &function, side);
        let point = Point { site: found.point.site, name: self.full_name(&module, &function, name), func: function };
        providers.probe(point, id, layout)
    }

    fn entry(&self, args: &Args, typed: bool) -> Layout {
        let typed_args = args.fields.iter().filter(|field| typed && matches!(field.place, FieldPlace::Arg(_)));
        let args =
            typed_args.map(|field| Arg { ty: ArgType::C(field.ty), value: Value::Field(field.clone()) }).collect();
        let raw = (0..MOST_ARGS).map(Value::Word).collect();
        Layout { args, args_vary: self.typed && !typed, raw, stability: STABILITY, ..Layout::default() }
    }

    /// `arg1` is what the function returns; `arg0` is the offset of the instruction that returned on other systems, and 0 would be one.
    fn end(&self, args: &Args, typed: bool) -> Layout {
        let result = args.fields.iter().find(|field| typed && matches!(field.place, FieldPlace::Result));
        let place = || Arg { ty: ArgType::D("int".into()), value: Value::Constant(NO_OFFSET) };
        let result = result.map(|field| Arg { ty: ArgType::C(field.ty), value: Value::Field(field.clone()) });
        let args = result.map_or_else(Vec::new, |result| vec![place(), result]);
        let raw = vec![Value::Constant(NO_OFFSET), Value::Result];
        Layout { args, args_vary: self.typed && !typed, raw, stability: STABILITY, ..Layout::default() }
    }
}

/// The functions that the kernel's types describe, and the place of each among them.
pub(super) fn ranks(providers: &Providers<'_>) -> HashMap<String, u32> {
    let Ok(btf) = providers.types.btf() else { return HashMap::new() };
    let functions = btf.iter().filter(|(_, kind, _)| *kind == BtfKind::Func);
    let mut ranks = HashMap::new();
    for ((.., name), rank) in functions.zip(0..) {
        ranks.entry(name.to_owned()).or_insert(rank);
    }
    ranks
}

const STABILITY: Stability = Stability {
    description: Attributes::EVOLVING_ISA,
    function: Attributes::PRIVATE,
    module: Attributes::PRIVATE,
    arguments: Attributes::PRIVATE_ISA,
};
