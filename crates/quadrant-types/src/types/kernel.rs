//! What BTF says about kernel functions and raw tracepoints.

use super::{CType, FuncProto, Origin, Param, TypeId, TypeSet, Types};
use crate::suggest::suggest;
use crate::{BtfKind, TypeError};
use std::rc::Rc;

/// Every raw tracepoint has a typedef of this prefix: the type of its probe functions.
const RAW_PREFIX: &str = "btf_trace_";
/// Functions that the kernel makes for a tracepoint, the first parameter being `void *__data`.
/// The typedef's prototype has no parameter names; these functions' have.
const NAMED_PREFIXES: [&str; 4] = ["__bpf_trace_", "__traceiter_", "__probestub_", "trace_event_raw_event_"];

/// Every iterator has an empty function of this prefix, whose parameters are the members of the struct with one more underscore.
const ITER_PREFIX: &str = "bpf_iter_";

/// A kernel function.
#[derive(Debug, Clone)]
pub struct KernelFunc {
    /// BTF id of the FUNC record, as BPF_PROG_LOAD's `attach_btf_id` wants it.
    pub btf_id: u32,
    /// Parameters and result.
    pub proto: FuncProto,
}

/// A raw tracepoint.
#[derive(Debug, Clone)]
pub struct RawTracepoint {
    /// BTF id of the typedef, as BPF_PROG_LOAD's `attach_btf_id` wants it.
    pub btf_id: u32,
    /// The arguments as the program sees them: `args[0]` is the first.
    pub params: Rc<[Param]>,
}

impl Types {
    /// The kernel function called `name`.
    pub fn btf_func(&self, name: &str) -> Result<KernelFunc, TypeError> {
        self.btf()?;
        self.func_in(TypeSet::KERNEL, name).ok_or_else(|| TypeError::NotInBtf {
            name: format!("function `{name}`"),
            suggestion: self.suggest_name(name, &[BtfKind::Func]),
        })
    }

    /// The function called `name` among those that one BTF describes.
    pub fn func_in(&self, set: TypeSet, name: &str) -> Option<KernelFunc> {
        let btf_id = self.btf_at(set.0)?.find(name, &[BtfKind::Func])?;
        let proto = self.func_proto(Origin { btf: set.0, id: btf_id })?;
        Some(KernelFunc { btf_id, proto })
    }

    /// The names of all functions that one BTF describes, in its order.
    pub fn func_names(&self, set: TypeSet) -> Vec<String> {
        let Some(btf) = self.btf_at(set.0) else { return Vec::new() };
        let functions = btf.iter().filter(|(_, kind, _)| *kind == BtfKind::Func);
        functions.map(|(.., name)| name.to_owned()).collect()
    }

    /// The raw tracepoint of an event, as `sched_switch`.
    pub fn raw_tracepoint(&self, event: &str) -> Result<RawTracepoint, TypeError> {
        let btf = self.btf()?;
        let id = btf.find(&format!("{RAW_PREFIX}{event}"), &[BtfKind::Typedef]);
        let proto = id.and_then(|id| self.probe_proto(id));
        match (id, proto) {
            (Some(btf_id), Some(proto)) => Ok(RawTracepoint { btf_id, params: self.named_params(event, &proto) }),
            _ => Err(TypeError::NotInBtf {
                name: format!("tracepoint `{event}`"),
                suggestion: suggest(event, raw_names(&btf)).map(str::to_owned),
            }),
        }
    }

    /// The id of the typedef of an event's raw tracepoint, which is all that loading needs.
    pub fn raw_tracepoint_id(&self, event: &str) -> Option<u32> {
        self.btf().ok()?.find(&format!("{RAW_PREFIX}{event}"), &[BtfKind::Typedef])
    }

    /// The names of all raw tracepoints in the kernel's BTF.
    pub fn raw_tracepoint_names(&self) -> Result<Vec<String>, TypeError> {
        Ok(raw_names(&*self.btf()?).map(str::to_owned).collect())
    }

    /// The kinds of objects that the kernel's iterators walk over, in the order of BTF: `task`, `bpf_map`.
    pub fn iterator_names(&self) -> Result<Vec<String>, TypeError> {
        let btf = self.btf()?;
        let functions = btf.iter().filter(|(_, kind, _)| *kind == BtfKind::Func);
        let objects = functions.filter_map(|(.., name)| name.strip_prefix(ITER_PREFIX));
        let has_context = |object: &&str| self.iterator_context(object).is_some();
        Ok(objects.filter(has_context).map(str::to_owned).collect())
    }

    /// The struct that programs get for each object of an iterator, as `struct bpf_iter__task`.
    pub fn iterator_context(&self, object: &str) -> Option<TypeId> {
        self.lookup_struct(&format!("{ITER_PREFIX}_{object}"))
    }

    /// The function that programs of an iterator are loaded for.
    pub fn iterator(&self, object: &str) -> Result<KernelFunc, TypeError> {
        self.btf_func(&format!("{ITER_PREFIX}{object}"))
    }

    fn func_proto(&self, origin: Origin) -> Option<FuncProto> {
        match self.kind(self.handle(origin)) {
            CType::Func(proto) => Some(proto),
            _ => None,
        }
    }

    /// The prototype behind the typedef: a pointer to a function.
    fn probe_proto(&self, id: u32) -> Option<FuncProto> {
        let typedef = self.handle(Origin { btf: 0, id });
        match self.kind(self.pointee(typedef)?) {
            CType::Func(proto) => Some(proto),
            _ => None,
        }
    }

    /// Parameters after `__data`, with names where any function of the event has them.
    fn named_params(&self, event: &str, proto: &FuncProto) -> Rc<[Param]> {
        let params = proto.params.get(1..).unwrap_or_default();
        if params.iter().all(|param| !param.name.is_empty()) {
            return params.into();
        }
        let names = self.probe_function(event, proto);
        let named = params.iter().enumerate().map(|(index, param)| Param {
            name: names.as_ref().map_or_else(|| format!("arg{index}").into(), |names| names[index + 1].name.clone()),
            ty: param.ty,
        });
        named.collect()
    }

    /// Parameters of a function made for the event that agrees with the typedef.
    fn probe_function(&self, event: &str, proto: &FuncProto) -> Option<Rc<[Param]>> {
        let btf = self.btf().ok()?;
        NAMED_PREFIXES.iter().find_map(|prefix| {
            let id = btf.find(&format!("{prefix}{event}"), &[BtfKind::Func])?;
            let found = self.func_proto(Origin { btf: 0, id })?;
            self.agrees(&found, proto).then_some(found.params)
        })
    }

    fn agrees(&self, found: &FuncProto, wanted: &FuncProto) -> bool {
        let named = found.params.iter().all(|param| !param.name.is_empty());
        let pairs = found.params.iter().zip(wanted.params.iter());
        named && found.params.len() == wanted.params.len() && pairs.into_iter().all(|(a, b)| self.same(a.ty, b.ty))
    }
}

fn raw_names(btf: &crate::Btf) -> impl Iterator<Item = &str> {
    let typedefs = btf.iter().filter(|(_, kind, _)| *kind == BtfKind::Typedef);
    typedefs.filter_map(|(.., name)| name.strip_prefix(RAW_PREFIX))
}

impl Types {
    /// The type of the record `id` of the kernel's own BTF.
    pub fn btf_type(&self, id: u32) -> TypeId {
        self.handle(Origin { btf: 0, id })
    }
}
