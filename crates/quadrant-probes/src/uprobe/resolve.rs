//! From functions and addresses to offsets in files, refusing places where a probe would break the program.

use super::entry;
use super::harm::{self, Checked, LeftOut};
use super::inlined;
use super::list::{full_name, functions, is_in_code};
use super::missing::{in_file, missing_function, missing_readable};
use super::place::{Place, SourcePlace};
use super::thrown;
use crate::debug::DebugFiles;
use crate::demangle;
use crate::elf::{Class, Elf, Symbol, SymbolKind};
use crate::error::{Result, advise, error, no_match};
use crate::files::Files;
use crate::glob::Glob;
use crate::point::{check_count, plain};
use crate::source::Options;
use crate::target::{self, Target, TargetFile};
use crate::warning::Warning;
use quadrant_bpf::features::Features;
use quadrant_program::advice::Advice;
use quadrant_program::probe::{Args, Found, Point, ProbeError, ProbeKind, ProbeSpec, Site};
use quadrant_types::LineCode;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// All points that `["file", "function"]` means.
pub(crate) fn resolve(files: &Files, debug: &DebugFiles, spec: &ProbeSpec, options: &Options) -> Result<Vec<Found>> {
    let (file, place) = place_of(&spec.parts)?;
    let targets = target::find(files, file, options.sight())?;
    if let (Place::Address(offset), [target], true) = (&place, targets.as_slice(), options.allow_unsafe)
        && let Some(found) = not_elf(spec.kind, target, *offset, options.pid)?
    {
        return Ok(vec![found]);
    }
    let mut found = Vec::new();
    let mut refused = Vec::new();
    let opened = files.open_all(&targets)?;
    for (target, elf) in &opened {
        let finder = Finder { elf, target, kind: spec.kind, files, debug, options };
        match finder.find(&place) {
            Ok(points) => found.extend(points),
            Err(error) => refused.push((finder, error)),
        }
        files.warn_if_cut(target, elf);
    }
    pass_over(refused, &place, found.is_empty())?;
    check_count(&format!("{}:{}", spec.kind.name(), spec.parts.join(":")), found.len(), limit(found.len(), options))?;
    found.iter_mut().for_each(|one| make_readable(&mut one.point.func));
    Ok(found)
}

/// How many points there may be. The kernel is asked only if it matters.
fn limit(count: usize, options: &Options) -> usize {
    match count > options.max_points && Features::new().uprobe_multi() {
        true => options.max_points.max(options.max_functions),
        false => options.max_points,
    }
}

/// Names are made readable when it is known that they are not too many: it takes long.
fn make_readable(func: &mut String) {
    if let Some(readable) = demangle::readable(func) {
        *func = readable;
    }
}

