//! Headers and objects for programs with static probes, with the compilers of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quadrant_d::usdt::{ProviderFile, header, object};
use quadrant_d::{message, parse};
use quadrant_probes::{Options, Source};
use quadrant_program::arch::X86_64;
use quadrant_program::probe::{Found, Operand, ProbeCatalog, ProbeKind, ProbeSource, ProbeSpec, Site};
use quadrant_program::span::Span;
use quadrant_types::Types;

#[test]
fn header_text() {
    let wanted = data("shop.h");
    let got = header(&provider("shop.d"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&wanted, &got).expect("write the expectation");
    }
    assert_eq!(got, fs::read_to_string(wanted).unwrap_or_default());
}

#[test]
fn what_cannot_be_passed_is_refused() {
    let source = fs::read_to_string(data("bad.d")).expect("the definition");
    let parsed = parse(&source);
    assert_eq!(parsed.diagnostics, []);
    let (_, diagnostics) = ProviderFile::read(&parsed.script);
    let messages: Vec<String> = diagnostics.iter().map(|found| message::text(found, &parsed.lines, true)).collect();
    let wanted = [
        "[D_DECL_PROTO_TYPE] line 4: a probe cannot pass a struct by value: pass its address",
        "[D_DECL_PROTO_TYPE] line 5: a probe cannot pass a struct by value: pass its address",
        "[D_DECL_PROTO_TYPE] line 5: a probe cannot pass a long double: pass its address",
        "[D_DECL_PROTO_VOID] line 6: void must be sole parameter",
        "[D_PROV_PRARGLEN] line 7: probe four has too many arguments: the limit is 30",
        "[D_SYNTAX] line 11: probe clauses may not be used in a provider definition file",
    ];
    assert_eq!(messages, wanted);
}

#[test]
fn prototypes_that_make_no_sense() {
    let cases = [
        (
            "int, ...",
            "[D_DECL_PROTO_VARARGS] line 1: probe input prototype may not use a variable-length argument list",
        ),
        (
            "int a, char a",
            "[D_DECL_PROTO_FORM] line 1: parameter is already declared in probe input prototype: a, parameter #2",
        ),
        (
            "int a) : (char *a",
            "[D_PROV_PRXLATOR] line 1: translator for p:::x output argument #1 from int to char * is not defined",
        ),
        (
            "char *a) : (int b",
            "[D_DECL_PROTO_FORM] line 1: parameter is not declared in probe output prototype: b, parameter #1",
        ),
        ("char *a, int b) : (string a, long b, unsigned b", ""),
    ];
    for (prototype, wanted) in cases {
        let parsed = parse(&format!("provider p {{ probe x({prototype}); }};"));
        let (_, diagnostics) = ProviderFile::read(&parsed.script);
        let all = parsed.diagnostics.iter().chain(&diagnostics);
        let texts: Vec<String> = all.map(|found| message::text(found, &parsed.lines, true)).collect();
        assert_eq!(texts.join("; "), wanted, "{prototype}");
    }
}

#[test]
fn objects_carry_definitions() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("maps.o");
    fs::write(&path, object(&provider("maps.d"), &X86_64).expect("an object")).expect("write the object");
    let source = Source::new(std::rc::Rc::new(Types::without_btf("none is needed")), Options::default());
    let definitions = source.provider_definitions(&path);
    let wanted = [
        "provider maps {\n\
         \tprobe go(int n, char *s, struct thing *t, unsigned short u) : (string s, int n, unsigned short u);\n\
         \tprobe plain(char *, uint32_t, long long, struct thing **, void *, char *, void *, enum color);\n\
         \tprobe no__arguments();\n\
         };\n\
         #pragma D attributes Evolving/Evolving/Common provider maps provider\n\
         #pragma D attributes Stable/Stable/ISA provider maps args\n",
        "provider other {\n\tprobe one__more(int);\n};\n\
         #pragma D attributes Private/Private/Unknown provider other function\n",
    ];
    assert_eq!(definitions, wanted);
    for text in &definitions {
        assert_eq!(parse(text).diagnostics, [], "{text}");
    }
}

