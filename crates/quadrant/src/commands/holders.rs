//! Who keeps something in the kernel, for people and as JSON.

use quadrant_inspect::active::Owner;

use crate::commands::escaped;
use crate::commands::json::Json;

/// Processes, or else the first pin; all of them if `full`.
pub fn text(owners: &[Owner], pins: &[Vec<u8>], full: bool) -> String {
    let owner = |owner: &Owner| format!("{} {}", owner.pid, escaped(&owner.comm));
    let mut holders: Vec<String> = owners.iter().map(owner).collect();
    holders.extend(pins.iter().map(|pin| escaped(pin)));
    let shown = if full { usize::MAX } else { 1 };
    let mut text = holders.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if holders.len() > shown {
        text.push_str(&format!(" +{}", holders.len() - shown));
    }
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The members `owners` and `pins`.
pub fn json(owners: &[Owner], pins: &[Vec<u8>]) -> [(&'static str, Json); 2] {
    let owner = |owner: &Owner| Json::Object(vec![("pid", owner.pid.into()), ("comm", owner.comm.as_slice().into())]);
    [("owners", Json::list(owners, owner)), ("pins", Json::list(pins, |pin| pin.as_slice().into()))]
}
