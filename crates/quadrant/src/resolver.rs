//! Names for what records and maps hold as numbers.

use std::collections::HashMap;
use std::path::Path;

use quadrant_bpf::cgroup;
use quadrant_bpf::cgroup::UNIFIED;
use quadrant_bpf::sideband::Event;
use quadrant_bpf::sideband::Mapped;
use quadrant_bpf::sideband::What;
use quadrant_output::Frame;
use quadrant_output::Resolver;
use quadrant_output::Symbol;
use quadrant_probes::Glob;
use quadrant_program::layout::STACK_LOST;
use quadrant_program::ty::StackType;
use quadrant_session::View;
use quadrant_symbols::Symbolizer;

use crate::groups::Groups;
use crate::recording::Others;
use crate::recording::Symbols;

/// What is kept from one event to the next.
pub struct Names {
    symbols: Symbolizer,
    /// In place of those of this machine.
    recorded: Option<(Symbols, Others)>,
    /// Nobody wants names: addresses stay what they are.
    unresolved: bool,
    /// The last symbol asked for, whose text is lent out.
    last: Option<quadrant_symbols::Frame>,
    users: Option<HashMap<u32, String>>,
    /// By number and pattern.
    cgroups: HashMap<(u64, Option<String>), Option<String>>,
    groups: Groups,
    wall_offset_ns: i64,
}

impl Names {
    /// Nothing is read yet.
    pub fn new(inlines: bool) -> Names {
        let options = quadrant_symbols::Options { inlines, ..Default::default() };
        Names {
            symbols: Symbolizer::new(options),
            recorded: None,
            unresolved: false,
            last: None,
            users: None,
            cgroups: HashMap::new(),
            groups: Groups::default(),
            wall_offset_ns: quadrant_session::wall_offset_ns(),
        }
    }

    /// Names as a recording has them, and its clock.
    pub fn recorded(symbols: Symbols, others: Others, wall_offset_ns: i64) -> Names {
        Names { recorded: Some((symbols, others)), wall_offset_ns, ..Names::new(false) }
    }

    /// The name of a user.
    pub fn username(&mut self, uid: u32) -> Option<&str> {
        if let Some((_, others)) = &self.recorded {
            return others.user(uid);
        }
        self.users.get_or_insert_with(users).get(&uid).map(String::as_str)
    }

    /// The path of a control group, in the hierarchies whose names match a pattern if there is one.
    pub fn cgroup_path(&mut self, id: u64, pattern: Option<&str>) -> Option<&str> {
        if let Some((_, others)) = &self.recorded {
            return others.cgroup(id, pattern);
        }
        let wanted = |name: &str| pattern.is_none_or(|pattern| Glob::new(pattern).matches(name));
        let groups = &mut self.groups;
        let gone = || Some(format!("{UNIFIED}:{}", groups.path(id).filter(|_| wanted(UNIFIED))?));
        let path = || cgroup::path(id, &wanted).map(|path| String::from_utf8_lossy(&path).into_owned()).or_else(gone);
        self.cgroups.entry((id, pattern.map(str::to_owned))).or_insert_with(path).as_deref()
    }

    /// The container that a control group belongs to.
    pub fn container(&mut self, id: u64) -> Option<&str> {
        match &self.recorded {
            Some((_, others)) => others.container(id),
            None => self.groups.container(id),
        }
    }

    /// What an address of the kernel, or of a process, is: the inlined functions and then the one that they are in.
    pub fn frames(&mut self, pid: Option<u32>, address: u64) -> Vec<quadrant_symbols::Frame> {
        self.stack(pid, &[address]).into_iter().flatten().collect()
    }

    fn stack(&mut self, pid: Option<u32>, addresses: &[u64]) -> Vec<Vec<quadrant_symbols::Frame>> {
        if let Some((recorded, _)) = &self.recorded {
            let frames = |address: &u64| {
                recorded.get(&(pid, *address)).cloned().unwrap_or_else(|| vec![quadrant_symbols::Frame::bare(*address)])
            };
            return addresses.iter().map(frames).collect();
        }
        match pid {
            Some(pid) => self.symbols.process_stack(pid, addresses),
            None => self.symbols.kernel_stack(addresses),
        }
    }

    fn one(&mut self, pid: Option<u32>, address: u64) -> &quadrant_symbols::Frame {
        let frame = match (&self.recorded, pid) {
            (Some(_), _) => self.frames(pid, address).pop().unwrap_or_else(|| quadrant_symbols::Frame::bare(address)),
            (None, Some(pid)) => self.symbols.usym(pid, address),
            (None, None) => self.symbols.ksym(address),
        };
        self.last.insert(frame)
    }

    /// Give addresses without names, if that is wanted.
    pub fn unresolved(self, unresolved: bool) -> Names {
        Names { unresolved, ..self }
    }

    /// From time to time: look at the wall clock again, which may have been set, or slewed, and at what may be gone when it is to be named.
    pub fn keep_up(&mut self, view: View) {
        self.wall_offset_ns = quadrant_session::wall_offset_ns();
        self.groups.keep_up(view.program());
    }

