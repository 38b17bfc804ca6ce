//! Which processors there are.

use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::tree::Tree;

/// Numbers of the processors that are on now, ascending.
pub fn online() -> Result<Vec<u32>> {
    read("online")
}

/// Numbers of the processors that can ever be on, ascending.
pub fn possible() -> Result<Vec<u32>> {
    read("possible")
}

/// How many values a per-CPU map has for each key. Read once, as the kernel fixes it at boot.
pub fn possible_count() -> Result<usize> {
    static COUNT: OnceLock<usize> = OnceLock::new();
    if let Some(count) = COUNT.get() {
        return Ok(*count);
    }
    let count = possible()?.len();
    Ok(*COUNT.get_or_init(|| count))
}

/// Where sysfs is not mounted, as in a bare chroot, a mount of its own that nobody else sees has the files, too.
fn read(name: &str) -> Result<Vec<u32>> {
    let path = format!("/sys/devices/system/cpu/{name}");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => detached(name).ok_or_else(|| Error::io(format!("cannot read {path}"), &error))?,
    };
    parse(text.trim()).ok_or_else(|| Error::new(format!("cannot use {path}"), format!("it says {:?}", text.trim())))
}

fn detached(name: &str) -> Option<String> {
    let tree = Tree::open(c"sysfs", &[], c"devices").ok()?;
    String::from_utf8(tree.read(&format!("devices/system/cpu/{name}")).ok()?).ok()
}

/// More processors than any kernel can be built for; a longer list is not believed.
const MOST: usize = 1 << 16;

/// A list such as `0-3,5`.
fn parse(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || (last - first) as usize + cpus.len() >= MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        assert_eq!(parse("0"), Some(vec![0]));
        assert_eq!(parse("0-3,5,7-8"), Some(vec![0, 1, 2, 3, 5, 7, 8]));
    }

    #[test]
    fn rejects_nonsense() {
        for text in ["", "x", "3-1", "0-4294967295", "0-", "-1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_has_processors() {
        assert!(!online().unwrap().is_empty());
        assert_eq!(possible_count().unwrap(), possible().unwrap().len());
    }
}
