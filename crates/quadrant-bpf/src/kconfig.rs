//! The configuration that the running kernel was built with.

use std::io::Read;

use crate::kernel;

/// What an option of the kernel's configuration is set to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Setting {
    /// `y`, `m`, a number or a text, as the file has it.
    Set(String),
    /// Listed as not set, or not listed at all because what it depends on is not set.
    Absent,
}

/// The running kernel's configuration, if it can be found, and where it was.
pub struct Kconfig {
    path: String,
    text: String,
}

/// The largest configuration that is read, in bytes; real ones are under a megabyte.
const LARGEST: u64 = 16 << 20;

impl Kconfig {
    /// Reads `/proc/config.gz`, or else what distributions put beside the kernel.
    pub fn open() -> Option<Kconfig> {
        let release = kernel::release();
        let beside = [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")];
        let paths = std::iter::once("/proc/config.gz".to_owned()).chain(beside);
        paths.into_iter().find_map(|path| Some(Kconfig { text: read(&path)?, path }))
    }

    /// The file it was read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What an option, such as `CONFIG_KPROBES`, is set to.
    pub fn get(&self, option: &str) -> Setting {
        let value = self.text.lines().find_map(|line| line.strip_prefix(option)?.strip_prefix('='));
        value.map_or(Setting::Absent, |value| Setting::Set(value.trim_matches('"').to_owned()))
    }
}

fn read(path: &str) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    let read = match path.ends_with(".gz") {
        true => flate2::read::GzDecoder::new(file).take(LARGEST).read_to_end(&mut bytes),
        false => file.take(LARGEST).read_to_end(&mut bytes),
    };
    read.ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_set_or_not() {
        let text = "CONFIG_KPROBES_ON_FTRACE=y\n# CONFIG_KPROBES is not set\nCONFIG_HZ=250\nCONFIG_LSM=\"a,b\"\n";
        let config = Kconfig { path: String::new(), text: text.to_owned() };
        assert_eq!(config.get("CONFIG_KPROBES"), Setting::Absent);
        assert_eq!(config.get("CONFIG_KPROBES_ON_FTRACE"), Setting::Set("y".to_owned()));
        assert_eq!(config.get("CONFIG_HZ"), Setting::Set("250".to_owned()));
        assert_eq!(config.get("CONFIG_LSM"), Setting::Set("a,b".to_owned()));
        assert_eq!(config.get("CONFIG_FPROBE"), Setting::Absent);
    }
}
