//! Putting an object's programs where their sections, or the user, say.

use std::ffi::CString;
use std::ops::ControlFlow;
use std::rc::Rc;

use quadrant_bpf::link::Link;
use quadrant_bpf::link::Walk;
use quadrant_bpf::prog::AttachType;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_object::Hook;
use quadrant_object::InitialValue;
use quadrant_object::Part;
use quadrant_probes::Source;
use quadrant_probes::attach::Attached;
use quadrant_probes::attach::Means;
use quadrant_probes::attach::Request;
use quadrant_probes::attach::Semaphores;
use quadrant_program::probe::Found;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::ProbeSource;
use quadrant_program::probe::ProbeSpec;
use quadrant_program::probe::Site;
use quadrant_program::span::Span;

use super::Loaded;
use super::LoadedProgram;
use super::usdt::Usdt;
use crate::error::Error;

/// What a program is attached by.
pub(super) struct Attachment {
    /// Index in [`Loaded::programs`].
    pub(super) program: usize,
    pub(super) way: Way,
    /// How many places.
    pub(super) places: usize,
}

pub(super) enum Way {
    /// As points of scripts are.
    Points(Attached),
    /// By one link of its own.
    Link(#[expect(dead_code, reason = "held open: closing it detaches")] Link),
    /// By an iterator, which is to be read.
    Iterator(Link),
}

/// More places than any pattern should mean.
const MAX_POINTS: usize = 200_000;

/// Attaches programs.
pub(super) struct Attacher<'a> {
    loaded: &'a Loaded,
    source: Source,
    usdt: Usdt,
}

