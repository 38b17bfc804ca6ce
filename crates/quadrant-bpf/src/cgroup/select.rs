//! Groups that a user names, as programs can tell them.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Hierarchy, UNIFIED, container, hierarchies, mounts};

/// Levels above what is mounted here that are looked at where the real root is hidden.
const HIDDEN: u32 = 16;
/// Containers that a message names.
const NAMED: usize = 8;

/// A group of the unified hierarchy and all groups in it. A task is inside if its ancestor at one of the levels has the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// The id of the group.
    pub id: u64,
    /// Its distance from the root of all groups.
    pub level: u32,
    /// Levels to look at: one, but more where the root is hidden (another cgroup namespace). Ids are unique, so more are as good.
    pub levels: u32,
}

/// Why there is no such group, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// On one line.
    pub message: String,
    /// Advice, one line each.
    pub help: Vec<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), help: vec![help.into()] }
    }
}

/// The group with a path (in the file system, or below the root of the hierarchy) or a number.
///
/// # Errors
/// There is none, or only in a hierarchy of version 1.
pub fn by_path(wanted: &str) -> Result<Subtree, Refusal> {
    let all = hierarchies();
    let unified = unified(&all)?;
    if let Ok(number) = wanted.parse() {
        let path = unified.path(number);
        let missing = || Refusal::new(format!("there is no cgroup with the number {number}"), HOW_TO_LIST);
        return path.map(|path| subtree(unified, number, &path)).ok_or_else(missing);
    }
    let path = Path::new(wanted);
    let directly = |hierarchy: &&Hierarchy| path.starts_with(&hierarchy.root) && path.is_dir();
    let below = |hierarchy: &Hierarchy| hierarchy.root.join(wanted.trim_start_matches('/'));
    // Whoever looks at a path may look through any place where the hierarchy is mounted.
    if let Some(hierarchy) = mounts().iter().filter(|hierarchy| hierarchy.name == UNIFIED).find(directly) {
        return at(hierarchy, path);
    }
    if below(unified).is_dir() {
        return at(unified, &below(unified));
    }
    let mut old = all.iter().filter(|hierarchy| hierarchy.name != UNIFIED);
    match old.find(|hierarchy| directly(hierarchy) || below(hierarchy).is_dir()) {
        Some(old) => Err(only_old(&format!("the cgroup {wanted}"), &old.name)),
        None => Err(Refusal::new(format!("there is no cgroup {wanted} in {}", unified.root.display()), HOW_TO_LIST)),
    }
}

const HOW_TO_LIST: &str = "`systemd-cgls`, or /proc/PID/cgroup of a process in it, shows its path";

/// A container by the name that its engine has given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// What people call it.
    pub name: String,
    /// What its group is called by.
    pub id: String,
    /// Whose engine it is. That of an ordinary user has a say over that user's groups only.
    pub user: u32,
}

/// The group of the container that is called so by its engine, or whose id or name begins so.
///
/// # Errors
/// There is none, or several, or it is only in a hierarchy of version 1.
pub fn by_container(wanted: &str, called: &[Called]) -> Result<Subtree, Refusal> {
    let all = hierarchies();
    let unified = unified(&all)?;
    let there = containers(unified);
    let called: Vec<&Called> = called.iter().filter(|one| one.name == wanted).collect();
    let is_it = |one: &&Container| one.name == wanted || called.iter().any(|called| called.is(one, unified));
    let exact: Vec<&Container> = there.iter().filter(is_it).collect();
    let begins = || there.iter().filter(|one| one.name.starts_with(wanted)).collect();
    // Who gives the name of a container that does not run means no other whose id begins so.
    let found = if exact.is_empty() && called.is_empty() { begins() } else { exact };
    match (found.as_slice(), called.as_slice()) {
        ([one], _) => Ok(subtree(unified, one.id, &one.path)),
        ([], []) => Err(no_container(wanted, &all, &there)),
        ([], [called, ..]) => Err(without_group(called, &all)),
        (several, _) => {
            let lines = several.iter().take(NAMED).map(|one| format!("{}  {}", one.name, one.shown_path()));
            let message = format!(
                "{} containers begin with `{wanted}` or are called so; give more of the id, or --cgroup with the path",
                several.len()
            );
            Err(Refusal { message, help: lines.collect() })
        }
    }
}

