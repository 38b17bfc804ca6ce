//! Where the calling convention puts arguments and results: the System V ABI of x86-64 (its chapter 3.2.3), and what Rust's own
//! convention does differently.

use quadrant_program::arch::{Arch, X86_64};
use quadrant_program::probe::{Absence, MOST_WORDS, Operand, UserPlace};
use quadrant_types::{CType, Passing, TypeId, Types};

/// Bytes of a word.
const WORD: u64 = 8;
/// Larger values are in memory.
const IN_REGISTERS: u64 = 2 * WORD;
/// Vector registers with arguments.
const VECTORS: u8 = 8;
/// `rdx`: the second word of a result.
const RDX: u16 = 96;
/// Members that are looked at in one type, and how deep they may be.
const MAX_MEMBERS: usize = 4096;
const MAX_DEPTH: u8 = 20;

/// How a value is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// There is nothing.
    Empty,
    /// In registers, a word each.
    Words { words: [Word; 2], count: u8 },
    /// On the stack.
    Memory,
    /// By its address, in a register.
    Address,
    /// That cannot be told.
    Unclear(Absence),
    /// On the stack; a result in a register of the floating point unit.
    Extended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Integer,
    Vector,
    /// No member: not handed over.
    Padding,
}

/// Hands out the places of parameters, in order.
pub(super) struct Places<'a> {
    types: &'a Types,
    is_rust: bool,
    integers: u8,
    vectors: u8,
    /// Bytes of arguments on the stack.
    stack: u64,
    /// Why a parameter before has no known place, so the later ones have none either.
    lost: Option<Absence>,
}

impl<'a> Places<'a> {
    /// For a function with that result, which may take the first register for its own address.
    pub fn new(types: &'a Types, result: TypeId, is_rust: bool) -> Self {
        let places = Self { types, is_rust, integers: 0, vectors: 0, stack: 0, lost: None };
        match class_of_result(types, result, is_rust) {
            Class::Unclear(why) => Self { lost: Some(why), ..places },
            Class::Memory | Class::Address => Self { integers: 1, ..places },
            _ => places,
        }
    }

    /// The place of the next parameter.
    pub fn next(&mut self, ty: TypeId) -> UserPlace {
        let class = if self.is_split_by_some(ty) { Class::Unclear(Absence::Unknown) } else { self.class(ty) };
        self.lost = self.lost.or(match class {
            Class::Unclear(why) => Some(why),
            _ => (self.is_rust && is_unclear(self.types, ty)).then_some(Absence::Unknown),
        });
        self.lost.map_or_else(|| self.place(ty, class), UserPlace::Absent)
    }

    /// Whether compilers differ about a number of two words: clang before 18 and Rust of its time put half of it into the last register,
    /// and do not align it on the stack.
    fn is_split_by_some(&self, ty: TypeId) -> bool {
        let left = arch().arguments.len() as u8 - self.integers;
        let is_long = matches!(self.types.kind(ty), CType::Int { size: 16, .. });
        is_long && (left == 1 || left == 0 && !self.stack.is_multiple_of(16))
    }

    fn place(&mut self, ty: TypeId, class: Class) -> UserPlace {
        match class {
            Class::Empty => UserPlace::Words { words: [Operand::Const(0); MOST_WORDS], count: 0 },
            Class::Words { words, count } => self.words(ty, words, count),
            Class::Memory | Class::Extended => self.on_stack(ty, false),
            Class::Address => match self.integer() {
                Some(base) => UserPlace::Memory { base, disp: 0, indirect: false },
                None => self.on_stack(ty, true),
            },
            Class::Unclear(why) => UserPlace::Absent(why),
        }
    }

    fn words(&mut self, ty: TypeId, classes: [Word; 2], count: u8) -> UserPlace {
        let classes = &classes[..usize::from(count)];
        let integers = classes.iter().filter(|class| **class == Word::Integer).count() as u8;
        let vectors = classes.iter().filter(|class| **class == Word::Vector).count() as u8;
        let arguments = arch().arguments.len() as u8;
        if self.integers + integers > arguments || self.vectors + vectors > VECTORS {
            return self.on_stack(ty, false);
        }
        self.vectors += vectors;
        let mut words = [Operand::Const(0); MOST_WORDS];
        for (word, class) in words.iter_mut().zip(classes) {
            *word = match class {
                Word::Vector => Operand::Unavailable,
                Word::Integer => register(self.integer().unwrap_or_default()),
                Word::Padding => Operand::Const(0),
            };
        }
        in_words(words, count)
    }

    fn integer(&mut self) -> Option<u16> {
        let register = arch().arguments.get(usize::from(self.integers)).copied()?;
        self.integers += 1;
        Some(register)
    }

