//! Which classes of C++ are handed over by their address: those that have to be copied, moved or destroyed by functions of their
//! own (the Itanium C++ ABI's "non-trivial for the purposes of calls").
//!
//! clang says it of each class, gcc (12) leaves it to be found out by the functions that a class declares.

use std::collections::HashSet;

use gimli::{DW_AT_calling_convention, DW_AT_declaration, DW_AT_external, DwTag};

use super::Die;
use super::die::DieRef;

/// Bases and members of a class that are looked at.
const MAX_PARTS: usize = 1024;
/// Typedefs, qualifiers and dimensions around a class.
const MAX_AROUND: usize = 16;

const RECORDS: [DwTag; 3] = [gimli::DW_TAG_structure_type, gimli::DW_TAG_class_type, gimli::DW_TAG_union_type];
const AROUND: [DwTag; 4] =
    [gimli::DW_TAG_typedef, gimli::DW_TAG_const_type, gimli::DW_TAG_volatile_type, gimli::DW_TAG_array_type];
const REFERENCES: [DwTag; 2] = [gimli::DW_TAG_reference_type, gimli::DW_TAG_rvalue_reference_type];

/// Whether such values are handed over by their address. A class is, if one of its bases or members is.
pub(crate) fn is_passed_by_address(class: &Die<'_>) -> bool {
    let (mut left, mut seen) = (vec![class.at], HashSet::new());
    while let Some(at) = left.pop().filter(|_| seen.len() < MAX_PARTS) {
        let Some(part) = record(class, at).filter(|part| seen.insert(part.at)) else { continue };
        match is_said(&part) {
            Some(true) => return true,
            Some(false) => {}
            None => {
                let children = part.children();
                if has_functions_of_its_own(&part, &children) {
                    return true;
                }
                left.extend(children.iter().filter_map(type_of_part));
            }
        }
    }
    false
}

fn is_said(class: &Die<'_>) -> Option<bool> {
    let convention = class.number(DW_AT_calling_convention)?;
    Some(convention == u64::from(gimli::DW_CC_pass_by_reference.0))
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

fn has_functions_of_its_own(class: &Die<'_>, children: &[Die<'_>]) -> bool {
    let methods = || children.iter().filter(|child| child.tag() == gimli::DW_TAG_subprogram);
    let is_destructor = |method: &Die<'_>| method.name().is_some_and(|name| name.starts_with('~'));
    let copies: Vec<_> = methods().filter(|method| is_copying(class, method)).collect();
    children.iter().any(is_virtual)
        || methods().any(|method| is_destructor(method) && is_written(method))
        || copies.iter().any(|copy| is_written(copy))
        || (!copies.is_empty() && copies.iter().all(|copy| copy.flag(gimli::DW_AT_deleted)))
}

/// A virtual function or base: an object has a pointer that copying has to set.
fn is_virtual(child: &Die<'_>) -> bool {
    child.number(gimli::DW_AT_virtuality).is_some_and(|kind| kind != u64::from(gimli::DW_VIRTUALITY_none.0))
}

/// Neither made by the compiler nor asked of it at its declaration.
fn is_written(method: &Die<'_>) -> bool {
    let is_default = method.number(gimli::DW_AT_defaulted) == Some(u64::from(gimli::DW_DEFAULTED_in_class.0));
    !is_default && !method.flag(gimli::DW_AT_artificial) && !method.flag(gimli::DW_AT_deleted)
}

/// A constructor whose one parameter is a reference to another object of the class.
fn is_copying(class: &Die<'_>, method: &Die<'_>) -> bool {
    let plain = |die: &Die<'_>| die.name().map(|name| name.split('<').next().unwrap_or_default().to_owned());
    if plain(method).is_none_or(|name| Some(name) != plain(class)) {
        return false;
    }
    let is_given = |die: &Die<'_>| die.tag() == gimli::DW_TAG_formal_parameter && !die.flag(gimli::DW_AT_artificial);
    let given: Vec<_> = method.children().into_iter().filter(is_given).collect();
    matches!(given.as_slice(), [other] if referred(other).is_some_and(|other| other.at == class.at))
}

fn referred<'a>(parameter: &Die<'a>) -> Option<Die<'a>> {
    let reference = parameter.other(parameter.reference(gimli::DW_AT_type)?)?;
    let is_reference = REFERENCES.contains(&reference.tag());
    is_reference.then(|| record(parameter, reference.reference(gimli::DW_AT_type)?)).flatten()
}
