//! Files with what is expected of a script, rewritten by `UPDATE_EXPECT=1`.

use std::fs;
use std::path::{Path, PathBuf};

use quadrant_program::diag::{Diagnostic, Severity};

/// The scripts (by their extension) in a folder of `tests`, in order of name.
pub fn scripts(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(folder).expect("the folder of scripts");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == extension));
    paths.sort();
    assert!(!paths.is_empty(), "no scripts found");
    paths
}

/// What differs between `got` and the file of that extension beside `script`; no file means nothing.
pub fn compare(script: &Path, extension: &str, got: &str) -> Option<String> {
    let file = script.with_extension(extension);
    let wanted = fs::read_to_string(&file).unwrap_or_default();
    if wanted == got {
        return None;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        match got.is_empty() {
            true => fs::remove_file(&file).expect("remove an expectation"),
            false => fs::write(&file, got).expect("write an expectation"),
        }
        return None;
    }
    Some(format!("{}:\n--- expected\n{wanted}\n--- got\n{got}", file.display()))
}

/// Messages as text: place, severity, message, the text it is about, advice.
pub fn render(diagnostics: &[Diagnostic], source: &str) -> String {
    diagnostics.iter().map(|diagnostic| render_one(diagnostic, source)).collect()
}

fn render_one(diagnostic: &Diagnostic, source: &str) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
    let marked = source.get(start..end).expect("a span on character borders");
    let line = source[..start].matches('\n').count() + 1;
    let column = start - source[..start].rfind('\n').map_or(0, |at| at + 1) + 1;
    let mut text = format!("{line}:{column} {severity}: {} {marked:?}\n", diagnostic.message);
    let label = [diagnostic.label.clone()];
    let label = if diagnostic.label.is_empty() { &[][..] } else { &label[..] };
    for (word, lines) in [("label", label), ("help", &diagnostic.help), ("note", &diagnostic.notes)] {
        for line in lines {
            text.push_str(&format!("    {word}: {line}\n"));
        }
    }
    for (span, said) in &diagnostic.places {
        text.push_str(&format!("    at {:?}: {said}\n", &source[span.start as usize..span.end as usize]));
    }
    text
}
