//! Which type the records of a buffer have: the map's, the one that the user names, or the only one that fits.

use std::cell::OnceCell;
use std::collections::HashMap;

use quadrant_bpf::map::MapKind;
use quadrant_object::Object;
use quadrant_session::object::Loaded;
use quadrant_types::BtfKind;

use crate::failure::Failure;

/// What is known of the records of an object's buffers.
pub struct Events {
    /// By the index of the map.
    known: HashMap<usize, u32>,
    /// What was found for records of a map that have that many bytes.
    found: HashMap<(usize, usize), Option<u32>>,
    /// The structs that only the object has, looked up when the first record is there.
    own: OnceCell<Vec<Struct>>,
}

/// A struct that a record may be.
struct Struct {
    id: u32,
    name: String,
    size: usize,
}

/// Structs that might be meant.
const KINDS: [BtfKind; 3] = [BtfKind::Struct, BtfKind::Union, BtfKind::Typedef];

impl Events {
    /// What the object and the user's `[MAP:]TYPE` say.
    pub fn new(object: &Object, told: &[String]) -> Result<Events, Failure> {
        let mut known = HashMap::new();
        let buffers: Vec<usize> = (0..object.maps.len()).filter(|map| is_buffer(object.maps[*map].kind)).collect();
        for map in &buffers {
            let ty = object.maps[*map].value_type;
            let is_struct = object.btf().is_some_and(|btf| btf.kind(btf.resolve(ty)) == Some(BtfKind::Struct));
            known.extend(is_struct.then_some((*map, ty)));
        }
        for text in told {
            let (map, name) = text.split_once(':').map_or((None, text.as_str()), |(map, name)| (Some(map), name));
            let ty = named(object, name)?;
            let wanted = |at: &&usize| map.is_none_or(|map| object.maps[**at].name == map);
            let before = known.len();
            known.extend(buffers.iter().filter(wanted).map(|map| (*map, ty)));
            if known.len() == before && !buffers.iter().any(|at| wanted(&at)) {
                let map = map.unwrap_or("buffer");
                return Err(Failure::usage(format!("the object has no ring or perf buffer `{map}`")));
            }
        }
        Ok(Events { known, found: HashMap::new(), own: OnceCell::new() })
    }

    /// The type of a record, and a note if that was inferred just now.
    pub fn of(&mut self, loaded: &Loaded, map: usize, len: usize) -> (Option<u32>, Option<String>) {
        if let Some(ty) = self.known.get(&map) {
            return (Some(*ty), None);
        }
        if let Some(found) = self.found.get(&(map, len)) {
            return (*found, None);
        }
        let own = self.own.get_or_init(|| own_structs(loaded));
        let (found, note) = infer(loaded, own, map, len);
        self.found.insert((map, len), found);
        (found, Some(note))
    }
}

fn is_buffer(kind: u32) -> bool {
    matches!(MapKind::from_number(kind), Some(MapKind::RingBuffer | MapKind::PerfEventArray))
}

fn named(object: &Object, name: &str) -> Result<u32, Failure> {
    let btf = object.btf().ok_or_else(|| Failure::new("the object has no types: compile it with -g"))?;
    let plain = name.strip_prefix("struct ").unwrap_or(name);
    btf.find(plain, &KINDS).ok_or_else(|| {
        let names = btf.iter().filter(|(_, kind, _)| KINDS.contains(kind)).map(|(.., name)| name);
        let near = quadrant_types::suggest(plain, names).map(|near| format!("did you mean `{near}`?"));
        let failure = Failure::usage(format!("the object has no type `{name}`"));
        let keep = "types that only local variables have are not kept: a global `const struct x *unused;` keeps one";
        near.into_iter().fold(failure, Failure::hint).hint(keep)
    })
}

fn own_structs(loaded: &Loaded) -> Vec<Struct> {
    let Some(btf) = loaded.object.btf() else { return Vec::new() };
    let structs = btf.iter().filter(|(_, kind, found)| *kind == BtfKind::Struct && !found.is_empty());
    let sized = structs.filter_map(|(id, _, name)| Some((id, name, btf.size_of(id)? as usize)));
    let own = sized.filter(|(_, name, _)| !loaded.kernel_has_struct(name));
    own.map(|(id, name, size)| Struct { id, name: name.to_owned(), size }).collect()
}

/// Looks for the only struct of the object's own that fits.
fn infer(loaded: &Loaded, own: &[Struct], map: usize, len: usize) -> (Option<u32>, String) {
    let object = &loaded.object;
    let name = &object.maps[map].name;
    if object.btf().is_none() {
        return (None, format!("records of `{name}` are shown as bytes: the object has no types"));
    }
    let padded = MapKind::from_number(object.maps[map].kind) == Some(MapKind::PerfEventArray);
    let fits = |size: usize| size == len || (padded && size < len && (size + 4).next_multiple_of(8) == len + 4);
    let named = |one: &&Struct| one.name.contains("event");
    let exact: Vec<&Struct> = own.iter().filter(|one| fits(one.size)).collect();
    // Some programs send only as much of their last array as is used.
    let longer: Vec<&Struct> = own.iter().filter(|one| one.size > len).filter(named).collect();
    let called: Vec<&Struct> = exact.iter().copied().filter(named).collect();
    let chosen = [exact, called, longer].into_iter().find_map(|list| <[_; 1]>::try_from(list).ok());
    match chosen {
        Some([Struct { id, name: found, .. }]) => (
            Some(*id),
            format!(
                "records of `{name}` with {len} bytes are shown as `struct {found}`, the only type of the object that fits"
            ),
        ),
        None => (
            None,
            format!("records of `{name}` with {len} bytes are shown as bytes: say their type with --event {name}:TYPE"),
        ),
    }
}
