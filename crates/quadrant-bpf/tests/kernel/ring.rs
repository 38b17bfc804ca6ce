//! The ring buffer.

use quadrant_bpf::helper;
use quadrant_bpf::insn::{Insn, Reg, Size};
use quadrant_bpf::map::{Map, MapKind, MapSpec};
use quadrant_bpf::prog::{Program, ProgramKind};
use quadrant_bpf::ringbuf::RingBuffer;

use crate::common::{self, need_root};

/// Sends its first argument as a record of 24 bytes; result 0 is success.
fn sender(map: &Map) -> Program {
    let mut insns = vec![
        Insn::ldx(Size::Dw, Reg::R2, Reg::R1, 0),
        Insn::stx(Size::Dw, Reg::R10, -24, Reg::R2),
        Insn::stx(Size::Dw, Reg::R10, -16, Reg::R2),
        Insn::stx(Size::Dw, Reg::R10, -8, Reg::R2),
    ];
    insns.extend(Insn::ld_map_fd(Reg::R1, map.raw_fd()));
    insns.extend([
        Insn::mov64(Reg::R2, Reg::R10),
        Insn::alu64_imm(quadrant_bpf::insn::Alu::Add, Reg::R2, -24),
        Insn::mov64_imm(Reg::R3, 24),
        Insn::mov64_imm(Reg::R4, 0),
        Insn::call_helper(helper::RINGBUF_OUTPUT),
        Insn::exit(),
    ]);
    common::load_insns(ProgramKind::RawTracepoint, &insns)
}

#[test]
fn records_arrive_in_order_across_the_end() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::RingBuffer, 0, 0, 4096)).unwrap();
    let mut ring = RingBuffer::new(&map).unwrap();
    let program = sender(&map);
    let (mut sent, mut received) = (0u64, Vec::new());
    for _ in 0..50 {
        for _ in 0..37 {
            assert_eq!(program.test_run_raw_tp(&[sent]).unwrap(), 0);
            sent += 1;
        }
        assert_eq!(ring.available(), 37 * 32);
        ring.consume(usize::MAX, |record| {
            let (words, rest) = record.as_chunks::<8>();
            assert!(words.len() == 3 && rest.is_empty() && words.iter().all(|word| word == &words[0]));
            received.push(u64::from_ne_bytes(words[0]));
        });
    }
    assert!(received.iter().copied().eq(0..sent));
}

#[test]
fn a_full_buffer_refuses_and_recovers() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::RingBuffer, 0, 0, 4096)).unwrap();
    let mut ring = RingBuffer::new(&map).unwrap();
    let program = sender(&map);
    let mut sent = 0;
    while program.test_run_raw_tp(&[sent]).unwrap() == 0 {
        sent += 1;
    }
    assert!((120..=128).contains(&sent), "{sent}");
    assert_eq!(ring.consume(10, |_| ()), 10);
    assert_eq!(program.test_run_raw_tp(&[0]).unwrap(), 0);
    assert_eq!(ring.consume(usize::MAX, |_| ()) as u64, sent - 10 + 1);
    assert_eq!(ring.consume(usize::MAX, |_| ()), 0);
}
