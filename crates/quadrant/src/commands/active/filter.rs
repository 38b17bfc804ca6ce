//! Which attachments are asked for.

use quadrant_inspect::active::Active;
use quadrant_inspect::active::Attachment;
use quadrant_inspect::active::Owner;
use quadrant_probes::Glob;

use super::Options;

/// Keeps what fits all filters.
pub fn keep(found: &mut Active, options: &Options) {
    let glob = options.target.as_deref().map(Glob::new);
    found.attachments.retain(|attachment| {
        let of_kind = options.kind.is_empty() || options.kind.contains(&attachment.kind);
        let of_owner = options.owner.as_deref().is_none_or(|owner| attachment.owners.iter().any(|o| is(o, owner)));
        of_kind && of_owner && glob.as_ref().is_none_or(|glob| at(attachment, glob))
    });
}

/// A number is a process's; a process can still have a number for its name.
fn is(owner: &Owner, wanted: &str) -> bool {
    owner.comm == wanted.as_bytes() || wanted.parse().is_ok_and(|pid: u32| pid == owner.pid)
}

/// The whole name of the event, or of one place: as it is shown, its function, or its file.
fn at(attachment: &Attachment, glob: &Glob) -> bool {
    let matches = |text: &[u8]| glob.matches(&String::from_utf8_lossy(text));
    let event = attachment.event.as_ref().is_some_and(|event| matches(event.as_bytes()));
    event
        || attachment.targets.iter().any(|target| {
            let function = target.function.as_ref().is_some_and(|function| matches(function.as_bytes()));
            let path = target.path.as_ref().is_some_and(|path| matches(path));
            function || path || matches(&target.text)
        })
}
