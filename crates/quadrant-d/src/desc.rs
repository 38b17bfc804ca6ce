//! Probe descriptions: `provider:module:function:name`, each part a pattern.

use crate::ast::ProbeSpec;
use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::PointPart;
use std::fmt;

/// A probe description; an empty part matches anything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProbeDesc {
    /// The provider.
    pub provider: String,
    /// The module.
    pub module: String,
    /// The function.
    pub function: String,
    /// The name.
    pub name: String,
}

/// The part of a description that its last word is: it depends on the option that gave the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Last {
    /// `-P`
    Provider,
    /// `-m`
    Module,
    /// `-f`
    Function,
    /// `-n`, and descriptions in scripts.
    Name,
}

/// A description has more parts than there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyParts;

impl ProbeDesc {
    /// Reads a description. Where there are fewer parts than there can be, the first ones are missing: they match anything.
    ///
    /// # Errors
    /// More parts than up to `last`.
    pub fn parse(text: &str, last: Last) -> Result<Self, TooManyParts> {
        let fields: Vec<&str> = text.split(':').map(str::trim).collect();
        let missing = (last as usize + 1).checked_sub(fields.len()).ok_or(TooManyParts)?;
        let field = |at: usize| {
            at.checked_sub(missing).and_then(|at| fields.get(at)).map_or_else(String::new, |f| (*f).to_owned())
        };
        Ok(Self { provider: field(0), module: field(1), function: field(2), name: field(3) })
    }

    /// The parts of a probe's full name, as they are.
    pub fn named(name: &str) -> Self {
        let [provider, module, function, name] = PointPart::all_of(name).map(str::to_owned);
        Self { provider, module, function, name }
    }

    /// The description of one probe by its full name.
    pub fn exactly(name: &str) -> Self {
        let parts = PointPart::all_of(name).map(|part| part.replace(['*', '?', '[', '\\'], "?"));
        let [provider, module, function, name] = parts;
        Self { provider, module, function, name }
    }
}

impl fmt::Display for ProbeDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.provider, self.module, self.function, self.name)
    }
}

impl TooManyParts {
    /// The message about a description.
    pub fn of(self, spec: &ProbeSpec) -> Diagnostic {
        let message = format!("invalid probe description \"{}\": Overspecified probe description", spec.text);
        Diagnostic::error(spec.span, message).tag("D_PDESC_INVAL")
    }
}

#[cfg(test)]
mod tests {
    use super::{Last, ProbeDesc, TooManyParts};

    fn full(text: &str, last: Last) -> Result<String, TooManyParts> {
        ProbeDesc::parse(text, last).map(|desc| desc.to_string())
    }

    #[test]
    fn parts_fill_from_the_right() {
        assert_eq!(full("BEGIN", Last::Name), Ok(":::BEGIN".into()));
        assert_eq!(full("read:entry", Last::Name), Ok("::read:entry".into()));
        assert_eq!(full("syscall:::", Last::Name), Ok("syscall:::".into()));
        assert_eq!(full("::", Last::Name), Ok(":::".into()));
        assert_eq!(full("", Last::Name), Ok(":::".into()));
    }

    #[test]
    fn the_option_says_which_part_is_the_last() {
        assert_eq!(full("syscall", Last::Provider), Ok("syscall:::".into()));
        assert_eq!(full("fbt:ext4", Last::Module), Ok("fbt:ext4::".into()));
        assert_eq!(full("read", Last::Function), Ok("::read:".into()));
        assert_eq!(full("a:b", Last::Provider), Err(TooManyParts));
        assert_eq!(full("a:b:c:d:e", Last::Name), Err(TooManyParts));
    }

    #[test]
    fn a_name_is_no_pattern() {
        assert_eq!(ProbeDesc::exactly("p:m:f[1]:n").to_string(), "p:m:f?1]:n");
    }
}
