//! Keys of maps on kernels that take only short ones.

use quadrant_bpf::features::Features;
use quadrant_bpf::features::SHORT_KEY;
use quadrant_program::Program;
use quadrant_program::diag::Diagnostic;
use quadrant_program::layout;
use quadrant_program::program::Config;

/// What compiling gives: a program unless a message is an error.
type Compiled = (Option<Program>, Vec<Diagnostic>);

/// Texts' limits that are tried, in bytes: for keys of one text, two, four, eight.
const LENGTHS: [u32; 4] = [448, 224, 112, 56];

/// The program with texts that are short enough for this kernel's keys; `None` if it is good as it is, or nothing helps. The limit
/// is left alone if the script or the environment sets it.
pub fn shortened(
    program: &Program,
    features: &Features,
    compile: &dyn Fn(Option<(String, String)>) -> Compiled,
) -> Option<(Program, Vec<Diagnostic>)> {
    let is_default = program.config.max_strlen == Config::default().max_strlen;
    if fits(program) || !is_default || features.long_keys() {
        return None;
    }
    LENGTHS.iter().find_map(|length| {
        let (shorter, mut diagnostics) = compile(Some(("max_strlen".to_owned(), length.to_string())));
        let shorter = shorter.filter(fits)?;
        let message = format!("texts are cut at {length} bytes: this kernel takes keys of at most {SHORT_KEY} bytes");
        diagnostics.push(Diagnostic::warning(shorter.clauses.first()?.span, message));
        Some((shorter, diagnostics))
    })
}

fn fits(program: &Program) -> bool {
    program.maps.iter().filter_map(|map| map.key.as_ref()).all(|key| layout::size(key) <= SHORT_KEY)
}
