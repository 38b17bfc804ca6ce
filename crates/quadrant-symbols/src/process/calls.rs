//! Where code calls: what an address that is returned to must follow.

/// Bytes before the address that are looked at: the longest call without a prefix.
pub(super) const LONGEST: usize = 8;

/// Whether an instruction that calls may end where these bytes do.
pub(super) fn end_in_call(bytes: &[u8; LONGEST]) -> bool {
    if cfg!(target_arch = "x86_64") { x86(bytes) } else { arm64(bytes) }
}

/// `call rel32`, or `call r/m64`, which has two to seven bytes.
fn x86(bytes: &[u8; LONGEST]) -> bool {
    const CALL: u8 = 0xe8;
    const GROUP_5: u8 = 0xff;
    const MEMBER: u8 = 2;
    let of_register = |bytes: &[u8]| matches!(bytes, [GROUP_5, form, ..] if form >> 3 & 7 == MEMBER);
    let lengths = [2, 3, 4, 6, 7];
    bytes[LONGEST - 5] == CALL || lengths.iter().any(|length| of_register(&bytes[LONGEST - length..]))
}

/// `bl`, or `blr` with or without authentication.
fn arm64(bytes: &[u8; LONGEST]) -> bool {
    let last = bytes.last_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word));
    last >> 26 == 0b10_0101 || last & 0xffff_fc1f == 0xd63f_0000 || last & 0xfeff_f800 == 0xd63f_0800
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_x86() {
        for call in [
            &[0xe8, 1, 2, 3, 4][..],
            &[0xff, 0xd0],
            &[0xff, 0x50, 8],
            &[0xff, 0x54, 0x24, 8],
            &[0xff, 0x15, 1, 2, 3, 4],
        ] {
            let mut bytes = [0x90; LONGEST];
            bytes[LONGEST - call.len()..].copy_from_slice(call);
            assert!(x86(&bytes), "{call:x?}");
        }
        assert!(!x86(&[0x90; LONGEST]));
        // `jmp *%rax`
        assert!(!x86(&[0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0]));
    }

    #[test]
    fn calls_of_arm64() {
        let ends_in = |word: u32| arm64(&[[0; 4], word.to_le_bytes()].concat().try_into().unwrap());
        assert!(ends_in(0x9400_0010) && ends_in(0xd63f_0100) && ends_in(0xd63f_091f));
        // `b`, `ret`
        assert!(!ends_in(0x1400_0010) && !ends_in(0xd65f_03c0));
    }
}
