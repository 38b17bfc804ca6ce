//! The control groups that a trace is limited to.

use quadrant_bpf::cgroup;
use quadrant_bpf::cgroup::{Refusal, Subtree};

use crate::engines;
use crate::failure::Failure;
use crate::failure::shown;

/// How a user names control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// `--cgroup`: a path or a number.
    Cgroup(&'a str),
    /// `--container`: the start of an id or name, or the name that an engine has given.
    Container(&'a str),
}

impl<'a> Wanted<'a> {
    /// What two options say; the first that is there counts.
    pub fn of(cgroup: Option<&'a str>, container: Option<&'a str>) -> Option<Wanted<'a>> {
        cgroup.map(Wanted::Cgroup).or(container.map(Wanted::Container))
    }

    /// The groups.
    ///
    /// # Errors
    /// There are none, or too many of that name.
    pub fn find(self) -> Result<Subtree, Failure> {
        let found = match self {
            Wanted::Cgroup(path) => cgroup::by_path(path),
            Wanted::Container(name) => cgroup::by_container(name, &engines::names()),
        };
        found.map_err(failure)
    }

    /// The number that a process of these groups has here, by that one or by its number in the container.
    ///
    /// # Errors
    /// There is no such process in them, or several.
    pub fn process(self, number: u32) -> Result<u32, Failure> {
        self.find()?.process(number).map_err(failure)
    }
}

fn failure(refusal: Refusal) -> Failure {
    let failure = Failure::new(shown(&refusal.message));
    refusal.help.iter().fold(failure, |failure, help| failure.hint(shown(help)))
}
