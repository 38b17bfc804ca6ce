//! Reading the command line in the way of bpftrace(8).
//!
//! Options stand before the script's file; what follows the file, or `-e PROGRAM`, are parameters of the script. `--` ends the options:
//! behind it, words that start with a dash are parameters too. Long options can be shortened as long as it is clear what is meant, and
//! their arguments follow as `--name=value` or as the next word.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;

use quadrant_session::Checks;

use crate::overhead;
use crate::overhead::Share;
use crate::script;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Trace.
    #[default]
    Trace,
    /// `-l`
    List,
    /// `--info`
    Info,
    /// `-h`
    Help,
    /// `-V`
    Version,
    /// `--fmt`, `--mode format`
    Format,
    /// The modes for those who develop the tracer.
    Developer(&'static str),
}

/// The form of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// A stage that `-d` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `ast`, `parse`: the syntax tree.
    Ast,
    /// `types`: the typed program.
    Types,
    /// `codegen`, `codegen-opt`, `dis`: the instructions.
    Code,
    /// `libbpf`, `verifier`: how the probes are made. The kernel's verifier is only heard when it refuses a program.
    Kernel,
}

/// Everything that the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub mode: Mode,
    /// `--test`, `--bench`
    pub checks: Option<Checks>,
    /// `--probe-filter`
    pub filter: Option<Filter>,
    /// `-e`
    pub program: Option<String>,
    /// `-p`
    pub pid: Option<u32>,
    /// `-c`
    pub command: Option<String>,
    /// `-o`
    pub output: Option<PathBuf>,
    pub format: Format,
    pub verbose: bool,
    pub quiet: bool,
    /// How often `-k` stands there.
    reads: u8,
    /// `--no-warnings`
    pub no_warnings: bool,
    pub allow_unsafe: bool,
    pub dry_run: bool,
    /// `-d`, in order
    pub stages: Vec<Stage>,
    /// `--no-feature`
    pub without: Vec<String>,
    /// `--traceable-functions`
    pub traceable: Option<PathBuf>,
    /// `-B full`
    pub gathers: bool,
    /// `--overhead`
    pub overhead: bool,
    /// `--max-overhead`
    pub max_overhead: Option<Share>,
    /// `--exact-entries`
    pub exact_entries: bool,
    /// `--debuginfo`
    pub debuginfo: Vec<String>,
    /// `-I`
    pub folders: Vec<PathBuf>,
    /// `--include`
    pub includes: Vec<String>,
    /// The file, unless there is `-e`, and the script's parameters; with `-l` the patterns.
    pub operands: Vec<String>,
}

/// Names of tests and benchmarks.
#[derive(Clone, Debug)]
pub struct Filter(pub regex_lite::Regex);

impl PartialEq for Filter {
    fn eq(&self, other: &Filter) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Filter {}

/// A command line that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// One line, or a few.
    pub message: String,
    /// The reader does not know the options: they are shown.
    pub show_usage: bool,
}

/// Letters, each with a colon when it takes an argument.
const LETTERS: &str = "d:bB:f:e:hlp:vqc:Vo:I:k";

/// Names of long options, whether they take an argument, and the letters that mean the same.
const NAMES: &[(&str, bool, char)] = &[
    ("aot", true, ' '),
    ("bench", false, ' '),
    ("btf", false, 'b'),
    ("cmd", true, 'c'),
    ("debug", true, 'd'),
    ("debuginfo", true, ' '),
    ("dry-run", false, ' '),
    ("dwarf-pid", true, ' '),
    ("emit-elf", true, ' '),
    ("emit-llvm", true, ' '),
    ("exact-entries", false, ' '),
    ("fmt", false, ' '),
    ("help", false, 'h'),
    ("include", true, ' '),
    ("info", false, ' '),
    ("list", false, 'l'),
    ("max-overhead", true, ' '),
    ("mode", true, ' '),
    ("no-feature", true, ' '),
    ("no-warnings", false, ' '),
    ("output", true, 'o'),
    ("overhead", false, ' '),
    ("pid", true, 'p'),
    ("probe-filter", true, ' '),
    ("quiet", false, 'q'),
    ("test", false, ' '),
    ("traceable-functions", true, ' '),
    ("unsafe", false, ' '),
    ("usdt-file-activation", false, ' '),
    ("verbose", false, 'v'),
    ("verify-llvm-ir", false, ' '),
    ("version", false, 'V'),
    ("warnings", false, 'k'),
];

