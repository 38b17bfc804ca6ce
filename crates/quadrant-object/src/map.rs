//! Maps that an object defines: variables of the section `.maps` whose types say everything
//! (`struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); ... } m SEC(".maps")`).

use quadrant_types::{Btf, BtfKind};

use crate::data::{datasec, variables};
use crate::elf::Elf;
use crate::error::{Error, Result};

/// Inner maps of inner maps: the kernel allows none.
const MAX_NESTING: u32 = 2;
/// Slots of a map that an object may fill in.
const MAX_SLOTS: u64 = 1 << 16;

/// A map to create.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapDef {
    /// Its name.
    pub name: String,
    /// `enum bpf_map_type`.
    pub kind: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Capacity; 0 where the loader is to choose.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// The memory node that it shall be on.
    pub numa_node: Option<u32>,
    /// What it means depends on the kind.
    pub extra: u64,
    /// The loader shares it by its name: it is taken from there if it exists, and put there if not.
    pub pinned: bool,
    /// Id of the key's type; 0 if only its size is known.
    pub key_type: u32,
    /// Id of the value's type; 0 if only its size is known.
    pub value_type: u32,
    /// What the maps in it are like.
    pub inner: Option<Box<MapDef>>,
    /// What is in it before the programs run.
    pub values: Vec<(u32, InitialValue)>,
}

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitialValue {
    /// A map of the object, by its name.
    Map(String),
    /// A program of the object, by its name.
    Program(String),
}

/// The maps of an object.
pub(crate) fn maps(elf: &Elf<'_>, btf: Option<&Btf>) -> Result<Vec<Located>> {
    if elf.section("maps").is_some() {
        let why = "it defines maps in the old way (`SEC(\"maps\")`), which libbpf 1.0 has dropped, too; \
            define them with types in `SEC(\".maps\")`";
        return Err(Error::new("cannot use the object", why));
    }
    let Some((section, _)) = elf.section(".maps") else { return Ok(Vec::new()) };
    let btf = btf.ok_or_else(|| Error::malformed("it has maps but no types: compile it with -g"))?;
    let ty = datasec(btf, ".maps").ok_or_else(|| Error::malformed("no types describe the section .maps"))?;
    let mut found = Vec::new();
    for variable in variables(elf, section, btf, ty)? {
        let mut def = Reader { btf, name: &variable.name }.map(variable.ty, 0)?;
        def.values = values(elf, section, btf, &variable)?;
        found.push(Located { def, offset: variable.offset });
    }
    Ok(found)
}

/// A map, and where its variable is in the section.
pub(crate) struct Located {
    pub def: MapDef,
    pub offset: u32,
}

/// Reads the type of one definition.
struct Reader<'a> {
    btf: &'a Btf,
    name: &'a str,
}

