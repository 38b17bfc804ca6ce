//! The arguments of functions, by name.

use std::collections::HashSet;

use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{BtfFunction, FieldPlace, Found, Point, ProbeError, ProbeKind, ProbeSpec, Site};

use super::program;
use crate::error::{Result, advise, error};
use crate::kernel::{IMAGE, Kernel, Prototype, Selected, Wanted, Way, owner};
use crate::point::{ArgsPool, check_count, names_nothing};
use crate::source::Options;

/// Arguments that registers hold on every architecture that this runs on.
const IN_REGISTERS: u8 = 6;

/// All points that `["function"]`, `["module", "function"]` or `["bpf", "program"]` means.
pub(crate) fn resolve(kernel: &Kernel, spec: &ProbeSpec, options: &Options) -> Result<Vec<Found>> {
    if let Some(wanted) = program::Wanted::parse(&spec.parts)? {
        return program::resolve(kernel, spec.kind, &wanted, options.max_points);
    }
    let form = || error("a function is written `fentry:function` or `fentry:module:function`");
    let wanted = Wanted::parse(&spec.parts).filter(|_| !spec.parts.is_empty()).ok_or_else(form)?;
    if names_nothing(spec) {
        return Err(error("the probe names no function"));
    }
    let way = kernel.way(spec.kind, wanted.name.text())?;
    kernel.note_way(spec.kind, way);
    let finder = Finder { kernel, kind: spec.kind, way };
    let selected = finder.typed(&wanted)?;
    check_count(&format!("{}:{}", spec.kind.name(), spec.parts.join(":")), selected.len(), options.max_points)?;
    finder.points(&selected)
}

/// A point at a function by its types, for a probe whose own way this kernel lacks; `None` if there are no types, or they would
/// number the arguments in another way.
pub(crate) fn site(kernel: &Kernel, one: &Selected<'_>, on_return: bool) -> Option<Site> {
    let prototype = kernel.prototype(one.function.module, one.function.name).filter(Prototype::is_plain)?;
    Some(trampoline(one, &prototype, on_return, true))
}

fn trampoline(one: &Selected<'_>, prototype: &Prototype, on_return: bool, kprobe: bool) -> Site {
    let function = BtfFunction {
        owner: owner(one.function.module),
        name: one.function.name.to_owned(),
        btf_id: prototype.btf_id,
        words: prototype.words,
        is_plain: prototype.is_plain(),
        code: Some(one.code()),
        kprobe,
    };
    if on_return { Site::Fexit(function) } else { Site::Fentry(function) }
}

struct Finder<'a> {
    kernel: &'a Kernel,
    kind: ProbeKind,
    way: Way,
}

impl<'a> Finder<'a> {
    /// What is meant and has types.
    fn typed(&self, wanted: &Wanted) -> Result<Vec<(Selected<'a>, Prototype)>> {
        let selected = self.kernel.that_return(self.kind, wanted, self.kernel.select(wanted)?)?;
        let mut seen = HashSet::new();
        let typed = selected.iter().filter_map(|one| {
            let prototype = self.kernel.prototype(one.function.module, one.function.name)?;
            Some((*one, prototype)).filter(|_| seen.insert((one.function.module, one.function.name)))
        });
        let typed: Vec<_> = typed.collect();
        match selected.first() {
            Some(first) if typed.is_empty() => Err(self.untyped(first)),
            _ => Ok(typed),
        }
    }

    fn untyped(&self, one: &Selected<'_>) -> ProbeError {
        let name = one.function.name;
        let message = match self.kernel.has_types() {
            true => {
                format!(
                    "the kernel's types do not describe `{name}` (or with more or larger arguments than its trampolines take)"
                )
            }
            false => "the kernel's types are needed for this, and cannot be read (CONFIG_DEBUG_INFO_BTF)".to_owned(),
        };
        let kind = if self.kind == ProbeKind::Fexit { ProbeKind::Kretprobe } else { ProbeKind::Kprobe };
        advise(message, Advice::one_of("use ", vec![Named::probe(kind, [name])], ""))
    }

    fn points(&self, selected: &[(Selected<'_>, Prototype)]) -> Result<Vec<Found>> {
        let mut pool = ArgsPool::default();
        let mut found = Vec::with_capacity(selected.len());
        if self.way == Way::Trampolines {
            self.kernel.note_twins(selected.iter().map(|(one, _)| one));
        }
        for (one, prototype) in selected {
            let (module, function) = (one.function.module.unwrap_or(IMAGE), one.function.name);
            let mut args = prototype.named(self.kind == ProbeKind::Fexit);
            let site = self.site(one, prototype)?;
            if self.way == Way::Kprobes {
                args.fields.retain(|field| self.in_register(field.place));
            }
            let name = format!("{}:{module}:{function}", self.kind.name());
            found.push(Found { point: Point { site, name, func: function.to_owned() }, args: pool.share(args) });
        }
        Ok(found)
    }

    /// A kprobe sees registers: the first arguments at the entry, the result at the return.
    fn in_register(&self, place: FieldPlace) -> bool {
        match place {
            FieldPlace::Arg(word) => self.kind == ProbeKind::Fentry && word < IN_REGISTERS,
            _ => true,
        }
    }

    fn site(&self, one: &Selected<'_>, prototype: &Prototype) -> Result<Site> {
        let on_return = self.kind == ProbeKind::Fexit;
        match self.way {
            Way::Trampolines => Ok(trampoline(one, prototype, on_return, false)),
            Way::Kprobes if !prototype.is_plain() => {
                let message = format!(
                    "`{}` takes a whole struct, which needs a trampoline, and this kernel has none",
                    one.function.name
                );
                let untyped = Named::probe(ProbeKind::Kprobe, [one.function.name]);
                Err(advise(message, Advice::one_of("use ", vec![untyped], " and `argN`")))
            }
            Way::Kprobes if on_return => Ok(Site::Kretprobe(one.code())),
            Way::Kprobes => Ok(Site::Kprobe(one.code())),
        }
    }
}
