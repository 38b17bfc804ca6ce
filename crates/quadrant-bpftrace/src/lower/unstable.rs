//! Features that bpftrace calls unstable: settings say whether a script may have them. They are finished here, so only those who are used
//! to bpftrace's messages are warned.

use std::collections::HashMap;

use quadrant_program::diag::{Diagnostic, Origin};
use quadrant_program::span::Span;

use super::Lower;
use crate::ast::ConfigValue;

/// A feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Feature {
    Tseries,
    Typeinfo,
}

/// Whether a script may use a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Allowed,
    Warned,
    Refused,
}

/// What the settings say; nothing of what is not set.
#[derive(Debug, Clone, Default)]
pub(super) struct Unstable(HashMap<Feature, Use>);

/// What the value of such a setting has to be.
pub(super) const WANTED: &str = "enable, warn or error";

impl Feature {
    /// The feature that a setting is about.
    pub(super) fn of(setting: &str) -> Option<Self> {
        match setting {
            "unstable_tseries" => Some(Self::Tseries),
            "unstable_typeinfo" => Some(Self::Typeinfo),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tseries => "tseries",
            Self::Typeinfo => "typeinfo",
        }
    }

    /// What bpftrace does if nothing is set.
    fn by_default(self) -> Use {
        match self {
            Self::Tseries => Use::Warned,
            Self::Typeinfo => Use::Refused,
        }
    }
}

impl Unstable {
    /// Sets one; gives what its value has to be if it is not.
    pub(super) fn set(&mut self, feature: Feature, value: &ConfigValue) -> Result<(), &'static str> {
        self.0.insert(feature, how(value).ok_or(WANTED)?);
        Ok(())
    }

    /// What a feature's setting says.
    pub(super) fn word(&self, feature: Feature) -> &'static str {
        self.0.get(&feature).copied().unwrap_or(feature.by_default()).word()
    }
}

impl Use {
    fn word(self) -> &'static str {
        match self {
            Self::Allowed => "enable",
            Self::Warned => "warn",
            Self::Refused => "error",
        }
    }
}

impl Lower<'_> {
    /// A use of a feature: nothing if the settings refuse it.
    pub(super) fn unstable(&mut self, feature: Feature, span: Span) -> Option<()> {
        let unset = if self.env.warns_of_style { feature.by_default() } else { Use::Allowed };
        let name = feature.name();
        match self.unstable.0.get(&feature).copied().unwrap_or(unset) {
            Use::Allowed => {}
            Use::Warned => {
                let message = format!(
                    "Script is using an unstable feature: {name}. To prevent this warning you must explicitly enable it in the \
                     config e.g. unstable_{name}=enable"
                );
                self.report(Diagnostic::warning(Span::default(), message).from(Origin::Settings));
            }
            Use::Refused => {
                let message = format!(
                    "{name} feature is not enabled by default. To enable this unstable feature, set the config flag to \
                     enable. unstable_{name}=enable"
                );
                return self.error(span, message);
            }
        }
        Some(())
    }
}

/// The word that means the same as the value of such a setting.
pub(super) fn as_word(value: &ConfigValue) -> Option<&'static str> {
    how(value).map(Use::word)
}

fn how(value: &ConfigValue) -> Option<Use> {
    match value {
        ConfigValue::Bool(true) | ConfigValue::Int(1..) => Some(Use::Allowed),
        ConfigValue::Bool(false) | ConfigValue::Int(0) => Some(Use::Refused),
        ConfigValue::Text(word) => match word.as_str() {
            "enable" => Some(Use::Allowed),
            "warn" => Some(Use::Warned),
            "error" => Some(Use::Refused),
            _ => None,
        },
    }
}
