//! Where the calling convention of i386 puts arguments and results (System V ABI, its supplement for i386): all arguments are on the
//! stack, in words of four bytes.

use quadrant_program::arch::X86_64;
use quadrant_program::arch::i386::WORD;
use quadrant_program::probe::{Absence, MOST_WORDS, Operand, UserPlace};
use quadrant_types::{CType, Passing, TypeId, Types};

/// `edx`: the second word of a result.
const EDX: u16 = 96;
/// Larger results are none that registers hold.
const IN_REGISTERS: u64 = 2 * WORD as u64;

/// Hands out the places of parameters, in order.
pub(super) struct Places<'a> {
    types: &'a Types,
    /// Bytes of arguments so far.
    end: u64,
    /// Why a parameter before has no known place, so the later ones have none either.
    lost: Option<Absence>,
}

impl<'a> Places<'a> {
    /// For a function with that result, whose address may come before its parameters. Rust's convention is its own.
    pub fn new(types: &'a Types, result: TypeId, is_rust: bool) -> Self {
        let end = if is_in_memory(types, result) { WORD.into() } else { 0 };
        Self { types, end, lost: is_rust.then_some(Absence::Unknown) }
    }

    /// The place of the next parameter.
    pub fn next(&mut self, ty: TypeId) -> UserPlace {
        let passing = self.types.passing(ty);
        self.lost = self.lost.or((passing == Passing::Unclear).then_some(Absence::Class));
        match (self.lost, self.types.kind(ty)) {
            (Some(why), _) => UserPlace::Absent(why),
            // No array is handed over as such: these are vectors.
            (None, CType::Array { .. }) => UserPlace::Absent(Absence::Vector),
            _ => self.on_stack(ty, passing == Passing::ByAddress),
        }
    }

    fn on_stack(&mut self, ty: TypeId, indirect: bool) -> UserPlace {
        let word = u64::from(WORD);
        let size = if indirect { word } else { self.types.size_of(ty).unwrap_or(word) };
        let disp = i64::try_from(self.end.saturating_add(word)).unwrap_or(i64::MAX);
        self.end = self.end.saturating_add(size.next_multiple_of(word));
        UserPlace::Memory { base: X86_64.stack_pointer, disp, indirect }
    }
}

/// Where a result is when the function returns.
pub(super) fn result(types: &Types, ty: TypeId, is_rust: bool) -> UserPlace {
    let register = |reg: u16| Operand::Reg { reg, shift: 0 };
    let size = types.size_of(ty).unwrap_or(0);
    match types.kind(ty) {
        CType::Struct { .. } | CType::Array { .. } if is_rust => UserPlace::Absent(Absence::Unknown),
        // `_Float16`, and two of them, which `_Decimal32` is as long as.
        CType::Struct { .. } if types.is_opaque_number(ty) && size < IN_REGISTERS => {
            UserPlace::Absent(Absence::Unknown)
        }
        CType::Float { .. } | CType::Array { .. } => UserPlace::Absent(Absence::Vector),
        _ if is_in_memory(types, ty) => UserPlace::Memory { base: X86_64.return_value, disp: 0, indirect: false },
        _ if size > IN_REGISTERS => UserPlace::Absent(Absence::Unknown),
        _ => {
            let words: [Operand; MOST_WORDS] = [register(X86_64.return_value), register(EDX), Operand::Const(0)];
            UserPlace::Words { words, count: size.div_ceil(WORD.into()) as u8 }
        }
    }
}

/// Results that are a struct are in memory of the caller, small ones, too, but complex and decimal numbers of two words.
fn is_in_memory(types: &Types, ty: TypeId) -> bool {
    let size = types.size_of(ty).unwrap_or(0);
    let is_in_words = (types.is_complex(ty) || types.is_opaque_number(ty)) && size <= IN_REGISTERS;
    matches!(types.kind(ty), CType::Struct { .. }) && size > 0 && !is_in_words
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_types::{Attributes, FieldDef, StructDef};

    fn pair(types: &Types, name: &str, ty: TypeId) -> TypeId {
        let field = |name: &str| FieldDef { name: name.into(), ty, bits: None, attributes: Attributes::default() };
        let fields = vec![field("a"), field("b")];
        let attributes = Attributes::default();
        types.define_struct(&StructDef { name: name.into(), is_union: false, attributes, fields }).unwrap()
    }

    fn stack(disp: i64) -> UserPlace {
        UserPlace::Memory { base: X86_64.stack_pointer, disp, indirect: false }
    }

    #[test]
    fn arguments_are_on_the_stack_one_behind_the_other() {
        let types = Types::without_btf("not needed");
        let (char, long, double) = (types.char(), types.int(8, true), types.float_of(8));
        let bytes = pair(&types, "bytes", char);
        let mut places = Places::new(&types, types.int(4, true), false);
        let all = [char, long, bytes, double, char].map(|ty| places.next(ty));
        assert_eq!(all, [4, 8, 16, 20, 28].map(stack));
        // The address of the result comes first.
        assert_eq!(Places::new(&types, bytes, false).next(char), stack(8));
        assert_eq!(Places::new(&types, TypeId::VOID, true).next(char), UserPlace::Absent(Absence::Unknown));
    }

    #[test]
    fn results_are_in_two_registers_or_in_memory() {
        let types = Types::without_btf("not needed");
        let of = |ty| result(&types, ty, false);
        let count = |place| if let UserPlace::Words { count, .. } = place { Some(count) } else { None };
        assert_eq!([types.char(), types.int(8, false)].map(|ty| count(of(ty))), [Some(1), Some(2)]);
        let memory = UserPlace::Memory { base: X86_64.return_value, disp: 0, indirect: false };
        assert_eq!(of(pair(&types, "bytes", types.char())), memory);
        assert_eq!(of(types.float_of(4)), UserPlace::Absent(Absence::Vector));
    }
}
