//! Scripts with the programs and messages expected of them: `tests/lower/*.d` beside `.program` and `.diag` files, in a made-up world.
//! `UPDATE_EXPECT=1 cargo test` rewrites those.

mod common;
#[path = "../../quadrant-bpftrace/tests/common/dump.rs"]
mod dump;
#[path = "../../quadrant-bpftrace/tests/common/expect.rs"]
mod expect;

use std::fs;
use std::path::Path;

use common::{Probes, env, types};
use dump::dump;
use expect::{compare, render, scripts};
use proptest::prelude::*;
use quadrant_d::lower::{Compiled, Env, Library, Source, SourceKind, compile};
use quadrant_d::macros::Macros;
use quadrant_program::action::ActionKind;
use quadrant_program::diag::Severity;
use quadrant_program::record::RecordKind;

/// What a library of the user has.
const LIBRARY: &str = "
typedef struct lwp { int lwp_id; string lwp_name; int lwp_state; } lwp_t;
translator lwp_t < struct task_struct *t > {
    lwp_id = t->pid;
    lwp_name = stringof(t->comm);
    lwp_state = t->no_such_member;
    lwp_state = t->state;
};
inline lwp_t *curlwp = xlate <lwp_t *> (curthread);
inline int broken = no_such_variable;
inline string statename[int s] = s == 0 ? \"running\" : \"other\";
";

