//! From functions and addresses to places in the kernel's code.

use std::sync::Arc;

use quadrant_program::probe::{Found, KernelCode, Point, ProbeError, ProbeKind, ProbeSpec, Site};

use super::place::Place;
use crate::error::{Result, advise, error};
use crate::fentry;
use crate::kernel::{IMAGE, Kernel, Selected, Wanted, Way};
use crate::point::check_count;
use crate::source::Options;

/// All points that `["function"]` or `["module", "function"]` means.
pub(crate) fn resolve(kernel: &Kernel, spec: &ProbeSpec, options: &Options) -> Result<Vec<Found>> {
    let place = Place::parse(&spec.parts)?;
    let way = kernel.way(spec.kind, spec.parts.last().map_or("", String::as_str))?;
    kernel.note_way(spec.kind, way);
    let finder = Finder { kernel, spec, way, options };
    match place {
        Place::Functions(wanted) => finder.functions(&wanted),
        Place::Inside { wanted, function, offset } => Ok(vec![finder.inside(&wanted, &function, offset)?]),
        Place::Address(address) => Ok(vec![finder.address(address)?]),
    }
}

struct Finder<'a> {
    kernel: &'a Kernel,
    spec: &'a ProbeSpec,
    way: Way,
    options: &'a Options,
}

impl Finder<'_> {
    fn functions(&self, wanted: &Wanted) -> Result<Vec<Found>> {
        let selected = self.kernel.that_return(self.spec.kind, wanted, self.kernel.select(wanted)?)?;
        let count = selected.len();
        check_count(
            &format!("{}:{}", self.spec.kind.name(), self.spec.parts.join(":")),
            count,
            self.options.max_points,
        )?;
        self.kernel.note_changes(&selected);
        if self.way == Way::Kprobes {
            self.kernel.check_allowed(&selected)?;
        }
        let found: Vec<Found> = selected.iter().filter_map(|one| self.point(wanted, one)).collect();
        match found.is_empty() {
            true => Err(error(
                "this kernel has no kprobes, and no types for the function, which it would need without them",
            )),
            false => Ok(found),
        }
    }

    /// `None` if the function has no types and needs them.
    fn point(&self, wanted: &Wanted, one: &Selected<'_>) -> Option<Found> {
        let on_return = self.spec.kind == ProbeKind::Kretprobe;
        let site = match self.way {
            Way::Trampolines => fentry::site(self.kernel, one, on_return)?,
            // A trampoline sees every return, where this kernel does not tell how many a kernel probe missed.
            Way::Kprobes if on_return && !one.ambiguous && self.kernel.hides_misses() => {
                fentry::site(self.kernel, one, on_return).unwrap_or_else(|| self.kprobe(one.code()))
            }
            Way::Kprobes => self.kprobe(one.code()),
        };
        Some(self.found(site, &full_name(self.spec.kind, wanted, one), one.function.name))
    }

    fn found(&self, site: Site, name: &str, function: &str) -> Found {
        Found { point: Point { site, name: name.to_owned(), func: function.to_owned() }, args: Arc::default() }
    }

    fn kprobe(&self, code: KernelCode) -> Site {
        if self.spec.kind == ProbeKind::Kretprobe { Site::Kretprobe(code) } else { Site::Kprobe(code) }
    }

    fn inside(&self, wanted: &Wanted, function: &str, offset: u64) -> Result<Found> {
        self.only_kprobe("an offset")?;
        let selected = self.kernel.select(wanted)?;
        let [one] = selected.as_slice() else {
            let message =
                format!("{} functions are called `{function}`, so the offset does not say where", selected.len());
            return Err(advise(message, "name the module, or probe an address (with --unsafe)"));
        };
        if !self.options.allow_unsafe {
            self.kernel.check_boundary(one, offset)?;
        }
        let start = one.code();
        let code =
            KernelCode { offset, address: start.address.map(|address| address + offset), traceable: false, ..start };
        let name = format!("{}+{offset}", full_name(self.spec.kind, wanted, one));
        Ok(self.found(Site::Kprobe(code), &name, one.function.name))
    }

    fn address(&self, address: u64) -> Result<Found> {
        self.only_kprobes()?;
        if !self.options.allow_unsafe {
            let message = "whether an instruction starts at an address cannot be known for certain";
            return Err(advise(message, "name the function and an offset, or run again with --unsafe"));
        }
        let function = self.kernel.function_at(address)?;
        let offset = address - function.address.unwrap_or(address);
        let code = KernelCode {
            module: function.module.map(str::to_owned),
            symbol: function.name.to_owned(),
            offset,
            address: Some(address),
            ambiguous: true,
            traceable: false,
        };
        Ok(self.found(self.kprobe(code), &format!("{}:{address:#x}", self.spec.kind.name()), function.name))
    }

    fn only_kprobe(&self, what: &str) -> Result<()> {
        if self.spec.kind != ProbeKind::Kprobe {
            return Err(error(format!("{what} makes sense in a kprobe only: a function returns as a whole")));
        }
        self.only_kprobes()
    }

    fn only_kprobes(&self) -> Result<()> {
        match self.way {
            Way::Kprobes => Ok(()),
            Way::Trampolines => Err(error("this kernel has no kprobes, which a place within a function needs")),
        }
    }
}

/// As `probe` shows it: with the module if the script names one.
pub(super) fn full_name(kind: ProbeKind, wanted: &Wanted, one: &Selected<'_>) -> String {
    match wanted.module {
        Some(_) => format!("{}:{}:{}", kind.name(), one.function.module.unwrap_or(IMAGE), one.function.name),
        None => format!("{}:{}", kind.name(), one.function.name),
    }
}

/// What the kernel's refusal of a probe means, by its own lists.
pub(crate) fn explain(code: &KernelCode, refusal: &quadrant_bpf::Error) -> ProbeError {
    let error = crate::error::from_kernel(refusal);
    match crate::kernel::why_refused(code) {
        Some(why) if refusal.errno().is_some() => ProbeError { message: format!("{}: {why}", refusal.what()), ..error },
        _ => error,
    }
}
