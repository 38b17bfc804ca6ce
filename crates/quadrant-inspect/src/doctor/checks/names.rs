//! Symbols and types: names for addresses, and layouts for data.

use std::io::{BufRead, BufReader};
use std::path::Path;

use quadrant_bpf::Error;
use quadrant_bpf::file::MappedFile;
use quadrant_types::BtfKind;

use super::super::kit::{Kit, Outcome, Trouble};
use super::super::model::Area;
use super::Row;

const AREA: Area = Area::Names;

pub const ROWS: &[Row] = &[
    Row {
        id: "symbols.kernel",
        area: AREA,
        name: "addresses of kernel symbols",
        run: kallsyms,
        options: &["CONFIG_KALLSYMS"],
        since: "",
        instead: &[("", "kernel addresses are shown as numbers")],
    },
    Row {
        id: "symbols.kernel_data",
        area: AREA,
        name: "addresses of the kernel's data",
        run: kernel_data,
        options: &["CONFIG_KALLSYMS_ALL"],
        since: "",
        instead: &[("", "only functions have names")],
    },
    Row {
        id: "types.kernel",
        area: AREA,
        name: "types of the kernel (BTF)",
        run: types,
        options: &["CONFIG_DEBUG_INFO_BTF"],
        since: "",
        instead: &[("", "structures that the script defines itself")],
    },
    Row {
        id: "symbols.user",
        area: AREA,
        name: "files that memory is mapped from",
        run: map_files,
        options: &[],
        since: "",
        instead: &[("", "files are found by path, which fails for those that were deleted or replaced")],
    },
];

const KALLSYMS: &str = "/proc/kallsyms";

/// Looks until the first address: all of them are hidden, or none.
fn kallsyms(_kit: &mut Kit) -> Outcome {
    match find_symbol(|line| !line.starts_with("0000000000000000") || line.contains(" A "))? {
        Some(_) => Ok(String::new()),
        None => {
            let restrict = std::fs::read_to_string("/proc/sys/kernel/kptr_restrict").unwrap_or_default();
            let why = format!("kernel.kptr_restrict is {}, and they are shown to root at most", restrict.trim());
            let hint = "run it as root, and `sysctl kernel.kptr_restrict=1` if it is 2";
            Err(Trouble::denied(Error::new("cannot see kernel addresses", why).with_hint(hint)))
        }
    }
}

fn kernel_data(_kit: &mut Kit) -> Outcome {
    match find_symbol(|line| line.ends_with(" init_task"))? {
        Some(_) => Ok(String::new()),
        None => Err(Error::new("cannot see the kernel's data", "/proc/kallsyms lists functions only").into()),
    }
}

fn find_symbol(wanted: impl Fn(&str) -> bool) -> Result<Option<String>, Error> {
    let failed = |error: &std::io::Error| Error::io(format!("cannot read {KALLSYMS}"), error);
    let file = std::fs::File::open(KALLSYMS).map_err(|error| failed(&error))?;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| failed(&error))?;
        if wanted(&line) {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

fn types(kit: &mut Kit) -> Outcome {
    let file = MappedFile::open(Path::new("/sys/kernel/btf/vmlinux"))?;
    kit.type_id("task_struct", BtfKind::Struct)?;
    Ok(format!("{:.1} MB", file.len() as f64 / 1e6))
}

/// They can be seen, even if they were deleted, by root only; this process's own stand for all others.
fn map_files(_kit: &mut Kit) -> Outcome {
    let failed = |error: &std::io::Error| Error::io("cannot look at what is mapped", error);
    let mut entries = std::fs::read_dir("/proc/self/map_files").map_err(|error| failed(&error))?;
    let first = entries.next().ok_or_else(|| Error::new("cannot look at what is mapped", "nothing is"))?;
    let path = first.map_err(|error| failed(&error))?.path();
    std::fs::metadata(path).map_err(|error| failed(&error))?;
    Ok(String::new())
}
