//! The kernel's own list of kernel probes: debugfs's `kprobes/list`. It has every probe, whoever made it.

use quadrant_bpf::debugfs::DebugFs;

use super::Notes;

/// A line of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kprobe {
    /// The address; 0 if the kernel hides it.
    pub address: u64,
    /// `k` for a probe, `r` for one of a return.
    pub on_return: bool,
    pub function: String,
    pub offset: u64,
    pub module: Option<String>,
    /// `FTRACE`, `OPTIMIZED`, `DISABLED`, `GONE`.
    pub flags: Vec<String>,
}

/// Reads the list; empty on a kernel without kernel probes.
pub fn read(notes: &mut Notes) -> Vec<Kprobe> {
    let text = match DebugFs::open().and_then(|debugfs| debugfs.read("kprobes/list")) {
        Err(error) if error.is(libc::ENOENT) || error.is(libc::ENODEV) => return Vec::new(),
        answer => notes.or_default(answer),
    };
    String::from_utf8_lossy(&text).lines().filter_map(parse).collect()
}

/// `ffffffff81434a14  r  vfs_read+0x4    [FTRACE]`, with the module's name between place and flags.
fn parse(line: &str) -> Option<Kprobe> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let on_return = words.next()? == "r";
    let (function, offset) = place(words.next()?);
    let (flags, names): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with('['));
    let flags = flags.iter().flat_map(|word| word.split(['[', ']'])).filter(|flag| !flag.is_empty());
    Some(Kprobe {
        address,
        on_return,
        function,
        offset,
        module: names.first().map(|name| (*name).to_owned()),
        flags: flags.map(str::to_owned).collect(),
    })
}

/// `function+0xOFFSET`, with `/0xSIZE` behind it where the kernel had to look the function up.
fn place(text: &str) -> (String, u64) {
    let Some((function, offset)) = text.rsplit_once("+0x") else { return (text.to_owned(), 0) };
    let digits = offset.split('/').next().unwrap_or_default();
    (function.to_owned(), u64::from_str_radix(digits, 16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines() {
        let probe = parse("ffffffff81434a14  r  vfs_read+0x4    [FTRACE]").unwrap();
        assert_eq!((probe.address, probe.on_return), (0xffff_ffff_8143_4a14, true));
        assert_eq!((&probe.function[..], probe.offset, probe.module), ("vfs_read", 4, None));
        assert_eq!(probe.flags, ["FTRACE"]);
        let probe = parse("ffffffffc0123000  k  ext4_file_open+0x0  ext4 [DISABLED][FTRACE]").unwrap();
        assert_eq!((probe.on_return, probe.module.as_deref()), (false, Some("ext4")));
        assert_eq!(probe.flags, ["DISABLED", "FTRACE"]);
        let probe = parse("0000000000000000  k  foo+0x10/0x80").unwrap();
        assert_eq!((&probe.function[..], probe.offset), ("foo", 0x10));
        assert!(parse("").is_none() && parse("x y z").is_none() && parse("12 k").is_none());
    }
}
