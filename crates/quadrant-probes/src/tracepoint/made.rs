//! Events that somebody made in tracefs (Linux 5.0): they look like tracepoints, and most cannot be traced as such.

use quadrant_bpf::tracefs::TraceFs;
use quadrant_types::EventFormat;

/// An event that somebody made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeEvent {
    /// The group that it is in.
    pub category: String,
    /// Its name.
    pub event: String,
    /// Its definition.
    pub line: String,
}

impl MadeEvent {
    /// `p:category/event PLACE ARGUMENTS`, with other letters for other kinds, some of which have a number behind them.
    fn parse(line: &str) -> Option<MadeEvent> {
        let (_, rest) = line.split_once(':')?;
        let (category, event) = rest.split_whitespace().next()?.split_once('/')?;
        Some(MadeEvent { category: category.to_owned(), event: event.to_owned(), line: line.trim().to_owned() })
    }

    /// Programs can run there as at a tracepoint: it is a synthetic one, of a histogram's trigger.
    pub(crate) fn runs_programs(&self) -> bool {
        self.line.starts_with("s:")
    }
}

/// All of them; none if the list cannot be read.
pub fn made_events(tracefs: &TraceFs) -> Vec<MadeEvent> {
    let text = tracefs.read("dynamic_events").unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(MadeEvent::parse).collect()
}

/// Whether a format is that of a probe: these record where they are first.
pub(crate) fn is_of_probe(format: &EventFormat) -> bool {
    format.own_fields().next().is_some_and(|field| ["__probe_ip", "__probe_func"].contains(&field.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_were_made_are_known_by_their_lines() {
        let event = |line| MadeEvent::parse(line).map(|made| (made.category, made.event));
        let named = |category: &str, event: &str| Some((category.to_owned(), event.to_owned()));
        assert_eq!(event("p:mine/open /bin/true:0x1000"), named("mine", "open"));
        assert_eq!(event("r8:mine/left do_sys_open ret=$retval\n"), named("mine", "left"));
        assert_eq!(event("s:synthetic/late\tu64 delta; pid_t pid"), named("synthetic", "late"));
        assert_eq!((event(""), event("p:mine")), (None, None));
    }

    #[test]
    fn only_synthetic_ones_run_programs() {
        let runs = |line| MadeEvent::parse(line).unwrap().runs_programs();
        assert!(runs("s:synthetic/late\tu64 delta") && !runs("p:synthetic/one do_nanosleep"));
    }
}
