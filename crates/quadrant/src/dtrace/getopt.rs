//! Reading the command line in the way of dtrace(8).
//!
//! Options and operands may stand in any order; a letter's argument may be joined to it (`-n'BEGIN'`, `-qs file`). What is neither an
//! option nor the argument of one is a macro argument (`$1`, `$2`, ...). `--` makes operands of all that follows.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::overhead;
use crate::overhead::Share;
use crate::script;

/// What is asked for, when it is not running a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Trace.
    #[default]
    Trace,
    /// `-e`: compile, then stop.
    Compile,
    /// Compile, have the kernel check the programs, then stop. No option asks for it.
    Check,
    /// `-l`: list the probes.
    List,
    /// `-h`: a C header for a provider.
    Header,
    /// `-G`: an object file for a provider.
    Object,
    /// `-V`: the version.
    Version,
    /// `-A` or `-a`: tracing from boot on.
    Anonymous(char),
}

/// Which field of a probe description the rightmost one of an option's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `-P`
    Provider,
    /// `-m`
    Module,
    /// `-f`
    Function,
    /// `-n`
    Name,
    /// `-i`
    Id,
    /// `-s`: the text is a file's name.
    Script,
}

/// A program, or a description of probes, on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabling {
    /// By which option.
    pub kind: Kind,
    /// The option's argument.
    pub text: String,
}

/// A process to trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `-c`
    Command(String),
    /// `-p`
    Process(u32),
}

/// An option of D.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As `-x` has it.
    pub name: String,
    /// Behind the equals sign.
    pub value: Option<String>,
    /// How it was given, for messages: `-b 4m`, `-x bufsize`, `DTRACE_OPT_BUFSIZE`.
    pub written: String,
}

impl Setting {
    /// `NAME` or `NAME=VALUE`, as `-x` takes it.
    pub fn parse(text: &str) -> Setting {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        Setting { name: name.to_owned(), value, written: format!("-x {}", name.escape_debug()) }
    }
}

/// Everything that the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What to do.
    pub mode: Mode,
    /// More than one thing is to be done, or one twice.
    pub several_modes: bool,
    /// Programs, in order.
    pub enablings: Vec<Enabling>,
    /// Processes, in order; the first is `$target`.
    pub targets: Vec<Target>,
    /// Settings of D in order, those with a letter of their own by their names: `-q` is `quiet`.
    pub settings: Vec<Setting>,
    /// `-o`
    pub output: Option<PathBuf>,
    /// `-v`
    pub verbose: bool,
    /// `-S`
    pub listing: bool,
    /// `--cgroup`, which is ours
    pub cgroup: Option<String>,
    /// `--container`, which is ours
    pub container: Option<String>,
    /// `--overhead`, which is ours
    pub overhead: bool,
    /// `--max-overhead`, which is ours
    pub max_overhead: Option<Share>,
    /// `--exact-entries`, which is ours
    pub exact_entries: bool,
    /// Macro arguments, and files for `-G`.
    pub operands: Vec<String>,
}

/// A command line that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// It makes no sense.
    Line(String),
    /// An option has a value that it cannot have.
    Value(String),
}

/// Letters, each with a colon when it takes an argument.
const LETTERS: &str = "3:6:aAb:Bc:CD:ef:FGhHi:I:lL:m:n:o:p:P:qs:SU:vVwx:X:Z";

/// Reads the words behind the program's name.
///
/// # Errors
/// An unknown option, one without its argument, an argument that cannot be meant.
pub fn parse(words: &[OsString]) -> Result<Line, Misuse> {
    let words: Result<VecDeque<String>, String> = words.iter().map(|word| script::word(word)).collect();
    let mut words = words.map_err(Misuse::Value)?;
    let mut line = Line::default();
    while let Some(word) = words.pop_front() {
        match word.strip_prefix('-') {
            Some("-") => line.operands.extend(words.drain(..)),
            Some("-overhead") => line.overhead = true,
            Some("-exact-entries") => line.exact_entries = true,
            Some(long) if long.starts_with("-c") || long.starts_with("-max-overhead") => {
                let (name, joined) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let value = joined.map(str::to_owned).or_else(|| words.pop_front());
                scope(name, value, &mut line)?;
            }
            Some(long) if long.starts_with("-format") => return Err(Misuse::Line(NO_JSON.to_owned())),
            Some(letters) if !letters.is_empty() => cluster(letters, &mut words, &mut line)?,
            _ => line.operands.push(word),
        }
    }
    Ok(line)
}

