//! Putting the lists together, so that everything is there once.

use std::collections::{BTreeMap, BTreeSet};

use quadrant_bpf::maker::Maker;
use quadrant_bpf::object::{LinkObject, LinkTarget, PerfTarget, ProgramObject, TaskAttachment, program_kind_name};

use super::kprobes::Kprobe;
use super::model::{Active, Attachment, HitsOf, Kind, KprobeState, Owner, Program, Statistics, Target, Via};
use super::names::Names;
use super::perf::{self, Descriptor};
use super::processes::{self, Handle};
use super::{Lists, Notes, events, ftrace, targets};

/// One list of everything.
pub fn assemble(lists: Lists, notes: Notes) -> Active {
    let statistics = statistics(&lists);
    let mut names = Names::new();
    let programs: BTreeMap<u32, &ProgramObject> = lists.programs.iter().map(|program| (program.id, program)).collect();
    let descriptors = lists.descriptors.clone();
    let mut all = Assembly { lists: &lists, programs, names: &mut names, descriptors, attachments: Vec::new() };
    all.links();
    all.descriptors();
    all.events();
    all.buffers();
    all.kprobes();
    all.unattached();
    let mut attachments = all.attachments;
    count(&mut attachments, statistics);
    attachments.sort_by(|a, b| order(a).cmp(&order(b)));
    Active { attachments, statistics, notes: notes.notes }
}

fn order(attachment: &Attachment) -> (Kind, Option<&[u8]>, Option<u32>, Option<u32>) {
    let target = attachment.targets.first().map(|target| target.text.as_slice());
    (attachment.kind, target, attachment.link, attachment.program.as_ref().map(|program| program.id))
}

/// The kernel counts if a switch says so, or a process holds a descriptor that asks for it.
fn statistics(lists: &Lists) -> Statistics {
    let switch = std::fs::read_to_string("/proc/sys/kernel/bpf_stats_enabled").unwrap_or_default();
    let asked = lists.processes.iter().any(|process| process.handles.contains(&Handle::Statistics));
    if switch.trim() == "1" || asked { Statistics::On } else { Statistics::Off }
}

struct Assembly<'a> {
    lists: &'a Lists,
    programs: BTreeMap<u32, &'a ProgramObject>,
    names: &'a mut Names,
    /// Those that no attachment has claimed yet.
    descriptors: Vec<Descriptor>,
    attachments: Vec<Attachment>,
}

