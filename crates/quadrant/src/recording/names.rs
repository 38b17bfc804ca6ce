//! Numbers behind names that a script in bpftrace's language asks for before the trace starts (`kaddr()`, `uaddr()`,
//! `cgroupid()`): a recording has them, because on the machine that replays they are others, or none.

use std::cell::RefCell;

use quadrant_bpftrace::lower::Symbols;
use quadrant_bpftrace::lower::UserAddress;
use quadrant_bpftrace::lower::UserPlace;
use quadrant_bpftrace::lower::UserSymbol;
use quadrant_program::probe::ProbeKind;
use serde_json::Value;
use serde_json::json;

/// Asks others, and keeps what they say.
pub struct Asked<'a> {
    others: &'a dyn Symbols,
    said: RefCell<Value>,
}

impl<'a> Asked<'a> {
    /// Nothing has been asked yet.
    pub fn new(others: &'a dyn Symbols) -> Asked<'a> {
        Asked { others, said: RefCell::new(json!({})) }
    }

    /// What the file's first line says of it.
    pub fn into_json(self) -> Value {
        self.said.into_inner()
    }

    fn keep(&self, kind: &str, name: &str, answer: Value) {
        self.said.borrow_mut()[kind][name] = answer;
    }

    fn keep_at(&self, point: &str, name: &str, answer: Value) {
        self.said.borrow_mut()["user"][point][name] = answer;
    }
}

impl Symbols for Asked<'_> {
    fn kernel_address(&self, name: &str) -> Result<u64, String> {
        let address = self.others.kernel_address(name)?;
        self.keep("kernel", name, json!(address));
        Ok(address)
    }

    fn user_symbol(&self, place: UserPlace<'_>, name: &str) -> Result<UserSymbol, String> {
        let found = self.others.user_symbol(place, name)?;
        let answer = match found.address {
            UserAddress::Fixed(address) => json!({"address": address, "size": found.size}),
            // Events have it.
            UserAddress::BehindProbe(_) => json!({"size": found.size}),
        };
        self.keep_at(place.point, name, answer);
        Ok(found)
    }

    fn cgroup_id(&self, path: &str) -> Result<u64, String> {
        let number = self.others.cgroup_id(path)?;
        self.keep("cgroups", path, json!(number));
        Ok(number)
    }

    fn kernel_version(&self) -> Result<u64, String> {
        let version = self.others.kernel_version()?;
        self.said.borrow_mut()["version"] = json!(version);
        Ok(version)
    }

    fn kfunc_allowed(&self, kind: ProbeKind, function: u32, tracepoint: u32) -> bool {
        self.others.kfunc_allowed(kind, function, tracepoint)
    }

    fn numbers_as_the_machine(&self) -> bool {
        self.others.numbers_as_the_machine()
    }
}

/// What a recording says.
#[derive(Clone, Debug, Default)]
pub struct Told(Value);

impl Told {
    /// What the file's first line says.
    pub fn new(said: Value) -> Told {
        Told(said)
    }
}

fn unknown(what: &str) -> String {
    format!("the recording does not say what {what} is: record again with the script as it is now")
}

impl Symbols for Told {
    fn kernel_address(&self, name: &str) -> Result<u64, String> {
        self.0["kernel"][name].as_u64().ok_or_else(|| unknown(&format!("the address of `{name}`")))
    }

    fn user_symbol(&self, place: UserPlace<'_>, name: &str) -> Result<UserSymbol, String> {
        let said = &self.0["user"][place.point][name];
        let size = said["size"].as_u64().ok_or_else(|| unknown(&format!("the address of `{name}`")))?;
        let address = said["address"].as_u64().map_or(UserAddress::BehindProbe(0), UserAddress::Fixed);
        Ok(UserSymbol { address, size })
    }

    fn cgroup_id(&self, path: &str) -> Result<u64, String> {
        self.0["cgroups"][path].as_u64().ok_or_else(|| unknown(&format!("the id of the cgroup {path}")))
    }

    fn kernel_version(&self) -> Result<u64, String> {
        self.0["version"].as_u64().ok_or_else(|| unknown("the kernel's version"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Every symbol is at the start of the file.
    struct Start;

    impl Symbols for Start {
        fn kernel_address(&self, _name: &str) -> Result<u64, String> {
            Err("none".to_owned())
        }

        fn user_symbol(&self, place: UserPlace<'_>, _name: &str) -> Result<UserSymbol, String> {
            let distance = place.fires_at.map_or(0, |offset| -(offset as i64));
            Ok(UserSymbol { address: UserAddress::BehindProbe(distance), size: 4 })
        }

        fn cgroup_id(&self, _path: &str) -> Result<u64, String> {
            Err("none".to_owned())
        }

        fn kernel_version(&self) -> Result<u64, String> {
            Ok(5)
        }
    }

    fn place(point: &str, offset: u64) -> UserPlace<'_> {
        UserPlace { point, path: Path::new("/bin/x"), fires_at: Some(offset) }
    }

    #[test]
    fn where_a_symbol_is_from_a_probe_only_events_say() {
        let asked = Asked::new(&Start);
        assert!(asked.user_symbol(place("uprobe:/bin/x:f", 7), "PC").is_ok());
        assert!(asked.user_symbol(place("uprobe:/bin/x:f", 8), "PC").is_ok());
        let told = Told::new(asked.into_json());
        let found = told.user_symbol(place("uprobe:/bin/x:f", 7), "PC").unwrap();
        assert_eq!((found.address, found.size), (UserAddress::BehindProbe(0), 4));
        assert!(told.user_symbol(place("uprobe:/bin/x:h", 7), "PC").is_err());
    }
    #[test]
    fn the_version_of_the_kernel_is_that_of_the_recording() {
        let asked = Asked::new(&Start);
        assert_eq!(asked.kernel_version(), Ok(5));
        assert_eq!(Told::new(asked.into_json()).kernel_version(), Ok(5));
        assert!(Told::default().kernel_version().is_err());
    }
}
