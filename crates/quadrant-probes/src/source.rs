//! The answers to a front end's questions about probes, and to `-l`.

use crate::debug::DebugFiles;
use crate::error::{Result, error, from_kernel};
use crate::files::Files;
use crate::glob::Glob;
use crate::kernel::Kernel;
use crate::target::{Sight, Target};
use crate::warning::Warning;
use crate::{
    fentry, iter, kprobe, own, perf_event, rawtracepoint, target, timer, tracepoint, uprobe, usdt, watchpoint,
};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::{Args, Found, Point, ProbeCatalog, ProbeError, ProbeKind, ProbeSource, ProbeSpec};
use quadrant_symbols::DebugDir;
use quadrant_types::{DebugTypes, Types};
use std::cell::Cell;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// What limits a session's probes.
#[derive(Debug, Clone)]
pub struct Options {
    /// `-p`, or the process that `-c` started: user probes are on its files and on it alone.
    pub pid: Option<u32>,
    /// Points that one wildcard may mean.
    pub max_points: usize,
    /// Functions of programs that it may mean, where the kernel takes many of them by one link.
    pub max_functions: usize,
    /// `--debuginfo`: folders in which debug files are looked for first.
    pub debug_dirs: Vec<DebugDir>,
    /// `--unsafe`: places that cannot be shown to be safe are taken as they are.
    pub allow_unsafe: bool,
    /// A process's files are those that it has mapped, and not others that it could open.
    pub only_mapped: bool,
}

impl Options {
    /// With as many points as a user allows, whatever they are.
    #[must_use]
    pub fn allowing(self, points: u32) -> Options {
        Options { max_points: points as usize, max_functions: points as usize, ..self }
    }

    /// In whose sight names of files are meant.
    pub(crate) fn sight(&self) -> Sight {
        match self.pid {
            Some(pid) if self.only_mapped => Sight::Mapped(pid),
            Some(pid) => Sight::Process(pid),
            None => Sight::Own,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pid: None,
            max_points: 1_024,
            max_functions: 65_536,
            debug_dirs: Vec::new(),
            allow_unsafe: false,
            only_mapped: false,
        }
    }
}

/// Finds probes on this machine. Opens tracefs, BTF and programs only when a probe needs them.
pub struct Source {
    types: Rc<Types>,
    options: Options,
    /// What the script allows in place of [`Options::max_points`].
    allowed: Cell<Option<u32>>,
    tracefs: OnceCell<std::result::Result<TraceFs, quadrant_bpf::Error>>,
    files: Files,
    kernel: Kernel,
    debug: DebugFiles,
}

impl Source {
    /// A source of probes whose arguments have their types in `types`.
    pub fn new(types: Rc<Types>, options: Options) -> Self {
        let kernel = Kernel::new(Rc::clone(&types), options.allow_unsafe);
        let dirs = options.debug_dirs.clone();
        let debug = DebugFiles::new(Rc::clone(&types), dirs.clone());
        let (allowed, tracefs) = (Cell::default(), OnceCell::new());
        Self { types, options, allowed, tracefs, files: Files::new(dirs), kernel, debug }
    }

    /// Takes the list of functions that can be traced from a file in the form of tracefs' `available_filter_functions`. It is read when
    /// a pattern asks for it.
    pub fn with_traceable(self, file: PathBuf) -> Self {
        Self { kernel: self.kernel.with_traceable(file), ..self }
    }

    /// The session's tracefs, opened now if it was not yet.
    pub fn tracefs(&self) -> std::result::Result<&TraceFs, quadrant_bpf::Error> {
        self.tracefs.get_or_init(TraceFs::open).as_ref().map_err(Clone::clone)
    }

    /// The content of a tracepoint's format file.
    ///
    /// # Errors
    /// There is no such tracepoint, or the file cannot be read.
    pub fn event_format(&self, category: &str, event: &str) -> Result<String> {
        let tracefs = self.tracefs().map_err(|error| from_kernel(&error))?;
        tracepoint::format_text(tracefs, category, event)
    }

