//! What is known without arguments: the task, the CPU, the time, the point.

use quadrant_bpf::helper;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Clock;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// A builtin that is a number.
    pub fn builtin(&mut self, builtin: Builtin, ty: &Type) -> Result<Value> {
        Ok(match builtin {
            Builtin::Pid => self.process_id(),
            Builtin::Tid => self.thread_id(),
            Builtin::InitialPid => self.initial_id(true),
            Builtin::InitialTid => self.initial_id(false),
            Builtin::Uid => self.half(helper::GET_CURRENT_UID_GID, false),
            Builtin::Gid => self.half(helper::GET_CURRENT_UID_GID, true),
            Builtin::Nsecs(clock) => self.clock(clock)?,
            Builtin::Elapsed => self.elapsed(),
            Builtin::Cpu => self.f.b.call(helper::GET_SMP_PROCESSOR_ID, &[]),
            Builtin::Ncpus => self.f.b.iconst(self.g.target.ncpus.into()),
            Builtin::Cgroup => self.f.b.call(helper::GET_CURRENT_CGROUP_ID, &[]),
            Builtin::Curtask => self.f.b.call(helper::GET_CURRENT_TASK, &[]),
            Builtin::Rand => {
                let number = self.f.b.call(helper::GET_PRANDOM_U32, &[]);
                self.f.b.ext(number, Size::B4, false)
            }
            Builtin::NumaNode => {
                let node = self.f.b.call(helper::GET_NUMA_NODE_ID, &[]);
                self.f.b.ext(node, Size::B4, true)
            }
            Builtin::Jiffies => self.f.b.call(helper::JIFFIES64, &[]),
            Builtin::Point => self.fired_point(ty)?,
            Builtin::Function => self.fired_function()?,
            Builtin::Context => self.f.ctx,
            Builtin::PointId => self.fired_point_id()?,
            Builtin::Comm | Builtin::PointText(_) => return Err(self.model_error("a text as a number")),
        })
    }

    /// A builtin that is kept in memory: a text of that cap.
    pub fn store_builtin(&mut self, builtin: Builtin, cap: u32, to: Mem) -> Result<()> {
        if let Builtin::PointText(part) = builtin {
            return self.store_point_text(part, cap, to);
        }
        if builtin != Builtin::Comm {
            return Err(self.model_error(format_args!("{builtin:?} is not kept in memory")));
        }
        self.store_comm(to);
        Ok(())
    }

    /// Half of what a helper gives.
    pub fn half(&mut self, helper: u32, upper: bool) -> Value {
        let both = self.f.b.call(helper, &[]);
        if upper { self.f.b.shr(both, 32) } else { self.f.b.ext(both, Size::B4, false) }
    }

    fn clock(&mut self, clock: Clock) -> Result<Value> {
        let helper = match clock {
            Clock::Monotonic => helper::KTIME_GET_NS,
            Clock::Boot | Clock::SoftwareTai => helper::KTIME_GET_BOOT_NS,
            Clock::Tai if self.g.target.ktime_tai => helper::KTIME_GET_TAI_NS,
            Clock::Tai => {
                return Err(self
                    .error("this kernel gives programs no TAI clock (that came with Linux 6.1)")
                    .help("use nsecs(sw_tai), which adds an offset taken at the start"));
            }
        };
        let now = self.f.b.call(helper, &[]);
        Ok(match clock {
            Clock::SoftwareTai => self.f.b.add(now, self.g.target.tai_offset_ns),
            _ => now,
        })
    }

    fn elapsed(&mut self) -> Value {
        let at = self.g.start_ns();
        let start = self.data(at);
        let start = self.f.b.load_with(start.base, start.off, Size::B8, false, true);
        let now = self.f.b.call(helper::KTIME_GET_BOOT_NS, &[]);
        self.f.b.sub(now, start)
    }
}