/// `--cgroup PATH`, `--container ID`, `--max-overhead PERCENT`
fn scope(name: &str, value: Option<String>, line: &mut Line) -> Result<(), Misuse> {
    let place = match name {
        "-cgroup" => &mut line.cgroup,
        "-container" => &mut line.container,
        "-max-overhead" => {
            let value = value.ok_or_else(|| Misuse::Line("option '--max-overhead' requires an argument".to_owned()))?;
            let wrong = |why| Misuse::Line(format!("option '--max-overhead': {why}"));
            line.max_overhead = Some(overhead::share(&value).map_err(wrong)?);
            return Ok(());
        }
        _ => return Err(Misuse::Line(format!("unrecognized option '-{}'", name.escape_debug()))),
    };
    *place = Some(value.ok_or_else(|| Misuse::Line(format!("option '-{name}' requires an argument")))?);
    Ok(())
}

const NO_JSON: &str =
    "DTrace's output has no other format; `quadrant --format json` is for scripts in bpftrace's language";

/// Letters behind one dash; the first that takes an argument ends them.
fn cluster(letters: &str, words: &mut VecDeque<String>, line: &mut Line) -> Result<(), Misuse> {
    for (at, letter) in letters.char_indices() {
        let Some(place) = LETTERS.find(letter).filter(|_| letter != ':') else {
            return Err(Misuse::Line(format!("invalid option -- '{}'", letter.escape_debug())));
        };
        if !LETTERS[place + 1..].starts_with(':') {
            flag(letter, line);
            continue;
        }
        let joined = &letters[at + letter.len_utf8()..];
        let argument = if joined.is_empty() { words.pop_front() } else { Some(joined.to_owned()) };
        let argument = argument.ok_or_else(|| Misuse::Line(format!("option requires an argument -- '{letter}'")))?;
        return with_argument(letter, argument, line);
    }
    Ok(())
}

fn flag(letter: char, line: &mut Line) {
    match letter {
        'v' => line.verbose = true,
        'S' => line.listing = true,
        // Output is never buffered behind the reader's back.
        'B' => {}
        'e' => mode(Mode::Compile, line),
        'l' => mode(Mode::List, line),
        'h' => mode(Mode::Header, line),
        'G' => mode(Mode::Object, line),
        'V' => mode(Mode::Version, line),
        'A' | 'a' => mode(Mode::Anonymous(letter), line),
        _ => line.settings.push(Setting {
            name: flag_setting(letter).to_owned(),
            value: None,
            written: format!("-{letter}"),
        }),
    }
}

fn mode(mode: Mode, line: &mut Line) {
    line.mode = match (line.mode, mode) {
        (Mode::Trace | Mode::Compile, mode) => mode,
        // With the others, nothing is enabled anyway.
        (known, Mode::Compile) => known,
        (known, _) => {
            line.several_modes = true;
            known
        }
    };
}

/// The setting that a letter without an argument stands for.
fn flag_setting(letter: char) -> &'static str {
    match letter {
        'C' => "cpp",
        'F' => "flowindent",
        'H' => "cpphdrs",
        'q' => "quiet",
        'w' => "destructive",
        _ => "zdefs",
    }
}

fn with_argument(letter: char, argument: String, line: &mut Line) -> Result<(), Misuse> {
    let mut enable = |kind, text| line.enablings.push(Enabling { kind, text });
    match letter {
        'P' => enable(Kind::Provider, argument),
        'm' => enable(Kind::Module, argument),
        'f' => enable(Kind::Function, argument),
        'n' => enable(Kind::Name, argument),
        'i' => enable(Kind::Id, argument),
        's' => enable(Kind::Script, argument),
        'c' => line.targets.push(Target::Command(argument)),
        'p' => line.targets.push(Target::Process(process(&argument)?)),
        'o' => line.output = Some(argument.into()),
        'x' => line.settings.push(Setting::parse(&argument)),
        '3' | '6' => model(letter, &argument)?,
        _ => {
            let written = format!("-{letter} {}", argument.escape_debug());
            let name = argument_setting(letter).to_owned();
            line.settings.push(Setting { name, value: Some(argument), written });
        }
    }
    Ok(())
}

