//! `-l`: the probes that match, with `-v` what is known of each.

use std::io;
use std::io::BufWriter;
use std::io::Write;

use quadrant_d::desc::ProbeDesc;
use quadrant_d::lower::no_probes;
use quadrant_d::macros::Macros;
use quadrant_d::providers::ArgType;
use quadrant_d::providers::Layout;
use quadrant_d::providers::Providers;
use quadrant_d::providers::Row;
use quadrant_d::providers::spell;
use quadrant_output::dtrace::list;
use quadrant_program::expr::PointPart;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::ProbeErrorKind;
use quadrant_types::Types;

use super::cpp::Preprocessor;
use super::descriptions;
use super::descriptions::Meant;
use super::getopt::Line;
use super::report;
use super::settings;
use super::sources;
use super::sources::Loaded;
use super::targets;
use super::verbose::attributes;
use super::world::Machine;
use crate::failure;
use crate::failure::Failure;

/// List the probes of the command line.
///
/// # Errors
/// A description that makes no sense; output that cannot be written.
pub fn run(line: &Line) -> Result<i32, Failure> {
    let (_, options) = settings::all(&line.settings)?;
    let loaded = sources::load(&line.enablings, options.cpp.then(|| Preprocessor::of(&options)).as_ref())?;
    let targets = targets::open(line)?;
    let machine = Machine::new(line, &options, &targets);
    let providers = machine.providers();
    let (types, tags) = (&machine.types, options.errtags);
    let mut listing =
        Listing { providers: &providers, types, verbose: line.verbose, tags, has_heading: false, out: Out::new() };
    let empty = loaded.iter().find(|one| one.is_empty && !options.empty);
    let listed = match empty {
        Some(empty) => Err(Failure::rendered(report::empty(empty, tags))),
        None => listing.programs(&loaded, &machine.macros),
    };
    if listed.is_ok() {
        listing.heading();
    }
    listing.out.flush();
    machine.warn(&providers);
    failure::written("the list", listing.out.finish())?;
    listed.map(|()| 0)
}

/// Standard output; after the first failure nothing more is written.
struct Out {
    out: BufWriter<io::StdoutLock<'static>>,
    failure: Option<io::Error>,
}

impl Out {
    fn new() -> Out {
        Out { out: BufWriter::new(io::stdout().lock()), failure: None }
    }

    fn write(&mut self, text: &[u8]) {
        if self.failure.is_none() {
            self.failure = self.out.write_all(text).err();
        }
    }

    /// What was written comes before what goes to standard error.
    fn flush(&mut self) {
        if self.failure.is_none() {
            self.failure = self.out.flush().err();
        }
    }

    fn finish(mut self) -> io::Result<()> {
        self.failure.map_or_else(|| self.out.flush(), Err)
    }
}

struct Listing<'a> {
    providers: &'a Providers<'a>,
    types: &'a Types,
    verbose: bool,
    /// `-x errtags`
    tags: bool,
    has_heading: bool,
    out: Out,
}

impl Listing<'_> {
    fn programs(&mut self, loaded: &[Loaded], macros: &Macros) -> Result<(), Failure> {
        if loaded.is_empty() {
            self.matching(&ProbeDesc::default()).map_err(|error| Failure::probe(error, spell))?;
        }
        let meant = loaded.iter().map(|one| Ok((one, descriptions::of(one, macros, self.tags)?)));
        let meant: Vec<(&Loaded, Vec<Meant>)> = meant.collect::<Result<_, Failure>>()?;
        for (one, all) in &meant {
            all.iter().try_for_each(|meant| self.meant(one, meant))?;
        }
        Ok(())
    }

    /// Stands above the first row, and alone if nothing matches; not if a description is wrong.
    fn heading(&mut self) {
        if !std::mem::replace(&mut self.has_heading, true) {
            let mut text = Vec::new();
            list::header(&mut text);
            self.out.write(&text);
        }
    }

    fn meant(&mut self, loaded: &Loaded, meant: &Meant) -> Result<(), Failure> {
        let (listed, span) = match meant {
            Meant::Matching(desc, span) => (self.matching(desc), *span),
            Meant::Numbered(id, span) => (self.numbered(*id), *span),
        };
        listed.map_err(|error| {
            if error.kind.is_refusal() {
                return Failure::probe(error, spell);
            }
            let diagnostic = no_probes(error, matches!(meant, Meant::Numbered(..)), span);
            Failure::rendered(report::message(loaded, &diagnostic, span, self.tags))
        })
    }

    fn numbered(&mut self, id: u32) -> Result<(), ProbeError> {
        let unknown = format!("invalid probe identifier {id}: Unknown probe identifier");
        let probes = self.providers.by_id(id);
        let probes = probes.map_err(|_| ProbeError::new(unknown).kind(ProbeErrorKind::NoMatch))?;
        if let Some(probe) = probes.first() {
            self.row(&Row { id, name: probe.point.name.clone() });
        }
        Ok(())
    }

    /// No match is no error.
    fn matching(&mut self, desc: &ProbeDesc) -> Result<(), ProbeError> {
        let mut rows = Vec::new();
        let listed = self.providers.list(desc, &mut |row| rows.push(row));
        rows.iter().for_each(|row| self.row(row));
        if !rows.is_empty() {
            return Ok(());
        }
        // Finding knows what is wrong with a description, and the nearest names.
        let found = || self.providers.find(desc).err().filter(|error| !error.kind.is_refusal());
        match listed.err().or_else(found) {
            Some(error) if error.kind != ProbeErrorKind::NoMatch => Err(error),
            error => {
                self.no_match(desc, error.map_or_else(Vec::new, |error| error.help_in(spell)));
                Ok(())
            }
        }
    }

    fn no_match(&mut self, desc: &ProbeDesc, help: Vec<String>) {
        self.heading();
        self.out.flush();
        let failure = Failure::new(format!("failed to match {desc}: No probe matches description"));
        help.into_iter().fold(failure, Failure::hint).print("dtrace");
    }

    fn row(&mut self, row: &Row) {
        self.heading();
        let mut text = Vec::new();
        let part = |part: PointPart| part.of(&row.name);
        let probe = list::Probe {
            id: row.id,
            provider: part(PointPart::Provider),
            module: part(PointPart::Module),
            function: part(PointPart::Function),
            name: part(PointPart::Name),
        };
        list::probe(&mut text, &probe);
        if self.verbose {
            let found = self.providers.find(&ProbeDesc::exactly(&row.name)).ok();
            let layout = found.and_then(|probes| Some(probes.first()?.layout.clone()));
            layout.iter().for_each(|layout| self.details(&mut text, layout, &row.name));
        }
        self.out.write(&text);
    }

    fn details(&self, text: &mut Vec<u8>, layout: &Layout, name: &str) {
        let types: Vec<String> = layout.args.iter().map(|arg| self.type_name(&arg.ty)).collect();
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let description = layout.stability.of_description(&ProbeDesc::named(name));
        list::details(text, &attributes(description), &attributes(layout.stability.arguments), &types);
    }

    fn type_name(&self, ty: &ArgType) -> String {
        match ty {
            ArgType::C(id) => in_d(self.types.display(*id).to_string()),
            ArgType::D(text) => text.to_string(),
        }
    }
}

/// A type's name as DTrace has it: `char [16]`, and `int32_t` for a number of which only the size is known.
fn in_d(name: String) -> String {
    if matches!(name.as_str(), "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64") {
        return name + "_t";
    }
    match name.split_once('[') {
        Some((elem, rest)) if !elem.ends_with([' ', ')', '*']) => format!("{elem} [{rest}"),
        _ => name,
    }
}