/// Reads the words behind the program's name.
///
/// # Errors
/// An unknown option, one without its argument, an argument that cannot be meant, options that exclude each other.
pub fn parse(words: &[OsString]) -> Result<Line, Misuse> {
    let words: Result<VecDeque<String>, String> = words.iter().map(|word| script::word(word)).collect();
    let mut words = words.map_err(|why| misuse(format!("ERROR: {why}")))?;
    let mut line = Line::default();
    while let Some(word) = words.pop_front() {
        match word.strip_prefix('-') {
            Some("-") => {
                line.operands.extend(words.drain(..));
                break;
            }
            Some(rest) if rest.starts_with('-') => long(&rest[1..], &mut words, &mut line)?,
            Some(letters) if !letters.is_empty() => cluster(letters, &mut words, &mut line)?,
            _ => line.operands.push(word),
        }
    }
    if line.pid.is_some() && line.command.is_some() {
        return Err(unknown("ERROR: USAGE: Cannot use both -c and -p.".to_owned()));
    }
    if line.reads > 1 {
        return Err(misuse(
            "ERROR: USAGE: -kk has been deprecated: a single -k reports all reads that fail".to_owned(),
        ));
    }
    Ok(line)
}

/// Letters behind one dash; the first that takes an argument ends them.
fn cluster(letters: &str, words: &mut VecDeque<String>, line: &mut Line) -> Result<(), Misuse> {
    for (at, letter) in letters.char_indices() {
        let Some(place) = LETTERS.find(letter).filter(|_| letter != ':') else {
            return Err(unknown(format!("bpftrace: invalid option -- '{}'", letter.escape_debug())));
        };
        if !LETTERS[place + 1..].starts_with(':') {
            flag(letter, line);
            continue;
        }
        let joined = &letters[at + letter.len_utf8()..];
        let argument = if joined.is_empty() { words.pop_front() } else { Some(joined.to_owned()) };
        let argument =
            argument.ok_or_else(|| unknown(format!("bpftrace: option requires an argument -- '{letter}'")))?;
        return with_argument(letter, argument, line);
    }
    Ok(())
}

fn long(text: &str, words: &mut VecDeque<String>, line: &mut Line) -> Result<(), Misuse> {
    let (name, joined) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
    let (name, takes, letter) = find(name, text)?;
    if !takes && joined.is_some() {
        return Err(unknown(format!("bpftrace: option '--{name}' doesn't allow an argument")));
    }
    if !takes {
        return named_flag(name, letter, line);
    }
    let argument = joined.or_else(|| words.pop_front());
    let argument = argument.ok_or_else(|| unknown(format!("bpftrace: option '--{name}' requires an argument")))?;
    if letter == ' ' { named(name, argument, line) } else { with_argument(letter, argument, line) }
}

/// The option of that name, or the only one whose name starts so.
fn find(name: &str, text: &str) -> Result<(&'static str, bool, char), Misuse> {
    if let Some(exact) = NAMES.iter().find(|(known, ..)| *known == name) {
        return Ok(*exact);
    }
    let fits: Vec<_> = NAMES.iter().filter(|(known, ..)| !name.is_empty() && known.starts_with(name)).collect();
    match fits.as_slice() {
        [one] => Ok(**one),
        [] => Err(unknown(format!("bpftrace: unrecognized option '--{}'", text.escape_debug()))),
        several => {
            let names: Vec<String> = several.iter().map(|(known, ..)| format!("'--{known}'")).collect();
            Err(unknown(format!("bpftrace: option '--{text}' is ambiguous; possibilities: {}", names.join(" "))))
        }
    }
}

fn flag(letter: char, line: &mut Line) {
    match letter {
        'l' => line.mode = Mode::List,
        'h' => line.mode = Mode::Help,
        'V' => line.mode = Mode::Version,
        'v' => line.verbose = true,
        'q' => line.quiet = true,
        // Reads that fail are always reported.
        'k' => line.reads = line.reads.saturating_add(1),
        // -b: BTF is always used.
        _ => {}
    }
}

