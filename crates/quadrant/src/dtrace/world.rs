//! What programs can refer to: probes, libraries, symbols of the kernel, macro variables.

use std::cell::RefCell;
use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;

use quadrant_d::lower::FindProbes;
use quadrant_d::lower::Library;
use quadrant_d::lower::Symbols;
use quadrant_d::macros::Macros;
use quadrant_d::options::Options;
use quadrant_d::providers;
use quadrant_d::providers::Providers;
use quadrant_probes::Source;
use quadrant_symbols::Symbolizer;
use quadrant_types::Types;

use super::getopt::Kind;
use super::getopt::Line;
use super::targets::Targets;
use crate::failure::shown;
use crate::output_file;

/// The kernel image, as it is called as a module here and elsewhere.
const KERNEL: [&str; 3] = ["vmlinux", "genunix", "unix"];

/// What compiling asks.
pub struct World<'a> {
    /// Finds probes.
    pub probes: &'a dyn FindProbes,
    /// Finds addresses.
    pub symbols: &'a dyn Symbols,
    /// C types.
    pub types: &'a Types,
    /// What macro variables stand for.
    pub macros: &'a Macros,
    /// Nanoseconds from the monotonic clock to the time of day.
    pub wall_offset: i64,
}

/// This machine, as programs see it that are compiled for it.
pub struct Machine {
    /// C types.
    pub types: Rc<Types>,
    /// The kernel's symbols.
    pub symbols: KernelSymbols,
    /// What macro variables stand for.
    pub macros: Macros,
    catalog: Source,
    settings: providers::Settings,
}

impl Machine {
    /// Nothing is read yet. One description may mean all functions of the kernel.
    pub fn new(line: &Line, options: &Options, targets: &Targets) -> Machine {
        let types = Rc::new(crate::world::types());
        let limits = quadrant_probes::Options { max_points: usize::MAX, ..Default::default() };
        Machine {
            catalog: Source::new(Rc::clone(&types), limits),
            types,
            symbols: KernelSymbols::default(),
            macros: macros(line, options, targets.first),
            settings: providers::Settings { aliases: options.aliases.0, commands: targets.commands.clone() },
        }
    }

    /// Its probes, as D calls them.
    pub fn providers(&self) -> Providers<'_> {
        Providers::new(&self.catalog, &self.types, self.settings.clone())
    }

    /// What compiling asks, with those who answer it.
    pub fn world<'a>(&'a self, probes: &'a dyn FindProbes, symbols: &'a dyn Symbols) -> World<'a> {
        let Machine { types, macros, .. } = self;
        World { probes, symbols, types, macros, wall_offset: quadrant_session::wall_offset_ns() }
    }

    /// Says what the user should know of the probes that were found, and is no error.
    pub fn warn(&self, providers: &Providers<'_>) {
        let of_files =
            self.catalog.warnings().into_iter().map(|warning| warning.in_language(quadrant_d::providers::spell));
        for warning in providers.take_warnings().into_iter().chain(of_files) {
            eprintln!("dtrace: warning: {}", shown(&warning));
        }
    }
}

/// The libraries of `-L`, by name: files that end with `.d`. What cannot be read is no error, as nothing may need it.
pub fn libraries(options: &Options) -> Vec<Library> {
    let files = options.libdir.iter().flat_map(|folder| or_warn(folder, library_files(folder)).unwrap_or_default());
    files.filter_map(|file| or_warn(&file.display().to_string(), library(&file))).collect()
}

fn library_files(folder: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "d"));
    files.sort();
    Ok(files)
}

fn or_warn<T>(what: &str, read: std::io::Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        let error = quadrant_bpf::Error::io(format!("failed to read libraries in {what}"), error);
        eprintln!("dtrace: warning: {}", shown(&error.to_string()));
    })
    .ok()
}

fn library(file: &Path) -> std::io::Result<Library> {
    output_file::keep(file);
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
    fn kernel_address(&self, module: Option<&str>, name: &str) -> Result<u64, String> {
        let mut symbols = self.symbols.borrow_mut();
        let symbols = symbols.get_or_insert_with(|| Symbolizer::new(quadrant_symbols::Options::default()));
        let address = match module {
            Some(module) if !self.has_module(module) => return Err(format!("the module `{module}` is not loaded")),
            Some(module) if is_loaded(module) => symbols.kaddr_in_module(module, name),
            // What is built in is part of the kernel's own list.
            _ => symbols.kaddr(name),
        };
        address.map_err(|error| error.to_string())
    }

    fn has_module(&self, name: &str) -> bool {
        let is_file_name = !name.contains('/') && !name.starts_with('.');
        KERNEL.contains(&name) || is_file_name && Path::new("/sys/module").join(name).is_dir()
    }
}

/// Whether a module that is there was loaded, rather than built in.
fn is_loaded(module: &str) -> bool {
    Path::new("/sys/module").join(module).join("initstate").exists()
}