impl Assembly<'_> {
    fn links(&mut self) {
        let lists = self.lists;
        for link in &lists.links {
            let program = self.programs.get(&link.prog_id).copied();
            let attachment = targets::of_link(link, program, self.names);
            let mut attachment = Attachment {
                owners: self.owners(Handle::Link(link.id)),
                pins: self.pins(Handle::Link(link.id)),
                program: program.map(described),
                ..attachment
            };
            if let LinkTarget::PerfEvent(target) = &link.target {
                self.claim(link, target, &mut attachment);
            }
            self.attachments.push(attachment);
        }
    }

    /// The descriptor of a link's perf event shows nothing new, except on kernels whose links do not say what they are
    /// attached to.
    fn claim(&mut self, link: &LinkObject, target: &PerfTarget, attachment: &mut Attachment) {
        let Some(index) = self.descriptor_of(link, target, &attachment.owners) else { return };
        let descriptor = self.descriptors.swap_remove(index);
        if let (PerfTarget::Unknown, TaskAttachment::Probe(probe)) = (target, &descriptor.what) {
            let (kind, place) = perf::of_probe(probe, self.names);
            (attachment.kind, attachment.targets) = (kind, vec![place]);
        }
    }

    /// An owner's descriptor comes first, but who holds the link need not hold the event.
    fn descriptor_of(&self, link: &LinkObject, target: &PerfTarget, owners: &[Owner]) -> Option<usize> {
        let is_event = matches!(target, PerfTarget::Event { .. });
        let of_kind = self.programs.get(&link.prog_id).and_then(|program| program_kind_name(program.kind));
        let fits = |descriptor: &Descriptor| match &descriptor.what {
            TaskAttachment::Probe(probe) => probe.prog_id == link.prog_id && perf::same(probe, target),
            TaskAttachment::Event => is_event || *target == PerfTarget::Unknown && of_kind == Some("perf_event"),
            TaskAttachment::Bare => false,
        };
        let owned = |descriptor: &Descriptor| owners.contains(&descriptor.owner);
        let mut places = self.descriptors.iter();
        let first = places.position(|descriptor| fits(descriptor) && owned(descriptor));
        // An event that the kernel does not describe could be anyone's, so only an owner's is taken.
        first.or_else(|| {
            let probe = |descriptor: &Descriptor| matches!(descriptor.what, TaskAttachment::Probe(_));
            self.descriptors.iter().position(|descriptor| probe(descriptor) && fits(descriptor))
        })
    }

    /// Perf events that hold their program themselves, or have none.
    fn descriptors(&mut self) {
        let mut bare: BTreeMap<u32, (Owner, u64)> = BTreeMap::new();
        for descriptor in std::mem::take(&mut self.descriptors) {
            let attachment = match &descriptor.what {
                TaskAttachment::Bare => {
                    bare.entry(descriptor.owner.pid).or_insert((descriptor.owner, 0)).1 += 1;
                    continue;
                }
                TaskAttachment::Event => self.event_of(&descriptor.owner),
                TaskAttachment::Probe(probe) => {
                    let (kind, place) = perf::of_probe(probe, self.names);
                    let program = self.programs.get(&probe.prog_id).map(|program| described(program));
                    Attachment { program, ..Attachment::new(kind, Via::PerfEvent).at(vec![place]) }
                }
            };
            self.attachments.push(Attachment { owners: vec![descriptor.owner], ..attachment });
        }
        for (owner, count) in bare.into_values() {
            let attachment = Attachment::new(Kind::PerfEvent, Via::PerfEvent);
            let targets = vec![Target::named("without a program")];
            self.attachments.push(Attachment { owners: vec![owner], target_count: count, targets, ..attachment });
        }
    }

    /// Which program the event runs is not said; if its owner holds one that fits, it is that.
    fn event_of(&self, owner: &Owner) -> Attachment {
        let process = self.lists.processes.iter().find(|process| process.owner == *owner);
        let handles = process.map(|process| process.handles.as_slice()).unwrap_or_default();
        let programs = handles.iter().filter_map(|handle| match handle {
            Handle::Program(id) => self.programs.get(id),
            _ => None,
        });
        let fitting: Vec<_> = programs.filter(|p| program_kind_name(p.kind) == Some("perf_event")).collect();
        let program = if let [one] = fitting.as_slice() { Some(described(one)) } else { None };
        Attachment { program, ..Attachment::new(Kind::PerfEvent, Via::PerfEvent).at(vec![Target::named("?")]) }
    }

    /// Who made an event is known only of this tool's own.
    fn events(&mut self) {
        for event in &self.lists.events {
            let maker = Maker::of(&event.definition.group);
            let owners = maker.filter(Maker::lives).map(|maker| processes::owner(maker.pid)).into_iter().collect();
            let orphan = maker.is_some_and(|maker| !maker.lives());
            self.attachments.push(Attachment { owners, orphan, ..of_event(event, self.names) });
        }
    }

    /// Static events that are on, all of a buffer as one, and tracers. The dynamic ones are there already.
    fn buffers(&mut self) {
        let lists = self.lists;
        let known = |name: &str| {
            let of = |event: &events::Event| format!("{}:{}", event.definition.group, event.definition.name);
            lists.events.iter().any(|event| of(event) == name)
        };
        for buffer in &lists.buffers {
            let events = buffer.events.iter().filter(|name| !known(name));
            let events: Vec<Target> = events.map(|name| Target::named(name.as_str())).collect();
            if !events.is_empty() {
                self.push_traced(Kind::Tracepoint, events, buffer);
            }
            if let Some(tracer) = &buffer.tracer {
                self.push_traced(Kind::Ftrace, vec![Target::named(tracer.as_str())], buffer);
            }
        }
    }

    fn push_traced(&mut self, kind: Kind, targets: Vec<Target>, buffer: &ftrace::Buffer) {
        let attachment = Attachment::new(kind, Via::Tracefs).at(targets);
        self.attachments.push(Attachment { instance: buffer.instance.clone(), enabled: Some(true), ..attachment });
    }

    /// Every probe of the kernel's list goes to an attachment that explains it, or becomes one itself.
    fn kprobes(&mut self) {
        for probe in &self.lists.kprobes {
            let state = KprobeState { address: probe.address, flags: probe.flags.clone() };
            match self.explaining(probe) {
                Some(attachment) => attachment.kprobes.push(state),
                None => self.attachments.push(of_kprobe(probe, state)),
            }
        }
    }

    /// An event of tracefs comes first: a perf event at the same place may be one on that event.
    fn explaining(&mut self, probe: &Kprobe) -> Option<&mut Attachment> {
        let mut fitting = (0..self.attachments.len()).filter(|index| explains(&self.attachments[*index], probe));
        let first = fitting.next()?;
        let of_tracefs = |index: &usize| self.attachments[*index].via == Via::Tracefs;
        let best = std::iter::once(first).chain(fitting).find(of_tracefs).unwrap_or(first);
        self.attachments.get_mut(best)
    }

    /// Programs that nothing was seen to attach.
    fn unattached(&mut self) {
        let used: BTreeSet<u32> = self.attachments.iter().filter_map(|a| Some(a.program.as_ref()?.id)).collect();
        let lists = self.lists;
        for program in lists.programs.iter().filter(|program| !used.contains(&program.id)) {
            let kind = kind_name(program.kind);
            self.attachments.push(Attachment {
                program: Some(described(program)),
                owners: self.owners(Handle::Program(program.id)),
                pins: self.pins(Handle::Program(program.id)),
                ..Attachment::new(Kind::Program, Via::Loaded).at(vec![Target::named(kind)])
            });
        }
    }

    fn owners(&self, handle: Handle) -> Vec<Owner> {
        let holds = self.lists.processes.iter().filter(|process| process.handles.contains(&handle));
        holds.map(|process| process.owner.clone()).collect()
    }

    fn pins(&self, handle: Handle) -> Vec<Vec<u8>> {
        self.lists.pins.iter().filter(|pin| pin.handle == handle).map(|pin| pin.path.clone()).collect()
    }
}

