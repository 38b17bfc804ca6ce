//! `-h` and `-G`: a program is built with what they make, and traced.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::dtrace;
use crate::common::{good, needs_root, script};

/// The definition and the program of the front end's own tests.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../quadrant-d/tests/usdt").join(name)
}

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("build-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn has_compiler() -> bool {
    cfg!(target_arch = "x86_64") && Command::new("gcc").arg("--version").output().is_ok()
}

/// As a build system does it: header, objects, one more object, link.
fn build(folder: &Path, name: &str, flags: &[&str]) -> String {
    let made = |file: &str| folder.join(file).into_os_string();
    let definition = source(&format!("{name}.d")).into_os_string();
    good(dtrace().args(["-h", "-s"]).arg(&definition).arg("-o").arg(made(&format!("{name}.h"))));
    let gcc = |args: &[&str]| {
        let status = Command::new("gcc").args(flags).args(args).current_dir(folder).status();
        assert!(status.expect("gcc starts").success(), "{flags:?} {args:?}");
    };
    let program = source(&format!("{name}.c"));
    gcc(&["-Wall", "-Werror", "-c", "-I.", program.to_str().expect("a path in UTF-8"), "-o", "a.o"]);
    let object = dtrace().args(["-64", "-G", "-xnolibs", "-s"]).arg(&definition).arg("-o").arg(made("probes.o"));
    good(object.arg(made("a.o")));
    gcc(&["a.o", "probes.o", "-o", name]);
    folder.join(name).to_str().expect("the build folder's name is UTF-8").to_owned()
}

#[test]
fn a_program_is_built_and_traced_by_both_languages() {
    needs_root!();
    if !has_compiler() {
        return quadrant_testing::skip("there is no gcc for this processor");
    }
    let folder = folder("both");
    for flags in [&["-O0"][..], &["-O2", "-fno-pie", "-no-pie"], &["-O2", "-fPIE", "-pie", "-flto"]] {
        let shop = build(&folder, "shop", flags);
        let d = "shop$target:::sale-done { @[copyinstr(arg1), arg8] = sum(arg0); @n = count(); }
                 bank$target:::open { @open = sum(arg0); }";
        let outcome = good(dtrace().args(["-qn", d, "-c", &format!("{shop} 101")]));
        assert!(outcome.stderr.contains("enabled: 101 of 101"), "{flags:?}: {}", outcome.describe());
        let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
        assert_eq!(words, ["sold", "3", "-5050", "101", "5050"], "{flags:?}: {}", outcome.describe());

        let text = format!(
            "usdt:{shop}:shop:sale__done {{ printf(\"%d %s %d %d %d %d %u %d %d %d %s %d\\n\", arg0, str(arg1), arg2, arg3, \
             arg4, arg5, arg6, arg7 != 0, arg8, arg9, str(arg10), arg11); }} \
             usdt:{shop}:shop:weigh {{ printf(\"%lx %x\\n\", arg0, arg1); }}"
        );
        let outcome = good(script(&text).args(["-c", &format!("{shop} 2")]));
        let wanted = [
            "0 sold 200 -7 0 65535 4000000000 1 3 1099511627776 array 0",
            "0 40200000",
            "-1 sold 201 -7 8589934592 65535 4000000000 1 3 1099511627777 array 1",
            "3ff8000000000000 40200000",
        ];
        assert_eq!(outcome.lines(), wanted, "{flags:?}: {}", outcome.describe());
    }
}