    fn on_stack(&mut self, ty: TypeId, indirect: bool) -> UserPlace {
        let size = if indirect { WORD } else { self.types.size_of(ty).unwrap_or(WORD) };
        let align = if indirect { WORD } else { self.types.align_of(ty).clamp(WORD, 16) };
        let at = self.stack.next_multiple_of(align);
        self.stack = at.saturating_add(size.next_multiple_of(WORD));
        let disp = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(arch().stack_arguments.into());
        UserPlace::Memory { base: arch().stack_pointer, disp, indirect }
    }

    fn class(&self, ty: TypeId) -> Class {
        match class(self.types, ty, self.is_rust) {
            // Rust hands over the address of what does not fit into two registers.
            Class::Memory if self.is_rust => Class::Address,
            class => class,
        }
    }
}

/// Where a result is when the function returns.
pub(super) fn result(types: &Types, ty: TypeId, is_rust: bool) -> UserPlace {
    let first = arch().return_value;
    if is_rust && is_unclear(types, ty) {
        return UserPlace::Absent(Absence::Unknown);
    }
    match class_of_result(types, ty, is_rust) {
        // In optimized code of Rust, the address need not come back.
        Class::Memory | Class::Address if is_rust => UserPlace::Absent(Absence::Unknown),
        Class::Empty => UserPlace::Words { words: [Operand::Const(0); MOST_WORDS], count: 0 },
        Class::Memory | Class::Address => UserPlace::Memory { base: first, disp: 0, indirect: false },
        Class::Extended => UserPlace::Absent(Absence::Vector),
        Class::Unclear(why) => UserPlace::Absent(why),
        Class::Words { words, count } => {
            let mut registers = [register(first), register(RDX)].into_iter();
            let place = |class| match class {
                Word::Vector => Operand::Unavailable,
                Word::Integer => registers.next().unwrap_or(Operand::Unavailable),
                Word::Padding => Operand::Const(0),
            };
            let [first, second] = words.map(place);
            in_words([first, second, Operand::Const(0)], count)
        }
    }
}

/// Whether Rust may hand over the value in registers of another kind or number than C: it takes a struct of two numbers apart, and
/// what is inside of its enumerations with data is not looked at here.
fn is_unclear(types: &Types, ty: TypeId) -> bool {
    let is_whole = !matches!(types.kind(ty), CType::Struct { .. } | CType::Array { .. });
    match types.size_of(ty) {
        _ if is_whole => false,
        None | Some(0) => false,
        Some(size) if size > IN_REGISTERS => false,
        Some(_) => {
            let mut sizes = Vec::new();
            numbers_in(types, ty, MAX_DEPTH, &mut sizes);
            !matches!(sizes.as_slice(), [_] | [WORD, WORD])
        }
    }
}

/// The sizes of the numbers in a value, as far as they matter.
fn numbers_in(types: &Types, ty: TypeId, depth: u8, sizes: &mut Vec<u64>) {
    if depth == 0 {
        // What is deeper counts as too many: nothing is known of it.
        return sizes.extend([0; 3]);
    }
    if sizes.len() > 2 {
        return;
    }
    match types.kind(ty) {
        CType::Struct { .. } if is_nothing_but_tag(types, ty) => sizes.push(types.size_of(ty).unwrap_or(0)),
        CType::Struct { .. } => {
            types
                .members(ty)
                .iter()
                .take(MAX_MEMBERS)
                .for_each(|member| numbers_in(types, member.ty, depth - 1, sizes));
        }
        CType::Array { elem, len } => (0..len.min(3)).for_each(|_| numbers_in(types, elem, depth - 1, sizes)),
        _ => sizes.push(types.size_of(ty).unwrap_or(0)),
    }
}

/// Whether all of an enumeration with data is the number that tells its variant, as of `Option<&T>`: Rust hands it over as that number.
fn is_nothing_but_tag(types: &Types, ty: TypeId) -> bool {
    let tag = types.variants(ty).and_then(|variants| variants.tag);
    tag.is_some_and(|tag| types.size_of(tag.ty) == types.size_of(ty))
}

fn arch() -> &'static Arch {
    &X86_64
}

fn register(reg: u16) -> Operand {
    Operand::Reg { reg, shift: 0 }
}

fn in_words(words: [Operand; MOST_WORDS], count: u8) -> UserPlace {
    match words[..usize::from(count)].contains(&Operand::Unavailable) {
        true => UserPlace::Absent(Absence::Vector),
        false => UserPlace::Words { words, count },
    }
}

