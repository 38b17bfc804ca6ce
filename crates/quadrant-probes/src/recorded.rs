//! Probes as a recording knows them: found by their names, without asking the kernel.

use crate::demangle;
use crate::elf::{Class, Elf};
use crate::error::{Result, from_types, no_match};
use crate::glob::Glob;
use crate::point::{ArgsPool, plain};
use crate::source::Source;
use crate::target::{TargetFile, is_called, process_of};
use crate::tracepoint;
use crate::uprobe::Place;
use crate::warning::Warning;
use quadrant_program::probe::{
    ArgLoc, Args, Found, Inode, KernelCode, Operand, Point, ProbeError, ProbeKind, ProbeSource, ProbeSpec, Site,
};
use quadrant_program::span::Span;
use quadrant_types::{DebugTypes, EventFormat, Types};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// A point of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPoint {
    /// Its full name: `tracepoint:sched:sched_switch`.
    pub name: String,
    /// Its kind.
    pub kind: ProbeKind,
    /// The file of a point in one, if it is known: there may be colons in its path.
    pub file: Option<String>,
    /// A tracepoint's format file.
    pub format: Option<String>,
    /// The numbered arguments of a static user probe.
    pub arguments: Vec<RecordedArgument>,
    /// The build id of the file of a user function, whose debug information says what its arguments are.
    pub build_id: Option<String>,
    /// It is in a program of 32 bits.
    pub narrow: bool,
}

/// What a recording says of a numbered argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedArgument {
    /// Size in bytes.
    pub bytes: u8,
    /// Whether it has a sign.
    pub signed: bool,
    /// Whether it is a floating point number.
    pub float: bool,
}

/// Finds the probes of a recording. Kinds that need nothing from the kernel or a file are found as always.
pub struct RecordedSource {
    points: Vec<RecordedPoint>,
    types: Rc<Types>,
    others: Source,
    /// Files whose debug information was used although it is of another build.
    rebuilt: RefCell<BTreeSet<PathBuf>>,
}

impl RecordedSource {
    /// A source of these points; types of arguments are put into `types`.
    pub fn new(points: Vec<RecordedPoint>, types: Rc<Types>) -> RecordedSource {
        let others = Source::new(Rc::clone(&types), Default::default());
        RecordedSource { points, types, others, rebuilt: RefCell::default() }
    }

    /// What the user should know of the types that were used.
    pub fn warnings(&self) -> Vec<Warning> {
        let warning = |path: &PathBuf| {
            let path = path.display();
            Warning::from(format!(
                "{path} is of another build than it was when it was recorded: its types may be others"
            ))
        };
        self.rebuilt.borrow().iter().map(warning).collect()
    }

    /// What a recording says of a point, with its format and arguments read now.
    ///
    /// # Errors
    /// A tracepoint's format cannot be read.
    pub fn describe(source: &Source, found: &Found, kind: ProbeKind) -> Result<RecordedPoint> {
        let format = match &found.point.site {
            Site::Tracepoint { category, event } => Some(source.event_format(category, event)?),
            _ => None,
        };
        let argument =
            |place: &ArgLoc| RecordedArgument { bytes: place.bytes, signed: place.signed, float: place.float };
        let arguments = found.args.numbered.iter().map(argument).collect();
        let narrow = found.args.narrow;
        Ok(RecordedPoint { format, arguments, narrow, ..Self::describe_plain(&found.point, kind) })
    }

    /// What a recording says of a point that has no format and no numbered arguments.
    pub fn describe_plain(point: &Point, kind: ProbeKind) -> RecordedPoint {
        let program = match &point.site {
            Site::Uprobe { path, .. } | Site::Uretprobe { path, .. } => TargetFile::open(path).ok(),
            _ => None,
        };
        let build_id = program.as_ref().and_then(build_id);
        let narrow = program.is_some_and(|file| Elf::class_in(&file).is_ok_and(|class| class == Class::Narrow));
        let file = Self::in_file(point).map(|(file, _)| file.to_owned());
        RecordedPoint { name: point.name.clone(), kind, file, format: None, arguments: Vec::new(), build_id, narrow }
    }

