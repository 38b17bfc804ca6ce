//! The programs of a command line.

use quadrant_d::Mode;
use quadrant_d::Parsed;
use quadrant_d::ast::Item;
use quadrant_d::ast::Script;
use quadrant_d::lexer::spec::spec_len;
use quadrant_d::lines::Lines;
use quadrant_d::lower::Library;
use quadrant_d::lower::Source;
use quadrant_d::lower::SourceKind;
use quadrant_d::options::Options;
use quadrant_program::span::Span;

use super::cpp::Preprocessor;
use super::getopt::Enabling;
use super::getopt::Kind;
use super::getopt::Line;
use super::getopt::Setting;
use super::settings;
use super::world;
use crate::failure::Failure;
use crate::output_file;

/// A program as it is compiled, and what its messages need.
pub struct Loaded {
    /// The text.
    pub source: Source,
    /// Its lines, with their numbers.
    pub lines: Lines,
    /// There is no clause in it.
    pub is_empty: bool,
    /// Predicates and bodies of its clauses.
    pub regions: Vec<(Span, &'static str)>,
}

impl Loaded {
    /// How messages name it: `script a.d`, or `description BEGIN`, which is what stands before the predicate and the actions.
    pub fn shown_name(&self) -> String {
        let name = &self.source.name;
        match self.source.kind {
            SourceKind::Script => format!("script {name}"),
            _ => format!("description {}", self.description()),
        }
    }

    /// The text of the command line up to the predicate, the actions, or the end of a declaration.
    pub fn description(&self) -> &str {
        let text = &self.source.name;
        let mut end = 0;
        // A `/` in a specifier is part of a module's path.
        while !text[end..].starts_with(['{', '/', ';']) {
            end += spec_len(&text[end..]);
            match text[end..].chars().next() {
                None => break,
                Some('{' | '/' | ';') => {}
                Some(between) => end += between.len_utf8(),
            }
        }
        &text[..end]
    }

    /// The program's tree, before macro variables are replaced.
    pub fn script(&self) -> Script {
        self.parsed().script
    }

    /// The program's tree and what is wrong with its text.
    pub fn parsed(&self) -> Parsed {
        parse(&self.source)
    }
}

/// All that is compiled, and how.
pub struct Texts {
    /// The settings of the environment and the command line.
    pub settings: Vec<Setting>,
    /// The options that they make.
    pub options: Options,
    /// The programs.
    pub programs: Vec<Loaded>,
    /// Libraries beside the embedded ones.
    pub libraries: Vec<Library>,
}

impl Texts {
    /// Reads what a command line names.
    ///
    /// # Errors
    /// A file that cannot be read, or that the output would be written over; a preprocessor that fails; an option that there
    /// is not.
    pub fn read(line: &Line) -> Result<Texts, Failure> {
        let (settings, options) = settings::all(&line.settings)?;
        let programs = load(&line.enablings, options.cpp.then(|| Preprocessor::of(&options)).as_ref())?;
        let libraries = world::libraries(&options);
        output_file::check_sources(line.output.as_deref())?;
        Ok(Texts { settings, options, programs, libraries })
    }
}

/// Read the programs, through the preprocessor if there is one.
///
/// # Errors
/// A file that cannot be read, a preprocessor that fails.
pub fn load(enablings: &[Enabling], cpp: Option<&Preprocessor>) -> Result<Vec<Loaded>, Failure> {
    enablings.iter().map(|enabling| one(enabling, cpp)).collect()
}

fn one(enabling: &Enabling, cpp: Option<&Preprocessor>) -> Result<Loaded, Failure> {
    let kind = kind(enabling.kind);
    let name = enabling.text.clone();
    let text = if kind == SourceKind::Script { read(&name)? } else { name.clone() };
    let text = cpp.map_or(Ok(text.clone()), |cpp| cpp.run(&name, &text))?;
    Ok(examine(Source { name, text, kind }))
}

/// What is to be known of a text besides its meaning.
pub fn examine(source: Source) -> Loaded {
    let parsed = parse(&source);
    let mut regions = Vec::new();
    for item in &parsed.script.items {
        if let Item::Clause(clause) = item {
            regions.extend(clause.predicate.iter().map(|predicate| (predicate.span, "predicate")));
            regions.extend(clause.body.iter().map(|body| (body.span, "action list")));
        }
    }
    let has_clauses = parsed.script.items.iter().any(|item| matches!(item, Item::Clause(_)));
    let is_empty = !has_clauses && parsed.diagnostics.is_empty();
    Loaded { source, lines: parsed.lines, is_empty, regions }
}

fn parse(source: &Source) -> Parsed {
    let mode = Mode { bare_probes: source.kind != SourceKind::Script };
    quadrant_d::parse_part(&source.text, Span::new(0, source.text.len() as u32), mode)
}

fn kind(kind: Kind) -> SourceKind {
    match kind {
        Kind::Provider => SourceKind::Provider,
        Kind::Module => SourceKind::Module,
        Kind::Function => SourceKind::Function,
        Kind::Name => SourceKind::Name,
        Kind::Id => SourceKind::Id,
        Kind::Script => SourceKind::Script,
    }
}

fn read(file: &str) -> Result<String, Failure> {
    let bytes =
        crate::script::read(file).map_err(|error| quadrant_bpf::Error::io(format!("failed to open {file}"), &error))?;
    crate::encoding::decode(&bytes).map_err(|error| Failure::new(format!("failed to compile script {file}: {error}")))
}
