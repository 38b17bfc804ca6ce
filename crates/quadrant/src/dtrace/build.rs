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

/// Makes the header (`-h`) or the object (`-G`) of the provider definitions that `-s` names, one for all with `-o`, otherwise
/// one beside each. The program's own objects, which `-G` gets as operands, stay as they are: their notes are complete.
///
/// # Errors
/// A definition that cannot be read, is wrong, or has no provider; a file that cannot be written.
pub fn run(line: &Line, what: Product) -> Result<i32, Failure> {
    let scripts_only = line.enablings.iter().all(|enabling| enabling.kind == Kind::Script);
    if line.enablings.is_empty() || !scripts_only {
        let letter = what.letter();
        return Err(Failure::new(format!("-{letter} needs a file with provider definitions: -s FILE")));
    }
    let (_, options) = settings::all(&line.settings)?;
    let loaded = sources::load(&line.enablings, options.cpp.then(|| Preprocessor::of(&options)).as_ref())?;
    let mut whole = ProviderFile::default();
    for one in &loaded {
        let file = definitions(one, options.errtags)?;
        match &line.output {
            Some(_) => whole.append(file),
            None => what.write(&file, &beside(&one.source.name, what))?,
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
        let written = std::fs::write(path, bytes);
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

/// `dir/p.d` gives `dir/p.h`.
fn beside(script: &str, what: Product) -> PathBuf {
    Path::new(script).with_extension(what.extension())
}
