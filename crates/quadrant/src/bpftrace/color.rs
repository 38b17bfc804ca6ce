//! Colors of messages: red errors and yellow warnings, as `BPFTRACE_COLOR` and NO_COLOR want it.

const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const END: &str = "\x1b[0m";

/// Prints complete lines of messages on standard error.
pub fn print(text: &str) {
    match wanted(std::env::var("BPFTRACE_COLOR").ok().as_deref()) {
        true => eprint!("{}", painted(text)),
        false => eprint!("{text}"),
    }
}

/// Says so if the environment asks for something that cannot be meant.
pub fn check() {
    if let Ok(value) = std::env::var("BPFTRACE_COLOR")
        && !["auto", "always", "never"].contains(&value.as_str())
    {
        let value = crate::failure::shown(&value);
        eprintln!(
            "WARNING: Invalid env value! The valid values of `BPFTRACE_COLOR` are [auto|always|never]. \
             The current value is {value}!"
        );
    }
}

fn wanted(choice: Option<&str>) -> bool {
    match choice {
        Some("always") => true,
        Some("never") => false,
        _ => crate::failure::color(),
    }
}

/// The lines that tell, not those of the script.
fn painted(text: &str) -> String {
    let line = |line: &str| {
        let is = |word: &str| line.starts_with(word) || line.contains(&format!(": {word}"));
        match (is("ERROR: "), is("WARNING: ")) {
            (true, _) => format!("{RED}{line}{END}\n"),
            (_, true) => format!("{YELLOW}{line}{END}\n"),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_tell_have_colors() {
        let text = "stdin:1:2-3: ERROR: no\nx\n~\nWARNING: odd\n";
        assert_eq!(painted(text), "\x1b[31mstdin:1:2-3: ERROR: no\x1b[0m\nx\n~\n\x1b[33mWARNING: odd\x1b[0m\n");
        assert!(wanted(Some("always")) && !wanted(Some("never")));
    }
}
