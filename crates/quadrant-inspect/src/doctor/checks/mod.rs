//! The checks, one file a family. A row says what is tried and what explains a failure.

mod engine;
mod events;
mod functions;
mod helpers;
mod iterators;
mod kernel;
mod names;
mod tracepoints;
mod user;

use super::kit::{Kit, Outcome};
use super::model::Area;

/// The id of another check, and what its working means for this one.
pub type Instead = (&'static str, &'static str);

/// A check.
pub struct Row {
    /// A name that stays the same.
    pub id: &'static str,
    pub area: Area,
    /// What it is, for people.
    pub name: &'static str,
    pub run: fn(&mut Kit) -> Outcome,
    /// Options of the kernel's configuration without which it cannot be there.
    pub options: &'static [&'static str],
    /// The version of Linux that brought it, if later than 5.10; else empty.
    pub since: &'static str,
    /// What Quadrant does where it is missing: the first whose check, named by its id, works. Without an id it is always
    /// there.
    pub instead: &'static [Instead],
}

/// All checks in order.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let families: [&[Row]; 9] = [
        tracepoints::ROWS,
        kernel::ROWS,
        functions::ROWS,
        user::ROWS,
        events::ROWS,
        iterators::ROWS,
        engine::ROWS,
        helpers::ROWS,
        names::ROWS,
    ];
    families.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_areas_in_order() {
        let ids: std::collections::BTreeSet<_> = rows().map(|row| row.id).collect();
        assert_eq!(ids.len(), rows().count());
        assert!(rows().map(|row| row.area).is_sorted());
    }
}
