//! Names for what the kernel gives as numbers. Each table is read when it is first needed.

mod functions;

use std::collections::HashMap;

use quadrant_bpf::cgroup;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_symbols::{Frame, Options, Symbolizer};

pub use functions::Function;

/// What was read so far.
pub struct Names {
    symbols: Symbolizer,
    functions: functions::Functions,
    /// Categories of tracepoints; `None` for a name that several have.
    tracepoints: Option<HashMap<String, Option<String>>>,
    interfaces: Option<HashMap<u32, String>>,
    cgroups: Option<HashMap<u64, Vec<u8>>>,
    units: Option<HashMap<u32, String>>,
}

impl Names {
    /// Nothing is read yet.
    pub fn new() -> Names {
        Names {
            symbols: Symbolizer::new(Options::default()),
            functions: functions::Functions::default(),
            tracepoints: None,
            interfaces: None,
            cgroups: None,
            units: None,
        }
    }

    /// A function by its type.
    pub fn function(&mut self, object: u32, btf_id: u32) -> Option<Function> {
        self.functions.find(object, btf_id)
    }

    /// `category:name` of a tracepoint, or its name if the category is not certain.
    pub fn tracepoint(&mut self, name: &str) -> String {
        let category = self.tracepoints.get_or_insert_with(tracepoints).get(name).and_then(Option::as_deref);
        category.map_or_else(|| name.to_owned(), |category| format!("{category}:{name}"))
    }

    /// The kernel's function at an address, and the distance from its start.
    pub fn kernel(&mut self, address: u64) -> Option<(String, u64)> {
        symbol(&self.symbols.ksym(address))
    }

    /// Functions at offsets of a file, and the distances from their starts.
    pub fn user(&mut self, path: &[u8], offsets: &[u64]) -> Vec<Option<(String, u64)>> {
        let path = std::str::from_utf8(path).ok().filter(|path| is_regular(path));
        let Some(path) = path else { return vec![None; offsets.len()] };
        let frames = self.symbols.file(path, offsets);
        // Inlined functions come first; the probe is in the last one.
        frames.iter().map(|frames| symbol(frames.last()?)).collect()
    }

    /// A network interface of this namespace.
    pub fn interface(&mut self, number: u32) -> String {
        let name = self.interfaces.get_or_insert_with(interfaces).get(&number);
        name.cloned().unwrap_or_else(|| format!("interface {number}"))
    }

    /// A control group's path below the root of all groups.
    pub fn cgroup(&mut self, number: u64) -> Vec<u8> {
        let path = self.cgroups.get_or_insert_with(cgroups).get(&number);
        path.cloned().unwrap_or_else(|| format!("cgroup {number}").into_bytes())
    }

    /// A perf unit by its number, if sysfs shows it.
    pub fn unit(&mut self, number: u32) -> Option<String> {
        self.units.get_or_insert_with(units).get(&number).cloned()
    }
}

fn symbol(frame: &Frame) -> Option<(String, u64)> {
    let symbol = frame.symbol.as_ref()?;
    Some((symbol.name.to_string(), symbol.offset))
}

/// Never opens a pipe or a device.
fn is_regular(path: &str) -> bool {
    path.starts_with('/') && std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn tracepoints() -> HashMap<String, Option<String>> {
    let mut found = HashMap::new();
    let Ok(tracefs) = TraceFs::open() else { return found };
    for category in tracefs.list("events").unwrap_or_default() {
        // Plain files of the folder are no categories; their listing fails.
        for name in tracefs.list(&format!("events/{category}")).unwrap_or_default() {
            let unique = !found.contains_key(&name);
            found.insert(name, unique.then(|| category.clone()));
        }
    }
    found
}

/// Paths of all groups of the unified hierarchy, the only one that programs know.
fn cgroups() -> HashMap<u64, Vec<u8>> {
    let unified = cgroup::hierarchies().into_iter().find(|hierarchy| hierarchy.name == cgroup::UNIFIED);
    unified.map_or_else(HashMap::new, |hierarchy| hierarchy.paths())
}

fn interfaces() -> HashMap<u32, String> {
    numbered("/sys/class/net", "ifindex")
}

fn units() -> HashMap<u32, String> {
    numbered("/sys/bus/event_source/devices", "type")
}

/// Names of the folders in a folder, by the number in a file of each.
fn numbered(folder: &str, file: &str) -> HashMap<u32, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let number = std::fs::read_to_string(entry.path().join(file)).ok()?;
        Some((number.trim().parse().ok()?, entry.file_name().to_string_lossy().into_owned()))
    });
    named.collect()
}