/// A function that one of several files lacks is no error; one that is there and cannot be probed is told of, or is the error if nothing
/// else was found.
fn pass_over(refused: Vec<(Finder<'_>, ProbeError)>, place: &Place, nothing_found: bool) -> Result<()> {
    let (there, mut lacking): (Vec<_>, Vec<_>) = refused.into_iter().partition(|(finder, _)| finder.has(place));
    let mut there = there.into_iter();
    let error = if nothing_found { there.next().or_else(|| lacking.pop()) } else { None };
    for (finder, error) in there {
        let message = format!("left out in {}: {}", finder.target.name.display(), error.message);
        finder.files.warn(Warning { message, help: error.help });
    }
    error.map_or(Ok(()), |(finder, error)| Err(finder.advise_copies(place, error)))
}

/// Code in a file of another format, at an offset in the file that is taken at the user's word; `None` in an ELF file.
fn not_elf(kind: ProbeKind, target: &Target, offset: u64, pid: Option<u32>) -> Result<Option<Found>> {
    const MAGIC: &[u8] = b"\x7fELF";
    let file = TargetFile::open(&target.path)?;
    if file.len() >= MAGIC.len() as u64 && file.read(0, MAGIC.len() as u64)? == MAGIC {
        return Ok(None);
    }
    if kind == ProbeKind::Uretprobe {
        return Err(error(format!("{} is not an ELF file: a uretprobe needs a function", target.name.display())));
    }
    if offset >= file.len() {
        let len = file.len();
        return Err(error(format!(
            "the offset {offset:#x} is beyond the end of {} ({len} bytes)",
            target.name.display()
        )));
    }
    let site = Site::Uprobe { path: target.path.clone(), inode: file.inode(), offset, pid };
    Ok(Some(plain(site, full_name(kind, target, &offset.to_string()))))
}

/// The file and the place in it. A file whose name has an `@` is one, too.
fn place_of(parts: &[String]) -> Result<(&str, Place)> {
    let (file, rest) = parts.split_first().ok_or_else(|| error("the probe names no file"))?;
    match SourcePlace::parse(parts) {
        Some((program, place)) if !Path::new(file).is_file() => Ok((program, Place::Line(place))),
        _ => Ok((file, Place::parse(rest)?)),
    }
}

/// The addresses of a function's return instructions, as offsets from its start: probes there take the place
/// of a return probe where that would crash the program.
pub fn return_sites(path: &Path, function: &str) -> Result<Vec<u64>> {
    let target = Target { name: path.to_owned(), path: path.to_owned() };
    let elf = Files::default().open(&target)?;
    let symbols = elf.symbols()?;
    let symbol = symbols.named(function).find(|symbol| symbol.kind == SymbolKind::Function);
    let symbol = symbol.ok_or_else(|| missing_function(&elf, &target, function))?;
    offsets_of_returns(&elf, &symbol)
}

/// Looks in one file.
struct Finder<'a> {
    elf: &'a Elf,
    target: &'a Target,
    kind: ProbeKind,
    files: &'a Files,
    debug: &'a DebugFiles,
    options: &'a Options,
}

