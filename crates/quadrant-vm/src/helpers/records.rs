//! Helpers that send records to user space.

use quadrant_bpf::helper;
use quadrant_bpf::map::MapKind;

use super::HelperArgs;
use super::maps::find;
use crate::env::Env;
use crate::error::{Step, VmErrorKind};
use crate::interp::Run;
use crate::map::{EAGAIN, EINVAL, ENOSPC, RecordState, Ring};

/// Handles the call if it is one of these helpers.
pub(crate) fn call<E: Env>(run: &mut Run<'_, E>, number: u32, args: HelperArgs) -> Step<Option<u64>> {
    let result = match number {
        helper::RINGBUF_OUTPUT => output(run, args)? as u64,
        helper::RINGBUF_RESERVE => reserve(run, args)?,
        helper::RINGBUF_SUBMIT => end(run, args, true)?,
        helper::RINGBUF_DISCARD => end(run, args, false)?,
        helper::RINGBUF_QUERY => query(run, args)?,
        helper::PERF_EVENT_OUTPUT => perf_output(run, args)? as u64,
        _ => return Ok(None),
    };
    Ok(Some(result))
}

/// `BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP`
const WAKEUP_FLAGS: u64 = 3;
/// `BPF_F_CURRENT_CPU`
const CURRENT_CPU: u64 = 0xffff_ffff;

fn ring<E: Env>(run: &Run<'_, E>, handle: u64) -> Step<usize> {
    let map = find(run, handle)?;
    match run.vm.maps[map].spec.kind {
        MapKind::RingBuffer => Ok(map),
        _ => Err(VmErrorKind::BadArgument("not a ring buffer")),
    }
}

fn output<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (map, data, len, flags) = (ring(run, args.get(0)?)?, args.get(1)?, args.len(2)?, args.get(3)?);
    if flags & !WAKEUP_FLAGS != 0 {
        return Ok(EINVAL);
    }
    let bytes = run.vm.memory.read(data, len)?.to_vec();
    let capacity = run.vm.maps[map].spec.max_entries.into();
    Ok(if put(run, map, capacity, bytes) { 0 } else { EAGAIN })
}

/// Adds a finished record; false if the buffer is full.
fn put<E: Env>(run: &mut Run<'_, E>, map: usize, capacity: u64, bytes: Vec<u8>) -> bool {
    let map = &mut run.vm.maps[map];
    let Some(addr) = map.ring.reserve(bytes.len() as u64, capacity, &mut run.vm.memory) else {
        return false;
    };
    run.vm.memory.remove(addr);
    if let Some(record) = map.ring.reserved(addr) {
        record.state = RecordState::Done(bytes);
    }
    true
}

fn reserve<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<u64> {
    let (map, len, flags) = (ring(run, args.get(0)?)?, args.get(1)?, args.get(2)?);
    let map = &mut run.vm.maps[map];
    let capacity = u64::from(map.spec.max_entries);
    if flags != 0 || len > capacity || Ring::room(len) > capacity {
        return Ok(0);
    }
    Ok(map.ring.reserve(len, capacity, &mut run.vm.memory).unwrap_or(0))
}

fn end<E: Env>(run: &mut Run<'_, E>, args: HelperArgs, submit: bool) -> Step<u64> {
    let (addr, flags) = (args.get(0)?, args.get(1)?);
    if flags & !WAKEUP_FLAGS != 0 {
        return Err(VmErrorKind::BadArgument("flags of a record"));
    }
    let record = run.vm.maps.iter_mut().find_map(|map| map.ring.reserved(addr));
    let record = record.ok_or(VmErrorKind::BadArgument("not a reserved record"))?;
    let bytes = run.vm.memory.remove(addr).unwrap_or_default();
    record.state = if submit { RecordState::Done(bytes) } else { RecordState::Discarded };
    Ok(0)
}

/// What `bpf_ringbuf_query` is asked: bytes not yet consumed (0) or the size of the ring (1).
fn query<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<u64> {
    let map = &run.vm.maps[ring(run, args.get(0)?)?];
    Ok(match args.get(1)? {
        0 => map.ring.used,
        1 => map.spec.max_entries.into(),
        _ => 0,
    })
}

fn perf_output<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (map, flags, data, len) = (find(run, args.get(1)?)?, args.get(2)?, args.get(3)?, args.len(4)?);
    args.get(0)?;
    if run.vm.maps[map].spec.kind != MapKind::PerfEventArray {
        return Err(VmErrorKind::BadArgument("not a perf event array"));
    }
    let cpu = run.vm.cpu()?.number as u64;
    if flags != CURRENT_CPU && flags != cpu {
        return Ok(EINVAL);
    }
    let bytes = run.vm.memory.read(data, len)?.to_vec();
    Ok(if put(run, map, PERF_BUFFER, bytes) { 0 } else { ENOSPC })
}

/// Room of a perf buffer; in the kernel that is the size of its pages, which the map does not know.
const PERF_BUFFER: u64 = 1 << 20;
