//! The kernel's side of a trace: maps and programs, and reading them.

use std::collections::HashSet;

use quadrant_bpf::map::Map;
use quadrant_bpf::map::MappedArray;
use quadrant_codegen::front;
use quadrant_codegen::front::Shape;
use quadrant_codegen::object::Data;
use quadrant_codegen::object::MapRole;
use quadrant_codegen::object::SKIP_STRIDE;
use quadrant_program::Program;
use quadrant_program::layout;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::probe::Site;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::StackType;

use crate::error::Error;
use crate::gather::Gather;
use crate::gather::words;
use crate::ledger::Ledger;
use crate::plan::Planned;
use crate::programs::Loaded;
use crate::refused::LeftOut;
use crate::take::Shown;

/// Loaded maps and programs.
pub struct Kernel {
    pub(crate) roles: Vec<MapRole>,
    pub(crate) maps: Vec<Map>,
    pub(crate) programs: Vec<Loaded>,
    /// Points of wildcards that have no program.
    pub(crate) left_out: Vec<LeftOut>,
    /// The data section, mapped; `None` when the script needs none.
    pub(crate) section: Option<MappedArray>,
    pub(crate) data: Data,
    pub(crate) cpus: usize,
    /// What takes have shown already.
    pub(crate) shown: Shown,
}

impl Kernel {
    /// The map with a role.
    pub(crate) fn map(&self, role: MapRole) -> Option<&Map> {
        self.roles.iter().position(|r| *r == role).map(|index| &self.maps[index])
    }

    /// The map that an aggregation without keys shares with others, and its key there.
    pub(crate) fn cell(&self, id: MapId) -> Option<(&Map, [u8; 4])> {
        let (map, key) = self.data.cell(id)?;
        Some((&self.maps[map], key))
    }

    /// The addresses of a stored stack.
    pub(crate) fn stack(&self, kind: StackType, id: u32) -> Vec<u64> {
        let kept = |role| {
            let map = self.map(role)?;
            let mut frames = vec![0; map.value_len()];
            map.lookup(&id.to_ne_bytes(), &mut frames).is_ok_and(|found| found).then_some(frames)
        };
        stack_maps(kind, id).find_map(kept).map(|frames| addresses(&frames)).unwrap_or_default()
    }

    /// A word of the data section; 0 when there is none.
    pub(crate) fn word(&self, offset: u32) -> u64 {
        self.section.as_ref().and_then(|section| section.read_u64(offset as usize).ok()).unwrap_or(0)
    }

    /// The status of exit(), once a program has called it, whether its record arrives or not; 0 where it is not a constant.
    pub(crate) fn stopped(&self) -> Option<i32> {
        let flag = self.data.exit_flag.map_or(0, |offset| self.word(offset));
        (flag != 0).then_some((flag >> 32) as i32)
    }

    pub(crate) fn set_word(&self, offset: u32, value: u64) -> Result<(), Error> {
        self.section.as_ref().map_or(Ok(()), |section| Ok(section.write_u64(offset as usize, value)?))
    }

    /// Run the programs at some of the points that the tracer runs itself, in the order of the script.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn run(&self, program: &Program, units: &[Planned], is: impl Fn(&Site) -> bool) -> Result<(), Error> {
        for loaded in &self.programs {
            let point = units[loaded.unit].unit.points[loaded.first];
            if is(&program.points[point.0 as usize].site) {
                loaded.run()?;
            }
        }
        Ok(())
    }

    /// From now on one in so many firings counts, where programs can leave some out.
    pub(crate) fn sample(&self, every: u32) -> Result<(), Error> {
        let mask = u64::from(every.saturating_sub(1));
        self.data.sampling.as_ref().map_or(Ok(()), |sampling| self.set_word(sampling.mask, mask))
    }

    /// Losses that the programs counted.
    pub(crate) fn losses(&self) -> Ledger {
        let mut ledger = Ledger::counted(&self.data, |offset| self.word(offset));
        let sampling = self.data.sampling.iter().flat_map(|sampling| &sampling.skipped);
        let skipped = sampling.map(|(loss, at)| (*loss, self.skipped(*at)));
        ledger.losses.extend(skipped.filter(|(_, count)| *count > 0));
        ledger
    }

    /// The sum over all CPUs.
    fn skipped(&self, at: u32) -> u64 {
        (0..self.cpus as u32).map(|cpu| self.word(at + cpu * SKIP_STRIDE)).sum()
    }
}

