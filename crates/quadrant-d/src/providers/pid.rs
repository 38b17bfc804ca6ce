//! `pidPID:MODULE:FUNCTION:entry`, `return`, or a hexadecimal offset: the functions of one process.
//!
//! A name that is left out, or a pattern, means the instructions of the function, too, if the function is named by no pattern.

use super::layout::{Layout, Stability, Value};
use super::pattern::{Pattern, Wanted};
use super::{Command, Probe, Provider, Providers, Result, Row, advise};
use crate::ast::Attributes;
use quadrant_program::arch::i386;
use quadrant_program::expr::PointPart;
use quadrant_program::probe::{Found, Point, ProbeError, ProbeErrorKind, ProbeKind};
use std::cell::Cell;
use std::path::Path;

const PREFIX: &str = "pid";
/// The program itself, as a module.
pub(super) const PROGRAM: &str = "a.out";
/// A function's name that makes the probe's name an address in the file.
const WHOLE_FILE: &str = "-";

pub(super) const ENTRY: &str = "entry";
const RETURN: &str = "return";

/// Arguments in registers and on the stack that `arg0` ... reach.
const MOST_ARGS: u8 = 10;

pub(super) const PROVIDER: Provider =
    Provider { is_called: |pattern| of_pattern(pattern).is_some(), find, list, of_id: |_, _| None, knows: |_| false };

/// The process, or why the name is that of none.
fn of_pattern(provider: &Pattern) -> Option<Result<u32>> {
    let rest = provider.text().strip_prefix(PREFIX)?;
    if rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_digit() || "*?[".contains(c)) {
        return None;
    }
    let digits = rest.bytes().all(|byte| byte.is_ascii_digit());
    match rest.parse() {
        Ok(pid) if digits => Some(Ok(pid)),
        _ if digits => Some(Err(super::error(format!("{rest} is no process number")))),
        _ => Some(Err(many_processes())),
    }
}

fn many_processes() -> ProbeError {
    advise(
        "the pid provider is for one process: its number cannot be a pattern",
        "write `pid$target` and name the process with -p or the command with -c",
    )
}

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    let Some(pid) = of_pattern(&wanted.provider) else { return Ok(Vec::new()) };
    let place = Place::new(providers, pid?, wanted)?;
    let mut probes = Vec::new();
    let mut refusal = None;
    // Of two probes in one place the one that is made last fires first: the function's entry, before its first instruction.
    for form in forms(wanted)?.into_iter().rev() {
        match place.find(providers, wanted, &form) {
            Ok(found) => probes.extend(found),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) if probes.is_empty() => Err(place.explain(providers, wanted, error)),
        Some(error) => {
            providers.warn(left_out(&wanted.to_string(), &error));
            Ok(probes)
        }
        None => Ok(probes),
    }
}

/// Some of what a description means cannot be probed, and the rest is.
fn left_out(wanted: &str, error: &ProbeError) -> String {
    let help: String = error.help_in(super::spell).iter().map(|help| format!("; {help}")).collect();
    format!("some probes of {wanted} are left out: {}{help}", error.message)
}

