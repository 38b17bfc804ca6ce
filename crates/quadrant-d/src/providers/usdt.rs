//! `PROVIDERPID:MODULE:FUNCTION:NAME`: the static probes of processes, by the notes in the files that they have mapped.
//!
//! A provider's name has the process's number behind it; `__` in a probe's name is `-` in D. A pattern that leaves the number open
//! (`prov*`) means the probes of a file in whichever process, those that start later too.

use super::definition::Definitions;
use super::pattern::{Pattern, Wanted};
use super::pid::PROGRAM;
use super::{Command, Layout, Probe, Provider, Providers, Result, Row};
use quadrant_program::expr::PointPart;
use quadrant_program::probe::{Found, Inode, Point, ProbeError, ProbeKind, Site};
use quadrant_types::suggest_many;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Files that are looked through: what a process has mapped.
const ALL_FILES: &str = "*";

pub(super) const PROVIDER: Provider = Provider { is_called, find, list, of_id: |_, _| None, knows: |_| false };

/// A name that ends with the number of a process, or a pattern of such names.
fn is_called(provider: &Pattern) -> bool {
    !provider.is_anything() && provider.text().ends_with(|c: char| c.is_ascii_digit() || "*?]".contains(c))
}

/// The files are named, and in which processes is left open.
fn names_files(wanted: &Wanted) -> bool {
    wanted.provider.literal().is_none() && wanted.module.text().starts_with('/')
}

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    if names_files(wanted) {
        return find_in_files(providers, wanted);
    }
    let mut probes = Vec::new();
    let mut refusal = None;
    for process in processes(providers, &wanted.provider) {
        match process.find(providers, wanted) {
            Ok(found) => probes.extend(found),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) if probes.is_empty() && wanted.provider.literal().is_some() => Err(error),
        _ if wanted.provider.is_open_ended() => Ok(in_all_processes(providers, wanted, probes)),
        _ => Ok(probes),
    }
}

/// Instead of the probes of single processes those of their files, in whichever process, if the pattern leaves the number open and other
/// processes come to the file by the same path: the same image can be in many containers as files of their own, which are one
/// to the kernel.
fn in_all_processes(providers: &Providers<'_>, wanted: &Wanted, probes: Vec<Probe>) -> Vec<Probe> {
    let file = |probe: &Probe| match &probe.point.site {
        Site::Usdt { path, inode, pid: Some(pid), .. } => {
            let provider = probe.point.name.split(':').next()?.strip_suffix(&pid.to_string())?.to_owned();
            (wanted.provider.matches(&provider) && is_plain(&provider)).then(|| (path.clone(), *inode))
        }
        _ => None,
    };
    let paths: BTreeSet<PathBuf> =
        probes.iter().filter_map(file).map(|(path, _)| path).filter(|path| !path.starts_with("/proc")).collect();
    let mut files = HashSet::new();
    let mut all = Vec::new();
    for path in paths {
        // Of what cannot be found again the probes that were found in processes are left.
        let path = path.to_string_lossy().replace(['*', '?', '['], "?");
        let found = in_files(providers, wanted, &path).unwrap_or_default();
        files.extend(found.iter().filter_map(inode));
        all.extend(found);
    }
    all.extend(probes.into_iter().filter(|probe| file(probe).is_none_or(|(_, inode)| !files.contains(&inode))));
    all
}

fn inode(probe: &Probe) -> Option<Inode> {
    match &probe.point.site {
        Site::Usdt { inode, .. } => Some(*inode),
        _ => None,
    }
}

/// The probes of files that no process needs to have mapped yet.
fn find_in_files(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    in_files(providers, wanted, &wanted.module.widened())
}

fn in_files(providers: &Providers<'_>, wanted: &Wanted, files: &str) -> Result<Vec<Probe>> {
    let found = providers.resolve(ProbeKind::Usdt, &[files, "*", &name_in_notes(wanted)])?;
    let mut known = HashMap::new();
    let probes = found.into_iter().filter_map(|found| {
        let meant = Meant { is_module: &|_| true, pid: None };
        meant.probe(providers, wanted, found, &mut known)
    });
    Ok(probes.collect())
}

/// The pattern of names in notes that a pattern of D's names comes to, or more.
fn name_in_notes(wanted: &Wanted) -> String {
    let name = wanted.name.widened().replace('-', "*");
    if name.is_empty() { "*".to_owned() } else { name }
}

/// What to do when no process has the probes of a pattern.
pub(super) fn of_no_process(wanted: &Wanted) -> Option<String> {
    let Wanted { provider, function, name, .. } = wanted;
    let is_it = is_called(provider) && provider.is_open_ended() && !names_files(wanted);
    let (provider, function, name) = (provider.text(), function.text(), name.text());
    is_it.then(|| {
        format!(
            "no process has probes of {wanted} now, and those that start later are not looked at: name their \
             program, `{provider}:/PATH/OF/PROGRAM:{function}:{name}`"
        )
    })
}