impl Finder<'_> {
    fn find(&self, place: &Place) -> Result<Vec<Found>> {
        match place {
            Place::Functions(name) => self.named(name),
            Place::Inlined(name) => self.inlined(name),
            Place::Line(place) => self.line(place),
            Place::Readable(name) => self.functions(&self.readable(name)?),
            Place::Inside { function, offset } => self.inside(function, *offset),
            Place::Instructions(function) => self.instructions(function),
            Place::Address(address) => self.address(*address),
        }
    }

    /// Whether the file has what the place names, whatever a probe there would do.
    fn has(&self, place: &Place) -> bool {
        match place {
            Place::Functions(name)
            | Place::Inlined(name)
            | Place::Instructions(name)
            | Place::Inside { function: name, .. } => {
                let (pattern, symbols) = (Glob::new(name), self.elf.symbols());
                let is_code = |symbol: &Symbol<'_>| matches!(symbol.kind, SymbolKind::Function | SymbolKind::Indirect);
                symbols.is_ok_and(|all| all.iter().any(|symbol| is_code(&symbol) && pattern.matches(symbol.name)))
            }
            Place::Readable(name) => self.called(name).is_ok_and(|symbols| !symbols.is_empty()),
            Place::Line(line) => self
                .debug
                .of(self.files, &self.target.path)
                .is_ok_and(|(_, info)| !info.line_code(&line.file, line.line, line.column).addresses.is_empty()),
            Place::Address(_) => false,
        }
    }

    /// Where a function that has no symbol is inlined, the error says so.
    fn advise_copies(&self, place: &Place, error: ProbeError) -> ProbeError {
        let name = match place {
            Place::Functions(name) if self.elf.symbols().is_ok_and(|all| all.named(name).next().is_none()) => name,
            // Debug information has no parameters in its names.
            Place::Readable(name) if !self.has(place) => name.split('(').next().unwrap_or(name),
            _ => return error,
        };
        inlined::advise_copies(error, name, self.target, self.files, self.debug)
    }

    /// Functions by name; of a single one it is said where it has copies that are not probed.
    fn named(&self, name: &str) -> Result<Vec<Found>> {
        let pattern = Glob::new(name);
        let symbols = self.symbols(&pattern)?;
        if let ([symbol], Some(_)) = (symbols.as_slice(), pattern.literal()) {
            inlined::note(self.elf, self.target, self.files, self.debug, symbol);
        }
        self.functions(&symbols)
    }

    /// All copies of a function that were inlined into others, and the function itself.
    fn inlined(&self, name: &str) -> Result<Vec<Found>> {
        self.entry_only()?;
        let (_, info) = self.debug.of(self.files, &self.target.path)?;
        let symbols = if name.contains("::") { self.readable(name) } else { self.symbols(&Glob::new(name)) };
        let mut found = match &symbols {
            Ok(symbols) => self.functions(symbols)?,
            Err(_) => Vec::new(),
        };
        let mut sites: HashSet<Site> = found.iter().map(|copy| copy.point.site.clone()).collect();
        let mut left_out = LeftOut::default();
        for address in info.inlined_copies(name) {
            let (around, place) = (self.function_around(address)?, format!("{address:#x}"));
            if let Some(around) = &around {
                self.check_boundary(around, address, &place)?;
            }
            if !left_out.keeps(&place, self.check_harm(around.as_ref(), address, &place)) {
                continue;
            }
            let copy = self.point(address, name, name)?;
            if sites.insert(copy.point.site.clone()) {
                found.push(copy);
            }
        }
        left_out.tell(self.files, found.is_empty())?;
        match symbols {
            Err(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// Each place where the line's code starts.
    fn line(&self, place: &SourcePlace) -> Result<Vec<Found>> {
        self.entry_only()?;
        let (_, info) = self.debug.of(self.files, &self.target.path)?;
        let code = info.line_code(&place.file, place.line, place.column);
        if code.addresses.is_empty() {
            return Err(self.no_code(place, &code));
        }
        let (mut found, mut left_out) = (Vec::new(), LeftOut::default());
        for address in code.addresses {
            let (around, place) = (self.function_around(address)?, format!("{address:#x}"));
            if left_out.keeps(&place, self.check_harm(around.as_ref(), address, &place)) {
                found.extend(self.address(address)?);
            }
        }
        left_out.tell(self.files, found.is_empty())?;
        Ok(found)
    }

    fn no_code(&self, place: &SourcePlace, code: &LineCode) -> ProbeError {
        let file = self.target.name.display();
        match code.nearest {
            Some(line) => {
                let column = place.column.map_or_else(String::new, |column| format!(", column {column},"));
                let message = format!("line {}{column} of {} has no code in {file}", place.line, place.file);
                advise(message, format!("the nearest line that has some is {line}"))
            }
            None => {
                let message = format!("{file} has no lines of a source file {}", place.file);
                no_match(message, &place.file, code.files.iter().map(|file| file.rsplit('/').next().unwrap_or(file)))
            }
        }
    }

    fn functions(&self, symbols: &[Symbol<'_>]) -> Result<Vec<Found>> {
        if let Some(first) = symbols.first().filter(|_| self.kind == ProbeKind::Uretprobe && self.elf.is_go()) {
            return Err(self.go_return(first));
        }
        let returns = |symbol: &&Symbol<'_>| !self.elf.starts_at(symbol.address);
        let probed: Vec<_> =
            symbols.iter().filter(|symbol| self.kind != ProbeKind::Uretprobe || returns(symbol)).collect();
        if self.kind == ProbeKind::Uretprobe {
            thrown::note(self.elf, self.target, self.files, &probed);
        }
        match (symbols.first(), probed.is_empty()) {
            (Some(first), true) => Err(self.start_return(first)),
            _ => self.entries(&probed),
        }
    }

    /// The functions' entries; the place behind a nop with which a function starts, where a probe on that would break the program.
    fn entries(&self, symbols: &[&Symbol<'_>]) -> Result<Vec<Found>> {
        let nops = symbols.iter().map(|symbol| symbol.address);
        let nops: HashSet<u64> =
            nops.filter(|address| !self.options.allow_unsafe && harm::is_called_nop(self.elf, *address)).collect();
        let behind = entry::behind_nops(self.elf, &nops);
        let (mut found, mut left_out) = (Vec::new(), LeftOut::default());
        for symbol in symbols {
            let address = behind.get(&symbol.address).copied().unwrap_or(symbol.address);
            if left_out.keeps(symbol.name, self.check_harm(Some(symbol), address, symbol.name)) {
                found.push(self.point(address, symbol.name, symbol.name)?);
            }
        }
        left_out.tell(self.files, found.is_empty())?;
        Ok(found)
    }

    fn start_return(&self, symbol: &Symbol<'_>) -> ProbeError {
        let (file, name) = (self.target.name.display(), symbol.name);
        advise(
            format!(
                "`{name}` is where {file} starts: it never returns, and a uretprobe would replace the program's arguments"
            ),
            Advice::one_of("use ", vec![in_file(self.target, name)], ""),
        )
    }

    fn readable(&self, name: &str) -> Result<Vec<Symbol<'_>>> {
        let symbols = self.called(name)?;
        if symbols.is_empty() {
            return Err(missing_readable(self.elf.symbols()?, self.target, name));
        }
        Ok(symbols)
    }

    /// The functions that sources call so.
    fn called(&self, name: &str) -> Result<Vec<Symbol<'_>>> {
        let named = demangle::Named::new(name);
        functions(self.elf, |raw| named.accepts(raw))
    }

    /// The functions of that name. One that is chosen at load time is refused, even if old programs have a
    /// function of that name (as memcpy of the C library's first version): few would be what fires.
    fn symbols(&self, pattern: &Glob) -> Result<Vec<Symbol<'_>>> {
        let mut symbols = functions(self.elf, |name| pattern.matches(name))?;
        if pattern.literal().is_none() {
            symbols.retain(|symbol| is_in_code(self.elf, symbol));
        }
        let indirect = match pattern.literal() {
            Some(name) => self.elf.symbols()?.named(name).any(|symbol| symbol.kind == SymbolKind::Indirect),
            None => false,
        };
        if symbols.is_empty() || indirect {
            return Err(missing_function(self.elf, self.target, pattern.text()));
        }
        Ok(symbols)
    }

    fn inside(&self, function: &str, offset: u64) -> Result<Vec<Found>> {
        self.entry_only()?;
        let symbols = self.symbols(&Glob::new(function))?;
        symbols.iter().map(|symbol| self.inside_one(symbol, offset)).collect()
    }

    fn inside_one(&self, symbol: &Symbol<'_>, offset: u64) -> Result<Found> {
        let place = format!("{}+{offset}", symbol.name);
        if symbol.size > 0 && offset >= symbol.size {
            return Err(error(format!("`{place}` is beyond the function's end: it has {} bytes", symbol.size)));
        }
        let address = symbol.address.checked_add(offset).ok_or_else(|| error(format!("`{place}` is no address")))?;
        self.check_boundary(symbol, address, &place)?;
        self.check_harm(Some(symbol), address, &place)?;
        self.point(address, &place, symbol.name)
    }

    fn instructions(&self, function: &str) -> Result<Vec<Found>> {
        self.entry_only()?;
        let (mut found, mut left_out) = (Vec::new(), LeftOut::default());
        for symbol in self.symbols(&Glob::new(function))? {
            for address in self.elf.all_instructions(&symbol)? {
                let place = format!("{}+{}", symbol.name, address - symbol.address);
                if left_out.keeps(&place, self.check_harm(Some(&symbol), address, &place)) {
                    found.push(self.point(address, &place, symbol.name)?);
                }
            }
        }
        left_out.tell(self.files, found.is_empty())?;
        Ok(found)
    }

    fn address(&self, address: u64) -> Result<Vec<Found>> {
        self.entry_only()?;
        let place = address.to_string();
        let function = self.function_around(address)?;
        match &function {
            Some(symbol) => self.check_boundary(symbol, address, &format!("{address:#x}"))?,
            None if self.options.allow_unsafe => {}
            None => return Err(self.unknown_boundary(address)),
        }
        self.check_harm(function.as_ref(), address, &format!("{address:#x}"))?;
        Ok(vec![self.point(address, &place, function.map_or("", |symbol| symbol.name))?])
    }

    /// A symbol without size reaches only as far as no other code is known to start.
    fn function_around(&self, address: u64) -> Result<Option<Symbol<'_>>> {
        let symbol = self.elf.symbols()?.function_around(address);
        let range = || self.elf.unwind_range(address);
        Ok(match symbol {
            Some(symbol) if symbol.size > 0 => Some(symbol),
            Some(symbol) => range().filter(|range| range.address > symbol.address).or(Some(symbol)),
            None => range(),
        })
    }

    /// A probe in the middle of an instruction would change what the program does.
    fn check_boundary(&self, function: &Symbol<'_>, address: u64, place: &str) -> Result<()> {
        if self.options.allow_unsafe || self.elf.is_boundary(function, address)? {
            return Ok(());
        }
        let message = format!("no instruction starts at `{place}`: a probe there would break the program");
        let range = match function.name {
            "" => format!("--start-address={:#x}", function.address),
            name => format!("--disassemble={name}"),
        };
        Err(advise(message, format!("see `objdump -d {range}` for where instructions start")))
    }

    fn check_harm(&self, function: Option<&Symbol<'_>>, address: u64, place: &str) -> Checked {
        harm::unless_unsafe(harm::check(self.elf, || function.copied(), address, place), self.files, self.options)
    }

    fn unknown_boundary(&self, address: u64) -> ProbeError {
        let message = format!(
            "no function of {} is known around {address:#x}, so it cannot be told whether an instruction starts there",
            self.target.name.display()
        );
        advise(
            message,
            "if you are certain that one does, --unsafe takes your word; if none does the program will break",
        )
    }

    fn entry_only(&self) -> Result<()> {
        if self.kind == ProbeKind::Uretprobe {
            let help = "name the function alone, or use a uprobe at that place";
            return Err(advise("a uretprobe is on a whole function, not on a place in it", help));
        }
        Ok(())
    }

    fn point(&self, address: u64, place: &str, function: &str) -> Result<Found> {
        let offset = self
            .elf
            .code_offset_of(address)
            .ok_or_else(|| error(format!("`{place}` is not in the code of {}", self.target.name.display())))?;
        let (path, inode, pid) = (self.target.path.clone(), self.elf.file().inode(), self.options.pid);
        let site = match self.kind {
            ProbeKind::Uretprobe => Site::Uretprobe { path, inode, offset, pid },
            _ => Site::Uprobe { path, inode, offset, pid },
        };
        let name = full_name(self.kind, self.target, place);
        let args = if self.elf.class() == Class::Narrow { narrow() } else { Arc::default() };
        Ok(Found { point: Point { site, name, func: function.to_owned() }, args })
    }

    fn go_return(&self, symbol: &Symbol<'_>) -> ProbeError {
        let file = self.target.name.display();
        let message = format!("a uretprobe would crash {file}: it is a Go program, whose stacks move");
        let sites = offsets_of_returns(self.elf, symbol).unwrap_or_default();
        if sites.is_empty() {
            return advise(message, "probe the function's return instructions instead");
        }
        let sites = sites.iter().map(|offset| in_file(self.target, &format!("{}+{offset}", symbol.name)));
        advise(message, Advice::all_of("probe its return instructions instead: ", sites.collect()))
    }
}

/// What is known of arguments in a program of 32 bits without its debug information.
fn narrow() -> Arc<Args> {
    Arc::new(Args { narrow: true, ..Args::default() })
}

pub(super) fn offsets_of_returns(elf: &Elf, function: &Symbol<'_>) -> Result<Vec<u64>> {
    let addresses = elf.return_sites(function)?;
    Ok(addresses.iter().map(|address| address - function.address).collect())
}
