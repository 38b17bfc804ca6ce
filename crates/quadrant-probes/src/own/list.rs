//! The probes that there are without anything to find.

use crate::glob::Glob;
use quadrant_program::probe::ProbeKind;

/// Signals that a script can have for itself, with their numbers on Linux: none that ends a trace, stops a process or tells of a fault.
pub(super) const SIGNALS: [(&str, i32); 6] =
    [("SIGALRM", 14), ("SIGCONT", 18), ("SIGHUP", 1), ("SIGUSR1", 10), ("SIGUSR2", 12), ("SIGWINCH", 28)];

/// `self:signal:SIGUSR1` and so on. Scripts make up the names of tests.
pub(crate) fn list(kind: ProbeKind, trigger: &Glob, name: &Glob) -> Vec<String> {
    match kind {
        ProbeKind::Own if trigger.matches("signal") => {
            let signals = SIGNALS.iter().filter(|(signal, _)| name.matches(signal));
            signals.map(|(signal, _)| format!("self:signal:{signal}")).collect()
        }
        ProbeKind::Own => Vec::new(),
        ProbeKind::Test | ProbeKind::Bench => {
            let given = trigger.literal().filter(|given| !given.is_empty());
            vec![format!("{}:{}", kind.name(), given.unwrap_or("name"))]
        }
        _ => vec![kind.name().to_owned()],
    }
}
