//! Things that wait for the kernel, done at once.
//!
//! To take a probe away, or to put a map into another one, the kernel waits until no processor is in it any more, tens of milliseconds
//! each time. Those that wait at the same time wait for the same moment.

use std::thread;

/// Threads that wait: for the kernel, not for a processor.
const WORKERS: usize = 16;

/// Does the work on all items; the results come in no order. The caller takes a share: a single item needs no thread.
pub fn side_by_side<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let do_all = |share: Vec<T>| share.into_iter().map(&work).collect::<Vec<R>>();
    let mut shares = shares(items);
    let own = shares.pop().unwrap_or_default();
    thread::scope(|scope| {
        let workers: Vec<_> = shares.into_iter().map(|share| scope.spawn(|| do_all(share))).collect();
        let mut results = do_all(own);
        results.extend(workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()));
        results
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
