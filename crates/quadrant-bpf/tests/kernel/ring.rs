//! The ring buffer and the perf buffer.

use std::os::fd::AsFd;
use std::time::Duration;

use quadrant_bpf::helper;
use quadrant_bpf::insn::{Alu, Cond, Insn, Reg, Size};
use quadrant_bpf::map::{Map, MapKind, MapSpec};
use quadrant_bpf::perfbuf::PerfBuffer;
use quadrant_bpf::prog::{Program, ProgramKind};
use quadrant_bpf::ringbuf::RingBuffer;
use quadrant_bpf::wait::Epoll;

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
        Insn::alu64_imm(Alu::Add, Reg::R2, -24),
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

#[test]
fn discarded_records_are_not_seen() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::RingBuffer, 0, 0, 4096)).unwrap();
    let mut ring = RingBuffer::new(&map).unwrap();
    let mut insns = Insn::ld_map_fd(Reg::R1, map.raw_fd()).to_vec();
    insns.extend([
        Insn::mov64_imm(Reg::R2, 8),
        Insn::mov64_imm(Reg::R3, 0),
        Insn::call_helper(helper::RINGBUF_RESERVE),
        Insn::jmp_imm(Cond::Eq, Reg::R0, 0, 3),
        Insn::mov64(Reg::R1, Reg::R0),
        Insn::mov64_imm(Reg::R2, 0),
        Insn::call_helper(helper::RINGBUF_DISCARD),
        Insn::mov64_imm(Reg::R0, 0),
        Insn::exit(),
    ]);
    let (discarder, program) = (common::load_insns(ProgramKind::RawTracepoint, &insns), sender(&map));
    for number in 0..3 {
        discarder.test_run_raw_tp(&[]).unwrap();
        program.test_run_raw_tp(&[number]).unwrap();
    }
    let mut received = Vec::new();
    assert_eq!(ring.consume(usize::MAX, |record| received.push(record[0])), 3);
    assert_eq!(received, [0, 1, 2]);
    assert_eq!(ring.available(), 0);
}

/// As [`sender`], into a perf buffer.
fn perf_sender(map: &Map) -> Program {
    let mut insns = vec![Insn::ldx(Size::Dw, Reg::R2, Reg::R1, 0), Insn::stx(Size::Dw, Reg::R10, -8, Reg::R2)];
    insns.extend(Insn::ld_map_fd(Reg::R2, map.raw_fd()));
    insns.extend([
        Insn::mov32_imm(Reg::R3, -1),
        Insn::mov64(Reg::R4, Reg::R10),
        Insn::alu64_imm(Alu::Add, Reg::R4, -8),
        Insn::mov64_imm(Reg::R5, 8),
        Insn::call_helper(helper::PERF_EVENT_OUTPUT),
        Insn::exit(),
    ]);
    common::load_insns(ProgramKind::RawTracepoint, &insns)
}

#[test]
fn a_perf_buffer_gives_all_or_says_what_it_lost() {
    need_root!();
    // A processor on which nothing more is sent does not tell what it lost last.
    common::stay_on_this_processor();
    let cpus = quadrant_bpf::cpus::possible_count().unwrap() as u32;
    let map = Map::create(&MapSpec::new(MapKind::PerfEventArray, 4, 4, cpus)).unwrap();
    let mut buffer = PerfBuffer::new(&map, 1, 1).unwrap();
    assert_eq!(buffer.fds().count(), quadrant_bpf::cpus::online().unwrap().len());
    let program = perf_sender(&map);
    let (mut sent, mut refused, mut received) = (0u64, 0, Vec::new());
    for round in 0..40 {
        // Now and then more than fits, so that the kernel loses some.
        for _ in 0..if round % 8 == 0 { 400 } else { 60 } {
            refused += u64::from(program.test_run_raw_tp(&[sent]).unwrap() != 0);
            sent += 1;
        }
        buffer.consume(usize::MAX, |record| {
            received.push(u64::from_ne_bytes(*record.first_chunk().unwrap()));
        });
        assert_eq!(buffer.available(), 0);
    }
    let count = received.len() as u64;
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len() as u64, count);
    assert_eq!(count + refused, sent);
    assert!(refused > 0);
    assert_eq!((buffer.lost(), buffer.damaged()), (refused, 0));
}

#[test]
fn a_record_wakes_the_reader() {
    need_root!();
    let map = Map::create(&MapSpec::new(MapKind::RingBuffer, 0, 0, 4096)).unwrap();
    let mut ring = RingBuffer::new(&map).unwrap();
    let epoll = Epoll::new().unwrap();
    epoll.add(ring.as_fd(), 3).unwrap();
    let mut ready = Vec::new();
    epoll.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty());
    sender(&map).test_run_raw_tp(&[1]).unwrap();
    epoll.wait(None, &mut ready).unwrap();
    assert_eq!(ready, [3]);
    assert_eq!(ring.consume(usize::MAX, |_| ()), 1);
    epoll.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty());
}