/// The maps that a stored stack may be in, by its number; none if it was lost. A short one is in either, or in both.
pub(crate) fn stack_maps(kind: StackType, id: u32) -> impl Iterator<Item = MapRole> {
    let limit = kind.limit;
    let is_short = id & layout::STACK_IS_SHORT != 0;
    let short = is_short.then_some(MapRole::ShortStacks { limit });
    let maps = short.into_iter().chain([MapRole::Stacks { limit }]);
    maps.filter(move |_| id != layout::STACK_LOST)
}

/// The addresses of a stack, as its map has it.
pub(crate) fn addresses(entry: &[u8]) -> Vec<u64> {
    let frames = entry.get(layout::STACK_FRAMES_AT as usize..).unwrap_or_default();
    words(frames).take_while(|address| *address != 0).collect()
}

/// The content of a map of the script, without what was taken.
pub(crate) fn snapshot(kernel: &Kernel, program: &Program, id: MapId) -> Result<Snapshot, Error> {
    Ok(kernel.shown.rest_of(id, gather(kernel, program, id, Map::snapshot)?))
}

/// All that the kernel has of a map of the script; `read` takes a kernel's map.
pub(crate) fn gather(kernel: &Kernel, program: &Program, id: MapId, read: Read) -> Result<Snapshot, Error> {
    let map = &program.maps[id.0 as usize];
    let mut gather = Gather::new(map, kernel.cpus);
    if let Some(offset) = scalar_offset(kernel, id) {
        read_scalar(kernel, offset, &mut gather.snapshot)?;
    }
    if let Some((source, key)) = kernel.cell(id) {
        let value = cell_value(source, &key)?;
        gather.all(source.spec().kind, std::iter::once((&key[..], &value[..])), |_, _| ());
    }
    if let Some(source) = kernel.map(MapRole::Script(id)) {
        gather.all(source.spec().kind, read(source)?.iter(), |key, wide| wide.extend_from_slice(key));
    }
    if let (Some(source), Some(ty)) = (kernel.map(MapRole::Short(id)), &map.key) {
        gather.all(source.spec().kind, read(source)?.iter(), |key, wide| layout::widen_key(ty, key, wide));
    }
    if let Some(source) = kernel.map(MapRole::Overflow(id)) {
        gather.more(read(source)?.iter());
    }
    if let Some(source) = kernel.map(MapRole::Slots(id)) {
        let slots = cell_value(source, &[0; 4])?;
        front::entries_there(&slots).for_each(|(key, value)| gather.snapshot.push(key, value));
    }
    gather_front(kernel, id, &mut gather)?;
    Ok(gather.snapshot)
}

/// What is in the table in front of a map of the script.
pub(crate) fn in_front(kernel: &Kernel, program: &Program, id: MapId) -> Result<Snapshot, Error> {
    let mut gather = Gather::new(&program.maps[id.0 as usize], kernel.cpus);
    gather_front(kernel, id, &mut gather)?;
    Ok(gather.snapshot)
}

fn gather_front(kernel: &Kernel, id: MapId, gather: &mut Gather<'_>) -> Result<(), Error> {
    if let Some(source) = kernel.map(MapRole::Front(id)) {
        let [earlier, now] = [cell_value(source, &[0; 4])?, cell_value(source, &[0; 4])?];
        gather.more(Shape::of(gather.map).entries(&earlier, &now));
    }
    Ok(())
}

/// The parts of all CPUs.
fn cell_value(map: &Map, key: &[u8]) -> Result<Vec<u8>, Error> {
    let mut value = vec![0; map.value_len()];
    map.lookup(key, &mut value)?;
    Ok(value)
}

fn scalar_offset(kernel: &Kernel, id: MapId) -> Option<u32> {
    kernel.data.scalars.iter().find(|(map, _)| *map == id).map(|(_, offset)| *offset)
}

fn read_scalar(kernel: &Kernel, offset: u32, snapshot: &mut Snapshot) -> Result<(), Error> {
    let Some(section) = &kernel.section else { return Ok(()) };
    if section.read_u64(offset as usize)? != 0 {
        let value = section.read_bytes(offset as usize + 8, snapshot.value_size)?;
        snapshot.push(&[], &value);
    }
    Ok(())
}

