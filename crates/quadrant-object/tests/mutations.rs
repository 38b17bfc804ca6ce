//! Files that are damaged at random, from the same seed each time: an error or an object, never a panic. The corpus of `fuzz/` is the
//! material.

use std::path::PathBuf;
use std::rc::Rc;

use quadrant_object::{KernelTypes, Object, Sanitizing};
use quadrant_types::Btf;

/// Damaged files for each good one.
const ROUNDS: u32 = 1_500;

struct Kernel(Rc<Btf>);

impl KernelTypes for Kernel {
    fn kernel(&self) -> Result<Rc<Btf>, String> {
        Ok(Rc::clone(&self.0))
    }

    fn modules(&self) -> Vec<Rc<Btf>> {
        vec![Rc::clone(&self.0)]
    }
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// Some bytes changed, sometimes to what is likely to hurt, sometimes the end cut off.
    fn damage(&mut self, good: &[u8]) -> Vec<u8> {
        const NASTY: [u32; 6] = [0, 1, u32::MAX, 0x7fff_ffff, 0x8000_0000, 0xffff];
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.below(256) as u8,
                2 if at + 4 <= bytes.len() => bytes[at..at + 4].copy_from_slice(&NASTY[self.below(6)].to_le_bytes()),
                _ if self.below(8) == 0 => bytes.truncate(at.max(1)),
                _ => {}
            }
        }
        bytes
    }
}

fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Everything that is done with an object before the kernel sees it.
fn use_object(bytes: &[u8], kernel: &Kernel) {
    let Ok(mut object) = Object::parse(bytes) else { return };
    for program in object.programs.clone() {
        // An error is as good as a program here.
        let _ = object.link(&program, kernel);
    }
    let callable: Vec<String> = object.callable().map(|(name, _)| name.to_owned()).collect();
    let callable: Vec<&str> = callable.iter().map(String::as_str).collect();
    let _ = object.link_functions(&callable, kernel);
    let names: Vec<String> = object.data.iter().flat_map(|data| &data.variables).map(|it| it.name.clone()).collect();
    for name in names {
        let _ = object.set(&name, "1");
    }
    for level in Sanitizing::ALL {
        object.btf_for_kernel(level);
    }
}

#[test]
fn damaged_objects() {
    let kernel = Kernel(Rc::new(Btf::new(corpus("btf").remove(0)).unwrap()));
    for (seed, good) in corpus("object").iter().enumerate() {
        Object::parse(good).unwrap();
        let mut random = Random(0x9e37_79b9_7f4a_7c15 + seed as u64);
        for _ in 0..ROUNDS {
            use_object(&random.damage(good), &kernel);
        }
    }
}

#[test]
fn damaged_types_of_a_kernel() {
    let objects = corpus("object");
    for good in corpus("btf") {
        let mut random = Random(0xd1b5_4a32_d192_ed03);
        for round in 0..ROUNDS {
            let Ok(btf) = Btf::new(random.damage(&good)) else { continue };
            let _ = quadrant_types::c_header(&btf, &[], "damaged");
            use_object(&objects[round as usize % objects.len()], &Kernel(Rc::new(btf)));
        }
    }
}
