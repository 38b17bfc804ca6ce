//! The arguments of a note: `-4@%edi 8@-24(%rbp) 8@$5`, in the words of the assembler.
//!
//! `SIZE@PLACE`: the size in bytes, negative for signed values, `f` after it for floating point; the place is a register, a
//! constant, or memory in AT&T syntax: `disp(%base,%index,scale)`, `symbol+disp(%rip)`; in position-independent code of i386
//! `symbol@GOTOFF+disp(%ebx)`. A struct that is passed whole has its own
//! size, and is in memory.

use super::registers::{self, RIP};
use crate::elf::Class;
use quadrant_program::probe::{ArgLoc, Operand};

/// More arguments than any probe macro can pass.
const MAX_ARGUMENTS: usize = 64;
/// Behind a variable's name: the distance from the program's table of addresses, which a register has.
const FROM_TABLE: &str = "@GOTOFF";

/// What an argument's text may refer to.
pub(super) struct Scope<'a> {
    /// How wide the program's words are.
    pub class: Class,
    /// The probe's own address.
    pub address: u64,
    /// A symbol's address in the file.
    pub symbol: &'a dyn Fn(&str) -> Option<u64>,
}

/// All arguments. One that cannot be read is [`Operand::Unavailable`], so that the others keep their numbers.
pub(super) fn parse(text: &str, scope: &Scope<'_>) -> Vec<ArgLoc> {
    split(text).into_iter().take(MAX_ARGUMENTS).map(|argument| parse_one(argument, scope)).collect()
}

/// At white space outside parentheses: some assemblers put a space after a comma.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b' ' | b'\t' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

fn parse_one(text: &str, scope: &Scope<'_>) -> ArgLoc {
    let unavailable = ArgLoc { bytes: 8, signed: false, float: false, operand: Operand::Unavailable };
    let Some((size, place)) = text.split_once('@') else {
        // Old assemblers' notes have no sizes: a register tells its own.
        return parse_place(text, scope).map_or(unavailable, |(operand, bytes)| ArgLoc {
            bytes: bytes.unwrap_or(8),
            signed: true,
            float: false,
            operand,
        });
    };
    if is_struct(size) {
        let address = parse_memory(place, scope).and_then(address_of);
        return address.map_or(unavailable, |operand| ArgLoc { bytes: 8, signed: false, float: false, operand });
    }
    let float = size.ends_with('f');
    let parsed = parse_size(size.strip_suffix('f').unwrap_or(size)).zip(parse_place(place, scope));
    let parsed = parsed.filter(|((bytes, signed), _)| !float || (matches!(bytes, 4 | 8) && !signed));
    let parsed = parsed.filter(|((bytes, _), (operand, _))| !is_half(*bytes, operand, scope.class));
    parsed.map_or(unavailable, |((bytes, signed), (operand, _))| {
        let operand = match operand {
            Operand::Const(value) => Operand::Const(fitted(value, bytes, signed)),
            other => other,
        };
        ArgLoc { bytes, signed, float, operand }
    })
}

/// Whether the operand names but one of the two registers that the value is in.
fn is_half(bytes: u8, operand: &Operand, class: Class) -> bool {
    matches!(operand, Operand::Reg { .. }) && usize::from(bytes) > class.word_len()
}

/// A constant as the value of its size: compilers write an unsigned 254 of one byte as -2.
fn fitted(value: i64, bytes: u8, signed: bool) -> i64 {
    let unused = 64 - 8 * u32::from(bytes);
    if signed { value << unused >> unused } else { (value.cast_unsigned() << unused >> unused).cast_signed() }
}

/// Whether the size is none of a number, as of 3 bytes, or of 16 (bpftrace #3798).
fn is_struct(size: &str) -> bool {
    size.parse::<i64>().is_ok_and(|size| !matches!(size.unsigned_abs(), 0 | 1 | 2 | 4 | 8))
}

fn address_of(place: Operand) -> Option<Operand> {
    match place {
        Operand::Mem { base, index, scale, disp, narrow } => {
            Some(Operand::Address { base, index, scale, disp, narrow })
        }
        _ => None,
    }
}

fn parse_size(text: &str) -> Option<(u8, bool)> {
    let size: i8 = text.parse().ok()?;
    let bytes = size.unsigned_abs();
    matches!(bytes, 1 | 2 | 4 | 8).then_some((bytes, size < 0))
}

