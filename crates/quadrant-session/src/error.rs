//! Why a trace could not start or go on.

use std::fmt;

use quadrant_program::span::Span;

/// Why a trace could not start or go on.
#[derive(Debug)]
pub enum Error {
    /// The script asks for something that cannot be done here; points into the script.
    Script {
        /// The place.
        span: Span,
        /// One line.
        message: String,
        /// Advice, one line each.
        help: Vec<String>,
    },
    /// An object cannot be used here.
    Object {
        /// What is wrong; may have several lines.
        message: String,
        /// Advice, one line each.
        help: Vec<String>,
    },
    /// The kernel refused something; the message has errno, reason and advice.
    Kernel(quadrant_bpf::Error),
    /// A probe could not be attached.
    Probe(quadrant_program::probe::ProbeError),
    /// A signal to end came while programs were loaded, before anything was attached.
    Interrupted {
        /// How many were loaded by then.
        loaded: usize,
        /// Of how many.
        programs: usize,
    },
    /// A program was refused, and the developer asked for the whole story.
    Log(String),
    /// A replayed clause asks for more values of a list than the recording has.
    Short {
        /// The event's line in the recording.
        line: usize,
        /// The list's slot.
        slot: usize,
        /// How many values it has.
        values: usize,
    },
    /// A replayed loop over a map comes to another key than the recording has.
    Astray {
        /// The event's line in the recording.
        line: usize,
        /// The slot of the loop's keys.
        slot: usize,
        /// Which of the keys it does not come to.
        round: usize,
    },
    /// Writing the answers failed.
    Output(std::io::Error),
}

impl Error {
    /// For those who can only pass on errors of input and output; `From` finds it in there again.
    pub(crate) fn into_io(self) -> std::io::Error {
        match self {
            Error::Output(error) => error,
            error => std::io::Error::other(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Script { message, .. } | Error::Object { message, .. } => f.write_str(message),
            Error::Kernel(error) => error.fmt(f),
            Error::Probe(error) => f.write_str(&error.message),
            Error::Interrupted { loaded, programs } => {
                write!(f, "interrupted when {loaded} of {programs} programs were loaded, before any probe was attached")
            }
            Error::Log(text) => f.write_str(text),
            Error::Short { values, .. } => write!(f, "a list of the recording has only {values} values"),
            Error::Astray { round, .. } => write!(f, "a loop over a map does not come to key {round} of the recording"),
            Error::Output(error) => quadrant_bpf::Error::io("cannot write the output", error).fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<quadrant_bpf::Error> for Error {
    fn from(error: quadrant_bpf::Error) -> Error {
        Error::Kernel(error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        error.downcast::<Error>().unwrap_or_else(Error::Output)
    }
}

impl From<quadrant_program::probe::ProbeError> for Error {
    fn from(error: quadrant_program::probe::ProbeError) -> Error {
        Error::Probe(error)
    }
}

impl From<quadrant_object::Error> for Error {
    fn from(error: quadrant_object::Error) -> Error {
        Error::Object { message: error.to_string(), help: Vec::new() }
    }
}
