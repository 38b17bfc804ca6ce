//! Functions and places in real programs, compiled here. Skipped, with a line that says so, without gcc.

use quadrant_probes::{Options, Source, return_sites};
use quadrant_program::probe::{Found, ProbeError, ProbeKind, ProbeSource, ProbeSpec, Site};
use quadrant_program::span::Span;
use quadrant_testing::Folder;
use quadrant_types::Types;
use std::path::PathBuf;
use std::rc::Rc;

const SOURCE: &str = r#"
#include <string.h>
int counter;
__attribute__((noinline)) int shop_sale(int x) { counter += x; return x > 3 ? counter : strlen("x") + x; }
__attribute__((alias("shop_sale"))) int _shop_sale(int x);
__attribute__((noinline)) int shop_close(void) { return counter; }
static int chosen(int x) { return x; }
static void *choose(void) { return chosen; }
int indirect(int) __attribute__((ifunc("choose")));
int changed(int x) __asm__("changed.isra.0");
int changed(int x) { return x; }
int main(int argc, char **argv) { return shop_sale(argc) + shop_close() + indirect(1) + changed(0); }
"#;

struct Program {
    /// Holds it.
    folder: Folder,
    path: PathBuf,
}

impl Program {
    fn compile(test: &str, flags: &[&str]) -> Option<Self> {
        let folder = Folder::new(&format!("programs-{test}"));
        let path = folder.compile("program", SOURCE, &[&["-O1", "-w"], flags].concat())?;
        Some(Self { path: path.canonicalize().unwrap(), folder })
    }

    /// The same with another source beside its own.
    fn compile_with(test: &str, source: &str, flags: &[&str]) -> Option<Self> {
        let beside = Folder::new("beside");
        let source = beside.write("beside.c", source);
        Self::compile(test, &[flags, &[source.to_str().unwrap()]].concat())
    }

    fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }

    fn find(&self, kind: ProbeKind, place: &str) -> Result<Vec<Found>, ProbeError> {
        find(kind, &[self.name(), place], Options::default())
    }
}

fn find(kind: ProbeKind, parts: &[&str], options: Options) -> Result<Vec<Found>, ProbeError> {
    let source = Source::new(Rc::new(Types::without_btf("not needed")), options);
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    source.find(&ProbeSpec { kind, parts, span: Span::default() })
}

fn offset(found: &Found) -> u64 {
    match found.point.site {
        Site::Uprobe { offset, .. } | Site::Uretprobe { offset, .. } => offset,
        ref other => panic!("{other:?}"),
    }
}

/// The advice of an error, with probes as data.
fn advice(error: &ProbeError) -> String {
    error.help_in(|named| Some(format!("{named:?}"))).join("\n")
}

#[test]
fn functions_by_name_and_wildcard() {
    let Some(program) = Program::compile("names", &[]) else { return };
    let one = program.find(ProbeKind::Uprobe, "shop_sale").unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].point.name, format!("uprobe:{}:shop_sale", program.name()));
    assert_eq!(one[0].point.func, "shop_sale");
    // The alias is the same place and comes once, by its plainer name.
    let all = program.find(ProbeKind::Uretprobe, "*shop_*").unwrap();
    let mut functions: Vec<&str> = all.iter().map(|found| found.point.func.as_str()).collect();
    functions.sort_unstable();
    assert_eq!(functions, ["shop_close", "shop_sale"]);
    let alias = program.find(ProbeKind::Uprobe, "_shop_sale").unwrap();
    assert_eq!(offset(&alias[0]), offset(&one[0]));
}

#[test]
fn places_inside_functions() {
    let Some(program) = Program::compile("inside", &[]) else { return };
    let start = offset(&program.find(ProbeKind::Uprobe, "shop_sale").unwrap()[0]);
    let sites = return_sites(&program.path, "shop_sale").unwrap();
    assert!(!sites.is_empty());
    for site in &sites {
        let found = program.find(ProbeKind::Uprobe, &format!("shop_sale+{site}")).unwrap();
        assert_eq!((offset(&found[0]), found[0].point.func.as_str()), (start + site, "shop_sale"));
    }
    // A return is one byte, and the instruction that it ends is longer: some offset before it is none.
    let refused = (1..sites[0]).filter_map(|at| program.find(ProbeKind::Uprobe, &format!("shop_sale+{at}")).err());
    let messages: Vec<String> = refused.map(|error| error.message).collect();
    assert!(messages.iter().any(|message| message.contains("no instruction starts at")), "{messages:?}");
    let beyond = program.find(ProbeKind::Uprobe, "shop_sale+100000").unwrap_err();
    assert!(beyond.message.contains("beyond the function's end"));
    let inside = program.find(ProbeKind::Uretprobe, "shop_sale+4").unwrap_err();
    assert!(inside.message.contains("whole function"));
}

