//! `dtrace:::BEGIN`, `dtrace:::END`, `dtrace:::ERROR`: the trace itself.

use super::layout::{Layout, Stability};
use super::pattern::Wanted;
use super::{Probe, Provider, Providers, Result, Row, ids};
use crate::ast::Attributes;
use quadrant_program::probe::{Point, Site};

const NAME: &str = "dtrace";

pub(super) const PROVIDER: Provider = Provider {
    is_called: |pattern| pattern.matches(NAME),
    find,
    list,
    of_id,
    knows: |name| PROBES.iter().any(|(known, ..)| *known == name),
};

const PROBES: [(&str, u32, Site); 3] =
    [("BEGIN", ids::BEGIN, Site::Begin), ("END", ids::END, Site::End), ("ERROR", ids::ERROR, Site::Error)];

fn find(providers: &Providers<'_>, wanted: &Wanted) -> Result<Vec<Probe>> {
    let matching = PROBES.iter().filter(|(name, ..)| wanted.accepts("", "", name));
    let probe = |(name, id, site): &(&str, u32, Site)| {
        let point = Point { site: site.clone(), name: full_name(name), func: String::new() };
        providers.probe(point, *id, layout())
    };
    Ok(matching.map(probe).collect())
}

fn list(_: &Providers<'_>, wanted: &Wanted, show: &mut dyn FnMut(Row)) -> Result<()> {
    for (name, id, _) in PROBES.iter().filter(|(name, ..)| wanted.accepts("", "", name)) {
        show(Row { id: *id, name: full_name(name) });
    }
    Ok(())
}

fn of_id(_: &Providers<'_>, id: u32) -> Option<Wanted> {
    let (name, ..) = PROBES.iter().find(|(_, known, _)| *known == id)?;
    Some(Wanted::new(NAME, "", "", name))
}

fn full_name(name: &str) -> String {
    format!("{NAME}:::{name}")
}

/// ERROR's arguments are those of a fault, which the front end knows.
fn layout() -> Layout {
    Layout { stability: Stability::of_all(Attributes::STABLE), ..Layout::default() }
}
