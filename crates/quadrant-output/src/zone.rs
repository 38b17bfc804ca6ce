//! The time zone that times are shown in.

use std::ffi::OsStr;
use std::fs;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use jiff::tz::TimeZone;

/// Where systems keep the rules of time zones, as `TZDIR` says it, too.
const DIRECTORIES: &[&str] = &["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// The zone of `TZ`, else the system's.
pub(crate) fn local() -> TimeZone {
    // The library reads rules (`TZ=JST-9`) and paths. Its way to names first lists all of them, which is hundreds of files.
    std::env::var_os("TZ").and_then(|name| named(&name, &directories())).unwrap_or_else(TimeZone::system)
}

fn directories() -> Vec<PathBuf> {
    let own = std::env::var_os("TZDIR").map(PathBuf::from);
    own.into_iter().chain(DIRECTORIES.iter().map(PathBuf::from)).collect()
}

/// The zone that a name means (`Asia/Tokyo`, also `:Asia/Tokyo`), if one of the directories has it.
fn named(name: &OsStr, directories: &[PathBuf]) -> Option<TimeZone> {
    let name = name.to_str()?;
    let name = name.strip_prefix(':').unwrap_or(name);
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || !plain {
        return None;
    }
    let bytes = directories.iter().find_map(|directory| fs::read(directory.join(name)).ok())?;
    TimeZone::tzif(name, &bytes).ok()
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
        fs::remove_dir_all(&directory).unwrap();
    }
}
