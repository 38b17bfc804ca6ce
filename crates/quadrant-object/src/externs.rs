//! Symbols that are not in the object: the kernel's configuration, variables and functions.

use quadrant_types::{Btf, BtfKind};

use crate::data::{DataKind, DataSection, Variable, datasec};
use crate::elf::Elf;
use crate::error::{Error, Result};

/// A symbol that the loader has to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extern {
    /// Its name, as the object has it.
    pub name: String,
    /// It may be missing: it is 0 then.
    pub weak: bool,
    /// What it is.
    pub kind: ExternKind,
    /// Index of its symbol.
    pub(crate) symbol: usize,
}

/// What an external symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternKind {
    /// An option of the kernel's configuration (`__kconfig`), at that place of the section `.kconfig`.
    Kconfig {
        /// Id of its type.
        ty: u32,
        /// Bytes.
        size: u32,
        /// Bytes from the start of the section.
        offset: u32,
    },
    /// A variable of the kernel with a type (`__ksym`): programs read it directly.
    Variable {
        /// Id of its type.
        ty: u32,
    },
    /// Whatever has that name: programs get its address (`extern const void x __ksym`).
    Address,
    /// A function of the kernel (`__ksym`).
    Function {
        /// Id of its FUNC_PROTO.
        prototype: u32,
    },
}

/// A name without the flavour that sets definitions of several kernels apart: `task_struct` for `task_struct___old`.
pub fn essential_name(name: &str) -> &str {
    match name.rfind("___") {
        Some(at) if at > 0 && !name[..at].ends_with('_') && at + 3 < name.len() => &name[..at],
        _ => name,
    }
}

/// All external symbols, and the section `.kconfig` if there is one.
pub(crate) fn externs(elf: &Elf<'_>, btf: Option<&Btf>) -> Result<(Vec<Extern>, Option<DataSection>)> {
    let mut found = Vec::new();
    let mut config = Layout::default();
    for (index, symbol) in elf.symbols.iter().enumerate() {
        if symbol.section.is_some() || symbol.name.is_empty() || symbol.is_local {
            continue;
        }
        let bad = |why: &str| Error::new(format!("cannot use the external symbol `{}`", symbol.name), why);
        let btf = btf.ok_or_else(|| bad("no types say what it is: compile with -g"))?;
        let (section, id) = declaration(btf, symbol.name).ok_or_else(|| {
            bad("it is undefined: neither marked __kconfig nor __ksym, nor defined in the object; if another one defines it, link them \
                 with `bpftool gen object`")
        })?;
        let kind = match (section, btf.kind(id)) {
            (Section::Kconfig, Some(BtfKind::Var)) => config.add(btf, symbol.name, id)?,
            (Section::Ksyms, Some(BtfKind::Func)) => ExternKind::Function { prototype: btf.size_or_type(id) },
            (Section::Ksyms, Some(BtfKind::Var)) => variable(btf, id),
            _ => return Err(bad("its type does not fit its section")),
        };
        found.push(Extern { name: symbol.name.to_owned(), weak: symbol.is_weak, kind, symbol: index });
    }
    Ok((found, config.section()))
}

#[derive(Clone, Copy)]
enum Section {
    Kconfig,
    Ksyms,
}

/// The VAR or FUNC of that name, and the section that it is declared in.
fn declaration(btf: &Btf, name: &str) -> Option<(Section, u32)> {
    let within = |section, called| {
        let ids = datasec(btf, called).into_iter().flat_map(|id| btf.variables(id));
        ids.map(|variable| variable.id).find(|id| btf.name(*id) == name).map(|id| (section, id))
    };
    within(Section::Kconfig, ".kconfig").or_else(|| within(Section::Ksyms, ".ksyms"))
}

fn variable(btf: &Btf, id: u32) -> ExternKind {
    let ty = btf.size_or_type(id);
    if btf.resolve(ty) == 0 { ExternKind::Address } else { ExternKind::Variable { ty } }
}

/// Places the options one after another.
#[derive(Default)]
struct Layout {
    end: u32,
    variables: Vec<Variable>,
}

impl Layout {
    fn add(&mut self, btf: &Btf, name: &str, id: u32) -> Result<ExternKind> {
        const MOST: u32 = 4096;
        let ty = btf.size_or_type(id);
        let bad = |why: &str| Error::new(format!("cannot use the option `{name}`"), why);
        let size = btf.size_of(ty).filter(|size| (1..=MOST).contains(size));
        let size = size.ok_or_else(|| bad("its type has no size, or a large one"))?;
        let is_array = btf.array(btf.resolve(ty)).is_some();
        let offset = if is_array { self.end } else { self.end.next_multiple_of(size.min(8)) };
        self.end = offset.checked_add(size).filter(|end| *end < 1 << 20).ok_or_else(|| bad("there are too many"))?;
        self.variables.push(Variable { name: name.to_owned(), ty, offset, size });
        Ok(ExternKind::Kconfig { ty, size, offset })
    }

    fn section(self) -> Option<DataSection> {
        let bytes = vec![0; self.end as usize];
        let Layout { variables, .. } = self;
        (!bytes.is_empty()).then(|| DataSection {
            name: ".kconfig".to_owned(),
            kind: DataKind::Kconfig,
            bytes,
            variables,
            ty: None,
            section: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours() {
        assert_eq!(essential_name("task_struct___x"), "task_struct");
        assert_eq!(essential_name("a___b___c"), "a___b");
        assert_eq!(essential_name("___x"), "___x");
        assert_eq!(essential_name("a___"), "a___");
        assert_eq!(essential_name("a____b"), "a____b");
        assert_eq!(essential_name("plain"), "plain");
    }
}
