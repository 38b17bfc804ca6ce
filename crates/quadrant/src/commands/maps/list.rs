//! The list of maps.

use quadrant_bpf::object;
use quadrant_inspect::objects;
use quadrant_inspect::objects::MapEntry;

use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::commands::ListOptions;
use crate::commands::escaped;
use crate::commands::holders;
use crate::commands::json::Json;
use crate::commands::table;
use crate::commands::table::Column;

const COLUMNS: [Column; 10] = [
    Column { name: "ID", right: true, least: None },
    Column { name: "KIND", right: false, least: None },
    Column { name: "NAME", right: false, least: Some(8) },
    Column { name: "KEY", right: true, least: None },
    Column { name: "VALUE", right: true, least: None },
    Column { name: "ENTRIES", right: true, least: None },
    Column { name: "MAX", right: true, least: None },
    Column { name: "MEMORY", right: true, least: None },
    Column { name: "PROGRAMS", right: false, least: None },
    Column { name: "HELD BY", right: false, least: Some(10) },
];

/// Raised when a member changes its meaning.
const VERSION: u64 = 1;

pub fn show(options: &ListOptions) -> Done {
    let found = objects::maps();
    if options.format == Format::Json {
        let members = vec![
            ("type", "maps".into()),
            ("version", VERSION.into()),
            ("maps", Json::list(&found.objects, json)),
            ("notes", Json::list(&found.notes, |note| note.as_str().into())),
        ];
        commands::print(&Json::Object(members).line())?;
    } else {
        let rows: Vec<Vec<String>> = found.objects.iter().map(|map| row(map, options.full)).collect();
        commands::print_table(&COLUMNS, &rows, options.full)?;
        commands::print_notes(&found.notes);
    }
    Ok(if found.objects.is_empty() && !found.notes.is_empty() { 1 } else { 0 })
}

/// The name of a map's kind.
pub fn kind(number: u32) -> String {
    object::map_kind_name(number).map_or_else(|| format!("type {number}"), str::to_owned)
}

fn row(map: &MapEntry, full: bool) -> Vec<String> {
    let object = &map.object;
    vec![
        object.id.to_string(),
        kind(object.kind),
        escaped(&object.name),
        object.key_size.to_string(),
        object.value_size.to_string(),
        map.entries.map_or("-".to_owned(), |entries| entries.to_string()),
        object.max_entries.to_string(),
        map.memory.map_or("-".to_owned(), table::bytes),
        commands::numbers(&map.programs, full),
        holders::text(&map.holders.owners, &map.holders.pins, full),
    ]
}

fn json(map: &MapEntry) -> Json {
    let object = &map.object;
    let [owners, pins] = holders::json(&map.holders.owners, &map.holders.pins);
    Json::Object(vec![
        ("id", object.id.into()),
        ("kind", kind(object.kind).into()),
        ("name", object.name.as_slice().into()),
        ("key_size", object.key_size.into()),
        ("value_size", object.value_size.into()),
        ("entries", map.entries.into()),
        ("max_entries", object.max_entries.into()),
        ("flags", object.flags.into()),
        ("memory", map.memory.into()),
        ("typed", (object.btf_id != 0).into()),
        ("programs", Json::list(&map.programs, |id| (*id).into())),
        owners,
        pins,
    ])
}
