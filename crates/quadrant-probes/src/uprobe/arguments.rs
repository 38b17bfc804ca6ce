//! The parameters and the result of a user function, by its file's debug information.

use std::path::Path;

use quadrant_program::arch::{self, Arch, X86_64};
use quadrant_program::probe::{Absence, Args, Field, FieldPlace, Operand, Point, Site, UserPlace};
use quadrant_types::{Base, CType, DebugTypes, Location, Parameter, Subprogram, TypeId, Types};

use super::pieces;
use super::{abi, i386};
use crate::debug::DebugFiles;
use crate::demangle;
use crate::elf::Class;
use crate::error::{Result, advise, error};
use crate::files::Files;
use crate::target::Target;

/// Offsets in `struct pt_regs` of the registers with DWARF's numbers 0 to 16 (psABI, figure 3.36).
const REGISTERS: [u16; 17] = [80, 96, 88, 40, 104, 112, 32, 152, 72, 64, 56, 48, 24, 16, 8, 0, 128];
/// DWARF's first number of a register that is none of those.
const FIRST_VECTOR: u16 = 17;
/// The same of i386, whose numbers are others: 0 to 8.
const NARROW_REGISTERS: [u16; 9] = [80, 88, 96, 40, 152, 32, 104, 112, 128];
const FIRST_X87: u16 = 11;
/// Parts of functions, and functions with other parameters than the source's, have these in their names.
const CHANGED: [&str; 4] = [".isra.", ".constprop.", ".part.", ".cold"];
/// Of those, what need not have the source's result.
const WITHOUT_RESULT: [&str; 2] = [".isra.", ".part."];

/// The named arguments of a point in a user function; the result, called `retval`, at its return.
pub(crate) fn arguments(files: &Files, debug: &DebugFiles, types: &Types, point: &Point) -> Result<Args> {
    let (path, offset, on_return) = match &point.site {
        Site::Uprobe { path, offset, .. } => (path, *offset, false),
        Site::Uretprobe { path, offset, .. } => (path, *offset, true),
        _ => return Err(error(format!("`{}` is not in a user function", point.name))),
    };
    refuse_others(arch::native())?;
    let (of, info) = debug.of(files, path)?;
    let elf = files.open(&Target { name: path.clone(), path: path.clone() })?;
    let address = elf.code_address_of(offset).ok_or_else(|| error("this place is not in the code of the file"))?;
    let whole = info.subprogram(address);
    // Of a copy only what is said of it counts, and of a function in Go, whose calling convention is its own.
    let changed = whole.is_none() || is_changed(&point.name);
    let Some(function) = whole.or_else(|| info.inlined_subprogram(address, &point.func)) else {
        return Err(undescribed(point, path, info.missing_split_file(address)));
    };
    if function.is_brief && function.parameters.is_empty() && !on_return {
        return Err(left_out(&point.func));
    }
    let is_internal = function.is_by_llvm && elf.symbols().is_ok_and(|symbols| !symbols.is_public(address));
    let changed = changed || function.is_go || is_internal || function.is_unusual;
    let changed = changed || lacks_parameters(&point.func, &function);
    let class = elf.class();
    let finder = Finder { types, of, function: &function, changed, class };
    let mut fields = if on_return { finder.result() } else { finder.parameters() };
    fields.iter_mut().for_each(|field| field.ty = types.shared(field.ty));
    match on_return {
        false => finder.warn_of_guesses(files, &point.func, &fields),
        true if is_internal || may_lack_result(&point.name) => finder.warn_of_result(files, &point.func, &fields),
        true => {}
    }
    Ok(Args { fields, narrow: class == Class::Narrow, ..Args::default() })
}

/// Debug information numbers the registers of its architecture, and each has a calling convention of its own.
fn refuse_others(arch: &Arch) -> Result<()> {
    if arch.name == X86_64.name {
        return Ok(());
    }
    let message = format!(
        "arguments and results of user functions are known by name on {} only, not on {}",
        X86_64.name, arch.name
    );
    Err(advise(message, "`arg0`, `arg1`, ... and `retval` as a number need no debug information"))
}

fn undescribed(point: &Point, path: &Path, split: Option<String>) -> quadrant_program::probe::ProbeError {
    let name = &point.name;
    if let Some(file) = split {
        let message = format!("the debug information of `{name}` is in {file}, which was not found");
        return advise(message, "name its folder with --debuginfo DIR");
    }
    advise(
        format!("the debug information of {} describes no function that starts at `{name}`", path.display()),
        "arguments are known by name at the entry of a function only, and of functions that were compiled with -g",
    )
}

fn left_out(function: &str) -> quadrant_program::probe::ProbeError {
    advise(
        format!("the debug information of `{function}` has its lines only, not its arguments"),
        "compile with -g instead of -g1",
    )
}

