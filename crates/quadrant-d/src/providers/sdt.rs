//! `sdt:CATEGORY::EVENT`: the kernel's tracepoints; their arguments are the fields of what the kernel records there.

use super::alias;
use super::layout::{Arg, ArgType, Layout, Stability, Value};
use super::pattern::Wanted;
use super::{MOST_TYPED, Probe, Provider, Providers, Result, Row, ids};
use crate::ast::Attributes;
use quadrant_program::probe::{Args, Field, FieldPlace, Found, Point, ProbeKind, Site};
use std::ops::Range;
use std::sync::Arc;

/// These have a provider of their own.
const SYSCALLS: &str = "syscalls";

/// `arg0` ... `arg9`
const MOST_RAW: u8 = 10;

pub(super) const PROVIDER: Provider =
    Provider { is_called: |pattern| pattern.matches(SDT.name), find, list, of_id, knows: |_| false };

const SDT: Kind = Kind { name: "sdt", ids: ids::SDT, recorded: true };

/// A provider of tracepoints.
pub(super) struct Kind {
    pub name: &'static str,
    pub ids: Range<u32>,
    /// Arguments are the fields of the record, not what the kernel hands to the tracepoint.
    pub recorded: bool,
}

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    SDT.find(providers, &with_alias(providers, wanted))
}

fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    SDT.list(providers, &with_alias(providers, wanted), show)
}

fn of_id(providers: &Providers<'_>, id: u32) -> Option<Wanted> {
    SDT.of_id(providers, id)
}

fn with_alias(providers: &Providers<'_>, wanted: &Wanted) -> Wanted {
    let alias = alias::of_probe(SDT.name, wanted.name.text()).filter(|_| providers.settings.aliases);
    match alias.and_then(|means| means.split_once(':')) {
        Some((category, event)) => Wanted::new(SDT.name, category, "", event),
        None => wanted.clone(),
    }
}

impl Kind {
    pub fn find(&self, providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
        let events = matching(providers, wanted)?;
        let typed = events.len() <= MOST_TYPED;
        Ok(events.iter().map(|(category, event)| self.probe(providers, category, event, typed)).collect())
    }

    pub fn list(&self, providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
        for (category, event) in matching(providers, wanted)? {
            show(Row { id: self.id(providers, &category, &event), name: self.full_name(&category, &event) });
        }
        Ok(())
    }

    pub fn of_id(&self, providers: &Providers<'_>, id: u32) -> Option<Wanted> {
        let number = ids::place(&self.ids, id)?;
        let is_it =
            |(category, event): &&(String, String)| providers.source.event_number(category, event) == Some(number);
        let (category, event) = providers.events().ok()?.iter().find(is_it)?;
        Some(Wanted::new(self.name, category, "", event))
    }

    fn full_name(&self, category: &str, event: &str) -> String {
        format!("{}:{category}::{event}", self.name)
    }

    fn id(&self, providers: &Providers<'_>, category: &str, event: &str) -> u32 {
        let number = providers.source.event_number(category, event);
        let fixed = number.and_then(|number| ids::at(&self.ids, number));
        fixed.unwrap_or_else(|| providers.on_demand.number(&self.full_name(category, event)))
    }

    fn probe(&self, providers: &Providers<'_>, category: &str, event: &str, typed: bool) -> Probe {
        let (site, args) = self.place(providers, category, event);
        let point = Point { site, name: self.full_name(category, event), func: String::new() };
        providers.probe(point, self.id(providers, category, event), layout(&args, typed))
    }

    /// Where one of the two cannot be described (a module's tracepoint has no types, a format cannot be read), it is the other one.
    fn place(&self, providers: &Providers<'_>, category: &str, event: &str) -> (Site, Arc<Args>) {
        let first = |kind, parts: &[&str]| providers.resolve(kind, parts).ok()?.into_iter().next();
        let raw = || first(ProbeKind::RawTracepoint, &[event]);
        let record = || first(ProbeKind::Tracepoint, &[category, event]);
        let found = if self.recorded { record().or_else(raw) } else { raw().or_else(record) };
        match found {
            Some(Found { point, args }) => (point.site, args),
            None => {
                let site = Site::Tracepoint { category: category.to_owned(), event: event.to_owned() };
                (site, Arc::default())
            }
        }
    }
}

/// What is meant; names without wildcards are looked up by themselves.
fn matching(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<(String, String)>> {
    if !wanted.function.matches("") {
        return Ok(Vec::new());
    }
    if let (Some(category), Some(event)) = (wanted.module.literal(), wanted.name.literal()) {
        let there = category != SYSCALLS && providers.source.event_number(category, event).is_some();
        return Ok(if there { vec![(category.to_owned(), event.to_owned())] } else { Vec::new() });
    }
    let is_meant = |(category, event): &&(String, String)| {
        category != SYSCALLS && wanted.name.matches(event) && wanted.module.matches(category)
    };
    Ok(providers.events()?.iter().filter(is_meant).cloned().collect())
}

/// Of many tracepoints, types would differ.
pub(super) fn layout(args: &Args, typed: bool) -> Layout {
    let fields = args.fields.iter().filter(|_| typed);
    Layout {
        args: fields.map(typed_field).collect(),
        args_vary: !typed,
        raw: args.fields.iter().take(MOST_RAW.into()).map(word).collect(),
        stability: STABILITY,
        ..Layout::default()
    }
}

fn word(field: &Field) -> Value {
    match field.place {
        FieldPlace::Arg(index) => Value::Word(index),
        _ => Value::Field(field.clone()),
    }
}

fn typed_field(field: &Field) -> Arg {
    Arg { ty: ArgType::C(field.ty), value: Value::Field(field.clone()) }
}

/// Kernel and its data change.
const STABILITY: Stability = Stability {
    description: Attributes::PRIVATE_ISA,
    function: Attributes::PRIVATE_ISA,
    module: Attributes::PRIVATE,
    arguments: Attributes::PRIVATE_ISA,
};
