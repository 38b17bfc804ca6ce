//! Creating maps and loading programs.

use quadrant_bpf::map::Map;
use quadrant_bpf::map::MappedArray;
use quadrant_bpf::insn::Insn;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::MapSpec;
use quadrant_bpf::prog::AttachType;
use quadrant_bpf::prog::LogLevel;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::prog::ProgramSpec;
use quadrant_codegen::ssa::Code;
use quadrant_codegen::object::Context;
use quadrant_codegen::object::MapDef;
use quadrant_codegen::object::MapRole;
use quadrant_codegen::object::Object;
use quadrant_codegen::ssa::RelocKind;
use quadrant_codegen::object::Unit;
use quadrant_program::Program;
use quadrant_program::probe::Site;

use crate::error::Error;
use crate::kernel::Kernel;
use crate::verifier;

/// Create an object's maps and load its programs.
///
/// # Errors
/// What the kernel refused, and why.
pub(crate) fn load(program: &Program, units: &[Unit], object: Object, features: Loading) -> Result<Kernel, Error> {
    let maps = object.maps.iter().map(|def| create(program, def)).collect::<Result<Vec<Map>, Error>>()?;
    let section = section(&object, &maps)?;
    let mut programs = Vec::with_capacity(units.len());
    for (unit, code) in units.iter().zip(&object.programs) {
        programs.push(load_one(program, unit, code, &maps, features)?);
    }
    Ok(Kernel {
        roles: object.maps.iter().map(|def| def.role).collect(),
        maps,
        programs,
        section,
        data: object.data,
        cpus: quadrant_bpf::cpus::possible_count()?,
    })
}

/// What loading must know of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loading {
    /// Uprobes are attached by multi-links.
    pub(crate) uprobe_multi: bool,
}

fn create(program: &Program, def: &MapDef) -> Result<Map, Error> {
    let kind = map_kind(def.kind).ok_or_else(|| {
        let why = format!("unknown map type {}", def.kind);
        Error::Kernel(quadrant_bpf::Error::new("cannot create a map", why))
    })?;
    let spec = MapSpec {
        kind,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        flags: def.flags,
        name: map_name(program, def.role),
    };
    Ok(Map::create(&spec)?)
}

fn map_kind(kind: u32) -> Option<MapKind> {
    use MapKind::*;
    let all = [Hash, Array, PerfEventArray, PercpuHash, PercpuArray, StackTrace, LruHash, LruPercpuHash, RingBuffer];
    all.into_iter().find(|known| *known as u32 == kind)
}

/// For those who list maps with other tools.
fn map_name(program: &Program, role: MapRole) -> String {
    match role {
        MapRole::Data => "q_data".to_owned(),
        MapRole::Scratch => "q_scratch".to_owned(),
        MapRole::Records => "q_records".to_owned(),
        MapRole::Stacks { .. } => "q_stacks".to_owned(),
        MapRole::Script(id) | MapRole::Short(id) => {
            let name = program.maps[id.0 as usize].name.trim_start_matches('@');
            let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            format!("AT_{plain}")
        }
    }
}

fn section(object: &Object, maps: &[Map]) -> Result<Option<MappedArray>, Error> {
    let Some(index) = object.maps.iter().position(|def| def.role == MapRole::Data) else {
        return Ok(None);
    };
    let section = MappedArray::new(&maps[index])?;
    for (offset, bytes) in &object.data.init {
        section.write_bytes(*offset as usize, bytes)?;
    }
    Ok(Some(section))
}

fn load_one(
    program: &Program,
    unit: &Unit,
    code: &Code,
    maps: &[Map],
    features: Loading,
) -> Result<quadrant_bpf::prog::Program, Error> {
    let insns = relocate(code, maps);
    let functions = functions(code);
    let (kind, attach_type) = kind(program, unit, features);
    let name = program_name(program, unit);
    let spec = ProgramSpec {
        attach_type,
        name: &name,
        attach_btf_id: attach_btf_id(program, unit),
        functions: &functions,
        ..ProgramSpec::new(kind, &insns)
    };
    quadrant_bpf::prog::Program::load(&spec).map_err(|error| refused(program, unit, code, &spec, error))
}

