//! Helpers that read and write memory which may not be there, and compare strings.

use quadrant_bpf::helper;

use super::HelperArgs;
use crate::env::{Env, Space};
use crate::error::{Step, VmErrorKind};
use crate::interp::Run;
use crate::map::{EFAULT, EINVAL};

/// Handles the call if it is one of these helpers.
pub(crate) fn call<E: Env>(run: &mut Run<'_, E>, number: u32, args: HelperArgs) -> Step<Option<u64>> {
    let result = match number {
        helper::PROBE_READ => either(run, args, read)?,
        helper::PROBE_READ_STR => either(run, args, read_str)?,
        helper::PROBE_READ_KERNEL => read(run, args, Space::Kernel)?,
        helper::PROBE_READ_USER => read(run, args, Space::User)?,
        helper::COPY_FROM_USER => read(run, args, Space::UserFaulting)?,
        helper::PROBE_READ_KERNEL_STR => read_str(run, args, Space::Kernel)?,
        helper::PROBE_READ_USER_STR => read_str(run, args, Space::User)?,
        helper::PROBE_WRITE_USER => write(run, args)?,
        helper::STRNCMP => compare(run, args)?,
        _ => return Ok(None),
    };
    Ok(Some(result as u64))
}

/// Reads where there is memory: the kernel tells the two apart by their addresses, of which nothing is known here.
fn either<'r, E: Env>(
    run: &mut Run<'r, E>,
    args: HelperArgs,
    read: fn(&mut Run<'r, E>, HelperArgs, Space) -> Step<i64>,
) -> Step<i64> {
    match read(run, args, Space::Kernel)? {
        EFAULT => read(run, args, Space::User),
        found => Ok(found),
    }
}

/// Fills the destination; all zeros and `EFAULT` if a byte is missing.
fn read<E: Env>(run: &mut Run<'_, E>, args: HelperArgs, space: Space) -> Step<i64> {
    let (dst, len, src) = (args.get(0)?, args.len(1)?, args.get(2)?);
    let mut buf = vec![0; len];
    let found = fill(run, space, src, &mut buf)?;
    if !found {
        buf.fill(0);
    }
    run.vm.memory.write(dst, &buf)?;
    Ok(if found { 0 } else { EFAULT })
}

/// Writes to the process.
fn write<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (dst, src, len) = (args.get(0)?, args.get(1)?, args.len(2)?);
    if len == 0 {
        return Err(VmErrorKind::BadArgument("a length that may be 0"));
    }
    let bytes = run.vm.memory.read(src, len)?.to_vec();
    Ok(if run.vm.env.write_user(dst, &bytes) { 0 } else { EFAULT })
}

/// Copies up to and including a NUL, which is put in the last byte if need be; the length with the NUL.
fn read_str<E: Env>(run: &mut Run<'_, E>, args: HelperArgs, space: Space) -> Step<i64> {
    let (dst, len, src) = (args.get(0)?, args.len(1)?, args.get(2)?);
    if len == 0 {
        return Ok(EINVAL);
    }
    let mut text = Vec::new();
    while text.len() < len - 1 && text.last() != Some(&0) {
        let mut byte = [0];
        if !fill(run, space, src.wrapping_add(text.len() as u64), &mut byte)? {
            run.vm.memory.write(dst, &vec![0; len])?;
            return Ok(EFAULT);
        }
        text.push(byte[0]);
    }
    if text.last() != Some(&0) {
        text.push(0);
    }
    run.vm.memory.write(dst, &text)?;
    Ok(text.len() as i64)
}

/// A program's own memory is kernel memory, too.
fn fill<E: Env>(run: &mut Run<'_, E>, space: Space, addr: u64, buf: &mut [u8]) -> Step<bool> {
    if space == Space::Kernel && run.vm.memory.contains(addr) {
        return match run.vm.memory.read(addr, buf.len()) {
            Ok(bytes) => {
                buf.copy_from_slice(bytes);
                Ok(true)
            }
            Err(VmErrorKind::BadAccess(..)) => Ok(false),
            Err(other) => Err(other),
        };
    }
    Ok(run.vm.env.probe(space, addr, buf))
}

fn compare<E: Env>(run: &mut Run<'_, E>, args: HelperArgs) -> Step<i64> {
    let (first, len, second) = (args.get(0)?, args.len(1)?, args.get(2)?);
    let first = run.vm.memory.read(first, len)?;
    for (at, a) in first.iter().enumerate() {
        let b = run.vm.memory.read(second.wrapping_add(at as u64), 1)?[0];
        if *a != b || *a == 0 {
            return Ok(i64::from(*a) - i64::from(b));
        }
    }
    Ok(0)
}
