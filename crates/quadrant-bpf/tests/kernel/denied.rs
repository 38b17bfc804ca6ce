//! Refusals to someone without the right to trace.

use quadrant_bpf::features::Features;
use quadrant_bpf::insn::{Insn, Reg};
use quadrant_bpf::map::{Map, MapKind, MapSpec};
use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_bpf::prog::{Program, ProgramKind, ProgramSpec};

use crate::common::need_root;

/// Takes all capabilities from the calling thread only, and runs `check` if that makes a difference to it.
fn without_capabilities(check: fn()) {
    std::thread::spawn(move || {
        const VERSION_3: u32 = 0x2008_0522;
        let (header, none) = ([VERSION_3, 0], [0u32; 6]);
        // SAFETY: the header and two sets of three words each, as capset(2) wants them.
        assert_eq!(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }, 0);
        check();
    })
    .join()
    .unwrap();
}

#[test]
fn the_missing_capability_is_named() {
    need_root!();
    without_capabilities(|| {
        let error = Map::create(&MapSpec::new(MapKind::LruHash, 4, 8, 16)).unwrap_err();
        assert!(error.is(libc::EPERM) && error.why().contains("CAP_BPF"), "{error}");
        assert!(error.hint().contains("root"), "{error}");
        let insns = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
        let error = Program::load(&ProgramSpec::new(ProgramKind::Kprobe, &insns)).map(drop).unwrap_err();
        assert!(error.why().contains("CAP_BPF and CAP_PERFMON"), "{error}");
        let event = Event::Uprobe { path: c"/bin/sh", offset: 0, ref_ctr_offset: 0, on_return: false };
        let error = PerfEvent::open(&event, Scope::All).unwrap_err();
        assert!(error.why().contains("CAP_SYS_ADMIN (kernel.perf_event_paranoid is "), "{error}");
        assert!(!Features::new().bpf_loop());
    });
}