    /// Keep in mind what the kernel reports of a process.
    pub fn happened(&mut self, event: &Event) {
        match &event.what {
            What::Forked { parent } => self.symbols.forked(event.pid, *parent, event.time),
            What::Executed => self.symbols.executed(event.pid, event.time),
            What::Mapped(memory) => self.symbols.mapped(&mapped(event, memory)),
        }
    }

    /// Keep a file open in which there will be addresses, of processes whose own way to it may be gone then.
    pub fn keep(&mut self, file: &Path) {
        self.symbols.keep(file);
    }

    /// Keep what is needed to name this process's addresses after its end.
    pub fn remember(&mut self, pid: u32) {
        self.symbols.remember(pid);
    }

    /// What went wrong with symbols so far, each once.
    pub fn warnings(&mut self) -> Vec<String> {
        self.symbols
            .warnings()
            .into_iter()
            .map(|warning| format!("{} ({} times)", warning.message, warning.count))
            .collect()
    }

    /// Why there are addresses in place of the kernel's functions, if there are.
    pub fn nameless_kernel(&self) -> Option<String> {
        Some(format!("kernel functions have no names: {}", self.symbols.kernel_trouble()?))
    }

    /// For one event.
    pub fn resolver<'a>(&'a mut self, view: View<'a>) -> impl Resolver + 'a {
        Bound { names: self, view }
    }
}

struct Bound<'a> {
    names: &'a mut Names,
    view: View<'a>,
}

impl Resolver for Bound<'_> {
    fn stack(&mut self, kind: StackType, id: u32, pid: u32, visit: &mut dyn FnMut(Frame<'_>)) -> bool {
        let addresses = self.view.stack(kind, id);
        if self.names.unresolved {
            addresses.iter().for_each(|address| visit(bare(*address)));
            return id != STACK_LOST;
        }
        let frames = self.names.stack(kind.user.then_some(pid), &addresses);
        frames.iter().flatten().for_each(|frame| visit(lend(frame)));
        id != STACK_LOST
    }

    fn kernel_symbol(&mut self, address: u64) -> Option<Symbol<'_>> {
        symbol(self.names.one(None, address))
    }

    fn user_symbol(&mut self, address: u64, pid: u32) -> Option<Symbol<'_>> {
        symbol(self.names.one(Some(pid), address))
    }

    fn kernel_frame(&mut self, address: u64) -> Frame<'_> {
        if self.names.unresolved {
            return bare(address);
        }
        lend(self.names.one(None, address))
    }

    fn user_frame(&mut self, address: u64, pid: u32) -> Frame<'_> {
        if self.names.unresolved {
            return bare(address);
        }
        lend(self.names.one(Some(pid), address))
    }

    fn process_gone(&mut self, pid: u32) -> bool {
        !Path::new(&format!("/proc/{pid}")).exists()
    }

    fn username(&mut self, uid: u32) -> Option<&str> {
        self.names.username(uid)
    }

    fn syscall(&mut self, number: u64) -> Option<&str> {
        quadrant_program::syscalls::name(number)
    }

    fn cgroup_path(&mut self, id: u64, pattern: Option<&str>) -> Option<&str> {
        self.names.cgroup_path(id, pattern)
    }

    fn container(&mut self, id: u64) -> Option<&str> {
        self.names.container(id)
    }

    fn wall_clock(&mut self, boot_ns: u64) -> i64 {
        (boot_ns as i64).wrapping_add(self.names.wall_offset_ns)
    }

    fn boot_clock(&mut self) -> u64 {
        self.view.now_ns()
    }
}

fn mapped<'a>(event: &Event, memory: &'a Mapped) -> quadrant_symbols::Mapped<'a> {
    quadrant_symbols::Mapped {
        pid: event.pid,
        time: event.time,
        start: memory.start,
        len: memory.len,
        offset: memory.offset,
        device: memory.device,
        inode: memory.inode,
        path: &memory.path,
    }
}

fn lend(frame: &quadrant_symbols::Frame) -> Frame<'_> {
    Frame {
        address: frame.addr,
        symbol: frame.symbol.as_ref().map(|symbol| symbol.name.as_bytes()),
        offset: frame.symbol.as_ref().map_or(0, |symbol| symbol.offset),
        module: frame.module.as_deref().map(str::as_bytes),
        source: frame.source.as_ref().map(|source| (source.file.as_bytes(), source.line, 0)),
        inlined: frame.inlined,
        build_id: frame.build_id.as_deref().zip(frame.file_offset),
    }
}

fn bare(address: u64) -> Frame<'static> {
    Frame { address, ..Frame::default() }
}

fn symbol(frame: &quadrant_symbols::Frame) -> Option<Symbol<'_>> {
    frame.symbol.as_ref().map(|symbol| Symbol { name: symbol.name.as_bytes(), offset: symbol.offset })
}

/// Names of users from /etc/passwd: the C library's look-up does not work in a static binary.
fn users() -> HashMap<u32, String> {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((fields.nth(1)?.parse().ok()?, name.to_owned()))
    };
    text.lines().filter_map(user).collect()
}
