//! Architectures: where registers, arguments and results are, as data.
//!
//! The one table for every stage that speaks of registers: a front end names them, code generation reads them.

/// Where an architecture keeps arguments: byte offsets in `struct pt_regs`.
#[derive(Debug, PartialEq, Eq)]
pub struct Arch {
    /// Name as in `uname -m`.
    pub name: &'static str,
    /// `e_machine` of its ELF files.
    pub elf_machine: u16,
    /// Its kernels run programs of i386, too.
    pub runs_i386: bool,
    /// Function arguments in registers, in order.
    pub arguments: &'static [u16],
    /// System call arguments, in order.
    pub syscall_arguments: &'static [u16],
    /// System call number, its low four bytes.
    pub syscall_number: u16,
    /// How to tell a system call of another word size.
    pub compat: Option<Compat>,
    /// Return value.
    pub return_value: u16,
    /// Stack pointer.
    pub stack_pointer: u16,
    /// Instruction pointer.
    pub instruction_pointer: u16,
    /// The register that has the address to return to at a function's entry; without one, it is where the stack pointer points.
    pub link: Option<u16>,
    /// Bytes between the stack pointer and the first stack argument at a function's entry.
    pub stack_arguments: u16,
    /// Names of registers for `reg("...")`.
    pub registers: &'static [(&'static str, u16)],
}

/// The mark of a system call by a program of another word size, whose numbers mean something else.
#[derive(Debug, PartialEq, Eq)]
pub struct Compat {
    /// Offset of a register in `struct pt_regs`.
    pub register: u16,
    /// Bits of its low half that count.
    pub mask: u32,
    /// What they are then.
    pub value: u32,
}

/// x86-64: System V calling convention; offsets of `struct pt_regs` in the kernel's `arch/x86/include/asm/ptrace.h`.
pub static X86_64: Arch = Arch {
    name: "x86_64",
    elf_machine: 62,
    runs_i386: true,
    arguments: &[112, 104, 96, 88, 72, 64],
    syscall_arguments: &[112, 104, 96, 56, 72, 64],
    syscall_number: 120,
    // The code segment of 32-bit programs (`__USER32_CS`).
    compat: Some(Compat { register: 136, mask: 0xffff, value: 0x23 }),
    return_value: 80,
    stack_pointer: 152,
    instruction_pointer: 128,
    link: None,
    stack_arguments: 8,
    registers: &[
        ("r15", 0),
        ("r14", 8),
        ("r13", 16),
        ("r12", 24),
        ("bp", 32),
        ("bx", 40),
        ("r11", 48),
        ("r10", 56),
        ("r9", 64),
        ("r8", 72),
        ("ax", 80),
        ("cx", 88),
        ("dx", 96),
        ("si", 104),
        ("di", 112),
        ("orig_ax", 120),
        ("ip", 128),
        ("cs", 136),
        ("flags", 144),
        ("sp", 152),
        ("ss", 160),
        ("pc", 128),
    ],
};

/// AArch64: `struct user_pt_regs` of the kernel's `arch/arm64/include/uapi/asm/ptrace.h`.
pub static AARCH64: Arch = Arch {
    name: "aarch64",
    elf_machine: 183,
    runs_i386: false,
    arguments: &[0, 8, 16, 24, 32, 40, 48, 56],
    syscall_arguments: &[0, 8, 16, 24, 32, 40],
    // `syscallno` of the kernel's own `struct pt_regs`, after `orig_x0`.
    syscall_number: 280,
    // `PSR_MODE32_BIT`.
    compat: Some(Compat { register: 264, mask: 0x10, value: 0x10 }),
    return_value: 0,
    stack_pointer: 248,
    instruction_pointer: 256,
    link: Some(240),
    stack_arguments: 0,
    registers: &[
        ("r0", 0),
        ("r1", 8),
        ("r2", 16),
        ("r3", 24),
        ("r4", 32),
        ("r5", 40),
        ("r6", 48),
        ("r7", 56),
        ("r8", 64),
        ("r9", 72),
        ("r10", 80),
        ("r11", 88),
        ("r12", 96),
        ("r13", 104),
        ("r14", 112),
        ("r15", 120),
        ("r16", 128),
        ("r17", 136),
        ("r18", 144),
        ("r19", 152),
        ("r20", 160),
        ("r21", 168),
        ("r22", 176),
        ("r23", 184),
        ("r24", 192),
        ("r25", 200),
        ("r26", 208),
        ("r27", 216),
        ("r28", 224),
        ("r29", 232),
        ("r30", 240),
        ("sp", 248),
        ("pc", 256),
        ("pstate", 264),
    ],
};

/// The calling convention of i386, whose programs x86-64's kernels run: their registers are in the same places, the upper halves clear.
pub mod i386 {
    use super::X86_64;
    use crate::probe::{ArgLoc, Operand};

    /// Bytes of a word.
    pub const WORD: u8 = 4;

    /// Where the caller leaves an argument, a word each, on the stack behind the address to return to.
    pub fn argument(number: u8) -> ArgLoc {
        let disp = i64::from(WORD) * (1 + i64::from(number));
        word(Operand::Mem { base: Some(X86_64.stack_pointer), index: None, scale: 1, disp, narrow: true })
    }

    /// Where the result is when a function returns.
    pub fn result() -> ArgLoc {
        word(Operand::Reg { reg: X86_64.return_value, shift: 0 })
    }

    fn word(operand: Operand) -> ArgLoc {
        ArgLoc { bytes: WORD, signed: false, float: false, operand }
    }
}

/// The architecture that this was compiled for.
pub fn native() -> &'static Arch {
    if cfg!(target_arch = "aarch64") { &AARCH64 } else { &X86_64 }
}
