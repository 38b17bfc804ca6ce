//! Counts of events: tracefs's `kprobe_profile` (name, hits, misses) and `uprobe_profile` (file, name, hits).
//!
//! The files name events without their groups. They list them in the order of the definitions, so equal names are
//! told apart by that.

use super::Event;
use super::definition::Place;

/// Adds the counts of kernel probes.
pub fn kernel(profile: &[u8], events: &mut [Event]) {
    for (name, numbers) in rows::<2>(profile) {
        let [hits, misses] = numbers;
        if let Some(event) = next(events, name, |place| !matches!(place, Place::File { .. } | Place::Other(_))) {
            (event.hits, event.misses) = (Some(hits), Some(misses));
        }
    }
}

/// Adds the counts of user probes.
pub fn user(profile: &[u8], events: &mut [Event]) {
    for (name, [hits]) in rows::<1>(profile) {
        if let Some(event) = next(events, name, |place| matches!(place, Place::File { .. })) {
            event.hits = Some(hits);
        }
    }
}

/// The first event of that name that has no counts yet.
fn next<'a>(events: &'a mut [Event], name: &[u8], of_kind: impl Fn(&Place) -> bool) -> Option<&'a mut Event> {
    let wanted = |event: &&mut Event| event.definition.name.as_bytes() == name && event.hits.is_none();
    events.iter_mut().filter(|event| of_kind(&event.definition.place)).find(wanted)
}

/// The last words of each line: a name and that many numbers. A path before them may hold anything.
fn rows<const N: usize>(profile: &[u8]) -> impl Iterator<Item = (&[u8], [u64; N])> {
    profile.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.rsplit(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let mut numbers = [0; N];
        for number in numbers.iter_mut().rev() {
            *number = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
        }
        Some((words.next()?, numbers))
    })
}

#[cfg(test)]
mod tests {
    use super::super::definition::Definition;
    use super::*;

    fn events(lines: &[&str]) -> Vec<Event> {
        lines.iter().map(|line| Event::of(Definition::parse(line.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn counts_of_kernel_probes() {
        let mut events = events(&["p:a/x vfs_read+0", "p:u/x /b:0x0000000000000010", "r:b/x vfs_read+0"]);
        kernel(b"  x                        11497            4503\n  x   1  2\n", &mut events);
        let counts: Vec<_> = events.iter().map(|event| (event.hits, event.misses)).collect();
        assert_eq!(counts, [(Some(11497), Some(4503)), (None, None), (Some(1), Some(2))]);
    }

    #[test]
    fn counts_of_user_probes() {
        let mut events = events(&["p:u/x /a b:0x0000000000000010", "p:k/x vfs_read+0"]);
        user(b"  /a b x                                              7\nnonsense\n\n  x\n", &mut events);
        assert_eq!((events[0].hits, events[1].hits), (Some(7), None));
    }
}