/// A function that calls nothing keeps its variables below the stack pointer, where a call at the probe's place would put its return address.
#[test]
fn variables_of_functions_that_call_nothing_stay_as_they_are() {
    needs_root!();
    if !has_compiler() {
        return quadrant_testing::skip("there is no gcc for this processor");
    }
    let folder = folder("leaf");
    let file = |name: &str| folder.join(name).into_os_string();
    std::fs::write(file("leaf.d"), "provider leaf { probe hit(int); };\n").unwrap();
    let source = "#include \"leaf.h\"\n
        static int __attribute__((noinline)) twice(int i) { LEAF_HIT(i); return 2 * i; }
        int main(void) { int sum = 0; for (int i = 0; i < 7; i++) sum += twice(i); return sum; }\n";
    std::fs::write(file("leaf.c"), source).unwrap();
    good(dtrace().args(["-h", "-s"]).arg(file("leaf.d")).arg("-o").arg(file("leaf.h")));
    good(dtrace().args(["-G", "-s"]).arg(file("leaf.d")).arg("-o").arg(file("leaf.o")));
    let gcc = ["-O0", "leaf.c", "leaf.o", "-o", "leaf"];
    assert!(Command::new("gcc").args(gcc).current_dir(&folder).status().unwrap().success());
    let program = folder.join("leaf");
    let d = "leaf$target:::hit { @sum = sum(args[0]); } syscall::exit_group:entry /pid == $target/ { @status = sum(arg0); }";
    let outcome = good(dtrace().args(["-qn", d, "-c", program.to_str().unwrap()]));
    let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
    assert_eq!(words, ["21", "42"], "{}", outcome.describe());
}

/// A process hands down to its children what the kernel has made of a probe's place.
#[test]
fn children_of_a_process_that_has_been_at_a_probe() {
    needs_root!();
    if !has_compiler() {
        return quadrant_testing::skip("there is no gcc for this processor");
    }
    let folder = folder("forks");
    let file = |name: &str| folder.join(name).into_os_string();
    std::fs::write(file("forks.d"), "provider forks { probe hit(int); };\n").unwrap();
    let source = "#include <sys/wait.h>\n#include <unistd.h>\n#include \"forks.h\"\n
        static void __attribute__((noinline)) hit(int i) { FORKS_HIT(i); }
        int main(void) { for (int i = 0; i < 11; i++) hit(i);
            if (!fork()) { for (int i = 0; i < 7; i++) hit(100); _exit(0); }
            wait(0); return 0; }\n";
    std::fs::write(file("forks.c"), source).unwrap();
    good(dtrace().args(["-h", "-s"]).arg(file("forks.d")).arg("-o").arg(file("forks.h")));
    good(dtrace().args(["-G", "-s"]).arg(file("forks.d")).arg("-o").arg(file("forks.o")));
    let gcc = ["-O2", "forks.c", "forks.o", "-o", "forks"];
    assert!(Command::new("gcc").args(gcc).current_dir(&folder).status().unwrap().success());
    let program = folder.join("forks");
    let d = "forks*:::hit { @[pid == $target ? \"parent\" : \"child\"] = count(); }";
    let outcome = good(dtrace().args(["-qn", d, "-c", program.to_str().unwrap()]));
    let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
    assert_eq!(words, ["child", "7", "parent", "11"], "{}", outcome.describe());
}