    /// What was wrong with what was passed over, and what the user should know of what was found, since the last call.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.files.take_warnings();
        warnings.extend(self.kernel.take_notes().into_iter().map(Warning::from));
        warnings
    }

    /// Why this kernel has no way to make probes of that kind in its functions; `None` if it has one, or other kinds are meant.
    pub fn cannot_probe(&self, kind: ProbeKind) -> Option<ProbeError> {
        match kind {
            ProbeKind::Kprobe | ProbeKind::Kretprobe | ProbeKind::Fentry | ProbeKind::Fexit => {
                self.kernel.way(kind, "").err()
            }
            _ => None,
        }
    }

    /// The arguments of one probe, as `-lv` shows them.
    pub fn arguments(&self, spec: &ProbeSpec) -> Result<Arc<Args>> {
        if let ProbeKind::Kprobe | ProbeKind::Kretprobe = spec.kind {
            return kprobe::arguments(&self.kernel, spec.kind, &spec.parts).map(Arc::new);
        }
        if let ProbeKind::Fentry | ProbeKind::Fexit = spec.kind {
            return fentry::arguments(&self.kernel, spec.kind, &spec.parts).map(Arc::new);
        }
        let Some(first) = self.find(spec)?.into_iter().next() else { return Ok(Arc::default()) };
        match spec.kind {
            ProbeKind::Uprobe | ProbeKind::Uretprobe => self.user_arguments(&first.point),
            _ => Ok(first.args),
        }
    }

    /// The full names of all probes of a kind whose parts match, as `-l` prints them; no match is no error.
    pub fn list(&self, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
        self.list_for(self.options.sight(), kind, parts)
    }

    fn list_for(&self, sight: Sight, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
        let part = |index: usize| Glob::new(parts.get(index).map_or("", String::as_str));
        match kind {
            ProbeKind::Begin | ProbeKind::End | ProbeKind::Own | ProbeKind::Test | ProbeKind::Bench => {
                Ok(own::list(kind, &part(0), &part(1)))
            }
            ProbeKind::Interval | ProbeKind::Profile => Ok(timer::list(kind, &part(0))),
            ProbeKind::Software | ProbeKind::Hardware => Ok(perf_event::list(kind, &part(0))),
            ProbeKind::Watchpoint => Ok(watchpoint::list()),
            ProbeKind::Tracepoint => self.list_tracepoints(&part(0), &part(1)),
            ProbeKind::RawTracepoint => self.list_raw_tracepoints(parts),
            ProbeKind::Uprobe | ProbeKind::Uretprobe => self.list_functions(sight, kind, parts),
            ProbeKind::Usdt => self.list_usdt(sight, parts),
            ProbeKind::Kprobe | ProbeKind::Kretprobe => kprobe::list(&self.kernel, kind, parts),
            ProbeKind::Fentry | ProbeKind::Fexit => fentry::list(&self.kernel, kind, parts),
            ProbeKind::Iter => {
                Ok(iter::list(&self.types, &part(0))?.iter().map(|object| format!("iter:{object}")).collect())
            }
        }
    }

    fn list_tracepoints(&self, category: &Glob, event: &Glob) -> Result<Vec<String>> {
        let tracefs = self.tracefs().map_err(|error| from_kernel(&error))?;
        let events = tracepoint::list(tracefs, category, event)?;
        Ok(events.iter().map(|(category, event)| format!("tracepoint:{category}:{event}")).collect())
    }

    fn list_raw_tracepoints(&self, parts: &[String]) -> Result<Vec<String>> {
        let (module, event) = match parts {
            [module, event, ..] => (Glob::new(module), Glob::new(event)),
            [event] => (Glob::new(""), Glob::new(event)),
            [] => (Glob::new(""), Glob::new("")),
        };
        let events = rawtracepoint::list(&self.types, &module, &event)?;
        Ok(events.iter().map(|event| format!("rawtracepoint:vmlinux:{event}")).collect())
    }

    fn list_functions(&self, sight: Sight, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
        let (file, rest) = parts.split_first().map_or(("", &[][..]), |(file, rest)| (file.as_str(), rest));
        // A C++ or Rust name that was not quoted comes in pieces.
        let wanted = match rest {
            [language, name @ ..] if !name.is_empty() && uprobe::is_language(language) => {
                uprobe::Wanted::readable(&name.join(":"))
            }
            _ => uprobe::Wanted::any(&rest.join(":")),
        };
        uprobe::list(&self.files, kind, file, &wanted, sight)
    }

    fn list_usdt(&self, sight: Sight, parts: &[String]) -> Result<Vec<String>> {
        let (file, rest) = parts.split_first().map_or(("", &[][..]), |(file, rest)| (file.as_str(), rest));
        let rest = if rest.is_empty() { vec![String::new()] } else { rest.to_vec() };
        let wanted = usdt::Wanted::parse(&rest);
        let wanted = wanted.ok_or_else(|| error("static user probes are listed by `usdt:file:provider:name`"))?;
        usdt::list(&self.files, file, &wanted, sight)
    }
}

