//! D's options: `-x name=value`, `#pragma D option name=value`, `setopt("name", "value")`, `DTRACE_OPT_NAME=value`.
//!
//! Every option of DTrace has a line in [`TABLE`]: it sets something, or says why nothing needs to be set here, or is refused with
//! what to do instead.

mod table;
pub(crate) mod value;

use std::ops::RangeInclusive;

use table::Kind;
pub use table::{Entry, Phase, TABLE};

use crate::ast::Attributes;

/// What options have set. Sizes are bytes, times nanoseconds; `None` is an option that was not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the options, which the documents describe")]
pub struct Options {
    pub agghist: bool,
    pub aggpack: bool,
    pub aggsize: Option<u64>,
    pub aggsortkey: bool,
    pub aggsortkeypos: Option<u64>,
    pub aggsortpos: Option<u64>,
    pub aggsortrev: bool,
    pub aggzoom: bool,
    pub aliases: SetFlag,
    pub amin: Option<Attributes>,
    pub argref: bool,
    pub bufpolicy: Policy,
    pub bufsize: Option<u64>,
    pub cpp: bool,
    pub cppargs: Vec<String>,
    pub cpphdrs: bool,
    pub cpppath: Option<String>,
    pub cpu: Option<u64>,
    pub defaultargs: bool,
    pub define: Vec<String>,
    pub destructive: bool,
    pub droptags: bool,
    pub dynvarsize: Option<u64>,
    pub empty: bool,
    pub errtags: bool,
    pub flowindent: bool,
    pub incdir: Vec<String>,
    pub libdir: Vec<String>,
    pub nolibs: bool,
    pub noresolve: bool,
    pub nspec: Option<u64>,
    pub pcapsize: Option<u64>,
    pub printsize: Option<u64>,
    pub quiet: bool,
    pub rawbytes: bool,
    pub scratchsize: Option<u64>,
    pub specsize: Option<u64>,
    pub stackframes: Option<u64>,
    pub stackindent: Option<u64>,
    pub statusrate: Period,
    pub stdc: Option<String>,
    pub strsize: Option<u64>,
    pub switchrate: Period,
    pub undef: Vec<String>,
    pub ustackframes: Option<u64>,
    pub verbose: bool,
    pub zdefs: bool,
}

/// What happens to records between their arrival and their reader: `bufpolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// They are printed as they come.
    #[default]
    Switch,
    /// The newest are printed at the end.
    Ring,
    /// The oldest are printed at the end, which comes when there is no more room.
    Fill,
}

/// A flag that is set unless it is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetFlag(pub bool);

impl Default for SetFlag {
    fn default() -> SetFlag {
        SetFlag(true)
    }
}

/// Nanoseconds from one time to the next; a second unless it is set, and 0 as often as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(pub u64);

impl Default for Period {
    fn default() -> Period {
        Period(1_000_000_000)
    }
}

/// Why an option cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// One line, without the option's name.
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
}

impl Options {
    /// Sets an option. `now` is the phase of the trace: what had to be set before is refused.
    ///
    /// # Errors
    /// No such option, a value that it cannot have, an option that is not supported or that comes too late.
    pub fn set(&mut self, name: &str, value: Option<&str>, now: Phase) -> Result<(), OptionError> {
        let Some(entry) = entry(name) else { return Err(unknown(name)) };
        if entry.phase < now {
            // What is wrong with the value of an option of the compiler is told first.
            let is_compilers = entry.phase <= Phase::Compile;
            is_compilers.then(|| self.clone().put(&entry.kind, value)).transpose()?;
            return Err(too_late(now));
        }
        self.put(&entry.kind, value)
    }

