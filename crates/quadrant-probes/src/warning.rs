//! What the user should know of probes that were found.

use quadrant_program::advice::{self, Advice, Spelling};

/// Something that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What there is to know.
    pub message: String,
    /// What to do about it.
    pub help: Vec<Advice>,
}

impl From<String> for Warning {
    fn from(message: String) -> Self {
        Self { message, help: Vec::new() }
    }
}

impl Warning {
    /// In one line.
    pub fn in_language(&self, spelling: Spelling) -> String {
        let help = advice::spelled(&self.help, spelling);
        help.iter().fold(self.message.clone(), |line, help| format!("{line}; {help}"))
    }
}
