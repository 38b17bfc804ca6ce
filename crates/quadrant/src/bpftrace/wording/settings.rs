//! Settings whose values are wrong, in the script and in the environment.

use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Origin;

use super::{holes, table};

/// Where it stands why there are not more licenses.
const LICENSES: &str = "Read more about BPF programs and licensing: \
                        https://docs.kernel.org/bpf/bpf_licensing.html#using-bpf-programs-in-the-linux-kernel";

/// A setting that is a number or one of some words, and was given something else.
pub fn setting(message: &str, marked: &str) -> Option<String> {
    let given = marked.trim_matches('"');
    if let Some(known) = holes("`license` is one of {}", message) {
        return Some(format!("Invalid value for license. Found: {given}. Valid values: {}. {LICENSES}", known[0]));
    }
    let holes = holes("`{}` is a number{}", message).or_else(|| holes("`{}` is a power of two{}", message))?;
    given.parse::<u64>().is_err().then(|| format!("{}: expecting a number, got {given}", holes[0]))
}

/// The same of a setting in the environment.
pub fn environment(diagnostic: &Diagnostic) -> Option<String> {
    if diagnostic.origin != Origin::Environment {
        return None;
    }
    let pattern = "`{}`, set in the environment, is {}, and not `{}`";
    let [name, wanted, given] = holes(pattern, &diagnostic.message)?[..] else { return None };
    let said = format!("`{name}` is {wanted}");
    setting(&said, given).or_else(|| table(&said))
}

/// What was given for an option of the script that takes something else.
pub fn option(message: &str) -> Option<String> {
    let (name, given, expects) = match holes("`--{}={}` is not a value of type {}", message).as_deref() {
        Some([name, given, "bool"]) => (*name, *given, "expects a boolean (e.g. 'true')"),
        Some([name, given, _]) => (*name, *given, number(given)),
        _ => match holes("`--{}` needs a value of type {}", message)?[..] {
            [name, ty] if ty.starts_with("string") => (name, "true", "expects a string"),
            [name, ..] => (name, "true", "expects an integer"),
            [] => return None,
        },
    };
    Some(format!("program command line option --{name} {expects} (value: {given})"))
}

fn number(given: &str) -> &'static str {
    let digits = given.strip_prefix('-').unwrap_or(given);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { "value is out of range" } else { "invalid integer" }
}