/// What to do where `$target` is nothing.
pub(super) fn without_process(wanted: &Wanted) -> Option<String> {
    let name = wanted.provider.literal()?.strip_suffix('0')?;
    let is_it = !name.is_empty() && !name.ends_with(|c: char| c.is_ascii_digit());
    is_it.then(|| "`$target` is the process of `-c` or `-p`".to_owned())
}

/// Whether the provider's name ends with a number, as those of processes do.
pub(super) fn names_process(wanted: &Wanted) -> bool {
    wanted.provider.literal().is_some_and(|name| name.ends_with(|c: char| c.is_ascii_digit()))
}

fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    // A probe that is in several places is one.
    let mut seen = HashSet::new();
    if names_files(wanted) {
        let found = find_in_files(providers, wanted)?.into_iter().filter(|probe| seen.insert(probe.id));
        found.for_each(|probe| show(Row { id: probe.id, name: probe.point.name }));
        return Ok(());
    }
    let one = wanted.provider.literal().is_some();
    for process in processes(providers, &wanted.provider) {
        let found = match process.find(providers, wanted) {
            // Of a pattern, processes that cannot be looked at, or are gone by now, have no probes.
            Err(_) if !one => Vec::new(),
            found => found?,
        };
        for probe in found.into_iter().filter(|probe| seen.insert(probe.id)) {
            show(Row { id: probe.id, name: probe.point.name });
        }
    }
    Ok(())
}

/// A process, and the provider's name without its number where that is known.
struct Process {
    pid: u32,
    provider: Option<String>,
}

/// The last digits of a name are the process's number. A provider's own name may end with digits, so all numbers that
/// there are processes of are tried, the longest first.
fn processes(providers: &Providers<'_>, pattern: &Pattern) -> Vec<Process> {
    let Some(name) = pattern.literal() else {
        let all = providers.source.processes();
        return all.into_iter().map(|pid| Process { pid, provider: None }).collect();
    };
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let splits = (letters.max(1)..name.len()).filter(|at| !name[*at..].starts_with('0'));
    let process = |at: usize| Some(Process { pid: name[at..].parse().ok()?, provider: Some(name[..at].to_owned()) });
    let found: Vec<Process> = splits.filter_map(process).collect();
    let runs = |process: &Process| providers.source.program_of(process.pid).is_some();
    let first = found.iter().position(runs).unwrap_or(0);
    found.into_iter().skip(first).take(1).collect()
}

