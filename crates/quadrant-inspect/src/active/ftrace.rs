//! What the kernel's own tracers record into their buffers: events that are switched on, and tracers of functions.

use quadrant_bpf::tracefs::TraceFs;

use super::Notes;

/// A trace buffer that something goes into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buffer {
    /// The name of the instance; `None` is the first buffer.
    pub instance: Option<String>,
    /// Events that are on, `category:name`.
    pub events: Vec<String>,
    /// The tracer, if there is one.
    pub tracer: Option<String>,
}

/// Looks at all buffers; those that nothing goes into are left out.
pub fn read(notes: &mut Notes) -> Vec<Buffer> {
    let Some(tracefs) = notes.or_default(TraceFs::open().map(Some)) else { return Vec::new() };
    let instances = tracefs.list("instances").unwrap_or_default();
    let buffers = std::iter::once(None).chain(instances.into_iter().map(Some));
    let buffers = buffers.map(|instance| buffer(&tracefs, instance, notes));
    buffers.filter(|buffer| !buffer.events.is_empty() || buffer.tracer.is_some()).collect()
}

fn buffer(tracefs: &TraceFs, instance: Option<String>, notes: &mut Notes) -> Buffer {
    let folder = instance.as_ref().map_or(String::new(), |name| format!("instances/{name}/"));
    let mut read =
        |file| String::from_utf8_lossy(&notes.or_default(tracefs.read(&format!("{folder}{file}")))).into_owned();
    let events = read("set_event").lines().map(event).filter(|event| !event.is_empty()).collect();
    let tracer = Some(read("current_tracer").trim().to_owned()).filter(|tracer| !tracer.is_empty() && tracer != "nop");
    Buffer { instance, events, tracer }
}

/// A line may tell a module behind the event.
fn event(line: &str) -> String {
    line.split_whitespace().next().unwrap_or_default().to_owned()
}
