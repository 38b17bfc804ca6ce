//! How a run fails: what is said, and the exit status.

use std::io;
use std::io::IsTerminal;

use quadrant_bpf::errno::Errno;
use quadrant_program::advice::Spelling;
use quadrant_program::diag::Diagnostic;
use quadrant_program::probe::{ProbeError, ProbeErrorKind};
use quadrant_program::sources::Sources;
use quadrant_session::Error;

use crate::diag;

/// Why the command fails.
#[derive(Debug, Default)]
pub struct Failure {
    message: String,
    hints: Vec<String>,
    /// Messages about the script; they stand for themselves.
    rendered: String,
    /// The system did not let us, rather than that there is nothing.
    denied: bool,
    /// The same as data.
    diagnostics: Option<Box<(Sources, Vec<Diagnostic>)>>,
}

impl Failure {
    /// A failure with one line.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), ..Failure::default() }
    }

    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(message)
    }

    /// With advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// Messages about a script.
    pub fn script(script: &Sources, diagnostics: &[Diagnostic]) -> Failure {
        let rendered = diag::render(script, diagnostics, color());
        Failure { rendered, diagnostics: Some(Box::new((script.clone(), diagnostics.to_vec()))), ..Failure::default() }
    }

    /// Why there is no probe, in a language's words.
    pub fn probe(error: ProbeError, spelling: Spelling) -> Failure {
        let denied = error.kind == ProbeErrorKind::Denied;
        Failure { hints: error.help_in(spelling), message: error.message, denied, ..Failure::default() }
    }

    /// What the session says.
    pub fn session(script: &Sources, error: Error) -> Failure {
        match error {
            Error::Script { span, message, help } => {
                let mut diagnostic = Diagnostic::error(span, message);
                diagnostic.help = help;
                Failure::script(script, &[diagnostic])
            }
            Error::Probe(error) => Failure::from(error),
            other => Failure::new(other.to_string()),
        }
    }

    /// Messages that are complete as they are.
    pub fn rendered(text: String) -> Failure {
        Failure { rendered: text, ..Failure::default() }
    }

    /// The message and the advice, if they are not about places in the script.
    pub fn message(&self) -> Option<(&str, &[String])> {
        (!self.message.is_empty()).then_some((self.message.as_str(), self.hints.as_slice()))
    }

    /// The message and the advice.
    pub fn into_parts(self) -> (String, Vec<String>) {
        (self.message, self.hints)
    }

    /// Whether the system did not let us, rather than that there is nothing.
    pub fn is_denied(&self) -> bool {
        self.denied
    }

    /// The messages about a script.
    pub fn diagnostics(&self) -> Option<(&Sources, &[Diagnostic])> {
        self.diagnostics.as_deref().map(|(script, messages)| (script, messages.as_slice()))
    }

    /// Say it, in the name of `who`.
    pub fn print(&self, who: &str) {
        eprint!("{}", self.text(who, "  help"));
    }

    /// Its lines, each with an end: the message in the name of `who`, each piece of advice behind the word `help`.
    pub fn text(&self, who: &str, help: &str) -> String {
        let mut text = self.rendered.clone();
        if !self.message.is_empty() {
            text.push_str(&format!("{who}: {}\n", shown_lines(&self.message)));
        }
        self.hints.iter().for_each(|hint| text.push_str(&format!("{help}: {}\n", shown_lines(hint))));
        text
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Failure {
        Failure::probe(error, quadrant_bpftrace::spell)
    }
}

impl From<quadrant_bpf::Error> for Failure {
    fn from(error: quadrant_bpf::Error) -> Failure {
        let denied = error.errno().is_some_and(Errno::is_denied);
        Failure { denied, ..Failure::new(error.to_string()) }
    }
}

/// How writing something went. A reader that has seen enough is no failure.
///
/// # Errors
/// It could not be written.
pub fn written(what: &str, result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(quadrant_bpf::Error::io(format!("cannot write {what}"), &error).into())
        }
        _ => Ok(()),
    }
}

/// Text with names that others chose, safe to show.
pub fn shown(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    quadrant_output::escape::text(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

/// As [`shown`], of a message: its lines and tabs stay.
pub fn shown_lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(shown).collect::<Vec<_>>().join("\t");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Whether messages are colored.
pub fn color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_messages_move_no_cursor() {
        let text = Failure::new("two\nlines\x1b[2J").hint("or\u{202e}").text("quadrant", "help");
        assert_eq!(text, "quadrant: two\nlines\\x1b[2J\nhelp: or\\u{202e}\n");
    }
}
