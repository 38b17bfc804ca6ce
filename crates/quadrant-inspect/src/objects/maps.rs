//! Maps: the list, and one opened with its types.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};

use quadrant_bpf::Result;
use quadrant_bpf::map::{self, Map, MapKind};
use quadrant_bpf::object::{self, BtfObject, MapObject, ObjectKind, ProgramObject};
use quadrant_types::Btf;

use super::{Held, Holders, Listing, find};
use crate::active::Notes;
use crate::active::objects;
use crate::active::processes::Handle;

/// A map of the list.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// What the kernel says.
    pub object: MapObject,
    /// Bytes of kernel memory that it takes, as the kernel accounts them; `None` where it does not say.
    pub memory: Option<u64>,
    /// Entries in it now; `None` of kinds whose entries are all there, or cannot be counted, and of large ones.
    pub entries: Option<u64>,
    /// Numbers of the programs that use it.
    pub programs: Vec<u32>,
    /// Who holds it besides programs.
    pub holders: Holders,
}

/// Bytes of a name that the kernel keeps.
const NAME_MAX: usize = 15;
/// Maps whose entries could take more bytes are not counted for a list.
const CHEAP: u64 = 16 << 20;

/// All maps.
pub fn maps() -> Listing<MapEntry> {
    let mut notes = Notes::default();
    let held = Held::scan(&mut notes);
    let programs = objects(ObjectKind::Program, |fd| ProgramObject::of(fd.as_fd()), &mut notes);
    let mut entries = objects(ObjectKind::Map, entry, &mut notes);
    for entry in &mut entries {
        let id = entry.object.id;
        entry.holders = held.holders(Handle::Map(id));
        let users = programs.iter().filter(|program| program.maps.contains(&id));
        entry.programs = users.map(|program| program.id).collect();
    }
    Listing { objects: entries, notes: notes.notes }
}

fn entry(fd: &OwnedFd) -> Result<MapEntry> {
    let object = MapObject::of(fd.as_fd())?;
    let memory = map::memory(fd.as_fd());
    let entries = fd.try_clone().ok().and_then(|fd| count(&object, fd));
    Ok(MapEntry { object, memory, entries, programs: Vec::new(), holders: Holders::default() })
}

/// Entries of a hash, if it is cheap to walk. One that may not be read is not counted.
fn count(object: &MapObject, fd: OwnedFd) -> Option<u64> {
    use MapKind::*;
    let spec = object.spec()?;
    let has_absent =
        matches!(spec.kind, Hash | PercpuHash | LruHash | LruPercpuHash | LpmTrie | HashOfMaps | StackTrace);
    let map = has_absent.then(|| Map::adopt(fd, &spec).ok()).flatten()?;
    let bytes = u64::from(spec.max_entries) * (u64::from(spec.key_size) + map.value_len() as u64);
    if bytes > CHEAP {
        return None;
    }
    Some(map.snapshot().ok()?.len() as u64)
}

/// A map to look into.
#[derive(Debug)]
pub struct OpenMap {
    /// What the kernel says.
    pub object: MapObject,
    /// The map; `None` for kinds that tracing does not use.
    pub map: Option<Map>,
    /// Its types, if it has any and they can be read.
    pub btf: Option<Btf>,
    /// Of a script's map, that of its keys that came first.
    pub first: Option<(First, Map)>,
}

/// What the tracer keeps in front of a script's map.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// On each CPU a table of an aggregation's keys.
    Front,
    /// Slots for keys whose entries stay.
    Slots,
}

/// Opens a map; `None` if there is none of that number, or no more.
pub fn open_map(id: u32) -> Result<Option<OpenMap>> {
    let Some(fd) = object::open(ObjectKind::Map, id)? else { return Ok(None) };
    let object = MapObject::of(fd.as_fd())?;
    let map = object.spec().map(|spec| Map::adopt(fd, &spec)).transpose()?;
    let btf = if object.btf_id == 0 { None } else { types(object.btf_id)? };
    let first = first(&object)?;
    Ok(Some(OpenMap { object, map, btf, first }))
}

/// The map in front of one of a script: the next one that its programs use, and has its name behind `FRONT_` or `FIRST_`, for `AT_`.
fn first(object: &MapObject) -> Result<Option<(First, Map)>> {
    let Some(name) = object.name.strip_prefix(b"AT_") else { return Ok(None) };
    let programs = objects(ObjectKind::Program, |fd| ProgramObject::of(fd.as_fd()), &mut Notes::default());
    let of_it = programs.into_iter().filter(|program| program.maps.contains(&object.id));
    let behind: BTreeSet<u32> = of_it.flat_map(|program| program.maps).filter(|id| *id > object.id).collect();
    for id in behind {
        let Some(fd) = object::open(ObjectKind::Map, id)? else { continue };
        let other = MapObject::of(fd.as_fd())?;
        let kinds = [(First::Front, &b"FRONT_"[..]), (First::Slots, b"FIRST_")];
        let named = |prefix: &[u8]| [prefix, &name[..name.len().min(NAME_MAX - prefix.len())]].concat();
        let kind = kinds.into_iter().find(|(_, prefix)| other.name == named(prefix));
        if let (Some((kind, _)), Some(spec)) = (kind, other.spec()) {
            return Ok(Some((kind, Map::adopt(fd, &spec)?)));
        }
    }
    Ok(None)
}

/// Types that a process loaded; what maps are made with is never the kernel's own.
fn types(id: u32) -> Result<Option<Btf>> {
    let Some(fd) = object::open(ObjectKind::Btf, id)? else { return Ok(None) };
    let content = BtfObject::of(fd.as_fd())?.content(fd.as_fd())?;
    Ok(Btf::new(content).ok())
}

/// The maps of a number or a name; several can have the same name.
///
/// # Errors
/// Those of asking the kernel.
pub fn find_maps(wanted: &str) -> Result<Vec<MapObject>> {
    let is_called = |map: &MapObject| map.name == wanted.as_bytes();
    Ok(find(ObjectKind::Map, wanted, |fd| MapObject::of(fd.as_fd()), is_called)?
        .into_iter()
        .map(|(map, _)| map)
        .collect())
}
