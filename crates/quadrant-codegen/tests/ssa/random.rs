//! Random modules must do in the machine what the evaluator says.

use proptest::prelude::*;
use quadrant_codegen::ssa::{Options, compile};

use crate::eval::{World, evaluate};
use crate::generate::{AREA, Style, module};
use crate::machine::run;

/// Compiles and runs a module in all ways.
fn check(tape: &[u32], style: Style, seed: u64) {
    let module = module(tape, style).expect("generated modules are valid");
    let ctx = std::array::from_fn(|at| (seed >> (at % 8 * 8)) as u8 ^ (at as u8 & 0x81));
    let world = World { pid_tgid: seed.rotate_left(17), now: seed >> 3, ctx };
    let expected = evaluate(&module, &world);
    for sign_extending_insns in [false, true] {
        let code = compile(&module, &Options { sign_extending_insns, keep_text: false }).expect("compiles");
        let again = compile(&module, &Options { sign_extending_insns, keep_text: false }).expect("compiles");
        assert_eq!(code, again, "same input, same code");
        let listing = code.to_string();
        assert_eq!(run(code, &world), Ok(expected.clone()), "\n{module}\n{listing}");
    }
    assert_eq!(world.ctx.len(), AREA as usize);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plain(tape in prop::collection::vec(any::<u32>(), 0..300), seed: u64) {
        check(&tape, Style { pressure: 0, clock: true }, seed);
    }

    #[test]
    fn more_values_than_registers(tape in prop::collection::vec(any::<u32>(), 0..300), seed: u64) {
        check(&tape, Style { pressure: 14, clock: true }, seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long(tape in prop::collection::vec(any::<u32>(), 1000..2000), seed: u64) {
        check(&tape, Style { pressure: 4, clock: true }, seed);
    }
}
