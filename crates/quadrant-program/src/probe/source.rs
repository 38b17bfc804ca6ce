//! The traits through which a front end asks for probes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quadrant_types::DebugTypes;

use super::{Args, Point, ProbeError, ProbeKind, ProbeSpec};

/// A point that was found, with what is known of its arguments.
#[derive(Clone, Debug)]
pub struct Found {
    /// The point.
    pub point: Point,
    /// Its named and numbered arguments; the same `Arc` or equal content for points that can share code.
    pub args: Arc<Args>,
}

/// Answers a front end's questions about probes.
pub trait ProbeSource {
    /// All points that a spec means, in a stable order, at least one.
    ///
    /// # Errors
    /// No match (with the nearest names as help), or a probe that cannot be used here and why.
    fn find(&self, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError>;

    /// The script says itself how many points one wildcard may mean.
    fn allow(&self, points: u32) {
        let _ = points;
    }

    /// The named arguments of a user function, or, of a point at its return, the result (`retval`), by the debug information of
    /// its file. [`ProbeSource::find`] leaves them out, since they cost time.
    ///
    /// # Errors
    /// There is no debug information, or it does not describe this function.
    fn user_arguments(&self, point: &Point) -> Result<Arc<Args>, ProbeError> {
        let message = format!("nothing is known of the arguments of `{}`", point.name);
        Err(ProbeError::new(message))
    }

    /// The types that the debug information of a file describes, if there is some.
    fn user_types(&self, path: &Path) -> Option<DebugTypes> {
        let _ = path;
        None
    }

    /// Why there is no debug information of a file; `None` if there is some.
    fn why_no_user_types(&self, path: &Path) -> Option<ProbeError> {
        let message = format!("nothing is known of the types of {}", path.display());
        Some(ProbeError::new(message))
    }
}

/// A source of probes that can also tell which there are.
pub trait ProbeCatalog: ProbeSource {
    /// As [`ProbeSource::find`], for user probes in the files that one process has mapped, and in that process alone. A file is named
    /// by its path, its name, the beginning of its name up to a dot, or a pattern.
    ///
    /// # Errors
    /// As `find`; there is no such process, or its files cannot be read.
    fn find_in(&self, pid: u32, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError>;

    /// The full names of all probes of a kind whose parts match, sorted: `tracepoint:sched:sched_switch`, `kprobe:vmlinux:vfs_read`,
    /// `rawtracepoint:vmlinux:sched_switch`. Nothing is read that only [`ProbeSource::find`] needs.
    ///
    /// # Errors
    /// What the names come from cannot be read.
    fn list(&self, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>, ProbeError>;

    /// Has `look` list names that only resemble what was asked for: what would be said of them is not.
    fn unsaid(&self, look: &mut dyn FnMut());

    /// As [`ProbeCatalog::list`], in the files that one process has mapped.
    ///
    /// # Errors
    /// There is no such process, or its files cannot be read.
    fn list_in(&self, pid: u32, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>, ProbeError>;

    /// The number by which the kernel knows a tracepoint; `None` if there is none of that name.
    fn event_number(&self, category: &str, event: &str) -> Option<u32>;

    /// The program that a process runs, by its path.
    fn program_of(&self, pid: u32) -> Option<PathBuf>;

    /// The processes that run, in ascending order.
    fn processes(&self) -> Vec<u32>;

    /// A program's own file and those of the libraries that are loaded with it, by what the files say: for a command that has not
    /// started. What cannot be found is left out.
    fn libraries_of(&self, program: &Path) -> Vec<PathBuf>;

    /// What a program or library says of its static probes beyond their notes: definitions of providers in D (`.note.quadrant`).
    fn provider_definitions(&self, path: &Path) -> Vec<String>;

    /// The function that the code at an offset in a program or library belongs to.
    fn user_function_at(&self, path: &Path, offset: u64) -> Option<String>;
}
