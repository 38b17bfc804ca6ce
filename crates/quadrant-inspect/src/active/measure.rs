//! Counts of a given time: the system is looked at twice, and the kernel counts in between.

use std::time::Duration;

use quadrant_bpf::Result;
use quadrant_bpf::prog;

use super::assemble::mean;
use super::model::{Active, Attachment, Statistics};
use super::survey;

/// Makes the kernel count for so long, and gives what is attached at the end with the counts of that time.
///
/// # Errors
/// The kernel does not count: it takes root, and Linux 5.8.
pub fn measure(time: Duration) -> Result<Active> {
    let counting = prog::enable_stats()?;
    let before = survey();
    std::thread::sleep(time);
    let after = survey();
    drop(counting);
    Ok(difference(&before, after, time))
}

fn difference(before: &Active, mut after: Active, time: Duration) -> Active {
    for attachment in &mut after.attachments {
        if let Some(earlier) = before.attachments.iter().find(|earlier| same(earlier, attachment)) {
            subtract(attachment, earlier);
        }
    }
    after.statistics = Statistics::Measured(time);
    after
}

/// Links and programs have numbers that are not used again, and events have names. What has neither is of the same
/// kind and place.
fn same(a: &Attachment, b: &Attachment) -> bool {
    let program = |attachment: &Attachment| attachment.program.as_ref().map(|program| program.id);
    let identity = |attachment: &Attachment| (attachment.link, program(attachment), attachment.event.clone());
    identity(a) == identity(b) && a.kind == b.kind && a.via == b.via && a.targets == b.targets && a.owners == b.owners
}

fn subtract(attachment: &mut Attachment, earlier: &Attachment) {
    let less = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then.unwrap_or(0)));
    attachment.hits = less(attachment.hits, earlier.hits);
    attachment.misses = less(attachment.misses, earlier.misses);
    if let (Some(program), Some(earlier)) = (&mut attachment.program, &earlier.program) {
        program.run_cnt = program.run_cnt.saturating_sub(earlier.run_cnt);
        program.run_time_ns = program.run_time_ns.saturating_sub(earlier.run_time_ns);
        program.recursion_misses = less(program.recursion_misses, earlier.recursion_misses);
        attachment.mean_ns = mean(program);
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Kind, Target, Via};
    use super::*;

    fn event(name: &str, hits: u64) -> Attachment {
        let attachment = Attachment::new(Kind::Uprobe, Via::Tracefs).at(vec![Target::named("x")]);
        Attachment { event: Some(name.to_owned()), hits: Some(hits), misses: Some(0), ..attachment }
    }

    #[test]
    fn only_the_time_between_counts() {
        let before = Active { attachments: vec![event("a/b", 5), event("a/c", 1)], ..Active::default() };
        let after = Active { attachments: vec![event("a/b", 12), event("a/new", 3)], ..Active::default() };
        let measured = difference(&before, after, Duration::from_secs(2));
        let hits: Vec<_> = measured.attachments.iter().map(|attachment| attachment.hits).collect();
        assert_eq!(hits, [Some(7), Some(3)]);
        assert_eq!(measured.statistics, Statistics::Measured(Duration::from_secs(2)));
    }
}
