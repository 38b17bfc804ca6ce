//! `syscall:vmlinux:NAME:entry`, `syscall:vmlinux:NAME:return`: system calls, by their tracepoints.

use super::alias::{self, Alias};
use super::layout::{Arg, ArgType, Layout, Stability, Value};
use super::pattern::Wanted;
use super::{KERNEL, MOST_TYPED, Probe, Provider, Providers, Result, Row, ids};
use crate::ast::Attributes;
use quadrant_program::probe::{Field, FieldPlace, Point, ProbeKind, Site};
use quadrant_program::syscalls;
use std::borrow::Cow;
use std::sync::Arc;

const NAME: &str = "syscall";
pub(super) const CATEGORY: &str = "syscalls";
/// Events for all calls alike.
const ALL_CALLS: &str = "raw_syscalls";

/// Records of these tracepoints have the arguments, or the result, from here on in eight bytes each, whatever the call.
const FIRST: u32 = 16;
const WORD: u32 = 8;
const MOST_ARGS: u32 = 6;

/// Numbers that errors have as results.
pub(super) const ERRNO: &str = "(int64_t)arg0 < 0 && (int64_t)arg0 >= -4095 ? -(int)arg0 : 0";

pub(super) const PROVIDER: Provider =
    Provider { is_called: |pattern| pattern.matches(NAME), find, list, of_id, knows: |_| false };

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Entry,
    Return,
}

const SIDES: [Side; 2] = [Side::Entry, Side::Return];

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Entry => "entry",
            Side::Return => "return",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Side::Entry => "sys_enter_",
            Side::Return => "sys_exit_",
        }
    }
}

/// A call, and how far its arguments are from those that the description's name stands for.
struct Call {
    name: String,
    shift: u8,
}

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    if !wanted.module.matches(KERNEL) {
        return Ok(Vec::new());
    }
    let mut probes = Vec::new();
    for side in sides(wanted) {
        let calls = calls(providers, wanted, side)?;
        let mut layouts = Layouts { providers, side, typed: calls.len() <= MOST_TYPED, alike: Vec::new() };
        for call in &calls {
            probes.push(probe(&mut layouts, call)?);
        }
    }
    Ok(probes)
}

fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    if !wanted.module.matches(KERNEL) {
        return Ok(());
    }
    for side in sides(wanted) {
        for call in calls(providers, wanted, side)? {
            show(Row { id: id(providers, &call.name, side), name: full_name(&call.name, side) });
        }
    }
    Ok(())
}

fn of_id(_: &Providers<'_>, id: u32) -> Option<Wanted> {
    let place = ids::place(&ids::SYSCALLS, id)?;
    let side = SIDES[(place % 2) as usize];
    let call = syscalls::tracepoint((place / 2).into())?;
    Some(Wanted::new(NAME, KERNEL, call, side.name()))
}

fn sides(wanted: &Wanted) -> impl Iterator<Item = Side> {
    SIDES.into_iter().filter(|side| wanted.name.matches(side.name()))
}

/// The calls that are meant, sorted by name.
fn calls(providers: &Providers<'_>, wanted: &Wanted, side: Side) -> Result<Vec<Call>> {
    let aliases: Vec<&Alias> = match providers.settings.aliases {
        true => alias::of_call(wanted.function.text()).collect(),
        false => Vec::new(),
    };
    let names = names(providers, wanted, &aliases, side)?;
    let others: Vec<&Alias> =
        aliases.into_iter().filter(|alias| names.iter().any(|name| name == alias.means)).collect();
    let meant = names.into_iter().filter(|name| wanted.function.matches(name));
    let mut calls: Vec<Call> = meant.map(|name| Call { name: name.into_owned(), shift: 0 }).collect();
    if matches!(side, Side::Entry) {
        tell_shifted(providers, wanted, &calls, &others);
    }
    others.into_iter().for_each(|alias| add(&mut calls, alias));
    Ok(calls)
}

/// A pattern that means the same calls on Linux, but with other arguments, may be meant either way.
fn tell_shifted(providers: &Providers<'_>, wanted: &Wanted, calls: &[Call], aliases: &[&Alias]) {
    let is_meant_here = |alias: &&&Alias| alias.shift > 0 && calls.iter().any(|call| call.name == alias.means);
    let shifted: Vec<&str> = aliases.iter().filter(is_meant_here).map(|alias| alias.means).collect();
    if !shifted.is_empty() {
        providers.warn(format!(
            "`{}` is taken as on other systems: arg0 of {} is the path, and what follows it arg1; with `-x aliases=no` \
             arguments are as Linux has them",
            wanted.function.text(),
            shifted.join(" and ")
        ));
    }
}

fn add(calls: &mut Vec<Call>, alias: &Alias) {
    match calls.iter_mut().find(|call| call.name == alias.means) {
        Some(known) => known.shift = alias.shift,
        None => calls.push(Call { name: alias.means.to_owned(), shift: alias.shift }),
    }
}

/// The calls that there are among those that may be meant. A name without wildcards needs no list of all.
fn names<'a>(
    providers: &'a Providers<'_>,
    wanted: &Wanted,
    aliases: &[&Alias],
    side: Side,
) -> Result<Vec<Cow<'a, str>>> {
    let Some(name) = wanted.function.literal() else {
        let events = providers.call_events()?.iter();
        return Ok(events.filter_map(|event| event.strip_prefix(side.prefix())).map(Cow::Borrowed).collect());
    };
    let mut names = Vec::new();
    for name in [name].into_iter().chain(aliases.iter().map(|alias| alias.means)) {
        if providers.has_call_event(&format!("{}{name}", side.prefix()))? {
            names.push(Cow::Owned(name.to_owned()));
        }
    }
    Ok(names)
}

