//! D's providers: which probes a description `provider:module:function:name` means on this machine, and what their arguments are.
//!
//! A provider is one file here. Some are a mechanism (`syscall`, `pid`, `fbt`, `profile`), others are points of meaning (`proc`,
//! `sched`, `io`, `ip`) that a table ties to the kernel's tracepoints. All of them ask a [`ProbeCatalog`] where things are, and
//! nobody else: no file is opened here.

mod alias;
mod cpc;
mod definition;
mod dtrace;
mod elsewhere;
mod fbt;
mod ids;
mod io;
mod ip;
mod layout;
mod lockstat;
mod mib;
mod own;
mod pattern;
mod pid;
mod proc;
mod profile;
mod rawfbt;
mod rawtp;
mod sched;
mod sdt;
mod spell;
mod syscall;
mod sysinfo;
mod table;
mod tcp;
mod udp;
mod usdt;
mod vminfo;

pub use alias::{Alias, aliases};
pub use layout::{Arg, ArgType, Layout, Stability, Text, Value};
pub use own::is_own;
pub use spell::spell;

use crate::desc::ProbeDesc;
use elsewhere::Instead;
use ids::OnDemand;
use pattern::{Pattern, Wanted};
use quadrant_program::advice::Advice;
use quadrant_program::probe::{Found, Point, ProbeCatalog, ProbeError, ProbeErrorKind, ProbeKind, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_types::{Types, suggest_many};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The kernel image, as a module's name.
const KERNEL: &str = "vmlinux";

/// Probes that one description may mean for the types of their arguments to be looked up one by one. With more, they would differ anyway.
const MOST_TYPED: usize = 16;

/// Nearest names that are shown.
const MOST_NAMES: usize = 3;

type Result<T> = std::result::Result<T, ProbeError>;

/// One probe at one place. A probe that the kernel shows in several places is found several times, with the same `id`: it counts as
/// one, and its clauses run at each of its points.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Where it is; `name` is `provider:module:function:name`, `func` is its function.
    pub point: Point,
    /// The number that rows and listings show: below 1,000,000, and the same in every run on one kernel, except for
    /// probes that are made on demand (timers, processes).
    pub id: u32,
    /// Its arguments. Probes that can share code have the same one.
    pub layout: Arc<Layout>,
}

/// What decides which probes there are, besides the machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names of other systems are understood: [`aliases`].
    pub aliases: bool,
    /// Commands that were started for the trace and wait to run.
    pub commands: Vec<Command>,
}

/// A process that has not become its program yet, so that it has none of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The process.
    pub pid: u32,
    /// The program that it will run.
    pub program: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self { aliases: true, commands: Vec::new() }
    }
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The probe's number.
    pub id: u32,
    /// `provider:module:function:name`
    pub name: String,
}

