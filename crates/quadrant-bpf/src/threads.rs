//! Things that wait for the kernel, done at once.
//!
//! To take a probe away, or to put a map into another one, the kernel waits until no processor is in it any more, tens of milliseconds
//! each time. Those that wait at the same time wait for the same moment. Threads only make this faster: where there may be no more of them
//! (`ulimit -u`, a control group's `pids.max`, `ulimit -v`), the caller does all.

use std::iter;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::thread::Builder;

/// Threads that wait: for the kernel, not for a processor.
const WORKERS: usize = 16;

/// Does the work on all items; the results come in no order. The caller takes a share: a single item needs no thread.
pub fn side_by_side<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let workers = WORKERS.min(items.len());
    let left = Mutex::new(items);
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    in_threads(workers, || iter::from_fn(next).map(&work).collect())
}

/// Has so many threads, the caller among them, do the work, or as many as there may be: it takes its share from what all have before
/// them. The results come in no order. A panic of one is the caller's, too: no result is missing without a word.
pub fn in_threads<T: Send>(threads: usize, work: impl Fn() -> Vec<T> + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let start = |_| Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (1..threads).map_while(start).collect();
        let mut results = work();
        results.extend(others.into_iter().flat_map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))));
        results
    })
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

    #[test]
    #[should_panic(expected = "in a thread of its own")]
    fn a_panic_in_a_thread_is_the_callers() {
        let caller = thread::current().id();
        in_threads(2, || match thread::current().id() == caller {
            true => vec![()],
            false => panic!("in a thread of its own"),
        });
    }
}