/// `syscall::read:entry` of the event `sys_enter_read`; `None` if that is not of system calls.
pub(super) fn of_event(category: &str, event: &str) -> Option<String> {
    let of_side = |side: &Side| {
        let call = match category {
            CATEGORY => event.strip_prefix(side.prefix())?,
            ALL_CALLS if event == side.prefix().trim_end_matches('_') => "",
            _ => return None,
        };
        Some(format!("{NAME}::{call}:{}", side.name()))
    };
    SIDES.iter().find_map(of_side)
}

fn full_name(call: &str, side: Side) -> String {
    format!("{NAME}:{KERNEL}:{call}:{}", side.name())
}

/// By the call's number; calls that were added since this program was built have no number here.
fn id(providers: &Providers<'_>, call: &str, side: Side) -> u32 {
    let place = syscalls::number(call).and_then(|number| number.checked_mul(2)?.checked_add(side as u32));
    let fixed = place.and_then(|place| ids::at(&ids::SYSCALLS, place));
    fixed.unwrap_or_else(|| providers.on_demand.number(&full_name(call, side)))
}

fn probe(layouts: &mut Layouts<'_, '_>, call: &Call) -> Result<Probe> {
    let (providers, side) = (layouts.providers, layouts.side);
    let event = format!("{}{}", side.prefix(), call.name);
    let layout = layouts.of(call, &event)?;
    let site = Site::Tracepoint { category: CATEGORY.to_owned(), event };
    let point = Point { site, name: full_name(&call.name, side), func: call.name.clone() };
    Ok(Probe { point, id: id(providers, &call.name, side), layout })
}

/// The layouts of the probes of one description: those of hundreds of calls are one.
struct Layouts<'p, 'a> {
    providers: &'p Providers<'a>,
    side: Side,
    /// There are so few calls that each has the types of its arguments.
    typed: bool,
    /// Those that do not depend on the call, by the place of its first argument.
    alike: Vec<(u8, Arc<Layout>)>,
}

impl Layouts<'_, '_> {
    fn of(&mut self, call: &Call, event: &str) -> Result<Arc<Layout>> {
        // A call that the engine does not know by its number has a program of its own, which sees what its record has.
        if self.side == Side::Entry && (self.typed || syscalls::number(&call.name).is_none()) {
            return Ok(self.providers.share(entry_layout(self.providers, call, event, self.typed)?));
        }
        if let Some((_, layout)) = self.alike.iter().find(|(shift, _)| *shift == call.shift) {
            return Ok(Arc::clone(layout));
        }
        let layout = match self.side {
            Side::Entry => untyped_layout(self.providers, call),
            Side::Return => return_layout(self.providers),
        };
        let layout = self.providers.share(layout);
        self.alike.push((call.shift, Arc::clone(&layout)));
        Ok(layout)
    }
}

/// Without types all calls have six arguments. Those that a call does not have can be read as long as the engine serves many calls by
/// one program.
fn untyped_layout(providers: &Providers<'_>, call: &Call) -> Layout {
    let raw = words(providers).into_iter().skip(call.shift.into()).collect();
    Layout { args_vary: true, raw, stability: STABILITY, ..Layout::default() }
}

/// What the record of one call has.
fn entry_layout(providers: &Providers<'_>, call: &Call, event: &str, typed: bool) -> Result<Layout> {
    let skip = usize::from(call.shift);
    let found = providers.resolve(ProbeKind::Tracepoint, &[CATEGORY, event])?;
    let fields = found.iter().flat_map(|found| found.args.fields.iter()).filter(|field| is_argument(field));
    let args: Vec<Arg> =
        fields.map(|field| Arg { ty: ArgType::C(field.ty), value: Value::Field(field.clone()) }).collect();
    let raw = words(providers).into_iter().take(args.len()).skip(skip).collect();
    let args = if typed { args.into_iter().skip(skip).collect() } else { Vec::new() };
    Ok(Layout { args, args_vary: !typed, raw, stability: STABILITY, ..Layout::default() })
}

/// `arg0` and `arg1` are the result, as a number; an error is a negative one.
fn return_layout(providers: &Providers<'_>) -> Layout {
    let result = || result(providers);
    let ty = ArgType::C(providers.types.int(8, true));
    Layout {
        args: vec![Arg { ty: ty.clone(), value: result() }, Arg { ty, value: result() }],
        raw: vec![result(), result()],
        inputs: vec![result()],
        errno: Some(ERRNO.into()),
        stability: STABILITY,
        ..Layout::default()
    }
}

/// The arguments of a call.
pub(super) fn words(providers: &Providers<'_>) -> Vec<Value> {
    (0..MOST_ARGS).map(|index| Value::Field(word(providers, index))).collect()
}

/// The result of a call.
pub(super) fn result(providers: &Providers<'_>) -> Value {
    Value::Field(word(providers, 0))
}

fn word(providers: &Providers<'_>, index: u32) -> Field {
    Field {
        name: format!("arg{index}"),
        ty: providers.types.int(8, true),
        place: FieldPlace::Context { offset: FIRST + index * WORD, size: WORD },
        user: false,
    }
}

/// Newer kernels add the texts that arguments point to.
fn is_argument(field: &Field) -> bool {
    matches!(field.place, FieldPlace::Context { offset, .. } if offset >= FIRST && offset % WORD == 0)
        && !field.name.starts_with("__")
}

const STABILITY: Stability = Stability {
    description: Attributes::EVOLVING,
    function: Attributes::PRIVATE_ISA,
    module: Attributes::PRIVATE,
    arguments: Attributes::PRIVATE_ISA,
};
