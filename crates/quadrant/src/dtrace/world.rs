//! What programs can refer to: probes, libraries, symbols of the kernel, macro variables.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use quadrant_d::lower::Library;
use quadrant_d::lower::Symbols;
use quadrant_d::macros::Macros;
use quadrant_d::options::Options;
use quadrant_d::providers;
use quadrant_probes::Source;
use quadrant_symbols::Symbolizer;
use quadrant_types::Types;

use super::getopt::Kind;
use super::getopt::Line;
use crate::failure::Failure;

/// The kernel image, as it is called as a module here and elsewhere.
const KERNEL: [&str; 3] = ["vmlinux", "genunix", "unix"];

/// Where probes are. One description may mean all functions of the kernel.
pub fn catalog(types: &Rc<Types>) -> Source {
    let options = quadrant_probes::Options { max_points: usize::MAX, ..Default::default() };
    Source::new(Rc::clone(types), options)
}

/// How providers read descriptions.
pub fn provider_settings(options: &Options, commands: Vec<providers::Command>) -> providers::Settings {
    providers::Settings { aliases: options.aliases, commands }
}

/// The libraries of `-L`, by name: files that end with `.d`.
///
/// # Errors
/// A folder or a file that cannot be read.
pub fn libraries(options: &Options) -> Result<Vec<Library>, Failure> {
    let mut all = Vec::new();
    for folder in &options.libdir {
        let failed = |error: &std::io::Error| {
            quadrant_bpf::Error::io(format!("failed to read the libraries in {folder}"), error)
        };
        let entries = std::fs::read_dir(folder).map_err(|error| failed(&error))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "d"));
        files.sort();
        for file in files {
            all.push(library(&file).map_err(|error| failed(&error))?);
        }
    }
    Ok(all)
}

fn library(file: &Path) -> std::io::Result<Library> {
    let bytes = std::fs::read(file)?;
    Ok(Library { name: file.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// The macro variables: `$0`, `$1`, ..., `$target`, `$pid`, ...
pub fn macros(line: &Line, options: &Options, target: Option<u32>) -> Macros {
    let script = line.enablings.iter().find(|enabling| enabling.kind == Kind::Script);
    let name = script.map_or("dtrace", |script| script.text.as_str()).to_owned();
    let args = std::iter::once(name).chain(line.operands.iter().cloned()).collect();
    let [parent, group, session] = relatives();
    let mut values = vec![
        ("pid", i64::from(std::process::id())),
        ("ppid", parent),
        ("pgid", group),
        ("sid", session),
        ("uid", i64::from(rustix::process::getuid().as_raw())),
        ("euid", i64::from(rustix::process::geteuid().as_raw())),
        ("gid", i64::from(rustix::process::getgid().as_raw())),
        ("egid", i64::from(rustix::process::getegid().as_raw())),
        // Linux has no projects, tasks and zones: what is not in any has these numbers.
        ("projid", 0),
        ("taskid", 0),
        ("zoneid", 0),
    ];
    // No process has the number 0.
    values.push(("target", target.map_or(0, i64::from)));
    let mut macros = Macros::new(args, values);
    macros.default_args = options.defaultargs;
    macros
}

/// Parent, process group and session; 0 is one outside of our namespace.
fn relatives() -> [i64; 3] {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may have blanks and parentheses; the state follows it.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().skip(1);
    [(); 3].map(|()| fields.next().and_then(|field| field.parse().ok()).unwrap_or(0))
}

/// The kernel's symbols, read when the first one is asked for.
#[derive(Default)]
pub struct KernelSymbols {
    symbols: RefCell<Option<Symbolizer>>,
}

impl Symbols for KernelSymbols {
    fn kernel_address(&self, _module: Option<&str>, name: &str) -> Result<u64, String> {
        let mut symbols = self.symbols.borrow_mut();
        let symbols = symbols.get_or_insert_with(|| Symbolizer::new(quadrant_symbols::Options::default()));
        symbols.kaddr(name).map_err(|error| error.to_string())
    }

    fn has_module(&self, name: &str) -> bool {
        let is_file_name = !name.contains('/') && !name.starts_with('.');
        KERNEL.contains(&name) || is_file_name && Path::new("/sys/module").join(name).is_dir()
    }
}
