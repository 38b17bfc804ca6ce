//! `quadrant fmt`: what it prints, names, writes, and refuses.

use std::fs;

use quadrant_testing::Folder;

use crate::common::quadrant;

const ODD: &str = "#!/usr/bin/env bpftrace\nBEGIN{exit()} // done\n";
const USUAL: &str = "#!/usr/bin/env bpftrace\nBEGIN\n{\n  exit();\n} // done\n";

#[test]
fn files_are_printed_checked_and_written() {
    let folder = Folder::new("fmt");
    let (odd, usual) = (folder.write("odd.bt", ODD), folder.write("usual.bt", USUAL));
    let (odd_name, usual_name) = (odd.to_str().expect("UTF-8"), usual.to_str().expect("UTF-8"));
    let run = |option: &[&str]| {
        let outcome = quadrant().arg("fmt").args(option).args([usual_name, odd_name]).run().expect("it runs");
        assert_eq!(outcome.stderr, "");
        (outcome.stdout.clone(), outcome.code())
    };
    assert_eq!(run(&[]), (USUAL.repeat(2), Some(0)));
    assert_eq!(run(&["--check"]), (format!("{odd_name}\n"), Some(1)));
    assert_eq!(fs::read_to_string(&odd).expect("still there"), ODD);
    assert_eq!(run(&["--write"]), (format!("{odd_name}\n"), Some(0)));
    assert_eq!(fs::read_to_string(&odd).expect("still there"), USUAL);
    assert_eq!(run(&["--check"]), (String::new(), Some(0)));
}

#[test]
fn what_has_no_form_is_left_alone() {
    let folder = Folder::new("fmt-broken");
    let broken = folder.write("broken.bt", "BEGIN { x( }");
    let refused = |args: &[&str]| {
        let outcome = quadrant().arg("fmt").args(args).run().expect("it runs");
        assert_eq!((outcome.stdout.as_str(), outcome.code()), ("", Some(1)), "{}", outcome.describe());
        outcome.stderr.clone()
    };
    assert!(refused(&["--write", broken.to_str().expect("UTF-8")]).contains("expected an expression"));
    assert_eq!(fs::read_to_string(&broken).expect("still there"), "BEGIN { x( }");
    assert!(refused(&["a.d"]).contains("is a script in D"));
    assert!(refused(&["/nowhere.bt"]).contains("cannot read /nowhere.bt"));
    assert!(refused(&["--write", "-"]).contains("standard input cannot be written"));
}