#[test]
fn addresses() {
    let Some(program) = Program::compile("addresses", &["-no-pie"]) else { return };
    let start = offset(&program.find(ProbeKind::Uprobe, "shop_sale").unwrap()[0]);
    // Linked at 0x400000, mapped from offset 0.
    let address = format!("{:#x}", 0x40_0000 + start);
    let found = program.find(ProbeKind::Uprobe, &address).unwrap();
    assert_eq!((offset(&found[0]), found[0].point.func.as_str()), (start, "shop_sale"));
    assert!(program.find(ProbeKind::Uprobe, "0x10").unwrap_err().message.contains("no function"));
    let forced = Options { allow_unsafe: true, ..Options::default() };
    let nowhere = find(ProbeKind::Uprobe, &[program.name(), "0x10"], forced).unwrap_err();
    assert!(nowhere.message.contains("not in the code"));
}

#[test]
fn addresses_in_a_stripped_program() {
    let Some(named) = Program::compile("whole", &["-no-pie"]) else { return };
    let Some(stripped) = Program::compile("bare", &["-no-pie", "-s"]) else { return };
    let start = offset(&named.find(ProbeKind::Uprobe, "shop_sale").unwrap()[0]);
    let address = |inside: u64| format!("{:#x}", 0x40_0000 + start + inside);
    let found = stripped.find(ProbeKind::Uprobe, &address(0)).unwrap();
    assert_eq!((offset(&found[0]), found[0].point.func.as_str()), (start, ""));
    let site = return_sites(&named.path, "shop_sale").unwrap()[0];
    let allowed = (1..=site).filter(|inside| stripped.find(ProbeKind::Uprobe, &address(*inside)).is_ok()).count();
    assert!(allowed > 0 && (allowed as u64) < site, "{allowed} of {site}");
}

#[test]
fn what_is_no_function() {
    let Some(program) = Program::compile("refused", &[]) else { return };
    let refused = |name: &str| program.find(ProbeKind::Uprobe, name).unwrap_err();
    assert!(refused("counter").message.contains("is data"));
    assert!(refused("strtol").message.contains("has no function"));
    assert!(refused("__libc_start_main").message.contains("does not define it"));
    assert!(refused("indirect").message.contains("IFUNC"));
    assert!(advice(&refused("shop_slae")).contains("`shop_sale`"));
    assert!(advice(&refused("shop_sale@@V2")).contains("`shop_sale` means the function in all"));
    assert!(advice(&refused("changed")).contains("\"changed.isra.0\""), "{:?}", refused("changed"));
    let Some(stripped) = Program::compile("stripped", &["-s"]) else { return };
    let error = stripped.find(ProbeKind::Uprobe, "shop_sale").unwrap_err();
    assert!(advice(&error).contains("stripped"), "{error:?}");
}

/// Scripts of before glibc 2.34 name libraries that are empty now.
#[test]
fn functions_that_are_in_the_c_library_now() {
    let Some(program) = Program::compile("moved", &[]) else { return };
    for name in ["libpthread.so.0", "libdl-2.31.so"] {
        let library = program.folder.join(name);
        std::fs::copy(&program.path, &library).unwrap();
        let spec = [library.to_str().unwrap(), "pthread_mutex_lock"];
        let error = find(ProbeKind::Uprobe, &spec, Options::default()).unwrap_err();
        assert!(advice(&error).contains("are in the C library"), "{error:?}");
    }
    assert!(!advice(&program.find(ProbeKind::Uprobe, "pthread_mutex_lock").unwrap_err()).contains("C library"));
}

#[test]
fn go_programs_have_no_return_probes() {
    let mark = "__asm__(\".section .go.buildinfo,\\\"a\\\"\\n.byte 1\\n.text\");";
    let Some(program) = Program::compile_with("go-marked", mark, &[]) else { return };
    assert!(program.find(ProbeKind::Uprobe, "shop_sale").is_ok());
    let error = program.find(ProbeKind::Uretprobe, "shop_sale").unwrap_err();
    assert!(error.message.contains("Go program"), "{error:?}");
    assert!(advice(&error).contains("shop_sale+"), "{error:?}");
}

/// Tables of functions as versions of Go write them: header, functions, details. `names` is where the names start.
const GO_TABLES: [&str; 3] = [
    // From Go 1.18 on: offsets from the start of the code.
    "table: .4byte 0xfffffff1; .byte 0,0,1,8; .8byte 2,0,sale,names-table,0,0,0,index-table
     index: .4byte 0,first-index,two-sale,second-index,end-sale
     first: .4byte 0,0; second: .4byte two-sale,second_name-names
     names:",
    // 1.16.
    "table: .4byte 0xfffffffa; .byte 0,0,1,8; .8byte 2,0,names-table,0,0,0,index-table
     index: .8byte sale,first-index,two,second-index,end
     first: .8byte sale; .4byte 0; second: .8byte two; .4byte second_name-names
     names:",
    // 1.2.
    "table: .4byte 0xfffffffb; .byte 0,0,1,8; .8byte 2
     index: .8byte sale,first-table,two,second-table,end
     first: .8byte sale; .4byte names-table; second: .8byte two; .4byte second_name-table
     names:",
];

