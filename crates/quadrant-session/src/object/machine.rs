//! What an object wants to know of this kernel: its types, its symbols, its configuration.

use std::cell::OnceCell;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

use quadrant_bpf::features::Features;
use quadrant_bpf::file::MappedFile;
use quadrant_object::KernelTypes;
use quadrant_program::probe::BtfOwner;
use quadrant_symbols::Symbolizer;
use quadrant_types::Btf;
use quadrant_types::BtfKind;
use quadrant_types::TypeError;
use quadrant_types::Types;

use crate::error::Error;

/// Where the kernel shows its types, a file for itself and one for each module.
const TYPES: &str = "/sys/kernel/btf";
const IMAGE: &str = "vmlinux";

/// This kernel, looked at when something is asked for.
#[derive(Default)]
pub(crate) struct Machine {
    kernel: Rc<OnceCell<Result<Rc<Btf>, String>>>,
    modules: OnceCell<Vec<(String, Rc<Btf>)>>,
    symbols: OnceCell<Symbolizer>,
    pub(crate) features: Features,
}

/// A type of the kernel, and whose it is.
pub(crate) struct Found {
    pub(crate) btf: Rc<Btf>,
    pub(crate) id: u32,
    /// The module; `None` is the kernel image.
    pub(crate) module: Option<String>,
}

impl Machine {
    /// The first type of that name, in the kernel image before its modules. `module:name` asks for one module's.
    pub(crate) fn find(&self, name: &str, kind: BtfKind) -> Option<Found> {
        let (module, name) = name.split_once(':').map_or((None, name), |(module, name)| (Some(module), name));
        let wanted = |owner: &str| module.is_none_or(|module| module == owner);
        if let Some(btf) = self.kernel().ok().filter(|_| wanted(IMAGE))
            && let Some(id) = btf.find(name, &[kind])
        {
            return Some(Found { btf, id, module: None });
        }
        let modules = self.named_modules().iter().filter(|(owner, _)| wanted(owner));
        modules.into_iter().find_map(|(owner, btf)| {
            let id = btf.find(name, &[kind])?;
            Some(Found { btf: Rc::clone(btf), id, module: Some(owner.clone()) })
        })
    }

    /// The kernel's types for those who look for probes: the same, and as late.
    pub(crate) fn types(&self) -> Types {
        let kernel = Rc::clone(&self.kernel);
        let reason = |reason| TypeError::NoBtf { reason };
        Types::with_shared(move || kernel.get_or_init(open_kernel).clone().map_err(reason))
    }

    /// The address of a symbol of the kernel.
    pub(crate) fn address(&self, name: &str) -> Result<u64, String> {
        let symbols = self.symbols.get_or_init(|| Symbolizer::new(quadrant_symbols::Options::default()));
        symbols.kaddr(name).map_err(|error| error.to_string())
    }

    fn named_modules(&self) -> &[(String, Rc<Btf>)] {
        self.modules.get_or_init(|| {
            let Ok(kernel) = self.kernel() else { return Vec::new() };
            let names = std::fs::read_dir(TYPES).into_iter().flatten().flatten();
            let names = names.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| name != IMAGE);
            let open = |name: String| {
                let data = MappedFile::open(&Path::new(TYPES).join(&name)).ok()?;
                Some((name, Rc::new(Btf::new_split(Rc::clone(&kernel), data).ok()?)))
            };
            names.filter_map(open).collect()
        })
    }
}

fn open_kernel() -> Result<Rc<Btf>, String> {
    let data = MappedFile::open(&Path::new(TYPES).join(IMAGE)).map_err(|error| error.to_string())?;
    Btf::new(data).map(Rc::new).map_err(|error| error.to_string())
}

impl KernelTypes for Machine {
    fn kernel(&self) -> Result<Rc<Btf>, String> {
        self.kernel.get_or_init(open_kernel).clone()
    }

    fn modules(&self) -> Vec<Rc<Btf>> {
        self.named_modules().iter().map(|(_, btf)| Rc::clone(btf)).collect()
    }
}

impl Found {
    /// A descriptor of the types that it is in; `None` for the kernel image, which needs none.
    ///
    /// # Errors
    /// The module is gone.
    pub(crate) fn owner(&self) -> Result<Option<OwnedFd>, Error> {
        let owner = self.module.clone().map_or(BtfOwner::Kernel, BtfOwner::Module);
        Ok(quadrant_probes::attach::owner(&owner)?)
    }
}
