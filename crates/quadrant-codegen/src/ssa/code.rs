//! The finished program.

use quadrant_bpf::insn::Insn;

use super::error::{SsaError, SsaErrorKind};
use super::ir::{CoreRef, Func, FuncRef, ImportRef, KfuncRef, MapRef, Module, Span};
use super::machine::{FuncCode, MAX_STACK, emit};
use super::passes::optimize;
use super::verify::verify;

/// What the target kernel can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Loads and moves that extend the sign exist (Linux 6.6).
    pub sign_extending_insns: bool,
    /// Keep the optimized functions as text in [`Code::ssa`].
    pub keep_text: bool,
}

/// Something that only the loader knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelocKind {
    /// 64-bit immediate load of a map: the first immediate becomes its descriptor.
    Map(MapRef),
    /// 64-bit immediate load of an address in a map's value: the first immediate becomes the map's descriptor.
    MapValue(MapRef),
    /// An immediate that depends on the kernel's types.
    Core(CoreRef),
    /// Call of a kernel function: the immediate becomes its BTF type id, `off` the index of its module's descriptor.
    Kfunc(KfuncRef),
    /// Call of a function in C: it is put behind the others, and the immediate becomes its distance.
    Import(ImportRef),
}

/// One place for the loader to fill in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reloc {
    /// Index of the instruction.
    pub at: u32,
    /// With what.
    pub kind: RelocKind,
}

/// One function of the finished program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FuncInfo {
    /// Index of its first instruction.
    pub at: u32,
    /// Its name.
    pub name: String,
    /// Number of parameters.
    pub params: u8,
    /// All but the main program are static.
    pub is_static: bool,
    /// Bytes of stack frame.
    pub stack: u32,
}

/// A program for the kernel.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Code {
    /// Instructions of all functions, the main program first.
    pub insns: Vec<Insn>,
    /// What the loader fills in.
    pub relocs: Vec<Reloc>,
    /// The functions in order; unused ones are left out.
    pub funcs: Vec<FuncInfo>,
    /// Index of the instructions at which the script text changes, and the text. Each function's start is among them.
    pub spans: Vec<(u32, Span)>,
    /// The optimized functions as text, if [`Options::keep_text`] asks for it.
    pub ssa: String,
    /// Bytes of stack of the deepest chain of calls, counted as the kernel counts.
    pub stack: u32,
}

/// The most instructions that a kernel takes.
const MAX_INSNS: usize = 1_000_000;

/// Optimizes a module and turns it into code. The same module gives the same code.
pub fn compile(module: &Module, options: &Options) -> Result<Code, SsaError> {
    let mut linker = Linker {
        module,
        starts: vec![None; module.funcs.len()],
        code: Code::default(),
        refs: Vec::new(),
        callees: Vec::new(),
    };
    let mut queue = vec![FuncRef(0)];
    let mut next = 0;
    while let Some(&at) = queue.get(next) {
        next += 1;
        linker.add(at, options, &mut queue)?;
    }
    linker.link()
}

struct Linker<'a> {
    module: &'a Module,
    /// Position of each function in `Code::funcs`.
    starts: Vec<Option<usize>>,
    code: Code,
    refs: Vec<(u32, FuncRef)>,
    /// For each function in the code, whom it refers to.
    callees: Vec<Vec<FuncRef>>,
}

