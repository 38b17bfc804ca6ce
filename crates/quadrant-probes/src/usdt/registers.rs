//! x86-64's registers by name, and where `struct pt_regs` (asm/ptrace.h) keeps them.

/// A register as an operand names it: where its full form is, its size in bytes, and how far its value is shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Register {
    pub offset: u16,
    pub bytes: u8,
    pub shift: u8,
}

/// The instruction pointer.
pub(super) const RIP: u16 = 128;

/// Names of 8, 4, 2 and 1 bytes, and the offset.
const NAMED: [([&str; 4], u16); 9] = [
    (["rax", "eax", "ax", "al"], 80),
    (["rbx", "ebx", "bx", "bl"], 40),
    (["rcx", "ecx", "cx", "cl"], 88),
    (["rdx", "edx", "dx", "dl"], 96),
    (["rsi", "esi", "si", "sil"], 104),
    (["rdi", "edi", "di", "dil"], 112),
    (["rbp", "ebp", "bp", "bpl"], 32),
    (["rsp", "esp", "sp", "spl"], 152),
    (["rip", "eip", "ip", ""], RIP),
];

/// `r8` to `r15`.
const NUMBERED: [u16; 8] = [72, 64, 56, 48, 24, 16, 8, 0];

/// The second bytes of the first four registers.
const HIGH: [(&str, u16); 4] = [("ah", 80), ("bh", 40), ("ch", 88), ("dh", 96)];

const SIZES: [u8; 4] = [8, 4, 2, 1];

/// A register by its name without `%`.
pub(super) fn find(name: &str) -> Option<Register> {
    named(name).or_else(|| high(name)).or_else(|| numbered(name))
}

fn named(name: &str) -> Option<Register> {
    if name.is_empty() {
        return None;
    }
    NAMED.iter().find_map(|(names, offset)| {
        let form = names.iter().position(|known| *known == name)?;
        Some(Register { offset: *offset, bytes: SIZES[form], shift: 0 })
    })
}

fn high(name: &str) -> Option<Register> {
    let (_, offset) = HIGH.iter().find(|(known, _)| *known == name)?;
    Some(Register { offset: *offset, bytes: 1, shift: 8 })
}

/// `r8`, `r8d`, `r8w`, `r8b`.
fn numbered(name: &str) -> Option<Register> {
    let rest = name.strip_prefix('r')?;
    let (digits, bytes) = match rest.as_bytes().last()? {
        b'd' => (&rest[..rest.len() - 1], 4),
        b'w' => (&rest[..rest.len() - 1], 2),
        b'b' => (&rest[..rest.len() - 1], 1),
        _ => (rest, 8),
    };
    let number: usize = digits.parse().ok().filter(|_| !digits.starts_with(['0', '+']))?;
    let offset = *NUMBERED.get(number.checked_sub(8)?)?;
    Some(Register { offset, bytes, shift: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let found = |name| find(name).map(|register| (register.offset, register.bytes, register.shift));
        assert_eq!(found("rdi"), Some((112, 8, 0)));
        assert_eq!(found("sil"), Some((104, 1, 0)));
        assert_eq!(found("ah"), Some((80, 1, 8)));
        assert_eq!(found("r8d"), Some((72, 4, 0)));
        assert_eq!(found("r15"), Some((0, 8, 0)));
        assert_eq!(found("r10b"), Some((56, 1, 0)));
        for bad in ["", "r7", "r16", "xmm0", "fs", "r", "rd", "r08", "r+8", "eaxx"] {
            assert_eq!(found(bad), None, "{bad}");
        }
    }
}
