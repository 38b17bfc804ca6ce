//! Which classes of C++ are handed over by their address: those that have to be copied, moved or destroyed by functions of their
//! own (the Itanium C++ ABI's "non-trivial for the purposes of calls").
//!
//! clang says it of each class, gcc (12) leaves it to be found out by the functions that a class declares.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use gimli::{DW_AT_calling_convention, DW_AT_declaration, DW_AT_external, DwTag};

use super::Die;
use super::die::DieRef;

/// Classes within a class that are looked at.
const MAX_PARTS: usize = 1024;
/// Typedefs, qualifiers and dimensions around a class.
const MAX_AROUND: usize = 16;

const RECORDS: [DwTag; 3] = [gimli::DW_TAG_structure_type, gimli::DW_TAG_class_type, gimli::DW_TAG_union_type];
const AROUND: [DwTag; 4] =
    [gimli::DW_TAG_typedef, gimli::DW_TAG_const_type, gimli::DW_TAG_volatile_type, gimli::DW_TAG_array_type];
const REFERENCES: [DwTag; 2] = [gimli::DW_TAG_reference_type, gimli::DW_TAG_rvalue_reference_type];

/// How the values of a type are handed over. Of the parts of a class the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passing {
    /// As they are.
    ByValue,
    /// What the class declares can be understood either way, or it has too many parts.
    Unclear,
    /// By their address: a C++ class that has to be copied, moved or destroyed by a function of its own.
    ByAddress,
}

/// What was found out of each class.
pub(super) type Known = RefCell<HashMap<DieRef, Passing>>;

/// How such values are handed over.
pub(crate) fn passing(class: &Die<'_>) -> Passing {
    Walk { from: class, open: Vec::new(), seen: HashSet::new() }.answer()
}

/// Goes through the parts of a class, innermost first.
struct Walk<'a> {
    from: &'a Die<'a>,
    open: Vec<Open>,
    seen: HashSet<DieRef>,
}

/// A class of which some parts are still to be looked at.
struct Open {
    at: DieRef,
    passing: Passing,
    parts: Vec<DieRef>,
}

impl Walk<'_> {
    fn answer(mut self) -> Passing {
        let mut found = self.look(self.from.at);
        while let Some(mut class) = self.open.pop() {
            class.passing = class.passing.max(found.unwrap_or(Passing::ByValue));
            let goes_on = class.passing != Passing::ByAddress && self.seen.len() <= MAX_PARTS;
            found = match class.parts.pop().filter(|_| goes_on) {
                Some(part) => {
                    self.open.push(class);
                    self.look(part)
                }
                None => {
                    self.from.info.passing.borrow_mut().insert(class.at, class.passing);
                    Some(class.passing)
                }
            };
        }
        found.unwrap_or(Passing::ByValue)
    }

    /// What is known of a type; a class that was not looked at before is opened.
    fn look(&mut self, at: DieRef) -> Option<Passing> {
        let Some(class) = record(self.from, at) else { return Some(Passing::ByValue) };
        let known = self.from.info.passing.borrow().get(&class.at).copied();
        // Only damaged debug information has classes that are parts of themselves.
        if known.is_some() || !self.seen.insert(class.at) {
            return known.or(Some(Passing::ByValue));
        }
        if self.seen.len() > MAX_PARTS {
            return Some(Passing::Unclear);
        }
        let (passing, parts) = is_said(&class).map_or_else(|| found_out(&class), |passing| (passing, Vec::new()));
        self.open.push(Open { at: class.at, passing, parts });
        None
    }
}

fn is_said(class: &Die<'_>) -> Option<Passing> {
    let convention = class.number(DW_AT_calling_convention)?;
    let by_address = convention == u64::from(gimli::DW_CC_pass_by_reference.0);
    Some(if by_address { Passing::ByAddress } else { Passing::ByValue })
}

/// What the functions of a class say, and its parts, which may say more.
fn found_out(class: &Die<'_>) -> (Passing, Vec<DieRef>) {
    let children = class.children();
    (by_functions(class, &children), children.iter().filter_map(type_of_part).collect())
}

/// The class that a type is, or has elements of.
fn record<'a>(from: &Die<'a>, at: DieRef) -> Option<Die<'a>> {
    let mut die = from.other(at)?;
    for _ in 0..MAX_AROUND {
        match die.tag() {
            tag if RECORDS.contains(&tag) && die.flag(DW_AT_declaration) => return die.other(die.find_type(&RECORDS)?),
            tag if RECORDS.contains(&tag) => return Some(die),
            tag if AROUND.contains(&tag) => die = die.other(die.reference(gimli::DW_AT_type)?)?,
            _ => return None,
        }
    }
    None
}

