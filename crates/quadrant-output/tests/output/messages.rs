//! What stands around the answers.

use quadrant_output::Mode;
use quadrant_output::Renderer;
use quadrant_output::ledger::Entry;
use quadrant_output::ledger::Kind;
use quadrant_output::ledger::ledger;
use quadrant_output::message::Output;
use quadrant_output::message::Place;
use quadrant_output::message::Severity;
use quadrant_output::message::attached;
use quadrant_output::message::message;
use quadrant_output::message::output_of;
use quadrant_output::message::pinned;
use quadrant_output::peer;
use quadrant_program::Program;
use quadrant_program::record::RecordKind;

use crate::common::*;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn attached_probes() {
    let shown = |n, mode| written(|out| attached(out, n, mode));
    assert_eq!(shown(1, Mode::Text), "Attached 1 probe\n");
    assert_eq!(shown(2, Mode::Text), "Attached 2 probes\n");
    assert_eq!(shown(2, Mode::Json), "{\"type\": \"attached_probes\", \"count\": 2, \"data\": {\"probes\": 2}}\n");
}

#[test]
fn files_that_stay() {
    let shown = |path: &[u8], mode| written(|out| pinned(out, path, mode));
    assert_eq!(shown(b"/sys/fs/bpf/a\x1b", Mode::Text), "Program pinned to /sys/fs/bpf/a\\x1b\n");
    assert_eq!(
        shown(b"/sys/fs/bpf/a", Mode::Json),
        "{\"type\": \"pinned\", \"data\": {\"path\": \"/sys/fs/bpf/a\"}}\n"
    );
}

#[test]
fn messages_of_the_script() {
    let place = Place { file: "e.bt", line: 3, column: 3, end_column: 26 };
    let shown = |severity, mode| written(|out| message(out, severity, &place, b"hello 5\n", mode));
    assert_eq!(shown(Severity::Error, Mode::Text), "e.bt:3:3-26: ERROR: hello 5\n");
    assert_eq!(shown(Severity::Warning, Mode::Text), "e.bt:3:3-26: WARNING: hello 5\n");
    assert_eq!(
        shown(Severity::Error, Mode::Json),
        "{\"type\": \"errorf\", \"msg\": \"hello 5\\n\", \"filename\": \"e.bt\", \"line\": 3, \"col\": 3}\n"
    );
    assert_eq!(written(|out| output_of(out, Output::Cat, b"Linux\n")), "{\"type\": \"cat\", \"data\": \"Linux\\n\"}\n");
    assert_eq!(
        written(|out| output_of(out, Output::System, b"hi\n")),
        "{\"type\": \"syscall\", \"data\": \"hi\\n\"}\n"
    );
}

#[test]
fn arguments_of_messages_are_escaped_and_their_formats_are_not() {
    let program = Program::default();
    let (record, bytes) = record(RecordKind::Warnf(format("a\n%s")), vec![flagged(b"\x1b\n", 0)]);
    let shown = |mode| written(|out| Renderer::new(&program, mode).formatted(out, &record, &bytes, &mut Names));
    assert_eq!(shown(Mode::Text), "a\n\\x1b\\n");
    assert_eq!(shown(Mode::Json), "a\n\x1b\n");
}

#[test]
fn commands_and_file_names_are_not_escaped() {
    let program = Program::default();
    let (record, bytes) = record(RecordKind::System(format("echo '%s'")), vec![flagged(b"a\tb", 0)]);
    let mut out = Vec::new();
    Renderer::new(&program, Mode::Json).formatted(&mut out, &record, &bytes, &mut Names);
    assert_eq!(out, b"echo 'a\tb'");
}

#[test]
fn losses_one_line_each() {
    let entries = [
        Entry { kind: Kind::Records, subject: None, count: 12, place: Some("e.bt:3:3") },
        Entry { kind: Kind::Reads, subject: None, count: 0, place: None },
        Entry { kind: Kind::Keys, subject: Some("@m"), count: 1, place: None },
    ];
    assert_eq!(
        written(|out| ledger(out, &entries)),
        "LOST: 12 records at e.bt:3:3: the ring buffer was full; raise it (config `perf_rb_pages`), or print less: aggregate in a map, filter with a predicate\n\
         LOST: 1 update of @m: the map was full, or the kernel had no memory at hand; raise its size (config `max_map_keys`), or use fewer keys\n"
    );
    assert_eq!(
        written(|out| peer::losses(out, &entries, Mode::Json)),
        "{\"type\": \"losses\", \"data\": [{\"kind\": \"records\", \"count\": 12, \"place\": \"e.bt:3:3\"}, {\"kind\": \"keys\", \"count\": 1, \"subject\": \"@m\"}]}\n"
    );
    assert_eq!(written(|out| peer::losses(out, &entries[1..2], Mode::Json)), "");
}
