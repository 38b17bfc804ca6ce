//! BPF helpers, by what they work on.

mod maps;
mod probe;
mod records;
mod task;

use quadrant_bpf::helper;

use crate::env::Env;
use crate::error::{Step, VmErrorKind};
use crate::interp::Run;
use crate::map::{E2BIG, EINVAL};
use crate::walk::Walk;

/// Arguments of a call, read only where a helper needs them.
#[derive(Clone, Copy)]
pub(crate) struct HelperArgs([Option<u64>; 5]);

impl HelperArgs {
    /// Argument `at` (from 0).
    fn get(&self, at: usize) -> Step<u64> {
        self.0.get(at).copied().flatten().ok_or_else(|| VmErrorKind::Uninitialized(format!("r{}", at + 1)))
    }

    /// Argument `at` as a length in bytes. Lengths are 32 bits and the verifier wants them bounded.
    fn len(&self, at: usize) -> Step<usize> {
        let len = self.get(at)?;
        if len > 1 << 29 {
            return Err(VmErrorKind::BadArgument("length without bound"));
        }
        Ok(len as usize)
    }
}

/// Calls a helper.
pub(crate) fn call<E: Env>(run: &mut Run<'_, E>, number: u32, args: [Option<u64>; 5]) -> Step<u64> {
    let args = HelperArgs(args);
    let groups = [maps::call::<E>, probe::call::<E>, records::call::<E>, task::call::<E>, control::<E>];
    for group in groups {
        if let Some(result) = group(run, number, args)? {
            return Ok(result);
        }
    }
    Err(VmErrorKind::UnknownFunction(number))
}

/// Helpers that call back.
fn control<E: Env>(run: &mut Run<'_, E>, number: u32, args: HelperArgs) -> Step<Option<u64>> {
    match number {
        helper::LOOP => repeat(run, args).map(|result| Some(result as u64)),
        helper::FOR_EACH_MAP_ELEM => for_each(run, args).map(|result| Some(result as u64)),
        _ => Ok(None),
    }
}

/// The most rounds of `bpf_loop`.
const MAX_LOOPS: u64 = 1 << 23;

fn repeat<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (count, callback, ctx, flags) = (args.get(0)? as u32, args.get(1)?, args.get(2)?, args.get(3)?);
    if flags != 0 {
        return Ok(EINVAL);
    }
    if u64::from(count) > MAX_LOOPS {
        return Ok(E2BIG);
    }
    for index in 0..u64::from(count) {
        if run.call_back(callback, &[index, ctx])? != 0 {
            return Ok(index as i64 + 1);
        }
    }
    Ok(i64::from(count))
}

fn for_each<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (handle, callback, ctx, flags) = (args.get(0)?, args.get(1)?, args.get(2)?, args.get(3)?);
    if flags != 0 && !run.vm.walks.have_numbers {
        return Ok(EINVAL);
    }
    let map = maps::find(run, handle)?;
    let mut walk = Walk::new(flags, map, &run.vm.maps[map]);
    let mut visited = 0;
    while let Some(key) = walk.next(&mut run.vm.walks, &run.vm.maps[map]) {
        let cpu = run.vm.cpu()?;
        let Some(value) = run.vm.maps[map].lookup(&key, cpu.number) else { continue };
        let key = run.vm.memory.add(key, false);
        let result = run.call_back(callback, &[handle, key, value, ctx]);
        run.vm.memory.remove(key);
        visited += 1;
        if result? != 0 {
            break;
        }
    }
    Ok(visited)
}
