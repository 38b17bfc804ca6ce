use std::fmt;
use std::path::PathBuf;

/// Why a target could not be built or a program not be run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A tool that builds targets is not installed.
    MissingTool {
        /// The command that is missing.
        tool: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// Targets are taken from a folder, and this one is not in it: it could not be made where the folder was filled.
    NotReady {
        /// The target.
        target: String,
        /// The folder.
        dir: PathBuf,
    },
    /// A target's compiler refused its source.
    Compile {
        /// The target.
        target: String,
        /// What the compiler said.
        message: String,
    },
    /// No target has this name.
    UnknownTarget(String),
    /// A file could not be read or written, or a process not be started or waited for.
    Io {
        /// What was tried.
        action: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program did not print what was waited for.
    NotPrinted {
        /// What was waited for.
        expected: String,
        /// All that was printed until then, standard output first.
        printed: String,
    },
}

impl Error {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn file(verb: &str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        Self::io(format!("{verb} {}", path.into().display()))
    }
}

impl Error {
    /// Whether a target cannot be had on this machine, which is no fault of the target's: a test that needs it is skipped.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::MissingTool { .. } | Self::NotReady { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTool { tool, package } => {
                write!(f, "{tool} is not installed: run `apt-get install {package}`")
            }
            Self::NotReady { target, dir } => {
                write!(
                    f,
                    "the target {target} is not in {}: its compiler was missing where that was filled",
                    dir.display()
                )
            }
            Self::Compile { target, message } => write!(f, "cannot compile the target {target}:\n{message}"),
            Self::UnknownTarget(name) => write!(f, "there is no target named {name} in tests/targets"),
            Self::Io { action, source } => write!(f, "cannot {action}: {source}"),
            Self::NotPrinted { expected, printed } => {
                write!(f, "the program did not print {expected:?}; it printed:\n{printed}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
