//! Kernel functions as events of tracefs: the only way on old kernels, and the only one that lets the user say how many calls of
//! a function may be under way at once.
//!
//! These events do not go with their maker, so they are removed at the end, and those of dead tracers at the next start.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use quadrant_bpf::link::Link;
use quadrant_bpf::maker::Maker;
use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::KernelCode;

use super::kprobe::code;
use super::{Progress, Request};
use crate::error::{Result, error, from_kernel};
use crate::leftovers::{self, EVENTS};

/// Bytes of lines that are handed over at once: about ten events. Each can take the kernel some tens of milliseconds, to make and to
/// remove, and a user who interrupts must not wait for the rest.
const CHUNK: usize = 512;

/// Events of this process, removed when it is dropped. Whatever holds them open must be closed first.
pub(super) struct Registered {
    tracefs: TraceFs,
    group: String,
    names: Vec<String>,
}

/// Makes an event for each site and attaches to it.
pub(super) fn links(
    request: &Request<'_>,
    maxactive: Option<u32>,
    tracefs: TraceFs,
    progress: &mut Progress<'_>,
) -> Result<(Vec<Link>, Registered)> {
    sweep_once(&tracefs)?;
    let mut registered = Registered::new(tracefs)?;
    let links = super::each_place(request, progress, |request, index, cookie| {
        registered.provide(request, index, maxactive)?;
        let id =
            registered.tracefs.event_id(&registered.group, &registered.names[index]).map_err(|e| from_kernel(&e))?;
        let event = PerfEvent::open(&Event::Tracepoint { id }, Scope::All).map_err(|e| from_kernel(&e))?;
        Link::perf_event(request.program, event, cookie).map(Some).map_err(|e| from_kernel(&e))
    })?;
    Ok((links, registered))
}

/// Dead tracers' events are removed before the first of ours are made.
fn sweep_once(tracefs: &TraceFs) -> Result<()> {
    static SWEPT: AtomicBool = AtomicBool::new(false);
    match SWEPT.swap(true, Ordering::Relaxed) {
        true => Ok(()),
        false => leftovers::sweep(tracefs).map(drop),
    }
}

impl Registered {
    /// None yet.
    fn new(tracefs: TraceFs) -> Result<Self> {
        Ok(Self { tracefs, group: Maker::this().map_err(|e| from_kernel(&e))?.group(), names: Vec::new() })
    }

    /// Makes the event of that site, together with the next few.
    fn provide(&mut self, request: &Request<'_>, index: usize, maxactive: Option<u32>) -> Result<()> {
        if index < self.names.len() {
            return Ok(());
        }
        let mut lines = String::new();
        for site in request.sites.iter().skip(self.names.len()) {
            let (code, on_return) = code(site)?;
            let name = name();
            lines.push_str(&definition(&self.group, &name, code, on_return, maxactive)?);
            self.names.push(name);
            if lines.len() > CHUNK {
                break;
            }
        }
        self.make(&lines)
    }

    fn make(&self, lines: &str) -> Result<()> {
        self.tracefs.append(EVENTS, lines).map_err(|refusal| {
            let mut error = from_kernel(&refusal);
            let log = self.tracefs.read("error_log").unwrap_or_default();
            let log = String::from_utf8_lossy(&log).into_owned();
            // The last entry: `[TIME] trace_kprobe: error: WHY`.
            let why = log.lines().filter_map(|line| line.split_once("trace_kprobe: error: ")).next_back();
            error.help.extend(why.map(|(_, why)| format!("the kernel says: {why}").into()));
            error
        })
    }

    /// How often each was missed, in the order of the sites.
    pub fn missed(&self) -> Vec<u64> {
        let text = self.tracefs.read("kprobe_profile").unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let counts = misses(&text);
        self.names.iter().map(|name| counts.get(name.as_str()).copied().unwrap_or(0)).collect()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // One by one: an event that was never made must not keep the others.
        for name in &self.names {
            // What cannot be removed now is swept at the next start.
            let _ = self.tracefs.append(EVENTS, &format!("-:{}/{name}\n", self.group));
        }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registered({}: {} events)", self.group, self.names.len())
    }
}

/// The profile has no groups, so names are unique on the machine.
fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("q{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `p:group/name PLACE`, `r:group/name PLACE`, `r8:group/name PLACE`.
fn definition(group: &str, name: &str, code: &KernelCode, on_return: bool, maxactive: Option<u32>) -> Result<String> {
    let letter = match (on_return, maxactive) {
        (false, _) => "p".to_owned(),
        (true, None) => "r".to_owned(),
        (true, Some(calls)) => format!("r{calls}"),
    };
    if code.symbol.contains(char::is_whitespace) {
        return Err(error("the name of a function holds a blank"));
    }
    let place = match code.address {
        Some(address) if code.ambiguous || code.symbol.is_empty() => format!("{address:#x}"),
        _ if code.offset > 0 => format!("{}+{}", code.symbol, code.offset),
        _ => code.symbol.clone(),
    };
    Ok(format!("{letter}:{group}/{name} {place}\n"))
}

/// Lines `NAME HITS MISSES`.
fn misses(profile: &str) -> HashMap<&str, u64> {
    let count = |line: &str| -> Option<u64> { line.split_whitespace().nth(2)?.parse().ok() };
    profile.lines().filter_map(|line| Some((line.split_whitespace().next()?, count(line)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions() {
        let code = KernelCode { symbol: "vfs_read".to_owned(), address: Some(0xff10), ..KernelCode::default() };
        let line = |code: &KernelCode, on_return, maxactive| definition("g", "n", code, on_return, maxactive).unwrap();
        assert_eq!(line(&code, false, Some(3)), "p:g/n vfs_read\n");
        assert_eq!(line(&code, true, None), "r:g/n vfs_read\n");
        assert_eq!(line(&code, true, Some(1)), "r1:g/n vfs_read\n");
        assert_eq!(line(&KernelCode { offset: 9, ..code.clone() }, false, None), "p:g/n vfs_read+9\n");
        assert_eq!(line(&KernelCode { ambiguous: true, ..code.clone() }, false, None), "p:g/n 0xff10\n");
        assert!(definition("g", "n", &KernelCode { symbol: "a\nb".to_owned(), ..code }, false, None).is_err());
    }

    #[test]
    fn profiles() {
        let profile = "  q1_0                 11497            4503\n  x\n";
        assert_eq!(misses(profile), HashMap::from([("q1_0", 4503)]));
    }
}
