//! The time zone that times are shown in.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use jiff::tz::TimeZone;

/// Where systems keep the rules of time zones, as `TZDIR` says it, too.
const DIRECTORIES: &[&str] = &["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// Bytes of the largest file that is read: the rules of a zone take some kilobytes.
const LARGEST: u64 = 1 << 20;

/// The zone of `TZ`, else the system's.
pub(crate) fn local() -> TimeZone {
    match std::env::var_os("TZ") {
        // The library would wait for a pipe. What is no zone is UTC, as to the C library.
        Some(name) if is_path(&name) => at_path(&name).unwrap_or(TimeZone::UTC),
        // The library reads rules (`TZ=JST-9`). Its way to names first lists all of them, which is hundreds of files.
        Some(name) => named(&name, &directories()).unwrap_or_else(TimeZone::system),
        None => TimeZone::system(),
    }
}

fn directories() -> Vec<PathBuf> {
    let own = std::env::var_os("TZDIR").map(PathBuf::from);
    own.into_iter().chain(DIRECTORIES.iter().map(PathBuf::from)).collect()
}

fn is_path(name: &OsStr) -> bool {
    text(name).is_some_and(|name| name.starts_with('/'))
}

/// The value of `TZ` without the colon that may stand before it.
fn text(name: &OsStr) -> Option<&str> {
    let name = name.to_str()?;
    Some(name.strip_prefix(':').unwrap_or(name))
}

fn at_path(name: &OsStr) -> Option<TimeZone> {
    let name = text(name)?;
    TimeZone::tzif(name, &rules(Path::new(name))?).ok()
}

/// The zone that a name means (`Asia/Tokyo`, also `:Asia/Tokyo`), if one of the directories has it.
fn named(name: &OsStr, directories: &[PathBuf]) -> Option<TimeZone> {
    let name = text(name)?;
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !plain {
        return None;
    }
    let bytes = directories.iter().find_map(|directory| rules(&directory.join(name)))?;
    TimeZone::tzif(name, &bytes).ok()
}

/// The contents of a file, if it can be one with a zone's rules: who sets `TZ` may name a device or a pipe.
fn rules(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::PathBuf;

    use jiff::Timestamp;

    use super::named;

    /// The compiled rules of a zone that is always nine hours ahead.
    fn nine_hours_ahead() -> Vec<u8> {
        let mut part = b"TZif2".to_vec();
        part.extend([0; 15]);
        // Numbers of: UT indicators, standard indicators, leap seconds, transitions, kinds of time, bytes of names.
        part.extend([0_u32, 0, 0, 0, 1, 4].iter().flat_map(|count| count.to_be_bytes()));
        part.extend(32_400_i32.to_be_bytes());
        part.extend([0, 0]);
        part.extend(b"JST\0");
        // Once for 32 bits, once for 64, which are the same without transitions, and the rule for later times.
        [&part[..], &part[..], b"\nJST-9\n"].concat()
    }

    fn offset(name: &str, directory: &str) -> Option<i32> {
        let zone = named(OsStr::new(name), &[PathBuf::from("/nonexistent"), PathBuf::from(directory)])?;
        Some(zone.to_offset(Timestamp::UNIX_EPOCH).seconds())
    }

    #[test]
    fn a_zone_is_found_by_its_name_in_a_directory_of_zones_and_nowhere_else() {
        let directory = std::env::temp_dir().join(format!("quadrant-zones-{}", std::process::id()));
        fs::create_dir_all(directory.join("Far")).unwrap();
        fs::write(directory.join("Far/East"), nine_hours_ahead()).unwrap();
        fs::write(directory.join("text"), "no zone").unwrap();
        let path = directory.to_str().unwrap();
        assert_eq!(offset("Far/East", path), Some(32_400));
        assert_eq!(offset(":Far/East", path), Some(32_400));
        for name in ["", ":", "Far", "Far/West", "text", "../text", "JST-9", &format!("{path}/Far/East")] {
            assert_eq!(offset(name, path), None, "{name}");
        }
        let absolute = super::at_path(OsStr::new(&format!(":{path}/Far/East"))).unwrap();
        assert_eq!(absolute.to_offset(Timestamp::UNIX_EPOCH).seconds(), 32_400);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        for (name, directory) in [("zero", "/dev"), ("self", "/proc"), ("shm", "/dev")] {
            assert_eq!(offset(name, directory), None, "{name}");
        }
        assert!(super::at_path(OsStr::new("/dev/zero")).is_none());
    }
}