/// A stripped program with such a table.
fn stripped_go(table: &str, name: &str, kind: &str) -> Option<Program> {
    let code = ".text; sale: nop; ret; two: nop; nop; ret; end:";
    let names = ".asciz \"main.(*shop).Sale\"; second_name: .asciz \"main.two\"; .text";
    let text = format!("{code} .section .gopclntab,\"a\"; {table} {names}").replace('\n', ";").replace('"', "\\\"");
    Program::compile_with(name, &format!("__asm__(\"{text}\");"), &["-s", kind])
}

#[test]
fn stripped_go_programs_have_names() {
    for (number, table) in GO_TABLES.iter().enumerate() {
        let Some(program) = stripped_go(table, &format!("go-{number}"), "-no-pie") else { return };
        let all = program.find(ProbeKind::Uprobe, "main.*").unwrap();
        let names: Vec<&str> = all.iter().map(|found| found.point.func.as_str()).collect();
        assert_eq!(names, ["main.(*shop).Sale", "main.two"], "{table}");
        assert_eq!(offset(&all[1]) - offset(&all[0]), 2);
        let error = program.find(ProbeKind::Uretprobe, "main.two").unwrap_err();
        assert!(advice(&error).contains("\"main.two+2\""), "{error:?}");
        assert!(advice(&program.find(ProbeKind::Uprobe, "main.tow").unwrap_err()).contains("main.two"));
    }
    // Where the loader fills in the start of the code, nothing is made up.
    let Some(movable) = stripped_go(&GO_TABLES[0].replace(",sale,", ",0,"), "go-movable", "-no-pie") else { return };
    assert!(movable.find(ProbeKind::Uprobe, "main.two").is_err());
}

/// A table that says more than is there, or has an entry without sense, gives what it has, and it is told.
#[test]
fn damaged_tables_of_go_give_the_rest() {
    let tables = [(".8byte 2,0,sale", ".8byte 0x7fffffffffffffff,0,sale"), ("0,first-index", "0,0x7fffffff")];
    for (number, (whole, damaged)) in tables.iter().enumerate() {
        let table = GO_TABLES[0].replace(whole, damaged);
        let Some(program) = stripped_go(&table, &format!("go-damaged-{number}"), "-no-pie") else { return };
        let source = Source::new(Rc::new(Types::without_btf("not needed")), Options::default());
        let parts = [program.name(), "main.two"].map(str::to_owned).to_vec();
        let found = source.find(&ProbeSpec { kind: ProbeKind::Uprobe, parts, span: Span::default() }).unwrap();
        assert_eq!(found.len(), 1);
        let warnings = source.warnings();
        assert!(warnings.len() == 1 && warnings[0].message.contains("table of functions"), "{warnings:?}");
        let missing = program.find(ProbeKind::Uprobe, "main.missing").unwrap_err();
        assert!(advice(&missing).contains("table of functions"), "{missing:?}");
    }
}

#[test]
fn readable_names() {
    let mangled = "int sale_of_int(int) __asm__(\"_ZN4shop4saleEi\");
        int sale_of_long(long) __asm__(\"_ZN4shop4saleEl\");
        int sale_of_int(int x) { return x; } int sale_of_long(long x) { return x; }";
    let Some(program) = Program::compile_with("readable", mangled, &[]) else { return };
    let both = program.find(ProbeKind::Uprobe, "shop::sale").unwrap();
    assert_eq!(both.len(), 2);
    let one = program.find(ProbeKind::Uprobe, "shop::sale(int)").unwrap();
    assert_eq!(one[0].point.name, format!("uprobe:{}:_ZN4shop4saleEi", program.name()));
    assert_eq!(one[0].point.func, "shop::sale(int)");
    let parts = [program.name(), "cpp", "shop::sale"];
    assert_eq!(find(ProbeKind::Uprobe, &parts, Options::default()).unwrap().len(), 2);
    let error = program.find(ProbeKind::Uprobe, "shop::sael(int)").unwrap_err();
    assert!(advice(&error).contains("`shop::sale(int)`"), "{error:?}");
}

#[test]
fn the_c_library_by_its_name() {
    let malloc = find(ProbeKind::Uprobe, &["libc", "malloc"], Options::default()).unwrap();
    assert_eq!(malloc.len(), 1);
    assert!(malloc[0].point.name.ends_with(":malloc"));
    let source = Source::new(Rc::new(Types::without_btf("not needed")), Options::default());
    let listed = source.list(ProbeKind::Uprobe, &["libc".to_owned(), "mallo*".to_owned()]).unwrap();
    assert!(listed.contains(&malloc[0].point.name), "{listed:?}");
    let memcpy = find(ProbeKind::Uprobe, &["libc", "memcpy"], Options::default()).unwrap_err();
    assert!(memcpy.message.contains("IFUNC"));
}
