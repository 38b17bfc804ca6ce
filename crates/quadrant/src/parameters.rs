//! Words behind a script on quadrant's own command line: what the script reads with `getopt()`, and what nobody would read.

use quadrant_bpftrace::Script;
use quadrant_bpftrace::options;
use quadrant_bpftrace::options::Parameter;

use crate::failure::Failure;
use crate::failure::shown;

/// Behind it, words with one dash are the script's, too.
const END_OF_OPTIONS: &str = "--";

/// Whether somebody reads the words: an option of quadrant behind the script would change nothing, and not be missed.
///
/// # Errors
/// A named parameter that the script does not read; an option that stands behind the script.
pub fn check(script: &Script, words: &[String]) -> Result<(), Failure> {
    let known = options::parameters(&script.tree);
    let end = words.iter().position(|word| word == END_OF_OPTIONS).unwrap_or(words.len());
    let unread = words.iter().enumerate().find(|(index, word)| match named(word) {
        Some(name) => !known.iter().any(|one| one.name == name),
        None => *index < end && is_option(word),
    });
    unread.map_or(Ok(()), |(_, word)| Err(refusal(word, &known)))
}

/// The script's help, if the words ask for it and the script does not read them itself.
pub fn help(script: &Script, words: &[String]) -> Option<String> {
    if !words.iter().any(|word| word == "--help") {
        return None;
    }
    let known = options::parameters(&script.tree);
    (!known.iter().any(|one| one.name == "help")).then(|| list(&known))
}

/// Names as they are given: `--limit, --verbose`.
pub fn dashed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("--{}", shown(name))).collect::<Vec<_>>().join(", ")
}

fn list(known: &[Parameter]) -> String {
    if known.is_empty() {
        return "The script has no named parameters.\n".to_owned();
    }
    let width = known.iter().map(|one| one.name.chars().count()).max().unwrap_or_default();
    let line = |one: &Parameter| format!("  --{:width$}  {}", shown(&one.name), shown(&one.help));
    let lines: String = known.iter().map(|one| line(one).trim_end().to_owned() + "\n").collect();
    format!("Parameters of the script (--name=value):\n{lines}")
}

/// The name in `--name` or `--name=value`.
fn named(word: &str) -> Option<&str> {
    let name = word.strip_prefix("--")?.split('=').next()?;
    (!name.is_empty()).then_some(name)
}

/// `-p`, but not a negative number, and not `-` alone.
fn is_option(word: &str) -> bool {
    let rest = word.strip_prefix('-');
    rest.and_then(|rest| rest.chars().next()).is_some_and(char::is_alphabetic)
}

fn refusal(word: &str, known: &[Parameter]) -> Failure {
    let word = shown(word);
    let has = match known {
        [] => "the script has no named parameters".to_owned(),
        known => format!("the script has {}", dashed(known.iter().map(|one| one.name.as_str()))),
    };
    let message = format!("{word} stands behind the script, which does not read it");
    let rule = "options of quadrant stand before the script, and `--` before other words with a dash";
    Failure::usage(message).hint(format!("{has}; {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(script: &str, words: &[&str]) -> Result<(), String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        check(&Script::alone("script.bt", script), &words).map_err(|failure| failure.text("quadrant", "help"))
    }

    #[test]
    fn what_nobody_reads_is_refused() {
        let script = "BEGIN { print(getopt(\"level\", 3)); print($1); }";
        for read in [&["--level=4", "5"][..], &["-5"], &["-"], &["--", "-x"], &["--", "--level=4"], &["words"]] {
            assert_eq!(checked(script, read), Ok(()), "{read:?}");
        }
        for unread in [&["-p", "5"][..], &["5", "--format", "json"], &["--", "--lvel=4"]] {
            assert!(checked(script, unread).unwrap_err().contains("the script has --level;"), "{unread:?}");
        }
    }
}
