//! A loaded object at work: attach, read what its programs send, detach.

use std::fs::File;
use std::io;
use std::io::Read;
use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::map::MapKind;
use quadrant_bpf::perfbuf::PerfBuffer;
use quadrant_bpf::process::Status;
use quadrant_bpf::ringbuf::RingBuffer;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_probes::attach::Attached;
use quadrant_probes::attach::close;
use quadrant_probes::attach::stop;

use super::Loaded;
use super::attach::Attacher;
use super::attach::Attachment;
use super::attach::Way;
use super::iterate;
use crate::error::Error;
use crate::records;
use crate::run::End;
use crate::run::Watch;
use crate::trace::Focus;

/// How long an object runs, besides until its processes end or a signal comes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// So long after everything is attached.
    pub duration: Option<Duration>,
    /// [`Receiver::interval`] is called so often.
    pub interval: Option<Duration>,
}

/// What was lost, as far as anyone counts it. (A ring buffer's programs are told when it is full; what they do about it is theirs.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Records for which a perf buffer had no room: the map's name, and how many.
    pub records: Vec<(String, u64)>,
    /// Records that arrived in pieces.
    pub damaged: u64,
    /// Runs that the kernel skipped: the program's name, and how many.
    pub missed: Vec<(String, u64)>,
}

/// Takes what an object's programs say. An error of kind `BrokenPipe` ends everything quietly.
pub trait Receiver {
    /// Everything is attached, at so many places.
    ///
    /// # Errors
    /// Those of writing.
    fn attached(&mut self, loaded: &Loaded, places: usize, notes: &[String]) -> io::Result<()>;

    /// A record of a ring or perf buffer, by the index of its map. A perf buffer's may end with padding.
    ///
    /// # Errors
    /// Those of writing.
    fn event(&mut self, loaded: &Loaded, map: usize, bytes: &[u8]) -> io::Result<()>;

    /// A line of `bpf_printk`, of any program on this system.
    ///
    /// # Errors
    /// Those of writing.
    fn printed(&mut self, line: &[u8]) -> io::Result<()>;

    /// What an iterator wrote in one pass; the program's name.
    ///
    /// # Errors
    /// Those of writing.
    fn iterated(&mut self, program: &str, text: &[u8], cut: bool) -> io::Result<()>;

    /// An interval is over, or (`last`) everything is.
    ///
    /// # Errors
    /// Those of writing.
    fn interval(&mut self, loaded: &Loaded, last: bool) -> io::Result<()>;

    /// No more for now: bring everything to the reader.
    ///
    /// # Errors
    /// Those of writing.
    fn flush(&mut self) -> io::Result<()>;

    /// What was lost.
    ///
    /// # Errors
    /// Those of writing.
    fn lost(&mut self, losses: &Losses) -> io::Result<()>;
}

/// Shortest and longest wait between looks at the buffers.
const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_millis(50);
/// Records taken from one buffer before the others are looked at.
const BATCH: usize = 4096;
/// Pages of each processor's perf buffer, and records after which the kernel wakes the reader; it looks by itself before.
const PERF_PAGES: usize = 256;
const PERF_WAKEUP: u32 = 1024;