fn named_flag(name: &'static str, letter: char, line: &mut Line) -> Result<(), Misuse> {
    match name {
        "info" => line.mode = Mode::Info,
        "fmt" => line.mode = Mode::Format,
        "test" | "bench" => check(name, "--", line)?,
        "dry-run" => line.dry_run = true,
        "overhead" => line.overhead = true,
        "exact-entries" => line.exact_entries = true,
        "no-warnings" => line.no_warnings = true,
        "unsafe" => line.allow_unsafe = true,
        // About LLVM; and semaphores of USDT probes, which the kernel always raises by file.
        "verify-llvm-ir" | "usdt-file-activation" => {}
        _ => flag(letter, line),
    }
    Ok(())
}

fn with_argument(letter: char, argument: String, line: &mut Line) -> Result<(), Misuse> {
    match letter {
        'e' => line.program = Some(argument),
        'c' => line.command = Some(argument),
        'p' => line.pid = process(&argument)?,
        'o' => line.output = Some(argument.into()),
        'f' => line.format = format(&argument)?,
        'd' => line.stages.extend(stages(&argument)?),
        'B' => line.gathers = buffering(&argument)?,
        'I' => line.folders.push(PathBuf::from(argument)),
        _ => {}
    }
    Ok(())
}

fn named(name: &str, argument: String, line: &mut Line) -> Result<(), Misuse> {
    match name {
        "mode" if argument == "test" || argument == "bench" => check(&argument, "--mode ", line)?,
        "mode" => line.mode = mode(&argument)?,
        "no-feature" => line.without.extend(features(&argument)?),
        "include" => line.includes.push(argument),
        "traceable-functions" => line.traceable = Some(argument.into()),
        "max-overhead" => line.max_overhead = Some(share(&argument)?),
        "debuginfo" => line.debuginfo.push(argument),
        "dwarf-pid" => drop(process(&argument)?),
        "aot" | "emit-elf" | "emit-llvm" => return Err(no_compiled_form(name)),
        "probe-filter" => line.filter = Some(filter(&argument)?),
        _ => {}
    }
    Ok(())
}

fn check(name: &str, before: &str, line: &mut Line) -> Result<(), Misuse> {
    let wanted = if name == "test" { Checks::Tests } else { Checks::Benchmarks };
    if line.checks.replace(wanted).is_some_and(|other| other != wanted) {
        return Err(misuse(format!("ERROR: USAGE: {before}{name} conflicts with existing --mode")));
    }
    Ok(())
}

fn filter(text: &str) -> Result<Filter, Misuse> {
    let wrong = |error| misuse(format!("ERROR: Invalid --probe-filter regex '{}': {error}", text.escape_debug()));
    text.parse().map(Filter).map_err(wrong)
}

fn share(text: &str) -> Result<Share, Misuse> {
    overhead::share(text).map_err(|why| misuse(format!("ERROR: USAGE: --max-overhead: {why}")))
}

/// The kernel's `PID_MAX_LIMIT`.
const LARGEST_PID: u32 = 4 << 20;

/// A process's number: decimal, in hexadecimal (`0x`), octal (`0`) or binary (`0b`). Without one, all are meant.
fn process(text: &str) -> Result<Option<u32>, Misuse> {
    let wrong = |why| misuse(format!("ERROR: Failed to parse pid: {why}"));
    match whole_number(text) {
        _ if text.is_empty() => Ok(None),
        Ok(pid) if pid > LARGEST_PID.into() => Err(misuse(format!("ERROR: Pid out of range: {pid}"))),
        Ok(pid) => Ok(Some(pid as u32)),
        Err(why) => Err(wrong(why)),
    }
}

/// A number, or why it is none and what was read. A base that its start tells does not belong to what is read.
fn whole_number(text: &str) -> Result<u64, String> {
    let octal = || text.strip_prefix('0').filter(|rest| rest.starts_with(|digit: char| digit.is_digit(8)));
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let binary = || text.strip_prefix("0b").or_else(|| text.strip_prefix("0B"));
    match (hexadecimal, binary(), octal()) {
        (Some(rest), ..) => number_in(rest, 16),
        (_, Some(rest), _) => number_in(rest, 2),
        (.., Some(rest)) => number_in(rest, 8),
        _ => number_in(text, 0),
    }
}

