//! The examination as JSON. Described for its readers in docs/json.md: a member that is there stays there.

use quadrant_inspect::doctor::Check;
use quadrant_inspect::doctor::ConfigOption;
use quadrant_inspect::doctor::Fact;
use quadrant_inspect::doctor::Report;

use crate::commands::json::Json;

/// Raised when a member changes its meaning.
const VERSION: u64 = 1;

/// The whole answer.
pub fn json(report: &Report) -> Json {
    Json::Object(vec![
        ("type", "doctor".into()),
        ("version", VERSION.into()),
        ("quadrant", env!("CARGO_PKG_VERSION").into()),
        ("able", report.able.into()),
        ("checks", Json::list(&report.checks, check)),
        ("machine", Json::list(&report.machine, fact)),
    ])
}

fn check(check: &Check) -> Json {
    let text = |text: &str| Some(text).filter(|text| !text.is_empty()).into();
    Json::Object(vec![
        ("id", check.id.into()),
        ("area", check.area.name().into()),
        ("name", check.name.into()),
        ("verdict", check.verdict.name().into()),
        ("detail", text(&check.detail)),
        ("errno", check.errno.clone().into()),
        ("why", text(&check.why)),
        ("fix", text(&check.fix)),
        ("instead", text(check.instead)),
        ("options", Json::list(&check.options, option)),
        ("since", text(check.since)),
    ])
}

fn option(option: &ConfigOption) -> Json {
    Json::Object(vec![("name", option.name.into()), ("value", option.value.clone().into())])
}

fn fact(fact: &Fact) -> Json {
    Json::Object(vec![("name", fact.name.as_str().into()), ("value", fact.value.clone().into())])
}
