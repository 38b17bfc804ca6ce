//! The control groups that a trace is limited to.

use quadrant_bpf::cgroup;
use quadrant_bpf::cgroup::{Refusal, Subtree};

use crate::engines::{self, Known};
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
        match self {
            Wanted::Cgroup(path) => cgroup::by_path(path).map_err(failure),
            Wanted::Container(name) => {
                let known = engines::known();
                cgroup::by_container(name, &known.names).map_err(|refusal| failure(with_unread(refusal, name, &known)))
            }
        }
    }

    /// The number that a process of these groups has here, by that one or by its number in the container.
    ///
    /// # Errors
    /// There is no such process in them, or several.
    pub fn process(self, number: u32) -> Result<u32, Failure> {
        self.find()?.process(number).map_err(failure)
    }
}

/// A name that no engine is known to have given may be in a file that was not read.
fn with_unread(mut refusal: Refusal, name: &str, known: &Known) -> Refusal {
    let is_known = known.names.iter().any(|called| called.name == name);
    if let ([file, others @ ..], false) = (known.too_long.as_slice(), is_known) {
        let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        refusal.help.push(format!("the name may be in a file that is too long to be read: {}{more}", file.display()));
    }
    refusal
}

fn failure(refusal: Refusal) -> Failure {
    let failure = Failure::new(shown(&refusal.message));
    refusal.help.iter().fold(failure, |failure, help| failure.hint(shown(help)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_not_read_are_named_where_the_name_is_not_found() {
        let helps = |name: &str, too_long: &[&str]| {
            let called = cgroup::Called { name: "web".into(), id: "1a".into(), user: 0 };
            let known = Known { names: vec![called], too_long: too_long.iter().map(Into::into).collect() };
            with_unread(Refusal { message: "none".into(), help: Vec::new() }, name, &known).help
        };
        assert!(helps("db", &[]).is_empty() && helps("web", &["/a"]).is_empty());
        assert_eq!(helps("db", &["/a"]), ["the name may be in a file that is too long to be read: /a"]);
        assert_eq!(
            helps("db", &["/a", "/b"]),
            ["the name may be in a file that is too long to be read: /a and 1 more"]
        );
    }
}
