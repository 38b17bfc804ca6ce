//! Global variables: the sections that they are in, each one map with one value.

use quadrant_types::{Btf, BtfKind};

use crate::elf::{Elf, Section};
use crate::error::{Error, Result};

/// What programs may do with a section's variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// `.data`: read and write.
    Data,
    /// `.rodata`: read; the verifier knows the values.
    Rodata,
    /// `.bss`: read and write, zero at first.
    Bss,
    /// `.kconfig`: read; the loader fills it in from the kernel's configuration.
    Kconfig,
}

/// A section of variables.
#[derive(Debug, Clone)]
pub struct DataSection {
    /// Its name, such as `.data.config`.
    pub name: String,
    /// Its kind.
    pub kind: DataKind,
    /// What is in it before the programs run.
    pub bytes: Vec<u8>,
    /// Its variables by their places, if types tell them.
    pub variables: Vec<Variable>,
    /// Id of its DATASEC.
    pub ty: Option<u32>,
    /// Its index in the file; `None` for one that the file does not have.
    pub(crate) section: Option<usize>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Id of its type.
    pub ty: u32,
    /// Bytes from the start of the section.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
}

/// Sections that hold variables, in the file's order.
pub(crate) fn sections(elf: &Elf<'_>, btf: Option<&Btf>) -> Result<Vec<DataSection>> {
    let mut found = Vec::new();
    for (index, section) in elf.sections.iter().enumerate() {
        if let Some(kind) = kind(section).filter(|_| section.size > 0) {
            found.push(read(elf, index, kind, btf)?);
        }
    }
    Ok(found)
}

fn kind(section: &Section<'_>) -> Option<DataKind> {
    let is =
        |name: &str| section.name == name || section.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    match () {
        () if !section.is_allocated || section.is_code => None,
        () if is(".rodata") => Some(DataKind::Rodata),
        () if is(".data") => Some(DataKind::Data),
        () if is(".bss") => Some(DataKind::Bss),
        () => None,
    }
}

fn read(elf: &Elf<'_>, index: usize, kind: DataKind, btf: Option<&Btf>) -> Result<DataSection> {
    let section = &elf.sections[index];
    let bytes = if section.is_zero { vec![0; section.size as usize] } else { section.data.to_vec() };
    let ty = btf.and_then(|btf| datasec(btf, section.name));
    let variables = match (btf, ty) {
        (Some(btf), Some(ty)) => variables(elf, index, btf, ty)?,
        _ => Vec::new(),
    };
    Ok(DataSection { name: section.name.to_owned(), kind, bytes, variables, ty, section: Some(index) })
}

/// The DATASEC of that name.
pub(crate) fn datasec(btf: &Btf, name: &str) -> Option<u32> {
    btf.iter().find(|(_, kind, found)| *kind == BtfKind::Datasec && *found == name).map(|(id, ..)| id)
}

/// Types name the variables, symbols say where they are: static ones of the same name have one symbol each, in the same order.
pub(crate) fn variables(elf: &Elf<'_>, section: usize, btf: &Btf, datasec: u32) -> Result<Vec<Variable>> {
    let mut found: Vec<Variable> = Vec::new();
    for variable in btf.variables(datasec) {
        let name = btf.name(variable.id);
        let taken = |offset: u64| found.iter().any(|other| u64::from(other.offset) == offset && other.name == name);
        let place = elf
            .symbols
            .iter()
            .find(|symbol| symbol.section == Some(section) && symbol.name == name && !taken(symbol.value));
        let offset = place.map_or(u64::from(variable.offset), |symbol| symbol.value);
        let size = btf.size_of(variable.id).unwrap_or(variable.size);
        let end = offset.saturating_add(size.into());
        let offset = u32::try_from(offset).ok().filter(|_| end <= elf.sections[section].size);
        let offset = offset.ok_or_else(|| Error::malformed(format!("the variable `{name}` is outside its section")))?;
        found.push(Variable { name: name.to_owned(), ty: btf.size_or_type(variable.id), offset, size });
    }
    found.sort_by_key(|variable| variable.offset);
    Ok(found)
}
