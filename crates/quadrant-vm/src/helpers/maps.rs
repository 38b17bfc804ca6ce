//! Helpers that work on maps.

use quadrant_bpf::helper;
use quadrant_bpf::map::MapKind;

use super::HelperArgs;
use crate::env::Env;
use crate::error::{Step, VmErrorKind};
use crate::interp::Run;
use crate::map::{Cpu, EINVAL, ENOENT};

/// Handles the call if it is one of these helpers.
pub(crate) fn call<E: Env>(run: &mut Run<'_, E>, number: u32, args: HelperArgs) -> Step<Option<u64>> {
    let result = match number {
        helper::MAP_LOOKUP_ELEM => {
            let cpu = run.vm.cpu()?;
            lookup(run, args, cpu)?
        }
        helper::MAP_LOOKUP_PERCPU_ELEM => {
            let count = run.vm.cpu()?.count;
            let number = args.get(2)? as u32 as usize;
            if number >= count { 0 } else { lookup(run, args, Cpu { number, count })? }
        }
        helper::MAP_UPDATE_ELEM => update(run, args)? as u64,
        helper::MAP_DELETE_ELEM => delete(run, args)? as u64,
        helper::TASK_STORAGE_GET => task_storage(run, args)?,
        helper::TASK_STORAGE_DELETE => task_storage_delete(run, args)? as u64,
        _ => return Ok(None),
    };
    Ok(Some(result))
}

/// Index of the map that `handle` stands for.
pub(crate) fn find<E: Env>(run: &Run<'_, E>, handle: u64) -> Step<usize> {
    let found = run.vm.maps.iter().position(|map| map.handle == handle);
    found.ok_or(VmErrorKind::BadArgument("not a map"))
}

/// The map and key of a call, for kinds with keys that programs give.
fn map_and_key<E: Env>(run: &Run<'_, E>, args: HelperArgs) -> Step<(usize, Vec<u8>)> {
    let map = find(run, args.get(0)?)?;
    let spec = &run.vm.maps[map].spec;
    if matches!(spec.kind, MapKind::RingBuffer | MapKind::StackTrace | MapKind::PerfEventArray | MapKind::TaskStorage) {
        return Err(VmErrorKind::BadArgument("helper does not take this kind of map"));
    }
    let key = run.vm.memory.read(args.get(1)?, spec.key_size as usize)?;
    Ok((map, key.to_vec()))
}

fn lookup<E: Env>(run: &mut Run<'_, E>, args: HelperArgs, cpu: Cpu) -> Step<u64> {
    let (map, key) = map_and_key(run, args)?;
    Ok(run.vm.maps[map].lookup(&key, cpu.number).unwrap_or(0))
}

fn update<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (map, key) = map_and_key(run, args)?;
    let cpu = run.vm.cpu()?;
    let len = run.vm.maps[map].spec.value_size as usize;
    let value = run.vm.memory.read(args.get(2)?, len)?.to_vec();
    run.vm.maps[map].update(&key, &value, args.get(3)?, cpu, &mut run.vm.memory)
}

fn delete<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (map, key) = map_and_key(run, args)?;
    let map = &mut run.vm.maps[map];
    Ok(match map.is_array() {
        true => EINVAL,
        false if map.delete(&key) => 0,
        false => ENOENT,
    })
}

/// Create if missing.
const GET_CREATE: u64 = 1;

fn task_storage<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<u64> {
    let (map, key) = task_map(run, args)?;
    let cpu = run.vm.cpu()?;
    let (initial, flags) = (args.get(2)?, args.get(3)?);
    if let Some(addr) = run.vm.maps[map].lookup(&key, 0) {
        return Ok(addr);
    }
    if flags & GET_CREATE == 0 {
        return Ok(0);
    }
    let len = run.vm.maps[map].spec.value_size as usize;
    let value = if initial == 0 { vec![0; len] } else { run.vm.memory.read(initial, len)?.to_vec() };
    run.vm.maps[map].update(&key, &value, 0, cpu, &mut run.vm.memory)?;
    Ok(run.vm.maps[map].lookup(&key, 0).unwrap_or(0))
}

fn task_storage_delete<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (map, key) = task_map(run, args)?;
    Ok(if run.vm.maps[map].delete(&key) { 0 } else { ENOENT })
}

/// The task storage and, as the key, the task.
fn task_map<E: Env>(run: &Run<'_, E>, args: HelperArgs) -> Step<(usize, Vec<u8>)> {
    let map = find(run, args.get(0)?)?;
    if run.vm.maps[map].spec.kind != MapKind::TaskStorage {
        return Err(VmErrorKind::BadArgument("not a task storage"));
    }
    Ok((map, args.get(1)?.to_ne_bytes().to_vec()))
}
