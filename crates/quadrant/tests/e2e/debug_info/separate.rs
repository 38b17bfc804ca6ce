//! Debug information and symbols that are not simply in the program: compressed, packed, shared, or in files of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{assert_lines, folder, good, needs_root, refused, script};

/// The program's sources.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/targets");

const SCRIPT: &str = r#"uprobe:BIN:typed_scalars {
    print((args.i, args.color, args.far, str(args.text), ((struct item *)args.item)->id, args.item->field->ratio));
}"#;
const ANSWER: &[&str] = &["(-7, GREEN, 1099511627776, text, 42, 2.5)"];

/// The program `prog`, made in a folder by these commands; `None` if a tool is missing or too old.
fn made(test: &str, commands: &[&str]) -> Option<(PathBuf, String)> {
    let folder = folder(test);
    fs::remove_dir_all(&folder).and_then(|()| fs::create_dir_all(&folder)).expect("the folder is ours");
    commands.iter().all(|command| runs(command, &folder)).then(|| {
        let program = folder.join("prog").to_str().expect("the build folder's name is UTF-8").to_owned();
        (folder, program)
    })
}

fn runs(command: &str, folder: &Path) -> bool {
    let command = command.replace("SOURCE", &format!("-I{SOURCES} {SOURCES}/typed.c"));
    let mut words = command.split(' ');
    let mut tool = Command::new(words.next().unwrap_or_default());
    let status = tool.args(words).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn answers(program: &str, options: &[&str]) {
    let tracer = script(&SCRIPT.replace("BIN", program)).args(options).args(["-c", program]);
    assert_lines(&good(tracer), ANSWER);
}

/// Tests of programs that tell all by themselves.
macro_rules! whole {
    ($($test:ident: $commands:expr,)*) => {$(
        #[test]
        fn $test() {
            needs_root!();
            match made(stringify!($test), &$commands) {
                Some((_, program)) => answers(&program, &[]),
                None => quadrant_testing::skip("the compiler or binutils cannot make this"),
            }
        }
    )*};
}

whole! {
    deflated_by_the_older_convention: ["gcc -O2 -g -gz=zlib-gnu SOURCE -o prog"],
    compressed_by_zstd: ["gcc -O2 -g SOURCE -o prog", "objcopy --compress-debug-sections=zstd prog"],
    packed_split_debug_information: [
        "gcc -O2 -gdwarf-4 -gsplit-dwarf -c SOURCE -o prog.o", "gcc prog.o -o prog", "dwp -e prog -o prog.dwp", "rm prog.dwo"
    ],
    packed_split_debug_information_of_dwarf_5: [
        "clang -O2 -gdwarf-5 -gsplit-dwarf -c SOURCE -o prog.o", "clang prog.o -o prog", "llvm-dwp -e prog -o prog.dwp", "rm prog.dwo"
    ],
    split_within_the_object: ["clang -O2 -g -gsplit-dwarf=single -c SOURCE -o prog.o", "clang prog.o -o prog"],
    shared_by_dwz: [
        "gcc -O2 -g SOURCE -o prog", "gcc -O1 -g SOURCE -o other", "dwz -m common prog other", "rm other"
    ],
    at_link_time: ["gcc -O2 -g -flto SOURCE -o prog"],
    in_dwarf_2: ["gcc -O2 -gdwarf-2 -gstrict-dwarf SOURCE -o prog"],
    in_dwarf_5_with_names: ["clang -O2 -gdwarf-5 -gpubnames SOURCE -o prog"],
}

#[test]
fn stripped_with_a_link_to_the_rest() {
    needs_root!();
    let commands = [
        "gcc -O2 -g SOURCE -o prog",
        "objcopy --only-keep-debug prog rest",
        "objcopy --strip-all --add-gnu-debuglink=rest prog",
    ];
    let Some((folder, program)) = made("linked", &commands) else { return quadrant_testing::skip("there is no gcc") };
    answers(&program, &[]);
    let listed = good(crate::common::quadrant().args(["-l", &format!("uprobe:{program}:typed_*")]));
    assert!(listed.stdout.contains(":typed_scalars\n"), "{}", listed.describe());
    fs::remove_file(folder.join("rest")).expect("it is there");
    let message = refused(script(&SCRIPT.replace("BIN", &program)));
    assert!(message.contains("the file is stripped, and no separate file has its symbols"), "{message}");
}

#[test]
fn stripped_with_the_rest_in_a_folder_that_is_named() {
    needs_root!();
    let commands = [
        "gcc -O2 -g -Wl,--build-id=0xabcdef SOURCE -o prog",
        "mkdir -p named/.build-id/ab",
        "objcopy --only-keep-debug prog named/.build-id/ab/cdef.debug",
        "strip prog",
    ];
    let Some((folder, program)) = made("named", &commands) else { return quadrant_testing::skip("there is no gcc") };
    answers(&program, &["--debuginfo", &folder.join("named").display().to_string()]);
}
