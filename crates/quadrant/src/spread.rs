//! Values that stand right behind their option's letter (`-p123`).
//!
//! clap takes such a word for the first of the script's parameters where these may begin with a dash, so it is made two words.

use std::ffi::OsString;

use clap::Arg;
use clap::Command;

/// The words behind a command's name, with each such value a word of its own; what follows the script or `--` stays.
pub fn spread(command: &Command, words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut out = Vec::new();
    while let Some(word) = words.next() {
        match read(command, &word) {
            Word::Flags => out.push(word),
            Word::Option => out.extend([Some(word), words.next()].into_iter().flatten()),
            Word::Both(option, value) => out.extend([option.into(), value.into()]),
            Word::Other => {
                out.push(word);
                break;
            }
        }
    }
    out.extend(words);
    out
}

/// What a word is.
enum Word {
    /// All of it are flags, or a value stands behind a `=`.
    Flags,
    /// The next word is the value of an option.
    Option,
    /// An option and its value.
    Both(String, String),
    /// The script, a parameter, `--`, or what is no option at all.
    Other,
}

fn read(command: &Command, word: &OsString) -> Word {
    match word.to_str() {
        Some("-" | "--") | None => Word::Other,
        Some(word) => match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(long), _) => long_option(command, long),
            (None, Some(letters)) => short_options(command, letters),
            (None, None) => Word::Other,
        },
    }
}

fn long_option(command: &Command, long: &str) -> Word {
    let is_named = |arg: &&Arg| arg.get_long() == Some(long);
    match command.get_arguments().find(is_named) {
        Some(arg) if takes_value(arg) => Word::Option,
        _ => Word::Flags,
    }
}

fn short_options(command: &Command, letters: &str) -> Word {
    for (at, letter) in letters.char_indices() {
        let Some(arg) = command.get_arguments().find(|arg| arg.get_short() == Some(letter)) else {
            return if is_help(letter) { Word::Flags } else { Word::Other };
        };
        if takes_value(arg) {
            let (option, value) = letters.split_at(at + letter.len_utf8());
            return match value.strip_prefix('=').unwrap_or(value) {
                "" => Word::Option,
                value => Word::Both(format!("-{option}"), value.to_owned()),
            };
        }
    }
    Word::Flags
}

/// clap's own flags.
fn is_help(letter: char) -> bool {
    matches!(letter, 'h' | 'V')
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    fn spread_out(line: &str) -> String {
        let words = spread(&Args::command(), line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_behind_letters_are_words_of_their_own() {
        assert_eq!(spread_out("-p123 -fjson -o=x -qvd ast script"), "-p 123 -f json -o x -qvd ast script");
        assert_eq!(spread_out("-qvdast --format json -I. x"), "-qvd ast --format json -I . x");
    }

    #[test]
    fn what_is_the_scripts_stays() {
        for line in [
            "x.bt -p123",
            "-e -p123 -5",
            "-- -p123",
            "-5 -p123",
            "--format=json x -p1",
            "--pid 1 - -p1",
            "-h -p",
            "--no -",
        ] {
            assert_eq!(spread_out(line), line);
        }
    }
}
