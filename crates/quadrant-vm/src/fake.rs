//! A world made of plain fields.

use std::collections::BTreeMap;

use crate::env::{Clock, Env, Space, StackKind};

/// An [`Env`] that answers from its fields and records what programs do to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FakeEnv {
    /// Processor.
    pub cpu: usize,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Thread name; at most 15 bytes count.
    pub comm: Vec<u8>,
    /// What clocks say; the coarse one is rounded down to 4 ms, jiffies are of 4 ms.
    pub now: u64,
    /// Added to `now` with each reading.
    pub tick: u64,
    /// State of the random number generator.
    pub seed: u64,
    /// Address of the task.
    pub task: u64,
    /// Control group id.
    pub cgroup: u64,
    /// Attach cookie.
    pub cookie: u64,
    /// Address of the probed function.
    pub func_ip: u64,
    /// Kernel stack or error.
    pub kernel_stack: Result<Vec<u64>, i64>,
    /// User stack or error.
    pub user_stack: Result<Vec<u64>, i64>,
    /// Kernel memory.
    pub kernel: FakeMemory,
    /// The first address of kernel memory, from the one that is watched on, that was read and is not there.
    pub missed: Option<u64>,
    /// From where on that is of interest.
    pub watched: u64,
    /// User memory that is there.
    pub user: FakeMemory,
    /// User memory that must be waited for, and then is there.
    pub absent: FakeMemory,
    /// Debug messages: format and arguments.
    pub printed: Vec<(Vec<u8>, Vec<u64>)>,
    /// Signals, and whether for the thread only.
    pub signals: Vec<(u32, bool)>,
    /// Results of kernel functions.
    pub kfuncs: BTreeMap<u32, u64>,
}

impl Default for FakeEnv {
    fn default() -> FakeEnv {
        FakeEnv {
            cpu: 0,
            pid: 1000,
            tid: 1001,
            uid: 0,
            gid: 0,
            comm: b"test".to_vec(),
            now: 1_000_000_000,
            tick: 1,
            seed: 1,
            task: 0xffff_0000_0000_1000,
            cgroup: 1,
            cookie: 0,
            func_ip: 0,
            kernel_stack: Ok(Vec::new()),
            user_stack: Ok(Vec::new()),
            kernel: FakeMemory::default(),
            missed: None,
            watched: u64::MAX,
            user: FakeMemory::default(),
            absent: FakeMemory::default(),
            printed: Vec::new(),
            signals: Vec::new(),
            kfuncs: BTreeMap::new(),
        }
    }
}

/// Pieces of memory at addresses; all else faults.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FakeMemory {
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl FakeMemory {
    /// Puts bytes at an address, over what was there at exactly that address.
    pub fn put(&mut self, addr: u64, bytes: impl Into<Vec<u8>>) {
        self.pieces.insert(addr, bytes.into());
    }

    /// Fills `buf` from `addr`; false if a byte is missing. A range may cross pieces that touch.
    pub fn read(&self, addr: u64, buf: &mut [u8]) -> bool {
        if addr.checked_add(buf.len() as u64).is_none() {
            return false;
        }
        buf.iter_mut().zip(addr..).all(|(byte, at)| match self.byte(at) {
            Some(found) => {
                *byte = found;
                true
            }
            None => false,
        })
    }

    /// Takes out the piece with the byte at an address.
    fn take(&mut self, addr: u64) -> Option<(u64, Vec<u8>)> {
        self.byte(addr)?;
        let start = *self.pieces.range(..=addr).next_back()?.0;
        self.pieces.remove_entry(&start)
    }

    /// Replaces bytes; false, and nothing happens, if one is missing.
    pub fn write(&mut self, addr: u64, bytes: &[u8]) -> bool {
        if !(addr..).take(bytes.len()).all(|at| self.byte(at).is_some()) {
            return false;
        }
        for (byte, at) in bytes.iter().zip(addr..) {
            if let Some((start, piece)) = self.pieces.range_mut(..=at).next_back() {
                piece[(at - start) as usize] = *byte;
            }
        }
        true
    }

    fn byte(&self, addr: u64) -> Option<u8> {
        let (start, bytes) = self.pieces.range(..=addr).next_back()?;
        bytes.get(usize::try_from(addr - start).ok()?).copied()
    }
}

/// Length of a timer tick.
const JIFFY: u64 = 4_000_000;

impl Env for FakeEnv {
    fn cpu(&mut self) -> usize {
        self.cpu
    }

    fn pid_tgid(&mut self) -> u64 {
        u64::from(self.pid) << 32 | u64::from(self.tid)
    }

    fn uid_gid(&mut self) -> u64 {
        u64::from(self.gid) << 32 | u64::from(self.uid)
    }

    fn comm(&mut self) -> [u8; 16] {
        let mut comm = [0; 16];
        let len = self.comm.len().min(15);
        comm[..len].copy_from_slice(&self.comm[..len]);
        comm
    }

    fn clock(&mut self, clock: Clock) -> u64 {
        let now = self.now;
        self.now = now.wrapping_add(self.tick);
        match clock {
            Clock::Monotonic | Clock::Boot | Clock::Tai => now,
            Clock::Coarse => now - now % JIFFY,
            Clock::Jiffies => now / JIFFY,
        }
    }

    fn random(&mut self) -> u32 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 32) as u32
    }

    fn task(&mut self) -> u64 {
        self.task
    }

    fn cgroup_id(&mut self) -> u64 {
        self.cgroup
    }

    fn cookie(&mut self) -> u64 {
        self.cookie
    }

    fn func_ip(&mut self) -> u64 {
        self.func_ip
    }

    fn stack(&mut self, which: StackKind) -> Result<Vec<u64>, i64> {
        match which {
            StackKind::Kernel => self.kernel_stack.clone(),
            StackKind::User => self.user_stack.clone(),
        }
    }

    fn probe(&mut self, space: Space, addr: u64, buf: &mut [u8]) -> bool {
        match space {
            Space::Kernel => {
                let is_there = self.kernel.read(addr, buf);
                if !is_there && addr >= self.watched {
                    self.missed.get_or_insert(addr);
                }
                is_there
            }
            Space::User => self.user.read(addr, buf),
            Space::UserFaulting => buf.iter_mut().zip(addr..).all(|(byte, at)| {
                if let Some((start, piece)) = self.absent.take(at) {
                    self.user.put(start, piece);
                }
                self.user.read(at, std::slice::from_mut(byte))
            }),
        }
    }

    fn write_user(&mut self, addr: u64, bytes: &[u8]) -> bool {
        self.user.write(addr, bytes)
    }

    fn trace_printk(&mut self, format: &[u8], args: &[u64]) {
        self.printed.push((format.to_vec(), args.to_vec()));
    }

    fn send_signal(&mut self, signal: u32, to_thread: bool) -> i64 {
        self.signals.push((signal, to_thread));
        0
    }

    fn kfunc(&mut self, btf_id: u32, _args: [u64; 5]) -> Option<u64> {
        self.kfuncs.get(&btf_id).copied()
    }
}
