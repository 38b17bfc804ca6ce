//! What container engines call their containers: only they know names, and keep them in files.

use std::cell::Cell;
use std::io::Read;
use std::path::{Path, PathBuf};

use quadrant_bpf::cgroup::Called;
use quadrant_symbols::open;
use serde_json::Value;

/// Where Docker and Podman keep what they know, below `/var/lib` or a user's `~/.local/share`.
const DOCKER: &str = "docker/containers";
const PODMAN: &str = "containers/storage";
/// The user whose engines may have made any container.
const ROOT: u32 = 0;
/// Longest file that is read, and entries of a folder that are looked at.
const LONGEST: u64 = 4 << 20;
const MOST: usize = 1 << 12;
/// Bytes of one user's files that are read: no user makes another wait for a name.
const MOST_BYTES: u64 = 64 << 20;

/// The names of all containers that engines on this machine know, running or not: those of root's engines, and those of users.
pub fn names() -> Vec<Called> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let homes = users.lines().filter_map(home).flat_map(|(user, home)| names_below(&home.join(".local/share"), user));
    names_below(Path::new("/var/lib"), ROOT).into_iter().chain(homes).collect()
}

/// `name:password:UID:gid:comment:HOME:shell`; root's own home has nothing that /var/lib has not.
fn home(line: &str) -> Option<(u32, PathBuf)> {
    let mut fields = line.split(':').skip(2);
    let user = fields.next()?.parse().ok()?;
    let home = fields.nth(2).filter(|home| home.starts_with('/'))?;
    (user != ROOT).then(|| (user, home.into()))
}

fn names_below(root: &Path, user: u32) -> Vec<Called> {
    let called = |(name, id)| Called { name, id, user };
    let left = Cell::new(MOST_BYTES);
    let of_docker =
        entries(&root.join(DOCKER)).filter_map(|folder| docker(&json(&folder.join("config.v2.json"), &left)?));
    // One folder for each storage driver: overlay-containers, vfs-containers.
    let drivers = entries(&root.join(PODMAN)).filter(|folder| folder.to_string_lossy().ends_with("-containers"));
    // What was made with --rm is in a file of its own.
    let files =
        drivers.flat_map(|folder| ["containers.json", "volatile-containers.json"].map(|name| folder.join(name)));
    let of_podman = files.filter_map(|file| json(&file, &left)).flat_map(|all| podman(&all));
    of_docker.chain(of_podman).map(called).collect()
}

/// `{"ID": "...", "Name": "/web", ...}`
fn docker(container: &Value) -> Option<(String, String)> {
    let name = container.get("Name")?.as_str()?;
    let id = container.get("ID")?.as_str()?;
    Some((name.strip_prefix('/').unwrap_or(name).to_owned(), id.to_owned()))
}

/// `[{"id": "...", "names": ["web"], ...}, ...]`
fn podman(containers: &Value) -> Vec<(String, String)> {
    let called = |container: &Value| -> Option<Vec<(String, String)>> {
        let id = container.get("id")?.as_str()?;
        let names = container.get("names")?.as_array()?.iter().filter_map(Value::as_str);
        Some(names.map(|name| (name.to_owned(), id.to_owned())).collect())
    };
    containers.as_array().into_iter().flatten().filter_map(called).flatten().collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).take(MOST)
}

/// A file that users may have put there: whatever it is, it is not waited for, and of all of them so many bytes are `left` to read.
fn json(file: &Path, left: &Cell<u64>) -> Option<Value> {
    let mut text = Vec::new();
    let read = open::regular(file).ok()?.take(LONGEST.min(left.get())).read_to_end(&mut text);
    left.set(left.get().saturating_sub(text.len() as u64));
    read.ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_far_as_the_user_has_bytes_left() {
        let file = std::env::temp_dir().join(format!("quadrant-engines-left-{}", std::process::id()));
        std::fs::write(&file, "[1, 2]").expect("files can be written");
        let left = Cell::new(13);
        assert!(json(&file, &left).is_some() && json(&file, &left).is_some());
        assert_eq!((json(&file, &left), left.get()), (None, 0));
        std::fs::remove_file(&file).expect("it is there");
    }

    #[test]
    fn names_of_engines() {
        let root = std::env::temp_dir().join(format!("quadrant-engines-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("folders can be made");
            std::fs::write(path, text).expect("files can be written");
        };
        write("docker/containers/1a/config.v2.json", r#"{"State": {}, "ID": "1a", "Name": "/web"}"#);
        write("docker/containers/1b/config.v2.json", "{\"ID\": \"1b\"");
        write("docker/containers/1c/config.v2.json", r#"{"ID": 7, "Name": []}"#);
        write(
            "containers/storage/overlay-containers/containers.json",
            r#"[{"id": "2a", "names": ["db", "x"]}, {"id": "2b"}, 7]"#,
        );
        write("containers/storage/overlay-images/images.json", r#"[{"id": "3a", "names": ["image"]}]"#);
        let mut found = names_below(&root, 1000);
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let found: Vec<(&str, &str)> = found.iter().map(|one| (one.name.as_str(), one.id.as_str())).collect();
        assert_eq!(found, [("db", "2a"), ("web", "1a"), ("x", "2a")]);
        std::fs::remove_dir_all(&root).expect("it is there");
        assert!(names_below(&root, 1000).is_empty());
        assert_eq!(home("u:x:1000:1000:U:/home/u:/bin/sh"), Some((1000, "/home/u".into())));
        assert_eq!((home("root:x:0:0::/root:/bin/sh"), home("u:x:1:1::none:"), home("")), (None, None, None));
    }
}