    /// The file of a user's point and the place in it, as its name has them: there may be colons in both. That of a process in a container
    /// is called as it sees it. `None` if the name's file is not found.
    pub fn in_file(point: &Point) -> Option<(&str, &str)> {
        let (Site::Uprobe { path, .. } | Site::Uretprobe { path, .. } | Site::Usdt { path, .. }) = &point.site else {
            return None;
        };
        let (_, rest) = point.name.split_once(':')?;
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let (wanted, inside) = (real(path), process_of(path).map(|(_, inside)| inside));
        let is_it = |file: &Path| inside.as_deref() == Some(file) || wanted.is_some() && real(file) == wanted;
        let mut splits = rest.match_indices(':').map(|(at, _)| (&rest[..at], &rest[at + 1..]));
        splits.find(|(file, _)| is_it(Path::new(file)))
    }

    /// Compares a file whose types are used with that of the recording. Without ids nobody can tell.
    fn compare(&self, path: &Path) {
        let recorded = self.points.iter().find(|point| file_of(point) == path && point.build_id.is_some());
        let Some(recorded) = recorded.and_then(|point| point.build_id.as_deref()) else { return };
        if TargetFile::open(path).ok().as_ref().and_then(build_id).is_some_and(|here| here != recorded) {
            self.rebuilt.borrow_mut().insert(path.to_owned());
        }
    }

    fn found(&self, index: usize, pool: &mut ArgsPool) -> Result<Found> {
        let point = &self.points[index];
        let (path, inode, pid) = (file_of(point).to_owned(), Inode::default(), None);
        let offset = index as u64;
        let code = || KernelCode { symbol: last_part(&point.name).to_owned(), offset, ..KernelCode::default() };
        let site = match point.kind {
            ProbeKind::Tracepoint => return self.tracepoint(point, pool),
            ProbeKind::Kprobe => Site::Kprobe(code()),
            ProbeKind::Kretprobe => Site::Kretprobe(code()),
            ProbeKind::Uretprobe => Site::Uretprobe { path, inode, offset, pid },
            ProbeKind::Usdt => Site::Usdt { path, inode, offset, semaphore: 0, pid },
            _ => Site::Uprobe { path, inode, offset, pid },
        };
        let mut found = plain(site, point.name.clone());
        found.point.func = last_part(&point.name).to_owned();
        let place = |&RecordedArgument { bytes, signed, float }: &RecordedArgument| ArgLoc {
            bytes,
            signed,
            float,
            operand: Operand::Const(0),
        };
        let numbered = point.arguments.iter().map(place).collect();
        found.args = pool.share(Args { numbered, narrow: point.narrow, ..Args::default() });
        Ok(found)
    }

    fn tracepoint(&self, point: &RecordedPoint, pool: &mut ArgsPool) -> Result<Found> {
        let (category, event) = category_and_event(&point.name);
        let format =
            EventFormat::parse(point.format.as_deref().unwrap_or_default()).map_err(|error| from_types(&error))?;
        Ok(tracepoint::found(&self.types, &format, category, event, pool))
    }
}

impl ProbeSource for RecordedSource {
    fn find(&self, spec: &ProbeSpec) -> Result<Vec<Found>> {
        if !is_recorded(spec.kind) {
            return self.others.find(spec);
        }
        let wanted = format!("{}:{}", spec.kind.name(), spec.parts.join(":"));
        let (pattern, mut pool) = (Glob::new(&wanted), ArgsPool::default());
        let is_meant = |point: &RecordedPoint| pattern.matches(&point.name) || is_in_file(point, spec);
        let matching = (0..self.points.len()).filter(|index| is_meant(&self.points[*index]));
        let found: Vec<Found> = matching.map(|index| self.found(index, &mut pool)).collect::<Result<_>>()?;
        if found.is_empty() {
            let names = self.points.iter().map(|point| point.name.as_str());
            return Err(no_match(format!("the recording has no probe `{wanted}`"), &wanted, names));
        }
        Ok(found)
    }

