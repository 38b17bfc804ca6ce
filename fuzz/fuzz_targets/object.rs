//! Any bytes as an object: read, linked against its own types, its variables set, its types rewritten.

#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use quadrant_object::{KernelTypes, Object, Sanitizing};
use quadrant_types::Btf;

struct Own(Option<Rc<Btf>>);

impl KernelTypes for Own {
    fn kernel(&self) -> Result<Rc<Btf>, String> {
        self.0.clone().ok_or_else(|| "none".to_owned())
    }

    fn modules(&self) -> Vec<Rc<Btf>> {
        Vec::new()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut object) = Object::parse(bytes) else { return };
    let own = object.btf_for_kernel(Sanitizing::None).and_then(|bytes| Btf::new(bytes).ok()).map(Rc::new);
    let own = Own(own);
    for program in object.programs.clone() {
        let _ = object.link(&program, &own);
    }
    let callable: Vec<String> = object.callable().map(|(name, _)| name.to_owned()).collect();
    let callable: Vec<&str> = callable.iter().map(String::as_str).collect();
    let _ = object.link_functions(&callable, &own);
    let names: Vec<String> = object.data.iter().flat_map(|data| &data.variables).map(|it| it.name.clone()).collect();
    for name in names {
        let _ = object.set(&name, "1");
    }
    for level in Sanitizing::ALL {
        object.btf_for_kernel(level);
    }
});
