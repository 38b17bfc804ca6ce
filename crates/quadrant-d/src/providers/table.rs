//! Providers that are tables: points of meaning (`proc:::exec-success`), each tied to places in the kernel.
//!
//! Texts of a table are D. In them `{name}` is the argument of that name of the place, cast to its type: `{rq}->bio` at a raw
//! tracepoint whose prototype has `struct request *rq`. A place whose prototype lacks an argument that its texts use is not there on this
//! kernel, and the next way is tried.

use super::layout::{Arg, ArgType, Layout, Stability, Text, Value};
use super::pattern::Wanted;
use super::{KERNEL, Probe, Providers, Result, Row, advise, ids, syscall};
use crate::ast::Attributes;
use quadrant_program::probe::{Args, FieldPlace, Found, Point, ProbeError, ProbeKind, Site};
use quadrant_types::TypeSet;

/// The provider that a table makes.
macro_rules! provider {
    ($table:expr) => {
        super::Provider {
            is_called: |pattern| pattern.matches($table.name),
            find: |providers, wanted| $table.find(providers, wanted),
            list: |providers, wanted, show| $table.list(providers, wanted, show),
            of_id: |_, id| $table.of_id(id),
            knows: |_| false,
        }
    };
}

pub(super) use provider;

/// A provider.
pub(super) struct Table {
    pub name: &'static str,
    /// Where its numbers start in [`ids::TABLES`].
    pub first: u32,
    pub events: &'static [Event],
}

/// A probe.
pub(super) struct Event {
    pub name: &'static str,
    /// The first whose places are all there counts.
    pub ways: &'static [&'static [Spot]],
    /// What to use when there is no way.
    pub instead: &'static str,
}

/// A place in the kernel.
pub(super) enum At {
    /// A raw tracepoint.
    Raw(&'static str),
    /// A system call; `arg0` ... are its arguments.
    Enter(&'static str),
    /// A system call's end; `arg0` is its result.
    Exit(&'static str),
    /// A function of the kernel; its arguments by name.
    Entry(&'static str),
    /// Its end; `retval` is what it returns.
    Return(&'static str),
    /// Every one of perf's software events.
    Software(&'static str),
}

/// What a place says.
pub(super) struct Spot {
    pub at: At,
    /// A function that the kernel must have.
    pub with: &'static str,
    /// When it counts.
    pub when: &'static str,
    /// The task that it speaks of.
    pub thread: &'static str,
    pub args: &'static [Argument],
    /// Clauses before and after those of the script: a place, and what to do there.
    pub before: &'static [(At, &'static str)],
    pub after: &'static [(At, &'static str)],
}

/// An argument.
pub(super) enum Argument {
    /// A value of a type.
    Is(&'static str, &'static str),
    /// A translation to a type; the number `argN` is what is translated.
    Of(&'static str, &'static str),
    /// A value, and the number `argN` apart from it.
    With(&'static str, &'static str, &'static str),
}

impl Event {
    pub const fn new(name: &'static str, ways: &'static [&'static [Spot]]) -> Self {
        Self { name, ways, instead: "" }
    }

    pub const fn or(self, instead: &'static str) -> Self {
        Self { instead, ..self }
    }
}

impl Spot {
    pub const fn raw(event: &'static str) -> Self {
        Self::at(At::Raw(event))
    }

    pub const fn at(at: At) -> Self {
        Self { at, with: "", when: "", thread: "", args: &[], before: &[], after: &[] }
    }

    pub const fn with(self, function: &'static str) -> Self {
        Self { with: function, ..self }
    }

    pub const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }

    pub const fn thread(self, thread: &'static str) -> Self {
        Self { thread, ..self }
    }

    pub const fn args(self, args: &'static [Argument]) -> Self {
        Self { args, ..self }
    }

    pub const fn before(self, before: &'static [(At, &'static str)]) -> Self {
        Self { before, ..self }
    }

    pub const fn after(self, after: &'static [(At, &'static str)]) -> Self {
        Self { after, ..self }
    }
}