/// Shows what is wanted.
type List = fn(&Providers<'_>, &Wanted, &mut dyn FnMut(Row)) -> Result<()>;

/// A provider: how its probes are found, listed, and named by their numbers.
struct Provider {
    /// Whether the provider's part of a description means it.
    is_called: fn(&Pattern) -> bool,
    /// Its probes that are wanted; none is no error.
    find: fn(&Providers<'_>, &Wanted) -> Result<Vec<Probe>>,
    list: List,
    /// The description of the probe of a number, if it is one of this provider's.
    of_id: fn(&Providers<'_>, u32) -> Option<Wanted>,
    /// Names of probes that there are by heart: a description that names one of them can mean nothing else.
    knows: fn(&str) -> bool,
}

/// All that have one name.
const PROVIDERS: &[Provider] = &[
    dtrace::PROVIDER,
    profile::PROVIDER,
    syscall::PROVIDER,
    proc::PROVIDER,
    sched::PROVIDER,
    io::PROVIDER,
    ip::PROVIDER,
    tcp::PROVIDER,
    udp::PROVIDER,
    lockstat::PROVIDER,
    sysinfo::PROVIDER,
    vminfo::PROVIDER,
    mib::PROVIDER,
    cpc::PROVIDER,
    sdt::PROVIDER,
    rawtp::PROVIDER,
    fbt::PROVIDER,
    rawfbt::PROVIDER,
];

/// Those that are named after processes; asked if no other is meant.
const OF_PROCESSES: &[Provider] = &[pid::PROVIDER, usdt::PROVIDER];

/// Whether there is a provider of that name.
pub fn is_provider(name: &str) -> bool {
    let name = Pattern::new(name);
    PROVIDERS.iter().chain(OF_PROCESSES).any(|provider| (provider.is_called)(&name))
}

/// Category and name of trace events.
type Events = Vec<(String, String)>;

/// Finds probes by their descriptions.
pub struct Providers<'a> {
    source: &'a dyn ProbeCatalog,
    types: &'a Types,
    settings: Settings,
    on_demand: OnDemand,
    layouts: RefCell<HashMap<Arc<Layout>, Arc<Layout>>>,
    events: OnceCell<Result<Events>>,
    call_events: OnceCell<Result<Vec<String>>>,
    raw_events: OnceCell<Result<Vec<String>>>,
    functions: OnceCell<HashMap<String, u32>>,
    warnings: RefCell<BTreeSet<String>>,
}

impl<'a> Providers<'a> {
    /// Nothing is read yet.
    pub fn new(source: &'a dyn ProbeCatalog, types: &'a Types, settings: Settings) -> Self {
        Self {
            source,
            types,
            settings,
            on_demand: OnDemand::default(),
            layouts: RefCell::default(),
            events: OnceCell::new(),
            call_events: OnceCell::new(),
            raw_events: OnceCell::new(),
            functions: OnceCell::new(),
            warnings: RefCell::default(),
        }
    }

    /// What of the descriptions could not be had while the rest could, since the last call.
    pub fn take_warnings(&self) -> BTreeSet<String> {
        self.warnings.take()
    }

    /// All probes that a description means, at least one, in a stable order.
    ///
    /// # Errors
    /// No match (with the nearest names as help), or a probe that cannot be used here: why, and what to use instead.
    pub fn find(&self, desc: &ProbeDesc) -> Result<Vec<Probe>> {
        let wanted = self.wanted(desc);
        let candidates = self.candidates(&wanted);
        let mut found = Vec::new();
        let mut refusal = None;
        for provider in &candidates {
            match (provider.find)(self, &wanted) {
                Ok(probes) => found.extend(probes),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match refusal {
            Some(error) if found.is_empty() && candidates.len() == 1 => Err(self.otherwise(error, &wanted)),
            _ if found.is_empty() => Err(self.otherwise(self.nearest(&wanted), &wanted)),
            _ => Ok(found),
        }
    }

    /// The probe of a number, at all of its points.
    ///
    /// # Errors
    /// As [`Providers::find`].
    pub fn by_id(&self, id: u32) -> Result<Vec<Probe>> {
        let nothing = || error(format!("there is no probe with the number {id}"));
        let wanted = PROVIDERS.iter().find_map(|provider| Some((provider, (provider.of_id)(self, id)?)));
        let probes = match wanted {
            Some((provider, wanted)) => (provider.find)(self, &wanted)?,
            None => {
                let name = self.on_demand.name(id).ok_or_else(nothing)?;
                self.find(&ProbeDesc::exactly(&name))?
            }
        };
        let probes: Vec<Probe> = probes.into_iter().filter(|probe| probe.id == id).collect();
        if probes.is_empty() { Err(nothing()) } else { Ok(probes) }
    }

    /// What a listing shows of all probes that a description means; nothing is read that only their use needs. No match is no error.
    ///
    /// # Errors
    /// What the names come from cannot be read, and there is nothing else to show.
    pub fn list(&self, desc: &ProbeDesc, show: &mut dyn FnMut(Row)) -> Result<()> {
        let wanted = self.wanted(desc);
        let (mut any, mut refusal) = (false, None);
        let candidates = self.candidates(&wanted);
        for provider in &candidates {
            let mut count = |row| {
                any = true;
                show(row);
            };
            if let Err(error) = (provider.list)(self, &wanted, &mut count) {
                refusal = refusal.or(Some(error));
            }
        }
        match refusal {
            Some(error) if !any && candidates.len() == 1 => Err(self.otherwise(error, &wanted)),
            Some(error) if !any => Err(no_match(&wanted).help([error.message]).help(error.help)),
            Some(error) if error.kind == ProbeErrorKind::Denied => {
                self.warn(format!("some probes are left out: {}", error.message));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn wanted(&self, desc: &ProbeDesc) -> Wanted {
        let mut wanted = Wanted::of(desc);
        if let Some(module) = alias::of_module(&desc.module).filter(|_| self.settings.aliases) {
            wanted.module = Pattern::new(module);
        }
        let by_function = alias::of_function(&desc.provider, &desc.function, &desc.name);
        if let Some(alias) = by_function.filter(|_| self.settings.aliases) {
            return Wanted::new(alias.provider, "", "", alias.means);
        }
        wanted
    }

    /// Those that may have what is wanted.
    fn candidates(&self, wanted: &Wanted) -> Vec<&'static Provider> {
        let named = || PROVIDERS.iter().filter(|provider| (provider.is_called)(&wanted.provider));
        let known = wanted.name.literal().filter(|_| wanted.module.is_anything() && wanted.function.is_anything());
        match known.and_then(|name| named().find(|provider| (provider.knows)(name))) {
            Some(only) => vec![only],
            // A program may have a provider whose name begins like ours.
            None if named().next().is_some() => {
                let of_programs = wanted.provider.is_open_ended() && !wanted.provider.is_anything();
                named().chain(OF_PROCESSES.iter().filter(|_| of_programs)).collect()
            }
            None => OF_PROCESSES.iter().find(|provider| (provider.is_called)(&wanted.provider)).into_iter().collect(),
        }
    }

    /// Nothing matches, but these have nearly that name. A process may have it later: that is told even if no match is no error.
    fn nearest(&self, wanted: &Wanted) -> ProbeError {
        // A mistake in the function is the likelier one: thousands of functions have the same few names of probes.
        let other_function = Wanted { function: Pattern::new(""), ..wanted.clone() };
        let other_name = Wanted { name: Pattern::new(""), ..other_function.clone() };
        let other_module = Wanted { module: Pattern::new(""), ..wanted.clone() };
        let wider = [other_function, other_name, other_module].into_iter();
        let names =
            wider.map(|wider| self.names_like(&wider, wanted)).find(|names| !names.is_empty()).unwrap_or_default();
        let near = suggest_many(&wanted.to_string(), names.iter().map(String::as_str), MOST_NAMES);
        let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        let nearest = match quoted.is_empty() {
            true => elsewhere::nearest(wanted).filter(|_| self.candidates(wanted).is_empty()),
            false => Some(format!("did you mean {}?", quoted.join(" or "))),
        };
        usdt::of_no_process(wanted).into_iter().for_each(|advice| self.warn(advice));
        no_match(wanted).help(nearest.or_else(|| usdt::without_process(wanted)))
    }

    /// The refusal of a description, with what is to be done if its provider is one of other systems or of programs that may lack it.
    fn otherwise(&self, refusal: ProbeError, wanted: &Wanted) -> ProbeError {
        match elsewhere::instead(wanted) {
            Some(Instead::NotHere(advice)) if !self.is_of_a_program(wanted) => match refusal.kind {
                // What was looked for in a process may have been meant there.
                ProbeErrorKind::NoMatch if usdt::names_process(wanted) => refusal.help([advice]),
                _ => no_match(wanted).help([advice]),
            },
            Some(Instead::IfBuilt(advice) | Instead::NotOfIt(advice)) => refusal.help([advice]),
            _ => refusal,
        }
    }

    /// Whether the provider that is meant is a program's own: its file is named, or a process has probes of it.
    fn is_of_a_program(&self, wanted: &Wanted) -> bool {
        let [module, function, name] = [(); 3].map(|()| Pattern::new(""));
        let of_provider = Wanted { provider: wanted.provider.clone(), module, function, name };
        let warnings = self.warnings.borrow().clone();
        let has_any = wanted.module.text().starts_with('/') || !self.names_like(&of_provider, wanted).is_empty();
        // Of what only this asks for nothing is to be told.
        self.warnings.replace(warnings);
        has_any
    }

    /// The names of what a description means, as somebody would write them who wrote `shape`.
    fn names_like(&self, description: &Wanted, shape: &Wanted) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for provider in self.candidates(description) {
            // What cannot be listed cannot be suggested.
            let mut list = || {
                let _ = (provider.list)(self, description, &mut |row| {
                    names.insert(shape.shaped(&row.name));
                });
            };
            self.source.unsaid(&mut list);
        }
        names
    }
}

/// For the providers.
impl Providers<'_> {
    fn probe(&self, found: Point, id: u32, layout: Layout) -> Probe {
        Probe { point: found, id, layout: self.share(layout) }
    }

    /// Something that the user should know and that is no error. The same text is kept once.
    fn warn(&self, message: String) {
        self.warnings.borrow_mut().insert(message);
    }

    /// Equal layouts as one.
    fn share(&self, layout: Layout) -> Arc<Layout> {
        let layout = Arc::new(layout);
        Arc::clone(self.layouts.borrow_mut().entry(Arc::clone(&layout)).or_insert(layout))
    }

    fn resolve(&self, kind: ProbeKind, parts: &[&str]) -> Result<Vec<Found>> {
        self.source.find(&spec(kind, parts))
    }

    /// Whether there is a process of that number.
    fn is_process(&self, pid: u32) -> bool {
        self.settings.commands.iter().any(|command| command.pid == pid) || self.source.program_of(pid).is_some()
    }

    /// The functions that the kernel's types describe, and the place of each among them; read once.
    fn functions(&self) -> &HashMap<String, u32> {
        self.functions.get_or_init(|| fbt::ranks(self))
    }

    /// The first point of what is meant.
    fn first(&self, kind: ProbeKind, parts: &[&str]) -> Result<Found> {
        let found = self.resolve(kind, parts)?.into_iter().next();
        found.ok_or_else(|| error(format!("there is no {}:{}", kind.name(), parts.join(":"))))
    }

    /// Category and name of all trace events, read once, sorted.
    fn events(&self) -> Result<&[(String, String)]> {
        let events = self.events.get_or_init(|| self.all_events());
        events.as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }

    /// The names of the trace events of single system calls, read once, sorted. The thousands of others are not read for them.
    fn call_events(&self) -> Result<&[String]> {
        let read = || self.calls_of("*");
        self.call_events.get_or_init(read).as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }

    fn calls_of(&self, event: &str) -> Result<Vec<String>> {
        let names = self.source.list(ProbeKind::Tracepoint, &[syscall::CATEGORY.to_owned(), event.to_owned()])?;
        Ok(names.iter().filter_map(|name| Some(name.rsplit_once(':')?.1.to_owned())).collect())
    }

    /// Whether there is a trace event of a single system call.
    fn has_call_event(&self, event: &str) -> Result<bool> {
        match self.call_events.get() {
            Some(Ok(events)) => Ok(events.iter().any(|known| known == event)),
            _ => Ok(!self.calls_of(event)?.is_empty()),
        }
    }

    fn all_events(&self) -> Result<Events> {
        let names = self.source.list(ProbeKind::Tracepoint, &["*".to_owned(), "*".to_owned()])?;
        let split = |name: &String| {
            let (category, event) = name.strip_prefix("tracepoint:")?.split_once(':')?;
            Some((category.to_owned(), event.to_owned()))
        };
        Ok(names.iter().filter_map(split).collect())
    }

    /// The names of all raw tracepoints that the kernel's types describe, read once, sorted.
    fn raw_events(&self) -> Result<&[String]> {
        let read = || {
            let names = self.source.list(ProbeKind::RawTracepoint, &["*".to_owned()])?;
            Ok(names.iter().filter_map(|name| Some(name.rsplit(':').next()?.to_owned())).collect())
        };
        self.raw_events.get_or_init(read).as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }
}

fn no_match(wanted: impl std::fmt::Display) -> ProbeError {
    error(format!("probe description {wanted} does not match any probes")).kind(ProbeErrorKind::NoMatch)
}

fn spec(kind: ProbeKind, parts: &[&str]) -> ProbeSpec {
    ProbeSpec { kind, parts: parts.iter().map(|part| (*part).to_owned()).collect(), span: Span::default() }
}

fn error(message: impl Into<String>) -> ProbeError {
    ProbeError::new(message)
}

fn advise(message: impl Into<String>, help: impl Into<Advice>) -> ProbeError {
    error(message).help([help.into()])
}