#[test]
fn lower_data() {
    let failed: Vec<String> = scripts("lower", "d").iter().flat_map(|script| check(script)).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn destructive_actions_need_a_word_from_the_user() {
    for text in ["raise(9);", "system(\"ls\");", "stop();", "chill(5);", "copyoutstr(\"a\", 8, 1);", "freopen(\"x\");"]
    {
        let text = format!("BEGIN {{ {text} }}");
        assert_eq!(tags(&run(&text, &[])), ["D_ACT_DESTRUCT"], "{text}");
        assert_eq!(tags(&run(&text, &["destructive"])), [""; 0], "{text}");
        assert_eq!(tags(&run(&format!("#pragma D option destructive\n{text}"), &[])), [""; 0], "{text}");
    }
}

#[test]
fn half_a_library_is_none() {
    let library = "inline int A = 1;\nstruct s { struct s *s; int a; };\ninline int B = ;\n";
    let compiled = |text: &str| compile_with(library, &[source_of(text)], &[]);
    for text in [
        "BEGIN { trace(A); }",
        "BEGIN { trace(B); }",
        "struct s *p; BEGIN { trace(p->a); }",
        "BEGIN { B ? trace(1) : trace(2); }",
    ] {
        assert_eq!(tags(&compiled(text)).first(), Some(&"D_SYNTAX"), "{text}");
    }
    assert_eq!(tags(&compiled("BEGIN { trace(1); }")), [""; 0]);
    // However often it is looked up.
    let several = compiled("BEGIN { trace(A + A); trace(B); trace(A); }");
    assert_eq!(tags(&several).iter().filter(|tag| **tag == "D_SYNTAX").count(), 1);
}

/// The names of the marks that texts have.
fn marks(compiled: &Compiled) -> Vec<String> {
    let Some(program) = &compiled.program else { return vec![messages(compiled)] };
    let names = program.maps.iter().map(|map| &map.name).chain(program.vars.iter().map(|var| &var.name));
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(" is NULL")).map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn texts_that_may_be_null_stand_beside_types_of_the_script() {
    let library = "struct theirs { int a; string b; };
        translator struct theirs < int V > { a = V; b = V == 0 ? NULL : \"x\"; };
        enum none { NONE, ONE }; inline string nothing = NULL; string held;";
    for (declared, value) in [
        ("struct s { int a; };", "NULL"),
        ("union u { int a; char b; };", "strtok(NULL, \",\")"),
        ("enum e { ZERO, ONE };", "ZERO"),
        ("typedef struct { int x; } own_t; own_t o;", "(string)NULL"),
        ("struct s { string t; }; translator struct s < int V > { t = NULL; };", "xlate <struct s> (pid).t"),
        ("inline string either[string a] = a;", "either[NULL]"),
        ("string h;", "(h = NULL)"),
        ("this string l; string k;", "(k = pid ? this->l : \"\", k)"),
        ("", "xlate <struct theirs> (pid).b"),
        ("", "nothing"),
        ("", "held"),
        ("", "self->t"),
        ("", "\"x\", strchr(\"abc\", 'b')"),
    ] {
        let clauses = "BEGIN { self->t = \"\"; } END { this->l = NULL; held = NULL; }";
        let text = format!("{declared} string g; string f; {clauses} BEGIN {{ g = ({value}); f = \"x\"; trace(g); }}");
        let marks = marks(&compile_with(library, &[source_of(&text)], &[]));
        let is_marked = |name: &str| marks.iter().any(|mark| mark == name);
        assert!(is_marked("g") && !is_marked("f"), "{text}: {marks:?}");
    }
}

#[test]
fn texts_that_are_never_null_have_no_mark() {
    for value in ["\"x\"", "execname", "probefunc", "strjoin(\"a\", h)", "h", "stringof(0)", "pid ? h : zonename"] {
        let text = format!("string h; string g; BEGIN {{ h = substr(\"abc\", 1); g = {value}; trace(g); }}");
        assert_eq!(marks(&run(&text, &[])), [""; 0], "{text}");
    }
    // A number cannot be assigned to a text because it turns out to be 0.
    assert_eq!(tags(&run("string g; BEGIN { g = strlen(\"\"); }", &[])), ["D_OP_INCOMPAT"]);
}

#[test]
fn what_makes_texts_null_is_found_at_once() {
    const COUNT: usize = 300;
    let declared = (0..COUNT).map(|n| format!("string s{n}; ")).collect::<String>();
    let chain = (1..COUNT).rev().map(|n| format!("s{n} = s{}; ", n - 1)).collect::<String>();
    let compiled = run(&format!("{declared} BEGIN {{ {chain} s0 = NULL; }}"), &[]);
    assert_eq!(marks(&compiled).len(), COUNT);
}

#[test]
fn constants_of_a_library_are_there_for_it_and_for_the_script() {
    let library = "inline int before = LATE + 1;
typedef enum color { RED = 1, GREEN } color_t;
inline string name[int c] = c == RED ? \"red\" : \"other\";
struct holder { enum { INSIDE = 7 } kind; };
translator struct holder < int V > { kind = V + LATE; };
enum { LATE = 9 };
";
    for text in
        ["RED", "GREEN + LATE", "before", "name[2]", "INSIDE", "xlate <struct holder> (3).kind", "(color_t)GREEN"]
    {
        let compiled = compile_with(library, &[source_of(&format!("BEGIN {{ trace({text}); }}"))], &[]);
        assert_eq!(tags(&compiled), [""; 0], "{text}");
    }
    let own = compile_with(library, &[source_of("enum { RED = 5, LATE }; BEGIN { x = RED + LATE; }")], &[]);
    assert_eq!(tags(&own), [""; 0]);
}

#[test]
fn variables_of_a_library_are_there_from_the_first_time_they_are_read() {
    let library = "int n; int a[int]; self int t; struct s { int x; }; struct s whole; this int c;";
    let read = |value: &str| compile_with(library, &[source_of(&format!("BEGIN {{ trace({value}); }}"))], &[]);
    for value in ["n", "a[1]", "self->t", "whole.x", "sizeof (n)"] {
        assert_eq!(tags(&read(value)), [""; 0], "{value}");
    }
    // Variables of clauses are the script's own.
    assert_eq!(tags(&read("this->c")), ["D_VAR_UNDEF"]);
}

#[test]
fn a_packet_and_its_protocol_are_computed_once() {
    let compiled = run(
        "struct sk_buff { char *head; char *data; unsigned len; unsigned data_len; uint16_t network_header; };
        BEGIN { m = 1; n = 7; pcap((void *)(uint64_t)(m += 5), n += 3); }",
        &[],
    );
    let text = compiled.program.as_ref().map(dump).unwrap_or_else(|| messages(&compiled));
    for number in ["3:i", "5:i"] {
        assert_eq!(text.matches(number).count(), 1, "{text}");
    }
}

#[test]
fn names_of_probes_are_not_the_texts_of_the_script() {
    let texts = "x = probefunc; y = strjoin(probename, \"!\"); z = \"text\"; z = \"other\"; ";
    let text = format!("syscall::read:entry {{ {texts} trace(x); trace(y); trace(z); trace(probemod); }}");
    let program = run(&text, &[]).program.expect("it compiles");
    let records = program.records.iter().filter_map(|record| match &record.kind {
        RecordKind::Firing(actions) => Some(actions.iter().map(|action| action.kind.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    let traced = [ActionKind::Trace, ActionKind::Trace, ActionKind::TraceOwn, ActionKind::Trace].to_vec();
    assert_eq!(records.collect::<Vec<_>>(), [traced]);
}

#[test]
fn inlines_that_double_do_not_take_forever() {
    let doubled = (1..40).map(|n| format!("inline int a{n} = a{0} + a{0};\n", n - 1)).collect::<String>();
    let compiled = run(&format!("inline int a0 = 1;\n{doubled}BEGIN {{ trace(a39); }}"), &[]);
    assert_eq!(tags(&compiled).first(), Some(&"D_NOMEM"));
}

#[test]
fn indices_stay_in_their_array() {
    for index in ["4", "-1", "1099511627776"] {
        let text = format!("int a[4]; BEGIN {{ a[{index}] = 1; }}");
        assert_eq!(tags(&run(&text, &[])), ["D_ARR_BOUNDS"], "{text}");
    }
    assert_eq!(tags(&run("int a[4]; BEGIN { a[3] = sizeof (a); trace(a[a[3]]); }", &[])), [""; 0]);
}

#[test]
fn probes_may_be_missing_if_the_user_says_so() {
    assert_eq!(tags(&run("nosuch:::probe { trace(1); }", &[])), ["D_PDESC_ZERO"]);
    let compiled = run("nosuch:::probe { self->x = 1; } BEGIN { trace(self->x); }", &["zdefs"]);
    assert_eq!((tags(&compiled), compiled.matched), (vec![], vec![1]));
}

#[test]
fn fields_of_descriptions_are_the_last_ones_there_can_be() {
    for (kind, text, count) in [
        (SourceKind::Name, "entry", 3),
        (SourceKind::Name, "read:entry", 1),
        (SourceKind::Provider, "syscall", 4),
        (SourceKind::Module, "syscall:vmlinux", 4),
        (SourceKind::Function, "vmlinux:read", 2),
        (SourceKind::Id, "5", 1),
        (SourceKind::Id, "0x5", 1),
        (SourceKind::Id, "05", 1),
        (SourceKind::Name, "BEGIN,BEGIN,syscall:::", 6),
    ] {
        let compiled = compile_as(kind, text, &[]);
        assert_eq!((tags(&compiled), &compiled.matched[..]), (vec![], &[count][..]), "{text}");
    }
    assert_eq!(tags(&compile_as(SourceKind::Provider, "a:b", &[])), ["D_PDESC_INVAL"]);
}

#[test]
fn numbers_that_no_probe_can_have_are_told_apart() {
    for (text, tag) in [
        ("4294967295", "D_PDESC_INVAL"),
        ("4294967296", "D_PDESC_INVAL"),
        ("0xffffffffffffffffff", "D_INT_OFLOW"),
        ("08", "D_INT_DIGIT"),
        ("0x", "D_PDESC_ZERO"),
        ("1x", "D_PDESC_ZERO"),
    ] {
        assert_eq!(tags(&compile_as(SourceKind::Id, text, &[])), [tag], "{text}");
    }
}

#[test]
fn several_sources_make_one_program() {
    let sources = ["BEGIN { x = 1; }", "END { trace(x); }"].map(source_of);
    let compiled = compile_all(&sources, &[]);
    assert_eq!((tags(&compiled), &compiled.matched[..]), (vec![], &[1, 1][..]));
    let program = compiled.program.expect("a program");
    assert_eq!((program.clauses.len(), program.point_ids), (2, vec![1, 2]));
}

#[test]
fn messages_have_a_place_in_their_own_text() {
    let sources = ["BEGIN { x = 1; }", "END {\n trace(y); }"].map(source_of);
    let compiled = compile_all(&sources, &[]);
    let place = compiled.texts.place(compiled.diagnostics[0].span);
    assert_eq!((place.part.and_then(|part| part.source), place.line, place.column), (Some(1), 2, 8));
}

#[test]
fn a_broken_library_item_stops_only_who_uses_it() {
    assert_eq!(tags(&run("BEGIN { trace(curlwp->lwp_id); }", &[])), [""; 0]);
    assert_eq!(tags(&run("BEGIN { trace(broken); }", &[])), ["D_IDENT_UNDEF"]);
    assert_eq!(tags(&run("BEGIN { trace(curlwp->lwp_id); }", &["nolibs"])), ["D_IDENT_UNDEF"]);
}

#[test]
fn records_are_sent_last() {
    let compiled = run("BEGIN { trace(1); self->a = 2; printf(\"%d\", self->a); self->a = 3; exit(0); }", &[]);
    let program = compiled.program.expect("a program");
    let RecordKind::Firing(actions) = &program.records.last().expect("a record").kind else { panic!("no firing") };
    assert_eq!(actions.len(), 3);
    let text = dump(&program);
    let [set, emit, more, stop] = ["= 2:i64", "emit", "= 3:i64", "stop"].map(|word| text.find(word).expect(word));
    assert!(set < emit && emit < more && more < stop, "{text}");
}

#[test]
fn deep_scripts_do_not_exhaust_the_stack() {
    for (open, close) in
        [("(", ")"), ("-", ""), ("1+(", ")"), ("x[", "]"), ("(char)", ""), ("1?", ":1"), ("strlen(", ")"), ("!", "")]
    {
        let value = format!("{}pid{}", open.repeat(120), close.repeat(120));
        run(&format!("BEGIN {{ x[1] = 1; trace({value}); }}"), &[]);
    }
    let chain: String = (0..300).map(|at| format!("inline int i{at} = ((i{} + 1));\n", at + 1)).collect();
    assert!(!run(&format!("{chain} inline int i300 = 1; BEGIN {{ trace(i0); }}"), &[]).diagnostics.is_empty());
    assert!(!run("inline int a = b; inline int b = a; BEGIN { trace(a); }", &[]).diagnostics.is_empty());
}

/// What differs from what is expected of one script.
fn check(script: &Path) -> Vec<String> {
    let source = fs::read_to_string(script).expect("the script");
    let compiled = run(&source, &["destructive"]);
    let program = compiled.program.as_ref().map(dump).unwrap_or_default();
    let program = compare(script, "program", &program);
    let messages = compare(script, "diag", &messages(&compiled));
    program.into_iter().chain(messages).collect()
}

#[test]
fn a_predicate_knows_the_variables_of_its_body() {
    for text in [
        "BEGIN /!self->seen/ { self->seen = arg0; }",
        "BEGIN /x == 0 && a[1] == NULL/ { x = 5; a[1] = \"text\"; }",
        "BEGIN, END /!this->first++ && !y/ { y = 1; }",
        // An operator makes an `int64_t` of what nothing else says, also for a body that only reads it.
        "BEGIN /!self->y/ { x = self->y; self->y = 2; }",
        "BEGIN /!self->seen/ { self->other = 1; }",
        "BEGIN /!this->y && -self->y/ { trace(this->y); } END { trace(self->y); }",
        "BEGIN { trace(sizeof (self->z) == 8); self->z = 1; trace(~this->y); }",
    ] {
        assert_eq!(tags(&run(text, &[])), [""; 0], "{text}");
    }
    assert_eq!(tags(&run("BEGIN /self->seen/ { self->other = 1; }", &[])), ["D_VAR_UNDEF"]);
    assert_eq!(tags(&run("BEGIN /self->y/ { x = self->y; self->y = 2; }", &[])), ["D_VAR_UNDEF"]);
    assert_eq!(tags(&run("BEGIN /!self->y/ { x = self->y; self->y = \"a\"; }", &[])), ["D_OP_INCOMPAT"]);
    assert_eq!(tags(&run("BEGIN /x/ { trace(x); } END { x = 1; }", &[])), ["D_IDENT_UNDEF"]);
}

#[test]
fn what_is_wrong_with_a_body_is_told_rather_than_its_predicate() {
    let first = |text: &str| run(text, &[]).diagnostics.first().map_or(String::new(), |first| first.message.clone());
    assert!(first("BEGIN /!s/ { s = typo; exit(0); }").contains("failed to resolve typo"));
    assert!(first("BEGIN /y/ { x = z; z = 1; y = 2; }").contains("failed to resolve z"));
    assert!(first("BEGIN, END /y/ { x = z; z = 1; y = 2; }").contains("failed to resolve z"));
    assert!(first("BEGIN /nope/ { x = 1; }").contains("failed to resolve nope"));
}

#[test]
fn enumerators_of_the_script_come_before_known_constants() {
    let program = |text: &str| format!("{:?}", run(text, &[]).program.expect("compiles").clauses[0].body);
    let own = program("enum t { B_TRUE = 7 }; BEGIN { trace(B_TRUE); }");
    assert!(own.contains("Int(7)") && !own.contains("Int(1)"), "{own}");
    assert!(program("BEGIN { trace(B_TRUE); }").contains("Int(1)"));
}

#[test]
fn failures_of_system_calls_are_not_minus_one() {
    let told = |text: &str| messages(&run(text, &[])).matches("on Linux a call that fails returns -errno").count();
    assert_eq!(told("syscall::read:return /(int)arg0 == -1/ { @[errno] = count(); }"), 1);
    let twice =
        "syscall::read:return /(int)arg0 == -1/ { @ = count(); } syscall::write:return /arg0 != -1/ { @ = count(); }";
    assert_eq!(told(twice), 1);
    assert_eq!(told("syscall:::return { @[arg1 != -1 ? \"ok\" : \"failed\"] = count(); }"), 1);
    for good in [
        "syscall::read:return /(int)arg0 < 0/ { @[errno] = count(); }",
        "syscall::read:entry /arg1 == -1/ { @ = count(); }",
        "syscall::read:return /arg0 == -13/ { @ = count(); }",
        "BEGIN /arg0 == -1/ { @ = count(); }",
    ] {
        assert_eq!(told(good), 0, "{good}");
    }
}

#[test]
fn attributes_lay_out_structs_as_c_does() {
    let told = |text: &str| messages(&run(text, &[]));
    for (text, size) in [
        ("struct __attribute__((packed)) s { char a; int b; };", 5),
        ("struct s { char a; int b; } __attribute__((__packed__));", 5),
        ("struct s { char a; int b __attribute__((packed)); };", 5),
        ("struct s { char a; int b __attribute__((aligned(16))); };", 32),
        ("struct s { char a; } __attribute__((packed, aligned(2)));", 2),
        ("struct s { char a; int __attribute__((aligned(8))) b, c; };", 24),
        ("struct s { char a; struct { char b; int c; } __attribute__((packed)); };", 6),
        ("struct s { char a; } __attribute__((aligned));", 16),
        ("struct s { char a; _Alignas(8) short b; };", 16),
        ("#pragma pack(2)\nstruct s { char a; int b; };", 6),
        ("#pragma pack(1)\n#pragma pack()\nstruct s { char a; int b; };", 8),
        ("#pragma pack(push, 1)\nstruct o { int a; };\n#pragma pack(pop)\nstruct s { char a; int b; };", 8),
        ("#pragma pack(push, n, 1)\n#pragma pack(push, 4)\n#pragma pack(pop, n)\nstruct s { char a; int b; };", 8),
        ("#pragma pack(2)\nstruct s { char a; int b __attribute__((aligned(16))); };", 6),
        // What bit-fields do there was asked of gcc and clang.
        ("#pragma pack(1)\nstruct s { int a : 5; short b : 14; int c : 30; };", 7),
        ("#pragma pack(2)\nstruct s { long a : 37; } __attribute__((packed));", 6),
        ("#pragma pack(2)\nstruct s { char a; int : 0; };", 4),
        ("#pragma pack(1)\n#pragma pack(push, 0)\nstruct s { char a; int b; };", 8),
        ("#pragma pack(push, 1) /* as on the wire */\nstruct s { char a; int b; };", 5),
        ("#pragma pack (1)\n#pragma package x\nstruct s { char a; int b; };", 5),
    ] {
        // An array's length has to be positive.
        let same =
            format!("{text} struct t {{ char x[(sizeof (struct s) == {size}) ? 1 : -1]; }}; BEGIN {{ exit(0); }}");
        assert_eq!(told(&same), "", "{text}");
    }
    let unknown = "struct s { char a; int b __attribute__((aligned(sizeof (long)))); };\n";
    assert!(told(&format!("{unknown}BEGIN {{ exit(0); }}")).contains("an alignment is a power of two"));
    let header = format!("# 1 \"x.h\" 1\n{unknown}typedef int t __attribute__((aligned(2)));\n# 2 \"a.d\" 2\n");
    assert_eq!(told(&format!("{header}BEGIN {{ exit(0); }}")), "");
    assert_ne!(told(&format!("{header}BEGIN {{ trace(sizeof (struct s)); }}")), "");
    assert_ne!(told(&format!("{header}BEGIN {{ trace(sizeof (t)); }}")), "");
}

#[test]
fn what_lays_out_structs_and_is_not_understood_is_refused() {
    let refused =
        ["#pragma pack(3)", "#pragma pack(pop, 1, 2)", "#pragma ms_struct on", "#pragma options align=packed"];
    for text in refused {
        assert_eq!(tags(&run(&format!("{text}\nBEGIN {{ exit(0); }}"), &[])).len(), 1, "{text}");
    }
    let text = "struct s { _Alignas(long) char c; }; BEGIN { exit(0); }";
    assert_eq!(tags(&run(text, &[])), ["D_SYNTAX"]);
    assert_eq!(tags(&run("#pragma weak x\nBEGIN { exit(0); }", &[])), [""; 0]);
}

/// As gcc does.
#[test]
fn what_does_nothing_in_c_does_nothing_with_a_warning() {
    for (text, warned) in [
        ("#pragma pack(pop)", "nothing was pushed"),
        ("#pragma pack(push)\n#pragma pack(pop, name)", "nothing was pushed"),
        ("#pragma pack(show)", "nothing is shown"),
        ("#pragma pack 1", "no `(`"),
        ("#pragma options quiet", "did you mean `#pragma D option quiet`?"),
        ("#pragma option bufsize=4m", "did you mean `#pragma D option bufsize=4m`?"),
    ] {
        let compiled =
            run(&format!("{text}\nstruct s {{ char a; int b; }};\nBEGIN {{ trace(sizeof (struct s)); }}"), &[]);
        assert_eq!(tags(&compiled), [""], "{text}");
        assert!(
            compiled.diagnostics[0].severity == Severity::Warning && messages(&compiled).contains(warned),
            "{}",
            messages(&compiled)
        );
    }
    assert_eq!(tags(&run("#pragma options color\nBEGIN { exit(0); }", &[])), [""; 0]);
}

#[test]
fn types_that_headers_define_where_they_declare_something_are_kept() {
    let header = "\
        struct a { int x; } *geta(void);\n\
        extern struct ini2 { int a; } *getini(void);\n\
        struct s { int a; } v = { 5 };\n\
        enum { A = 3 } x = A;\n\
        static inline union u { char c[7]; } both(int a) { if (a) { return g; } return g; }\n\
        static const struct __attribute__((packed)) p { char a; int b; } table[] = { { 1, 2 }, { 3, 4 } };\n\
        typedef struct __attribute__((packed)) { char a; int b; } q;\n\
        struct { int a; } *nameless(void);\n";
    let of = |text: &str| messages(&run(&format!("# 1 \"x.h\" 1\n{header}# 2 \"a.d\" 2\n{text}"), &[]));
    for (what, value) in [
        ("sizeof (struct a)", 4),
        ("sizeof (struct ini2)", 4),
        ("sizeof (struct s)", 4),
        ("A", 3),
        ("sizeof (union u)", 7),
        ("sizeof (struct p)", 5),
        ("sizeof (q)", 5),
    ] {
        let same = format!("struct t {{ char x[({what} == {value}) ? 1 : -1]; }}; BEGIN {{ exit(0); }}");
        assert_eq!(of(&same), "", "{what}");
    }
}

/// In the script itself they mean what they mean in D.
#[test]
fn types_of_headers_may_have_names_that_are_words_of_d() {
    let header = "\
        typedef unsigned int provider; provider pv;\n\
        typedef short this; this th;\n\
        typedef char self; extern self se(provider a); self sv = 1;\n\
        struct t { this n; };\n\
        typedef int translator; translator tr;\n\
        typedef int probe; probe pr;\n";
    let text = "struct u { char x[(sizeof (struct t) == 2) ? 1 : -1]; };\n\
        BEGIN { this->x = 1; self->y = (this->x + 1) * 2; trace((self->y)); trace((string)\"a\"); exit(0); }";
    let compiled = run(&format!("# 1 \"x.h\" 1\n{header}# 2 \"a.d\" 2\n{text}"), &[]);
    assert_eq!(messages(&compiled), "");
}

/// Functions, variables with values, words of D as names, and what D forbids but C's compilers let pass.
#[test]
fn headers_have_what_only_c_has() {
    let header = "\
        size_t f (const char *string, int this) ;\n\
        static const struct t { int a; } table[] = { { 1 }, { 2 } };\n\
        int sum(int a) { if (a) { return a; } return 0; }\n\
        _Static_assert (sizeof (int) == 4, \"no\");\n\
        extern char *names[];\n\
        extern int g (char *const list[restrict], int other[static 3]);\n\
        struct s { int self;; char string[3]; int counter; char rest[0]; };\n\
        enum e { BIG = 1u << 31, BIGGER = 1UL << 40, LESS = -1 };\n\
        void (*handler)(int);\n";
    let of = |text: &str| tags(&run(&format!("# 1 \"x.h\" 1\n{header}# 2 \"a.d\" 2\n{text}"), &[]));
    let text = "BEGIN /BIG == 2147483648 && BIGGER == 1099511627776 && sizeof (struct s) == 12/
                { this->s = (struct s *)alloca(12); trace(this->s->self); trace(this->s->counter); exit(0); }";
    assert_eq!(of(text), [""; 0]);
    assert_eq!(of("BEGIN { trace(f(1)); }"), ["D_FUNC_UNDEF"]);
    for line in header.lines().filter(|line| !line.contains("extern int g") && !line.contains("handler")) {
        assert_ne!(tags(&run(&format!("{line}\nBEGIN {{ exit(0); }}"), &[])), [""; 0], "{line}");
    }
}

#[test]
fn null_is_the_number_zero() {
    for text in [
        "BEGIN { self->at = arg0; self->at = NULL; x = 5; x = NULL; a[1] = (char)1; a[1] = NULL; trace(x); }",
        "BEGIN { x = NULL; x = 5; x += NULL; x |= NULL; x = -NULL; printf(\"%d\", NULL); }",
        "BEGIN { s = \"a\"; s = NULL; p = curthread; p = NULL; trace(p == NULL && s == NULL && sizeof (NULL) == 4); }",
    ] {
        assert_eq!(tags(&run(text, &[])), [""; 0], "{text}");
    }
    assert_eq!(tags(&run("BEGIN { p = NULL; p = curthread; }", &[])), ["D_OP_INCOMPAT"]);
    assert_eq!(tags(&run("BEGIN { x = 5; x = (char *)5; }", &[])), ["D_OP_INCOMPAT"]);
}

#[test]
fn types_of_other_systems_are_known() {
    let text = "BEGIN { this->full = (boolean_t)arg0; trace(this->full == B_FALSE); this->n = (u_int)1; trace(sizeof (in_port_t)); }";
    assert_eq!(tags(&run(text, &[])), [""; 0]);
}

/// Members, variables and conversions.
#[test]
fn what_other_systems_have_is_named_with_its_counterpart() {
    for (text, help) in [
        ("BEGIN /curthread->t_pri != -1/ { }", "the priority is `curlwpsinfo->pr_pri`"),
        ("BEGIN { trace(curthread->t_procp->p_pid); }", "on Linux `curthread` is a struct task_struct"),
        ("BEGIN { trace(curproc); }", "on Linux `curthread` is a struct task_struct"),
        ("BEGIN { trace(`lbolt); }", "Linux counts ticks in \"`jiffies\""),
        ("BEGIN { printf(\"%I\", \"127.0.0.1\"); }", "names of hosts and ports are not looked up"),
    ] {
        let compiled = run(text, &[]);
        let told = messages(&compiled);
        assert!(told.contains(help), "{text}: {told}");
    }
}

fn messages(compiled: &Compiled) -> String {
    let one = |diagnostic| {
        let tag = format!("{:?}", quadrant_program::diag::Diagnostic::clone(diagnostic).tag);
        render(std::slice::from_ref(diagnostic), &compiled.texts.text) + "    tag: " + &tag + "\n"
    };
    compiled.diagnostics.iter().map(one).collect()
}

fn tags(compiled: &Compiled) -> Vec<&'static str> {
    compiled.diagnostics.iter().map(|diagnostic| diagnostic.tag.unwrap_or_default()).collect()
}

fn source_of(text: &str) -> Source {
    Source { name: "test".to_owned(), text: text.to_owned(), kind: SourceKind::Script }
}

fn run(text: &str, options: &[&str]) -> Compiled {
    compile_all(&[source_of(text)], options)
}

fn compile_as(kind: SourceKind, text: &str, options: &[&str]) -> Compiled {
    compile_all(&[Source { kind, ..source_of(text) }], options)
}

fn compile_all(sources: &[Source], options: &[&str]) -> Compiled {
    compile_with(LIBRARY, sources, options)
}

fn compile_with(library: &str, sources: &[Source], options: &[&str]) -> Compiled {
    let types = types();
    let options: Vec<(String, Option<String>)> = options.iter().map(|&name| (name.to_owned(), None)).collect();
    let libraries = [Library { name: "test.d".to_owned(), text: library.to_owned() }];
    let (probes, macros) = (Probes(&types), Macros::default());
    let env = Env { libraries: &libraries, options: &options, ..env(&probes, &macros) };
    compile(sources, &env)
}

/// Pieces that together make many half-sensible scripts.
const SOUP: &[&str] = &[
    "BEGIN",
    "syscall:::entry",
    "{",
    "}",
    "/",
    ";",
    "self->x",
    "this->y",
    "x",
    "x[pid, \"a\"]",
    "@a",
    "@[execname]",
    "=",
    "+=",
    "++",
    "count()",
    "quantize(arg0)",
    "lquantize(pid, 0, 10, 2)",
    "printf(\"%d %s\\n\", pid, execname)",
    "trace(",
    ")",
    "args[0]",
    "args[1]",
    "arg0",
    "probefunc",
    "== \"read\"",
    "&&",
    "?",
    ":",
    "curthread->comm",
    "curthread->state",
    "*",
    "&",
    "(char)",
    "(string)",
    "stringof(",
    "copyinstr(arg1)",
    "alloca(8)",
    "copyin(arg0, 4)",
    "stack()",
    "ustack(3)",
    "speculate(self->x)",
    "commit(1)",
    "exit(0)",
    "if (pid)",
    "else",
    "printa(@a)",
    "trunc(@, 5)",
    "int a[string];",
    "struct s { int i; string t; };",
    "((struct s *)0)->i",
    "inline int k = pid;",
    "k",
    "strtok(",
    ",",
    "0",
    "1",
    "-1",
    "NULL",
    "sizeof (int)",
    "xlate <lwp_t *> (curthread)",
    "->lwp_id",
    "`jiffies",
    "&`f",
    "timestamp",
    "errno",
    "/pid == 1/",
    "\"text\"",
    "<",
    "json(",
];

proptest! {
    #[test]
    fn no_script_panics(pieces in prop::collection::vec(prop::sample::select(SOUP), 0..40)) {
        run(&pieces.join(" "), &["destructive"]);
    }

    #[test]
    fn half_good_statements_do_not_panic(pieces in prop::collection::vec(prop::sample::select(SOUP), 0..12)) {
        run(&format!("BEGIN, syscall:::entry {{ x = 1; self->x = \"a\"; {}; trace(x); }}", pieces.join(" ")), &["destructive"]);
    }
}

/// As dtrace has it, and C: only the size is that of the narrow type.
#[test]
fn a_choice_between_narrow_numbers_keeps_its_value() {
    let program =
        run("BEGIN { one = (int)1; trace((long)(one ? (int8_t)-1 : (uint8_t)3)); }", &[]).program.expect("compiles");
    let body = format!("{:?}", program.clauses[0].body);
    assert!(!body.contains("bytes: 1, signed: false"), "{body}");
    let text = "BEGIN { one = (int)1; trace(sizeof (one ? (int8_t)1 : (uint8_t)3) == 1 ? 1 : \"no\"); }";
    assert_eq!(tags(&run(text, &[])), [""; 0]);
}
