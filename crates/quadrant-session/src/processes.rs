//! Following processes, so that their addresses can be named when they are gone.
//!
//! Processes that start, or map code, during the trace are reported by the kernel. Those that were there before are
//! looked at when they turn up in maps.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::map::Map;
use quadrant_bpf::sideband::Sideband;
use quadrant_bpf::wait::Epoll;
use quadrant_codegen::object::MapRole;
use quadrant_program::Program;
use quadrant_program::map::MapId;
use quadrant_program::ty::Type;

use crate::error::Error;
use crate::kernel;
use crate::kernel::Kernel;
use crate::plan::Planned;
use crate::sink::Sink;
use crate::user_symbols;

/// First and longest time between looks at the maps: processes that were there before the trace turn up at its start.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Keys read in one look; the next look goes on behind them.
const KEYS: usize = 4096;
/// Processes given to the sink in one look: a new one costs it some 0.2 ms.
const PROCESSES: usize = 256;

/// Processes as they come and go.
#[derive(Default)]
pub(crate) struct Processes {
    /// `None` when the program has no addresses of processes.
    followed: Option<Followed>,
    /// Reports that were lost while they mattered.
    lost: u64,
}

struct Followed {
    sideband: Sideband,
    /// Readable when something was reported.
    epoll: Epoll,
    /// The only process that matters.
    only: Option<u32>,
    /// The maps to look at, and those of them that are in the data section.
    maps: Vec<(MapRole, MapId)>,
    scalars: Vec<MapId>,
    /// Where the next look goes on: a place in `maps`, and the last key read there.
    position: (usize, Option<Vec<u8>>),
    last_look: Instant,
    pause: Duration,
}

impl Processes {
    /// Start to follow processes, if the program has addresses of any.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn open(program: &Program, units: &[Planned], kernel: &Kernel) -> Result<Processes, Error> {
        if !user_symbols::any(program) {
            return Ok(Processes::default());
        }
        let (sideband, epoll) = (Sideband::open()?, Epoll::new()?);
        sideband.fds().try_for_each(|fd| epoll.add(fd, 0))?;
        let ids = (0..program.maps.len() as u32).map(MapId);
        let ids: Vec<MapId> = ids.filter(|id| user_symbols::in_map(&program.maps[id.0 as usize])).collect();
        let maps = ids.iter().flat_map(|id| MapRole::of_script(*id).map(|role| (role, *id)));
        let maps: Vec<(MapRole, MapId)> = maps.filter(|(role, _)| kernel.map(*role).is_some()).collect();
        let is_scalar = |id: &MapId| !maps.iter().any(|(_, other)| other == id);
        let followed = Followed {
            sideband,
            epoll,
            only: user_symbols::only_process(program, units),
            scalars: ids.into_iter().filter(is_scalar).collect(),
            maps,
            position: (0, None),
            last_look: Instant::now(),
            pause: FIRST_PAUSE,
        };
        Ok(Processes { followed: Some(followed), lost: 0 })
    }

    /// Whether any are followed.
    pub(crate) fn are_followed(&self) -> bool {
        self.followed.is_some()
    }

    /// Give everything that was reported to the sink; how much that was.
    pub(crate) fn drain(&mut self, sink: &mut dyn Sink) -> usize {
        let Some(Followed { sideband, only, .. }) = &mut self.followed else { return 0 };
        let mut count = 0;
        sideband.drain(|event| {
            if only.is_none_or(|pid| pid == event.pid) {
                count += 1;
                sink.happened(event);
            }
        });
        count
    }

    /// A processor was switched on: what is reported there is read, too.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn listen(&mut self, cpu: u32) -> Result<(), Error> {
        let Some(Followed { sideband, epoll, .. }) = &mut self.followed else { return Ok(()) };
        Ok(sideband.listen(cpu)?.map_or(Ok(()), |fd| epoll.add(fd, 0))?)
    }

    /// All probes are detached: what happens from now on is of no interest.
    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) {
        self.drain(sink);
        if let Some(followed) = self.followed.take() {
            self.lost = followed.sideband.lost();
        }
    }

    /// Reports that were lost, once all is over.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether there is something to drain.
    pub(crate) fn are_waiting(&self) -> bool {
        self.followed.as_ref().is_some_and(|followed| followed.sideband.is_waiting())
    }

    /// Becomes readable when a program was executed.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.followed.as_ref().map(|followed| followed.epoll.as_fd())
    }

    /// From time to time: show the sink which processes there are addresses of, before those processes end.
    ///
    /// # Errors
    /// Those of reading maps.
    pub(crate) fn look(&mut self, program: &Program, kernel: &Kernel, sink: &mut dyn Sink) -> Result<(), Error> {
        let Some(followed) = &mut self.followed else { return Ok(()) };
        if followed.last_look.elapsed() < followed.pause {
            return Ok(());
        }
        let mut seen = followed.look(program, kernel)?;
        seen.extend(program.config.named_process);
        seen.into_iter().filter(|pid| *pid != 0).for_each(|pid| sink.seen(pid));
        followed.pause = (followed.pause * 2).min(LONGEST_PAUSE);
        followed.last_look = Instant::now();
        Ok(())
    }
}