fn is_changed(name: &str) -> bool {
    CHANGED.iter().any(|mark| name.contains(mark))
}

/// clang leaves out parameters that go by their address and are not used: those behind them are not where they seem to be.
fn lacks_parameters(name: &str, function: &Subprogram) -> bool {
    // C++ hands over `this` before those of the name.
    let known = function.parameters.iter().filter(|parameter| parameter.name.as_deref() != Some("this")).count();
    !function.is_rust && demangle::count_of_parameters(name).is_some_and(|count| known < count)
}

/// Whether the compiler has said by the name that the function need not return what the source says.
fn may_lack_result(name: &str) -> bool {
    WITHOUT_RESULT.iter().any(|mark| name.contains(mark))
}

struct Finder<'a> {
    types: &'a Types,
    of: DebugTypes,
    function: &'a Subprogram,
    /// The compiler may have changed the parameters: only what is said of their places counts.
    changed: bool,
    /// How wide the program's words are.
    class: Class,
}

impl Finder<'_> {
    fn result_type(&self) -> TypeId {
        self.types.debug_type(self.of, self.function.result)
    }

    /// Nothing for a function without a result.
    fn result(&self) -> Vec<Field> {
        let ty = self.result_type();
        if self.types.size_of(ty).is_none() {
            return Vec::new();
        }
        let place = match self.class {
            Class::Narrow => i386::result(self.types, ty, self.function.is_rust),
            Class::Wide => abi::result(self.types, ty, self.function.is_rust),
        };
        vec![Field { name: "retval".to_owned(), ty, place: FieldPlace::User(place), user: true }]
    }

    fn parameters(&self) -> Vec<Field> {
        let (types, result, is_rust) = (self.types, self.result_type(), self.function.is_rust);
        let mut narrow = i386::Places::new(types, result, is_rust);
        let mut wide = abi::Places::new(types, result, is_rust);
        let mut by_convention = |ty: TypeId| match self.class {
            Class::Narrow => narrow.next(ty),
            Class::Wide => wide.next(ty),
        };
        let parameters = &self.function.parameters;
        let usual = |parameter: &Parameter| by_convention(self.types.debug_type(self.of, parameter.ty));
        let usual: Vec<UserPlace> = parameters.iter().map(usual).collect();
        let changed = self.changed || self.class == Class::Narrow && self.is_in_registers(&usual);
        let both = parameters.iter().zip(usual).enumerate();
        both.map(|(index, (parameter, usual))| self.parameter(parameter, index, usual, changed)).collect()
    }

    /// Whether the debug information shows that a program of 32 bits hands arguments over in registers, as gcc's `regparm` and its own
    /// functions that nothing outside calls: one is in a register, or in the frame of the function though it is as it was handed over,
    /// or at another place of the stack.
    fn is_in_registers(&self, usual: &[UserPlace]) -> bool {
        let is_register = |location: &Location| matches!(location, Location::Register(_));
        self.function.parameters.iter().zip(usual).any(|(parameter, usual)| match &parameter.location {
            Some(Location::Pieces(pieces)) => pieces.iter().any(|(piece, _)| is_register(piece)),
            Some(Location::Memory { offset, .. }) => matches!(usual, UserPlace::Memory { disp, .. } if disp != offset),
            Some(location) => is_register(location),
            None => parameter.is_copied && self.is_kept_as_it_comes(parameter),
        })
    }

    /// Whether compilers that do not optimize leave such an argument where it is on the stack: they copy what is no whole word or
    /// needs to be aligned, and some pointers for the sake of the stack's protection.
    fn is_kept_as_it_comes(&self, parameter: &Parameter) -> bool {
        match self.types.kind(self.types.debug_type(self.of, parameter.ty)) {
            CType::Int { size: 4, .. } | CType::Enum { size: 4, .. } => true,
            CType::Ptr { .. } => !self.function.is_guarded,
            _ => false,
        }
    }

    fn parameter(&self, parameter: &Parameter, index: usize, usual: UserPlace, changed: bool) -> Field {
        let ty = self.types.debug_type(self.of, parameter.ty);
        let place = match &parameter.location {
            Some(location) => match self.place(location, ty) {
                // What others may call has its arguments where the convention says, but for Rust's.
                UserPlace::Absent(Absence::Unknown) if !changed && !self.function.is_rust => usual,
                place => place,
            },
            // LLVM lets callers hand over anything then; elsewhere, where the places of others are said, this one has none any more.
            None if parameter.is_unplaced && (self.is_unfixed() || self.is_optimized() && !changed) => {
                UserPlace::Absent(Absence::Optimized)
            }
            None if changed => UserPlace::Absent(Absence::Unknown),
            None => usual,
        };
        let name = parameter.name.as_deref().map_or_else(|| format!("arg{index}"), str::to_owned);
        Field { name, ty, place: FieldPlace::User(place), user: true }
    }

    /// Rust's convention is not fixed, and where no place is said at all it need not be the usual one either.
    fn warn_of_guesses(&self, files: &Files, function: &str, fields: &[Field]) {
        let is_guess = |parameter: &Parameter| {
            let unplaced = parameter.is_unplaced && !self.is_optimized() && !self.is_unfixed();
            !self.changed
                && parameter.location.is_none()
                && (unplaced || self.function.is_rust && !parameter.is_unplaced)
        };
        let both = self.function.parameters.iter().zip(fields);
        let guessed = both.filter(|(parameter, field)| is_guess(parameter) && is_readable(field));
        let names: Vec<String> = guessed.map(|(_, field)| format!("`{}`", field.name)).collect();
        if !names.is_empty() {
            files.warn(format!(
                "the places of {} of `{function}` are a guess by the calling convention: the debug information \
                 does not say them for the function's entry",
                names.join(", ")
            ));
        }
    }

    /// No debug information says whether the result is still there.
    fn warn_of_result(&self, files: &Files, function: &str, fields: &[Field]) {
        if fields.iter().any(is_readable) {
            files.warn(format!(
                "`retval` of `{function}` is its result only if a caller uses that: the compiler has optimized the function for \
                 its callers, and leaves out what none of them uses"
            ));
        }
    }

    /// Callers need not hand over what the function does not use.
    fn is_unfixed(&self) -> bool {
        self.function.is_rust || self.function.is_by_llvm
    }

    fn is_optimized(&self) -> bool {
        self.function.parameters.iter().any(|parameter| parameter.location.is_some())
    }

    fn place(&self, location: &Location, ty: TypeId) -> UserPlace {
        match location {
            Location::Memory { base: Base::Register(number), offset, indirect } => {
                match register(self.class, *number) {
                    Ok(base) => UserPlace::Memory { base, disp: *offset, indirect: *indirect },
                    Err(absence) => UserPlace::Absent(absence),
                }
            }
            Location::Pieces(pieces) => {
                pieces::as_words(self.class, self.types, ty, pieces).unwrap_or_else(UserPlace::Absent)
            }
            Location::Register(_) | Location::Sum(..) | Location::Constant(_) => {
                let word = self.class.word_len() as u64;
                let count = self.types.size_of(ty).unwrap_or(word).div_ceil(word);
                match operand(self.class, location) {
                    Ok(word) if count <= 1 => {
                        UserPlace::Words { words: [word, Operand::Const(0), Operand::Const(0)], count: 1 }
                    }
                    Ok(_) => UserPlace::Absent(Absence::Unknown),
                    Err(absence) => UserPlace::Absent(absence),
                }
            }
            Location::Gone => UserPlace::Absent(Absence::Optimized),
            Location::Memory { base: Base::Frame, .. } | Location::Unknown => UserPlace::Absent(Absence::Unknown),
        }
    }
}