impl Linker<'_> {
    fn add(&mut self, at: FuncRef, options: &Options, queue: &mut Vec<FuncRef>) -> Result<(), SsaError> {
        let mut func = self.func(at)?.clone();
        optimize(&mut func);
        debug_assert_eq!(verify(&func), Ok(()), "the optimizer broke {func}");
        if options.keep_text {
            self.code.ssa.push_str(&format!("{func}\n"));
        }
        let (name, params) = (func.name.clone(), func.params);
        let part = emit(func, options).map_err(|kind| SsaError { func: name.clone(), kind })?;
        let base = self.code.insns.len() as u32;
        self.starts[at.index()] = Some(self.code.funcs.len());
        self.code.funcs.push(FuncInfo { at: base, name, params, is_static: at != FuncRef(0), stack: part.stack });
        let callees: Vec<FuncRef> = part.func_refs.iter().map(|(_, func)| *func).collect();
        for &callee in &callees {
            if !queue.contains(&callee) {
                queue.push(callee);
            }
        }
        self.callees.push(callees);
        self.append(base, part);
        if self.code.insns.len() > MAX_INSNS {
            return Err(self.error(at, SsaErrorKind::TooLong(self.code.insns.len())));
        }
        Ok(())
    }

    fn func(&self, at: FuncRef) -> Result<&Func, SsaError> {
        match self.module.funcs.get(at.index()) {
            Some(Some(func)) => Ok(func),
            _ => Err(self.error(FuncRef(0), SsaErrorKind::UndefinedFunction(at.0))),
        }
    }

    fn error(&self, at: FuncRef, kind: SsaErrorKind) -> SsaError {
        let func = self.module.funcs.get(at.index()).and_then(Option::as_ref);
        SsaError { func: func.map(|func| func.name.clone()).unwrap_or_default(), kind }
    }

    fn append(&mut self, base: u32, part: FuncCode) {
        self.code.insns.extend(part.insns);
        for at in part.sites.iter().map(|at| base + at) {
            if let Some(upper) = self.code.insns.get_mut(at as usize + 1) {
                upper.imm = at as i32;
            }
        }
        self.code.relocs.extend(part.relocs.into_iter().map(|(at, kind)| Reloc { at: base + at, kind }));
        self.code.spans.extend(part.spans.into_iter().map(|(at, span)| (base + at, span)));
        self.refs.extend(part.func_refs.into_iter().map(|(at, func)| (base + at, func)));
    }

    fn link(mut self) -> Result<Code, SsaError> {
        for (at, func) in std::mem::take(&mut self.refs) {
            let Some(place) = self.starts[func.index()] else { continue };
            let target = self.code.funcs[place].at;
            let insn = &mut self.code.insns[at as usize];
            // Both calls and 64-bit immediates count from the instruction after the one that is filled in.
            insn.imm = target as i32 - at as i32 - 1;
        }
        self.code.stack = self.deepest()?;
        Ok(self.code)
    }

    /// Stack of the deepest chain of calls.
    fn deepest(&self) -> Result<u32, SsaError> {
        let mut known = vec![None; self.code.funcs.len()];
        let chain = self.chain(0, 1, &mut known)?;
        if chain.stack > MAX_STACK && chain.frames > 1 {
            return Err(self.error(FuncRef(0), SsaErrorKind::FrameTooBig(chain.stack)));
        }
        Ok(chain.stack)
    }

    /// The deepest chain that starts with function `at`, itself frame number `frame` of one.
    fn chain(&self, at: usize, frame: usize, known: &mut [Option<Chain>]) -> Result<Chain, SsaError> {
        if let Some(chain) = known[at] {
            return Ok(chain);
        }
        if frame > MAX_FRAMES {
            return Err(self.error(FuncRef(0), SsaErrorKind::TooManyFrames));
        }
        let mut below = Chain { stack: 0, frames: 0 };
        for callee in self.callees[at].iter().filter_map(|callee| self.starts[callee.index()]) {
            let chain = self.chain(callee, frame + 1, known)?;
            below = Chain { stack: below.stack.max(chain.stack), frames: below.frames.max(chain.frames) };
        }
        let chain = Chain { stack: rounded(self.code.funcs[at].stack) + below.stack, frames: below.frames + 1 };
        if chain.frames > MAX_FRAMES {
            return Err(self.error(FuncRef(0), SsaErrorKind::TooManyFrames));
        }
        known[at] = Some(chain);
        Ok(chain)
    }
}

/// What a chain of calls needs.
#[derive(Clone, Copy)]
struct Chain {
    stack: u32,
    frames: usize,
}

/// A frame as the kernel counts it.
fn rounded(stack: u32) -> u32 {
    stack.max(1).next_multiple_of(32)
}

/// The kernel's limit of frames in a chain of calls.
const MAX_FRAMES: usize = 8;
