use super::note::{self, Note};
use super::resolve;
use crate::elf::{Class, Elf};
use crate::files::Files;
use crate::source::Options;
use crate::target::TargetFile;
use crate::testing::spec;
use proptest::prelude::*;
use quadrant_bpf::features::{CalledNop, called_nop};
use quadrant_program::probe::{ArgLoc, Found, Operand, ProbeKind, Site};
use quadrant_testing::Folder;
use std::path::Path;

/// What `<sys/sdt.h>` makes of probes, written out: two places of one probe with different arguments, one of them with a
/// semaphore; and a probe without arguments.
const SOURCE: &str = r#"
unsigned short sema __attribute__((section(".probes")));
long variable = 5;
#define NOTE(provider, name, semaphore, arguments) \
  __asm__ volatile ( \
    "990: nop\n" \
    ".pushsection .note.stapsdt,\"\",\"note\"\n" \
    ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n" \
    "991: .asciz \"stapsdt\"\n992: .balign 4\n" \
    "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte " semaphore "\n" \
    ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n" \
    "994: .balign 4\n.popsection\n" \
    ".ifndef _.stapsdt.base\n" \
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
    ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n" \
    ".endif\n")
__attribute__((noinline)) void first(int x) { NOTE("shop", "sale", "sema", "-4@%edi 8@variable(%rip)"); }
int main(int argc, char **argv) {
  first(argc);
  NOTE("shop", "sale", "sema", "-4@$3 8f@%xmm0");
  NOTE("shop", "closed", "0", "");
  NOTE("bank", "sale", "0", "8@-8(%rbp)");
  return 0;
}
"#;

fn program(folder: &Folder, flags: &[&str]) -> Option<std::path::PathBuf> {
    folder.compile("program", SOURCE, flags)
}

fn find(path: &Path, parts: &[&str]) -> Result<Vec<Found>, quadrant_program::probe::ProbeError> {
    let path = path.to_str().unwrap();
    let parts: Vec<&str> = std::iter::once(path).chain(parts.iter().copied()).collect();
    resolve(&Files::default(), &spec(ProbeKind::Usdt, &parts), &Options::default())
}

fn check(flags: &[&str], name: &str) {
    let folder = Folder::new(name);
    let Some(program) = program(&folder, flags) else { return };
    let found = find(&program, &["shop", "sale"]).unwrap();
    let [one, two] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(one.point.name, format!("usdt:{}:shop:sale", program.display()));
    let register = ArgLoc { bytes: 4, signed: true, float: false, operand: Operand::Reg { reg: 112, shift: 0 } };
    assert_eq!(one.args.numbered[0], register);
    assert!(matches!(one.args.numbered[1].operand, Operand::Mem { base: Some(128), .. }), "{:?}", one.args);
    assert_eq!(two.args.numbered[0].operand, Operand::Const(3));
    assert_eq!(two.args.numbered[1].operand, Operand::Unavailable);
    let content = std::fs::read(&program).unwrap();
    for place in &found {
        let Site::Usdt { offset, semaphore, pid: None, .. } = place.point.site else { panic!("{place:?}") };
        assert_eq!(content[offset as usize], 0x90, "a nop");
        assert_ne!(semaphore, 0);
        assert_eq!(content[semaphore as usize..][..2], [0, 0]);
    }
    assert_eq!(find(&program, &["sale"]).unwrap().len(), 3);
    assert_eq!(find(&program, &["*", "closed"]).unwrap()[0].args.numbered, []);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_note_at_a_long_nop_is_refused_where_the_kernel_makes_a_call_of_it() {
    let folder = Folder::new("usdt-long-nop");
    let source = SOURCE.replace("990: nop\\n", "990: .byte 0x0f, 0x1f, 0x44, 0, 0\\n");
    let Some(program) = folder.compile("program", &source, &["-O0", "-w"]) else { return };
    match find(&program, &["shop", "sale"]) {
        Ok(found) => assert!(found.len() == 2 && called_nop() != Some(CalledNop::Five)),
        Err(error) => assert!(error.message.contains("shop:sale` would break the program"), "{error:?}"),
    }
}

/// Where the first place of `shop:sale` is, and its second argument, in a program with these bytes behind each nop; and the program.
fn with_nop(test: &str, bytes: &str) -> Option<(u64, Operand, Elf)> {
    let folder = Folder::new(test);
    let source = SOURCE.replace("990: nop\\n", &format!("990: nop\\n.byte {bytes}\\n"));
    let program = folder.compile("program", &source, &["-O1", "-w"])?;
    let found = find(&program, &["shop", "sale"]).unwrap();
    let Site::Usdt { offset, .. } = found[0].point.site else { panic!("{found:?}") };
    let elf = Elf::parse(TargetFile::open(&program).unwrap()).unwrap();
    Some((offset, found[0].args.numbered[1].operand, elf))
}

/// Linux 6.18 makes a call of it that breaks programs.
#[test]
fn a_five_byte_nop_behind_the_notes_is_not_probed() {
    let Some((offset, _, elf)) = with_nop("usdt-pair", "0x0f, 0x1f, 0x44, 0, 0") else { return };
    assert_eq!(elf.file().read(offset, 3).unwrap(), [0x90, 0x0f, 0x1f]);
}

#[test]
fn a_ten_byte_nop_behind_the_notes_is_probed_where_the_kernel_makes_a_call_of_it() {
    let Some((offset, operand, elf)) = with_nop("usdt-called", "0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0") else {
        return;
    };
    let wanted: [u8; 3] = if called_nop() == Some(CalledNop::Ten) { [0x66, 0x2e, 0x0f] } else { [0x90, 0x66, 0x2e] };
    assert_eq!(elf.file().read(offset, 3).unwrap(), wanted);
    // Distances are counted from where the probe is.
    let variable = elf.symbols().unwrap().named("variable").next().unwrap().address;
    let disp = variable.wrapping_sub(elf.code_address_of(offset).unwrap()).cast_signed();
    assert_eq!(operand, Operand::Mem { base: Some(128), index: None, scale: 1, disp, narrow: false });
}

#[test]
fn position_independent_program() {
    check(&["-O1", "-w", "-fPIE", "-pie"], "usdt-pie");
}

#[test]
fn fixed_program() {
    check(&["-O1", "-w", "-no-pie"], "usdt-fixed");
}

#[test]
fn missing_probes_name_the_nearest() {
    let folder = Folder::new("usdt-missing");
    let Some(program) = program(&folder, &["-O1", "-w"]) else { return };
    let error = find(&program, &["shop", "slae"]).unwrap_err();
    assert!(format!("{:?}", error.help).contains("`shop:sale`"), "{error:?}");
    let Some(bare) = folder.compile("bare", "int main(void) { return 0; }", &[]) else { return };
    assert!(find(&bare, &["x", "y"]).unwrap_err().message.contains("no static probes"));
    assert!(find(&program, &[]).is_err());
    assert!(find(&program, &["a", "b", "c"]).is_err());
}

#[test]
fn probes_of_the_c_library() {
    let found = find(Path::new("libc"), &["libc", "setjmp"]);
    let Ok(found) = found else {
        eprintln!("skipped: this C library has no static probes");
        return;
    };
    assert!(!found.is_empty());
    assert!(found.iter().all(|place| place.args.numbered.iter().all(|arg| arg.operand != Operand::Unavailable)));
}

fn raw_note(content: &[u8], owner: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    for word in [owner.len() as u32, content.len() as u32, 3] {
        note.extend(word.to_le_bytes());
    }
    note.extend(owner);
    note.resize(note.len().next_multiple_of(4), 0);
    note.extend(content);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

fn content(address: u64, base: u64, semaphore: u64, texts: &[u8]) -> Vec<u8> {
    let words = [address, base, semaphore].into_iter().flat_map(u64::to_le_bytes);
    words.chain(texts.iter().copied()).collect()
}

#[test]
fn bases_move_addresses() {
    let section = raw_note(&content(0x1000, 0x5000, 0x6000, b"p\0n\08@%rax\0"), b"stapsdt\0");
    let mut notes = Vec::new();
    assert_eq!(note::parse(Class::Wide, &section, Some(0x5100), &mut notes), 0);
    let wanted = Note {
        provider: "p".into(),
        name: "n".into(),
        arguments: "8@%rax".into(),
        address: 0x1100,
        semaphore: Some(0x6100),
    };
    assert_eq!(notes, [wanted]);
}

#[test]
fn odd_notes_do_not_hide_the_next() {
    let mut section = raw_note(b"short", b"stapsdt\0");
    section.extend(raw_note(&content(1, 0, 0, b"\0\0\0"), b"stapsdt\0"));
    section.extend(raw_note(b"other", b"GNU\0"));
    section.extend(raw_note(&content(1, 0, 0, b"p\0n\0"), b"stapsdt\0"));
    section.extend([1, 2, 3]);
    let mut notes = Vec::new();
    assert_eq!(note::parse(Class::Wide, &section, None, &mut notes), 3);
    assert_eq!(notes.len(), 1);
}

proptest! {
    #[test]
    fn corrupted_notes(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut section = raw_note(&content(1, 2, 3, b"provider\0name\08@%rdi -4@$5\0"), b"stapsdt\0");
        section.extend(section.clone());
        for (at, byte) in changes {
            let at = at.index(section.len());
            section[at] = byte;
        }
        note::parse(Class::Wide, &section, Some(1), &mut Vec::new());
    }
}
