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

    /// A static probe that a file has in several places is one point of a recording, and each place has its own distance.
    fn keep_at(&self, point: &str, name: &str, answer: Value) -> Result<(), String> {
        let known = &mut self.said.borrow_mut()["user"][point][name];
        if !known.is_null() && *known != answer {
            return Err(format!(
                "cannot be recorded: `{point}` is in several places of its file, and `{name}` is at another distance from each"
            ));
        }
        *known = answer;
        Ok(())
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
            UserAddress::BehindProbe(distance) => json!({"behind": distance, "size": found.size}),
        };
        self.keep_at(place.point, name, answer)?;
        Ok(found)
    }

    fn cgroup_id(&self, path: &str) -> Result<u64, String> {
        let number = self.others.cgroup_id(path)?;
        self.keep("cgroups", path, json!(number));
        Ok(number)
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
        let behind = said["behind"].as_i64().map(UserAddress::BehindProbe);
        let address = said["address"].as_u64().map(UserAddress::Fixed).or(behind);
        let address = address.ok_or_else(|| unknown(&format!("the address of `{name}`")))?;
        Ok(UserSymbol { address, size: said["size"].as_u64().unwrap_or(0) })
    }

    fn cgroup_id(&self, path: &str) -> Result<u64, String> {
        self.0["cgroups"][path].as_u64().ok_or_else(|| unknown(&format!("the id of the cgroup {path}")))
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
    }

    fn place(point: &str, offset: u64) -> UserPlace<'_> {
        UserPlace { point, path: Path::new("/bin/x"), fires_at: Some(offset) }
    }

    #[test]
    fn a_symbol_is_at_its_own_distance_from_each_probe() {
        let asked = Asked::new(&Start);
        let places = [place("uprobe:/bin/x:f", 7), place("uprobe:/bin/x:g", 9)];
        let found = places.map(|place| asked.user_symbol(place, "PC").unwrap());
        assert!(asked.user_symbol(place("uprobe:/bin/x:f", 8), "PC").unwrap_err().contains("in several places"));
        let told = Told::new(asked.into_json());
        assert_eq!(places.map(|place| told.user_symbol(place, "PC").unwrap()), found);
        assert!(told.user_symbol(place("uprobe:/bin/x:h", 7), "PC").is_err());
    }
}
