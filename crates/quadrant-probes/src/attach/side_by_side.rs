//! Things that wait for the kernel, done at once.
//!
//! To take a probe away, the kernel waits until no processor is in it any more, tens of milliseconds each time. Those that wait at
//! the same time wait for the same moment.

use std::thread;

/// Threads that wait: for the kernel, not for a processor.
const WORKERS: usize = 16;
/// So few are done one after the other.
const FEW: usize = 3;

/// Does the work on all items; the results come in no order.
pub(super) fn side_by_side<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if items.len() <= FEW {
        return items.into_iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let start = |share: Vec<T>| scope.spawn(move || share.into_iter().map(work).collect::<Vec<R>>());
        let workers: Vec<_> = shares(items).into_iter().map(start).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    })
}

fn shares<T>(items: Vec<T>) -> Vec<Vec<T>> {
    let mut shares: Vec<Vec<T>> = Vec::new();
    shares.resize_with(WORKERS.min(items.len()), Vec::new);
    let turns = (0..shares.len()).cycle();
    for (item, turn) in items.into_iter().zip(turns) {
        shares[turn].push(item);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once() {
        for count in [0, 1, 3, 4, 15, 16, 17, 1000] {
            let mut done = side_by_side((0..count).collect(), |item: u32| item + 1);
            done.sort_unstable();
            assert_eq!(done, (1..=count).collect::<Vec<_>>());
        }
    }
}
