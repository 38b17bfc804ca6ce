//! Messages about a script, as plain data; the command line renders them.

use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The script cannot run.
    Error,
    /// The script runs, but perhaps not as meant.
    Warning,
}

/// Where that stands which a message is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// In the script, where the message points.
    #[default]
    Script,
    /// On the command line.
    CommandLine,
    /// In a setting of the environment.
    Environment,
    /// In what the script's settings allow; nothing of the script is at fault by itself.
    Settings,
}

/// One message that points into the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is marked.
    pub span: Span,
    /// One line, lower case, no full stop.
    pub message: String,
    /// Text beside the caret; may be empty.
    pub label: String,
    /// What to do, one line each ("did you mean `pid`?").
    pub help: Vec<String>,
    /// Facts that explain, one line each.
    pub notes: Vec<String>,
    /// Other places that explain it, and what is said of each.
    pub places: Vec<(Span, String)>,
    /// The name that the language gives this kind of error (D: `D_SYNTAX`), if it has names for them.
    pub tag: Option<&'static str>,
    /// Where its cause is; `span` means nothing unless that is the script.
    pub origin: Origin,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, span, message)
    }

    /// A warning at `span`.
    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, span, message)
    }

    fn new(severity: Severity, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity,
            span,
            message: message.into(),
            label: String::new(),
            help: Vec::new(),
            notes: Vec::new(),
            places: Vec::new(),
            tag: None,
            origin: Origin::Script,
        }
    }

    /// With text beside the caret.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.label = text.into();
        self
    }

    /// With advice.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }

    /// With an explanation.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// With another place that explains it.
    pub fn place(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.places.push((span, text.into()));
        self
    }

    /// About something that is not in the script.
    pub fn from(mut self, origin: Origin) -> Diagnostic {
        self.origin = origin;
        self
    }

    /// With the language's name for this kind of error.
    pub fn tag(mut self, tag: &'static str) -> Diagnostic {
        self.tag = Some(tag);
        self
    }
}
