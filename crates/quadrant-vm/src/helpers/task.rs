//! Helpers that say who, where and when, and those that act on the traced process.

use quadrant_bpf::helper;

use super::HelperArgs;
use crate::env::{Clock, Env, StackKind};
use crate::error::Step;
use crate::interp::Run;
use crate::map::{EFAULT, EINVAL};

/// Handles the call if it is one of these helpers.
pub(crate) fn call<E: Env>(run: &mut Run<'_, E>, number: u32, args: HelperArgs) -> Step<Option<u64>> {
    let env = &mut run.vm.env;
    let result = match number {
        helper::GET_CURRENT_PID_TGID => env.pid_tgid(),
        helper::GET_CURRENT_UID_GID => env.uid_gid(),
        helper::GET_SMP_PROCESSOR_ID => run.vm.cpu()?.number as u64,
        helper::GET_NUMA_NODE_ID => 0,
        helper::GET_CURRENT_TASK | helper::GET_CURRENT_TASK_BTF => env.task(),
        helper::GET_CURRENT_CGROUP_ID | helper::GET_CURRENT_ANCESTOR_CGROUP_ID => env.cgroup_id(),
        helper::GET_ATTACH_COOKIE => env.cookie(),
        helper::GET_FUNC_IP => env.func_ip(),
        helper::GET_PRANDOM_U32 => env.random().into(),
        helper::KTIME_GET_NS => env.clock(Clock::Monotonic),
        helper::KTIME_GET_BOOT_NS => env.clock(Clock::Boot),
        helper::KTIME_GET_COARSE_NS => env.clock(Clock::Coarse),
        helper::KTIME_GET_TAI_NS => env.clock(Clock::Tai),
        helper::JIFFIES64 => env.clock(Clock::Jiffies),
        helper::SEND_SIGNAL => env.send_signal(args.get(0)? as u32, false) as u64,
        helper::SEND_SIGNAL_THREAD => env.send_signal(args.get(0)? as u32, true) as u64,
        helper::GET_CURRENT_COMM => comm(run, args)? as u64,
        helper::TRACE_PRINTK => trace_printk(run, args)? as u64,
        helper::GET_STACK => stack(run, args)? as u64,
        _ => return Ok(None),
    };
    Ok(Some(result))
}

fn comm<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (dst, len) = (args.get(0)?, args.len(1)?);
    if len == 0 {
        return Ok(EINVAL);
    }
    let comm = run.vm.env.comm();
    let mut bytes = vec![0; len];
    let kept = comm.len().min(len - 1);
    bytes[..kept].copy_from_slice(&comm[..kept]);
    run.vm.memory.write(dst, &bytes)?;
    Ok(0)
}

fn trace_printk<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (format, len) = (args.get(0)?, args.len(1)?);
    let format = run.vm.memory.read(format, len)?.to_vec();
    let arguments: Vec<u64> = (2..5).map_while(|at| args.get(at).ok()).collect();
    run.vm.env.trace_printk(&format, &arguments);
    Ok(len as i64)
}

/// `BPF_F_USER_STACK`
const USER_STACK: u64 = 1 << 8;
/// `BPF_F_SKIP_FIELD_MASK`
const SKIP: u64 = 0xff;

fn frames<E: Env>(run: &mut Run<'_, E>, flags: u64) -> Result<Vec<u64>, i64> {
    let which = if flags & USER_STACK != 0 { StackKind::User } else { StackKind::Kernel };
    let frames = run.vm.env.stack(which)?;
    let skip = (flags & SKIP) as usize;
    if skip > frames.len() { Err(EFAULT) } else { Ok(frames[skip..].to_vec()) }
}

/// Writes as many frames as fit; the number of bytes.
fn stack<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (dst, len, flags) = (args.get(1)?, args.len(2)?, args.get(3)?);
    args.get(0)?;
    if flags & !(USER_STACK | SKIP) != 0 || len % 8 != 0 {
        return Ok(EINVAL);
    }
    let (result, mut bytes) = match frames(run, flags) {
        Ok(frames) => {
            let bytes: Vec<u8> = frames.iter().take(len / 8).flat_map(|frame| frame.to_ne_bytes()).collect();
            (bytes.len() as i64, bytes)
        }
        Err(error) => (error, Vec::new()),
    };
    bytes.resize(len, 0);
    run.vm.memory.write(dst, &bytes)?;
    Ok(result)
}