/// A number as C's `strtoull` reads it. One below zero is as far from the end of the range.
fn number_in(text: &str, base: u32) -> Result<u64, String> {
    let unsigned = text.trim_start();
    let (unsigned, is_negative) = match unsigned.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (unsigned.strip_prefix('+').unwrap_or(unsigned), false),
    };
    let (digits, base) = match unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")).filter(|_| base == 0)
    {
        Some(digits) => (digits, 16),
        None if base == 0 => (unsigned, if unsigned.starts_with('0') { 8 } else { 10 }),
        None => (unsigned, base),
    };
    let length = digits.bytes().take_while(|digit| char::from(*digit).is_digit(base)).count();
    let shown = text.escape_debug();
    match u64::from_str_radix(&digits[..length], base) {
        _ if length == 0 => Err(format!("invalid integer: {shown}")),
        _ if length < digits.len() => Err(format!("invalid trailing bytes: {shown}")),
        Ok(number) if is_negative => Ok(number.wrapping_neg()),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("overflow error, maximum value is {}: {shown}", u64::MAX)),
    }
}

fn format(text: &str) -> Result<Format, Misuse> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        other => {
            let other = other.escape_debug();
            Err(misuse(format!("ERROR: Invalid output format \"{other}\"\nValid formats: 'text', 'json'")))
        }
    }
}

/// Whether answers are gathered; otherwise they are written as they come, which are whole lines at least.
fn buffering(text: &str) -> Result<bool, Misuse> {
    match text {
        "full" => Ok(true),
        "line" | "none" => Ok(false),
        _ => Err(misuse("ERROR: USAGE: -B must be either 'line', 'full', or 'none'.".to_owned())),
    }
}

fn mode(text: &str) -> Result<Mode, Misuse> {
    match text {
        "format" => Ok(Mode::Format),
        "codegen" => Ok(Mode::Developer("codegen")),
        "compiler-bench" => Ok(Mode::Developer("compiler-bench")),
        _ => Err(misuse(format!("ERROR: USAGE: --mode can only be {MODES}."))),
    }
}

const MODES: &str = "'codegen', 'compiler-bench', 'bench', 'test' or 'format'";

/// Features that the engine can be told not to use.
const FEATURES: [&str; 3] = ["kprobe_multi", "kprobe_session", "uprobe_multi"];

fn features(text: &str) -> Result<Vec<String>, Misuse> {
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    match names.iter().all(|name| FEATURES.contains(&name.as_str())) {
        true => Ok(names),
        false => Err(misuse(format!("ERROR: USAGE: --no-feature can only have values '{}'.", FEATURES.join(",")))),
    }
}

fn stages(text: &str) -> Result<Vec<Stage>, Misuse> {
    let stages: Vec<Vec<Stage>> = text.split(',').map(|name| stage(name, text)).collect::<Result<_, _>>()?;
    Ok(stages.concat())
}

fn stage(name: &str, text: &str) -> Result<Vec<Stage>, Misuse> {
    match name {
        "all" => Ok(vec![Stage::Ast, Stage::Types, Stage::Kernel, Stage::Code]),
        "ast" | "parse" => Ok(vec![Stage::Ast]),
        "types" => Ok(vec![Stage::Types]),
        "codegen" | "codegen-opt" | "dis" => Ok(vec![Stage::Code]),
        "libbpf" | "verifier" => Ok(vec![Stage::Kernel]),
        _ => Err(misuse(format!("ERROR: USAGE: invalid option for -d: {}", text.escape_debug()))),
    }
}

fn no_compiled_form(name: &str) -> Misuse {
    misuse(format!(
        "ERROR: --{name} is not supported: there is no LLVM here; `quadrant build SCRIPT -o FILE` makes an executable that \
         carries the script, and `-d codegen` prints its instructions"
    ))
}

fn misuse(message: String) -> Misuse {
    Misuse { message, show_usage: false }
}