impl Table {
    /// What is meant; of a pattern, what this kernel has.
    pub fn find(&self, providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
        let mut probes = Vec::new();
        let mut refusal = None;
        for (event, id) in self.matching(wanted) {
            match self.probes(providers, event, id) {
                Ok(found) => probes.extend(found),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match refusal {
            Some(error) if probes.is_empty() => Err(error),
            _ => Ok(probes),
        }
    }

    pub fn list(&self, providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
        for (event, id) in self.matching(wanted) {
            if self.probes(providers, event, id).is_ok() {
                show(Row { id, name: self.full_name(event) });
            }
        }
        Ok(())
    }

    pub fn of_id(&self, id: u32) -> Option<Wanted> {
        let place = ids::place(&ids::TABLES, id)?.checked_sub(self.first)?;
        let event = self.events.get(place as usize)?;
        Some(Wanted::new(self.name, KERNEL, "", event.name))
    }

    fn matching(&self, wanted: &Wanted) -> impl Iterator<Item = (&'static Event, u32)> {
        let numbered = self.events.iter().zip(ids::TABLES.start + self.first..);
        numbered.filter(|(event, _)| wanted.accepts(KERNEL, "", event.name)).collect::<Vec<_>>().into_iter()
    }

    fn full_name(&self, event: &Event) -> String {
        format!("{}:{KERNEL}::{}", self.name, event.name)
    }

    fn probes(&self, providers: &Providers<'_>, event: &'static Event, id: u32) -> Result<Vec<Probe>> {
        let mut refusal = None;
        for way in event.ways {
            let spots: Result<Vec<(Site, Layout)>> = way.iter().map(|spot| spot.resolve(providers)).collect();
            match spots {
                Ok(spots) => return Ok(spots.into_iter().map(|spot| self.probe(providers, event, id, spot)).collect()),
                Err(error) => refusal = Some(error),
            }
        }
        Err(self.refused(event, refusal))
    }

    fn probe(&self, providers: &Providers<'_>, event: &Event, id: u32, (site, layout): (Site, Layout)) -> Probe {
        let point = Point { site, name: self.full_name(event), func: String::new() };
        providers.probe(point, id, layout)
    }

    fn refused(&self, event: &Event, refusal: Option<ProbeError>) -> ProbeError {
        let name = format!("{}:::{}", self.name, event.name);
        let why = refusal.map_or_else(|| "no tracepoint tells it".to_owned(), |refusal| refusal.message);
        match event.instead {
            "" => super::error(format!("this kernel has no {name}: {why}")),
            instead => advise(format!("this kernel has no {name}: {why}"), instead),
        }
    }
}

impl Spot {
    fn resolve(&self, providers: &Providers<'_>) -> Result<(Site, Layout)> {
        if !self.with.is_empty() && providers.types.func_in(TypeSet::KERNEL, self.with).is_none() {
            return Err(super::error(format!("it has no function `{}`", self.with)));
        }
        let place = self.at.resolve(providers)?;
        let layout = self.layout(providers, &place);
        let layout = layout.ok_or_else(|| super::error(format!("its {} says too little", self.at.what())))?;
        Ok((place.site, layout))
    }

    /// `None` if a text uses what the place does not have.
    fn layout(&self, providers: &Providers<'_>, place: &Place) -> Option<Layout> {
        let mut layout = Layout { inputs: place.inputs.clone(), stability: STABILITY, ..Layout::default() };
        for argument in self.args {
            let (ty, value, raw) = argument.texts(place)?;
            layout.args.push(Arg { ty: ArgType::D(ty.into()), value: Value::Text(value.into()) });
            layout.raw.push(Value::Text(raw.into()));
        }
        let optional = |text: &str| {
            if text.is_empty() { Some(None) } else { place.render(text).map(|text| Some(Text::from(text))) }
        };
        layout.predicate = optional(self.when)?;
        layout.thread = optional(self.thread)?;
        layout.errno = matches!(self.at, At::Exit(_)).then(|| syscall::ERRNO.into());
        layout.requires = clauses(providers, self.before)?;
        layout.ends = clauses(providers, self.after)?;
        Some(layout)
    }
}

impl Argument {
    /// As D writes it.
    pub fn ty(&self) -> &'static str {
        let (Argument::Is(ty, _) | Argument::Of(ty, _) | Argument::With(ty, ..)) = self;
        ty
    }

    /// Its type, its value, and the value of `argN`.
    fn texts(&self, place: &Place) -> Option<(&'static str, String, String)> {
        let number = |text: &str| format!("(uint64_t)({text})");
        Some(match self {
            Argument::Is(ty, value) => {
                let value = place.render(value)?;
                (*ty, value.clone(), number(&value))
            }
            Argument::Of(ty, from) => {
                let from = place.render(from)?;
                (*ty, format!("xlate<{ty}>({from})"), number(&from))
            }
            Argument::With(ty, value, raw) => (*ty, place.render(value)?, number(&place.render(raw)?)),
        })
    }
}

/// Whole clauses. In them `argN` are the arguments of the probe that they are at, which are those of the place.
fn clauses(providers: &Providers<'_>, places: &[(At, &str)]) -> Option<Vec<Text>> {
    let clause = |(at, body): &(At, &str)| {
        let place = at.resolve(providers).ok()?;
        Some(Text::from(format!("{} {{ {} }}", at.description(), place.render(body)?)))
    };
    places.iter().map(clause).collect()
}

/// A place that is there.
struct Place {
    site: Site,
    inputs: Vec<Value>,
    /// Names of arguments, and the texts that they stand for.
    names: Vec<(String, String)>,
}

impl At {
    fn resolve(&self, providers: &Providers<'_>) -> Result<Place> {
        match self {
            // Asking first is cheaper than an error, which would name the nearest of all.
            At::Raw(event) if providers.types.lookup_typedef(&format!("btf_trace_{event}")).is_none() => {
                Err(super::error(format!("it has no tracepoint {event}")))
            }
            At::Raw(event) => Ok(named(providers, providers.first(ProbeKind::RawTracepoint, &[event])?)),
            At::Enter(call) => call_place(providers, &format!("sys_enter_{call}"), syscall::words(providers)),
            At::Exit(call) => call_place(providers, &format!("sys_exit_{call}"), vec![syscall::result(providers)]),
            At::Entry(function) => Ok(named(providers, providers.first(ProbeKind::Fentry, &[function])?)),
            At::Return(function) => {
                let found = providers.first(ProbeKind::Fexit, &[function])?;
                Ok(Place {
                    site: found.point.site,
                    inputs: vec![Value::Result],
                    names: vec![("retval".to_owned(), "arg0".to_owned())],
                })
            }
            At::Software(event) => {
                let found = providers.first(ProbeKind::Software, &[event, "1"])?;
                Ok(Place { site: found.point.site, inputs: Vec::new(), names: Vec::new() })
            }
        }
    }