impl ProbeSource for Source {
    fn find(&self, spec: &ProbeSpec) -> Result<Vec<Found>> {
        match self.allowed.get() {
            None => self.find_with(spec, &self.options),
            Some(points) => self.find_with(spec, &self.options.clone().allowing(points)),
        }
    }

    fn allow(&self, points: u32) {
        self.allowed.set(Some(points));
    }

    fn user_arguments(&self, point: &Point) -> Result<Arc<Args>> {
        uprobe::arguments(&self.files, &self.debug, &self.types, point).map(Arc::new)
    }

    fn user_types(&self, path: &Path) -> Option<DebugTypes> {
        self.debug.known_types(&self.files, path)
    }

    fn why_no_user_types(&self, path: &Path) -> Option<ProbeError> {
        self.debug.types_of(&self.files, path).err()
    }
}

impl ProbeCatalog for Source {
    fn find_in(&self, pid: u32, spec: &ProbeSpec) -> Result<Vec<Found>> {
        self.find_with(spec, &Options { pid: Some(pid), only_mapped: true, ..self.options.clone() })
    }

    fn list(&self, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
        self.list_for(Sight::Own, kind, parts)
    }

    fn unsaid(&self, look: &mut dyn FnMut()) {
        self.kernel.unsaid(look);
    }

    fn list_in(&self, pid: u32, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>> {
        self.list_for(Sight::Mapped(pid), kind, parts)
    }

    fn event_number(&self, category: &str, event: &str) -> Option<u32> {
        let number = self.tracefs().ok()?.event_id(category, event).ok()?;
        u32::try_from(number).ok()
    }

    fn program_of(&self, pid: u32) -> Option<PathBuf> {
        target::program_of(pid)
    }

    fn processes(&self) -> Vec<u32> {
        target::processes()
    }

    fn libraries_of(&self, program: &Path) -> Vec<PathBuf> {
        target::needed(&self.files, program)
    }

    fn provider_definitions(&self, path: &Path) -> Vec<String> {
        let elf = self.files.open(&Target { name: path.to_owned(), path: path.to_owned() });
        elf.map_or_else(|_| Vec::new(), |elf| usdt::definitions(&elf))
    }

    fn user_function_at(&self, path: &Path, offset: u64) -> Option<String> {
        let elf = self.files.open(&Target { name: path.to_owned(), path: path.to_owned() }).ok()?;
        let address = elf.code_address_of(offset)?;
        Some(elf.symbols().ok()?.function_around(address)?.name.to_owned())
    }
}

impl Source {
    fn find_with(&self, spec: &ProbeSpec, options: &Options) -> Result<Vec<Found>> {
        let Options { pid, max_points, .. } = *options;
        match spec.kind {
            ProbeKind::Begin | ProbeKind::End | ProbeKind::Own | ProbeKind::Test | ProbeKind::Bench => {
                Ok(vec![own::resolve(spec)?])
            }
            ProbeKind::Interval | ProbeKind::Profile => Ok(vec![timer::resolve(spec)?]),
            ProbeKind::Software | ProbeKind::Hardware => Ok(vec![perf_event::resolve(spec)?]),
            ProbeKind::Watchpoint => Ok(vec![watchpoint::resolve(spec, pid)?]),
            ProbeKind::Tracepoint => {
                let tracefs = self.tracefs().map_err(|error| from_kernel(&error))?;
                tracepoint::resolve(tracefs, &self.types, spec, max_points)
            }
            ProbeKind::RawTracepoint => rawtracepoint::resolve(&self.types, spec, max_points),
            ProbeKind::Uprobe | ProbeKind::Uretprobe => uprobe::resolve(&self.files, &self.debug, spec, options),
            ProbeKind::Usdt => usdt::resolve(&self.files, spec, options),
            ProbeKind::Kprobe | ProbeKind::Kretprobe => kprobe::resolve(&self.kernel, spec, options),
            ProbeKind::Fentry | ProbeKind::Fexit => fentry::resolve(&self.kernel, spec, options),
            ProbeKind::Iter => iter::resolve(&self.types, spec),
        }
    }
}
