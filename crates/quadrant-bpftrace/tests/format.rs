//! Scripts in the usual form: `tests/format/*.bt` beside `.out` files, which `UPDATE_EXPECT=1 cargo test` rewrites. Of these and of all
//! other scripts of the tests: the words stay as they are, and a second time changes nothing.

#[path = "common/expect.rs"]
mod expect;

use std::fs;
use std::path::PathBuf;

use expect::{compare, render, scripts};
use quadrant_bpftrace::format::format;
use quadrant_bpftrace::{parse, tree};

#[test]
fn usual_form() {
    let failed: Vec<String> = scripts("format", "bt")
        .iter()
        .filter_map(|script| compare(script, "out", &format(&fs::read_to_string(script).unwrap()).unwrap()))
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn words_stay_and_twice_is_once() {
    let mut formatted = 0;
    for script in
        ["format", "parser", "lower", "../../quadrant/tests/e2e/cases"].iter().flat_map(|of| scripts(of, "bt"))
    {
        let source = fs::read_to_string(&script).unwrap();
        let Ok(text) = format(&source) else { continue };
        assert_eq!(words(&text), words(&source), "{script:?}");
        assert_eq!(meaning(&text), meaning(&source), "{script:?}");
        assert_eq!(format(&text).as_deref(), Ok(&*text), "{script:?}");
        formatted += 1;
    }
    assert!(formatted > 50, "{formatted}");
}

/// All characters but blanks and what is between statements, settings and attach points.
fn words(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !";,".contains(*c)).collect()
}

/// The tree; an expression at the end of a body may have got a semicolon.
fn meaning(text: &str) -> String {
    tree::print(&parse(text).script).lines().map(|line| line.replacen("tail ", "", 1) + "\n").collect()
}

#[test]
fn what_is_wrong_has_no_form() {
    let source = "BEGIN { $x = ; }";
    let messages = render(&format(source).unwrap_err(), source);
    assert!(messages.starts_with("1:14 error: expected an expression, found `;`"), "{messages}");
}

#[test]
fn nothing_stays_nothing() {
    let formatted: Vec<_> = ["", "\n\n", "// x", "#!/x", "/* a */"].into_iter().map(format).collect();
    let wanted = ["", "", "// x\n", "#!/x\n", "/* a */\n"].map(|text| Ok(text.to_owned()));
    assert_eq!(formatted, wanted);
}

#[test]
fn a_comment_behind_the_semicolon_of_an_if_stands_behind_it() {
    let (source, wanted) = ("BEGIN { if (1) { }; // x\n}", "BEGIN\n{\n  if (1) {} // x\n}\n");
    assert_eq!(format(source).as_deref(), Ok(wanted));
    assert_eq!(format(wanted).as_deref(), Ok(wanted));
}

#[test]
fn a_lone_semicolon_has_no_form() {
    for source in [";// x", "BEGIN { ; // x\n}"] {
        assert!(format(source).is_err(), "{source}");
    }
}

#[test]
fn pieces_never_join() {
    for (source, wanted) in [
        ("BEGIN/ *$1==1/{}", "BEGIN\n/ *$1 == 1/\n{}\n"),
        ("BEGIN{$a=- -$x- -1& &$y}", "BEGIN\n{\n  $a = - -$x - -1 & &$y;\n}\n"),
        ("BEGIN{f(1,//x\n2)}", "BEGIN\n{\n  f(1,\n    //x\n    2);\n}\n"),
        ("BEGIN{f(1//x\n)}", "BEGIN\n{\n  f(1 //x\n    );\n}\n"),
    ] {
        assert_eq!(format(source).as_deref(), Ok(wanted));
        assert_eq!(format(wanted).as_deref(), Ok(wanted));
    }
}

/// Broken scripts are reported, whatever is cut from one.
#[test]
fn pieces_of_scripts_do_no_harm() {
    let script: PathBuf = scripts("format", "bt").remove(0);
    let source = fs::read_to_string(script).unwrap();
    for (at, _) in source.char_indices().step_by(7) {
        let _ = (format(&source[..at]), format(&source[at..]));
    }
}