/// The operand, and its size where it tells one.
fn parse_place(text: &str, scope: &Scope<'_>) -> Option<(Operand, Option<u8>)> {
    if let Some(number) = text.strip_prefix('$') {
        return Some((Operand::Const(number_or_symbol(number, scope)?), None));
    }
    if let Some(name) = text.strip_prefix('%') {
        let register = registers::find(name)?;
        return Some((Operand::Reg { reg: register.offset, shift: register.shift }, Some(register.bytes)));
    }
    Some((parse_memory(text, scope)?, None))
}

/// `disp`, `disp(%base)`, `(%base,%index,scale)`, `symbol(%rip)`.
fn parse_memory(text: &str, scope: &Scope<'_>) -> Option<Operand> {
    let (disp, registers) = match text.split_once('(') {
        Some((disp, rest)) => (disp.trim(), rest.strip_suffix(')')?),
        None => (text, ""),
    };
    let mut parts = registers.split(',').map(str::trim);
    let base = address_register(scope.class, parts.next().unwrap_or_default())?;
    let index = address_register(scope.class, parts.next().unwrap_or_default())?;
    let scale = match parts.next().unwrap_or_default() {
        "" | "1" => 1,
        "2" => 2,
        "4" => 4,
        "8" => 8,
        _ => return None,
    };
    if parts.next().is_some() {
        return None;
    }
    if let Some((symbol, rest)) = disp.split_once(FROM_TABLE) {
        return static_memory(&format!("{symbol}{rest}"), index, scope);
    }
    if base == Some(RIP) || (base.is_none() && index.is_none()) {
        return static_memory(disp, index, scope);
    }
    let disp = if disp.is_empty() { 0 } else { number_or_symbol(disp, scope)? };
    Some(Operand::Mem { base, index, scale, disp, narrow: scope.class == Class::Narrow })
}

/// A variable. Its distance from the probe is the same wherever the file is loaded, and at the probe `%rip` is the probe's address.
fn static_memory(text: &str, index: Option<u16>, scope: &Scope<'_>) -> Option<Operand> {
    if index.is_some() {
        return None;
    }
    let variable = number_or_symbol(text, scope)?;
    let disp = (variable as u64).wrapping_sub(scope.address) as i64;
    Some(Operand::Mem { base: Some(RIP), index: None, scale: 1, disp, narrow: scope.class == Class::Narrow })
}

/// A full register inside parentheses; none if nothing is written.
fn address_register(class: Class, text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let register = registers::find(text.strip_prefix('%')?)?;
    (usize::from(register.bytes) == class.word_len()).then_some(Some(register.offset))
}

/// `-24`, `0x10`, `counter`, `counter+8`, `16+counter`.
fn number_or_symbol(text: &str, scope: &Scope<'_>) -> Option<i64> {
    if let Some(number) = number(text) {
        return Some(number);
    }
    let mut sum: i64 = 0;
    for term in terms(text) {
        let (negative, name) = match term.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, term.strip_prefix('+').unwrap_or(term)),
        };
        let value = match number(name) {
            Some(value) => value,
            None if negative => return None,
            None => (scope.symbol)(name.trim())? as i64,
        };
        sum = if negative { sum.wrapping_sub(value) } else { sum.wrapping_add(value) };
    }
    Some(sum)
}

/// Cuts before each sign.
fn terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        if matches!(byte, b'+' | b'-') {
            terms.push(&text[start..at]);
            start = at;
        }
    }
    terms.push(&text[start..]);
    terms
}

