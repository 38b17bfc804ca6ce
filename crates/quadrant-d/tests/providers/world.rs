//! This machine as providers see it.

use quadrant_d::desc::ProbeDesc;
use quadrant_d::providers::{Layout, Probe, Providers, Settings};
use quadrant_probes::{Options, Source};
use quadrant_program::probe::ProbeError;
use quadrant_types::{Btf, Types};
use std::rc::Rc;

pub struct World {
    source: Source,
    types: Rc<Types>,
}

impl World {
    /// `None`, and a line that says why, if the kernel's types cannot be read.
    pub fn new() -> Option<World> {
        let Ok(data) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            quadrant_testing::skip("the kernel's types cannot be read");
            return None;
        };
        let types = Rc::new(Types::new(Btf::new(data).expect("the kernel's BTF is well-formed")));
        let source = Source::new(Rc::clone(&types), Options { max_points: usize::MAX, ..Options::default() });
        Some(World { source, types })
    }

    pub fn providers(&self) -> Providers<'_> {
        Providers::new(&self.source, &self.types, Settings::default())
    }

    pub fn with(&self, settings: Settings) -> Providers<'_> {
        Providers::new(&self.source, &self.types, settings)
    }

    pub fn types(&self) -> &Types {
        &self.types
    }

    pub fn find(&self, text: &str) -> Result<Vec<Probe>, ProbeError> {
        self.providers().find(&desc(text))
    }

    /// The full names of what a description means, sorted.
    pub fn names(&self, text: &str) -> Vec<String> {
        let found = self.find(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let mut names: Vec<String> = found.into_iter().map(|probe| probe.point.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub fn layout(&self, text: &str) -> Layout {
        let found = self.find(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        (*found[0].layout).clone()
    }
}

/// A description by its four parts; fewer than four are those on the right.
pub fn desc(text: &str) -> ProbeDesc {
    let parts: Vec<&str> = text.split(':').collect();
    let part = |from_right: usize| parts.len().checked_sub(from_right).map_or(String::new(), |at| parts[at].to_owned());
    ProbeDesc { provider: part(4), module: part(3), function: part(2), name: part(1) }
}
