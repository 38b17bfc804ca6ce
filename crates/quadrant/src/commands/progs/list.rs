//! The list of programs.

use std::time::Duration;

use jiff::Timestamp;
use quadrant_bpf::object;
use quadrant_bpf::object::ProgramObject;
use quadrant_inspect::objects;
use quadrant_inspect::objects::ProgramEntry;

use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::commands::ListOptions;
use crate::commands::escaped;
use crate::commands::holders;
use crate::commands::json::Json;
use crate::commands::table::Column;

const COLUMNS: [Column; 9] = [
    Column { name: "ID", right: true, least: None },
    Column { name: "KIND", right: false, least: None },
    Column { name: "NAME", right: false, least: Some(8) },
    Column { name: "TAG", right: false, least: None },
    Column { name: "LOADED (UTC)", right: false, least: None },
    Column { name: "XLATED", right: true, least: None },
    Column { name: "JITED", right: true, least: None },
    Column { name: "MAPS", right: false, least: None },
    Column { name: "HELD BY", right: false, least: Some(10) },
];

/// Raised when a member changes its meaning.
const VERSION: u64 = 1;

pub fn show(options: &ListOptions) -> Done {
    let found = objects::programs();
    if options.format == Format::Json {
        let members = vec![
            ("type", "programs".into()),
            ("version", VERSION.into()),
            ("programs", Json::list(&found.objects, json)),
            ("notes", Json::list(&found.notes, |note| note.as_str().into())),
        ];
        commands::print(&Json::Object(members).line())?;
    } else {
        let rows: Vec<Vec<String>> = found.objects.iter().map(|program| row(program, options.full)).collect();
        commands::print_table(&COLUMNS, &rows, options.full)?;
        commands::print_notes(&found.notes);
    }
    Ok(if found.objects.is_empty() && !found.notes.is_empty() { 1 } else { 0 })
}

/// The name of a program's kind.
pub fn kind(number: u32) -> String {
    object::program_kind_name(number).map_or_else(|| format!("type {number}"), str::to_owned)
}

/// The tag as everybody writes it.
fn tag(program: &ProgramObject) -> String {
    format!("{:016x}", u64::from_be_bytes(program.tag))
}

/// When it was loaded, as the wall clock goes now.
fn loaded(program: &ProgramObject) -> Option<Timestamp> {
    let age = quadrant_session::boot_ns().checked_sub(program.load_time_ns)?;
    Timestamp::now().checked_sub(Duration::from_nanos(age)).ok()
}

fn row(program: &ProgramEntry, full: bool) -> Vec<String> {
    let object = &program.object;
    vec![
        object.id.to_string(),
        kind(object.kind),
        escaped(&object.name),
        tag(object),
        loaded(object).map_or("-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        object.xlated_len.to_string(),
        object.jited_len.to_string(),
        commands::numbers(&object.maps, full),
        holders::text(&program.holders.owners, &program.holders.pins, full),
    ]
}

fn json(program: &ProgramEntry) -> Json {
    let object = &program.object;
    let [owners, pins] = holders::json(&program.holders.owners, &program.holders.pins);
    Json::Object(vec![
        ("id", object.id.into()),
        ("kind", kind(object.kind).into()),
        ("name", object.name.as_slice().into()),
        ("tag", tag(object).into()),
        ("uid", object.uid.into()),
        ("load_time_ns", object.load_time_ns.into()),
        ("xlated_bytes", object.xlated_len.into()),
        ("jited_bytes", object.jited_len.into()),
        ("maps", Json::list(&object.maps, |id| (*id).into())),
        owners,
        pins,
    ])
}