    fn put(&mut self, kind: &Kind, text: Option<&str>) -> Result<(), OptionError> {
        match kind {
            Kind::Flag(field) => *field(self) = value::flag(text).ok_or_else(invalid)?,
            Kind::Set(field) => *field(self) = text.is_none().then_some(true).ok_or_else(invalid)?,
            Kind::Size(possible, field) => *field(self) = measured(text, value::size, possible)?,
            Kind::Number(field) => *field(self) = measured(text, value::number, &(0..=u64::MAX))?,
            Kind::UpTo(most, field) => *field(self) = measured(text, value::number, &(0..=*most))?,
            Kind::Frames(field) => {
                let frames = value::number(text.unwrap_or("0")).filter(|frames| *frames <= MOST_FRAMES);
                *field(self) = Some(frames.ok_or_else(invalid)?);
            }
            Kind::Rate(field) => {
                *field(self) = match text {
                    Some("") => Period::default(),
                    text => Period(value::rate(text.unwrap_or("0")).ok_or_else(invalid)?),
                }
            }
            Kind::Text(field) => *field(self) = Some(text.ok_or_else(invalid)?.to_owned()),
            Kind::Word(words, field) => {
                *field(self) = Some(text.filter(|text| words.contains(text)).ok_or_else(invalid)?.to_owned());
            }
            Kind::List(field) => field(self).push(text.ok_or_else(invalid)?.to_owned()),
            Kind::Policy(field) => *field(self) = text.and_then(policy).ok_or_else(invalid)?,
            Kind::Only(values, others, why) => {
                let text = text.filter(|text| values.contains(text) || others.contains(text)).ok_or_else(invalid)?;
                values.contains(&text).then_some(()).ok_or_else(|| refused(why))?;
            }
            Kind::Attributes(field) => *field(self) = Some(text.and_then(Attributes::parse).ok_or_else(invalid)?),
            Kind::Nothing(passes, _) => passes(text).then_some(()).ok_or_else(invalid)?,
            Kind::Refused(why) => return Err(refused(why)),
        }
        Ok(())
    }
}

/// The most frames that can be asked for, of whatever kernel.
const MOST_FRAMES: u64 = i32::MAX as u64;

/// Why setting that option changes nothing, if that is so.
pub fn no_meaning(name: &str) -> Option<&'static str> {
    entry(name)?.no_meaning()
}

/// Whether there is an option of that name.
pub fn is_known(name: &str) -> bool {
    entry(name).is_some()
}

/// The value of an option that is a number. Without one it is 0, with an empty one what it is when it is not set, unless it cannot be 0.
fn measured(
    text: Option<&str>,
    read: fn(&str) -> Option<u64>,
    possible: &RangeInclusive<u64>,
) -> Result<Option<u64>, OptionError> {
    match text {
        Some("") if possible.contains(&0) => Ok(None),
        text => within(read(text.unwrap_or("0")).ok_or_else(invalid)?, possible).map(Some),
    }
}

fn entry(name: &str) -> Option<&'static Entry> {
    TABLE.binary_search_by_key(&name, |entry| entry.name).ok().map(|place| &TABLE[place])
}

fn policy(text: &str) -> Option<Policy> {
    match text {
        "switch" => Some(Policy::Switch),
        "ring" => Some(Policy::Ring),
        "fill" => Some(Policy::Fill),
        _ => None,
    }
}

fn unknown(name: &str) -> OptionError {
    let near = quadrant_types::suggest(name, TABLE.iter().map(|entry| entry.name));
    let help = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
    OptionError { message: "Invalid option name".to_owned(), help }
}

fn invalid() -> OptionError {
    OptionError { message: "Invalid value for specified option".to_owned(), help: String::new() }
}

fn too_late(now: Phase) -> OptionError {
    let (message, help) = match now {
        Phase::Command | Phase::Compile => {
            ("Option cannot be used from within a D program", "set it on the command line (-x)")
        }
        Phase::Start | Phase::Any => {
            ("Operation illegal when tracing is active", "set it on the command line (-x) or by a pragma")
        }
    };
    OptionError { message: message.to_owned(), help: help.to_owned() }
}

fn within(number: u64, possible: &RangeInclusive<u64>) -> Result<u64, OptionError> {
    let (least, most) = (possible.start(), possible.end());
    let (message, help) = match number {
        _ if possible.contains(&number) => return Ok(number),
        _ if number < *least => (invalid().message, format!("at least {least}")),
        _ => ("Value too large for defined data type".to_owned(), format!("at most {most}")),
    };
    Err(OptionError { message, help })
}

