//! The types of functions: the kernel's, its modules' and loaded eBPF programs'.

use quadrant_bpf::file::MappedFile;
use quadrant_bpf::object::{self, BtfObject, ObjectKind, ProgramObject};
use quadrant_program::arch::native;
use quadrant_program::probe::{Args, BtfOwner, Field, FieldPlace};
use quadrant_types::{Btf, CType, KernelFunc, TypeId, TypeSet, Types};

use super::Kernel;
use crate::error::{Result, error, from_kernel, from_types};

/// Most words of arguments that programs at functions can see.
const MOST_WORDS: u64 = 12;
/// Bytes of the largest struct that goes to a function by value, and that programs at functions see.
const LARGEST: u64 = 16;
/// A function with more arguments than registers hold, in most kernels.
const WIDE: &str = "do_mmap";

/// A function's parameters and result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prototype {
    /// Its id in its owner's BTF.
    pub btf_id: u32,
    parameters: Vec<Parameter>,
    /// The words that all arguments take.
    pub words: u8,
    /// `None` is void.
    result: Option<TypeId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parameter {
    name: String,
    ty: TypeId,
    /// Its first word.
    word: u8,
}

impl Prototype {
    /// `None` if there are more arguments than programs can see, or larger ones.
    fn new(types: &Types, function: &KernelFunc) -> Option<Self> {
        let mut words = 0;
        let mut parameters = Vec::new();
        for param in function.proto.params.iter() {
            if types.size_of(param.ty).is_some_and(|size| size > LARGEST) {
                return None;
            }
            parameters.push(Parameter { name: param.name.to_string(), ty: param.ty, word: words as u8 });
            words += types.size_of(param.ty).map_or(1, |size| size.div_ceil(8).max(1));
            if words > MOST_WORDS {
                return None;
            }
        }
        let result = Some(function.proto.ret).filter(|ty| !matches!(types.kind(*ty), CType::Void));
        Some(Self { btf_id: function.btf_id, parameters, words: words as u8, result })
    }

    /// Each argument is one word, so they are numbered in BTF as they are in registers.
    pub fn is_plain(&self) -> bool {
        self.parameters.len() == usize::from(self.words)
    }

    /// Whether registers hold all arguments.
    fn is_in_registers(&self) -> bool {
        usize::from(self.words) <= native().arguments.len()
    }

    /// By the names that the source gives them.
    pub fn named(&self, on_return: bool) -> Args {
        let fields = self.parameters.iter().map(|parameter| parameter.field(parameter.name.clone()));
        let result = self.result_field().filter(|_| on_return);
        Args { fields: fields.chain(result).collect(), ..Args::default() }
    }

    /// As `arg0`, `arg1`, ... with the source's names behind, or as the result: for people.
    pub fn numbered(&self, on_return: bool) -> Args {
        let name = |index, parameter: &Parameter| match parameter.name.as_str() {
            "" => format!("arg{index}"),
            name => format!("arg{index} ({name})"),
        };
        let numbered = self.parameters.iter().enumerate().map(|(index, one)| one.field(name(index, one)));
        let fields = if on_return { self.result_field().into_iter().collect() } else { numbered.collect() };
        Args { fields, ..Args::default() }
    }

    fn result_field(&self) -> Option<Field> {
        self.result.map(|ty| Field { name: "retval".to_owned(), ty, place: FieldPlace::Result, user: false })
    }
}

impl Parameter {
    fn field(&self, name: String) -> Field {
        Field { name, ty: self.ty, place: FieldPlace::Arg(self.word), user: false }
    }
}

/// Functions' types.
impl Kernel {
    /// Whether there are types at all.
    pub fn has_types(&self) -> bool {
        self.types.btf().is_ok()
    }

    pub fn has_type(&self, module: Option<&str>, name: &str) -> bool {
        self.type_set(module).is_some_and(|set| self.types.func_in(set, name).is_some())
    }

    /// The types of a function of the kernel image or of a module.
    pub fn prototype(&self, module: Option<&str>, name: &str) -> Option<Prototype> {
        let function = self.types.func_in(self.type_set(module)?, name)?;
        let prototype = Prototype::new(&self.types, &function)?;
        (prototype.is_in_registers() || self.takes_wide()).then_some(prototype)
    }

    /// Whether programs at functions see arguments beyond those in registers, or none of this kernel's are at
    /// functions.
    fn takes_wide(&self) -> bool {
        let wide = || {
            let function = self.types.btf_func(WIDE).ok()?;
            let is_wide = !Prototype::new(&self.types, &function)?.is_in_registers();
            Some(is_wide && self.features.wide_fentry(function.btf_id))
        };
        !self.has_trampolines() || wide() == Some(true)
    }

    /// The number of some function of the kernel image, to try things on: one that hardly ever runs if there is one.
    pub fn any_function(&self) -> Result<u32> {
        let quiet = self.types.btf_func("bpf_fentry_test1").or_else(|_| self.types.btf_func("vfs_read"));
        quiet.map(|function| function.btf_id).map_err(|e| from_types(&e))
    }

    /// The functions of a loaded eBPF program that match, with their types.
    pub fn program_functions(&self, id: u32) -> Result<Vec<(String, Prototype)>> {
        let missing = || error(format!("there is no eBPF program with the number {id}"));
        let program = object::open(ObjectKind::Program, id).map_err(|e| from_kernel(&e))?.ok_or_else(missing)?;
        let program = ProgramObject::of(std::os::fd::AsFd::as_fd(&program)).map_err(|e| from_kernel(&e))?;
        let untyped = || error(format!("the eBPF program {id} has no types, so its functions cannot be found"));
        let btf = object::open(ObjectKind::Btf, program.btf_id).map_err(|e| from_kernel(&e))?.ok_or_else(untyped)?;
        let btf = std::os::fd::AsFd::as_fd(&btf);
        let content = BtfObject::of(btf).and_then(|types| types.content(btf)).map_err(|e| from_kernel(&e))?;
        let set = Btf::new(content).and_then(|btf| self.types.add(btf)).map_err(|e| from_types(&e))?;
        let typed = |name: String| {
            let function = self.types.func_in(set, &name)?;
            Some((name, Prototype::new(&self.types, &function)?))
        };
        Ok(self.types.func_names(set).into_iter().filter_map(typed).collect())
    }

    fn type_set(&self, module: Option<&str>) -> Option<TypeSet> {
        let Some(module) = module else {
            return self.has_types().then_some(TypeSet::KERNEL);
        };
        let known = self.modules.borrow().get(module).copied();
        known.unwrap_or_else(|| {
            let set = self.load_module(module);
            self.modules.borrow_mut().insert(module.to_owned(), set);
            set
        })
    }

    fn load_module(&self, module: &str) -> Option<TypeSet> {
        if module.contains('/') {
            return None;
        }
        let data = MappedFile::open(format!("/sys/kernel/btf/{module}").as_ref()).ok()?;
        let btf = Btf::new_split(self.types.btf().ok()?, data).ok()?;
        self.types.add(btf).ok()
    }
}

/// Whose function it is.
pub(crate) fn owner(module: Option<&str>) -> BtfOwner {
    module.map_or(BtfOwner::Kernel, |module| BtfOwner::Module(module.to_owned()))
}