impl Followed {
    fn look(&mut self, program: &Program, kernel: &Kernel) -> Result<BTreeSet<u32>, Error> {
        let (mut found, mut budget) = (BTreeSet::new(), KEYS);
        for id in &self.scalars {
            read_scalar(program, kernel, *id, &mut found)?;
        }
        for _ in 0..self.maps.len() {
            let (place, last) = &mut self.position;
            let Some((role, id)) = self.maps.get(*place) else { break };
            let Some(map) = kernel.map(*role) else { break };
            if !read_keys(map, types(program, *role, *id), last, &mut budget, &mut found)? {
                break;
            }
            self.position = ((*place + 1) % self.maps.len(), None);
        }
        Ok(found)
    }
}

/// The types of keys and values that may have addresses of processes. Short keys have none.
fn types(program: &Program, role: MapRole, id: MapId) -> (Option<&Type>, Option<&Type>) {
    let map = &program.maps[id.0 as usize];
    let key = map.key.as_ref().filter(|ty| !matches!(role, MapRole::Short(_)) && user_symbols::in_type(ty));
    (key, user_symbols::value_type(map).filter(|ty| user_symbols::in_type(ty)))
}

/// Goes through the keys that follow `last`; false when there are more than there is time for.
fn read_keys(
    map: &Map,
    (key_type, value_type): (Option<&Type>, Option<&Type>),
    last: &mut Option<Vec<u8>>,
    budget: &mut usize,
    found: &mut BTreeSet<u32>,
) -> Result<bool, Error> {
    let (mut key, mut value) = (vec![0; map.spec().key_size as usize], vec![0; map.value_len()]);
    while *budget > 0 && found.len() < PROCESSES {
        *budget -= 1;
        if !map.next_key(last.as_deref(), &mut key)? {
            return Ok(true);
        }
        if let Some(ty) = key_type {
            user_symbols::processes(ty, &key, found);
        }
        if let Some(ty) = value_type
            && map.lookup(&key, &mut value)?
        {
            user_symbols::processes(ty, &value, found);
        }
        last.get_or_insert_default().clone_from(&key);
    }
    Ok(false)
}

/// A map without keys that is a place in the data section.
fn read_scalar(program: &Program, kernel: &Kernel, id: MapId, found: &mut BTreeSet<u32>) -> Result<(), Error> {
    let snapshot = kernel::snapshot(kernel, program, id)?;
    if let (1.., Some(ty)) = (snapshot.len, user_symbols::value_type(&program.maps[id.0 as usize])) {
        user_symbols::processes(ty, snapshot.value(0), found);
    }
    Ok(())
}
