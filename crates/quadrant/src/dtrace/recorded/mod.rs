//! What compiling a program in D has asked of the world, for a recording: so it is compiled again where there is no such world.

mod layout;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::Arc;

use quadrant_d::desc::ProbeDesc;
use quadrant_d::lower::FindProbes;
use quadrant_d::lower::Symbols;
use quadrant_d::macros::Macros;
use quadrant_d::providers::Layout;
use quadrant_d::providers::Probe;
use quadrant_program::probe::Inode;
use quadrant_program::probe::Point;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::ProbeErrorKind;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::Site;
use quadrant_types::Types;
use serde_json::Value;
use serde_json::json;

use layout::Here;

/// Asks others, and keeps what they say.
pub struct Asked<'a> {
    probes: &'a dyn FindProbes,
    symbols: &'a dyn Symbols,
    found: RefCell<BTreeMap<String, Vec<Probe>>>,
    addresses: RefCell<BTreeMap<String, u64>>,
    modules: RefCell<BTreeSet<String>>,
}

impl<'a> Asked<'a> {
    /// Nothing has been asked yet.
    pub fn new(probes: &'a dyn FindProbes, symbols: &'a dyn Symbols) -> Asked<'a> {
        let (found, addresses, modules) = Default::default();
        Asked { probes, symbols, found, addresses, modules }
    }

    /// What the file's first line says of it.
    pub fn to_json(&self, types: &Types, macros: &Macros, wall_offset: i64) -> Value {
        let mut places: HashMap<&Point, usize> = HashMap::new();
        let mut layouts = Layouts { types, all: Vec::new(), numbers: HashMap::new(), known: HashMap::new() };
        let found = self.found.borrow();
        let mut all: Vec<Value> = Vec::new();
        for (description, probes) in found.iter() {
            let mut said: Vec<Value> = Vec::new();
            for Probe { point, id, layout } in probes {
                let (place, layout) = (number_of(&mut places, point), layouts.number_of(layout));
                said.push(json!({
                    "name": point.name, "function": point.func, "site": site_word(&point.site), "place": place, "id": id,
                    "layout": layout,
                }));
            }
            all.push(json!({"description": description, "probes": said}));
        }
        let macros: serde_json::Map<String, Value> =
            macros.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "found": all, "layouts": layouts.all, "macros": macros, "wall_offset_ns": wall_offset,
            "addresses": *self.addresses.borrow(), "modules": *self.modules.borrow(),
        })
    }
}

/// The number of a value among others: the next one if it is new.
fn number_of<T: Hash + Eq>(all: &mut HashMap<T, usize>, one: T) -> usize {
    let next = all.len();
    *all.entry(one).or_insert(next)
}

/// Layouts of the file, each once: there can be very many probes.
struct Layouts<'a> {
    types: &'a Types,
    all: Vec<Value>,
    /// By what the file says.
    numbers: HashMap<String, usize>,
    /// Those that were looked at. Probes that share one do so by its address.
    known: HashMap<*const Layout, usize>,
}

impl Layouts<'_> {
    fn number_of(&mut self, layout: &Arc<Layout>) -> usize {
        if let Some(number) = self.known.get(&Arc::as_ptr(layout)) {
            return *number;
        }
        let said = layout::to_json(layout, self.types);
        let number = number_of(&mut self.numbers, said.to_string());
        if number == self.all.len() {
            self.all.push(said);
        }
        self.known.insert(Arc::as_ptr(layout), number);
        number
    }
}

/// What of a place decides how clauses are compiled.
fn site_word(site: &Site) -> &'static str {
    match kind(site) {
        Some(ProbeKind::Begin) => "begin",
        Some(ProbeKind::End) => "end",
        Some(ProbeKind::Uprobe) => "process",
        Some(_) => "kernel",
        None => "fault",
    }
}

/// The kind of point that a recording has for a place; none for faults, which are no events.
pub fn kind(site: &Site) -> Option<ProbeKind> {
    match site {
        Site::Begin => Some(ProbeKind::Begin),
        Site::End => Some(ProbeKind::End),
        Site::Error => None,
        Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. } => Some(ProbeKind::Uprobe),
        _ => Some(ProbeKind::Interval),
    }
}

impl FindProbes for Asked<'_> {
    fn find(&self, desc: &ProbeDesc) -> Result<Vec<Probe>, ProbeError> {
        let probes = self.probes.find(desc)?;
        self.found.borrow_mut().insert(desc.to_string(), probes.clone());
        Ok(probes)
    }

    fn by_id(&self, id: u32) -> Result<Vec<Probe>, ProbeError> {
        let probes = self.probes.by_id(id)?;
        self.found.borrow_mut().insert(id.to_string(), probes.clone());
        Ok(probes)
    }
}

impl Symbols for Asked<'_> {
    fn kernel_address(&self, module: Option<&str>, name: &str) -> Result<u64, String> {
        let address = self.symbols.kernel_address(module, name)?;
        self.addresses.borrow_mut().insert(symbol(module, name), address);
        Ok(address)
    }

    fn has_module(&self, name: &str) -> bool {
        let is_there = self.symbols.has_module(name);
        if is_there {
            self.modules.borrow_mut().insert(name.to_owned());
        }
        is_there
    }
}

