//! Any bytes as types: written as a C header, and values printed by each of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quadrant_types::Btf;

fuzz_target!(|bytes: &[u8]| {
    let Ok(btf) = Btf::new(bytes.to_vec()) else { return };
    let _ = quadrant_types::c_header(&btf, &[], "fuzzed");
    let mut out = Vec::new();
    for id in btf.first_id()..btf.end_id().min(1_000) {
        out.clear();
        quadrant_output::btf::value(&mut out, &btf, id, bytes);
        quadrant_output::btf::json_value(&mut out, &btf, id, bytes);
        quadrant_output::btf::slots(&btf, id, bytes);
        quadrant_types::c_type(&btf, id, "name");
    }
});
