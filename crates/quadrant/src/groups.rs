//! Control groups by their ids: their paths, and the containers that they belong to.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use quadrant_bpf::cgroup;
use quadrant_bpf::cgroup::Hierarchy;
use quadrant_bpf::cgroup::container;
use quadrant_program::Program;
use quadrant_program::map::MapValue;
use quadrant_program::ty::Type;

/// What is shown of a group that belongs to no container.
const NONE: &str = "-";

/// The groups of the unified hierarchy that were looked at, so that a group keeps its names when it is gone; of those that were gone
/// before, that nothing is known.
#[derive(Debug, Default)]
pub struct Groups {
    known: HashMap<u64, Option<Group>>,
    /// `None` before the first look.
    census: Option<Census>,
}

#[derive(Debug)]
struct Group {
    path: String,
    container: String,
}

impl Groups {
    /// From time to time: if the program shows names of groups, look at those that were made since.
    pub fn keep_up(&mut self, program: &Program) {
        let census = self.census.get_or_insert_with(|| Census::of(shows_groups(program)));
        if census.has_changed() {
            self.look();
        }
    }

    /// The container of a group, by its id; `None` for a group that is gone and was never seen.
    pub fn container(&mut self, id: u64) -> Option<&str> {
        self.find(id).map(|group| group.container.as_str())
    }

    /// The path of a group below the root of the hierarchy; `None` for a group that is gone and was never seen.
    pub fn path(&mut self, id: u64) -> Option<&str> {
        self.find(id).map(|group| group.path.as_str())
    }

    fn find(&mut self, id: u64) -> Option<&Group> {
        if !self.known.contains_key(&id) {
            self.look();
        }
        self.known.entry(id).or_default().as_ref()
    }

    /// Look at all groups that there are now.
    fn look(&mut self) {
        for (id, path) in unified().map(|hierarchy| hierarchy.paths()).into_iter().flatten() {
            self.known.entry(id).or_insert_with(|| Some(Group::at(&path)));
        }
    }
}

impl Group {
    fn at(path: &[u8]) -> Group {
        let container = container::of_path(path);
        let container = container.map_or_else(|| NONE.to_owned(), |name| container::short(&name).to_owned());
        Group { path: String::from_utf8_lossy(path).into_owned(), container }
    }
}

fn unified() -> Option<Hierarchy> {
    cgroup::hierarchies().into_iter().find(|hierarchy| hierarchy.name == cgroup::UNIFIED)
}

/// How many groups there are, and how many are not quite gone: the kernel's count changes when a group is made, and costs less to
/// read than looking at all of them.
#[derive(Debug)]
struct Census {
    /// `None` if nobody wants to know.
    file: Option<File>,
    last: Vec<u8>,
}

impl Census {
    fn of(wanted: bool) -> Census {
        let file = unified().filter(|_| wanted).and_then(|hierarchy| hierarchy.statistics().ok());
        Census { file, last: Vec::new() }
    }

    fn has_changed(&mut self) -> bool {
        let mut text = [0; 1024];
        let Some(Ok(len)) = self.file.as_ref().map(|file| file.read_at(&mut text, 0)) else { return false };
        let changed = self.last != text[..len];
        self.last.clear();
        self.last.extend_from_slice(&text[..len]);
        changed
    }
}

/// Whether anything that the program keeps or sends is shown as the name of a group.
fn shows_groups(program: &Program) -> bool {
    let sent = program.records.iter().flat_map(|record| &record.args);
    let kept = program.maps.iter().flat_map(|map| {
        let value = match &map.value {
            MapValue::Plain(ty) => Some(ty),
            MapValue::Aggregation(_) => None,
        };
        map.key.iter().chain(value)
    });
    sent.chain(kept).any(is_group)
}

fn is_group(ty: &Type) -> bool {
    match ty {
        Type::CgroupPath(_) | Type::Container => true,
        Type::Tuple(parts) => parts.iter().any(is_group),
        _ => false,
    }
}
