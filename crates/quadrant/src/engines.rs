//! What container engines call their containers: only they know names, and keep them in files.

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
const LONGEST: u64 = 16 << 20;
const MOST: usize = 1 << 12;
/// Bytes of one user's files that are read: no user makes another wait for a name.
const MOST_BYTES: u64 = 64 << 20;

/// What engines on this machine know.
#[derive(Debug, Default)]
pub struct Known {
    /// The names of all containers, running or not: those of root's engines, and those of users.
    pub names: Vec<Called>,
    /// Files that were not read, because they are too long or there are too many.
    pub too_long: Vec<PathBuf>,
}

/// Asks all engines on this machine.
pub fn known() -> Known {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut known = known_below(Path::new("/var/lib"), ROOT);
    for (user, home) in users.lines().filter_map(home) {
        let of_user = known_below(&home.join(".local/share"), user);
        known.names.extend(of_user.names);
        known.too_long.extend(of_user.too_long);
    }
    known
}

/// `name:password:UID:gid:comment:HOME:shell`; root's own home has nothing that /var/lib has not.
fn home(line: &str) -> Option<(u32, PathBuf)> {
    let mut fields = line.split(':').skip(2);
    let user = fields.next()?.parse().ok()?;
    let home = fields.nth(2).filter(|home| home.starts_with('/'))?;
    (user != ROOT).then(|| (user, home.into()))
}

fn known_below(root: &Path, user: u32) -> Known {
    let mut reader = Reader { left: MOST_BYTES, too_long: Vec::new() };
    let mut names = Vec::new();
    for folder in entries(&root.join(DOCKER)) {
        names.extend(reader.json(folder.join("config.v2.json")).and_then(|container| docker(&container)));
    }
    // One folder for each storage driver: overlay-containers, vfs-containers.
    let drivers = entries(&root.join(PODMAN)).filter(|folder| folder.to_string_lossy().ends_with("-containers"));
    for folder in drivers {
        // What was made with --rm is in a file of its own.
        for name in ["containers.json", "volatile-containers.json"] {
            names.extend(reader.json(folder.join(name)).iter().flat_map(podman));
        }
    }
    let names = names.into_iter().map(|(name, id)| Called { name, id, user }).collect();
    Known { names, too_long: reader.too_long }
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

/// Reads files that users may have put there: whatever they are, they are not waited for.
struct Reader {
    /// Bytes of all of them that are still read.
    left: u64,
    too_long: Vec<PathBuf>,
}

impl Reader {
    fn json(&mut self, file: PathBuf) -> Option<Value> {
        let most = LONGEST.min(self.left);
        let mut text = Vec::new();
        let read = open::regular(&file).ok()?.take(most + 1).read_to_end(&mut text);
        self.left = self.left.saturating_sub(text.len() as u64);
        read.ok()?;
        if text.len() as u64 > most {
            self.too_long.push(file);
            return None;
        }
        serde_json::from_slice(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_far_as_the_user_has_bytes_left() {
        let file = std::env::temp_dir().join(format!("quadrant-engines-left-{}", std::process::id()));
        std::fs::write(&file, "[1, 2]").expect("files can be written");
        let mut reader = Reader { left: 13, too_long: Vec::new() };
        assert!(reader.json(file.clone()).is_some() && reader.json(file.clone()).is_some());
        assert!(reader.too_long.is_empty());
        assert_eq!((reader.json(file.clone()), reader.left), (None, 0));
        assert_eq!(reader.too_long, std::slice::from_ref(&file));
        std::fs::remove_file(&file).expect("it is there");
    }

    #[test]
    fn a_file_that_is_too_long_is_named() {
        let file = std::env::temp_dir().join(format!("quadrant-engines-long-{}", std::process::id()));
        std::fs::File::create(&file).and_then(|made| made.set_len(LONGEST + 1)).expect("files can be made");
        let mut reader = Reader { left: MOST_BYTES, too_long: Vec::new() };
        assert_eq!(reader.json(file.clone()), None);
        assert_eq!(reader.too_long, std::slice::from_ref(&file));
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
        let mut found = known_below(&root, 1000).names;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let found: Vec<(&str, &str)> = found.iter().map(|one| (one.name.as_str(), one.id.as_str())).collect();
        assert_eq!(found, [("db", "2a"), ("web", "1a"), ("x", "2a")]);
        std::fs::remove_dir_all(&root).expect("it is there");
        assert!(known_below(&root, 1000).names.is_empty());
        assert_eq!(home("u:x:1000:1000:U:/home/u:/bin/sh"), Some((1000, "/home/u".into())));
        assert_eq!((home("root:x:0:0::/root:/bin/sh"), home("u:x:1:1::none:"), home("")), (None, None, None));
    }
}
