//! Collects what a program prints while it runs.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// What has come out of one pipe so far.
#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    collected: Mutex<Collected>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Collected)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// A pipe that a thread reads to its end.
pub(crate) struct Stream {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    /// Reads the pipe, if there is one.
    pub(crate) fn collect(pipe: Option<impl Read + Send + 'static>) -> Self {
        let shared = Arc::new(Shared::default());
        let reader = pipe.map(|pipe| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || read_all(pipe, &shared))
        });
        if reader.is_none() {
            shared.update(|collected| collected.ended = true);
        }
        Self { shared, reader }
    }

    /// Waits until the text has come, the pipe has ended, or it is too late; whether the text has come.
    pub(crate) fn wait_for(&self, text: &str, until: Instant) -> bool {
        let mut collected = self.shared.lock();
        loop {
            if contains(&collected.bytes, text.as_bytes()) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if collected.ended || left.is_zero() {
                return false;
            }
            collected = match self.shared.changed.wait_timeout(collected, left) {
                Ok((collected, _)) => collected,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// What has come so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().bytes).into_owned()
    }

    /// Waits for the pipe's end and gives all that came.
    pub(crate) fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            // A panic of the reader leaves what it had read, which is what is given.
            let _ = reader.join();
        }
        self.text()
    }
}

fn read_all(mut pipe: impl Read, shared: &Shared) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => shared.update(|collected| collected.bytes.extend_from_slice(&buffer[..n])),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    shared.update(|collected| collected.ended = true);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}
