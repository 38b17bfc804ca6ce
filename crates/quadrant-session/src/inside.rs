//! Loaded programs from the inside.

use std::os::fd::AsFd;

use quadrant_bpf::object::ProgramCode;
use quadrant_bpf::prog::ProgramInfo;

use crate::error::Error;
use crate::programs::Loaded;

/// A loaded program.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Which of [`crate::Compiled::units`] it is.
    pub unit: usize,
    /// Its name in the kernel.
    pub name: String,
    /// The kernel's number and counters.
    pub info: ProgramInfo,
    /// What it has become.
    pub code: ProgramCode,
}

impl Inside {
    pub(crate) fn of(loaded: &Loaded) -> Result<Inside, Error> {
        let program = &loaded.program;
        Ok(Inside {
            unit: loaded.unit,
            name: program.name().to_owned(),
            info: program.info()?,
            code: ProgramCode::of(program.as_fd())?,
        })
    }
}
