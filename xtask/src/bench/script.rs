//! One question in the languages that can ask it.

use super::target::Target;

/// One script in the languages that can say it. In all of them PATH stands for the path of the traced program.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// In bpftrace's language.
    pub bpftrace: String,
    /// In ply's, if ply can do it.
    pub ply: Option<String>,
    /// In D, if D can do it.
    pub d: Option<String>,
    /// The programs of `benches/limits.bpf.c`, those without a place in their sections as `NAME=PLACE`.
    pub by_hand: &'static [&'static str],
    /// The arguments with which perf asks the same of a command that follows.
    pub perf: Option<&'static str>,
    /// The arguments with which strace does.
    pub strace: Option<&'static str>,
}

impl Script {
    /// A script that only bpftrace's language can say.
    pub fn bpftrace(text: impl Into<String>) -> Self {
        Self { bpftrace: text.into(), ..Self::default() }
    }

    /// The same in ply's language.
    pub fn or_ply(mut self, text: impl Into<String>) -> Self {
        self.ply = Some(text.into());
        self
    }

    /// The same in D.
    pub fn or_d(mut self, text: impl Into<String>) -> Self {
        self.d = Some(text.into());
        self
    }

    /// The same in C.
    pub fn or_by_hand(mut self, programs: &'static [&'static str]) -> Self {
        self.by_hand = programs;
        self
    }

    /// What perf has for it.
    pub fn or_perf(mut self, arguments: &'static str) -> Self {
        self.perf = Some(arguments);
        self
    }

    /// What strace has for it.
    pub fn or_strace(mut self, arguments: &'static str) -> Self {
        self.strace = Some(arguments);
        self
    }

    /// The script for a target at its place.
    pub fn at(&self, target: &Target) -> Result<Placed, crate::Failure> {
        Ok(self.placed(target.path()?.to_string_lossy().into_owned()))
    }

    /// The script if it needs no target.
    pub fn anywhere(&self) -> Placed {
        self.placed(String::new())
    }

    fn placed(&self, path: String) -> Placed {
        Placed { script: self.clone(), path }
    }

    /// The same probes, with nothing in their bodies and without their conditions, in bpftrace's language alone.
    pub fn emptied(&self) -> Self {
        let clauses = self.bpftrace.split_inclusive('}').filter_map(|clause| clause.split_once('{'));
        Self::bpftrace(clauses.map(|(head, _)| format!("{} {{ }} ", probe_of(head))).collect::<String>())
    }
}

/// `probe /condition/` without the condition. A path has slashes too, so it is the first word.
fn probe_of(head: &str) -> &str {
    head.split_whitespace().next().unwrap_or_default()
}

/// A script, and where the program is that it traces.
#[derive(Debug, Clone)]
pub struct Placed {
    script: Script,
    path: String,
}

impl Placed {
    /// In bpftrace's language.
    pub fn bpftrace(&self) -> String {
        self.fill(&self.script.bpftrace)
    }

    /// In ply's, which says when it is attached.
    pub fn ply(&self) -> Option<String> {
        Some(format!("BEGIN {{ printf(\"attached\\n\"); }} {}", self.fill(self.script.ply.as_ref()?)))
    }

    /// In D, which says when it is attached.
    pub fn d(&self) -> Option<String> {
        Some(format!("BEGIN {{ printf(\"attached\\n\"); }} {}", self.fill(self.script.d.as_ref()?)))
    }

    /// Which programs to load of those written by hand, as arguments of `quadrant load`.
    pub fn by_hand(&self) -> Option<Vec<String>> {
        if self.script.by_hand.is_empty() {
            return None;
        }
        let arguments = |program: &&str| match program.split_once('=') {
            Some((name, _)) => vec!["--only".into(), name.into(), "--attach".into(), self.fill(program)],
            None => vec!["--only".into(), (*program).into()],
        };
        Some(self.script.by_hand.iter().flat_map(arguments).collect())
    }

    /// The words with which perf runs a command.
    pub fn perf(&self) -> Option<Vec<String>> {
        self.script.perf.map(|text| self.words(text))
    }

    /// The words with which strace does.
    pub fn strace(&self) -> Option<Vec<String>> {
        self.script.strace.map(|text| self.words(text))
    }

    fn words(&self, text: &str) -> Vec<String> {
        text.split_whitespace().map(|word| self.fill(word)).collect()
    }

    fn fill(&self, text: &str) -> String {
        text.replace("PATH", &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_script_keeps_all_probes() {
        let script = Script::bpftrace("uprobe:/a/b:c /@s[tid]/ { @ = count(); } interval:s:1 { exit(); }");
        assert_eq!(script.emptied().bpftrace, "uprobe:/a/b:c { } interval:s:1 { } ");
    }

    #[test]
    fn the_path_is_filled_in() {
        let placed = Script::bpftrace("uprobe:PATH:f { }").or_by_hand(&["a", "b=PATH:f"]).placed("/x".into());
        assert_eq!(placed.bpftrace(), "uprobe:/x:f { }");
        assert_eq!(placed.by_hand().unwrap(), ["--only", "a", "--only", "b", "--attach", "b=/x:f"]);
        assert_eq!(Script::bpftrace("").anywhere().by_hand(), None);
    }
}
