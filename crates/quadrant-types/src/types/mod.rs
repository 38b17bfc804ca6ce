//! The session-wide store of types: built-in, user-defined and from BTF.
//!
//! A [`TypeId`] costs nothing until something is asked of it: records are decoded
//! one by one, on first use.

mod debug;
mod display;
mod kernel;
mod layout;
mod load;
mod lookup;
mod members;
mod model;
mod parse;
#[cfg(test)]
mod tests;
mod variants;

pub use debug::DebugTag;
pub use kernel::{KernelFunc, RawTracepoint};
pub use layout::{Attributes, FieldDef, StructDef};
pub use model::{CType, EnumValue, FuncProto, Member, Param, TypeId};
pub use parse::is_fixed_name;
pub use variants::{Variant, Variants};

use crate::dwarf::DieRef;
use crate::{Btf, DebugInfo, TypeError};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// Bytes of a pointer of the kernel, and of all programs but those of 32 bits.
pub const POINTER_SIZE: u32 = 8;
/// Whether programs of this machine have floating point numbers of the x87: those that are traced run on it.
const X87: bool = cfg!(any(target_arch = "x86_64", target_arch = "x86"));
/// Longest chain of typedefs, qualifiers or array dimensions that is followed.
const MAX_CHAIN: usize = 64;

/// All types of a session. Shared by reference; fills itself as it is asked.
pub struct Types {
    btfs: OnceCell<Result<RefCell<Vec<Rc<Btf>>>, TypeError>>,
    loader: RefCell<Option<Loader>>,
    entries: RefCell<Vec<Slot>>,
    interned: RefCell<HashMap<(Form, CType), TypeId>>,
    by_origin: RefCell<HashMap<Home, TypeId>>,
    user: RefCell<lookup::UserNames>,
    debug: RefCell<Vec<Rc<DebugInfo>>>,
    alike: RefCell<HashMap<debug::Shape, TypeId>>,
}

type Loader = Box<dyn FnOnce() -> Result<Rc<Btf>, TypeError>>;

/// The types that one BTF blob describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeSet(usize);

impl TypeSet {
    /// Those of the kernel image.
    pub const KERNEL: TypeSet = TypeSet(0);
}

/// The types that the debug information of one program or library describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DebugTypes(u32);

/// Where a type comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Home {
    Btf(Origin),
    Debug(DebugTypes, DieRef),
}

/// Where a type in BTF is: which blob, which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin {
    btf: usize,
    id: u32,
}

#[derive(Clone)]
enum Slot {
    Pending(Home),
    Ready(Rc<Entry>),
}

struct Entry {
    form: Form,
    ctype: CType,
    /// The record that holds members, constants or parameters.
    home: Option<Home>,
    members: OnceCell<Rc<[Member]>>,
    values: OnceCell<Rc<[EnumValue]>>,
    /// The alignment in bytes of a struct that the script defined; 0 for others.
    align: u64,
}

/// How a type is spelled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    /// As its `CType` says.
    Plain,
    /// A base type's own name, as "long unsigned int".
    Base(Rc<str>),
    Typedef(Rc<str>, TypeId),
    Qualified(Qualifier, TypeId),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Qualifier {
    Const,
    Volatile,
    Restrict,
    /// A BTF type tag, as `user` or `rcu`.
    Tag(Rc<str>),
}

impl Types {
    /// A store over the kernel's BTF.
    pub fn new(btf: Btf) -> Self {
        Self::with_loader(move || Ok(btf))
    }

    /// A store that opens the kernel's BTF when it is first needed, and not before.
    pub fn with_loader(loader: impl FnOnce() -> Result<Btf, TypeError> + 'static) -> Self {
        Self::with_shared(|| loader().map(Rc::new))
    }

    /// The same, with BTF that others use, too.
    pub fn with_shared(loader: impl FnOnce() -> Result<Rc<Btf>, TypeError> + 'static) -> Self {
        let void = Entry::new(Form::Plain, CType::Void, None);
        Self {
            btfs: OnceCell::new(),
            loader: RefCell::new(Some(Box::new(loader))),
            entries: RefCell::new(vec![Slot::Ready(Rc::new(void))]),
            interned: RefCell::default(),
            by_origin: RefCell::default(),
            user: RefCell::default(),
            debug: RefCell::default(),
            alike: RefCell::default(),
        }
    }

    /// A store without BTF: built-in and user-defined types only. `reason` says why,
    /// with the remedy, and becomes part of errors.
    pub fn without_btf(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::with_loader(move || Err(TypeError::NoBtf { reason }))
    }