fn list(providers: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    let Some(pid) = of_pattern(&wanted.provider) else { return Ok(()) };
    let place = Place::new(providers, pid?, wanted)?;
    let any = Cell::new(false);
    let mut show = |row| {
        any.set(true);
        show(row);
    };
    let (offsets, sides): (Vec<Form>, Vec<Form>) = forms(wanted)?.into_iter().partition(|form| form.name.is_none());
    for form in sides {
        for file in &place.files {
            for listed in providers.source.list_in(place.pid, form.kind, &[file.clone(), form.function.clone()])? {
                if let Some(name) = place.name_of(wanted, &listed, &form) {
                    show(Row { id: providers.on_demand.number(&name), name });
                }
            }
        }
    }
    // Offsets are known to those only who have looked at the code.
    for form in offsets {
        match place.find(providers, wanted, &form) {
            Ok(found) => found.into_iter().for_each(|probe| show(Row { id: probe.id, name: probe.point.name })),
            Err(error) if any.get() => providers.warn(left_out(&wanted.to_string(), &error)),
            // What is not there is not listed.
            Err(_) if !place.has_function(providers, wanted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What to look for.
struct Form<'a> {
    kind: ProbeKind,
    /// Function with offset.
    function: String,
    /// The probe's name; `None` if it is the offset.
    name: Option<&'a str>,
}

fn forms(wanted: &Wanted) -> Result<Vec<Form<'_>>> {
    let function = wanted.function.widened();
    let function = if function.is_empty() { "*".to_owned() } else { function };
    let is_file = function == WHOLE_FILE;
    if let Some(offset) = wanted.name.literal().filter(|name| is_file || ![ENTRY, RETURN].contains(name)) {
        let digits = offset.strip_prefix("0x").unwrap_or(offset);
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        let number = number.ok_or_else(|| no_name(offset))?;
        let function = if is_file { format!("{number:#x}") } else { format!("{function}+{number:#x}") };
        return Ok(vec![Form { kind: ProbeKind::Uprobe, function, name: Some(offset) }]);
    }
    let sides = [(ProbeKind::Uprobe, ENTRY), (ProbeKind::Uretprobe, RETURN)];
    let meant = sides.into_iter().filter(|(_, name)| wanted.name.matches(name) && !is_file);
    let mut forms: Vec<Form> =
        meant.map(|(kind, name)| Form { kind, function: function.clone(), name: Some(name) }).collect();
    if !is_file && wanted.function.literal().is_some() && may_be_offset(&wanted.name) {
        forms.push(Form { kind: ProbeKind::Uprobe, function: format!("{function}+*"), name: None });
    }
    Ok(forms)
}

/// Whether a pattern of names may mean hexadecimal digits.
fn may_be_offset(name: &Pattern) -> bool {
    let digits = |byte: u8| byte.is_ascii_hexdigit() || b"*?".contains(&byte);
    name.literal().is_none() && (name.text().contains(['[', '\\']) || name.text().bytes().all(digits))
}

fn no_name(name: &str) -> ProbeError {
    let help = "the probes of a function are entry, return, and the offsets of its instructions in hexadecimal \
        digits; those of `-`, addresses";
    advise(format!("'{name}' is an invalid probe name"), help).kind(ProbeErrorKind::NoName)
}

fn no_process(pid: u32) -> ProbeError {
    super::error(format!("failed to grab process {pid}")).kind(ProbeErrorKind::NoProcess)
}

/// Where to look.
struct Place {
    pid: u32,
    /// As they are asked for.
    files: Vec<String>,
}

impl Place {
    fn new(providers: &Providers<'_>, pid: u32, wanted: &Wanted) -> Result<Self> {
        let module = &wanted.module;
        let command = providers.settings.commands.iter().find(|command| command.pid == pid);
        let files = match command {
            _ if module.text() == PROGRAM => vec![program(providers, pid, command)?],
            Some(command) => before_start(providers, command, module),
            None if module.is_anything() => vec!["*".to_owned()],
            None => vec![module.widened()],
        };
        Ok(Self { pid, files })
    }

    fn find(&self, providers: &Providers<'_>, wanted: &Wanted, form: &Form<'_>) -> Result<Vec<Probe>> {
        let mut probes = Vec::new();
        let mut refused = Vec::new();
        for file in &self.files {
            match providers.source.find_in(self.pid, &super::spec(form.kind, &[file, &form.function])) {
                Ok(found) => {
                    probes.extend(found.into_iter().filter_map(|found| self.probe(providers, wanted, found, form)));
                }
                Err(error) => refused.push((file, error)),
            }
        }
        // A file without the function lacks nothing.
        let lacks = |file: &str| wanted.function.literal().is_none_or(|function| self.lacks(providers, file, function));
        let (lacking, there): (Vec<_>, Vec<_>) = refused.into_iter().partition(|(file, _)| lacks(file));
        let mut there = there.into_iter();
        let error = if probes.is_empty() { there.next().or_else(|| lacking.into_iter().next()) } else { None };
        there.for_each(|(file, error)| providers.warn(left_out(&format!("{wanted} in {file}"), &error)));
        error.map_or(Ok(probes), |(_, error)| Err(error))
    }

    /// Whether a file can be read and has no such function.
    fn lacks(&self, providers: &Providers<'_>, file: &str, function: &str) -> bool {
        let names = providers.source.list_in(self.pid, ProbeKind::Uprobe, &[file.to_owned(), function.to_owned()]);
        names.is_ok_and(|names| names.is_empty())
    }

    /// In DTrace's words, what is known of it behind them.
    fn explain(&self, providers: &Providers<'_>, wanted: &Wanted, error: ProbeError) -> ProbeError {
        let any = |function: &str| self.has(providers, function);
        let known = match wanted.function.literal() {
            _ if !providers.is_process(self.pid) => no_process(self.pid),
            Some(function) if !wanted.module.is_anything() && any("") && !any(function) => {
                let module = wanted.module.text();
                super::error(format!("failed to lookup '{function}' in module '{module}'"))
                    .kind(ProbeErrorKind::NoFunction)
            }
            Some(function) if any("") && any(function) => return error,
            _ => super::no_match(wanted),
        };
        known.help([error.message]).help(error.help)
    }

    fn has_function(&self, providers: &Providers<'_>, wanted: &Wanted) -> bool {
        wanted.function.literal().is_some_and(|function| self.has(providers, function))
    }

    /// Whether one of the files has that function, or can be read if the name is empty.
    fn has(&self, providers: &Providers<'_>, function: &str) -> bool {
        let lists = |file: &String| {
            let names = providers.source.list_in(self.pid, ProbeKind::Uprobe, &[file.clone(), function.to_owned()]);
            names.is_ok_and(|names| function.is_empty() || !names.is_empty())
        };
        self.files.iter().any(lists)
    }

    /// `pid12:libc.so.6:malloc:entry` of `uprobe:/usr/lib/libc.so.6:malloc`; `None` if that is not meant.
    fn name_of(&self, wanted: &Wanted, listed: &str, form: &Form<'_>) -> Option<String> {
        let (_, rest) = listed.split_once(':')?;
        let (file, place) = split_file(rest)?;
        let function = match wanted.function.text() {
            WHOLE_FILE => WHOLE_FILE,
            _ => place.split('+').next()?,
        };
        let is_meant = wanted.function.matches(function) || function.contains("::");
        let name = match form.name {
            Some(name) => name.to_owned(),
            None => format!("{:x}", place.rsplit_once('+')?.1.parse::<u64>().ok()?),
        };
        let is_meant = is_meant && (form.name.is_some() || wanted.name.matches(&name));
        let module = Path::new(file).file_name()?.to_string_lossy();
        is_meant.then(|| format!("{PREFIX}{}:{module}:{function}:{name}", self.pid))
    }

    fn probe(&self, providers: &Providers<'_>, wanted: &Wanted, found: Found, form: &Form<'_>) -> Option<Probe> {
        let full = self.name_of(wanted, &found.point.name, form)?;
        let id = providers.on_demand.number(&full);
        let function = PointPart::Function.of(&full).to_owned();
        let point = Point { site: found.point.site, name: full, func: function };
        let narrow = found.args.narrow;
        let layout = match form.name {
            Some(ENTRY) => entry_layout(narrow),
            Some(RETURN) => return_layout(narrow),
            _ => inside_layout(),
        };
        Some(providers.probe(point, id, layout))
    }
}

const NO_PROGRAM: &str =
    "there is none (see `ps -e`), or it is a thread of the kernel, or /proc/PID/exe may not be read";

fn program(providers: &Providers<'_>, pid: u32, command: Option<&Command>) -> Result<String> {
    let known = command.map(|command| command.program.clone());
    let path = known.or_else(|| providers.source.program_of(pid));
    let path = path.ok_or_else(|| no_process(pid).help([NO_PROGRAM.to_owned()]))?;
    Ok(path.to_string_lossy().into_owned())
}

/// A command that waits to be started has none of its files yet.
pub(super) fn before_start(providers: &Providers<'_>, command: &Command, module: &Pattern) -> Vec<String> {
    let files = providers.source.libraries_of(&command.program);
    let meant: Vec<String> = files.iter().filter(|file| is_called(file, module)).map(|file| text(file)).collect();
    // A library that the program opens later can be named all the same.
    if meant.is_empty() { vec![module.widened()] } else { meant }
}

/// By its path, its name, or its name up to a dot.
pub(super) fn is_called(file: &Path, module: &Pattern) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beginnings = name.match_indices('.').map(|(dot, _)| &name[..dot]);
    module.is_anything()
        || module.matches(&text(file))
        || module.matches(&name)
        || beginnings.into_iter().any(|part| module.matches(part))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A path may have colons; C++ names, with two of them, come after the last slash.
fn split_file(rest: &str) -> Option<(&str, &str)> {
    let slash = rest.rfind('/').unwrap_or(0);
    let colon = slash + rest[slash..].find(':')?;
    Some((&rest[..colon], &rest[colon + 1..]))
}

/// Programs of 32 bits have the calling convention of i386.
fn entry_layout(narrow: bool) -> Layout {
    let word = |number| if narrow { Value::At(i386::argument(number)) } else { Value::Word(number) };
    Layout { raw: (0..MOST_ARGS).map(word).collect(), stability: STABILITY, ..Layout::default() }
}

/// `arg0` is where the function returns to, `arg1` what it returns.
fn return_layout(narrow: bool) -> Layout {
    let result = if narrow { Value::At(i386::result()) } else { Value::Result };
    Layout { raw: vec![Value::Pc(true), result], stability: STABILITY, ..Layout::default() }
}

/// Between entry and return there are no arguments any more; `uregs[]` has the registers.
fn inside_layout() -> Layout {
    Layout { stability: STABILITY, ..Layout::default() }
}

const STABILITY: Stability = Stability {
    description: Attributes::EVOLVING_ISA,
    function: Attributes::PRIVATE,
    module: Attributes::PRIVATE,
    arguments: Attributes::PRIVATE,
};
