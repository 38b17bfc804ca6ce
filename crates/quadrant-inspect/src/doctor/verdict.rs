//! From the kernel's answer to what it means, and what to do.

use quadrant_bpf::kconfig::{Kconfig, Setting};
use quadrant_bpf::kernel;
use quadrant_bpf::{Operation, missing_capabilities};

use super::checks::Row;
use super::kit::{Outcome, Trouble};
use super::model::{Check, ConfigOption, Verdict};

/// What explains failures.
pub struct Judge {
    config: Option<Kconfig>,
    release: String,
    /// This process is not allowed to try everything.
    restricted: bool,
}

impl Judge {
    pub fn new() -> Judge {
        let restricted = !missing_capabilities(Operation::Admin).is_empty();
        Judge { config: Kconfig::open(), release: kernel::release(), restricted }
    }

    /// The check of a row, from what trying gave.
    pub fn judge(&self, row: &Row, outcome: Outcome) -> Check {
        let check = Check {
            id: row.id,
            area: row.area,
            name: row.name,
            verdict: Verdict::Works,
            detail: String::new(),
            errno: None,
            why: String::new(),
            fix: String::new(),
            instead: "",
            options: self.options(row),
            since: row.since,
        };
        match outcome {
            Ok(detail) => Check { detail, ..check },
            Err(trouble) => self.failed(check, row, &trouble),
        }
    }

    fn options(&self, row: &Row) -> Vec<ConfigOption> {
        let value = |config: &Kconfig, name: &str| match config.get(name) {
            Setting::Set(value) => Some(value),
            Setting::Absent => None,
        };
        let Some(config) = &self.config else { return Vec::new() };
        row.options.iter().map(|name| ConfigOption { name, value: value(config, name) }).collect()
    }

    /// The cause that is certain comes first: an option that is not set, a version that is too old, then what the kernel's
    /// answer means.
    fn failed(&self, check: Check, row: &Row, trouble: &Trouble) -> Check {
        let absent = check.options.iter().find(|option| option.value.is_none()).map(|option| option.name);
        let untried = trouble.denied && self.restricted && absent.is_none();
        let error = &trouble.error;
        let (why, fix) = match absent {
            Some(option) => without_option(option),
            None if !untried && older(&self.release, row.since) => too_old(row.since, &self.release),
            None => (error.why().to_owned(), error.hint().to_owned()),
        };
        let verdict = if untried { Verdict::Untried } else { Verdict::Fails };
        let errno = error.errno().map(|errno| errno.to_string());
        Check { verdict, errno, why, fix, ..check }
    }
}

/// Options are listed with what they depend on first, so one says it all.
fn without_option(name: &str) -> (String, String) {
    (format!("this kernel was built without {name}"), format!("use a kernel with {name}"))
}

fn too_old(since: &str, release: &str) -> (String, String) {
    (format!("it came with Linux {since}, and this is {release}"), format!("use Linux {since} or newer"))
}

/// Whether a release, such as `6.1.0-13-amd64`, is before a version, such as `6.6`. Only for explanations.
fn older(release: &str, version: &str) -> bool {
    let numbers = |text: &str| {
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
        Some((parts.next()??, parts.next()??))
    };
    matches!((numbers(release), numbers(version)), (Some(release), Some(version)) if release < version)
}

#[cfg(test)]
mod tests {
    use super::super::model::Area;
    use super::*;
    use quadrant_bpf::Error;
    use quadrant_bpf::errno::Errno;

    const ROW: Row = Row {
        id: "x",
        area: Area::Engine,
        name: "x",
        run: |_| Ok(String::new()),
        options: &[],
        since: "6.6",
        instead: &[],
    };

    fn judge(release: &str, restricted: bool) -> Judge {
        Judge { config: None, release: release.to_owned(), restricted }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(older("5.10.223", "5.18") && older("6.1.0-13-amd64", "6.6"));
        assert!(!older("6.18.44", "6.6") && !older("6.6-rc1+", "6.6") && !older("6.1", ""));
    }

    #[test]
    fn who_may_not_try_does_not_know() {
        let denied = || Err(Error::os("cannot", Operation::Load, Errno::new(libc::EPERM)).into());
        assert_eq!(judge("6.18.1", true).judge(&ROW, denied()).verdict, Verdict::Untried);
        let check = judge("6.18.1", false).judge(&ROW, denied());
        assert_eq!((check.verdict, check.errno.as_deref()), (Verdict::Fails, Some("EPERM")));
    }

    #[test]
    fn an_old_kernel_is_the_reason() {
        let invalid = Err(Error::os("cannot", Operation::Attach, Errno::new(libc::EINVAL)).into());
        let check = judge("6.1.0", false).judge(&ROW, invalid);
        assert_eq!(check.why, "it came with Linux 6.6, and this is 6.1.0");
    }
}
