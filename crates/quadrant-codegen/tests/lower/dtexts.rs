//! D's functions of texts against plain Rust: in the user-space machine and in the kernel, which must agree.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use quadrant_program::expr::{Expr, ExprKind, Function, TextFunction};
use quadrant_program::map::MapId;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Kernel, Machine};
use crate::faults::aborting;
use crate::models;

const CAP: u32 = 64;
/// Where texts are in the machine.
const AT: [u64; 2] = [0x5000, 0x9000];

/// A script with one result, in both machines.
struct Pair {
    script: Script,
    out: MapId,
    machine: Machine,
    kernel: Option<Kernel>,
}

impl Pair {
    /// A function of the texts at `arg(0)` and `arg(1)` and the numbers from `arg(2)` on.
    fn new(result: Expr) -> Pair {
        let mut script = aborting();
        let out = script.scalar(result.ty.clone());
        script.clause(None, vec![set_map(out, None, result)]);
        let machine = Machine::new(&script, FakeEnv::default());
        let kernel = Kernel::new(&script);
        Pair { script, out, machine, kernel }
    }

    /// The bytes of the result.
    fn bytes(&mut self, texts: &[&[u8]], numbers: &[i64]) -> Vec<u8> {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| [*text, b"\0"].concat()).collect();
        let numbers = numbers.iter().map(|number| *number as u64);
        texts.iter().zip(AT).for_each(|(text, at)| self.machine.vm.env.user.put(at, text.clone()));
        let words: Vec<u64> = AT.into_iter().chain(numbers.clone()).collect();
        let seen = self.machine.run(&self.script, &[(0, words)]);
        assert!(seen.records.is_empty(), "faults: {:?}", seen.records);
        let found = seen.scalars[&self.out.0].1.clone();
        if let Some(kernel) = &self.kernel {
            let mut words: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).collect();
            words.resize(2, 0);
            words.extend(numbers);
            let seen = kernel.run(&self.script, &[(0, words)]);
            assert_eq!(seen.scalars[&self.out.0].1, found, "the kernel and the machine");
        }
        found
    }

    fn text(&mut self, texts: &[&[u8]], numbers: &[i64]) -> String {
        let stored = self.bytes(texts, numbers);
        let end = stored.iter().position(|byte| *byte == 0).expect("a NUL");
        assert!(stored[end..].iter().all(|byte| *byte == 0), "padding: {stored:?}");
        String::from_utf8_lossy(&stored[..end]).into_owned()
    }

    fn number(&mut self, texts: &[&[u8]], numbers: &[i64]) -> i64 {
        i64::from_ne_bytes(self.bytes(texts, numbers).try_into().expect("a number"))
    }
}

fn function(function: TextFunction, args: Vec<Expr>) -> Expr {
    call(Function::Text(function), args, Type::String { cap: CAP })
}

fn number_of(function: TextFunction, args: Vec<Expr>) -> Expr {
    call(Function::Text(function), args, Type::I64)
}

fn first() -> Expr {
    user_str(arg(0), CAP)
}

fn second() -> Expr {
    user_str(arg(1), CAP)
}