#[test]
fn a_program_that_nobody_traces_is_not_told_otherwise() {
    if !has_compiler() {
        return quadrant_testing::skip("there is no gcc for this processor");
    }
    let shop = build(&folder("alone"), "shop", &["-O2"]);
    let output = Command::new(shop).arg("7").output().expect("the program starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "enabled: 0 of 7\n");
}

#[test]
fn arguments_have_the_types_and_the_order_of_the_definition() {
    needs_root!();
    if !has_compiler() {
        return quadrant_testing::skip("there is no gcc for this processor");
    }
    let maps = build(&folder("maps"), "maps", &["-O2", "-s"]);
    let d = "maps$target:::go { printf(\"%s %d %d|%d %s\", args[0], args[1], args[2], (int)arg1, copyinstr(arg0)); }
             maps$target:maps::plain { printf(\"|%u %d\", args[1], args[2]); }
             maps$target:::no-arguments { printf(\"|none\\n\"); }";
    let outcome = good(dtrace().args(["-qn", d, "-c", &maps]));
    assert_eq!(outcome.lines(), ["words -5 65535|-5 words|4000000000 -1|none"], "{}", outcome.describe());

    for module in ["a.out", "maps", "ma*", &maps] {
        let d = format!("maps$target:{module}::no-arguments {{ printf(\"%s\\n\", probemod); }}");
        let outcome = good(dtrace().args(["-qn", &d, "-c", &maps]));
        assert_eq!(outcome.lines(), ["maps"], "{module}: {}", outcome.describe());
    }

    // Processes that cannot be looked at are no error of a pattern.
    let outcome = good(dtrace().args(["-qn", "maps*:::no-arguments { printf(\"%s\\n\", probename); }", "-c", &maps]));
    assert_eq!(outcome.lines(), ["no-arguments"], "{}", outcome.describe());

    let outcome = good(dtrace().args(["-lvn", "maps$target:::go", "-c", &maps]));
    let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
    for wanted in
        ["Identifier Names: Evolving", "Dependency Class: ISA", "args[0]: string args[1]: int args[2]: unsigned short"]
    {
        assert!(words.join(" ").contains(wanted), "{wanted}: {}", outcome.describe());
    }
}

#[test]
fn files_are_named_after_the_definition() {
    let folder = folder("names");
    let definition = folder.join("p.d");
    std::fs::write(&definition, "#ifdef X\nprovider p { probe a__b(X); };\n#endif\n").expect("write the definition");
    let with_cpp = |mode: &str| dtrace().args(["-C", "-DX=int", mode, "-s"]).arg(definition.as_os_str());
    if Command::new("cpp").arg("--version").output().is_err() {
        return quadrant_testing::skip("there is no cpp");
    }
    std::fs::create_dir_all(folder.join("here")).expect("a folder");
    let here = folder.join("here");
    good(with_cpp("-h").dir(&here));
    good(with_cpp("-G").dir(&here));
    let header = std::fs::read_to_string(here.join("p.h")).expect("the header");
    assert!(header.contains("#define P_A_B(arg0)") && header.contains("P_A_B_ENABLED()"), "{header}");
    assert!(std::fs::read(here.join("p.o")).expect("the object").starts_with(b"\x7fELF"));
}

#[test]
fn an_object_that_is_called_as_the_definition_is_not_lost() {
    let folder = folder("kept");
    std::fs::write(folder.join("p.d"), "provider p { probe a(int); };").expect("write the definition");
    std::fs::write(folder.join("p.o"), "an object").expect("write the object");
    let outcome = dtrace().args(["-G", "-s", "p.d", "p.o"]).dir(&folder).run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.stderr.contains("p.o itself, which would be lost"), "{}", outcome.describe());
    assert_eq!(std::fs::read(folder.join("p.o")).expect("the object"), b"an object");
}

#[test]
fn what_is_wrong_with_a_definition_is_said() {
    let folder = folder("wrong");
    let cases = [
        ("provider p { probe a(int; };", "line 1: syntax error near \";\""),
        ("provider p1 { probe a(int); };", "line 1: provider name may not end with a digit: p1"),
        ("\nprovider p { probe a(struct s); };", "line 2: a probe cannot pass a struct by value: pass its address"),
        ("typedef int x;", "there is no provider definition in "),
    ];
    for (text, wanted) in cases {
        let definition = folder.join("p.d");
        std::fs::write(&definition, text).expect("write the definition");
        let outcome = dtrace().args(["-h", "-s"]).arg(definition.as_os_str()).run().expect("the tracer runs");
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert!(outcome.stderr.contains(wanted), "{text}: {}", outcome.describe());
    }
    let definition = folder.join("p.d");
    let misuses: [(&[&str], &str); 4] = [
        (&["-h"], "-h requires one or more scripts or enabling options"),
        (&["-h", "-s", "p.d", "-s", "p.d"], "-h requires an output file (-o) if multiple scripts are specified"),
        (&["-h", "-s", "p"], "-h requires an output file (-o) for a script whose name does not end in .d"),
        (&["-h", "-n", "BEGIN"], "-h requires an output file if no scripts are specified"),
    ];
    for (args, wanted) in misuses {
        let outcome = dtrace().args(args.iter().copied()).dir(&folder).run().expect("the tracer runs");
        assert_eq!(outcome.code(), Some(2), "{}", outcome.describe());
        assert_eq!(outcome.stderr, format!("dtrace: {wanted}\n"));
    }
    std::fs::write(&definition, "provider p { probe a(); };").expect("write the definition");
    std::fs::copy(&definition, folder.join("p")).expect("copy the definition");
    good(dtrace().args(["-G", "-s", "p"]).dir(&folder));
    assert!(folder.join("d.out").exists());
    let outcome = dtrace().args(["-h", "-n", "BEGIN", "-o", "n.h"]).dir(&folder).run().expect("the tracer runs");
    assert!(outcome.stderr.contains("-h needs a file with provider definitions"), "{}", outcome.describe());
}
