//! Names of users, control groups and containers, which are the recorded machine's and not those of the one that
//! replays.

use std::collections::BTreeMap;

use quadrant_program::ty::Type;
use serde_json::Value;
use serde_json::json;

use crate::resolver::Names;

/// What the numbers in events are called; none for what had no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others(BTreeMap<Key, Option<String>>);

/// A number of some kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    User(u64),
    /// With the pattern of the hierarchies that are looked at.
    Cgroup(u64, Option<String>),
    Container(u64),
}

impl Others {
    /// Finds the name as which a number is shown, if it is of a type that has one.
    pub fn keep(&mut self, ty: &Type, number: u64, names: &mut Names) {
        let Some(key) = Key::of(ty, number) else { return };
        self.0.entry(key).or_insert_with_key(|key| {
            match key {
                Key::User(number) => names.username(*number as u32),
                Key::Cgroup(number, pattern) => names.cgroup_path(*number, pattern.as_deref()),
                Key::Container(number) => names.container(*number),
            }
            .map(str::to_owned)
        });
    }

    /// The lines of the file for it.
    pub fn lines(&self) -> impl Iterator<Item = Value> + '_ {
        self.0.iter().map(|(key, name)| match key {
            Key::User(number) => json!({"user": number, "name": name}),
            Key::Cgroup(number, pattern) => json!({"cgroup": number, "hierarchies": pattern, "name": name}),
            Key::Container(number) => json!({"container": number, "name": name}),
        })
    }

    /// Reads such a line; false if it is another one.
    pub fn add(&mut self, line: &Value) -> bool {
        let number = |kind: &str| line[kind].as_u64();
        let cgroup = |number| Key::Cgroup(number, line["hierarchies"].as_str().map(str::to_owned));
        let key = number("user").map(Key::User).or_else(|| number("cgroup").map(cgroup));
        let Some(key) = key.or_else(|| number("container").map(Key::Container)) else { return false };
        self.0.insert(key, line["name"].as_str().map(str::to_owned));
        true
    }

    /// The name of a user.
    pub fn user(&self, number: u32) -> Option<&str> {
        self.name(&Key::User(number.into()))
    }

    /// The path of a control group, in the hierarchies of a pattern.
    pub fn cgroup(&self, number: u64, pattern: Option<&str>) -> Option<&str> {
        self.name(&Key::Cgroup(number, pattern.map(str::to_owned)))
    }

    /// The container of a control group.
    pub fn container(&self, number: u64) -> Option<&str> {
        self.name(&Key::Container(number))
    }

    fn name(&self, key: &Key) -> Option<&str> {
        self.0.get(key)?.as_deref()
    }
}

impl Key {
    fn of(ty: &Type, number: u64) -> Option<Key> {
        match ty {
            Type::Username => Some(Key::User(number)),
            Type::CgroupPath(pattern) => Some(Key::Cgroup(number, pattern.as_deref().map(str::to_owned))),
            Type::Container => Some(Key::Container(number)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let (user, group) = (Key::User(0), Key::Cgroup(7, Some("unified".to_owned())));
        let known =
            [(user, Some("root".to_owned())), (group, Some("unified:/a".to_owned())), (Key::Container(7), None)];
        let others = Others(known.into_iter().collect());
        let mut read = Others::default();
        assert!(others.lines().all(|line| read.add(&line)));
        assert_eq!(read, others);
        assert_eq!((read.user(0), read.user(1), read.cgroup(7, None)), (Some("root"), None, None));
        assert!(!read.add(&json!({"point": 0})));
    }
}
