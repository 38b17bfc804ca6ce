//! A fault ends its clause, is reported on standard error, and fires ERROR with what happened.

use quadrant_testing::Outcome;

use super::dtrace;
use crate::common::{good, needs_loops, needs_root};

/// A clause with one faulty statement, ERROR that prints its arguments, and a clause that runs all the same.
fn faulty(statement: &str) -> Outcome {
    let text = format!(
        "BEGIN {{ zero = 0; one = 1; }}
         BEGIN {{ {statement} printf(\"not reached\\n\"); }}
         BEGIN {{ printf(\"next clause\\n\"); exit(0); }}
         ERROR {{ printf(\"%d %d %d %x\\n\", arg1, arg3 > 0, arg4, arg5); }}"
    );
    good(dtrace().args(["-qn", &text]))
}

/// The statement faults with that number, address and text.
#[track_caller]
fn faults(statement: &str, number: u32, address: u64, text: &str) {
    let outcome = faulty(statement);
    assert_eq!(outcome.lines(), [&format!("1 1 {number} {address:x}"), "next clause"], "{}", outcome.describe());
    let message = &outcome.stderr;
    assert!(message.starts_with("dtrace: error in dt_clause_1 for probe ID 1 (dtrace:::BEGIN): "), "{message}");
    assert!(message.contains(text) && message.lines().count() == 1, "{message}");
}

#[test]
fn invalid_address() {
    needs_root!();
    faults("trace(*(int *)zero);", 1, 0, "invalid address (0x0)");
    faults("trace(stringof((char *)16));", 1, 16, "invalid address (0x10)");
    faults("trace(copyinstr(24));", 1, 24, "invalid address (0x18)");
}

#[test]
fn divide_by_zero() {
    needs_root!();
    faults("trace(one / zero);", 4, 0, "divide-by-zero");
    faults("trace(one % zero);", 4, 0, "divide-by-zero");
    faults("one /= zero;", 4, 0, "divide-by-zero");
}

#[test]
fn out_of_scratch_space() {
    needs_root!();
    faults("this->p = alloca(10000 * one);", 5, 0, "out of scratch space");
    faults("this->p = alloca(200); this->q = copyin(4096, 100 * one);", 5, 0, "out of scratch space");
}

#[test]
fn families_of_addresses_that_are_unknown() {
    needs_root!();
    faults("this->p = alloca(16); trace(inet_ntop(98 + one, this->p));", 3, 99, "illegal operation");
}

#[test]
fn speculations_that_cannot_be() {
    needs_root!();
    faults("discard(one + 1);", 3, 0, "illegal operation");
    let commit = good(dtrace().args(["-qn", "BEGIN { commit(-1); } ERROR { printf(\"%d\", arg4); exit(0); }"]));
    assert_eq!(commit.lines(), ["3"], "{}", commit.describe());
    let text = "BEGIN { discard(0); } BEGIN { commit(1); } BEGIN { speculate(2); trace(1); } BEGIN { exit(0); }";
    assert_eq!(good(dtrace().args(["-qn", text])).stderr, "");
}

#[test]
fn invalid_size() {
    needs_root!();
    faults("this->p = alloca(8); copyinto(4096, 100000 * one, this->p);", 10, 100_000, "invalid size (0x186a0)");
    faults("this->p = alloca(8); bcopy(this->p, this->p, 100000 * one);", 10, 100_000, "invalid size (0x186a0)");
    faults("this->p = alloca(8); bcopy(this->p, this->p, 16 * one);", 10, 16, "invalid size (0x10)");
    faults("this->p = copyin(4096, 300 * one);", 10, 300, "invalid size (0x12c)");
}

#[test]
fn index_out_of_bounds() {
    needs_root!();
    let text = "int a[4]; BEGIN { i = 7; a[i] = 1; } BEGIN { exit(0); } ERROR { printf(\"%d %d\\n\", arg4, arg5); }";
    let outcome = good(dtrace().args(["-qn", text]));
    assert_eq!(outcome.lines(), ["11 7"], "{}", outcome.describe());
    assert!(outcome.stderr.contains("index out of bounds"), "{}", outcome.describe());
}

#[test]
fn illegal_operation() {
    needs_root!();
    needs_loops!();
    let text = "BEGIN { chill(600000000); } ERROR { printf(\"%d %d\\n\", arg4, arg5); exit(0); }";
    let outcome = good(dtrace().args(["-wqn", text]));
    assert_eq!(outcome.lines(), ["3 600000000"], "{}", outcome.describe());
    assert!(outcome.stderr.contains("illegal operation"), "{}", outcome.describe());
}

#[test]
fn a_write_outside_of_scratch_memory() {
    needs_root!();
    faults("this->q = (int *)4096; *this->q = 1;", 1, 4096, "invalid address (0x1000)");
    let outcome = faulty("this->p = (char *)alloca(8); this->p[one * 4096] = 'a';");
    assert!(outcome.stderr.contains("invalid address (0xffff") && outcome.lines().len() == 2, "{}", outcome.describe());
}

/// The statement, behind eight bytes of scratch memory at `this->p`, reads or writes beside them.
#[track_caller]
fn outside(statement: &str) {
    let outcome = faulty(&format!("this->p = (char *)alloca(8); {statement}"));
    let (first, message) = (outcome.lines().first().map(|line| line.to_string()), &outcome.stderr);
    assert!(first.is_some_and(|line| line.contains(" 1 1 ffff")), "{statement}: {}", outcome.describe());
    assert!(message.contains("invalid address (0xffff") && outcome.lines().len() == 2, "{statement}: {message}");
}

#[test]
fn a_read_outside_of_scratch_memory() {
    needs_root!();
    outside("trace(this->p[7 + one]);");
    outside("trace(this->p[zero - 1]);");
    outside("trace(*(long *)(this->p + 4 * one));");
    outside("trace(stringof(this->p + 8 * one));");
    outside("bcopy(this->p + 4, this->p, 8);");
    outside("this->p[8] = 'x';");
    outside("trace(inet_ntop(10, this->p));");
    outside("trace(inet_ntoa6((in6_addr_t *)this->p));");
    let long = faulty("this->p = alloca(8); bcopy(\"123456789\", this->p, 10);");
    assert!(long.lines()[0].ends_with(" 1 10 a"), "{}", long.describe());
    let text = "BEGIN { this->p = (char *)alloca(8); this->q = (char *)alloca(8); bcopy(\"1234567\", this->p, 8);
        bcopy(this->p + 4, this->p + 1, 4); this->q[7] = 'x'; printf(\"%s %c\", stringof(this->p), this->q[7]); exit(0); }";
    assert_eq!(good(dtrace().args(["-qn", text])).lines(), ["1567 x"]);
}

#[test]
fn an_address_of_a_link_outside_of_scratch_memory() {
    needs_root!();
    needs_loops!();
    outside("trace(link_ntop(32, this->p));");
}

#[test]
fn a_text_that_is_not_there() {
    needs_root!();
    needs_loops!();
    for text in ["strlen(NULL)", "basename(NULL)", "x[1]", "self->x", "strchr(\"a\", 'b')", "zero ? \"\" : x[1]"] {
        let text = format!("string x[int]; self string x; int zero; BEGIN {{ trace({text}); }} BEGIN {{ exit(0); }}");
        let outcome = good(dtrace().args(["-qn", &text]));
        assert!(outcome.stdout.trim().is_empty(), "{text}: {}", outcome.describe());
        assert!(outcome.stderr.contains("(dtrace:::BEGIN): invalid address (0x0)"), "{text}: {}", outcome.describe());
    }
    let text = "string x[int]; int zero; ERROR { printf(\"%d %x\\n\", arg4, arg5); }
        BEGIN { @[x[1]] = count(); }
        BEGIN { x[1] = \"a\"; x[1] = strstr(\"abc\", \"z\"); printf(\"%d %d %d\\n\", x[1] == NULL, x[1] == \"\", x[1] < \"a\"); }
        BEGIN { x[1] = \"\"; printf(\"%d %d [%s]\\n\", x[1] == NULL, NULL != x[1], x[1]); }
        BEGIN { x[2] = x[1]; x[3] = x[4]; printf(\"%d %d %s\\n\", x[2] == NULL, x[3] == NULL, zero ? x[3] : \"b\"); exit(0); }";
    assert_eq!(good(dtrace().args(["-qn", text])).lines(), ["1 0", "1 0 1", "0 1 []", "0 1 b"]);
}

/// Global and clause-local texts are empty at first, and NULL only when NULL was assigned, which a later clause may do.
#[test]
fn a_text_that_is_null_and_one_that_is_empty() {
    needs_root!();
    needs_loops!();
    const TEXT: &str = r#"int one; BEGIN { one = 1; }
        BEGIN { Vs = ""; Vt = ""; }
        BEGIN { printf("%d %d %d\n", Vs == NULL, Vs == "", strlen(Vs)); }
        BEGIN { Vs = NULL; Vt = Vs; printf("%d %d %d\n", Vt == NULL, Vt == "", Vt < "a"); }
        BEGIN { Vt = one ? "there" : NULL; printf("%d %s\n", Vt != NULL, Vt); }
        BEGIN { Vt = strchr("abc", 'z'); printf("%d %d\n", Vt != NULL, (Vt = NULL) == NULL); }
        BEGIN { trace(Vs); }
        BEGIN { trace(strlen(Vs)); }
        BEGIN { @[Vs] = count(); }
        BEGIN { a[Vs] = 1; }
        BEGIN { printf("%s", Vs); }
        ERROR { printf("%d %d\n", arg4, arg5); }
        BEGIN { exit(0); }"#;
    for scope in ["", "this->"] {
        let outcome = good(dtrace().args(["-qn", &TEXT.replace('V', scope)]));
        let expected = ["0 1 0", "1 0 1", "1 there", "0 1", "1 0", "1 0", "1 0", "1 0", "1 0"];
        assert_eq!(outcome.lines(), expected, "{scope}: {}", outcome.describe());
    }
    let text = "string s; self string t; BEGIN { printf(\"%d %d\\n\", s == NULL, strlen(s)); }
        BEGIN /self->t == \"\"/ { printf(\"not reached\\n\"); } BEGIN /self->t != \"\"/ { printf(\"reached\\n\"); exit(0); }";
    assert_eq!(good(dtrace().args(["-qn", text])).lines(), ["0 0", "reached"]);
}

/// What functions compute may be empty, but only a search that finds nothing is NULL.
#[test]
fn an_empty_text_is_not_null() {
    needs_root!();
    needs_loops!();
    let text = r#"string g; string e; string b;
        BEGIN { g = ""; e = ""; b = "b"; }
        BEGIN { printf("%d %d\n", strjoin(g, "") == NULL, substr("abc", 3) == NULL); }
        BEGIN { printf("%d %d\n", (g = "") == NULL, (pid ? g : "a") == NULL); }
        BEGIN { this->a = substr("abc", 3); printf("%d %d\n", this->a == NULL, this->a == ""); }
        BEGIN { m[1] = (g = ""); printf("%d %d\n", m[1] == NULL, m[1] == ""); }
        BEGIN { printf("%d%d%d\n", strstr(e, e) == NULL, strstr(b, e) == NULL, strstr(e, b) == NULL); }
        BEGIN { g = strstr(b, e); printf("%d ", g == NULL); g = (string)NULL; printf("%d\n", g == NULL); }
        BEGIN { printf("%d %d ", strstr(e, b) == "", strstr(e, b) == "x"); printf("%d\n", (pid ? NULL : e) != ""); }
        BEGIN { this->p = curthread->mm->arg_end - 1; printf("%d %d\n", copyinstr(this->p) == NULL, copyinstr(this->p) == ""); }
        BEGIN { exit(0); }"#;
    let outcome = good(dtrace().args(["-qn", text]));
    let expected = ["0 0", "0 0", "0 1", "0 1", "001", "0 1", "0 0 1", "0 1"];
    assert_eq!(outcome.lines(), expected, "{}", outcome.describe());
    faults("this->s = \"x\"; this->s = stringof(0);", 1, 0, "invalid address (0x0)");
    faults("this->n = copyinstr(24) == NULL;", 1, 24, "invalid address (0x18)");
}

#[test]
fn a_copy_to_a_bad_address() {
    needs_root!();
    let text = "BEGIN { copyoutstr(\"text\", 8, 4); } BEGIN { exit(0); } ERROR { printf(\"%d %x\\n\", arg4, arg5); }";
    let outcome = dtrace().args(["-wqn", text]).run().unwrap();
    if outcome.stderr.contains("does not let programs write the memory of processes") {
        return quadrant_testing::skip("this kernel does not let programs write the memory of processes");
    }
    assert_eq!(outcome.lines(), ["1 8"], "{}", outcome.describe());
}

#[test]
fn a_fault_leaves_nothing_of_its_clause() {
    needs_root!();
    let outcome = faulty("printf(\"before\\n\"); trace(one / zero);");
    assert_eq!(outcome.lines(), ["1 1 4 0", "next clause"], "{}", outcome.describe());
}

#[test]
fn what_came_before_a_fault_in_its_clause_stays() {
    needs_root!();
    let text = "BEGIN { n = 5; @ = count(); x = 1 / zero; n = 6; } BEGIN { printf(\"%d\\n\", n); exit(0); } int zero;";
    let outcome = good(dtrace().args(["-qn", text]));
    assert_eq!(outcome.lines(), ["5", "                1"], "{}", outcome.describe());
}

#[test]
fn a_fault_in_the_predicate() {
    needs_root!();
    let text = "int zero; BEGIN /1 / zero/ { printf(\"not reached\\n\"); } BEGIN { exit(0); } ERROR { printf(\"%d\\n\", arg4); }";
    assert_eq!(good(dtrace().args(["-qn", text])).lines(), ["4"]);
}

#[test]
fn a_fault_in_a_clause_for_faults_is_counted() {
    needs_root!();
    let text = "int zero; BEGIN { trace(1 / zero); } ERROR { trace(2 / zero); } BEGIN { exit(0); }";
    let outcome = good(dtrace().args(["-qn", text]));
    assert!(outcome.stderr.contains("dtrace: 1 error in ERROR probe enabling\n"), "{}", outcome.describe());
}

#[test]
fn exit_from_a_clause_for_faults() {
    needs_root!();
    let text = "int zero; BEGIN { trace(1 / zero); } ERROR { exit(3); }";
    assert_eq!(dtrace().args(["-qn", text]).run().unwrap().code(), Some(3));
}

#[test]
fn an_option_that_cannot_be_set() {
    needs_root!();
    let text = "BEGIN { setopt(\"nonsense\"); printf(\"on\\n\"); } BEGIN { setopt(\"strsize\", \"8\"); exit(0); }";
    let outcome = good(dtrace().args(["-qn", text]));
    assert_eq!(outcome.lines(), ["on"], "{}", outcome.describe());
    let wanted = "dtrace: error in dt_clause_0 for probe ID 1 (dtrace:::BEGIN): couldn't set option \"nonsense\" to \"1\": Invalid option name

dtrace: error in dt_clause_1 for probe ID 1 (dtrace:::BEGIN): couldn't set option \"strsize\" to \"8\": Operation illegal when tracing is active

";
    assert_eq!(outcome.stderr, wanted);
}

#[test]
fn options_are_set_while_tracing_as_on_the_command_line() {
    needs_root!();
    // Without a value it is 1, and an empty one takes back what was set.
    let text = "BEGIN { setopt(\"aggsortrev\"); setopt(\"switchrate\"); setopt(\"aggrate\", \"0\"); setopt(\"stackindent\", \"\"); }
        BEGIN { @[1] = count(); @[2] = sum(2); setopt(\"aggsortpos\"); setopt(\"aggsortrev\", \"\"); exit(0); }";
    let text = text.replace("sum(2)", "count()");
    let outcome = good(dtrace().args(["-qn", &text]));
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("\n        1                1\n        2                1\n", "")
    );
}