fn each<S: Strategy>(strategy: S, test: impl FnMut(S::Value) -> TestCaseResult) {
    let test = std::cell::RefCell::new(test);
    let mut runner = TestRunner::new(Config { cases: 300, ..Config::default() });
    let result = runner.run(&strategy, |value| (test.borrow_mut())(value));
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Short texts of few different letters, so that there are hits.
fn few() -> impl Strategy<Value = String> {
    prop_oneof!["[ab/.]{0,12}", "[a-c]{0,63}", "[ -~]{0,63}"]
}

#[test]
fn strchr_and_strrchr() {
    for last in [false, true] {
        let mut pair = Pair::new(function(TextFunction::Strchr { last }, vec![first(), sarg(2)]));
        each((few(), "[ab/.z]"), |(text, byte)| {
            let byte = byte.as_bytes()[0];
            let found = pair.text(&[text.as_bytes()], &[i64::from(byte) | 0x100]);
            let place = if last { text.rfind(char::from(byte)) } else { text.find(char::from(byte)) };
            prop_assert_eq!(found, place.map_or("", |at| &text[at..]));
            Ok(())
        });
    }
}

#[test]
fn strstr_as_text() {
    let mut pair = Pair::new(function(TextFunction::Strstr, vec![first(), second()]));
    each((few(), "[ab/.]{0,4}"), |(text, part)| {
        let found = pair.text(&[text.as_bytes(), part.as_bytes()], &[]);
        prop_assert_eq!(found, text.find(&part).map_or("", |at| &text[at..]));
        Ok(())
    });
}

#[test]
fn index_and_rindex() {
    for last in [false, true] {
        let mut plain = Pair::new(number_of(TextFunction::Index { last }, vec![first(), second()]));
        let mut from = Pair::new(number_of(TextFunction::Index { last }, vec![first(), second(), sarg(2)]));
        each((few(), "[ab/.]{0,4}", -5..80i64), |(text, part, start)| {
            let texts = [text.as_bytes(), part.as_bytes()];
            prop_assert_eq!(plain.number(&texts, &[]), models::index(&text, &part, None, last));
            prop_assert_eq!(from.number(&texts, &[start]), models::index(&text, &part, Some(start), last));
            Ok(())
        });
    }
}

#[test]
fn substr() {
    let mut rest = Pair::new(function(TextFunction::Substr, vec![first(), sarg(2)]));
    let mut part = Pair::new(function(TextFunction::Substr, vec![first(), sarg(2), sarg(3)]));
    let number = || prop_oneof![-70..70i64, Just(i32::MIN.into()), Just(i32::MAX.into())];
    each((few(), number(), number()), |(text, start, length)| {
        let texts = [text.as_bytes()];
        prop_assert_eq!(rest.text(&texts, &[start]), models::substr(&text, start, None));
        prop_assert_eq!(part.text(&texts, &[start, length]), models::substr(&text, start, Some(length)));
        Ok(())
    });
}

#[test]
fn basename_dirname_cleanpath() {
    type Model = fn(&str) -> String;
    let functions: [(TextFunction, Model); 3] = [
        (TextFunction::Basename, models::basename),
        (TextFunction::Dirname, models::dirname),
        (TextFunction::Cleanpath, models::cleanpath),
    ];
    for (kind, model) in functions {
        let mut pair = Pair::new(function(kind, vec![first()]));
        for path in ["/a/b/", "/usr/lib", "", "/", "//", "a", "a//b/", "/a/./b/../c", "../x", "a/../..", "/.."] {
            assert_eq!(pair.text(&[path.as_bytes()], &[]), model(path), "{kind:?} of {path:?}");
        }
        each(prop_oneof!["[ab/.]{0,63}", "(/|a|\\.\\.|\\.|bc){0,20}"], |path| {
            let path = &path[..path.len().min(63)];
            prop_assert_eq!(pair.text(&[path.as_bytes()], &[]), model(path), "{:?} of {:?}", kind, path);
            Ok(())
        });
    }
}

#[test]
fn examples_of_paths() {
    let mut basename = Pair::new(function(TextFunction::Basename, vec![first()]));
    let mut dirname = Pair::new(function(TextFunction::Dirname, vec![first()]));
    let mut clean = Pair::new(function(TextFunction::Cleanpath, vec![first()]));
    assert_eq!(basename.text(&[b"/a/b/"], &[]), "b");
    assert_eq!(dirname.text(&[b"/a/b/"], &[]), "/a");
    assert_eq!(dirname.text(&[b"/a"], &[]), "/");
    assert_eq!(clean.text(&[b"/foo/./bar/../baz"], &[]), "/foo/baz");
    assert_eq!(clean.text(&[b"/a//b/../../../c"], &[]), "/c");
}

#[test]
fn lltostr() {
    for base in [2, 7, 8, 10, 16, 36] {
        let mut pair =
            Pair::new(call(Function::Text(TextFunction::Lltostr), vec![sarg(2), int(base)], Type::String { cap: 80 }));
        each(prop_oneof![any::<i64>(), -100..100i64, Just(i64::MIN), Just(0)], |number| {
            prop_assert_eq!(pair.text(&[b""], &[number]), models::lltostr(number, base as u64));
            Ok(())
        });
    }
}

#[test]
fn strtoll() {
    for base in [2, 10, 16, 36] {
        let mut pair = Pair::new(number_of(TextFunction::Strtoll, vec![first(), int(base)]));
        let numbers = any::<i64>().prop_map(|number| number.to_string());
        let texts = prop_oneof![
            "[ \t]{0,2}[-+]?(0x|0X)?[0-9a-zA-Z]{0,20}[ .]?[0-9]{0,3}",
            "[-+]?[0-9]{15,25}",
            "[ -~]{0,20}",
            numbers
        ];
        each(texts, |text| {
            prop_assert_eq!(pair.number(&[text.as_bytes()], &[]), models::strtoll(&text, base as u64), "{:?}", text);
            Ok(())
        });
    }
}

#[test]
fn toupper_and_tolower() {
    for cap in [CAP, 1000] {
        let text = |function| call(Function::Text(function), vec![user_str(arg(0), cap)], Type::String { cap });
        let mut upper = Pair::new(text(TextFunction::Upper));
        let mut lower = Pair::new(text(TextFunction::Lower));
        each(prop_oneof!["[ -~]{0,60}", "[a-zA-Z@\\[`{é]{0,30}"], |text| {
            prop_assert_eq!(upper.text(&[text.as_bytes()], &[]), text.to_ascii_uppercase());
            prop_assert_eq!(lower.text(&[text.as_bytes()], &[]), text.to_ascii_lowercase());
            Ok(())
        });
    }
}

#[test]
fn json() {
    let mut pair = Pair::new(function(TextFunction::Json, vec![user_str(arg(0), 256), second()]));
    let text = r#"{"a": {"b": [1, "two, [", {"c": -3.5e2, "d":{"e":[]}}], "x]": null}, "s" :"q\"e", "n":true}"#;
    for (path, expected) in [
        ("a.b[0]", "1"),
        ("a.b[1]", "two, ["),
        ("a.b[2].c", "-3.5e2"),
        ("a.b[2].d", "{\"e\":[]}"),
        ("a.b[2].d.e", "[]"),
        ("a.b[2].d.e[0]", ""),
        ("a.b[3]", ""),
        ("a.b", r#"[1, "two, [", {"c": -3.5e2, "d":{"e":[]}}]"#),
        ("s", r#"q\"e"#),
        ("n", "true"),
        ("n.x", ""),
        ("zz", ""),
        ("a.x]", "null"),
    ] {
        let expected = &expected[..expected.len().min(CAP as usize - 1)];
        assert_eq!(pair.text(&[text.as_bytes(), path.as_bytes()], &[]), expected, "{path}");
    }
    assert_eq!(pair.text(&[b" [ [1,2] , 3 ] ", b"[0][1]"], &[]), "2");
    assert_eq!(pair.text(&[b" [ [1,2] , 3 ] ", b"[1]"], &[]), "3");
    assert_eq!(pair.text(&[b"17", b""], &[]), "17");
}

#[test]
fn json_of_random_documents() {
    let mut pair = Pair::new(function(TextFunction::Json, vec![user_str(arg(0), 1024), second()]));
    each((models::document(), "[ab](\\.[ab]|\\[[0-2]\\]){0,3}"), |(document, path)| {
        let text = document.write();
        prop_assume!(text.len() < 1000);
        let expected = document.find(&path).map(|found| found.shown()).unwrap_or_default();
        let expected = &expected[..expected.len().min(CAP as usize - 1)];
        prop_assert_eq!(pair.text(&[text.as_bytes(), path.as_bytes()], &[]), expected, "{} in {}", path, text);
        Ok(())
    });
}

#[test]
fn json_of_nonsense_does_no_harm() {
    let mut pair = Pair::new(function(TextFunction::Json, vec![first(), second()]));
    each(("[\\[\\]{}\":,a\\\\ 1]{0,60}", "[a1.\\[\\]]{0,10}"), |(text, path)| {
        pair.text(&[text.as_bytes(), path.as_bytes()], &[]);
        Ok(())
    });
}

/// `strtok` of the first text, then three times more of the same, joined with bars.
fn tokens(separators: fn() -> Expr) -> Expr {
    let go_on = || expr(ExprKind::Str(Arc::from(&b""[..])), Type::String { cap: 0 });
    let bar = |left: Expr, right: Expr| {
        let cap = |text: &Expr| text.ty.c_size().expect("a text");
        let room = cap(&left) + cap(&right);
        let left = call(Function::Concat, vec![left, text("|")], Type::String { cap: room - 32 });
        call(Function::Concat, vec![left, right], Type::String { cap: room })
    };
    let token = |text: Expr| function(TextFunction::Strtok, vec![text, separators()]);
    let all = [token(first()), token(go_on()), token(go_on()), token(go_on())];
    all.into_iter().reduce(bar).expect("four tokens")
}

#[test]
fn strtok() {
    let mut constant = Pair::new(tokens(|| text("/.")));
    let mut variable = Pair::new(tokens(second));
    each("[ab/.]{0,40}", |text| {
        let mut parts = text.split(['/', '.']).filter(|part| !part.is_empty());
        let expected: Vec<&str> = (0..4).map(|_| parts.next().unwrap_or("")).collect();
        let expected = expected.join("|");
        prop_assert_eq!(constant.text(&[text.as_bytes()], &[]), &expected[..], "{}", text);
        prop_assert_eq!(variable.text(&[text.as_bytes(), b"./"], &[]), &expected[..]);
        Ok(())
    });
}

#[test]
fn results_that_are_longer_than_their_room_are_cut() {
    let result = call(Function::Text(TextFunction::Upper), vec![first()], Type::String { cap: 5 });
    let mut pair = Pair::new(result);
    assert_eq!(pair.text(&[b"abcdefgh"], &[]), "ABCD");
}

#[test]
fn a_key_is_computed_once() {
    // A long token does not fit into short keys, and the next one would be another.
    let mut script = aborting();
    let keyed = script.keyed(Type::String { cap: 256 }, Type::I64);
    let go_on = || expr(ExprKind::Str(Arc::from(&b""[..])), Type::String { cap: 0 });
    let token = |from| call(Function::Text(TextFunction::Strtok), vec![from, text(",")], Type::String { cap: 256 });
    script.clause(
        None,
        vec![set_map(keyed, Some(token(user_str(arg(0), 256))), int(1)), set_map(keyed, Some(token(go_on())), int(2))],
    );
    let text = [&[b'a'; 200][..], b",b,c\0"].concat();
    let mut env = FakeEnv::default();
    env.user.put(text.as_ptr() as u64, text.clone());
    crate::faults::both(&script, &env, &[(0, vec![text.as_ptr() as u64])], |seen| {
        let found: Vec<(usize, u8, u64)> = seen.maps[&keyed.0]
            .iter()
            .map(|(key, value)| (key.iter().filter(|byte| **byte != 0).count(), key[0], crate::engine::word(value)))
            .collect();
        assert_eq!(found, [(200, b'a', 1), (1, b'b', 2)]);
    });
}