/// A large result is in memory of the caller in any case.
fn class_of_result(types: &Types, ty: TypeId, is_rust: bool) -> Class {
    match class(types, ty, is_rust) {
        Class::Unclear(_) if types.size_of(ty).is_some_and(|size| size > IN_REGISTERS) && !is_wide(types, ty) => {
            Class::Memory
        }
        // Two of `long double`: in two registers of the floating point unit.
        Class::Memory if types.is_complex(ty) => Class::Extended,
        Class::Memory if types.is_opaque_number(ty) => Class::Unclear(Absence::Unknown),
        class => class,
    }
}

fn class(types: &Types, ty: TypeId, is_rust: bool) -> Class {
    match types.passing(ty) {
        Passing::ByAddress if !is_rust => return Class::Address,
        Passing::Unclear if !is_rust => return Class::Unclear(Absence::Class),
        _ => {}
    }
    let Some(size) = types.size_of(ty) else { return Class::Empty };
    match types.kind(ty) {
        _ if size == 0 => Class::Empty,
        CType::Float { size: 10.. } => Class::Extended,
        _ if is_wide(types, ty) => Class::Unclear(Absence::Unknown),
        _ if size > IN_REGISTERS => Class::Memory,
        _ => {
            let mut sorter = Sorter { types, words: [None; 2], extended: false, left: MAX_MEMBERS, gave_up: false };
            match sorter.sort(ty, 0, MAX_DEPTH) {
                Some(()) => sorter.class(size),
                None if sorter.gave_up => Class::Unclear(Absence::Nested),
                None => Class::Memory,
            }
        }
    }
}

/// Whether a value is a vector of more than 16 bytes and nothing else: in a register, if the compiler was told that there are such.
fn is_wide(types: &Types, ty: TypeId) -> bool {
    let mut ty = ty;
    let Some(size) = types.size_of(ty).filter(|size| *size > IN_REGISTERS) else { return false };
    for _ in 0..MAX_DEPTH {
        let inner = match types.kind(ty) {
            _ if types.is_vector(ty) => return true,
            CType::Array { elem, .. } => elem,
            CType::Struct { .. } => match types.members(ty).first() {
                Some(member) => member.ty,
                None => return false,
            },
            _ => return false,
        };
        if types.size_of(inner) != Some(size) {
            return false;
        }
        ty = inner;
    }
    false
}

/// Finds out which words of a value have integers in them.
struct Sorter<'a> {
    types: &'a Types,
    words: [Option<Word>; 2],
    /// There is a number of the floating point unit.
    extended: bool,
    left: usize,
    /// There is more than is looked at.
    gave_up: bool,
}