#[test]
fn every_way_to_compile() {
    let ways: [(&str, &[&str]); 6] = [
        ("gcc", &["-O0"]),
        ("gcc", &["-O2", "-fno-pie", "-no-pie"]),
        ("gcc", &["-O2", "-fPIE", "-pie", "-flto"]),
        ("gcc", &["-Os", "-std=gnu89", "-pedantic"]),
        ("g++", &["-O2", "-x", "c++", "-std=c++17", "-pedantic"]),
        ("clang", &["-O2"]),
    ];
    for (number, (compiler, flags)) in ways.into_iter().enumerate() {
        let Some(program) = build(&format!("way-{number}"), compiler, flags) else { continue };
        let output = run(Command::new(&program).arg("5"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "enabled: 0 of 5\n", "{compiler} {flags:?}");
        check_probes(&program);
    }
}

/// The nops of a probe.
const PAIR: [u8; 11] = [0x90, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];

/// All probes are there, with all arguments, each with a semaphore that is 0 and a place that is one of the nops.
fn check_probes(program: &Path) {
    let content = fs::read(program).expect("the program");
    for (provider, name, args) in
        [("shop", "open", 0), ("shop", "sale__done", 12), ("shop", "weigh", 2), ("bank", "open", 1)]
    {
        for found in probes(program, provider, name) {
            let Site::Usdt { offset, semaphore, .. } = found.point.site else { panic!("{found:?}") };
            // The kernel decides which one of the pair is probed.
            let first = offset as usize - usize::from(content[offset as usize] == PAIR[1]);
            assert_eq!(content[first..][..PAIR.len()], PAIR, "{name}");
            assert_eq!(content[semaphore as usize..][..2], [0, 0], "{name}");
            assert_ne!(semaphore, 0, "{name}");
            let read = found.args.numbered.iter().filter(|arg| arg.operand != Operand::Unavailable);
            assert_eq!(read.count(), args, "{name}: {:?}", found.args);
        }
    }
}

fn probes(program: &Path, provider: &str, name: &str) -> Vec<Found> {
    let types = std::rc::Rc::new(Types::without_btf("none is needed"));
    let source = Source::new(types, Options::default());
    let parts = [program.to_str().expect("a path in UTF-8"), provider, name];
    let spec = ProbeSpec { kind: ProbeKind::Usdt, parts: parts.map(str::to_owned).to_vec(), span: Span::default() };
    let found = source.find(&spec).expect("the probe");
    assert!(!found.is_empty());
    found
}

/// The program of `shop.c`; nothing where the compiler is not on this machine.
fn build(name: &str, compiler: &str, flags: &[&str]) -> Option<PathBuf> {
    if Command::new(compiler).arg("--version").output().is_err() || !cfg!(target_arch = "x86_64") {
        quadrant_testing::skip(format!("{compiler} for x86-64 is not installed"));
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("usdt-{name}"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("shop.h"), header(&provider("shop.d"))).expect("write the header");
    fs::write(folder.join("shop.o"), object(&provider("shop.d"), &X86_64).expect("an object"))
        .expect("write the object");
    let source = data("shop.c");
    let strict = ["-Wall", "-Wextra", "-Werror", "-Wno-write-strings", "-I."];
    let mut command = Command::new(compiler);
    command.current_dir(&folder).args(flags).args(strict).arg(source).args(["-x", "none", "shop.o", "-o", "shop"]);
    run(&mut command);
    Some(folder.join("shop"))
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn provider(name: &str) -> ProviderFile {
    let parsed = parse(&fs::read_to_string(data(name)).expect("the definition"));
    assert_eq!(parsed.diagnostics, []);
    let (file, diagnostics) = ProviderFile::read(&parsed.script);
    assert_eq!(diagnostics, []);
    file
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/usdt").join(name)
}