fn is_readable(field: &Field) -> bool {
    !matches!(field.place, FieldPlace::User(UserPlace::Absent(_)))
}

pub(super) fn operand(class: Class, location: &Location) -> std::result::Result<Operand, Absence> {
    let narrow = class == Class::Narrow;
    match location {
        Location::Register(number) => Ok(Operand::Reg { reg: register(class, *number)?, shift: 0 }),
        Location::Sum(number, add) => Ok(Operand::Sum { reg: register(class, *number)?, add: *add }),
        Location::Constant(value) => Ok(Operand::Const(value.cast_signed())),
        Location::Memory { base: Base::Register(number), offset, indirect: false } => {
            Ok(Operand::Mem { base: Some(register(class, *number)?), index: None, scale: 1, disp: *offset, narrow })
        }
        Location::Gone => Err(Absence::Optimized),
        _ => Err(Absence::Unknown),
    }
}

/// Where the kernel keeps a register.
fn register(class: Class, number: u16) -> std::result::Result<u16, Absence> {
    let (registers, first_vector): (&[u16], u16) =
        class.of([(&NARROW_REGISTERS, FIRST_X87), (&REGISTERS, FIRST_VECTOR)]);
    match registers.get(usize::from(number)) {
        Some(offset) => Ok(*offset),
        None if number >= first_vector => Err(Absence::Vector),
        None => Err(Absence::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::arch::AARCH64;

    #[test]
    fn other_architectures_are_refused() {
        assert!(refuse_others(&X86_64).is_ok());
        assert!(refuse_others(&AARCH64).unwrap_err().message.contains("on x86_64 only, not on aarch64"));
    }
}