/// The setting that a letter with an argument stands for.
fn argument_setting(letter: char) -> &'static str {
    match letter {
        'b' => "bufsize",
        'D' => "define",
        'I' => "incdir",
        'L' => "libdir",
        'U' => "undef",
        _ => "stdc",
    }
}

fn process(text: &str) -> Result<u32, Misuse> {
    text.parse()
        .ok()
        .filter(|pid| *pid > 0)
        .ok_or_else(|| Misuse::Value(format!("invalid pid: {}", text.escape_debug())))
}

/// `-64` is what we do; programs for a 32-bit kernel would mean something else.
fn model(letter: char, argument: &str) -> Result<(), Misuse> {
    match (letter, argument) {
        ('6', "4") => Ok(()),
        ('3', "2") => {
            Err(Misuse::Line("-32 is not supported: the kernel and its types are 64-bit; leave it out".to_owned()))
        }
        _ => Err(Misuse::Line(format!("illegal option -- {letter}{}", argument.escape_debug()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Result<Line, Misuse> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words)
    }

    fn enabling(kind: Kind, text: &str) -> Enabling {
        Enabling { kind, text: text.to_owned() }
    }

    #[test]
    fn options_and_operands_in_any_order() {
        let line = line(&["-qn", "BEGIN", "one", "-nEND", "-s", "a.d", "two", "--", "-q"]).unwrap();
        let expected = [enabling(Kind::Name, "BEGIN"), enabling(Kind::Name, "END"), enabling(Kind::Script, "a.d")];
        assert_eq!(line.enablings, expected);
        assert_eq!(line.operands, ["one", "two", "-q"]);
        let quiet = Setting { name: "quiet".to_owned(), value: None, written: "-q".to_owned() };
        assert_eq!(line.settings, [quiet]);
    }

    #[test]
    fn letters_are_settings() {
        let line = line(&["-wFb4m", "-x", "strsize=1k", "-xaggsortrev", "-I/inc", "-DA=1", "-Z"]).unwrap();
        let names: Vec<String> =
            line.settings.iter().map(|one| format!("{}={}", one.name, one.value.as_deref().unwrap_or(""))).collect();
        assert_eq!(
            names,
            [
                "destructive=",
                "flowindent=",
                "bufsize=4m",
                "strsize=1k",
                "aggsortrev=",
                "incdir=/inc",
                "define=A=1",
                "zdefs="
            ]
        );
    }

    #[test]
    fn several_targets() {
        let line = line(&["-c", "ls -l", "-p", "12", "-p3"]).unwrap();
        let expected = [Target::Command("ls -l".to_owned()), Target::Process(12), Target::Process(3)];
        assert_eq!(line.targets, expected);
    }

    #[test]
    fn what_is_asked_for() {
        assert_eq!(line(&["-lv"]).unwrap(), Line { mode: Mode::List, verbose: true, ..Line::default() });
        assert_eq!(line(&["-64", "-Se"]).unwrap(), Line { mode: Mode::Compile, listing: true, ..Line::default() });
        assert_eq!(line(&["-le"]).unwrap().mode, Mode::List);
        assert_eq!(line(&["-eV"]).unwrap().mode, Mode::Version);
        assert_eq!(line(&["-A"]).unwrap().mode, Mode::Anonymous('A'));
    }

    #[test]
    fn mistakes() {
        assert!(line(&["-lh"]).unwrap().several_modes && line(&["-VV"]).unwrap().several_modes);
        assert!(!line(&["-le"]).unwrap().several_modes && !line(&["-ee"]).unwrap().several_modes);
        for words in [&["-Q"][..], &["-n"], &["-32"], &["-65"], &["-:"], &["-é"]] {
            assert!(matches!(line(words), Err(Misuse::Line(_))), "{words:?}");
        }
        for pid in ["x", "0", "-1", ""] {
            assert!(matches!(line(&["-p", pid]), Err(Misuse::Value(_))), "{pid}");
        }
    }
}
