//! The arguments of a probe, one a line.

use quadrant_program::probe::ArgLoc;
use quadrant_program::probe::Args;
use quadrant_program::probe::Field;
use quadrant_program::probe::FieldPlace;
use quadrant_program::probe::Operand;
use quadrant_program::probe::UserPlace;
use quadrant_types::CType;
use quadrant_types::Types;

/// The lines; none when the probe has no arguments or they cannot be told.
pub fn describe(types: &Types, args: &Args) -> Vec<String> {
    let named = args.fields.iter().map(|field| named(types, field));
    let numbered = args.numbered.iter().zip(0..).map(|(arg, index)| numbered(arg, index));
    named.chain(numbered).collect()
}

fn named(types: &Types, field: &Field) -> String {
    match (field.place, types.kind(field.ty)) {
        (FieldPlace::User(UserPlace::Absent(absence)), _) => {
            format!("{} (cannot be read: {})", types.declare(field.ty, &field.name), absence.reason())
        }
        (FieldPlace::DataLoc { relative, .. }, _) => {
            let place = if relative { "__rel_loc" } else { "__data_loc" };
            format!("{place} {} {}", types.display(field.ty).replace("[0]", "[]"), field.name)
        }
        (_, CType::Ptr { .. }) => format!("{} {}", types.display(field.ty), field.name),
        _ => types.declare(field.ty, &field.name),
    }
}

fn numbered(arg: &ArgLoc, index: u32) -> String {
    let sign = if arg.signed { "" } else { "u" };
    match arg.operand {
        Operand::Address { .. } => format!("void * arg{index} (a struct)"),
        Operand::Unavailable => format!("arg{index} (cannot be read)"),
        _ if arg.float => format!("{} arg{index}", if arg.bytes == 4 { "float" } else { "double" }),
        _ => format!("{sign}int{} arg{index}", u32::from(arg.bytes) * 8),
    }
}
