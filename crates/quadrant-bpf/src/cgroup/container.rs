//! What container engines call the groups of their containers.

/// Shortest text of hexadecimal digits that is the id of a container.
const SHORTEST_ID: usize = 32;
/// Digits of an id that people are shown.
const SHOWN: usize = 12;

/// What stands before the id or the name in the name of a group, and behind it.
const FORMS: &[(&str, &str)] = &[
    ("docker-", ".scope"),
    ("cri-containerd-", ".scope"),
    ("crio-", ".scope"),
    ("libpod-", ".scope"),
    ("nerdctl-", ".scope"),
    ("lxc.payload.", ""),
    ("systemd-nspawn@", ".service"),
    ("machine-", ".scope"),
];
/// What stands before the id where systemd was not asked.
const PREFIXES: &[&str] = &["libpod-payload-", "libpod-", "crio-"];
/// Groups of helpers of an engine, which look like those of containers.
const HELPERS: &[&str] = &["libpod-conmon-", "crio-conmon-"];

/// The id or name of the container whose group has this name; `parent` is the name of the group that it is in.
pub fn of_group(name: &[u8], parent: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    if HELPERS.iter().any(|helper| name.starts_with(helper)) {
        return None;
    }
    let inner = |(before, after): &(&str, &str)| {
        let inner = name.strip_prefix(before)?.strip_suffix(after)?;
        (!inner.is_empty()).then(|| unescape(inner))
    };
    if let Some(inner) = FORMS.iter().find_map(inner) {
        return Some(inner);
    }
    // Engines that do not ask systemd: /docker/ID, /kubepods/burstable/podUID/ID, /libpod_parent/libpod-ID, /lxc/NAME; and those that
    // do not, though they are told to: /SLICE:cri-containerd:ID.
    if parent == b"lxc" {
        return Some(name.to_owned());
    }
    let last = name.rsplit(':').next().unwrap_or(name);
    let bare = PREFIXES.iter().find_map(|before| last.strip_prefix(before)).unwrap_or(last);
    is_id(bare).then(|| bare.to_owned())
}

/// The container that a process in the group with this path is in: the innermost.
pub fn of_path(path: &[u8]) -> Option<String> {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    names.windows(2).rev().find_map(|pair| of_group(pair[1], pair[0]))
}

/// An id as people are shown it; names are whole.
pub fn short(id: &str) -> &str {
    if is_id(id) { &id[..SHOWN] } else { id }
}

fn is_id(text: &str) -> bool {
    text.len() >= SHORTEST_ID && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// systemd writes `\x2d` for a dash in a name.
fn unescape(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                whole.push(char::from(byte));
                whole.push_str(&part[2..]);
            }
            None => {
                whole.push_str("\\x");
                whole.push_str(part);
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3d24e2a1c0ffee00112233445566778899aabbccddeeff001122334455667788";

    #[test]
    fn groups_of_engines() {
        let of = |path: String| of_path(path.as_bytes());
        for path in [
            format!("/system.slice/docker-{ID}.scope"),
            format!("/docker/{ID}"),
            format!("/docker/{ID}/init"),
            format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{ID}.scope"),
            format!("/kubepods/burstable/pod12-34/{ID}"),
            format!("/kubepods.slice/crio-{ID}.scope/container"),
            format!("/machine.slice/libpod-{ID}.scope"),
            format!("/libpod_parent/libpod-{ID}"),
            format!("/user.slice/user-1000.slice/user@1000.service/app.slice/x.service/libpod-payload-{ID}"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"),
            format!("/kubepods/besteffort/pod12-34/crio-{ID}"),
            format!("/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:{ID}"),
        ] {
            assert_eq!(of(path.clone()).as_deref(), Some(ID), "{path}");
        }
        assert_eq!(of("/lxc/web/x".into()).as_deref(), Some("web"));
        assert_eq!(of("/lxc.payload.web".into()).as_deref(), Some("web"));
        assert_eq!(of("/machine.slice/machine-a\\x2db.scope".into()).as_deref(), Some("a-b"));
        assert_eq!(of(format!("/docker/{ID}/docker/{}", ID.replace('3', "4"))), Some(ID.replace('3', "4")));
    }

    #[test]
    fn other_groups() {
        for path in
            ["/", "/system.slice/ssh.service", "/machine.slice/libpod-conmon-3d24.scope", "/docker", "/a:b", "/a/\\x"]
        {
            assert_eq!(of_path(path.as_bytes()), None, "{path}");
        }
        assert_eq!((short(ID), short("web")), ("3d24e2a1c0ff", "web"));
        assert_eq!(unescape("a\\x2db\\xzz\\x"), "a-b\\xzz\\x");
    }
}
