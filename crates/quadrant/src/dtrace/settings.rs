//! D's options as the stages of a trace want them.

use quadrant_d::options::OptionError;
use quadrant_d::options::Options;
use quadrant_d::options::Phase;
use quadrant_output::dtrace;

use super::getopt::Setting;
use super::sink;
use crate::failure::Failure;

/// Settings from the environment (`DTRACE_OPT_STRSIZE=1k`), then those of the command line; and the options that they make.
///
/// # Errors
/// An option that there is not, or a value that it cannot have.
pub fn all(line: &[Setting]) -> Result<(Vec<Setting>, Options), Failure> {
    let mut options = Options::default();
    let settings: Vec<Setting> = environment().into_iter().chain(line.iter().cloned()).collect();
    settings.iter().try_for_each(|setting| set(&mut options, setting))?;
    Ok((settings, options))
}

fn set(options: &mut Options, Setting { name, value, written }: &Setting) -> Result<(), Failure> {
    options.set(name, value.as_deref(), Phase::Command).map_err(|error| cannot_set(written, error))?;
    let cpus = quadrant_bpf::cpus::possible_count().unwrap_or(usize::MAX);
    match options.cpu {
        Some(cpu) if cpu >= cpus as u64 => {
            Err(Failure::new(format!("failed to set {written}: there is no CPU {cpu}, the last one is {}", cpus - 1)))
        }
        _ => Ok(()),
    }
}

/// How the names of variables with options begin.
const VARIABLE: &str = "DTRACE_OPT_";

fn environment() -> Vec<Setting> {
    let option = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let written = name.into_string().ok().filter(|name| name.starts_with(VARIABLE))?;
        let name = written[VARIABLE.len()..].to_ascii_lowercase();
        let value = value.to_string_lossy().into_owned();
        Some(Setting { name, value: Some(value).filter(|value| !value.is_empty()), written })
    };
    std::env::vars_os().filter_map(option).collect()
}

fn cannot_set(what: &str, error: OptionError) -> Failure {
    let failure = Failure::new(format!("failed to set {what}: {}", error.message));
    if error.help.is_empty() { failure } else { failure.hint(error.help) }
}

/// D's `bufsize` and `specsize`, unless they are set.
const BUFFER: u64 = 4 << 20;

/// What the sink wants to know.
pub fn of_sink(options: &Options, target: Option<u32>) -> sink::Settings {
    sink::Settings {
        options: options.clone(),
        target,
        buffer_bytes: options.bufsize.unwrap_or(BUFFER),
        speculation_bytes: options.specsize.unwrap_or(BUFFER),
    }
}

/// How the printer prints.
pub fn of_printer(options: &Options, target: Option<u32>) -> dtrace::Options {
    let defaults = dtrace::Options::default();
    let number = |value: Option<u64>, default: u32| value.map_or(default, |value| value.try_into().unwrap_or(u32::MAX));
    let position = |value: Option<u64>| value.map_or(0, |value| value.try_into().unwrap_or(usize::MAX));
    dtrace::Options {
        quiet: options.quiet,
        flowindent: options.flowindent,
        rawbytes: options.rawbytes,
        stackindent: number(options.stackindent, defaults.stackindent),
        printsize: number(options.printsize, defaults.printsize),
        sort: dtrace::Sort {
            key: options.aggsortkey,
            reverse: options.aggsortrev,
            key_position: position(options.aggsortkeypos),
            position: position(options.aggsortpos),
        },
        hist: options.agghist,
        pack: options.aggpack,
        zoom: options.aggzoom,
        testing: std::env::var_os("_DTRACE_TESTING").is_some(),
        droptags: options.droptags,
        target,
    }
}