/// Maps as file descriptors.
fn relocate(code: &Code, maps: &[Map]) -> Vec<Insn> {
    let mut insns = code.insns.clone();
    for reloc in &code.relocs {
        match reloc.kind {
            RelocKind::Map(map) | RelocKind::MapValue(map) => {
                insns[reloc.at as usize].imm = maps[map.0 as usize].raw_fd();
            }
            RelocKind::Kfunc(_) => {}
        }
    }
    insns
}

/// Functions are described to the kernel only when there are callbacks, which need it.
fn functions(code: &Code) -> Vec<quadrant_bpf::btf::Function> {
    if code.funcs.len() < 2 {
        return Vec::new();
    }
    let describe = |func: &quadrant_codegen::ssa::FuncInfo| quadrant_bpf::btf::Function {
        start: func.at,
        name: func.name.clone(),
        linkage: if func.is_static { quadrant_bpf::btf::Linkage::Static } else { quadrant_bpf::btf::Linkage::Global },
        arguments: func.params as usize,
    };
    code.funcs.iter().map(describe).collect()
}

fn kind(program: &Program, unit: &Unit, features: Loading) -> (ProgramKind, AttachType) {
    match unit.context {
        Context::Run | Context::RawTracepoint(_) | Context::Syscalls { .. } => {
            (ProgramKind::RawTracepoint, AttachType::None)
        }
        Context::Tracepoint => (ProgramKind::Tracepoint, AttachType::None),
        Context::BtfTracepoint => (ProgramKind::Tracing, AttachType::TraceRawTp),
        Context::Function { exit: false, .. } => (ProgramKind::Tracing, AttachType::TraceFentry),
        Context::Function { exit: true, .. } => (ProgramKind::Tracing, AttachType::TraceFexit),
        Context::PerfEvent => (ProgramKind::PerfEvent, AttachType::None),
        Context::Registers if features.uprobe_multi && is_uprobe(first_site(program, unit)) => {
            (ProgramKind::Kprobe, AttachType::TraceUprobeMulti)
        }
        Context::Registers => (ProgramKind::Kprobe, AttachType::None),
    }
}

fn is_uprobe(site: &Site) -> bool {
    matches!(site, Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. })
}

fn attach_btf_id(program: &Program, unit: &Unit) -> u32 {
    match first_site(program, unit) {
        Site::RawTracepoint { btf_id, .. } => *btf_id,
        _ => 0,
    }
}

fn first_site<'a>(program: &'a Program, unit: &Unit) -> &'a Site {
    &program.points[unit.points[0].0 as usize].site
}

/// For those who list programs with other tools: the last part of the probe's name.
fn program_name(program: &Program, unit: &Unit) -> String {
    let name = &program.points[unit.points[0].0 as usize].name;
    let last = name.rsplit(':').next().unwrap_or(name);
    last.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(15).collect()
}

/// Load again with a log to learn why; the log itself is not for users.
fn refused(
    program: &Program,
    unit: &Unit,
    code: &Code,
    spec: &ProgramSpec<'_>,
    error: quadrant_bpf::Error,
) -> Error {
    let log = match quadrant_bpf::prog::Program::load_with_log(spec, LogLevel::Failure) {
        Err(again) => again.log().unwrap_or_default().to_owned(),
        Ok(_) => String::new(),
    };
    if std::env::var_os("QUADRANT_VERIFIER_LOG").is_some() {
        return Error::Log(format!("{log}\n{code}"));
    }
    if log.trim().is_empty() {
        return Error::Kernel(error);
    }
    verifier::explain(code, &program.points[unit.points[0].0 as usize].name, &log)
}
