//! A user-space eBPF interpreter with maps and helpers, for tests and replays.
//!
//! It is stricter than the kernel's verifier where that is cheap to be: every access is checked against the
//! region that the address comes from, stack bytes and registers must be written before they are read, and
//! what a record was not filled with reads as 0xa5. There is no JIT, no kernel, and nothing unsafe.
//!
//! ```
//! use quadrant_bpf::insn::{Insn, Reg};
//! use quadrant_vm::{FakeEnv, Vm};
//!
//! let mut vm = Vm::new(FakeEnv::default(), 1);
//! let outcome = vm.run(&[Insn::mov64_imm(Reg::R0, 7), Insn::exit()], &[]);
//! assert_eq!(outcome.map(|outcome| outcome.r0), Ok(7));
//! ```

mod alu;
mod env;
mod error;
mod fake;
mod helpers;
mod interp;
mod map;
mod memory;
mod vm;
mod walk;

pub use env::{Clock, Env, Space, StackKind};
pub use error::{VmError, VmErrorKind};
pub use fake::{FakeEnv, FakeMemory};
pub use vm::{Outcome, Vm};
pub use walk::{Round, Walks};

/// The most frames in a chain of calls.
pub const MAX_FRAMES: usize = 8;
