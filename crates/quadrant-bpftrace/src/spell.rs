//! Names of probes in advice.

use quadrant_program::advice::Named;

/// How a script names a probe, and the command line a listing.
#[must_use]
pub fn spell(named: &Named) -> Option<String> {
    Some(match named {
        Named::Probe(kind, parts) => {
            let parts: Vec<String> = parts.iter().map(|part| quoted(part)).collect();
            format!("{}:{}", kind.name(), parts.join(":"))
        }
        Named::Listing(kind, parts) => format!("-l '{}:{}'", kind.name(), parts.join(":")),
    })
}

/// A name with signs that mean something to the parser stands in quotes.
fn quoted(part: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./*?$@".contains(c);
    if part.chars().all(is_plain) { part.to_owned() } else { format!("\"{part}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::probe::ProbeKind;

    #[test]
    fn names_of_probes() {
        let spelled = |parts| spell(&Named::probe(ProbeKind::Uprobe, parts)).unwrap();
        assert_eq!(spelled(["/bin/a", "f.part.0"]), "uprobe:/bin/a:f.part.0");
        assert_eq!(spelled(["a", "main.f+12"]), "uprobe:a:\"main.f+12\"");
        let listing = Named::listing(ProbeKind::Tracepoint, ["sched", "*"]);
        assert_eq!(spell(&listing).unwrap(), "-l 'tracepoint:sched:*'");
    }
}
