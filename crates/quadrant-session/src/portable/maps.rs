//! Maps and variables of an object.

use quadrant_bpf::btf::Field;
use quadrant_codegen::object::LossKind;
use quadrant_codegen::object::MapDef;
use quadrant_codegen::object::MapRole;
use quadrant_codegen::object::Object;
use quadrant_object::write::Draft;
use quadrant_object::write::Target;
use quadrant_object::write::Variable;
use quadrant_program::Program;
use quadrant_program::map::MapId;

use super::names::Names;
use crate::map_types::MapTypes;
use crate::map_types::plain_name;
use crate::map_types::scalar_size;
use crate::source::Source;

/// Adds all maps; what stands for each of [`Object::maps`].
pub(super) fn add(
    draft: &mut Draft,
    types: &mut MapTypes,
    names: &mut Names,
    (program, object, source): (&Program, &Object, Source),
) -> Vec<Target> {
    let mut places = Vec::new();
    let mut described = Vec::new();
    for def in &object.maps {
        if def.role == MapRole::Data {
            places.push(Target::Data);
            continue;
        }
        places.push(Target::Map(draft.maps.len()));
        let name = names.new_name(&map_name(program, def.role));
        let typed = types.of(program, &object.data, def);
        let (ty, size) = definition(types, def, typed);
        let offset = draft.maps.last().map_or(0, |last: &Variable| last.offset + last.size);
        described.push((types.btf.variable(&name, ty), offset, size));
        draft.maps.push(Variable { name, offset, size });
    }
    if !described.is_empty() {
        let size = described.iter().map(|(_, _, size)| size).sum();
        types.btf.section(".maps", size, &described);
    }
    variables(draft, types, names, (program, object, source));
    places
}

fn map_name(program: &Program, role: MapRole) -> String {
    let name = |id: MapId| program.maps.get(id.0 as usize).map_or("map", |map| plain_name(&map.name));
    match role {
        MapRole::Script(id) => name(id).to_owned(),
        MapRole::Short(id) => format!("{}_short", name(id)),
        MapRole::Overflow(id) => format!("{}_overflow", name(id)),
        MapRole::Front(id) => format!("{}_front", name(id)),
        MapRole::Slots(id) => format!("{}_slots", name(id)),
        MapRole::Cells => "aggregations".to_owned(),
        MapRole::Stacks { .. } => "stacks".to_owned(),
        _ => "scratch".to_owned(),
    }
}

/// The struct by which libbpf knows a map: pointers to arrays whose lengths are numbers, and to the types of key and value.
fn definition(types: &mut MapTypes, def: &MapDef, typed: Option<(u32, u32)>) -> (u32, u32) {
    let mut number = |value: u32| {
        let int = types.int();
        let array = types.array(int, value);
        types.btf.pointer(array)
    };
    let mut members = vec![("type", number(def.kind)), ("max_entries", number(def.max_entries))];
    if def.flags != 0 {
        members.push(("map_flags", number(def.flags)));
    }
    if typed.is_none() {
        members.extend([("key_size", number(def.key_size)), ("value_size", number(def.value_size))]);
    }
    if let Some((key, value)) = typed {
        members.extend([("key", types.btf.pointer(key)), ("value", types.btf.pointer(value))]);
    }
    let size = members.len() as u32 * 8;
    let field = |((name, ty), at): (&(&'static str, u32), u32)| Field { name, ty: *ty, bit_offset: at * 64, bits: 0 };
    let fields: Vec<Field> = members.iter().zip(0..).map(field).collect();
    (types.btf.composite("", false, size, &fields), size)
}

/// Maps without keys, and counters of what was lost.
fn variables(
    draft: &mut Draft,
    types: &mut MapTypes,
    names: &mut Names,
    (program, object, source): (&Program, &Object, Source),
) {
    let data = &object.data;
    draft.data = vec![0; data.size as usize];
    for (at, bytes) in &data.init {
        draft.data[*at as usize..][..bytes.len()].copy_from_slice(bytes);
    }
    let mut found: Vec<(Variable, u32)> = Vec::new();
    for (id, at) in &data.scalars {
        let Some(map) = program.maps.get(id.0 as usize) else { continue };
        let name = names.new_name(plain_name(&map.name));
        found.push((Variable { name, offset: *at, size: scalar_size(map) }, types.scalar(map)));
    }
    for (loss, cpu, offset) in data.loss_words() {
        let (line, _) = source.0.position(loss.span.start);
        let of_cpu = cpu.map_or(String::new(), |cpu| format!("_cpu{cpu}"));
        let name = names.new_name(&format!("{}_line{line}{of_cpu}", lost(loss.kind)));
        found.push((Variable { name, offset, size: 8 }, types.unsigned()));
    }
    found.sort_by_key(|(variable, _)| variable.offset);
    let mut described = Vec::new();
    for (variable, ty) in found {
        described.push((types.btf.variable(&variable.name, ty), variable.offset, variable.size));
        draft.variables.push(variable);
    }
    if !described.is_empty() {
        types.btf.section(".data", data.size, &described);
    }
}

/// The counters' names; what cannot happen in an object is among them.
fn lost(kind: LossKind) -> &'static str {
    match kind {
        LossKind::Record => "lost_records",
        LossKind::Key(_) | LossKind::Unready(_) => "lost_keys",
        LossKind::Cut => "cut_texts",
        LossKind::Read => "failed_reads",
        LossKind::Stack => "lost_stacks",
        LossKind::Scratch => "skipped_without_scratch",
        LossKind::Division => "divisions_by_zero",
        LossKind::Outside => "elements_outside",
        LossKind::Loop => "cut_loops",
        LossKind::Write => "failed_writes",
        LossKind::Signal => "failed_signals",
        LossKind::Fault => "faults",
        LossKind::Skipped => "skipped_firings",
        LossKind::NoSpeculation | LossKind::BusySpeculation => "lost_speculations",
    }
}
