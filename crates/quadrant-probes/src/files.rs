//! The ELF files of a session, each opened and read once.

use crate::elf::Elf;
use crate::error::Result;
use crate::target::{Target, TargetFile};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

/// Opened files by path.
#[derive(Default)]
pub(crate) struct Files {
    open: RefCell<HashMap<PathBuf, Rc<Elf>>>,
}

impl Files {
    pub fn open(&self, target: &Target) -> Result<Rc<Elf>> {
        if let Some(elf) = self.open.borrow().get(&target.path) {
            return Ok(elf.clone());
        }
        let elf = Rc::new(Elf::parse(TargetFile::open(&target.path)?)?);
        self.open.borrow_mut().insert(target.path.clone(), elf.clone());
        Ok(elf)
    }
}
