//! Objects that clang made: loading, attaching, and running them.
//!
//! [`load`] creates an object's maps and loads its programs; [`Loaded::run`] attaches them as their sections (or the user) say, and
//! hands to a [`Receiver`] what they send.

mod attach;
mod externs;
pub(crate) mod imports;
mod iterate;
mod machine;
mod maps;
mod programs;
mod refusal;
mod run;
mod usdt;
mod version;

use std::cell::RefCell;

use quadrant_bpf::insn::Insn;
use quadrant_bpf::map::Map;
use quadrant_bpf::prog::Program;
use quadrant_object::DataKind;
use quadrant_object::Object;

use crate::error::Error;
use machine::Machine;

pub use run::Limits;
pub use run::Losses;
pub use run::Receiver;
pub use version::kernel_version;

/// What the user wants besides what the object says.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Where programs go, by name, instead of where their sections say.
    pub attach: Vec<(String, String)>,
    /// Only these programs; empty for those that the object wants.
    pub only: Vec<String>,
    /// User probes are in this process alone.
    pub pid: Option<u32>,
    /// What this kernel refuses is left out, and named.
    pub tolerant: bool,
    /// A refusal shows all that the verifier wrote.
    pub whole_log: bool,
}

/// An object whose programs are in the kernel.
pub struct Loaded {
    /// The object, its variables set.
    pub object: Object,
    /// Its maps, in its order.
    pub maps: Vec<Map>,
    /// Its sections of variables, in its order.
    pub data: Vec<Map>,
    /// Those of its programs that were loaded.
    pub programs: Vec<LoadedProgram>,
    /// What the user should know: what was left out, what is missing.
    pub notes: Vec<String>,
    options: LoadOptions,
    machine: Machine,
}

/// A loaded program.
pub struct LoadedProgram {
    /// Its index in the object.
    pub index: usize,
    /// It.
    pub program: Program,
    /// Its instructions, as they were given to the kernel.
    pub insns: Vec<Insn>,
    /// Where it goes: by its section, or as the user says.
    pub targets: Vec<String>,
}

/// Create an object's maps and load its programs.
///
/// # Errors
/// What the object asks for in vain, and what the kernel refused, and why.
pub fn load(mut object: Object, options: LoadOptions) -> Result<Loaded, Error> {
    quadrant_bpf::limits::bump_memlock();
    quadrant_bpf::limits::bump_nofile();
    check_names(&object, &options)?;
    let machine = Machine::default();
    // Who names what to load has made a choice.
    let skipped = object.skipped.iter().filter(|_| options.only.is_empty());
    let skipped =
        skipped.map(|one| format!("skipped `{}`: no tracing program has a section `{}`", one.name, one.section));
    let mut notes: Vec<String> = object.notes.iter().cloned().chain(skipped).collect();
    let externs = externs::find(&mut object, &machine, &|_| true, &mut notes)?;
    let types = maps::load_types(&object, &mut notes);
    let maps = maps::create_all(&mut object, &mut notes, types.as_ref(), &machine, options.tolerant)?;
    let data = object.data.iter().map(|data| maps::create_data(data, types.as_ref()));
    let data = data.collect::<Result<Vec<Map>, Error>>()?;
    let mut loading = programs::Loading {
        object: &object,
        machine: &machine,
        externs: &externs,
        types,
        maps: &maps,
        data: &data,
        unlisted: RefCell::default(),
    };
    let programs = loading.load_wanted(&options, &mut notes)?;
    maps::fill(&object, &maps, &programs, &mut notes, options.tolerant)?;
    Ok(Loaded { object, maps, data, programs, notes, options, machine })
}

fn check_names(object: &Object, options: &LoadOptions) -> Result<(), Error> {
    let named = options.only.iter().chain(options.attach.iter().map(|(program, _)| program));
    for name in named {
        if let Some(skipped) = object.skipped.iter().find(|one| one.name == *name) {
            let message = format!("`{name}` is not for tracing: its section is `{}`", skipped.section);
            return Err(Error::Object { message, help: Vec::new() });
        }
        if !object.programs.iter().any(|program| program.name == *name) {
            let names = object.programs.iter().map(|program| program.name.as_str());
            let help = quadrant_types::suggest(name, names).map(|near| format!("did you mean `{near}`?"));
            let message = format!("the object has no program `{name}`");
            return Err(Error::Object { message, help: help.into_iter().collect() });
        }
    }
    Ok(())
}

impl Loaded {
    /// The content of a section of variables now.
    ///
    /// # Errors
    /// The kernel does not give it.
    pub fn variables(&self, data: usize) -> Result<Vec<u8>, Error> {
        let map = &self.data[data];
        let mut bytes = vec![0; map.value_len()];
        map.lookup(&0_u32.to_ne_bytes(), &mut bytes)?;
        Ok(bytes)
    }

    /// Whether the kernel has a struct of that name: then it is none of the object's own.
    pub fn kernel_has_struct(&self, name: &str) -> bool {
        self.machine.find(name, quadrant_types::BtfKind::Struct).is_some()
    }

    /// Whether programs may change the section.
    pub fn is_writable(&self, data: usize) -> bool {
        matches!(self.object.data[data].kind, DataKind::Data | DataKind::Bss)
    }
}
