//! Who made an event in tracefs. Such events do not go with their maker, so the names of their groups tell who that was.

use crate::error::{Error, Result};

/// What the names of our groups begin with; process id and start time of the maker follow.
const PREFIX: &str = "quadrant_";

/// The process that made a group of events.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Maker {
    /// Its id, which another process may have by now.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
}

impl Maker {
    /// This process.
    pub fn this() -> Result<Maker> {
        let pid = std::process::id();
        let started = start_time(pid);
        let started = started.ok_or_else(|| Error::new("cannot read when this process started", "/proc lacks it"))?;
        Ok(Maker { pid, started })
    }

    /// Who made a group; `None` if the group is none of ours.
    pub fn of(group: &str) -> Option<Maker> {
        let (pid, started) = group.strip_prefix(PREFIX)?.split_once('_')?;
        Some(Maker { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    /// The name of its group.
    pub fn group(&self) -> String {
        format!("{PREFIX}{}_{}", self.pid, self.started)
    }

    /// Whether it still runs.
    pub fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

/// When a process started, in clock ticks since boot; `None` if there is no such process. With its id it tells a process
/// from all others until the next boot.
pub fn start_time(pid: u32) -> Option<u64> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of the line, which counts from behind the name: a process may choose any name.
fn parse(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_tells_its_maker() {
        let this = Maker::this().unwrap();
        assert_eq!(Maker::of(&this.group()), Some(this));
        assert!(this.lives() && !Maker { started: this.started + 1, ..this }.lives());
        assert_eq!(Maker::of("quadrant_12_500"), Some(Maker { pid: 12, started: 500 }));
        for group in ["kprobes", "quadrant_", "quadrant_x_1", "quadrant_1", "quadrant_doctor_1"] {
            assert_eq!(Maker::of(group), None, "{group}");
        }
    }

    #[test]
    fn names_with_parentheses_do_not_hurt() {
        let fields: Vec<String> = (3..30).map(|field| field.to_string()).collect();
        assert_eq!(parse(&format!("7 (a) b) S {}", fields[1..].join(" "))), Some(22));
        assert_eq!(parse("7 (a"), None);
    }
}
