//! All options by name: what they set, when they can be set, and why some have no meaning here.

use std::ops::RangeInclusive;

use super::Options;
use super::Period;
use super::Policy;
use super::value;
use crate::ast::Attributes;

/// When an option can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before a program is read: on the command line.
    Command,
    /// Before a program is compiled: also by its pragmas.
    Compile,
    /// Before a program runs.
    Start,
    /// At any time, also by `setopt()`.
    Any,
}

/// What an option sets.
pub(super) enum Kind {
    /// On or off.
    Flag(fn(&mut Options) -> &mut bool),
    /// It is set by its name alone, and cannot be taken back.
    Set(fn(&mut Options) -> &mut bool),
    /// Bytes, of which there can be this many.
    Size(RangeInclusive<u64>, fn(&mut Options) -> &mut Option<u64>),
    Number(fn(&mut Options) -> &mut Option<u64>),
    /// How many frames a stack has.
    Frames(fn(&mut Options) -> &mut Option<u64>),
    /// A number that is not above the first one.
    UpTo(u64, fn(&mut Options) -> &mut Option<u64>),
    Rate(fn(&mut Options) -> &mut Period),
    Text(fn(&mut Options) -> &mut Option<String>),
    /// One of these words.
    Word(&'static [&'static str], fn(&mut Options) -> &mut Option<String>),
    /// Every value is added.
    List(fn(&mut Options) -> &mut Vec<String>),
    Policy(fn(&mut Options) -> &mut Policy),
    Attributes(fn(&mut Options) -> &mut Option<Attributes>),
    /// Only the first values are what happens anyway; the others would mean something.
    Only(&'static [&'static str], &'static [&'static str], &'static str),
    /// Nothing that could be set, and why; the value must pass.
    Nothing(fn(Option<&str>) -> bool, &'static str),
    /// It would mean something, and is not there: why, and what to do.
    Refused(&'static str),
}

/// An option.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// When it can be set.
    pub phase: Phase,
    pub(super) kind: Kind,
}

impl Entry {
    /// Why setting it changes nothing, if that is so.
    pub fn no_meaning(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Nothing(_, why) | Kind::Only(_, _, why) => Some(why),
            _ => None,
        }
    }
}

const fn command(name: &'static str, kind: Kind) -> Entry {
    Entry { name, phase: Phase::Command, kind }
}

const fn compile(name: &'static str, kind: Kind) -> Entry {
    Entry { name, phase: Phase::Compile, kind }
}

const fn start(name: &'static str, kind: Kind) -> Entry {
    Entry { name, phase: Phase::Start, kind }
}

const fn any(name: &'static str, kind: Kind) -> Entry {
    Entry { name, phase: Phase::Any, kind }
}

fn is_word(text: Option<&str>, words: &[&str]) -> bool {
    text.is_some_and(|text| words.contains(&text))
}

const BTF: &str = "types come from the running kernel's BTF";
const OWN_CODE: &str = "the compiler and its code are our own";
const NO_LINKING: &str = "objects of -G hold notes, which need no linking of ours";
const NO_JAVA: &str = "stacks of virtual machines have no helpers here; their symbols come from perf-PID.map files";

/// The most that `nspec` and `stackindent` can be: each speculation has its place in a map, each blank is printed.
const MOST: u64 = 65_536;

/// What only user space keeps is bounded by what comes.
const ANY_SIZE: RangeInclusive<u64> = 0..=u64::MAX;
/// Maps and buffers of the kernel, which takes memory for their size.
const IN_KERNEL: RangeInclusive<u64> = 0..=1 << 30;
/// Scratch memory is there for each processor and each level of interrupts.
const SCRATCH: RangeInclusive<u64> = 0..=1 << 20;
/// Packets are recorded with what comes along, up to what a record can be.
const PACKET: RangeInclusive<u64> = 1..=1 << 16;
/// A text has an end, and a record some texts.
const TEXT: RangeInclusive<u64> = 2..=1 << 16;

