//! Creating maps, and loading the programs that use them.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use quadrant_bpf::map::Map;
use quadrant_bpf::map::MapDetails;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::MapSpec;
use quadrant_bpf::map::MappedArray;
use quadrant_bpf::map::Update;
use quadrant_bpf::threads::side_by_side;
use quadrant_codegen::object::Group;
use quadrant_codegen::object::MapDef;
use quadrant_codegen::object::MapRole;
use quadrant_codegen::object::Object;
use quadrant_program::Program;
use quadrant_program::map::MapId;

use crate::error::Error;
use crate::kernel::Kernel;
use crate::map_types::MapTypes;
use crate::object::imports::Content;
use crate::plan::Planned;
use crate::programs;
use crate::source::Source;

/// Create an object's maps and load its programs.
///
/// # Errors
/// What the kernel refused, and why.
pub(crate) fn load(
    program: &Program,
    units: &[Planned],
    object: Object,
    source: Option<Source>,
    contents: &[Content],
) -> Result<Kernel, Error> {
    let maps = create_all(program, &object)?;
    contents.iter().try_for_each(|content| fill(&maps[content.map], content))?;
    let section = section(&object, &maps)?;
    let (programs, left_out) = programs::load(program, units, &object.programs, &maps, source)?;
    Ok(Kernel {
        roles: object.maps.iter().map(|def| def.role).collect(),
        maps,
        programs,
        left_out,
        section,
        data: object.data,
        cpus: quadrant_bpf::cpus::possible_count()?,
        shown: crate::take::Shown::default(),
    })
}

/// Puts the first value of a file's variables into their map.
fn fill(map: &Map, content: &Content) -> Result<(), Error> {
    map.update(&0_u32.to_ne_bytes(), &content.bytes, Update::Any)?;
    if content.constant {
        map.freeze()?;
    }
    Ok(())
}

/// All maps, with the types of what they hold where this kernel takes them.
fn create_all(program: &Program, object: &Object) -> Result<Vec<Map>, Error> {
    let mut types = MapTypes::default();
    let ids: Vec<_> = object.maps.iter().map(|def| types.of(program, &object.data, def)).collect();
    // Whoever looks at the maps then sees bytes: no reason to refuse the script.
    let types = ids.iter().any(Option::is_some).then(|| types.btf.load().ok()).flatten();
    let mut maps = Vec::new();
    for (at, (def, ids)) in object.maps.iter().zip(ids).enumerate() {
        maps.push(match object.groups.iter().find(|group| group.outer == at) {
            Some(group) => create_outer(&spec(program, def)?, group, &maps)?,
            None => create(program, def, types.as_ref().zip(ids))?,
        });
    }
    Ok(maps)
}

/// A map in which others stand.
fn create_outer(spec: &MapSpec, group: &Group, maps: &[Map]) -> Result<Map, Error> {
    let outer = Map::create_of_maps(spec, &maps[group.members[0]])?;
    // After each the kernel waits, 15 ms or more, until no program can be in a map that stood there before.
    let members = (0_u32..).zip(&group.members).collect();
    let put = |(index, member): (u32, &usize)| outer.update_fd(&index.to_ne_bytes(), maps[*member].as_fd());
    side_by_side(members, put).into_iter().collect::<Result<(), _>>()?;
    Ok(outer)
}

fn spec(program: &Program, def: &MapDef) -> Result<MapSpec, Error> {
    let kind = map_kind(def.kind).ok_or_else(|| {
        let why = format!("unknown map type {}", def.kind);
        Error::Kernel(quadrant_bpf::Error::new("cannot create a map", why))
    })?;
    Ok(MapSpec {
        kind,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        flags: def.flags,
        name: map_name(program, def.role),
    })
}

fn create(program: &Program, def: &MapDef, types: Option<(&OwnedFd, (u32, u32))>) -> Result<Map, Error> {
    let spec = spec(program, def)?;
    if let Some((types, (key, value))) = types {
        let details = MapDetails { types: Some((types.as_fd(), key, value)), ..MapDetails::default() };
        if let Ok(map) = Map::create_with(&spec, &details) {
            return Ok(map);
        }
    }
    Ok(Map::create(&spec)?)
}

/// The kind by its number, if it is one that programs of scripts use.
pub(crate) fn map_kind(kind: u32) -> Option<MapKind> {
    use MapKind::*;
    let all = [Hash, Array, PerfEventArray, PercpuHash, PercpuArray, StackTrace, LruHash, LruPercpuHash, RingBuffer];
    let others = [ArrayOfMaps, LpmTrie, Queue, Stack, BloomFilter];
    all.into_iter().chain(others).find(|known| *known as u32 == kind)
}

/// For those who list maps with other tools.
fn map_name(program: &Program, role: MapRole) -> String {
    match role {
        MapRole::Data => "q_data".to_owned(),
        MapRole::Scratch => "q_scratch".to_owned(),
        MapRole::Records => "q_records".to_owned(),
        MapRole::Packets => "q_packets".to_owned(),
        MapRole::Cells => "q_aggregations".to_owned(),
        MapRole::Group => "q_maps".to_owned(),
        MapRole::Stacks { .. } => "q_stacks".to_owned(),
        MapRole::ShortStacks { .. } => "q_short_stacks".to_owned(),
        MapRole::Import(file, map) => format!("q_c{file}_{map}"),
        MapRole::Script(id) | MapRole::Short(id) => format!("AT_{}", plain_name(program, id)),
        MapRole::Slots(id) => format!("FIRST_{}", plain_name(program, id)),
        MapRole::Front(id) => format!("FRONT_{}", plain_name(program, id)),
        MapRole::Overflow(id) => format!("MORE_{}", plain_name(program, id)),
    }
}

/// A map's name in the script, as far as the kernel takes it.
fn plain_name(program: &Program, id: MapId) -> String {
    let name = program.maps[id.0 as usize].name.trim_start_matches('@');
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn section(object: &Object, maps: &[Map]) -> Result<Option<MappedArray>, Error> {
    let Some(index) = object.maps.iter().position(|def| def.role == MapRole::Data) else {
        return Ok(None);
    };
    let section = MappedArray::new(&maps[index])?;
    for (offset, bytes) in &object.data.init {
        section.write_bytes(*offset as usize, bytes)?;
    }
    Ok(Some(section))
}