/// A way to read a map of the kernel: [`Map::snapshot`] or [`Map::drain`].
pub(crate) type Read = fn(&Map) -> quadrant_bpf::Result<quadrant_bpf::map::Snapshot>;

/// Remove all keys of a map (`zero`: keep keys, set values to zero).
pub(crate) fn clear(kernel: &Kernel, program: &Program, id: MapId, zero: bool) -> Result<(), Error> {
    kernel.shown.forget(id);
    if let Some(offset) = scalar_offset(kernel, id) {
        return clear_scalar(kernel, program, id, offset, zero);
    }
    if let Some((map, key)) = kernel.cell(id) {
        let value = cell_value(map, &key)?;
        return clear_value(map, (&key, &value), &program.maps[id.0 as usize], zero);
    }
    for role in MapRole::of_script(id) {
        if let Some(map) = kernel.map(role) {
            clear_map(map, &program.maps[id.0 as usize], zero)?;
        }
    }
    free_slots(kernel, id)?;
    // No key leaves its slot here.
    if kernel.map(MapRole::Front(id)).is_some() {
        kernel.shown.replace(id, &in_front(kernel, program, id)?);
    }
    Ok(())
}

/// Lets no key have a slot. Nobody else may be at work on the map.
pub(crate) fn free_slots(kernel: &Kernel, id: MapId) -> Result<(), Error> {
    let Some(map) = kernel.map(MapRole::Slots(id)) else { return Ok(()) };
    Ok(map.update(&[0; 4], &vec![0; map.value_len()], quadrant_bpf::map::Update::Any)?)
}

/// Remove some keys of a map, in the form of [`snapshot`].
pub(crate) fn remove(kernel: &Kernel, program: &Program, id: MapId, keys: &HashSet<&[u8]>) -> Result<(), Error> {
    let Some(ty) = &program.maps[id.0 as usize].key else { return Ok(()) };
    for map in [MapRole::Script(id), MapRole::Overflow(id)].into_iter().filter_map(|role| kernel.map(role)) {
        keys.iter().try_for_each(|key| map.delete(key).map(drop))?;
    }
    if let Some(map) = kernel.map(MapRole::Short(id)) {
        let mut wide = Vec::new();
        for (key, _) in map.snapshot()?.iter() {
            wide.clear();
            layout::widen_key(ty, key, &mut wide);
            if keys.contains(wide.as_slice()) {
                map.delete(key)?;
            }
        }
    }
    Ok(())
}

fn clear_map(map: &Map, script_map: &quadrant_program::map::Map, zero: bool) -> Result<(), Error> {
    let keyed = script_map.key.is_some();
    if keyed && !zero {
        map.drain()?;
        return Ok(());
    }
    map.snapshot()?.iter().try_for_each(|entry| clear_value(map, entry, script_map, zero))
}

/// Sets the value of one key to zero, as [`emptied`] does.
fn clear_value(
    map: &Map,
    (key, value): (&[u8], &[u8]),
    script_map: &quadrant_program::map::Map,
    zero: bool,
) -> Result<(), Error> {
    Ok(map.update(key, &emptied(value, script_map, zero), quadrant_bpf::map::Update::Any)?)
}

/// What a value becomes when its map is cleared; `zero`: a map without keys is still there then.
pub(crate) fn emptied(value: &[u8], map: &quadrant_program::map::Map, zero: bool) -> Vec<u8> {
    let mut nothing = vec![0; value.len()];
    if zero && map.key.is_none() && value.iter().any(|byte| *byte != 0) {
        stay_fed(&mut nothing, map);
    }
    nothing
}

/// A map without keys that was set to zero is still there: its "fed" word says so.
fn stay_fed(value: &mut [u8], map: &quadrant_program::map::Map) {
    if let MapValue::Aggregation(aggregation) = &map.value
        && let Some(word) = value.get_mut(aggregation.words() as usize * 8..)
    {
        word[..8].copy_from_slice(&1u64.to_ne_bytes());
    }
}

fn clear_scalar(kernel: &Kernel, program: &Program, id: MapId, offset: u32, zero: bool) -> Result<(), Error> {
    let Some(section) = &kernel.section else { return Ok(()) };
    let size = Snapshot::of(&program.maps[id.0 as usize]).value_size;
    if !zero {
        section.write_u64(offset as usize, 0)?;
    }
    Ok(section.zero(offset as usize + 8, size)?)
}
