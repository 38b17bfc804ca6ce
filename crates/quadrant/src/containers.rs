//! Containers by their control groups.

use std::collections::HashMap;

use quadrant_bpf::cgroup;
use quadrant_bpf::cgroup::container;

/// What is shown of a group that belongs to no container.
const NONE: &str = "-";

/// The containers of the groups that were looked at, so that a group keeps its name when it is gone; of those that were gone before, that
/// nothing is known.
#[derive(Debug, Default)]
pub struct Containers(HashMap<u64, Option<String>>);

impl Containers {
    /// Look at all groups that there are now.
    fn look(&mut self) {
        let unified = cgroup::hierarchies().into_iter().find(|hierarchy| hierarchy.name == cgroup::UNIFIED);
        for (id, path) in unified.map(|hierarchy| hierarchy.paths()).into_iter().flatten() {
            self.0.entry(id).or_insert_with(|| Some(shown(&path)));
        }
    }

    /// The container of a group, by its id; `None` for a group that is gone and was never seen.
    pub fn name(&mut self, id: u64) -> Option<&str> {
        if !self.0.contains_key(&id) {
            self.look();
        }
        self.0.entry(id).or_default().as_deref()
    }
}

fn shown(path: &[u8]) -> String {
    container::of_path(path).map_or_else(|| NONE.to_owned(), |name| container::short(&name).to_owned())
}
