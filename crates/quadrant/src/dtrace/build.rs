//! `-h` and `-G`: what programs with static probes are built with.

use std::path::{Path, PathBuf};

use quadrant_d::Parsed;
use quadrant_d::usdt::{ProviderFile, header, object};
use quadrant_program::diag::Severity;

use super::cpp::Preprocessor;
use super::getopt::{Kind, Line};
use super::report;
use super::settings;
use super::sources::{self, Loaded};
use crate::failure::{Failure, shown};
use crate::output_file;

/// Whether the command line says what to make of what.
///
/// # Errors
/// What is missing.
pub fn check(line: &Line, what: Product) -> Result<(), String> {
    let letter = what.letter();
    if line.enablings.is_empty() {
        return Err(format!("-{letter} requires one or more scripts or enabling options"));
    }
    let [script] = line.enablings.as_slice() else {
        let named = line.output.is_some() || what == Product::Object;
        return named
            .then_some(())
            .ok_or_else(|| format!("-{letter} requires an output file (-o) if multiple scripts are specified"));
    };
    if what == Product::Object || line.output.is_some() {
        return Ok(());
    }
    if script.kind != Kind::Script {
        return Err(format!("-{letter} requires an output file if no scripts are specified"));
    }
    if !script.text.ends_with(DEFINITION) {
        let message = format!("-{letter} requires an output file (-o) for a script whose name does not end in .d");
        return Err(message);
    }
    Ok(())
}

/// Makes the header (`-h`) or the object (`-G`) of the provider definitions that `-s` names: one for all with `-o`, otherwise
/// one for each in the current folder. The program's own objects, which `-G` gets as operands, stay as they are: their notes are complete.
///
/// # Errors
/// A definition that cannot be read, is wrong, or has no provider; a file that cannot be written.
pub fn run(line: &Line, what: Product) -> Result<i32, Failure> {
    let scripts_only = line.enablings.iter().all(|enabling| enabling.kind == Kind::Script);
    if !scripts_only {
        let letter = what.letter();
        return Err(Failure::new(format!("-{letter} needs a file with provider definitions: -s FILE")));
    }
    let (_, options) = settings::all(&line.settings)?;
    // An object that is called as the script would be lost.
    line.operands.iter().for_each(|object| output_file::keep(Path::new(object)));
    let loaded = sources::load(&line.enablings, options.cpp.then(|| Preprocessor::of(&options)).as_ref())?;
    let mut whole = ProviderFile::default();
    for (at, one) in loaded.iter().enumerate() {
        let file = definitions(one, options.errtags)?;
        match &line.output {
            Some(_) => whole.append(file),
            None => what.write(&file, &named_after(&one.source.name, what, (loaded.len() > 1).then_some(at)))?,
        }
    }
    if let Some(path) = &line.output {
        what.write(&whole, path)?;
    }
    Ok(0)
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A C header.
    Header,
    /// A relocatable object.
    Object,
}

impl Product {
    fn letter(self) -> char {
        match self {
            Self::Header => 'h',
            Self::Object => 'G',
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Header => "h",
            Self::Object => "o",
        }
    }

    fn write(self, file: &ProviderFile, path: &Path) -> Result<(), Failure> {
        let bytes = match self {
            Self::Header => header(file).into_bytes(),
            Self::Object => object(file, quadrant_program::arch::native())
                .map_err(|error| Failure::new(format!("cannot make {}: {error}", shown(&path.to_string_lossy()))))?,
        };
        let written = output_file::write(path, &bytes);
        let failed = |error| quadrant_bpf::Error::io(format!("failed to write {}", path.display()), &error);
        written.map_err(|error| Failure::from(failed(error)))
    }
}

/// The providers of one file.
fn definitions(loaded: &Loaded, tags: bool) -> Result<ProviderFile, Failure> {
    let Parsed { script, mut diagnostics, .. } = loaded.parsed();
    let (file, found) = ProviderFile::read(&script);
    diagnostics.extend(found);
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors: String = errors.map(|error| report::message(loaded, error, error.span, tags)).collect();
    if !errors.is_empty() {
        return Err(Failure::rendered(errors));
    }
    if file.is_empty() {
        return Err(Failure::new(format!("there is no provider definition in {}", loaded.source.name)));
    }
    Ok(file)
}

/// How files with definitions are called.
const DEFINITION: &str = ".d";

/// `dir/p.d` gives `p.o`, as compilers do it; any other name `d.out`, with the script's number if there are several.
fn named_after(script: &str, what: Product, number: Option<usize>) -> PathBuf {
    let name = Path::new(script).file_name().unwrap_or_default();
    match (script.ends_with(DEFINITION), number) {
        (true, _) => Path::new(name).with_extension(what.extension()),
        (false, Some(number)) => PathBuf::from(format!("d.out.{number}")),
        (false, None) => PathBuf::from("d.out"),
    }
}
