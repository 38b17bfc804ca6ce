//! What is in a map.

use quadrant_bpf::map::Map;
use quadrant_bpf::map::MapKind;
use quadrant_inspect::objects;
use quadrant_inspect::objects::OpenMap;

use super::DumpOptions;
use super::list;
use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::commands::entries;
use crate::commands::entries::View;
use crate::commands::escaped;
use crate::commands::stacks::Frames;
use crate::failure::Failure;

/// No array is copied that is larger, in bytes.
const LARGEST: u64 = 1 << 30;

pub fn show(options: &DumpOptions) -> Done {
    let id = super::find(&options.map)?;
    let Some(opened) = objects::open_map(id)? else {
        return Err(Failure::new(format!("map {id} is gone")));
    };
    let view = View { per_cpu: true, top: options.top, ..view(&opened)? };
    let mut out = Vec::new();
    match options.format {
        Format::Json => view.json(&mut out)?,
        Format::Text => view.text(&mut out)?,
    }
    if out.is_empty() {
        let why = if view.is_array() { "every value is zero" } else { "it has no entries" };
        eprintln!("quadrant: note: nothing to show of map {id}: {why}");
    }
    if opened.object.btf_id != 0 && opened.btf.is_none() {
        eprintln!("quadrant: note: the types of map {id} cannot be read: numbers and bytes are shown instead");
    }
    commands::print(&out)?;
    Ok(0)
}

/// A map to show.
///
/// # Errors
/// It is of a kind that holds nothing to list, or too large.
pub fn view(opened: &OpenMap) -> Result<View<'_>, Failure> {
    let object = &opened.object;
    let map = opened.map.as_ref().filter(|map| map.spec().kind.has_entries());
    let Some(map) = map else {
        let kind = list::kind(object.kind);
        let failure = Failure::new(format!("cannot list the entries of map {} {}", object.id, escaped(&object.name)));
        return Err(failure.hint(format!("it is a {kind}: {}", reason(opened.map.as_ref()))));
    };
    check_size(map)?;
    Ok(View {
        btf: opened.btf.as_ref(),
        name: &object.name,
        key_type: object.key_type,
        value_type: object.value_type,
        map,
        per_cpu: false,
        first: opened.first.as_ref(),
        frames: Frames::default(),
        top: None,
    })
}

fn reason(map: Option<&Map>) -> &'static str {
    use MapKind::*;
    match map.map(|map| map.spec().kind) {
        Some(RingBuffer | UserRingBuffer | PerfEventArray) => {
            "records pass through it, and one who reads them takes them away"
        }
        Some(Queue | Stack) => "the kernel shows only the next entry",
        Some(BloomFilter) => "it can only be asked whether something is in it",
        Some(SkStorage | InodeStorage | TaskStorage | CgroupStorage) => {
            "its values belong to objects of the kernel, and are looked up by a descriptor of one"
        }
        _ => "the kernel does not let processes read such maps as entries",
    }
}

fn check_size(map: &Map) -> Result<(), Failure> {
    let bytes = u64::from(map.spec().max_entries) * map.value_len() as u64;
    if entries::is_array(map) && bytes > LARGEST {
        return Err(Failure::new(format!("map {:?} has {bytes} bytes of values", map.spec().name))
            .hint(format!("arrays of more than {LARGEST} bytes are not copied")));
    }
    Ok(())
}
