//! `quadrant btf header`: the kernel's types as C.

use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use clap::Parser;
use clap::Subcommand;
use quadrant_bpf::file::MappedFile;
use quadrant_types::Btf;

use crate::commands;
use crate::commands::Done;
use crate::failure::Failure;

/// The kernel's type information (BTF).
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant btf", no_binary_name = true, max_term_width = 100)]
struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a C header with the kernel's types, as `vmlinux.h`
    Header {
        /// The types of this module, with those of the kernel that they need
        #[arg(short, long, value_name = "NAME")]
        module: Option<String>,

        /// Only these and what they need: `task_struct`, `'enum pid_type'`, `pid_t`
        #[arg(value_name = "TYPE")]
        types: Vec<String>,
    },
}

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let Options { action: Action::Header { module, types } } = commands::parse(words)?;
    Ok(header(module.as_deref(), &types).and_then(|text| commands::print(text.as_bytes())).map(|()| 0))
}

/// The header for the running kernel, or for one of its modules.
pub fn header(module: Option<&str>, types: &[String]) -> Result<String, Failure> {
    let kernel = open("vmlinux", None)?;
    let (btf, name) = match module {
        None => (kernel, "vmlinux"),
        Some(name) if name.contains('/') => return Err(Failure::usage("a module's name has no slash")),
        Some(name) => (open(name, Some(kernel))?, name),
    };
    quadrant_types::c_header(&btf, types, name).map_err(|error| Failure::new(error.to_string()))
}

fn open(name: &str, base: Option<Rc<Btf>>) -> Result<Rc<Btf>, Failure> {
    let data = MappedFile::open(&Path::new("/sys/kernel/btf").join(name))?;
    let btf = match base {
        None => Btf::new(data),
        Some(base) => Btf::new_split(base, data),
    };
    btf.map(Rc::new).map_err(|error| Failure::new(error.to_string()))
}