/// All of them, by name.
pub const TABLE: &[Entry] = &[
    any("agghist", Kind::Flag(|o| &mut o.agghist)),
    any("aggpack", Kind::Flag(|o| &mut o.aggpack)),
    compile(
        "aggpercpu",
        Kind::Refused("the parts of an aggregation are put together as they are read; use `cpu` as a key"),
    ),
    any("aggrate", Kind::Nothing(value::is_rate, "aggregations are read when they are printed")),
    start("aggsize", Kind::Size(IN_KERNEL, |o| &mut o.aggsize)),
    any("aggsortkey", Kind::Flag(|o| &mut o.aggsortkey)),
    any("aggsortkeypos", Kind::Number(|o| &mut o.aggsortkeypos)),
    any("aggsortpos", Kind::Number(|o| &mut o.aggsortpos)),
    any("aggsortrev", Kind::Flag(|o| &mut o.aggsortrev)),
    any("aggzoom", Kind::Flag(|o| &mut o.aggzoom)),
    compile("aliases", Kind::Flag(|o| &mut o.aliases.0)),
    compile("amin", Kind::Attributes(|o| &mut o.amin)),
    compile("argref", Kind::Set(|o| &mut o.argref)),
    start(
        "bpflog",
        Kind::Refused("use `quadrant -d bpf`, or -S, and `bpftool prog load` to see what the verifier says"),
    ),
    start("bpflogsize", Kind::Nothing(value::is_size_or_none, "the verifier's log grows as it needs")),
    start("bufpolicy", Kind::Policy(|o| &mut o.bufpolicy)),
    start(
        "bufresize",
        Kind::Nothing(
            |text| is_word(text, &["auto", "manual"]),
            "a buffer that cannot be had is an error; none is made smaller unasked",
        ),
    ),
    start("bufsize", Kind::Size(IN_KERNEL, |o| &mut o.bufsize)),
    start(
        "cleanrate",
        Kind::Nothing(value::is_rate, "dynamic variables are freed at once, there are no lists to clean"),
    ),
    compile("core", Kind::Nothing(value::is_none, OWN_CODE)),
    compile("cpp", Kind::Set(|o| &mut o.cpp)),
    command("cppargs", Kind::List(|o| &mut o.cppargs)),
    command("cpphdrs", Kind::Set(|o| &mut o.cpphdrs)),
    command("cpppath", Kind::Text(|o| &mut o.cpppath)),
    start("cpu", Kind::Number(|o| &mut o.cpu)),
    command("ctfpath", Kind::Nothing(value::is_text, BTF)),
    compile(
        "ctypes",
        Kind::Refused("there is no dump of types; `bpftool btf dump file /sys/kernel/btf/vmlinux` has the kernel's"),
    ),
    compile("debug", Kind::Nothing(value::is_none, OWN_CODE)),
    compile("debugassert", Kind::Refused("it names assertions in DTrace's own code, and the compiler here is another")),
    compile("defaultargs", Kind::Set(|o| &mut o.defaultargs)),
    command("define", Kind::List(|o| &mut o.define)),
    start("destructive", Kind::Flag(|o| &mut o.destructive)),
    compile("disasm", Kind::Refused("-S has one form of listing")),
    compile(
        "dofstashpath",
        Kind::Nothing(
            value::is_text,
            "static probes are read from the programs themselves; there is no daemon with a stash",
        ),
    ),
    compile("droptags", Kind::Flag(|o| &mut o.droptags)),
    compile(
        "dtypes",
        Kind::Refused("there is no dump of types; `bpftool btf dump file /sys/kernel/btf/vmlinux` has the kernel's"),
    ),
    start("dynvarsize", Kind::Size(IN_KERNEL, |o| &mut o.dynvarsize)),
    compile("empty", Kind::Set(|o| &mut o.empty)),
    compile("errtags", Kind::Set(|o| &mut o.errtags)),
    compile(
        "evaltime",
        Kind::Only(
            &["exec", "preinit"],
            &["postinit", "main"],
            "a command waits in front of its exec until all probes are there",
        ),
    ),
    any("flowindent", Kind::Flag(|o| &mut o.flowindent)),
    start("grabanon", Kind::Refused("there is no anonymous tracing; see -A")),
    command("incdir", Kind::List(|o| &mut o.incdir)),
    compile("iregs", Kind::Nothing(value::is_number, OWN_CODE)),
    start("jstackframes", Kind::Nothing(value::is_size_unless_none, NO_JAVA)),
    start("jstackstrsize", Kind::Nothing(value::is_size_or_none, NO_JAVA)),
    compile("kdefs", Kind::Nothing(value::is_none, "symbols of the kernel are looked up when they are used")),
    compile("knodefs", Kind::Nothing(value::is_none, "a symbol of the kernel that is not there is always an error")),
    compile(
        "late",
        Kind::Nothing(
            |text| is_word(text, &["static", "dynamic"]),
            "programs attach by descriptor, there is no dynamic translation to be late for",
        ),
    ),
    compile("lazyload", Kind::Nothing(value::is_flag, NO_LINKING)),
    command("ldpath", Kind::Nothing(value::is_text, NO_LINKING)),
    compile("libdir", Kind::List(|o| &mut o.libdir)),
    compile("linkmode", Kind::Nothing(|text| is_word(text, &["kernel", "dynamic", "static"]), NO_LINKING)),
    compile("linknommap", Kind::Nothing(value::is_flag, NO_LINKING)),
    compile("linktype", Kind::Nothing(|text| is_word(text, &["elf", "dof"]), NO_LINKING)),
    command("lockmem", Kind::Nothing(value::is_text, "the limit is raised as far as the kernel wants it raised")),
    start(
        "maxframes",
        Kind::Nothing(value::is_number, "the kernel's limit holds: /proc/sys/kernel/perf_event_max_stack"),
    ),
    command("modpath", Kind::Nothing(value::is_text, BTF)),
    compile("nolibs", Kind::Set(|o| &mut o.nolibs)),
    start("noresolve", Kind::Flag(|o| &mut o.noresolve)),
    start("nspec", Kind::UpTo(MOST, |o| &mut o.nspec)),
    start("pcapsize", Kind::Size(PACKET, |o| &mut o.pcapsize)),
    compile("pgmax", Kind::Nothing(value::is_number, "processes are not held, so there is no cache of them to bound")),
    compile("preallocate", Kind::Nothing(value::is_size_or_none, OWN_CODE)),
    any("printsize", Kind::Size(ANY_SIZE, |o| &mut o.printsize)),
    command("procfspath", Kind::Nothing(value::is_text, "processes are looked at in /proc")),
    compile(
        "pspec",
        Kind::Nothing(value::is_none, "a text of the command line is a probe description wherever it can be one"),
    ),
    any("quiet", Kind::Flag(|o| &mut o.quiet)),
    any("quietresize", Kind::Nothing(value::is_flag, "no buffer is resized")),
    any("rawbytes", Kind::Flag(|o| &mut o.rawbytes)),
    start("scratchsize", Kind::Size(SCRATCH, |o| &mut o.scratchsize)),
    start("specsize", Kind::Size(ANY_SIZE, |o| &mut o.specsize)),
    start("stackframes", Kind::Frames(|o| &mut o.stackframes)),
    any("stackindent", Kind::UpTo(MOST, |o| &mut o.stackindent)),
    start("statusrate", Kind::Rate(|o| &mut o.statusrate)),
    command("stdc", Kind::Word(&["a", "c", "s", "t"], |o| &mut o.stdc)),
    compile("strip", Kind::Nothing(value::is_none, NO_LINKING)),
    start("strsize", Kind::Size(TEXT, |o| &mut o.strsize)),
    any("switchrate", Kind::Rate(|o| &mut o.switchrate)),
    compile("syslibdir", Kind::Nothing(value::is_text, "the libraries are in the program; -L adds others")),
    compile("sysslice", Kind::Nothing(value::is_text, "traces run in the caller's control group")),
    start("temporal", Kind::Nothing(value::is_flag, "records come in the order of time, from all processors")),
    compile("tree", Kind::Refused("use `quadrant dtrace -e -S` for the code that a program becomes")),
    compile("tregs", Kind::Nothing(value::is_number, OWN_CODE)),
    compile("udefs", Kind::Nothing(value::is_none, NO_LINKING)),
    command("undef", Kind::List(|o| &mut o.undef)),
    compile("unodefs", Kind::Nothing(value::is_none, NO_LINKING)),
    compile("useruid", Kind::Nothing(value::is_text, "processes are not held, whoever owns them")),
    start("ustackframes", Kind::Frames(|o| &mut o.ustackframes)),
    compile("verbose", Kind::Set(|o| &mut o.verbose)),
    compile(
        "version",
        Kind::Nothing(|text| text.is_some_and(value::is_version), "there is one version of D here, the newest"),
    ),
    compile("zdefs", Kind::Set(|o| &mut o.zdefs)),
    start("zone", Kind::Refused("Linux has no zones; use `--container NAME` or `--cgroup PATH`")),
];