fn symbol(module: Option<&str>, name: &str) -> String {
    module.map_or_else(|| name.to_owned(), |module| format!("{module}`{name}"))
}

/// What a recording says of the world.
pub struct Known<'a> {
    found: BTreeMap<String, Vec<Probe>>,
    said: &'a Value,
    /// Types of it that this machine does not have.
    pub missing_types: BTreeSet<String>,
}

impl<'a> Known<'a> {
    /// Reads what the file's first line says; `None` if that makes no sense, or has code that is not of our providers.
    pub fn of_json(said: &'a Value, types: &Types) -> Option<Known<'a>> {
        let here = Here::new(types);
        let layouts = said["layouts"].as_array()?.iter();
        let layouts: Vec<_> =
            layouts.map(|layout| layout::of_json(layout, &here).map(Arc::new)).collect::<Option<_>>()?;
        let probe = |probe: &Value| {
            let place = probe["place"].as_u64()?;
            let (name, func) = (probe["name"].as_str()?.to_owned(), probe["function"].as_str()?.to_owned());
            Some(Probe {
                point: Point { site: site(probe["site"].as_str()?, place)?, name, func },
                id: u32::try_from(probe["id"].as_u64()?).ok()?,
                layout: layouts.get(usize::try_from(probe["layout"].as_u64()?).ok()?)?.clone(),
            })
        };
        let found = said["found"].as_array()?.iter();
        let found = found.map(|found| {
            let probes = found["probes"].as_array()?.iter().map(probe).collect::<Option<_>>()?;
            Some((found["description"].as_str()?.to_owned(), probes))
        });
        let found = found.collect::<Option<_>>()?;
        Some(Known { found, said, missing_types: here.missing.into_inner() })
    }

    /// Gives macro variables the values that they had.
    pub fn set_macros(&self, macros: &mut Macros) {
        for (name, value) in &mut macros.values {
            *value = self.said["macros"][*name].as_i64().unwrap_or(*value);
        }
    }

    /// Nanoseconds from the monotonic clock to the time of day.
    pub fn wall_offset(&self) -> i64 {
        self.said["wall_offset_ns"].as_i64().unwrap_or(0)
    }

    fn all(&self) -> impl Iterator<Item = &Probe> {
        self.found.values().flatten()
    }
}

/// A place of which nothing counts but its kind, and that it is another one than the rest.
fn site(word: &str, place: u64) -> Option<Site> {
    Some(match word {
        "begin" => Site::Begin,
        "end" => Site::End,
        "fault" => Site::Error,
        "process" => Site::Uprobe { path: PathBuf::new(), inode: Inode::default(), offset: place, pid: None },
        "kernel" => Site::Interval { period_ns: place },
        _ => return None,
    })
}

impl FindProbes for Known<'_> {
    fn find(&self, desc: &ProbeDesc) -> Result<Vec<Probe>, ProbeError> {
        let text = desc.to_string();
        if let Some(probes) = self.found.get(&text) {
            return Ok(probes.clone());
        }
        let mut seen: HashSet<&Point> = HashSet::new();
        let fitting = self.all().filter(|probe| desc.accepts(&probe.point.name) && seen.insert(&probe.point));
        let mut fitting: Vec<Probe> = fitting.cloned().collect();
        if fitting.is_empty() {
            fitting.extend(always_there(desc));
        }
        if fitting.is_empty() { Err(not_there(&text)) } else { Ok(fitting) }
    }

    fn by_id(&self, id: u32) -> Result<Vec<Probe>, ProbeError> {
        let probes: Vec<Probe> = self.all().filter(|probe| probe.id == id).cloned().collect();
        if probes.is_empty() { Err(not_there(&id.to_string())) } else { Ok(probes) }
    }
}

/// The probes that every trace has, whether or not the recorded script used them.
fn always_there(desc: &ProbeDesc) -> Option<Probe> {
    let sites = [("BEGIN", Site::Begin), ("END", Site::End), ("ERROR", Site::Error)];
    let ((word, site), id) = sites.into_iter().zip(1..).find(|((word, _), _)| desc.name == *word)?;
    let name = format!("dtrace:::{word}");
    let point = Point { site, name, func: String::new() };
    desc.accepts(&point.name).then(|| Probe { point, id, layout: Arc::default() })
}

fn not_there(what: &str) -> ProbeError {
    let help = "`quadrant record` records what the clauses of a program ask for, and no more";
    ProbeError::new(format!("the recording has no probe {what}")).kind(ProbeErrorKind::NoMatch).help([help.to_owned()])
}

impl Symbols for Known<'_> {
    fn kernel_address(&self, module: Option<&str>, name: &str) -> Result<u64, String> {
        let address = self.said["addresses"][symbol(module, name)].as_u64();
        address.ok_or_else(|| format!("the recording does not say where {} is", symbol(module, name)))
    }

    fn has_module(&self, name: &str) -> bool {
        self.said["modules"].as_array().is_some_and(|modules| modules.iter().any(|module| module == name))
    }
}
