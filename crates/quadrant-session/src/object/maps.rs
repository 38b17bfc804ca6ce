//! Creating an object's maps.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use quadrant_bpf::errno::Errno;
use quadrant_bpf::map::Map;
use quadrant_bpf::map::MapDetails;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::MapSpec;
use quadrant_bpf::map::Update;
use quadrant_bpf::map::flags;
use quadrant_bpf::object::MapObject;
use quadrant_object::DataKind;
use quadrant_object::DataSection;
use quadrant_object::InitialValue;
use quadrant_object::MapDef;
use quadrant_object::Object;
use quadrant_object::Sanitizing;
use quadrant_types::BtfKind;

use super::LoadedProgram;
use super::machine::Machine;
use crate::error::Error;

/// An object's types, loaded in the first form that this kernel takes. Without them most objects still run.
pub(super) fn load_types(object: &Object, notes: &mut Vec<String>) -> Option<OwnedFd> {
    let mut refused = None;
    for level in Sanitizing::ALL {
        match quadrant_bpf::btf::load(&object.btf_for_kernel(level)?) {
            Ok(types) => return Some(types),
            Err(error) => refused = Some(error),
        }
    }
    notes.extend(refused.map(|error| format!("this kernel refuses the object's types: {error}")));
    None
}

/// Create all maps of an object, empty. If that is tolerated, those that the kernel refuses are left out of it.
///
/// # Errors
/// What the kernel refused, and why.
pub(super) fn create_all(
    object: &mut Object,
    notes: &mut Vec<String>,
    types: Option<&OwnedFd>,
    machine: &Machine,
    tolerant: bool,
) -> Result<Vec<Map>, Error> {
    object.maps.iter_mut().for_each(|def| complete(def, notes));
    let mut maps = Vec::new();
    while let Some(def) = object.maps.get(maps.len()) {
        match create(def, types).map_err(|error| explained(error, def, machine)) {
            Ok(map) => maps.push(map),
            Err(error) if tolerant && is_refusal(&error) => {
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default();
                notes.push(format!("left out the map `{}`: {why}", def.name));
                object.leave_out_map(maps.len(), format!("this kernel refuses the map: {why}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(maps)
}

/// Whether the kernel does not have such a map; who may make none gets none.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Kernel(error) if !error.errno().is_some_and(Errno::is_denied))
}

/// The kernel's answer is the same for a kind that it does not have and for anything wrong with a map.
fn explained(error: Error, def: &MapDef, machine: &Machine) -> Error {
    match error {
        Error::Kernel(error) if error.errno().is_some_and(Errno::is_invalid) && lacks(machine, def.kind) => {
            Error::Kernel(error.because("this kernel has no maps of that kind"))
        }
        error => error,
    }
}

/// Whether the kernel's own types do not name that kind of map.
fn lacks(machine: &Machine, kind: u32) -> bool {
    let Some(found) = machine.find("bpf_map_type", BtfKind::Enum) else { return false };
    // The name behind the last kind is a count.
    let kinds = found.btf.enumerators(found.id).filter(|(name, _)| !name.starts_with("__"));
    !kinds.map(|(_, number)| number).any(|number| number == i64::from(kind))
}

/// Sizes that an object leaves to its own loader.
fn complete(def: &mut MapDef, notes: &mut Vec<String>) {
    const ENTRIES: u32 = 10_240;
    /// Frames of 8 bytes, as many as the kernel takes unless told otherwise.
    const STACK: u32 = 127 * 8;
    /// Where programs take an arena to be, if the object does not say: nothing is mapped there, because nobody else looks into it.
    const ARENA: u64 = 1 << 44;
    let Some(kind) = MapKind::from_number(def.kind) else { return };
    let chosen =
        matches!(kind, MapKind::PerfEventArray | MapKind::RingBuffer | MapKind::UserRingBuffer | MapKind::Arena);
    if kind == MapKind::Arena && def.extra == 0 {
        def.extra = ARENA;
    }
    if kind == MapKind::StackTrace && def.value_size == 0 {
        def.value_size = STACK;
    }
    if def.max_entries == 0 && !chosen && !kind.is_storage() {
        def.max_entries = ENTRIES;
        let name = &def.name;
        notes.push(format!(
            "the map `{name}` has {ENTRIES} entries: the object leaves it open (--set {name}.max_entries=N)"
        ));
    }
}

fn create(def: &MapDef, types: Option<&OwnedFd>) -> Result<Map, Error> {
    let spec = spec(def)?;
    if def.pinned {
        return pinned(def, &spec, types);
    }
    create_new(def, &spec, types)
}

fn create_new(def: &MapDef, spec: &MapSpec, types: Option<&OwnedFd>) -> Result<Map, Error> {
    let inner = def.inner.as_deref().map(|inner| create(inner, types)).transpose()?;
    let has_types = takes_types(spec.kind) && (def.key_type != 0 || def.value_type != 0);
    let types = types.filter(|_| has_types).map(|types| (types.as_fd(), def.key_type, def.value_type));
    let details = MapDetails { types, inner: inner.as_ref(), numa_node: def.numa_node, extra: def.extra };
    match Map::create_with(spec, &details) {
        // Some kinds take no types on some kernels; those that cannot do without are refused again.
        Err(_) if types.is_some() && !spec.kind.is_storage() => {
            Ok(Map::create_with(spec, &MapDetails { types: None, ..details })?)
        }
        created => Ok(created?),
    }
}

/// Where maps are pinned that ask for it, as libbpf does.
const PINS: &str = "/sys/fs/bpf";

/// A map that is shared by its name: the one that is there, or a new one that stays.
fn pinned(def: &MapDef, spec: &MapSpec, types: Option<&OwnedFd>) -> Result<Map, Error> {
    let path = format!("{PINS}/{}", def.name);
    let c_path = std::ffi::CString::new(path.as_str()).map_err(|_| Error::Object {
        message: format!("the name of the map {:?} cannot be pinned", def.name),
        help: Vec::new(),
    })?;
    if let Ok(existing) = quadrant_bpf::object::open_pinned(&c_path) {
        check_pinned(spec, &MapObject::of(existing.as_fd())?, &path)?;
        return Ok(Map::adopt(existing, spec)?);
    }
    let map = create_new(def, spec, types)?;
    quadrant_bpf::object::pin(map.as_fd(), &c_path).map_err(|error| {
        error.with_hint(format!("the map asks to be shared: `mount -t bpf bpf {PINS}`, then remove {path} when done"))
    })?;
    Ok(map)
}

/// Whether a map that is there already is as the object wants it: another one, or a smaller one, would not work, and not say so.
fn check_pinned(spec: &MapSpec, there: &MapObject, path: &str) -> Result<(), Error> {
    let kind = |number| quadrant_bpf::object::map_kind_name(number).map_or_else(|| number.to_string(), str::to_owned);
    let bytes = |what: &str, there: u32, wanted: u32| (format!("{what} of {there} bytes"), format!("of {wanted}"));
    let (has, wants) = match () {
        () if there.kind != spec.kind as u32 => (format!("kind {}", kind(there.kind)), kind(spec.kind as u32)),
        () if there.key_size != spec.key_size => bytes("keys", there.key_size, spec.key_size),
        () if there.value_size != spec.value_size => bytes("values", there.value_size, spec.value_size),
        () if !is_size(there.max_entries, spec)? => {
            (format!("max_entries {}", there.max_entries), spec.max_entries.to_string())
        }
        () if stays(there.flags) != stays(spec.flags) => {
            (format!("flags {:#x}", stays(there.flags)), format!("{:#x}", stays(spec.flags)))
        }
        () => return Ok(()),
    };
    let message = format!("cannot share the map `{}`: that at {path} has {has}, the object's {wants}", spec.name);
    Err(Error::Object { message, help: vec![format!("if nobody needs it any more, remove it: `rm {path}`")] })
}

/// Whether a map may have been made with so many entries: the kernel gives some kinds a few more or less, the same for each processor.
fn is_size(entries: u32, spec: &MapSpec) -> Result<bool, Error> {
    let slack = match spec.kind {
        MapKind::LruHash | MapKind::LruPercpuHash => quadrant_bpf::cpus::possible_count()? as u32,
        _ => 1,
    };
    Ok(entries.abs_diff(spec.max_entries) < slack)
}

/// The flags that the kernel keeps: not those of a descriptor, nor that a memory node was named.
fn stays(flags: u32) -> u32 {
    const NUMA_NODE_OR_OWN_ACCESS: u32 = 1 << 2 | 1 << 3 | 1 << 4;
    flags & !NUMA_NODE_OR_OWN_ACCESS
}

fn spec(def: &MapDef) -> Result<MapSpec, Error> {
    let kind = MapKind::from_number(def.kind).ok_or_else(|| Error::Object {
        message: format!(
            "the map `{}` is of kind {}, which is not supported: it is none of tracing",
            def.name, def.kind
        ),
        help: Vec::new(),
    })?;
    let max_entries = match kind {
        MapKind::PerfEventArray if def.max_entries == 0 => quadrant_bpf::cpus::possible_count()? as u32,
        MapKind::RingBuffer | MapKind::UserRingBuffer => {
            let page = rustix::param::page_size() as u32;
            def.max_entries.max(page).checked_next_power_of_two().unwrap_or(def.max_entries)
        }
        _ => def.max_entries,
    };
    let (key_size, value_size) = match kind {
        MapKind::PerfEventArray | MapKind::ProgArray | MapKind::CgroupArray if def.key_size == 0 => (4, 4),
        MapKind::ArrayOfMaps | MapKind::HashOfMaps if def.key_size == 0 => (4, 4),
        _ => (def.key_size, def.value_size),
    };
    Ok(MapSpec { kind, key_size, value_size, max_entries, flags: def.flags, name: def.name.clone() })
}

/// The kernel refuses types for these.
fn takes_types(kind: MapKind) -> bool {
    use MapKind::*;
    !matches!(
        kind,
        PerfEventArray | CgroupArray | StackTrace | ArrayOfMaps | HashOfMaps | ProgArray | RingBuffer | UserRingBuffer
    )
}

/// A section of variables: one value that programs address directly.
///
/// # Errors
/// What the kernel refused, and why.
pub(super) fn create_data(data: &DataSection, types: Option<&OwnedFd>) -> Result<Map, Error> {
    let constant = matches!(data.kind, DataKind::Rodata | DataKind::Kconfig);
    let protection = if constant { flags::RDONLY_PROG } else { 0 };
    let spec = MapSpec::new(MapKind::Array, 4, data.bytes.len() as u32, 1);
    let spec = spec.with_flags(flags::MMAPABLE | protection).with_name(data.name.clone());
    let typed = types.zip(data.ty).map(|(types, ty)| (types.as_fd(), 0, ty));
    let map = match Map::create_with(&spec, &MapDetails { types: typed, ..MapDetails::default() }) {
        Err(_) if typed.is_some() => Map::create(&spec)?,
        created => created?,
    };
    map.update(&0_u32.to_ne_bytes(), &data.bytes, Update::Any)?;
    if constant {
        map.freeze()?;
    }
    Ok(map)
}

/// Put maps and programs into the maps that shall hold them from the start.
///
/// # Errors
/// There is no such map or program, unless that is tolerated, or the kernel refused.
pub(super) fn fill(
    object: &Object,
    maps: &[Map],
    programs: &[LoadedProgram],
    notes: &mut Vec<String>,
    tolerant: bool,
) -> Result<(), Error> {
    for (def, map) in object.maps.iter().zip(maps) {
        for (slot, value) in &def.values {
            let name = match value {
                InitialValue::Map(name) | InitialValue::Program(name) => name,
            };
            let fd = match value {
                InitialValue::Map(_) => object.maps.iter().position(|def| def.name == *name).map(|at| maps[at].as_fd()),
                InitialValue::Program(_) => {
                    let mut loaded = programs.iter();
                    loaded.find(|program| object.programs[program.index].name == *name).map(|it| it.program.as_fd())
                }
            };
            let missing = || format!("the map `{}` shall hold `{name}`, which was not loaded", def.name);
            match fd {
                Some(fd) => map.update_fd(&slot.to_ne_bytes(), fd)?,
                None if tolerant => notes.push(missing()),
                None => return Err(Error::Object { message: missing(), help: Vec::new() }),
            }
        }
    }
    Ok(())
}