impl Sorter<'_> {
    /// Of a value that was looked at whole.
    fn class(&self, size: u64) -> Class {
        match (self.words, self.extended) {
            ([None, None], false) => Class::Empty,
            ([None, None], true) => Class::Extended,
            (_, true) => Class::Memory,
            (words, false) => Class::Words {
                words: words.map(|word| word.unwrap_or(Word::Padding)),
                count: size.div_ceil(WORD) as u8,
            },
        }
    }

    /// `None` for a value that has to be in memory, and where it is not looked at whole.
    fn sort(&mut self, ty: TypeId, at: u64, depth: u8) -> Option<()> {
        self.gave_up |= self.left == 0 || depth == 0;
        self.left = self.left.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        match self.types.kind(ty) {
            CType::Struct { .. } if is_nothing_but_tag(self.types, ty) => {
                self.mark(at, self.types.size_of(ty)?, Word::Integer)
            }
            // One register, even for 16 bytes.
            CType::Struct { .. } if self.types.is_opaque_number(ty) => self.mark(at, 1, Word::Vector),
            CType::Struct { .. } => {
                let members = self.types.members(ty);
                members.iter().try_for_each(|member| match member.bitfield_size {
                    Some(bits) => self.bits(at * 8 + member.bit_offset, bits.into()),
                    None => self.sort(member.ty, at.checked_add(member.byte_offset())?, depth),
                })
            }
            // One register, even for 16 bytes.
            CType::Array { .. } if self.types.is_vector(ty) => self.mark(at, 1, Word::Vector),
            CType::Array { elem, len } => {
                let size = self.types.size_of(elem)?;
                let mut elements = 0..len.min(IN_REGISTERS);
                elements.try_for_each(|index| self.sort(elem, at.checked_add(index.checked_mul(size)?)?, depth))
            }
            CType::Float { size: 10.. } => {
                self.extended = true;
                Some(())
            }
            kind => {
                let size = self.types.size_of(ty)?;
                let word = if matches!(kind, CType::Float { .. }) { Word::Vector } else { Word::Integer };
                let aligned = at.is_multiple_of(size.clamp(1, WORD));
                self.mark(at, size, word).filter(|()| aligned)
            }
        }
    }

    fn bits(&mut self, at: u64, bits: u64) -> Option<()> {
        let first = at / 8;
        let last = (at + bits.max(1) - 1) / 8;
        self.mark(first, last - first + 1, Word::Integer)
    }

    fn mark(&mut self, at: u64, size: u64, class: Word) -> Option<()> {
        let end = at.checked_add(size)?;
        for index in at / WORD..end.div_ceil(WORD) {
            let word = self.words.get_mut(usize::try_from(index).ok()?)?;
            if *word != Some(Word::Integer) {
                *word = Some(class);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_types::{Attributes, FieldDef, StructDef};

    fn record(types: &Types, name: &str, fields: &[TypeId]) -> TypeId {
        let field = |(index, ty): (usize, &TypeId)| FieldDef {
            name: format!("f{index}"),
            ty: *ty,
            bits: None,
            attributes: Attributes::default(),
        };
        let fields = fields.iter().enumerate().map(field).collect();
        types
            .define_struct(&StructDef { name: name.into(), is_union: false, attributes: Attributes::default(), fields })
            .unwrap()
    }

    fn places(types: &Types, result: TypeId, is_rust: bool, parameters: &[TypeId]) -> Vec<UserPlace> {
        let mut places = Places::new(types, result, is_rust);
        parameters.iter().map(|ty| places.next(*ty)).collect()
    }

    fn words<const N: usize>(registers: [usize; N]) -> UserPlace {
        let mut words = [Operand::Const(0); MOST_WORDS];
        for (word, index) in words.iter_mut().zip(registers) {
            *word = register(arch().arguments[index]);
        }
        UserPlace::Words { words, count: N as u8 }
    }

    fn stack(disp: i64) -> UserPlace {
        UserPlace::Memory { base: arch().stack_pointer, disp, indirect: false }
    }

    #[test]
    fn numbers_and_structs() {
        let types = Types::without_btf("not needed");
        let (int, long, double) = (types.int(4, true), types.int(8, true), types.parse_type_name("double").unwrap());
        let pair = record(&types, "pair", &[int, int]);
        let two = record(&types, "two", &[long, int]);
        let large = record(&types, "large", &[long, long, long]);
        let mixed = record(&types, "mixed", &[double, int]);
        let all = places(&types, TypeId::VOID, false, &[int, pair, large, mixed, two, double, int, two, int]);
        let vector = UserPlace::Absent(Absence::Vector);
        // The mixed one takes a register for its integer; the last struct does not fit and leaves its register to the last number.
        let wanted =
            [words([0]), words([1]), stack(8), vector, words([3, 4]), vector, words([5]), stack(32), stack(48)];
        assert_eq!(all, wanted);
        // The address of a large result comes first, and comes back.
        assert_eq!(places(&types, large, false, &[int]), [words([1])]);
        assert_eq!(result(&types, large, false), UserPlace::Memory { base: 80, disp: 0, indirect: false });
        assert_eq!(result(&types, double, false), vector);
    }

    #[test]
    fn types_that_are_not_looked_at_whole_have_no_place_and_neither_has_what_follows() {
        let types = Types::without_btf("not needed");
        let long = types.int(8, true);
        let nested = |levels: u8| {
            (0..levels).fold(long, |inner, level| record(&types, &format!("level{levels}_{level}"), &[inner]))
        };
        let (shallow, deep) = (nested(17), nested(21));
        assert_eq!(places(&types, TypeId::VOID, false, &[shallow, long]), [words([0]), words([1])]);
        let absent = UserPlace::Absent(Absence::Nested);
        assert_eq!(places(&types, TypeId::VOID, false, &[long, deep, long]), [words([0]), absent, absent]);
        assert_eq!(result(&types, deep, false), absent);
        assert_eq!(places(&types, TypeId::VOID, true, &[shallow]), [words([0])]);
        assert!(matches!(places(&types, TypeId::VOID, true, &[deep])[..], [UserPlace::Absent(_)]));
    }

    #[test]
    fn rust_takes_structs_apart() {
        let types = Types::without_btf("not needed");
        let (int, long) = (types.int(4, true), types.int(8, true));
        let pair = record(&types, "pair", &[int, int]);
        let slice = record(&types, "slice", &[long, long]);
        let large = record(&types, "large", &[long, long, long]);
        let address = UserPlace::Memory { base: arch().arguments[2], disp: 0, indirect: false };
        assert_eq!(places(&types, TypeId::VOID, true, &[slice, large, int]), [words([0, 1]), address, words([3])]);
        let unknown = UserPlace::Absent(Absence::Unknown);
        assert_eq!(places(&types, TypeId::VOID, true, &[int, pair, int]), [words([0]), unknown, unknown]);
        assert_eq!(result(&types, pair, true), unknown);
    }
}
