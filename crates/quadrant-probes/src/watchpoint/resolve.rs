//! Which bytes, and what is done with them.

use crate::error::{Result, advise, error};
use crate::number;
use crate::point::plain;
use quadrant_program::probe::{Found, ProbeError, ProbeSpec, Site};

/// What x86 wants of a breakpoint on code: the size of a pointer.
const EXECUTE_LEN: u8 = 8;

/// `["0x10000000", "8", "rw"]`.
pub(crate) fn resolve(spec: &ProbeSpec, pid: Option<u32>) -> Result<Found> {
    let [address, len, mode] = spec.parts.as_slice() else {
        return Err(wrong("it has an address, a length and a mode"));
    };
    let address = parse_address(address)?;
    let len = parse_len(len)?;
    let (read, write, execute) = parse_mode(mode)?;
    if !execute && !address.is_multiple_of(u64::from(len)) {
        return Err(wrong(&format!("the address {address:#x} is no multiple of the length {len}")));
    }
    let name = format!("watchpoint:{address:#x}:{len}:{mode}");
    // An instruction starts at its address, whatever length is given.
    let len = if execute { EXECUTE_LEN } else { len };
    let site = Site::Watchpoint { address, len, read, write, execute, pid };
    Ok(plain(site, name))
}

fn parse_address(text: &str) -> Result<u64> {
    let address = number::parse(text).ok_or_else(|| wrong(&format!("`{text}` is no address")))?;
    if address == 0 { Err(wrong("nothing is ever at address 0")) } else { Ok(address) }
}

fn parse_len(text: &str) -> Result<u8> {
    match text {
        "1" => Ok(1),
        "2" => Ok(2),
        "4" => Ok(4),
        "8" => Ok(8),
        _ => Err(wrong(&format!("the length `{text}` is not 1, 2, 4 or 8"))),
    }
}

/// Read, write, execute. The processor can watch writes, reads and writes together, and execution.
fn parse_mode(mode: &str) -> Result<(bool, bool, bool)> {
    match mode {
        "w" => Ok((false, true, false)),
        "rw" | "wr" => Ok((true, true, false)),
        "x" => Ok((false, false, true)),
        "r" => Err(advise("cannot watch reads alone: x86 cannot do that", "use mode `rw`")),
        _ => Err(error(format!("the watchpoint mode `{mode}` is not `w`, `rw` or `x`"))),
    }
}

fn wrong(why: &str) -> ProbeError {
    advise(
        format!("cannot use this watchpoint: {why}"),
        "write `watchpoint:0xADDRESS:LENGTH:MODE`, as `watchpoint:0x600000:8:rw`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;
    use quadrant_program::probe::ProbeKind;

    fn find(parts: &[&str]) -> Result<Found> {
        resolve(&spec(ProbeKind::Watchpoint, parts), Some(7))
    }

    #[test]
    fn modes() {
        let found = find(&["0x1000", "8", "rw"]).unwrap();
        let site = Site::Watchpoint { address: 0x1000, len: 8, read: true, write: true, execute: false, pid: Some(7) };
        assert_eq!((found.point.site, found.point.name.as_str()), (site, "watchpoint:0x1000:8:rw"));
    }

    /// bpftrace #4131
    #[test]
    fn an_instruction_is_watched_with_any_length() {
        for len in ["1", "8"] {
            let found = find(&["0x1001", len, "x"]).unwrap();
            let site =
                Site::Watchpoint { address: 0x1001, len: 8, read: false, write: false, execute: true, pid: Some(7) };
            assert_eq!((found.point.site, found.point.name), (site, format!("watchpoint:0x1001:{len}:x")));
        }
    }

    #[test]
    fn bad_watchpoints() {
        let refused = |parts: &[&str]| find(parts).unwrap_err().message;
        assert!(refused(&["0x1000", "3", "w"]).contains("not 1, 2, 4 or 8"));
        assert!(refused(&["0x1001", "8", "w"]).contains("no multiple"));
        assert!(refused(&["0x1000", "8", "r"]).contains("reads alone"));
        assert!(refused(&["0x1000", "8", "rx"]).contains("`rx`"));
        assert!(refused(&["main", "8", "w"]).contains("no address"));
        assert!(refused(&["0", "8", "w"]).contains("address 0"));
        assert!(refused(&["0x1000", "8"]).contains("a mode"));
    }
}
