//! `#pragma D …` and its like.

use super::Ident;
use quadrant_program::span::Span;

/// One `#pragma` or `#ident` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pragma {
    /// The line, without its end.
    pub span: Span,
    /// What it says.
    pub kind: PragmaKind,
}

/// What a pragma says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PragmaKind {
    /// Something that was reported as an error.
    Error,
    /// `#pragma D option name[=value]`
    Option {
        /// The option.
        name: Ident,
        /// What stands behind `=`, quotes taken off.
        value: Option<Ident>,
    },
    /// `#pragma D attributes Stable/Evolving/ISA …`
    Attributes {
        /// The three attributes.
        attributes: Attributes,
        /// What has them.
        target: AttributeTarget,
    },
    /// `#pragma D binding "1.6.3" name`
    Binding {
        /// The version from which on the name can be used.
        version: Ident,
        /// The identifier.
        name: Ident,
    },
    /// `#pragma D depends_on library procfs.d`
    DependsOn {
        /// Of what kind the thing is.
        kind: Dependency,
        /// Its name.
        name: Ident,
    },
    /// `#pragma D error text`: compiling fails with that text.
    Fail(String),
    /// `#ident "text"`, `#pragma ident "text"`: for the reader only.
    Ident(String),
    /// A pragma of someone else's (`#pragma weak x`): ignored, as C compilers do.
    Foreign,
}

/// Who has the attributes of an `attributes` pragma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeTarget {
    /// `… name`: an identifier or translator member declared in the script.
    Name(Ident),
    /// `… provider name part`: a part of a provider's probe descriptions.
    Provider {
        /// The provider.
        provider: Ident,
        /// Which part.
        part: ProviderPart,
    },
}

/// A part of a provider's probe descriptions that has its own attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as they are written")]
pub enum ProviderPart {
    Provider,
    Module,
    Function,
    Name,
    Args,
}

/// What a script can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as they are written")]
pub enum Dependency {
    Library,
    Provider,
    Module,
}

/// `name/data/class`: how stable an interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Of its name.
    pub name: Stability,
    /// Of its data.
    pub data: Stability,
    /// Which platforms have it.
    pub class: Class,
}

/// How much an interface may change, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "named as they are written")]
pub enum Stability {
    Internal,
    Private,
    Obsolete,
    External,
    Unstable,
    Evolving,
    Stable,
    Standard,
}

/// Which systems have an interface, from fewest to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "named as they are written")]
pub enum Class {
    Unknown,
    Cpu,
    Platform,
    Group,
    Isa,
    Common,
}

impl Stability {
    /// All of them, in order.
    pub const ALL: [Stability; 8] = [
        Self::Internal,
        Self::Private,
        Self::Obsolete,
        Self::External,
        Self::Unstable,
        Self::Evolving,
        Self::Stable,
        Self::Standard,
    ];

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "Internal",
            Self::Private => "Private",
            Self::Obsolete => "Obsolete",
            Self::External => "External",
            Self::Unstable => "Unstable",
            Self::Evolving => "Evolving",
            Self::Stable => "Stable",
            Self::Standard => "Standard",
        }
    }
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Class; 6] = [Self::Unknown, Self::Cpu, Self::Platform, Self::Group, Self::Isa, Self::Common];

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Cpu => "CPU",
            Self::Platform => "Platform",
            Self::Group => "Group",
            Self::Isa => "ISA",
            Self::Common => "Common",
        }
    }
}

impl Attributes {
    /// What is promised on all systems.
    pub const STABLE: Attributes = Attributes::both(Stability::Stable, Class::Common);
    /// What may change with a new version of the tracer.
    pub const EVOLVING: Attributes = Attributes::both(Stability::Evolving, Class::Common);
    /// What nobody promises: a description that may mean other probes some day.
    pub const UNSTABLE: Attributes = Attributes::both(Stability::Unstable, Class::Common);
    /// The same as [`Self::EVOLVING`], where each kind of processor has its own.
    pub const EVOLVING_ISA: Attributes = Attributes::both(Stability::Evolving, Class::Isa);
    /// What may change with every kernel and program.
    pub const PRIVATE: Attributes = Attributes::both(Stability::Private, Class::Unknown);
    /// The same, where each kind of processor has its own.
    pub const PRIVATE_ISA: Attributes = Attributes::both(Stability::Private, Class::Isa);

    const fn both(level: Stability, class: Class) -> Attributes {
        Attributes { name: level, data: level, class }
    }

    /// What is promised of two things together: of each part, the less stable one.
    #[must_use]
    pub fn least(self, other: Attributes) -> Attributes {
        Attributes {
            name: self.name.min(other.name),
            data: self.data.min(other.data),
            class: self.class.min(other.class),
        }
    }

    /// Whether each part is as stable as that of another.
    pub fn reaches(self, least: Attributes) -> bool {
        self.least(least) == least
    }

    /// Reads `Stable/Evolving/ISA`, capitals or not. What is left away at the end is the best that there is.
    pub fn parse(text: &str) -> Option<Attributes> {
        let mut parts = text.split('/');
        let stability = |word: &str| Stability::ALL.into_iter().find(|s| s.word().eq_ignore_ascii_case(word));
        let name = stability(parts.next()?)?;
        let data = parts.next().map_or(Some(Stability::Standard), stability)?;
        let class = parts
            .next()
            .map_or(Some(Class::Common), |word| Class::ALL.into_iter().find(|c| c.word().eq_ignore_ascii_case(word)))?;
        parts.next().is_none().then_some(Attributes { name, data, class })
    }
}

impl Default for Attributes {
    /// Those of what nobody promised anything about.
    fn default() -> Attributes {
        Attributes::PRIVATE
    }
}

impl std::fmt::Display for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.name.word(), self.data.word(), self.class.word())
    }
}

impl ProviderPart {
    /// The part that `word` is, if any.
    pub fn from_word(word: &str) -> Option<ProviderPart> {
        Some(match word {
            "provider" => Self::Provider,
            "module" => Self::Module,
            "function" => Self::Function,
            "name" => Self::Name,
            "args" => Self::Args,
            _ => return None,
        })
    }

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Module => "module",
            Self::Function => "function",
            Self::Name => "name",
            Self::Args => "args",
        }
    }
}

impl Dependency {
    /// The kind that `word` is, if any.
    pub fn from_word(word: &str) -> Option<Dependency> {
        Some(match word {
            "library" => Self::Library,
            "provider" => Self::Provider,
            "module" => Self::Module,
            _ => return None,
        })
    }

    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Provider => "provider",
            Self::Module => "module",
        }
    }
}
