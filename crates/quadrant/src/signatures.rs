//! What the functions of a file in C take and give, for scripts that call them.

use quadrant_bpftrace::script::Compiled;
use quadrant_object::Object;
use quadrant_program::import::Signature;
use quadrant_program::import::Target;
use quadrant_program::import::Value;
use quadrant_types::Btf;
use quadrant_types::BtfKind;
use quadrant_types::c_type;

use crate::failure::shown;

/// Bytes of a register.
const REGISTER: u32 = 8;

/// An object with the functions that it has for others.
///
/// # Errors
/// The bytes are no object.
pub fn of(object: Vec<u8>) -> Result<Compiled, (String, Vec<String>)> {
    let parsed = Object::parse(&object).map_err(|error| (error.to_string(), Vec::new()))?;
    let btf = parsed.btf();
    let functions = parsed.callable().filter_map(|(name, prototype)| Some(signature(btf?, name, prototype)));
    let functions = functions.collect();
    let skipped = parsed.skipped.iter().map(|one| &one.name);
    let programs = parsed.programs.iter().map(|one| &one.name).chain(skipped).map(|name| shown(name)).collect();
    Ok(Compiled { object, functions, programs })
}

fn signature(btf: &Btf, name: &str, prototype: u32) -> Signature {
    let result = btf.size_or_type(prototype);
    Signature {
        name: name.to_owned(),
        params: btf.params(prototype).map(|(_, ty)| value(btf, ty)).collect(),
        result: (btf.resolve(result) != 0).then(|| value(btf, result)),
    }
}

fn value(btf: &Btf, ty: u32) -> Value {
    let id = btf.resolve(ty);
    if btf.kind(id) == Some(BtfKind::Ptr) {
        return Value::Address(target(btf, btf.resolve(btf.size_or_type(id))));
    }
    match number(btf, id) {
        Some(_) if btf.int(id).is_some_and(|int| int.is_bool) => Value::Truth,
        Some((bytes, signed)) => Value::Number { bytes, signed },
        None => Value::Other(c_type(btf, ty, "")),
    }
}

/// Width and sign of a number that a register holds.
fn number(btf: &Btf, id: u32) -> Option<(u8, bool)> {
    let bytes = btf.size_of(id).filter(|size| (1..=REGISTER).contains(size))? as u8;
    match btf.kind(id)? {
        BtfKind::Int => Some((bytes, btf.int(id)?.signed)),
        BtfKind::Enum | BtfKind::Enum64 => Some((bytes, btf.kind_flag(id))),
        _ => None,
    }
}

fn target(btf: &Btf, id: u32) -> Target {
    match btf.kind(id) {
        Some(BtfKind::Struct | BtfKind::Union | BtfKind::Fwd) if !btf.name(id).is_empty() => {
            Target::Struct(btf.name(id).to_owned())
        }
        _ => number(btf, id).map_or(Target::Unknown, |(bytes, signed)| Target::Number { bytes, signed }),
    }
}
