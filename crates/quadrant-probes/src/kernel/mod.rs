//! What the kernel tells about its own functions, read at first need: names and addresses, which of them can be probed, their
//! types, and how the kernel was built.

mod abilities;
mod denied;
mod instead;
mod missing;
mod select;
mod suffix;
mod symbols;
mod text;
mod traceable;
mod types;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use quadrant_bpf::features::Features;
use quadrant_types::{TypeSet, Types};

use crate::error::Result;
use denied::Blacklist;
use symbols::Symbols;
use traceable::Traceable;

pub(crate) use abilities::Way;
pub(crate) use missing::why_refused;
pub(crate) use select::{Selected, Wanted};
pub use traceable::FunctionTracer;
pub(crate) use types::{Prototype, owner};

/// The kernel image itself, as a module's name.
pub(crate) const IMAGE: &str = "vmlinux";

/// The running kernel.
pub(crate) struct Kernel {
    types: Rc<Types>,
    features: Features,
    allow_unsafe: bool,
    symbols: OnceCell<Result<Symbols>>,
    traceable: OnceCell<Traceable>,
    /// Where the list of traceable functions is instead of in tracefs.
    traceable_file: Option<PathBuf>,
    blacklist: OnceCell<Blacklist>,
    modules: RefCell<HashMap<String, Option<TypeSet>>>,
    notes: RefCell<Vec<String>>,
}

impl Kernel {
    /// Nothing is read yet.
    pub fn new(types: Rc<Types>, allow_unsafe: bool) -> Self {
        Self {
            types,
            features: Features::new(),
            allow_unsafe,
            symbols: OnceCell::new(),
            traceable: OnceCell::new(),
            traceable_file: None,
            blacklist: OnceCell::new(),
            modules: RefCell::default(),
            notes: RefCell::default(),
        }
    }

    /// Takes the list of traceable functions from a file.
    pub fn with_traceable(self, file: PathBuf) -> Self {
        Self { traceable_file: Some(file), ..self }
    }

    /// What the user should know of what was found, since the last call.
    pub fn take_notes(&self) -> Vec<String> {
        self.notes.take()
    }

    /// What is noted meanwhile is forgotten.
    pub fn unsaid(&self, look: &mut dyn FnMut()) {
        let said = self.notes.borrow().clone();
        look();
        self.notes.replace(said);
    }

    pub fn note(&self, note: impl Into<String>) {
        let note = note.into();
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    fn symbols(&self) -> Result<&Symbols> {
        self.symbols.get_or_init(Symbols::load).as_ref().map_err(Clone::clone)
    }

    fn traceable(&self) -> &Traceable {
        self.traceable.get_or_init(|| match &self.traceable_file {
            Some(file) => self.traceable_of(file),
            None => Traceable::of_this_kernel(),
        })
    }

    fn traceable_of(&self, file: &Path) -> Traceable {
        std::fs::read(file).map(|list| Traceable::names(&String::from_utf8_lossy(&list))).unwrap_or_else(|error| {
            let error = quadrant_bpf::Error::io(format!("cannot read {}", file.display()), &error);
            self.note(format!("{error}: patterns take all functions"));
            Traceable::Unknown
        })
    }

    fn blacklist(&self) -> &Blacklist {
        self.blacklist.get_or_init(Blacklist::load)
    }
}