fn refused(why: &str) -> OptionError {
    OptionError { message: "Option is not supported".to_owned(), help: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(options: &mut Options, name: &str, value: Option<&str>) -> Result<(), String> {
        options.set(name, value, Phase::Command).map_err(|error| error.message)
    }

    #[test]
    fn the_table_is_sorted_for_looking_up() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn each_kind_of_value() {
        let mut options = Options::default();
        for (name, value) in [
            ("quiet", None),
            ("bufsize", Some("16k")),
            ("cpu", Some("3")),
            ("switchrate", Some("10hz")),
            ("bufpolicy", Some("ring")),
            ("define", Some("A=1")),
            ("define", Some("B")),
            ("cleanrate", Some("101hz")),
            ("evaltime", Some("exec")),
            ("amin", Some("evolving/STABLE")),
            ("core", None),
            ("temporal", None),
            ("quietresize", Some("off")),
            ("rawbytes", Some("0x0")),
            ("aggsortrev", Some("2")),
            ("bpflogsize", None),
            ("bpflogsize", Some("")),
            ("useruid", Some("root")),
            ("maxframes", Some("64")),
            ("modpath", Some("/lib/modules")),
        ] {
            assert_eq!(set(&mut options, name, value), Ok(()), "{name}");
        }
        let expected = Options {
            quiet: true,
            bufsize: Some(16384),
            cpu: Some(3),
            switchrate: Period(100_000_000),
            bufpolicy: Policy::Ring,
            aggsortrev: true,
            define: vec!["A=1".to_owned(), "B".to_owned()],
            amin: Attributes::parse("Evolving/Stable/Common"),
            ..Options::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn mistakes() {
        let mut options = Options::default();
        assert_eq!(set(&mut options, "foo", Some("1")), Err("Invalid option name".to_owned()));
        assert_eq!(set(&mut options, "strsize", Some("abc")), Err("Invalid value for specified option".to_owned()));
        assert_eq!(set(&mut options, "strsize", None), Err("Invalid value for specified option".to_owned()));
        assert_eq!(set(&mut options, "nspec", Some("65537")), Err("Value too large for defined data type".to_owned()));
        for (name, value) in [("strsize", "100g"), ("scratchsize", "1g"), ("aggsize", "2g"), ("pcapsize", "16m")] {
            assert_eq!(set(&mut options, name, Some(value)), Err("Value too large for defined data type".to_owned()));
        }
        assert_eq!(set(&mut options, "strsize", Some("0")), Err("Invalid value for specified option".to_owned()));
        assert_eq!(set(&mut options, "stdc", Some("z")), Err("Invalid value for specified option".to_owned()));
        assert_eq!(set(&mut options, "evaltime", Some("main")), Err("Option is not supported".to_owned()));
        assert_eq!(set(&mut options, "zone", Some("global")), Err("Option is not supported".to_owned()));
        assert_eq!(set(&mut options, "debugassert", Some("x")), Err("Option is not supported".to_owned()));
        assert_eq!(options, Options::default());
    }

    #[test]
    fn values_of_options_without_a_meaning_are_checked() {
        let mut options = Options::default();
        for (name, value) in [
            ("bufresize", Some("maybe")),
            ("linkmode", Some("foo")),
            ("aggrate", Some("5y")),
            ("jstackframes", Some("many")),
            ("amin", Some("nice")),
            ("core", Some("abc")),
            ("core", Some("on")),
            ("udefs", Some("no")),
            ("strip", Some("0")),
            ("errtags", Some("1")),
            ("zdefs", Some("")),
            ("stackframes", Some("2147483648")),
            ("ustackframes", Some("")),
            ("bpflogsize", Some("big")),
            ("maxframes", Some("4k")),
            ("modpath", None),
        ] {
            assert_eq!(set(&mut options, name, value), Err("Invalid value for specified option".to_owned()), "{name}");
        }
        for (name, value) in
            [("bufresize", "auto"), ("linkmode", "dynamic"), ("aggrate", "10hz"), ("jstackframes", "5")]
        {
            assert_eq!(set(&mut options, name, Some(value)), Ok(()));
        }
    }

    #[test]
    fn numbers_without_a_value_are_0_and_empty_ones_are_not_set() {
        let mut options = Options { cpu: Some(7), quiet: true, ..Options::default() };
        for (name, value) in [
            ("aggsortpos", None),
            ("stackframes", None),
            ("switchrate", None),
            ("nspec", Some("")),
            ("cpu", Some("")),
            ("quiet", Some("")),
            ("aggrate", None),
            ("cleanrate", Some("")),
        ] {
            assert_eq!(set(&mut options, name, value), Ok(()), "{name}");
        }
        let expected =
            Options { aggsortpos: Some(0), stackframes: Some(0), switchrate: Period(0), ..Options::default() };
        assert_eq!(options, expected);
    }

    #[test]
    fn options_that_come_too_late() {
        let mut options = Options::default();
        for (name, value, message) in [
            ("statusrate", Some("10hz"), "Operation illegal when tracing is active"),
            ("zdefs", Some("1"), "Invalid value for specified option"),
            ("zdefs", None, "Operation illegal when tracing is active"),
        ] {
            assert_eq!(options.set(name, value, Phase::Any).unwrap_err().message, message);
        }
        assert_eq!(
            options.set("strsize", Some("1k"), Phase::Any).unwrap_err().message,
            "Operation illegal when tracing is active"
        );
        assert_eq!(
            options.set("incdir", Some("/tmp"), Phase::Compile).unwrap_err().message,
            "Option cannot be used from within a D program"
        );
        assert_eq!(options.set("quiet", None, Phase::Any), Ok(()));
        assert_eq!(options, Options { quiet: true, ..Options::default() });
    }
}
