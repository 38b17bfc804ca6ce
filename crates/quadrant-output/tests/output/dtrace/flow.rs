//! Rows indented by calls and returns.

use super::*;

fn flow() -> Options {
    Options { flowindent: true, ..Options::default() }
}

#[test]
fn calls_and_returns() {
    let mut program = program(&[
        ("syscall:vmlinux:write:entry", 4),
        ("fbt:vmlinux:vfs_write:entry", 5),
        ("fbt:vmlinux:vfs_write:return", 6),
        ("syscall:vmlinux:write:return", 7),
        ("profile:::tick-1s", 8),
    ]);
    let number = |value| vec![(ActionKind::Trace, vec![int(4, true, value).into()])];
    let records: Vec<_> = [(0, None), (0, Some(2)), (1, None), (4, None), (2, None), (3, None), (3, Some(3))]
        .into_iter()
        .map(|(point, value)| firing(&mut program, point, 0, value.map_or(vec![], number)))
        .collect();
    let expected = [
        "CPU FUNCTION                                 ",
        "  1  => write                                 ",
        "  1   | write:entry                                     2",
        "  1    -> vfs_write                           ",
        "  1     | :tick-1s                            ",
        "  1    <- vfs_write                           ",
        "  1  <= write                                 ",
        "  1  <= write                                           3",
        "",
    ];
    assert_eq!(printed(&program, flow(), &records, &mut Running::default()), expected.join("\n"));
}

#[test]
fn rows_of_a_cpu_stay_together() {
    let mut program = program(&[("fbt:vmlinux:f:entry", 4), ("fbt:vmlinux:f:return", 5)]);
    let entry = firing(&mut program, 0, 0, vec![]);
    let exit = firing(&mut program, 1, 0, vec![]);
    let on = |cpu: u32, (id, bytes): &(RecordId, Vec<u8>)| {
        let mut bytes = bytes.clone();
        bytes[4..8].copy_from_slice(&cpu.to_le_bytes());
        (*id, bytes)
    };
    let records = [on(1, &entry), on(0, &entry), on(1, &entry), on(0, &exit), on(1, &exit)];
    let text = printed(&program, flow(), &records, &mut Running::default());
    let rows: Vec<&str> = text.lines().skip(1).map(str::trim_end).collect();
    assert_eq!(rows, ["  0  -> f", "  0  <- f", "  1  -> f", "  1    -> f", "  1    <- f"]);
}
