//! What is attached, as JSON. Described for its readers in docs/json.md: a member that is there stays there.

use quadrant_inspect::active::Active;
use quadrant_inspect::active::Attachment;
use quadrant_inspect::active::HitsOf;
use quadrant_inspect::active::KprobeState;
use quadrant_inspect::active::Program;
use quadrant_inspect::active::Statistics;
use quadrant_inspect::active::Target;

use crate::commands::holders;
use crate::commands::json::Json;

/// Raised when a member changes its meaning.
const VERSION: u64 = 1;

/// The whole answer.
pub fn json(found: &Active) -> Json {
    let (statistics, seconds) = match found.statistics {
        Statistics::Off => ("off", None),
        Statistics::On => ("on", None),
        Statistics::Measured(time) => ("measured", Some(time.as_secs_f64())),
    };
    Json::Object(vec![
        ("type", "active".into()),
        ("version", VERSION.into()),
        ("statistics", statistics.into()),
        ("seconds", seconds.into()),
        ("attachments", Json::list(&found.attachments, attachment)),
        ("notes", Json::list(&found.notes, |note| note.as_str().into())),
    ])
}

fn attachment(found: &Attachment) -> Json {
    let [owners, pins] = holders::json(&found.owners, &found.pins);
    Json::Object(vec![
        ("kind", found.kind.name().into()),
        ("via", found.via.name().into()),
        ("targets", Json::list(&found.targets, target)),
        ("target_count", found.target_count.into()),
        ("only_pid", found.only_pid.into()),
        ("link", found.link.into()),
        ("program", found.program.as_ref().map_or(Json::Null, program)),
        ("event", found.event.clone().into()),
        ("enabled", found.enabled.into()),
        ("instance", found.instance.clone().into()),
        ("orphan", found.orphan.into()),
        ("hits", found.hits.into()),
        ("hits_of", if found.hits_of == HitsOf::Program { "program" } else { "attachment" }.into()),
        ("misses", found.misses.into()),
        ("mean_ns", found.mean_ns.into()),
        owners,
        pins,
        ("kprobes", Json::list(&found.kprobes, kprobe)),
    ])
}

fn target(target: &Target) -> Json {
    Json::Object(vec![
        ("text", target.text.as_slice().into()),
        ("path", target.path.as_deref().into()),
        ("function", target.function.clone().into()),
        ("offset", target.offset.into()),
        ("address", target.address.map(address).into()),
        ("cookie", target.cookie.into()),
        ("semaphore", target.semaphore.into()),
    ])
}

/// Kernel addresses are no numbers to count with, and a double cannot hold them.
fn address(address: u64) -> String {
    format!("{address:#x}")
}

fn program(program: &Program) -> Json {
    Json::Object(vec![
        ("id", program.id.into()),
        ("name", program.name.as_slice().into()),
        ("kind", program.kind.as_str().into()),
        ("tag", format!("{:016x}", program.tag).into()),
        ("uid", program.uid.into()),
        ("load_time_ns", program.load_time_ns.into()),
        ("run_cnt", program.run_cnt.into()),
        ("run_time_ns", program.run_time_ns.into()),
        ("recursion_misses", program.recursion_misses.into()),
    ])
}

fn kprobe(state: &KprobeState) -> Json {
    let flags = Json::list(&state.flags, |flag| flag.as_str().into());
    Json::Object(vec![("address", address(state.address).into()), ("flags", flags)])
}