impl Process {
    fn find(&self, providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
        let provider = self.provider.as_deref().unwrap_or("*");
        let note_name = name_in_notes(wanted);
        let is_module = |file: &str| self.is_module(providers, &wanted.module, file);
        let meant = Meant { is_module: &is_module, pid: Some(self.pid) };
        let (mut probes, mut known, mut refusal) = (Vec::new(), HashMap::new(), None);
        for file in self.files(providers, wanted) {
            let spec = super::spec(ProbeKind::Usdt, &[&file, provider, &note_name]);
            match providers.source.find_in(self.pid, &spec) {
                Ok(found) => {
                    let probe = |found| meant.probe(providers, wanted, found, &mut known);
                    probes.extend(found.into_iter().filter_map(probe));
                }
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match refusal {
            Some(error) if probes.is_empty() => Err(self.explain(providers, wanted, error)),
            _ => Ok(probes),
        }
    }

    /// Where to look. A command that waits to be started has none of its files yet.
    fn files(&self, providers: &Providers<'_>, wanted: &Wanted) -> Vec<String> {
        match self.command(providers) {
            Some(command) if wanted.module.text() == PROGRAM => vec![command.program.to_string_lossy().into_owned()],
            Some(command) => super::pid::before_start(providers, command, &wanted.module),
            // One that it will load later can be named by its path.
            None if wanted.module.text().starts_with('/') => vec![wanted.module.widened()],
            None => vec![ALL_FILES.to_owned()],
        }
    }

    fn explain(&self, providers: &Providers<'_>, wanted: &Wanted, error: ProbeError) -> ProbeError {
        // Of all providers, there are none at all.
        let Some(which) = &self.provider else { return super::no_match(wanted) };
        let all = self.all(providers);
        let near = self.nearest(providers, wanted, &all);
        if !near.is_empty() {
            return super::no_match(wanted).help([format!("did you mean {}?", near.join(" or "))]);
        }
        let none = format!("there are no static probes of `{which}` in process {}", self.pid);
        if !matches!(wanted.module.text(), "" | "*") {
            let why = format!("{none}: {}", error.message);
            return super::no_match(wanted).help([why]).help(error.help);
        }
        // With `-Z` this is all that is said.
        self.of_later(providers, wanted).into_iter().for_each(|advice| providers.warn(advice));
        let others = self.providers(&all);
        let none = match others.is_empty() {
            true => none,
            false => format!("{none}; it has those of {}", others.join(", ")),
        };
        super::no_match(wanted).help([none])
    }

    /// All of the process.
    fn all(&self, providers: &Providers<'_>) -> Vec<Probe> {
        let everything = Process { pid: self.pid, provider: None };
        everything.find(providers, &Wanted::new("", "", "", "")).unwrap_or_default()
    }

    /// The names of its probes that are nearly what is wanted, quoted. Nobody knows the number of a command.
    fn nearest(&self, providers: &Providers<'_>, wanted: &Wanted, all: &[Probe]) -> Vec<String> {
        let number = self.pid.to_string();
        // Equal numbers would make names alike that are not.
        let plain = |name: String| name.replacen(&number, "", 1);
        let names: BTreeSet<String> = all.iter().map(|probe| plain(wanted.shaped(&probe.point.name))).collect();
        let near = suggest_many(&plain(wanted.to_string()), names.iter().map(String::as_str), super::MOST_NAMES);
        let process = if self.command(providers).is_some() { "$target" } else { &number };
        let parts = near.into_iter().filter_map(|name| name.split_once(':'));
        parts.map(|(provider, rest)| format!("`{provider}{process}:{rest}`")).collect()
    }

    /// The names of its providers, quoted.
    fn providers(&self, all: &[Probe]) -> Vec<String> {
        let number = self.pid.to_string();
        let name = |probe: &Probe| {
            let provider = PointPart::Provider.of(&probe.point.name);
            provider.strip_suffix(&number).unwrap_or(provider).to_owned()
        };
        let names: BTreeSet<String> = all.iter().map(name).collect();
        names.iter().map(|name| format!("`{name}`")).collect()
    }

    /// What a command opens when it runs, as Java does its machine, is found by its path alone.
    fn of_later(&self, providers: &Providers<'_>, wanted: &Wanted) -> Option<String> {
        self.command(providers)?;
        let (function, name) = (wanted.function.text(), wanted.name.text());
        let provider = self.provider.as_deref()?;
        Some(format!(
            "the command has no probes of {wanted} when it starts; if it opens a library later that has them, name that: \
             `{provider}$target:/PATH/OF/LIBRARY:{function}:{name}`"
        ))
    }

    /// Whether a pattern of modules means a file, as a site names it.
    fn is_module(&self, providers: &Providers<'_>, module: &Pattern, file: &str) -> bool {
        let file = Path::new(file.trim_start_matches("usdt:"));
        if module.text() != PROGRAM {
            return super::pid::is_called(file, module);
        }
        let program = match self.command(providers) {
            Some(command) => Some(command.program.clone()),
            None => providers.source.program_of(self.pid),
        };
        program.is_some_and(|program| program == file)
    }

    fn command<'a>(&self, providers: &'a Providers<'_>) -> Option<&'a Command> {
        providers.settings.commands.iter().find(|command| command.pid == self.pid)
    }
}

/// What of the notes of files is wanted.
struct Meant<'a> {
    /// Whether a file, as a site names it, is meant.
    is_module: &'a dyn Fn(&str) -> bool,
    /// The only process.
    pid: Option<u32>,
}

impl Meant<'_> {
    /// `None` if the probe is not meant.
    fn probe(
        &self,
        providers: &Providers<'_>,
        wanted: &Wanted,
        found: Found,
        known: &mut HashMap<PathBuf, Definitions>,
    ) -> Option<Probe> {
        let Site::Usdt { path, offset, .. } = &found.point.site else { return None };
        let mut parts = found.point.name.rsplitn(3, ':');
        let (note_name, note_provider, file) = (parts.next()?, parts.next()?, parts.next()?);
        let pid = self.pid;
        if pid.is_none() && !is_plain(note_provider) {
            return None;
        }
        let provider = pid.map_or_else(|| note_provider.to_owned(), |pid| format!("{note_provider}{pid}"));
        let name = note_name.replace("__", "-");
        let module = Path::new(file).file_name()?.to_string_lossy().into_owned();
        if !wanted.provider.matches(&provider) || !wanted.name.matches(&name) {
            return None;
        }
        let function = providers.source.user_function_at(path, *offset).unwrap_or_default();
        if !wanted.function.matches(&function) || !(self.is_module)(file) {
            return None;
        }
        let provider = if pid.is_none() { format!("{note_provider}*") } else { provider };
        let full = format!("{provider}:{module}:{function}:{name}");
        let id = providers.on_demand.number(&full);
        let read = || Definitions::read(&providers.source.provider_definitions(path));
        let definitions = known.entry(path.clone()).or_insert_with(read);
        let layout = definitions.layout(providers.types, note_provider, note_name, &found.args.numbered);
        let numbered = || format!("strjoin(\"{note_provider}\", lltostr(pid))").into();
        let layout = Layout { provider: pid.is_none().then(numbered), ..layout };
        let point = Point { site: found.point.site, name: full, func: function };
        Some(providers.probe(point, id, layout))
    }
}

/// Names that can stand in a piece of D as they are. A file can say anything.
fn is_plain(provider: &str) -> bool {
    provider.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