fn unknown(message: String) -> Misuse {
    Misuse { message, show_usage: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Result<Line, Misuse> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words)
    }

    #[test]
    fn letters_and_names() {
        let one = line(&["-qvp12", "-f", "json", "-e", "BEGIN{}", "4"]).unwrap();
        let other = line(&["--quiet", "--verb", "--pid=12", "-fjson", "-eBEGIN{}", "4"]).unwrap();
        assert_eq!(one, other);
        assert_eq!((one.pid, one.format, one.quiet, one.verbose), (Some(12), Format::Json, true, true));
        assert_eq!(one.operands, ["4"]);
    }

    #[test]
    fn parameters_of_the_script() {
        assert_eq!(line(&["a.bt", "1", "--", "--n=2", "-x"]).unwrap().operands, ["a.bt", "1", "--n=2", "-x"]);
        assert_eq!(line(&["-"]).unwrap().operands, ["-"]);
        assert!(line(&["a.bt", "--n=2"]).unwrap_err().show_usage);
    }

    #[test]
    fn modes() {
        assert_eq!(line(&["-lv", "k:*"]).unwrap().mode, Mode::List);
        assert_eq!(line(&["--mode", "format"]).unwrap().mode, Mode::Format);
        assert_eq!(line(&["--bench"]).unwrap().checks, Some(Checks::Benchmarks));
        assert_eq!(line(&["--mode=test", "--test"]).unwrap().checks, Some(Checks::Tests));
        assert!(line(&["--test", "--bench"]).unwrap_err().message.contains("--bench conflicts"));
        assert!(line(&["--test", "--probe-filter", "["]).unwrap_err().message.contains("regex '['"));
        assert_eq!(line(&["-d", "ast", "-ddis"]).unwrap().stages, [Stage::Ast, Stage::Code]);
        assert_eq!(line(&["-d", "ast,dis"]).unwrap().stages, [Stage::Ast, Stage::Code]);
    }

    #[test]
    fn what_means_nothing_here_is_accepted() {
        let quiet = ["-b", "--btf", "--verify-llvm-ir", "--usdt-file-activation", "-B", "line"];
        assert_eq!(line(&quiet).unwrap(), Line::default());
        assert_eq!(line(&["-k"]), line(&["--warnings"]));
        assert_eq!(line(&["--dwarf-pid=1"]).unwrap(), Line::default());
        let named = line(&["--traceable-functions=/y", "-Bfull"]).unwrap();
        assert_eq!((named.traceable, named.gathers), (Some("/y".into()), true));
        assert_eq!(line(&["-I/x"]).unwrap().folders, [PathBuf::from("/x")]);
    }

    #[test]
    fn processes_are_numbered_in_any_base() {
        let known = [
            ("12", 12),
            ("0x1f", 31),
            ("017", 15),
            (" 7", 7),
            ("0", 0),
            ("+1", 1),
            ("+0x1f", 31),
            ("0b11", 3),
            ("0x+1", 1),
        ];
        for (text, pid) in known {
            assert_eq!(process(text).ok(), Some(Some(pid)), "{text}");
        }
        assert_eq!(process("").ok(), Some(None));
        let why = |text| process(text).unwrap_err().message;
        assert!(why("99999999999999999999").contains("overflow error, maximum value is 18446744073709551615: 9"));
        // What tells the base is not shown, if it does.
        for (text, shown) in [
            ("08", "08"),
            ("09", "09"),
            ("018", "18"),
            ("0778", "778"),
            ("0x1g", "1g"),
            ("+018", "+018"),
            ("0+1", "0+1"),
        ] {
            assert_eq!(why(text), format!("ERROR: Failed to parse pid: invalid trailing bytes: {shown}"), "{text}");
        }
        for (text, shown) in [("0x", ""), ("0b2", "2"), ("+", "+"), ("++1", "++1"), ("x", "x")] {
            assert_eq!(why(text), format!("ERROR: Failed to parse pid: invalid integer: {shown}"), "{text}");
        }
    }

    #[test]
    fn mistakes() {
        for words in
            [&["-Z"][..], &["-e"], &["--foo"], &["--de"], &["--pid"], &["--quiet=1"], &["-p1", "-ctrue"], &["-:"]]
        {
            assert!(line(words).unwrap_err().show_usage, "{words:?}");
        }
        for words in [
            &["-p", "x"][..],
            &["-f", "xml"],
            &["-B", "x"],
            &["--mode", "x"],
            &["--no-feature", "x"],
            &["-dx"],
            &["-kk"],
            &["-k", "--warnings"],
        ] {
            assert!(!line(words).unwrap_err().show_usage, "{words:?}");
        }
        assert!(line(&["--emit-llvm", "x"]).unwrap_err().message.contains("not supported"));
    }
}