    fn allow(&self, points: u32) {
        self.others.allow(points);
    }

    fn user_arguments(&self, point: &Point) -> Result<Arc<Args>> {
        let known = self.points.iter().find(|known| known.name == point.name);
        let no_file = || ProbeError::new(format!("the recording has no probe `{}`", point.name));
        let known = known.ok_or_else(no_file)?;
        self.compare(file_of(known));
        let parts = [file_of(known).display().to_string(), place_of(known).to_owned()].into();
        let here = self.others.find(&ProbeSpec { kind: known.kind, parts, span: Span::default() })?;
        self.others.user_arguments(&here.first().ok_or_else(no_file)?.point)
    }

    fn user_types(&self, path: &Path) -> Option<DebugTypes> {
        self.compare(path);
        self.others.user_types(path)
    }

    fn why_no_user_types(&self, path: &Path) -> Option<ProbeError> {
        self.others.why_no_user_types(path)
    }
}

/// The build id of a file, in hexadecimal digits.
fn build_id(file: &TargetFile) -> Option<String> {
    let id = quadrant_symbols::build_id(file.again().ok()?)?;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether points of this kind come from the recording.
fn is_recorded(kind: ProbeKind) -> bool {
    matches!(
        kind,
        ProbeKind::Tracepoint
            | ProbeKind::Kprobe
            | ProbeKind::Kretprobe
            | ProbeKind::Uprobe
            | ProbeKind::Uretprobe
            | ProbeKind::Usdt
    )
}

/// Whether a probe names a point by the name of its program or library: `uprobe:libc:open` is `uprobe:/usr/lib/libc.so.6:open`.
fn is_in_file(point: &RecordedPoint, spec: &ProbeSpec) -> bool {
    let [wanted, rest @ ..] = spec.parts.as_slice() else { return false };
    let is_user = matches!(spec.kind, ProbeKind::Uprobe | ProbeKind::Uretprobe | ProbeKind::Usdt);
    let is_meant = || is_called(file_of(point), wanted, None) && is_place(place_of(point), rest, spec.kind);
    is_user && point.kind == spec.kind && !rest.is_empty() && is_meant()
}

/// Whether a script writes a place of a file so. Functions have their mangled names in a recording, and addresses are decimal.
fn is_place(place: &str, wanted: &[String], kind: ProbeKind) -> bool {
    let is_function = || match Place::parse(wanted) {
        Ok(Place::Readable(name)) => demangle::is_called(place, &Glob::new(&name)),
        parsed => parsed.is_ok() && parsed == Place::parse(&[place.to_owned()]),
    };
    Glob::new(&wanted.join(":")).matches(place) || kind != ProbeKind::Usdt && is_function()
}

/// The file of a point in one.
fn file_of(point: &RecordedPoint) -> &Path {
    let in_name = || point.name.split(':').nth(1).unwrap_or_default();
    Path::new(point.file.as_deref().unwrap_or_else(in_name))
}

/// What a point's name has behind the file.
fn place_of(point: &RecordedPoint) -> &str {
    let rest = point.name.split_once(':').map_or("", |(_, rest)| rest);
    let behind = point.file.as_deref().and_then(|file| rest.strip_prefix(file)?.strip_prefix(':'));
    behind.or_else(|| Some(rest.split_once(':')?.1)).unwrap_or_default()
}

fn last_part(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn category_and_event(name: &str) -> (&str, &str) {
    name.split_once(':').and_then(|(_, rest)| rest.split_once(':')).unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::span::Span;

    const FORMAT: &str = "name: open\nID: 1\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
                          \tfield:const char * name;\toffset:8;\tsize:8;\tsigned:0;\n\nprint fmt: \"\"\n";

    fn find(kind: ProbeKind, parts: &[&str]) -> Result<Vec<Found>> {
        let point = |name: &str, kind| RecordedPoint {
            name: name.to_owned(),
            kind,
            file: None,
            format: Some(FORMAT.to_owned()),
            arguments: vec![RecordedArgument { bytes: 4, signed: true, float: false }],
            build_id: None,
            narrow: false,
        };
        let points = vec![
            point("tracepoint:files:open", ProbeKind::Tracepoint),
            point("usdt:/bin/libx.so.6:demo:hit", ProbeKind::Usdt),
        ];
        let source = RecordedSource::new(points, Rc::new(Types::without_btf("a test")));
        let parts = parts.iter().map(|part| (*part).to_owned()).collect();
        source.find(&ProbeSpec { kind, parts, span: Span::default() })
    }

    #[test]
    fn points_are_found_by_name_and_pattern() {
        let found = find(ProbeKind::Tracepoint, &["files", "op*"]).unwrap();
        assert_eq!(found[0].args.fields[0].name, "name");
        for file in ["/bin/libx.so.6", "libx", "libx.so.6", "lib*", "*", ""] {
            let found = find(ProbeKind::Usdt, &[file, "demo", "h*"]).unwrap();
            assert_eq!((found[0].args.numbered[0].bytes, found[0].point.func.as_str()), (4, "hit"));
        }
    }

    #[test]
    fn places_of_files_are_found_as_scripts_write_them() {
        let point = |name: &str, file: &str| RecordedPoint {
            name: name.to_owned(),
            kind: ProbeKind::Uprobe,
            file: Some(file.to_owned()),
            format: None,
            arguments: Vec::new(),
            build_id: None,
            narrow: false,
        };
        let points = vec![
            point("uprobe:./a:b/up:work", "./a:b/up"),
            point("uprobe:./up:_ZN3geo1A1mEi", "./up"),
            point("uprobe:./up:4393", "./up"),
            point("uprobe:./up:work+4", "./up"),
        ];
        assert_eq!((file_of(&points[0]), place_of(&points[0])), (Path::new("./a:b/up"), "work"));
        let source = RecordedSource::new(points, Rc::new(Types::without_btf("a test")));
        let find = |parts: &[&str]| {
            let parts = parts.iter().map(|part| (*part).to_owned()).collect();
            source.find(&ProbeSpec { kind: ProbeKind::Uprobe, parts, span: Span::default() })
        };
        for (parts, name) in [
            (&["./a:b/up", "work"][..], "uprobe:./a:b/up:work"),
            (&["./up", "cpp", "geo::A::m"], "uprobe:./up:_ZN3geo1A1mEi"),
            (&["./up", "cpp", "geo", "", "A", "", "m"], "uprobe:./up:_ZN3geo1A1mEi"),
            (&["./up", "0x1129"], "uprobe:./up:4393"),
            (&["./up", "work+0x4"], "uprobe:./up:work+4"),
        ] {
            let found = find(parts).unwrap();
            assert_eq!((found.len(), found[0].point.name.as_str()), (1, name), "{parts:?}");
        }
        for parts in [["./up", "work"], ["./up", "0x1130"]] {
            assert!(find(&parts).is_err(), "{parts:?}");
        }
    }

    #[test]
    fn what_was_not_recorded_is_said_so() {
        for (kind, parts) in [(ProbeKind::Usdt, ["lib", "demo", "hit"]), (ProbeKind::Usdt, ["libx", "demo", "miss"])] {
            assert!(find(kind, &parts).is_err(), "{parts:?}");
        }
        assert!(find(ProbeKind::Uprobe, &["libx", "demo:hit"]).is_err());
        let error = find(ProbeKind::Tracepoint, &["files", "close"]).unwrap_err();
        assert!(error.message.contains("the recording has no probe `tracepoint:files:close`"), "{error:?}");
    }
}