    fn what(&self) -> String {
        match self {
            At::Raw(event) => format!("tracepoint {event}"),
            At::Enter(call) | At::Exit(call) => format!("system call {call}"),
            At::Entry(function) | At::Return(function) => format!("function {function}"),
            At::Software(event) => format!("software event {event}"),
        }
    }

    /// As a script would name it.
    pub fn description(&self) -> String {
        match self {
            At::Raw(event) => format!("rawtp:::{event}"),
            At::Enter(call) => format!("syscall::{call}:entry"),
            At::Exit(call) => format!("syscall::{call}:return"),
            At::Entry(function) => format!("fbt::{function}:entry"),
            At::Return(function) => format!("fbt::{function}:return"),
            At::Software(event) => format!("cpc:::{}-all-1", event.replace('-', "_")),
        }
    }
}

/// A place whose arguments have names and types.
fn named(providers: &Providers<'_>, found: Found) -> Place {
    Place { site: found.point.site, inputs: Vec::new(), names: argument_names(providers, &found.args) }
}

fn argument_names(providers: &Providers<'_>, args: &Args) -> Vec<(String, String)> {
    let name = |field: &quadrant_program::probe::Field| {
        let FieldPlace::Arg(index) = field.place else { return None };
        // Kernels mark arguments that may be NULL in their names.
        let name = field.name.split("__nullable").next().unwrap_or_default().to_owned();
        Some((name, format!("(({})arg{index})", providers.types.display(field.ty))))
    };
    args.fields.iter().filter_map(name).collect()
}

fn call_place(providers: &Providers<'_>, event: &str, inputs: Vec<Value>) -> Result<Place> {
    let there = providers.source.event_number(syscall::CATEGORY, event).is_some();
    let site = Site::Tracepoint { category: syscall::CATEGORY.to_owned(), event: event.to_owned() };
    match there {
        true => Ok(Place { site, inputs, names: Vec::new() }),
        false => Err(super::error(format!("there is no tracepoint {event}"))),
    }
}

impl Place {
    /// A text with the names of arguments replaced; `None` if there is no such argument.
    fn render(&self, template: &str) -> Option<String> {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, after) = (&rest[..open], &rest[open + 1..]);
            let close = after.find('}')?;
            let (_, text) = self.names.iter().find(|(name, _)| *name == after[..close])?;
            out.push_str(before);
            out.push_str(text);
            rest = &after[close + 1..];
        }
        out.push_str(rest);
        Some(out)
    }
}

const STABILITY: Stability = Stability {
    description: Attributes::EVOLVING_ISA,
    function: Attributes::PRIVATE,
    module: Attributes::PRIVATE,
    arguments: Attributes::EVOLVING_ISA,
};