    /// Adds a module's BTF, made with [`Btf::new_split`] over [`Types::btf`], or that of a loaded eBPF program.
    pub fn add(&self, btf: Btf) -> Result<TypeSet, TypeError> {
        let mut btfs = self.btfs()?.borrow_mut();
        btfs.push(Rc::new(btf));
        Ok(TypeSet(btfs.len() - 1))
    }

    /// The kernel's BTF, opened now if it was not yet.
    pub fn btf(&self) -> Result<Rc<Btf>, TypeError> {
        let btfs = self.btfs()?.borrow();
        btfs.first().cloned().ok_or(TypeError::NoBtf { reason: "none was given".into() })
    }

    /// What the type is, looking through typedefs and qualifiers.
    pub fn kind(&self, id: TypeId) -> CType {
        self.entry(id).ctype.clone()
    }

    /// Bytes of a value; `None` for void, functions, and structs and enumerations that are only declared.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut elements: u64 = 1;
        let mut id = id;
        for _ in 0..MAX_CHAIN {
            let one = match self.entry(id).ctype {
                CType::Array { elem, len } => {
                    elements = elements.saturating_mul(len);
                    id = elem;
                    continue;
                }
                CType::Enum { size: 0, .. } => return None,
                CType::Int { size, .. } | CType::Float { size } | CType::Enum { size, .. } => size.into(),
                CType::Struct { size, complete: true, .. } | CType::Ptr { size, .. } => size.into(),
                _ => return None,
            };
            return Some(elements.saturating_mul(one));
        }
        None
    }

    /// The type that typedefs and qualifiers lead to.
    pub fn resolve(&self, id: TypeId) -> TypeId {
        let mut id = id;
        for _ in 0..MAX_CHAIN {
            match self.entry(id).form {
                Form::Typedef(_, inner) | Form::Qualified(_, inner) => id = inner,
                _ => break,
            }
        }
        id
    }

    /// What a pointer points to.
    pub fn pointee(&self, id: TypeId) -> Option<TypeId> {
        match self.entry(id).ctype {
            CType::Ptr { to: target, .. } => Some(target),
            _ => None,
        }
    }

    /// True if both are the same C type, whatever typedefs and qualifiers they wear.
    /// Two structs are the same if their tags and sizes are, and both are the kernel's or both the same program's.
    pub fn same(&self, a: TypeId, b: TypeId) -> bool {
        let (mut a, mut b) = (a, b);
        for _ in 0..MAX_CHAIN {
            let (left, right) = (self.resolve(a), self.resolve(b));
            match (&self.entry(left).ctype, &self.entry(right).ctype) {
                (CType::Ptr { to: x, .. }, CType::Ptr { to: y, .. }) => (a, b) = (*x, *y),
                (CType::Array { elem: x, len: m }, CType::Array { elem: y, len: n }) if m == n => {
                    (a, b) = (*x, *y);
                }
                (CType::Func(x), CType::Func(y)) => return left == right || x == y,
                (CType::Struct { name, .. }, _) if name.is_empty() => return left == right,
                (CType::Struct { .. } | CType::Enum { .. }, _) if self.program_of(left) != self.program_of(right) => {
                    return false;
                }
                // Kernels compile with unsigned char, scripts think of it as signed.
                (CType::Int { is_char: true, .. }, CType::Int { is_char: true, .. }) => return true,
                (x, y) => return left == right || x == y,
            }
        }
        false
    }

    /// Whether a type's layout is from the BTF of the kernel or a module, rather than from the script or a program.
    pub fn is_of_kernel(&self, id: TypeId) -> bool {
        matches!(self.entry(self.resolve(id)).home, Some(Home::Btf(_)))
    }

    /// Whether a type is from the debug information of a program or a library.
    pub fn is_of_program(&self, id: TypeId) -> bool {
        self.program_of(self.resolve(id)).is_some()
    }

    /// The program or library whose debug information a type is from.
    fn program_of(&self, id: TypeId) -> Option<DebugTypes> {
        match self.entry(id).home {
            Some(Home::Debug(of, _)) => Some(of),
            _ => None,
        }
    }

    /// The tags of a pointer's target that say which memory it is in, as `user`, `rcu`
    /// or `percpu`, where the kernel's BTF has such tags.
    pub fn pointer_tags(&self, id: TypeId) -> Vec<Rc<str>> {
        let mut tags = Vec::new();
        let mut id = self.pointee(id).unwrap_or(TypeId::VOID);
        for _ in 0..MAX_CHAIN {
            match &self.entry(id).form {
                Form::Qualified(Qualifier::Tag(tag), inner) => {
                    tags.push(tag.clone());
                    id = *inner;
                }
                Form::Qualified(_, inner) | Form::Typedef(_, inner) => id = *inner,
                _ => break,
            }
        }
        tags
    }

    /// An integer type, spelled `int32`, `uint64` and so on. `size` is in bytes.
    pub fn int(&self, size: u32, signed: bool) -> TypeId {
        let name = format!("{}int{}", if signed { "" } else { "u" }, u64::from(size) * 8);
        self.base_int(&name, size, signed)
    }

    /// What is behind an address of which nothing else is known: eight bytes, which are read as a number.
    pub fn word(&self) -> TypeId {
        self.base_int("word", 8, false)
    }

    /// C's `char`.
    pub fn char(&self) -> TypeId {
        let ctype = CType::Int { size: 1, signed: true, is_char: true, is_bool: false };
        self.intern(Form::Base("char".into()), ctype)
    }

    /// C's `bool`.
    pub fn bool(&self) -> TypeId {
        let ctype = CType::Int { size: 1, signed: false, is_char: false, is_bool: true };
        self.intern(Form::Base("bool".into()), ctype)
    }

    /// A pointer to `target`.
    pub fn pointer_to(&self, target: TypeId) -> TypeId {
        self.pointer_of(target, POINTER_SIZE)
    }

    /// A pointer of a program of 32 bits.
    pub fn short_pointer_to(&self, to: TypeId) -> TypeId {
        self.pointer_of(to, 4)
    }

    /// A pointer of `size` bytes.
    fn pointer_of(&self, to: TypeId, size: u32) -> TypeId {
        self.intern(Form::Plain, CType::Ptr { to, size })
    }

    /// Whether it is a pointer of a program of 32 bits.
    pub fn is_short_pointer(&self, id: TypeId) -> bool {
        matches!(self.entry(id).ctype, CType::Ptr { size, .. } if size < POINTER_SIZE)
    }

    /// `len` elements of type `elem`.
    pub fn array_of(&self, elem: TypeId, len: u64) -> TypeId {
        self.intern(Form::Plain, CType::Array { elem, len })
    }

    /// `const` of a type.
    pub fn const_of(&self, inner: TypeId) -> TypeId {
        self.intern(Form::Qualified(Qualifier::Const, inner), self.kind(inner))
    }

    fn base_int(&self, name: &str, size: u32, signed: bool) -> TypeId {
        let ctype = CType::Int { size, signed, is_char: false, is_bool: false };
        self.intern(Form::Base(name.into()), ctype)
    }

    /// `float`, `double` or `long double`, by its size in bytes.
    pub fn float_of(&self, size: u32) -> TypeId {
        match size {
            4 => self.float("float", size),
            8 => self.float("double", size),
            _ => self.float("long double", size),
        }
    }

    fn float(&self, name: &str, size: u32) -> TypeId {
        self.intern(Form::Base(name.into()), CType::Float { size })
    }

    /// One handle for each type of the same spelling that does not come from BTF.
    fn intern(&self, form: Form, ctype: CType) -> TypeId {
        let key = (form, ctype);
        if let Some(&id) = self.interned.borrow().get(&key) {
            return id;
        }
        let id = self.push(Slot::Ready(Rc::new(Entry::new(key.0.clone(), key.1.clone(), None))));
        self.interned.borrow_mut().insert(key, id);
        id
    }

    fn push(&self, slot: Slot) -> TypeId {
        let mut entries = self.entries.borrow_mut();
        // BTF ids are 32 bits and scripts are far smaller: the store cannot reach the limit.
        let id = TypeId(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        entries.push(slot);
        id
    }

    fn btfs(&self) -> Result<&RefCell<Vec<Rc<Btf>>>, TypeError> {
        let opened = self.btfs.get_or_init(|| {
            let loader = self.loader.borrow_mut().take();
            let btf = loader.map_or(Err(TypeError::NoBtf { reason: "none was given".into() }), |load| load());
            btf.map(|btf| RefCell::new(vec![btf]))
        });
        opened.as_ref().map_err(Clone::clone)
    }
}

impl Entry {
    fn new(form: Form, ctype: CType, home: Option<Home>) -> Self {
        Self { form, ctype, home, members: OnceCell::new(), values: OnceCell::new(), align: 0 }
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Types({} known)", self.entries.borrow().len())
    }
}