impl Loaded {
    /// Attach, run until something ends it, and detach. The exit status: the command's, else 0.
    ///
    /// # Errors
    /// What could not be attached, read or written.
    pub fn run(&self, receiver: &mut dyn Receiver, focus: Focus, limits: Limits) -> Result<i32, Error> {
        let mut watch = Watch::new(focus, &[])?;
        let mut running =
            Running { loaded: self, readers: self.readers()?, printed: self.printed()?, attached: Vec::new() };
        let ended = running.until_end(receiver, &mut watch, limits);
        // From here on a signal ends the process: detaching can take some kernels long.
        let released = watch.signals.release();
        let (mut points, names) = running.detach();
        let ended = ended.and_then(|end| Ok(released.map(|()| end)?));
        let answered = ended.and_then(|end| running.answer(receiver, &names, &points).map(|()| end));
        close(std::mem::take(&mut points));
        match answered {
            Ok(End::Target(Some(status)) | End::Exit(status)) => Ok(status),
            Ok(_) => Ok(0),
            Err(error) if records::is_broken_pipe(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn readers(&self) -> Result<Vec<(usize, Reader)>, Error> {
        let mut readers = Vec::new();
        for (index, map) in self.maps.iter().enumerate() {
            match map.spec().kind {
                MapKind::RingBuffer => readers.push((index, Reader::Ring(RingBuffer::new(map)?))),
                MapKind::PerfEventArray => {
                    readers.push((index, Reader::Perf(PerfBuffer::new(map, PERF_PAGES, PERF_WAKEUP)?)));
                }
                _ => {}
            }
        }
        Ok(readers)
    }

    /// The kernel's pipe of printed lines, if any program prints.
    fn printed(&self) -> Result<Option<Lines>, Error> {
        let prints = self.programs.iter().any(|program| self.object.prints(&self.object.programs[program.index]));
        if !prints {
            return Ok(None);
        }
        Ok(Some(Lines { file: TraceFs::open()?.open_file("trace_pipe")?, rest: Vec::new() }))
    }
}

enum Reader {
    Ring(RingBuffer),
    Perf(PerfBuffer),
}

struct Running<'a> {
    loaded: &'a Loaded,
    readers: Vec<(usize, Reader)>,
    printed: Option<Lines>,
    attached: Vec<Attachment>,
}

impl Running<'_> {
    fn until_end(&mut self, receiver: &mut dyn Receiver, watch: &mut Watch, limits: Limits) -> Result<End, Error> {
        let mut notes = Vec::new();
        self.attach(&mut notes)?;
        let places = self.attached.iter().map(|one| one.places).sum();
        receiver.attached(self.loaded, places, &notes)?;
        receiver.flush()?;
        watch.release_children()?;
        self.iterate(receiver)?;
        if self.attached.iter().all(|one| matches!(one.way, Way::Iterator(_))) && limits.interval.is_none() {
            return Ok(End::Exit(0));
        }
        let started = Instant::now();
        let end = limits.duration.map(|duration| started + duration);
        let mut next = limits.interval.map(|interval| started + interval);
        let mut wait = SHORT;
        loop {
            let count = self.drain(receiver)?;
            if let Some(end) = watch.ended(&mut |_, _: Option<Status>| ())? {
                return Ok(end);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(End::Exit(0));
            }
            if let (Some(at), Some(interval)) = (next, limits.interval)
                && Instant::now() >= at
            {
                next = Some((at + interval).max(Instant::now()));
                self.iterate(receiver)?;
                receiver.interval(self.loaded, false)?;
            }
            receiver.flush()?;
            wait = if count > 0 { SHORT } else { (wait * 2).min(LONG) };
            let first = [end, next].into_iter().flatten().map(|at| at.saturating_duration_since(Instant::now())).min();
            watch.wait(first.map_or(wait, |first| wait.min(first)), None)?;
        }
    }

    fn attach(&mut self, notes: &mut Vec<String>) -> Result<(), Error> {
        let mut attacher = Attacher::new(self.loaded);
        for program in 0..self.loaded.programs.len() {
            match attacher.attach(program, notes) {
                Ok(attachments) => self.attached.extend(attachments),
                Err(error) if self.loaded.options.tolerant => {
                    let name = self.loaded.programs[program].program.name();
                    notes.push(format!("left out `{name}`: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        if self.attached.is_empty() {
            let message = "nothing is attached, so nothing would ever happen".to_owned();
            let help = self.loaded.notes.iter().chain(&*notes).cloned().collect();
            return Err(Error::Object { message, help });
        }
        Ok(())
    }

    fn iterate(&self, receiver: &mut dyn Receiver) -> Result<(), Error> {
        for one in &self.attached {
            if let Way::Iterator(link) = &one.way {
                let (text, cut) = iterate::pass(link)?;
                receiver.iterated(self.loaded.programs[one.program].program.name(), &text, cut)?;
            }
        }
        Ok(())
    }

    /// Hands on what is there; how much that was.
    fn drain(&mut self, receiver: &mut dyn Receiver) -> Result<usize, Error> {
        let Running { loaded, readers, printed, .. } = self;
        let (mut count, mut failure) = (0, None);
        for (map, reader) in readers {
            let mut handle = |bytes: &[u8]| {
                if failure.is_none() {
                    failure = receiver.event(loaded, *map, bytes).err();
                }
            };
            count += match reader {
                Reader::Ring(ring) => ring.consume(BATCH, &mut handle),
                Reader::Perf(buffer) => buffer.consume(BATCH, &mut handle),
            };
        }
        if let Some(error) = failure {
            return Err(error.into());
        }
        if let Some(lines) = printed {
            count += lines.drain(receiver)?;
        }
        Ok(count)
    }

    /// Takes everything down; what is left to close, and the names of the programs that were there.
    fn detach(&mut self) -> (Vec<Attached>, Vec<String>) {
        let (mut points, mut names) = (Vec::new(), Vec::new());
        for one in self.attached.drain(..) {
            if let Way::Points(attached) = one.way {
                points.push(attached);
                names.push(self.loaded.programs[one.program].program.name().to_owned());
            }
        }
        stop(points.iter_mut());
        (points, names)
    }

    /// The last records, the maps, and what was lost.
    fn answer(&mut self, receiver: &mut dyn Receiver, names: &[String], points: &[Attached]) -> Result<(), Error> {
        while self.drain(receiver)? > 0 {}
        receiver.interval(self.loaded, true)?;
        receiver.lost(&self.losses(names, points))?;
        Ok(receiver.flush()?)
    }

    fn losses(&self, names: &[String], points: &[Attached]) -> Losses {
        let mut losses = Losses::default();
        for (map, reader) in &self.readers {
            if let Reader::Perf(buffer) = reader {
                losses.records.push((self.loaded.object.maps[*map].name.clone(), buffer.lost()));
                losses.damaged += buffer.damaged();
            }
        }
        for one in &self.loaded.programs {
            let missed = one.program.info().map_or(0, |info| info.recursion_misses);
            losses.missed.push((one.program.name().to_owned(), missed));
        }
        for (name, attached) in names.iter().zip(points) {
            losses.missed.extend(attached.missed().iter().map(|(_, count)| (name.clone(), *count)));
        }
        losses.records.retain(|(_, count)| *count > 0);
        losses.missed.retain(|(_, count)| *count > 0);
        losses
    }
}

/// The kernel's pipe of printed lines.
struct Lines {
    file: File,
    rest: Vec<u8>,
}

/// Longest line that is waited for, in bytes.
const LONGEST_LINE: usize = 64 << 10;

impl Lines {
    fn drain(&mut self, receiver: &mut dyn Receiver) -> Result<usize, Error> {
        let mut buffer = [0; 16 << 10];
        let count = match self.file.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Err(error) => return Err(quadrant_bpf::Error::io("cannot read trace_pipe", &error).into()),
        };
        self.rest.extend_from_slice(&buffer[..count]);
        if let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.rest.split_off(end + 1);
            let lines = std::mem::replace(&mut self.rest, rest);
            lines[..end].split(|byte| *byte == b'\n').try_for_each(|line| receiver.printed(line))?;
        }
        if self.rest.len() > LONGEST_LINE {
            receiver.printed(&std::mem::take(&mut self.rest))?;
        }
        Ok(count)
    }
}