impl Called {
    fn is(&self, container: &Container, hierarchy: &Hierarchy) -> bool {
        let owner = || hierarchy.folder(&container.path).metadata().map(|metadata| metadata.uid());
        self.id == container.name && (self.user == 0 || owner().is_ok_and(|owner| owner == self.user))
    }
}

struct Container {
    name: String,
    id: u64,
    path: Vec<u8>,
}

impl Container {
    fn shown_path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// The containers of a hierarchy, by name.
fn containers(hierarchy: &Hierarchy) -> Vec<Container> {
    let named = |(id, path): (u64, Vec<u8>)| {
        let mut parts = path.rsplit(|byte| *byte == b'/');
        let (name, parent) = (parts.next()?, parts.next()?);
        Some(Container { name: container::of_group(name, parent)?, id, path })
    };
    let mut found: Vec<Container> = hierarchy.paths().into_iter().filter_map(named).collect();
    found.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
    found
}

/// The hierarchy of version 1 that has a container whose id or name begins so.
fn old_home<'a>(begin: &str, all: &'a [Hierarchy]) -> Option<&'a Hierarchy> {
    let begins = |hierarchy: &&Hierarchy| containers(hierarchy).iter().any(|one| one.name.starts_with(begin));
    all.iter().filter(|hierarchy| hierarchy.name != UNIFIED).find(begins)
}

/// An engine knows a container of that name.
fn without_group(called: &Called, all: &[Hierarchy]) -> Refusal {
    let Called { name, id, .. } = called;
    if let Some(old) = old_home(id, all) {
        return only_old(&format!("the container {name}"), &old.name);
    }
    Refusal::new(
        format!("the container `{name}` ({}) has no control group", container::short(id)),
        "it does not run, or its engine makes no groups: then trace its processes with -p",
    )
}

fn no_container(wanted: &str, all: &[Hierarchy], there: &[Container]) -> Refusal {
    if let Some(old) = old_home(wanted, all) {
        return only_old(&format!("the container {wanted}"), &old.name);
    }
    let names: Vec<&str> = there.iter().take(NAMED).map(|one| container::short(&one.name)).collect();
    let help = match names.as_slice() {
        [] => "no group here looks like a container's; --cgroup takes any group by its path".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    let mut refusal = Refusal::new(format!("no container is called `{wanted}`, or has an id that begins so"), help);
    refusal.help.push("engines know the ids: `docker ps`, `podman ps`, `crictl ps`, `nerdctl ps`".to_owned());
    refusal
}

/// Programs see the groups of the unified hierarchy only.
fn only_old(what: &str, hierarchy: &str) -> Refusal {
    Refusal::new(
        format!("{what} is in the hierarchy `{hierarchy}` of version 1, which programs in the kernel cannot ask for"),
        "trace its processes with -p, or let the engine use version 2 (kernel parameter systemd.unified_cgroup_hierarchy=1)",
    )
}

fn unified(all: &[Hierarchy]) -> Result<&Hierarchy, Refusal> {
    let found = all.iter().find(|hierarchy| hierarchy.name == UNIFIED);
    found.ok_or_else(|| {
        Refusal::new(
            "no cgroup hierarchy of version 2 is mounted, and programs in the kernel know no other",
            "mount it: `mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified`",
        )
    })
}

fn at(hierarchy: &Hierarchy, folder: &Path) -> Result<Subtree, Refusal> {
    let unreadable = |error: std::io::Error| {
        let why = error
            .raw_os_error()
            .map_or_else(|| error.to_string(), |number| crate::errno::Errno::new(number).to_string());
        Refusal::new(format!("cannot look at {}: {why}", folder.display()), HOW_TO_LIST)
    };
    // `..` must not lead out of the hierarchy, nor count as a level.
    let folder: PathBuf = folder.canonicalize().map_err(unreadable)?;
    let metadata = folder.metadata().map_err(unreadable)?;
    let root = hierarchy.root.canonicalize().map_err(unreadable)?;
    let Ok(below) = folder.strip_prefix(&root) else {
        return Err(Refusal::new(format!("{} is no cgroup below {}", folder.display(), root.display()), HOW_TO_LIST));
    };
    Ok(subtree(hierarchy, metadata.ino(), below.as_os_str().as_bytes()))
}

fn subtree(hierarchy: &Hierarchy, id: u64, path: &[u8]) -> Subtree {
    let level = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).count() as u32;
    Subtree { id, level, levels: if hierarchy.whole { 1 } else { HIDDEN } }
}