/// A signed number, decimal or hexadecimal; constants above the signed range keep their bits.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16).ok()?,
        _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u64>().ok()?,
        _ => return None,
    };
    Some(if negative { (value as i64).wrapping_neg() } else { value as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROBE: u64 = 0x1000;

    fn arguments_of(class: Class, text: &str) -> Vec<ArgLoc> {
        let symbol = |name: &str| (name == "counter").then_some(0x4000);
        parse(text, &Scope { class, address: PROBE, symbol: &symbol })
    }

    fn arguments(text: &str) -> Vec<ArgLoc> {
        arguments_of(Class::Wide, text)
    }

    fn one(text: &str) -> (u8, bool, Operand) {
        let all = arguments(text);
        let [only] = all.as_slice() else { panic!("{text}: {all:?}") };
        (only.bytes, only.signed, only.operand)
    }

    fn memory(base: Option<u16>, index: Option<u16>, scale: u8, disp: i64) -> Operand {
        Operand::Mem { base, index, scale, disp, narrow: false }
    }

    #[test]
    fn registers_and_constants() {
        assert_eq!(one("8@%rdi"), (8, false, Operand::Reg { reg: 112, shift: 0 }));
        assert_eq!(one("-4@%r8d"), (4, true, Operand::Reg { reg: 72, shift: 0 }));
        assert_eq!(one("1@%ah"), (1, false, Operand::Reg { reg: 80, shift: 8 }));
        assert_eq!(one("-4@$-5"), (4, true, Operand::Const(-5)));
        assert_eq!(one("8@$18446744073709551615"), (8, false, Operand::Const(-1)));
        assert_eq!(one("4@$0x10"), (4, false, Operand::Const(16)));
        assert_eq!(one("1@$-2"), (1, false, Operand::Const(254)));
        assert_eq!(one("2@$-4"), (2, false, Operand::Const(65_532)));
        assert_eq!(one("-1@$255"), (1, true, Operand::Const(-1)));
        assert_eq!(one("%eax"), (4, true, Operand::Reg { reg: 80, shift: 0 }));
    }

    #[test]
    fn memory_places() {
        assert_eq!(one("4@-20(%rbp)").2, memory(Some(32), None, 1, -20));
        assert_eq!(one("8@(%rdi,%rsi,8)").2, memory(Some(112), Some(104), 8, 0));
        assert_eq!(one("8@16(%rdi, %rsi, 4)").2, memory(Some(112), Some(104), 4, 16));
        assert_eq!(one("8@(%rsp)").2, memory(Some(152), None, 1, 0));
        assert_eq!(one("8@8(,%rax,8)").2, memory(None, Some(80), 8, 8));
    }

    #[test]
    fn variables_are_relative_to_the_probe() {
        assert_eq!(one("8@counter(%rip)").2, memory(Some(RIP), None, 1, 0x3000));
        assert_eq!(one("8@counter+8(%rip)").2, memory(Some(RIP), None, 1, 0x3008));
        assert_eq!(one("8@8+counter(%rip)").2, memory(Some(RIP), None, 1, 0x3008));
        assert_eq!(one("4@counter-4").2, memory(Some(RIP), None, 1, 0x2ffc));
        assert_eq!(one("8@$counter").2, Operand::Const(0x4000));
    }

    #[test]
    fn programs_of_32_bits() {
        let all =
            arguments_of(Class::Narrow, "-4@%eax 8@8(%esp) 4@-4(,%ecx,4) -2@counter@GOTOFF+4(%ebx) 8@%eax 4@(%rax)");
        let memory = |base, index, scale, disp| Operand::Mem { base, index, scale, disp, narrow: true };
        let wanted = [
            Operand::Reg { reg: 80, shift: 0 },
            memory(Some(152), None, 1, 8),
            memory(None, Some(88), 4, -4),
            memory(Some(RIP), None, 1, 0x3004),
            // The other half is in a register that the note does not name.
            Operand::Unavailable,
            Operand::Unavailable,
        ];
        assert_eq!(all.iter().map(|argument| argument.operand).collect::<Vec<_>>(), wanted);
        assert_eq!((all[3].bytes, all[3].signed), (2, true));
    }

    #[test]
    fn what_cannot_be_read_keeps_its_number() {
        let bad = "8f@%xmm0 8@%xmm1 16@%rax 8@%fs:0 8@nothing(%rip) 8@(%eax) 8@(%rax,%rbx,3) 3@%rax @ 8@ %";
        let all = arguments(&format!("{bad} 8@%rdi"));
        assert_eq!(all.len(), 12);
        assert!(all[..11].iter().all(|argument| argument.operand == Operand::Unavailable), "{all:?}");
        assert_eq!(all[11].operand, Operand::Reg { reg: 112, shift: 0 });
    }

    #[test]
    fn nothing_is_no_argument() {
        assert!(arguments("").is_empty());
        assert!(arguments("  ").is_empty());
    }

    proptest! {
        #[test]
        fn any_text(text in "[-0-9@%$(),+a-z. é]{0,40}") {
            arguments(&text);
        }

        #[test]
        fn displacements(disp in any::<i32>()) {
            prop_assert_eq!(one(&format!("8@{disp}(%rbp)")).2, memory(Some(32), None, 1, disp.into()));
        }
    }
}