fn kind_name(kind: u32) -> String {
    program_kind_name(kind).map_or_else(|| format!("type {kind}"), str::to_owned)
}

fn described(program: &ProgramObject) -> Program {
    Program {
        id: program.id,
        name: program.name.clone(),
        kind: kind_name(program.kind),
        tag: u64::from_be_bytes(program.tag),
        uid: program.uid,
        load_time_ns: program.load_time_ns,
        run_cnt: program.run_cnt,
        run_time_ns: program.run_time_ns,
        recursion_misses: program.recursion_misses,
    }
}

fn of_event(event: &events::Event, names: &mut Names) -> Attachment {
    let definition = &event.definition;
    let (user, kernel) = match definition.on_return() {
        true => (Kind::Uretprobe, Kind::Kretprobe),
        false => (Kind::Uprobe, Kind::Kprobe),
    };
    let (kind, target) = match &definition.place {
        events::Place::Kernel { function, offset } => (kernel, targets::kernel_function(function, *offset)),
        events::Place::Address(address) => (kernel, targets::kernel_address(*address, names)),
        events::Place::File { path, offset, semaphore } => {
            let place = targets::user_places(path, &[*offset], names).pop().unwrap_or_default();
            (user, Target { semaphore: *semaphore, ..place })
        }
        events::Place::Other(text) => (Kind::DynamicEvent, Target::named(text.clone())),
    };
    Attachment {
        event: Some(format!("{}/{}", definition.group, definition.name)),
        enabled: event.enabled,
        hits: event.hits,
        misses: event.misses,
        ..Attachment::new(kind, Via::Tracefs).at(vec![target])
    }
}

fn of_kprobe(probe: &Kprobe, state: KprobeState) -> Attachment {
    let place = targets::kernel_function(&probe.function, probe.offset);
    let address = (probe.address != 0).then_some(probe.address);
    let kind = if probe.on_return { Kind::Kretprobe } else { Kind::Kprobe };
    let text = match &probe.module {
        Some(module) => [module.as_bytes(), b":", &place.text].concat(),
        None => place.text.clone(),
    };
    let attachment = Attachment::new(kind, Via::Kernel).at(vec![Target { text, address, ..place }]);
    Attachment { kprobes: vec![state], ..attachment }
}

/// Whether an attachment is why the probe is in the kernel's list. Each explains one probe. Functions that begin with a
/// mark for branches are probed behind it, which only addresses and the flag tell.
fn explains(attachment: &Attachment, probe: &Kprobe) -> bool {
    let kind = if probe.on_return { Kind::Kretprobe } else { Kind::Kprobe };
    let by_list = !matches!(attachment.via, Via::PerfLink | Via::PerfEvent | Via::Tracefs);
    if attachment.kind != kind || by_list || !attachment.kprobes.is_empty() {
        return false;
    }
    let Some(target) = attachment.targets.first() else { return false };
    if let Some(address) = target.address.filter(|_| probe.address != 0) {
        return address == probe.address;
    }
    let function = target.function.as_deref().map(|name| name.rsplit(':').next().unwrap_or(name));
    let at_start = target.offset == Some(0) && probe.flags.iter().any(|flag| flag == "FTRACE");
    function == Some(&probe.function) && (target.offset == Some(probe.offset) || at_start)
}

/// Counts of programs become those of their attachments.
fn count(attachments: &mut [Attachment], statistics: Statistics) {
    let mut uses: BTreeMap<u32, u64> = BTreeMap::new();
    for program in attachments.iter().filter_map(|attachment| attachment.program.as_ref()) {
        *uses.entry(program.id).or_default() += 1;
    }
    for attachment in attachments {
        let Some(program) = &attachment.program else { continue };
        let counted = statistics != Statistics::Off || program.run_cnt > 0;
        attachment.hits = counted.then_some(program.run_cnt);
        attachment.mean_ns = mean(program);
        attachment.misses = sum(attachment.misses, program.recursion_misses);
        if uses.get(&program.id).is_some_and(|uses| *uses > 1) {
            attachment.hits_of = HitsOf::Program;
        }
    }
}

/// What is counted of both.
fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}

/// Nanoseconds for one run.
pub fn mean(program: &Program) -> Option<f64> {
    (program.run_cnt > 0).then(|| program.run_time_ns as f64 / program.run_cnt as f64)
}
