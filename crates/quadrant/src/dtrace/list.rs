//! `-l`: the probes that match, with `-v` what is known of each.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::rc::Rc;

use quadrant_d::desc::ProbeDesc;
use quadrant_d::providers::ArgType;
use quadrant_d::providers::Layout;
use quadrant_d::providers::Providers;
use quadrant_d::providers::Row;
use quadrant_d::providers::Stability;
use quadrant_d::providers::is_no_match;
use quadrant_output::dtrace::list;
use quadrant_program::expr::PointPart;
use quadrant_types::Types;

use super::descriptions;
use super::descriptions::Meant;
use super::getopt::Line;
use super::report;
use super::settings;
use super::sources;
use super::targets;
use super::verbose::attributes;
use super::world;
use crate::failure;
use crate::failure::Failure;

/// List the probes of the command line.
///
/// # Errors
/// A description that makes no sense or matches nothing; output that cannot be written.
pub fn run(line: &Line) -> Result<i32, Failure> {
    let (_, options) = settings::all(&line.settings, &line.written)?;
    let loaded = sources::load(&line.enablings, None)?;
    let targets = targets::open(line)?;
    let types = Rc::new(crate::world::types());
    let catalog = world::catalog(&types);
    let providers = Providers::new(&catalog, &types, world::provider_settings(&options, targets.commands.clone()));
    let macros = world::macros(line, &options, targets.first);
    let mut listing = Listing { providers: &providers, types: &types, verbose: line.verbose, out: Out::new() };
    listing.heading();
    if loaded.is_empty() {
        listing.all(&ProbeDesc::default(), "")?;
    }
    let mut status = 0;
    for one in &loaded {
        for meant in descriptions::of(one, &macros)? {
            if let Err(failure) = listing.meant(&meant) {
                listing.out.flush();
                failure.print("dtrace");
                status = 1;
            }
        }
    }
    listing.out.flush();
    eprint!("{}", report::left_out(&providers));
    failure::written("the list", listing.out.finish())?;
    Ok(status)
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
    out: Out,
}

impl Listing<'_> {
    fn heading(&mut self) {
        let mut text = Vec::new();
        list::header(&mut text);
        self.out.write(&text);
    }

    fn meant(&mut self, meant: &Meant) -> Result<(), Failure> {
        match meant {
            Meant::Matching(desc, text) => self.all(desc, text),
            Meant::Numbered(id) => {
                let unknown = || Failure::new(format!("invalid probe identifier {id}: Unknown probe identifier"));
                let probes = self.providers.by_id(*id).map_err(|_| unknown())?;
                if let Some(probe) = probes.first() {
                    self.row(&Row { id: *id, name: probe.point.name.clone() });
                }
                Ok(())
            }
        }
    }

    fn all(&mut self, desc: &ProbeDesc, text: &str) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let listed = self.providers.list(desc, &mut |row| rows.push(row));
        rows.iter().for_each(|row| self.row(row));
        if rows.is_empty() {
            let error = listed.err();
            if let Some(error) = error.as_ref().filter(|error| !is_no_match(error)) {
                return Err(error.clone().into());
            }
            // Finding knows the nearest names.
            let near = error.or_else(|| self.providers.find(desc).err()).map_or_else(Vec::new, |error| error.help);
            let failure = Failure::new(format!("failed to match {text}: No probe matches description"));
            return Err(near.into_iter().fold(failure, Failure::hint));
        }
        Ok(())
    }

    fn row(&mut self, row: &Row) {
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
            let probe = self.providers.find(&ProbeDesc::exactly(&row.name)).ok();
            let layout = probe.and_then(|probes| Some(probes.first()?.layout.clone()));
            layout.iter().for_each(|layout| self.details(&mut text, layout));
        }
        self.out.write(&text);
    }

    fn details(&self, text: &mut Vec<u8>, layout: &Layout) {
        let types: Vec<String> = layout.args.iter().map(|arg| self.type_name(&arg.ty)).collect();
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let Stability { description, arguments } = layout.stability;
        list::details(text, &attributes(description), &attributes(arguments), &types);
    }

    fn type_name(&self, ty: &ArgType) -> String {
        match ty {
            ArgType::C(id) => self.types.display(*id).to_string(),
            ArgType::D(text) => text.to_string(),
        }
    }
}
