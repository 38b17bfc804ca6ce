//! What the guest's root folder holds: busybox, the first process, the command, and the files of the run.

use std::fs;

use super::cache::Image;
use super::cpio::Archive;
use super::files::Addition;
use crate::Failure;

/// Folders that the first process needs before it can make any.
const FOLDERS: [&str; 6] = ["proc", "sys", "dev", "tmp", "run", "root"];

/// Makes the archive that the kernel unpacks into its first root file system.
pub fn build(image: &Image, additions: &[Addition], command: &str) -> Result<Vec<u8>, Failure> {
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.folder(folder);
    }
    // The first process's own input and output.
    archive.device("dev/console", (5, 1));
    let busybox = image.busybox();
    let busybox = fs::read(&busybox).map_err(|e| format!("cannot read {}: {e}", busybox.display()))?;
    archive.file("bin/busybox", 0o755, &busybox);
    archive.file("init", 0o755, include_bytes!("init.sh"));
    archive.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
    archive.file("command", 0o644, command.as_bytes());
    for addition in additions {
        addition.put(&mut archive)?;
    }
    Ok(archive.finish())
}

/// The words of a command as text for a shell. A single word is such text already, so that it can hold several commands.
pub fn command_text(words: &[String]) -> String {
    match words {
        [text] => text.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

/// A word that a shell takes as it is.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words_and_one_word_is_a_script() {
        let text = |words: &[&str]| command_text(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(text(&["echo a; exit 3"]), "echo a; exit 3");
        assert_eq!(text(&["echo", "it's $HOME"]), r"'echo' 'it'\''s $HOME'");
    }
}
