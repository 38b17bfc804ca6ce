//! From notes to offsets in files, and to the places of arguments.

use super::list::{Wanted, full_name, matching};
use super::note::{self, Note};
use super::operand::{self, Scope};
use crate::elf::harm::TEN_BYTE_NOP;
use crate::elf::{Class, Elf};
use crate::error::{Result, advise, error, no_match};
use crate::files::Files;
use crate::point::{ArgsPool, check_count};
use crate::source::Options;
use crate::target::{self, Target, needed};
use crate::uprobe::harm::{self, Checked, LeftOut};
use quadrant_bpf::features::{CalledNop, called_nop};
use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{Args, Found, Point, ProbeError, ProbeKind, ProbeSpec, Site};
use std::path::{Path, PathBuf};

/// All places of all probes that `["file", "name"]` or `["file", "provider", "name"]` means. A probe that the compiler
/// put in several places has a point, with its own arguments, for each.
pub(crate) fn resolve(files: &Files, spec: &ProbeSpec, options: &Options) -> Result<Vec<Found>> {
    let (file, rest) = spec.parts.split_first().ok_or_else(malformed_spec)?;
    let wanted = Wanted::parse(rest).ok_or_else(malformed_spec)?;
    let targets = target::find(files, file, options.sight())?;
    let mut found = Vec::new();
    let (mut pool, mut left_out) = (ArgsPool::default(), LeftOut::default());
    for (target, elf) in files.open_all(&targets)? {
        for note in matching(files, target, &elf, &wanted)? {
            let name = full_name(target, &note);
            let checked = harm::unless_unsafe(check(&elf, note.address, &name), files, options);
            if left_out.keeps(&name, checked) {
                found.push(describe(&elf, target, &note, options.pid, &mut pool)?);
            }
        }
    }
    left_out.tell(files, found.is_empty())?;
    if found.is_empty() {
        return Err(missing(files, &targets, &wanted));
    }
    check_count(&format!("usdt:{}", spec.parts.join(":")), found.len(), options.max_points)?;
    Ok(without_doubles(found))
}

/// Refuses a place where a probe would do harm. The function is looked for only then: that takes time.
fn check(elf: &Elf, address: u64, place: &str) -> Checked {
    let around = || elf.symbols().ok()?.function_around(address).or_else(|| elf.unwind_range(address));
    harm::check(elf, around, address, place)
}

fn malformed_spec() -> ProbeError {
    error("a static user probe is written `usdt:file:provider:name` or `usdt:file:name`")
}

fn describe(elf: &Elf, target: &Target, note: &Note, pid: Option<u32>, pool: &mut ArgsPool) -> Result<Found> {
    let name = full_name(target, note);
    let offset = elf.code_offset_of(note.address);
    let offset = offset.ok_or_else(|| error(format!("the note of `{name}` names an address that is not code")))?;
    // Behind the note's nop there may be a five-byte one, too, of which Linux 6.18 makes a call: that breaks programs.
    let is_called = || elf.class() == Class::Wide && called_nop() == Some(CalledNop::Ten);
    let ahead = if is_cheaper_behind(elf, offset) && is_called() { 1 } else { 0 };
    let (address, offset) = (note.address + ahead, offset + ahead);
    let semaphore = match note.semaphore {
        Some(address) => elf.offset_of(address).ok_or_else(|| {
            error(format!("the note of `{name}` names a semaphore at an address that is not in the file"))
        })?,
        None => 0,
    };
    let symbol = |wanted: &str| {
        let mut named = elf.symbols().ok()?.named(wanted).filter(|symbol| symbol.address != 0);
        named.next().map(|symbol| symbol.address)
    };
    let numbered = operand::parse(&note.arguments, &Scope { class: elf.class(), address, symbol: &symbol });
    let narrow = elf.class() == Class::Narrow;
    let args = pool.share(Args { numbered, narrow, ..Args::default() });
    let site = Site::Usdt { path: target.path.clone(), inode: elf.file().inode(), offset, semaphore, pid };
    Ok(Found { point: Point { site, name, func: note.name.clone() }, args })
}

/// Whether the note's one-byte nop is followed by a ten-byte one, of which some kernels make a call: the same place in the program as
/// long as nothing is in between. They write no code across the border of a page.
fn is_cheaper_behind(elf: &Elf, offset: u64) -> bool {
    const NOP: u8 = 0x90;
    const PAGE: u64 = 4096;
    let len = 1 + TEN_BYTE_NOP.len() as u64;
    let pair = || elf.file().read(offset, len).ok();
    offset % PAGE + len <= PAGE && pair().is_some_and(|code| code[0] == NOP && code[1..] == TEN_BYTE_NOP)
}

/// The same note can be there twice (a function that the linker merged).
fn without_doubles(found: Vec<Found>) -> Vec<Found> {
    let mut seen = std::collections::HashSet::new();
    found.into_iter().filter(|found| seen.insert(found.point.clone())).collect()
}

fn missing(files: &Files, targets: &[Target], wanted: &Wanted) -> ProbeError {
    let (mut names, mut malformed) = (Vec::new(), 0);
    for target in targets {
        let Ok((notes, bad)) = files.open(target).and_then(|elf| note::read(&elf)) else { continue };
        names.extend(notes.into_iter().map(|note| format!("{}:{}", note.provider, note.name)));
        malformed += bad;
    }
    let place = match targets {
        [only] => only.name.display().to_string(),
        _ => "any file of the process".to_owned(),
    };
    let mut error = missing_here(&place, &names, malformed, wanted);
    if let [only] = targets
        && let Some(libraries) = libraries_with(files, only, wanted)
    {
        error.help = vec![libraries];
    }
    error
}

fn missing_here(place: &str, names: &[String], malformed: usize, wanted: &Wanted) -> ProbeError {
    if names.is_empty() {
        let help = "the program must be built with <sys/sdt.h>; many have a build option such as --enable-dtrace";
        let notes = if malformed > 0 { format!(" ({malformed} malformed notes)") } else { String::new() };
        return advise(format!("there are no static probes in {place}{notes}"), help);
    }
    let text = format!("{}:{}", wanted.provider.text(), wanted.name.text());
    no_match(format!("there is no static probe `{text}` in {place}"), &text, names.iter().map(String::as_str))
}

/// How many libraries are shown.
const SHOWN: usize = 3;

/// Interpreters often are a small program and a library that has all: Ruby, Python.
fn libraries_with(files: &Files, target: &Target, wanted: &Wanted) -> Option<Advice> {
    // In a container there may be others of that name.
    if target.path.starts_with("/proc") {
        return None;
    }
    let libraries = needed(files, &target.path).into_iter().skip(1).filter(|path| has(files, path, wanted));
    let probe = |path: PathBuf| {
        let file = path.display().to_string();
        let parts = [file.as_str(), wanted.provider.text(), wanted.name.text()];
        let parts = parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned);
        Named::Probe(ProbeKind::Usdt, parts.collect())
    };
    let probes: Vec<Named> = libraries.take(SHOWN).map(probe).collect();
    (!probes.is_empty()).then(|| Advice::one_of("a library of the program has it: ", probes, ""))
}

fn has(files: &Files, path: &Path, wanted: &Wanted) -> bool {
    let target = Target { name: path.to_owned(), path: path.to_owned() };
    let found = files.open(&target).and_then(|elf| matching(files, &target, &elf, wanted));
    found.is_ok_and(|notes| !notes.is_empty())
}