impl Reader<'_> {
    fn map(&self, ty: u32, depth: u32) -> Result<MapDef> {
        let id = self.btf.resolve(ty);
        if self.btf.kind(id) != Some(BtfKind::Struct) {
            return Err(self.bad("its type is no struct"));
        }
        let mut def = MapDef { name: self.name.to_owned(), ..MapDef::default() };
        for member in self.btf.members(id) {
            self.member(&mut def, member.name, member.ty, depth)?;
        }
        if def.kind == 0 {
            return Err(self.bad("it has no type"));
        }
        Ok(def)
    }

    fn member(&self, def: &mut MapDef, name: &str, ty: u32, depth: u32) -> Result<()> {
        let number = || self.number(name, ty);
        let word = || number().and_then(|n| u32::try_from(n).map_err(|_| self.bad(format!("`{name}` is too large"))));
        match name {
            "type" => def.kind = word()?,
            "max_entries" => def.max_entries = word()?,
            "map_flags" => def.flags = word()?,
            "numa_node" => def.numa_node = Some(word()?),
            "map_extra" => def.extra = number()?,
            "key_size" => self.size(&mut def.key_size, word()?, name)?,
            "value_size" => self.size(&mut def.value_size, word()?, name)?,
            "pinning" => def.pinned = self.pinning(word()?)?,
            "key" => {
                def.key_type = self.pointee(name, ty)?;
                self.size(&mut def.key_size, self.size_of(name, def.key_type)?, name)?;
            }
            "value" => {
                def.value_type = self.pointee(name, ty)?;
                self.size(&mut def.value_size, self.size_of(name, def.value_type)?, name)?;
            }
            "values" => self.inner(def, ty, depth)?,
            // A loader that ignores what it does not know makes another map than was meant.
            _ => return Err(self.bad(format!("`{name}` is no attribute of a map"))),
        }
        Ok(())
    }

    /// `__uint(name, n)` is a pointer to an array of n elements; `__ulong(name, n)` an enumeration with that constant.
    fn number(&self, name: &str, ty: u32) -> Result<u64> {
        let id = self.btf.resolve(ty);
        match self.btf.kind(id) {
            Some(BtfKind::Ptr) => {
                let array = self.btf.array(self.btf.resolve(self.btf.size_or_type(id)));
                array.map(|(_, len)| len.into()).ok_or_else(|| self.bad(format!("`{name}` is no number")))
            }
            Some(BtfKind::Enum | BtfKind::Enum64) => {
                let value = self.btf.enumerators(id).next().map(|(_, value)| value as u64);
                value.ok_or_else(|| self.bad(format!("`{name}` is an enumeration without constants")))
            }
            _ => Err(self.bad(format!("`{name}` is no number: write `__uint({name}, ...)`"))),
        }
    }

    fn pointee(&self, name: &str, ty: u32) -> Result<u32> {
        let id = self.btf.resolve(ty);
        match self.btf.kind(id) {
            Some(BtfKind::Ptr) => Ok(self.btf.size_or_type(id)),
            _ => Err(self.bad(format!("`{name}` is no type: write `__type({name}, ...)`"))),
        }
    }

    fn size_of(&self, name: &str, ty: u32) -> Result<u32> {
        self.btf.size_of(ty).ok_or_else(|| self.bad(format!("the type of its {name} has no size")))
    }

    fn size(&self, place: &mut u32, size: u32, name: &str) -> Result<()> {
        if *place != 0 && *place != size {
            return Err(self.bad(format!("`{name}` says {size} bytes, and something else says {place}")));
        }
        *place = size;
        Ok(())
    }

    fn pinning(&self, value: u32) -> Result<bool> {
        match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.bad(format!("pinning {value} is not known"))),
        }
    }

    /// `__array(values, struct inner)` is an array of pointers to what is in the map.
    fn inner(&self, def: &mut MapDef, ty: u32, depth: u32) -> Result<()> {
        let (element, _) = self.btf.array(self.btf.resolve(ty)).ok_or_else(|| self.bad("`values` is no array"))?;
        let target = self.btf.resolve(self.pointee("values", element)?);
        // A pointer is what a descriptor stands for.
        def.value_size = 4;
        match self.btf.kind(target) {
            Some(BtfKind::FuncProto) => Ok(()),
            Some(BtfKind::Struct) if depth + 1 < MAX_NESTING => {
                let inner = self.map(target, depth + 1)?;
                def.inner = Some(Box::new(MapDef { name: format!("{}.inner", self.name), ..inner }));
                Ok(())
            }
            _ => Err(self.bad("`values` are neither maps nor programs")),
        }
    }

    fn bad(&self, why: impl Into<String>) -> Error {
        Error::new(format!("cannot use the map `{}`", self.name), why)
    }
}

/// `.values = { [3] = &other }`: relocations in the variable's memory, behind its other members.
fn values(
    elf: &Elf<'_>,
    section: usize,
    btf: &Btf,
    variable: &crate::data::Variable,
) -> Result<Vec<(u32, InitialValue)>> {
    let bad = |why: &str| Error::new(format!("cannot use the map `{}`", variable.name), why);
    let start = u64::from(variable.offset);
    // The array has no length of its own: the variable reaches as far as its symbol says.
    let symbol = elf.symbols.iter().find(|s| s.section == Some(section) && s.name == variable.name && s.value == start);
    let end = start.saturating_add(symbol.map_or(variable.size.into(), |symbol| symbol.size));
    let struct_id = btf.resolve(variable.ty);
    let first = btf.members(struct_id).find(|member| member.name == "values").map(|member| member.bit_offset / 8);
    let mut found = Vec::new();
    for relocation in elf.sections[section].relocations.iter().filter(|r| (start..end).contains(&r.offset)) {
        let first = first.ok_or_else(|| bad("it has initial values, but its type has none"))?;
        let slot = (relocation.offset - start).checked_sub(first.into()).map(|bytes| bytes / 8);
        let slot = slot.filter(|slot| *slot < MAX_SLOTS).ok_or_else(|| bad("an initial value is in no slot"))?;
        let target = elf.symbols.get(relocation.symbol).ok_or_else(|| bad("an initial value is no symbol"))?;
        let name = target.name.to_owned();
        let is_map = target.section == Some(section);
        found.push((slot as u32, if is_map { InitialValue::Map(name) } else { InitialValue::Program(name) }));
    }
    Ok(found)
}
