//! Functions that trampolines are attached to, by the numbers of their types.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;

use quadrant_bpf::file::MappedFile;
use quadrant_bpf::object::{self, BtfObject, ObjectKind};
use quadrant_types::Btf;

/// A function of the kernel or of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    pub name: String,
    /// The module, if it is one's.
    pub module: Option<String>,
    /// Whether it belongs to the kernel or a module, not to a program.
    pub kernel: bool,
}

/// Types that were opened.
#[derive(Default)]
pub struct Functions {
    objects: HashMap<u32, Option<Rc<Types>>>,
    kernel: Option<Option<Rc<Btf>>>,
}

struct Types {
    btf: Rc<Btf>,
    module: Option<String>,
    kernel: bool,
}

impl Functions {
    /// A function by the number of its types and its number there.
    pub fn find(&mut self, object: u32, btf_id: u32) -> Option<Function> {
        let types = self.types(object)?;
        let name = types.btf.name(btf_id);
        let function = Function { name: name.to_owned(), module: types.module.clone(), kernel: types.kernel };
        (!name.is_empty()).then_some(function)
    }

    fn types(&mut self, object: u32) -> Option<Rc<Types>> {
        if let Some(known) = self.objects.get(&object) {
            return known.clone();
        }
        let types = self.open(object).map(Rc::new);
        self.objects.insert(object, types.clone());
        types
    }

    fn open(&mut self, number: u32) -> Option<Types> {
        let fd = object::open(ObjectKind::Btf, number).ok()??;
        let object = BtfObject::of(fd.as_fd()).ok()?;
        if object.kernel && object.name == b"vmlinux" {
            return Some(Types { btf: self.kernel()?, module: None, kernel: true });
        }
        let content = object.content(fd.as_fd()).ok()?;
        if !object.kernel {
            return Some(Types { btf: Rc::new(Btf::new(content).ok()?), module: None, kernel: false });
        }
        let btf = Rc::new(Btf::new_split(self.kernel()?, content).ok()?);
        Some(Types { btf, module: Some(String::from_utf8_lossy(&object.name).into_owned()), kernel: true })
    }

    fn kernel(&mut self) -> Option<Rc<Btf>> {
        let open = || Btf::new(MappedFile::open(Path::new("/sys/kernel/btf/vmlinux")).ok()?).ok().map(Rc::new);
        self.kernel.get_or_insert_with(open).clone()
    }
}
