//! What compiling needs to know of the world.

use quadrant_program::probe::ProbeError;
use quadrant_types::Types;

use crate::desc::ProbeDesc;
use crate::options::Options;
use crate::providers::{Probe, Providers};

/// One text that is compiled.
#[derive(Clone, Debug)]
pub struct Source {
    /// What messages call it: the file, or the description from the command line.
    pub name: String,
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub kind: SourceKind,
}

/// Where a text comes from. It decides which field the last word of a probe description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A file (`-s`): the name.
    Script,
    /// `-P`: the provider.
    Provider,
    /// `-m`: the module.
    Module,
    /// `-f`: the function.
    Function,
    /// `-n`: the name.
    Name,
    /// `-i`: a number.
    Id,
}

/// What compiling needs to know of the world.
pub struct Env<'a> {
    /// Finds probes.
    pub probes: &'a dyn FindProbes,
    /// C types.
    pub types: &'a Types,
    /// Finds addresses.
    pub symbols: &'a dyn Symbols,
    /// Libraries beside the embedded ones (`-L`).
    pub libraries: &'a [Library],
    /// What macro variables stand for.
    pub macros: &'a crate::macros::Macros,
    /// Options of the command line in order; they beat the scripts' pragmas.
    pub options: &'a [(String, Option<String>)],
    /// Nanoseconds from the monotonic clock to the time of day.
    pub wall_offset: i64,
}

/// A library of declarations. Nothing of it counts until a script uses it.
#[derive(Clone, Debug)]
pub struct Library {
    /// The file.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Finds the probes that a description means.
pub trait FindProbes {
    /// All probes, in a stable order.
    ///
    /// # Errors
    /// No match (with the nearest names as help), or why the probes cannot be used here.
    fn find(&self, desc: &ProbeDesc) -> Result<Vec<Probe>, ProbeError>;

    /// The probe of that number.
    ///
    /// # Errors
    /// No probe has it.
    fn by_id(&self, id: u32) -> Result<Vec<Probe>, ProbeError>;
}

impl FindProbes for Providers<'_> {
    fn find(&self, desc: &ProbeDesc) -> Result<Vec<Probe>, ProbeError> {
        Providers::find(self, desc)
    }

    fn by_id(&self, id: u32) -> Result<Vec<Probe>, ProbeError> {
        Providers::by_id(self, id)
    }
}

/// Finds the numbers behind names that are known before the trace starts.
pub trait Symbols {
    /// The address of a kernel symbol, of one module if it is named.
    ///
    /// # Errors
    /// One line that says why there is none.
    fn kernel_address(&self, module: Option<&str>, name: &str) -> Result<u64, String>;

    /// Whether a module is part of the running kernel.
    fn has_module(&self, name: &str) -> bool;
}

/// What options decide of the program.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Bytes of a string with its NUL.
    pub strsize: u32,
    /// Frames of `stack()`.
    pub stackframes: u32,
    /// Frames of `ustack()`.
    pub ustackframes: u32,
    /// Bytes of a clause's scratch memory.
    pub scratchsize: u32,
    /// Speculations at once.
    pub nspec: u32,
    /// Bytes of a packet that are kept.
    pub pcapsize: u32,
    /// Actions that change the system are allowed.
    pub destructive: bool,
    /// Probes may be missing.
    pub zdefs: bool,
    /// Nothing of the libraries is used.
    pub nolibs: bool,
    /// Names of other systems are understood.
    pub aliases: bool,
}

impl Settings {
    /// What options say; what they leave open is as DTrace has it.
    pub fn of(options: &Options) -> Settings {
        let number =
            |value: Option<u64>, usual: u32| value.map_or(usual, |value| u32::try_from(value).unwrap_or(u32::MAX));
        Settings {
            strsize: number(options.strsize, 256),
            stackframes: number(options.stackframes, 20),
            ustackframes: number(options.ustackframes, 100),
            scratchsize: number(options.scratchsize, 256),
            nspec: number(options.nspec, 1),
            pcapsize: number(options.pcapsize, 2048),
            destructive: options.destructive,
            zdefs: options.zdefs,
            nolibs: options.nolibs,
            aliases: options.aliases.0,
        }
    }
}
