//! When the tracer runs a clause.

use super::list::SIGNALS;
use crate::error::{Result, advise, error, no_match};
use crate::point::plain;
use quadrant_program::probe::{Found, ProbeKind, ProbeSpec, Site};

/// `[]`, `["signal", "SIGUSR1"]` or `["name"]`.
pub(crate) fn resolve(spec: &ProbeSpec) -> Result<Found> {
    match spec.kind {
        ProbeKind::Own => signal(&spec.parts),
        ProbeKind::Test => check(spec, Site::Test),
        ProbeKind::Bench => check(spec, Site::Bench),
        ProbeKind::End => bare(spec, Site::End),
        _ => bare(spec, Site::Begin),
    }
}

fn bare(spec: &ProbeSpec, site: Site) -> Result<Found> {
    let kind = spec.kind.name();
    match spec.parts.as_slice() {
        [] => Ok(plain(site, kind.to_owned())),
        parts => Err(advise(
            format!("a {kind} probe has no parts, and this one has {}", parts.len()),
            format!("write `{kind} {{ ... }}`"),
        )),
    }
}

fn signal(parts: &[String]) -> Result<Found> {
    let [trigger, name] = parts else {
        return Err(error("a probe on the tracer itself is written `self:signal:NAME`, as in `self:signal:SIGUSR1`"));
    };
    if trigger != "signal" {
        return Err(advise(
            format!("`{trigger}` is nothing that happens to the tracer"),
            "write `self:signal:SIGUSR1`",
        ));
    }
    let wanted = name.to_ascii_uppercase();
    let wanted = wanted.strip_prefix("SIG").unwrap_or(&wanted);
    match SIGNALS.iter().find(|(known, _)| known[3..] == *wanted) {
        Some((name, number)) => Ok(plain(Site::Signal(*number), format!("self:signal:{name}"))),
        None => {
            let names = SIGNALS.iter().map(|(name, _)| *name);
            let mut refused = no_match(format!("`{name}` is no signal that a script can have"), name, names.clone());
            refused.help.push(format!("there are {}", names.collect::<Vec<_>>().join(", ")).into());
            Err(refused)
        }
    }
}

fn check(spec: &ProbeSpec, site: Site) -> Result<Found> {
    let kind = spec.kind.name();
    match spec.parts.as_slice() {
        [name] if !name.is_empty() => Ok(plain(site, format!("{kind}:{name}"))),
        _ => Err(error(format!("a {kind} probe has a name: `{kind}:name`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;

    fn find(kind: ProbeKind, parts: &[&str]) -> Result<(Site, String)> {
        resolve(&spec(kind, parts)).map(|found| (found.point.site, found.point.name))
    }

    #[test]
    fn signals_by_their_names() {
        let user = (Site::Signal(10), "self:signal:SIGUSR1".to_owned());
        assert_eq!(find(ProbeKind::Own, &["signal", "SIGUSR1"]).unwrap(), user);
        assert_eq!(find(ProbeKind::Own, &["signal", "usr1"]).unwrap(), user);
        let refused = |parts: &[&str]| find(ProbeKind::Own, parts).unwrap_err();
        assert!(refused(&["signal", "SIGINT"]).message.contains("no signal that a script can have"));
        assert!(format!("{:?}", refused(&["signal", "SIGUSR"]).help).contains("`SIGUSR1`"));
        assert!(refused(&["timer", "SIGUSR1"]).message.contains("`timer`"));
        assert!(refused(&["signal"]).message.contains("`self:signal:NAME`"));
    }

    #[test]
    fn the_begin_and_the_end_have_no_parts() {
        assert_eq!(find(ProbeKind::Begin, &[]).unwrap(), (Site::Begin, "begin".to_owned()));
        assert_eq!(find(ProbeKind::End, &[]).unwrap(), (Site::End, "end".to_owned()));
        assert!(find(ProbeKind::End, &["x"]).unwrap_err().message.contains("no parts"));
    }

    #[test]
    fn tests_have_names() {
        assert_eq!(find(ProbeKind::Test, &["sum"]).unwrap(), (Site::Test, "test:sum".to_owned()));
        assert_eq!(find(ProbeKind::Bench, &["sum"]).unwrap(), (Site::Bench, "bench:sum".to_owned()));
        assert!(find(ProbeKind::Test, &[""]).unwrap_err().message.contains("`test:name`"));
        assert!(find(ProbeKind::Bench, &["a", "b"]).is_err());
    }
}
