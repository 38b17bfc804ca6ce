//! Any bytes as the types of a kernel, for which a good object is linked.

#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use quadrant_object::{KernelTypes, Object};
use quadrant_types::Btf;

const OBJECT: &[u8] = include_bytes!("../corpus/object/core.bpf.o");

struct Kernel(Rc<Btf>);

impl KernelTypes for Kernel {
    fn kernel(&self) -> Result<Rc<Btf>, String> {
        Ok(Rc::clone(&self.0))
    }

    fn modules(&self) -> Vec<Rc<Btf>> {
        vec![Rc::clone(&self.0)]
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(btf) = Btf::new(bytes.to_vec()) else { return };
    let (kernel, Ok(object)) = (Kernel(Rc::new(btf)), Object::parse(OBJECT)) else { return };
    for program in &object.programs {
        let _ = object.link(program, &kernel);
    }
});