/// The type of a base, or of a member that each object has.
fn type_of_part(child: &Die<'_>) -> Option<DieRef> {
    let is_part = match child.tag() {
        gimli::DW_TAG_inheritance => true,
        gimli::DW_TAG_member => !child.flag(DW_AT_external) && !child.flag(DW_AT_declaration),
        _ => false,
    };
    child.reference(gimli::DW_AT_type).filter(|_| is_part)
}

fn by_functions(class: &Die<'_>, children: &[Die<'_>]) -> Passing {
    let methods = || children.iter().filter(|child| child.tag() == gimli::DW_TAG_subprogram);
    let is_destructor = |method: &Die<'_>| method.name().is_some_and(|name| name.starts_with('~'));
    let constructors: Vec<_> = methods().filter_map(|method| Copying::of(class, method)).collect();
    let copies: Vec<_> = constructors.iter().filter(|copy| !copy.takes_more).collect();
    // To declare a move assignment deletes the copy constructor that is not declared.
    let is_deleted_by_assignment = || {
        copies.iter().all(|copy| is_implicit(copy.method)) && methods().any(|method| is_move_assignment(class, method))
    };
    let has_own = children.iter().any(is_virtual)
        || methods().any(|method| is_destructor(method) && is_written(method))
        || copies.iter().any(|copy| is_written(copy.method))
        || (!copies.is_empty() && copies.iter().all(|copy| copy.method.flag(gimli::DW_AT_deleted)))
        || is_deleted_by_assignment();
    // A class has one of each kind.
    let is_doubtful =
        |more: &Copying<'_>| more.takes_more && copies.iter().all(|copy| copy.reference != more.reference);
    match has_own {
        true => Passing::ByAddress,
        false if constructors.iter().any(is_doubtful) => Passing::Unclear,
        false => Passing::ByValue,
    }
}

/// A virtual function or base: an object has a pointer that copying has to set.
fn is_virtual(child: &Die<'_>) -> bool {
    child.number(gimli::DW_AT_virtuality).is_some_and(|kind| kind != u64::from(gimli::DW_VIRTUALITY_none.0))
}

/// Neither made by the compiler nor asked of it at its declaration.
fn is_written(method: &Die<'_>) -> bool {
    let is_default = method.number(gimli::DW_AT_defaulted) == Some(u64::from(gimli::DW_DEFAULTED_in_class.0));
    !is_default && !is_implicit(method) && !method.flag(gimli::DW_AT_deleted)
}

fn is_implicit(method: &Die<'_>) -> bool {
    method.flag(gimli::DW_AT_artificial)
}

/// A constructor that copies or moves another object of the class, or may do so.
struct Copying<'a> {
    method: &'a Die<'a>,
    /// The kind of reference to the other object.
    reference: DwTag,
    /// There are more parameters. It copies if all of them have default arguments, which debug information does not tell.
    takes_more: bool,
}

impl<'a> Copying<'a> {
    fn of(class: &Die<'_>, method: &'a Die<'a>) -> Option<Self> {
        let plain = |die: &Die<'_>| die.name().map(|name| name.split('<').next().unwrap_or_default().to_owned());
        plain(method).filter(|name| Some(name) == plain(class).as_ref())?;
        let given = given(method);
        let reference = reference_to(class, given.first()?)?;
        Some(Self { method, reference, takes_more: given.len() > 1 })
    }
}

fn is_move_assignment(class: &Die<'_>, method: &Die<'_>) -> bool {
    let moves = |other: &Die<'_>| reference_to(class, other) == Some(gimli::DW_TAG_rvalue_reference_type);
    method.name().as_deref() == Some("operator=") && !is_implicit(method) && given(method).first().is_some_and(moves)
}

/// The parameters that the source has.
fn given<'a>(method: &Die<'a>) -> Vec<Die<'a>> {
    let is_given = |die: &Die<'_>| die.tag() == gimli::DW_TAG_formal_parameter && !is_implicit(die);
    method.children().into_iter().filter(is_given).collect()
}

/// The kind of reference to an object of the class that a parameter is.
fn reference_to(class: &Die<'_>, parameter: &Die<'_>) -> Option<DwTag> {
    let reference = parameter.other(parameter.reference(gimli::DW_AT_type)?)?;
    let kind = Some(reference.tag()).filter(|tag| REFERENCES.contains(tag))?;
    let other = record(parameter, reference.reference(gimli::DW_AT_type)?)?;
    (other.at == class.at).then_some(kind)
}
