//! `--fmt`: the script in the usual form.

use std::io::Write;

use super::Refusal;
use super::getopt::Line;
use super::report;
use super::script;
use crate::answers;
use crate::output_file;

/// Prints the command line's script; one with errors gives these.
///
/// # Errors
/// No script, one with errors, output that cannot be written.
pub fn run(line: &Line) -> Result<i32, Refusal> {
    let (script, _) = script::load(line)?;
    let text =
        quadrant_bpftrace::format::format(script.sources.file(0).map_or("", |file| script.sources.text_of(file)))
            .map_err(|diagnostics| Refusal::new(report::render(&script, &diagnostics, true)))?;
    let failed = |error: std::io::Error| Refusal::new(format!("ERROR: {}\n", crate::script::reason(&error)));
    // The script itself may be named: its text is whole by now.
    let file = line.output.as_deref().map(output_file::replace).transpose().map_err(failed)?;
    let mut output: Box<dyn Write> =
        file.map_or_else(|| answers::output(None), |file| Ok(Box::new(file))).map_err(failed)?;
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(failed(error)),
        _ => Ok(0),
    }
}