impl<'a> Attacher<'a> {
    pub(super) fn new(loaded: &'a Loaded) -> Attacher<'a> {
        let types = Rc::new(loaded.machine.types());
        // Objects are code that the user trusts, as with any loader: places inside functions are theirs to choose.
        let options = quadrant_probes::Options {
            pid: loaded.options.pid,
            max_points: MAX_POINTS,
            allow_unsafe: true,
            ..quadrant_probes::Options::default()
        };
        Attacher { loaded, source: Source::new(types, options), usdt: Usdt::default() }
    }

    /// Attach a program to all its places; what was left to do is said in a note.
    ///
    /// # Errors
    /// A place that is not there, or that the kernel refuses.
    pub(super) fn attach(&mut self, program: usize, notes: &mut Vec<String>) -> Result<Vec<Attachment>, Error> {
        let loaded = self.loaded;
        let one = &loaded.programs[program];
        let described = &loaded.object.programs[one.index];
        let attachment = |way, places| Attachment { program, way, places };
        match described.hook {
            hook @ (Hook::BtfTracepoint | Hook::Trampoline(_) | Hook::ModifyReturn | Hook::Lsm) => {
                link(one, hook.attach_type())
            }
            Hook::Iter => Ok(Way::Iterator(Link::iterator(&one.program, walk(loaded, one)?)?)),
            Hook::Syscall => {
                notes.push(format!(
                    "`{}` is for its own loader to run (SEC(\"syscall\")): it does not run here",
                    described.name
                ));
                return Ok(Vec::new());
            }
            hook => {
                if one.targets.is_empty() && is_jumped_to(loaded, &described.name) {
                    return Ok(Vec::new());
                }
                if one.targets.is_empty() {
                    let name = &described.name;
                    notes.push(format!(
                        "`{name}` is not attached: its section `{}` does not say where; say it with --attach {name}={}",
                        described.section,
                        example(hook)
                    ));
                    return Ok(Vec::new());
                }
                let mut attachments = Vec::new();
                for target in &one.targets {
                    let (way, places) = self.attach_at(one, hook, target)?;
                    attachments.push(attachment(way, places));
                }
                return Ok(attachments);
            }
        }
        .map(|way| vec![attachment(way, 1)])
    }

    fn attach_at(&mut self, one: &LoadedProgram, hook: Hook, target: &str) -> Result<(Way, usize), Error> {
        let target = without_kind(target);
        if matches!(hook, Hook::RawTracepoint | Hook::WritableRawTracepoint) {
            let name = CString::new(target).map_err(|_| bad(target, "it holds a NUL byte"))?;
            return Ok((Way::Link(Link::raw_tracepoint(&one.program, &name, 0)?), 1));
        }
        let spec = spec(hook, target)?;
        let found = self.source.find(&spec)?;
        let sites: Vec<&Site> = found.iter().map(|found| &found.point.site).collect();
        let first_cookie = if hook == Hook::Usdt { Some(self.describe_arguments(&found)?) } else { None };
        let means = self.means(hook);
        let semaphores = &Semaphores::of(sites.iter().copied());
        let request =
            Request { program: &one.program, sites: &sites, first_cookie, means, tolerant: false, semaphores };
        let tracefs = || TraceFs::open();
        let attached = quadrant_probes::attach::attach(&request, &tracefs, &mut || ControlFlow::Continue(()))?;
        Ok((Way::Points(attached), sites.len()))
    }

    fn describe_arguments(&mut self, found: &[Found]) -> Result<u64, Error> {
        let features = &self.loaded.machine.features;
        if !features.attach_cookie(quadrant_bpf::prog::ProgramKind::Kprobe) {
            let message =
                "static user probes of objects need attach cookies (Linux 5.15), which this kernel does not have";
            return Err(Error::Object { message: message.to_owned(), help: Vec::new() });
        }
        self.usdt.describe(self.loaded, found)
    }

    fn means(&self, hook: Hook) -> Means {
        match hook {
            Hook::KprobeMulti(Part::Session) => Means::KprobeSession,
            Hook::KprobeMulti(_) => Means::KprobeMulti,
            Hook::UprobeMulti(Part::Session) => Means::UprobeSession,
            Hook::UprobeMulti(_) => Means::UprobeMulti,
            Hook::Kprobe(_) | Hook::Ksyscall(_) if !self.loaded.machine.features.kprobe_event() => {
                Means::Tracefs { maxactive: None }
            }
            _ => Means::Each,
        }
    }
}

/// What an iterator walks over, and the map of which it is the content: `bpf_map_elem:MAP`.
pub(super) fn walked(target: &str) -> (&str, Option<&str>) {
    let target = target.strip_prefix("iter/").unwrap_or(target);
    target.split_once(':').map_or((target, None), |(kind, map)| (kind, Some(map)))
}

fn walk(loaded: &Loaded, one: &LoadedProgram) -> Result<Walk, Error> {
    const OF_MAPS: [&str; 2] = ["bpf_map_elem", "bpf_sk_storage_map"];
    let (kind, map) = one.targets.first().map_or(("", None), |target| walked(target));
    let maps = &loaded.object.maps;
    match map {
        Some(name) => {
            let at = maps.iter().position(|map| map.name == name);
            let at = at.ok_or_else(|| bad(name, "the object has no map of that name"))?;
            Ok(Walk::Map(loaded.maps[at].raw_fd()))
        }
        None if OF_MAPS.contains(&kind) => {
            let (name, map) = (one.program.name(), maps.first().map_or("MAP", |map| &map.name));
            let message = format!("`{name}` walks over what is in a map, and its section does not say in which");
            Err(Error::Object { message, help: vec![format!("say it with --attach {name}={kind}:{map}")] })
        }
        None if kind == "cgroup" => Ok(Walk::AllCgroups),
        None => Ok(Walk::All),
    }
}

fn link(one: &LoadedProgram, kind: AttachType) -> Result<Way, Error> {
    Ok(Way::Link(Link::tracing(&one.program, kind, 0)?))
}

/// Whether the object keeps the program in a map from the start, for tail calls.
fn is_jumped_to(loaded: &Loaded, name: &str) -> bool {
    let values = loaded.object.maps.iter().flat_map(|map| &map.values);
    values.into_iter().any(|(_, value)| matches!(value, InitialValue::Program(program) if program == name))
}

/// A target as a section has it, whose kind is known anyhow: `kprobe/vfs_read` is `vfs_read`.
fn without_kind(target: &str) -> &str {
    match target.split_once('/') {
        Some((kind, rest)) if is_kind(kind) => rest,
        _ => target,
    }
}

fn is_kind(word: &str) -> bool {
    const KINDS: [&str; 13] = [
        "kprobe",
        "kretprobe",
        "ksyscall",
        "kretsyscall",
        "uprobe",
        "uretprobe",
        "usdt",
        "tracepoint",
        "tp",
        "raw_tp",
        "raw_tracepoint",
        "perf_event",
        "iter",
    ];
    KINDS.contains(&word)
}

/// As the point of a script, by which places are found.
fn spec(hook: Hook, target: &str) -> Result<ProbeSpec, Error> {
    let on_return = |part: Part, entry, exit| if part == Part::Return { exit } else { entry };
    let parts = |separator| target.split(separator).map(str::to_owned).collect::<Vec<String>>();
    let (kind, parts) = match hook {
        Hook::Kprobe(part) | Hook::KprobeMulti(part) => {
            (on_return(part, ProbeKind::Kprobe, ProbeKind::Kretprobe), vec![target.to_owned()])
        }
        Hook::Ksyscall(part) => {
            let function = format!("{SYSCALL_PREFIX}{target}");
            (on_return(part, ProbeKind::Kprobe, ProbeKind::Kretprobe), vec![function])
        }
        Hook::Uprobe(part) | Hook::UprobeMulti(part) => {
            (on_return(part, ProbeKind::Uprobe, ProbeKind::Uretprobe), parts(':'))
        }
        Hook::Usdt => (ProbeKind::Usdt, parts(':')),
        Hook::Tracepoint => (ProbeKind::Tracepoint, target.split(['/', ':']).map(str::to_owned).collect()),
        Hook::PerfEvent => event(target)?,
        _ => return Err(bad(target, "programs of its kind have no targets")),
    };
    Ok(ProbeSpec { kind, parts, span: Span::default() })
}

#[cfg(target_arch = "aarch64")]
const SYSCALL_PREFIX: &str = "__arm64_sys_";
#[cfg(not(target_arch = "aarch64"))]
const SYSCALL_PREFIX: &str = "__x64_sys_";

/// `profile:hz:99`, `software:page-faults:1`, `hardware:cache-misses:1000000`.
fn event(target: &str) -> Result<(ProbeKind, Vec<String>), Error> {
    let mut words = target.split(':').map(str::to_owned);
    let kind = match words.next().as_deref() {
        Some("profile") => ProbeKind::Profile,
        Some("interval") => ProbeKind::Interval,
        Some("software") => ProbeKind::Software,
        Some("hardware") => ProbeKind::Hardware,
        _ => {
            return Err(bad(
                target,
                "a perf event is written profile:hz:99, software:NAME:COUNT or hardware:NAME:COUNT",
            ));
        }
    };
    Ok((kind, words.collect()))
}

fn example(hook: Hook) -> &'static str {
    match hook {
        Hook::PerfEvent => "profile:hz:99",
        Hook::Uprobe(_) | Hook::UprobeMulti(_) => "FILE:FUNCTION",
        Hook::Usdt => "FILE:PROVIDER:NAME",
        Hook::Tracepoint => "sched/sched_switch",
        _ => "NAME",
    }
}

fn bad(target: &str, why: &str) -> Error {
    Error::Object { message: format!("cannot attach to `{target}`: {why}"), help: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_become_points() {
        let parts = |hook, target: &str| spec(hook, without_kind(target)).unwrap().parts;
        assert_eq!(parts(Hook::Uprobe(Part::Entry), "/bin/x:f+4"), ["/bin/x", "f+4"]);
        assert_eq!(parts(Hook::Tracepoint, "tp/sched/sched_switch"), ["sched", "sched_switch"]);
        assert_eq!(parts(Hook::Tracepoint, "sched:sched_switch"), ["sched", "sched_switch"]);
        assert_eq!(parts(Hook::PerfEvent, "profile:hz:99"), ["hz", "99"]);
        assert_eq!(parts(Hook::Usdt, "/bin/x:a:b"), ["/bin/x", "a", "b"]);
        assert_eq!(spec(Hook::Kprobe(Part::Return), "vfs_read").unwrap().kind, ProbeKind::Kretprobe);
        assert!(spec(Hook::PerfEvent, "cycles").is_err());
        assert_eq!(walked("iter/bpf_map_elem:counts"), ("bpf_map_elem", Some("counts")));
        assert_eq!(walked("task"), ("task", None));
    }
}
