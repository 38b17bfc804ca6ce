//! What is in an object.

use quadrant_bpf::map::MapKind;
use quadrant_object::DataKind;
use quadrant_object::ExternKind;
use quadrant_object::MapDef;
use quadrant_object::Object;
use quadrant_output::btf as values;
use quadrant_session::object::Loaded;
use quadrant_types::c_type;

use crate::args::Format;
use crate::commands::json::Json;
use crate::commands::table;
use crate::commands::table::Column;
use crate::failure::shown;

/// Raised when a member changes its meaning.
const VERSION: u64 = 1;

/// A table: its title, its name as a member of JSON, columns, and rows.
struct Part {
    title: &'static str,
    member: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

/// Everything, before anything is loaded.
pub fn listing(object: &Object, format: Format) -> Vec<u8> {
    render(object, parts(object, &|program| if program.autoload { "" } else { "only when asked for" }), format)
}

/// Everything, and which programs the kernel took.
pub fn loaded(loaded: &Loaded, format: Format) -> Vec<u8> {
    let object = &loaded.object;
    let is_loaded = |name: &str| loaded.programs.iter().any(|program| object.programs[program.index].name == name);
    let state = |program: &quadrant_object::Program| if is_loaded(&program.name) { "loaded" } else { "not loaded" };
    render(object, parts(object, &state), format)
}

fn parts(object: &Object, state: &dyn Fn(&quadrant_object::Program) -> &'static str) -> Vec<Part> {
    vec![programs(object, state), skipped(object), maps(object), variables(object), externs(object)]
}

fn programs(object: &Object, state: &dyn Fn(&quadrant_object::Program) -> &'static str) -> Part {
    let row = |program: &quadrant_object::Program| {
        vec![program.name.clone(), program.section.clone(), program.len.to_string(), state(program).to_owned()]
    };
    let rows = object.programs.iter().map(row).collect();
    Part { title: "programs", member: "programs", columns: &["name", "section", "instructions", "state"], rows }
}

fn skipped(object: &Object) -> Part {
    let rows = object.skipped.iter().map(|one| vec![one.name.clone(), one.section.clone()]).collect();
    Part { title: "not for tracing", member: "not_for_tracing", columns: &["name", "section"], rows }
}

fn maps(object: &Object) -> Part {
    let ty = |id: u32, size: u32| match object.btf().filter(|_| id != 0) {
        Some(btf) => c_type(btf, id, ""),
        None if size == 0 => "-".to_owned(),
        None => format!("{size} bytes"),
    };
    let row = |def: &MapDef| {
        let kind = MapKind::from_number(def.kind).map_or_else(|| format!("kind {}", def.kind), kind_name);
        let (key, value) = (ty(def.key_type, def.key_size), ty(def.value_type, def.value_size));
        let more = match (&def.inner, def.pinned) {
            (Some(inner), _) => format!("of {}", MapKind::from_number(inner.kind).map_or("maps".to_owned(), kind_name)),
            (None, true) => "pinned by name".to_owned(),
            (None, false) => String::new(),
        };
        vec![def.name.clone(), kind, key, value, def.max_entries.to_string(), more]
    };
    let rows = object.maps.iter().map(row).collect();
    Part { title: "maps", member: "maps", columns: &["name", "kind", "key", "value", "entries", "more"], rows }
}

/// `PercpuHash` is `percpu_hash`.
fn kind_name(kind: MapKind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

fn variables(object: &Object) -> Part {
    let mut rows = Vec::new();
    for data in object.data.iter().filter(|data| data.kind != DataKind::Kconfig) {
        for variable in &data.variables {
            let Some(btf) = object.btf() else { continue };
            let mut value = Vec::new();
            values::value(&mut value, btf, variable.ty, data.bytes.get(variable.offset as usize..).unwrap_or_default());
            let value = String::from_utf8_lossy(&value).into_owned();
            rows.push(vec![variable.name.clone(), data.name.clone(), c_type(btf, variable.ty, ""), value]);
        }
    }
    Part { title: "variables", member: "variables", columns: &["name", "section", "type", "value"], rows }
}

fn externs(object: &Object) -> Part {
    let row = |one: &quadrant_object::Extern| {
        let ty = |id: u32| object.btf().map_or(String::new(), |btf| c_type(btf, id, ""));
        let (kind, ty) = match one.kind {
            ExternKind::Kconfig { ty: id, .. } => ("kernel configuration", ty(id)),
            ExternKind::Variable { ty: id } => ("kernel variable", ty(id)),
            ExternKind::Address => ("kernel address", String::new()),
            ExternKind::Function { prototype } => ("kernel function", ty(prototype)),
        };
        let weak = if one.weak { "may be missing" } else { "" };
        vec![one.name.clone(), kind.to_owned(), ty, weak.to_owned()]
    };
    Part {
        title: "external symbols",
        member: "external_symbols",
        columns: &["name", "kind", "type", "more"],
        rows: object.externs.iter().map(row).collect(),
    }
}

fn is_number(column: &str) -> bool {
    matches!(column, "instructions" | "entries")
}

fn json(column: &str, cell: &str) -> Json {
    match cell.parse::<u64>() {
        Ok(number) if is_number(column) => number.into(),
        _ => cell.into(),
    }
}

fn render(object: &Object, parts: Vec<Part>, format: Format) -> Vec<u8> {
    if format == Format::Json {
        let row = |part: &Part, row: &Vec<String>| {
            let cells = part.columns.iter().zip(row);
            Json::Object(cells.map(|(name, cell)| (*name, json(name, cell))).collect())
        };
        let list = |part: &Part| (part.member, Json::list(&part.rows, |cells| row(part, cells)));
        let license = Json::from(object.license.as_str());
        let members = [("type", "object".into()), ("version", VERSION.into()), ("license", license)];
        return Json::Object(members.into_iter().chain(parts.iter().map(list)).collect()).line();
    }
    let mut text = format!("license: {}\n", if object.license.is_empty() { "none" } else { &object.license });
    text = shown(text.trim_end()) + "\n";
    for part in parts.iter().filter(|part| !part.rows.is_empty()) {
        let columns: Vec<Column> =
            part.columns.iter().map(|name| Column { name, right: is_number(name), least: None }).collect();
        let rows: Vec<Vec<String>> = part.rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
        text.push_str(&format!("\n{}:\n{}", part.title, table::render(&columns, &rows, None)));
    }
    text.into_bytes()
}
