//! What is known without arguments: the task, the CPU, the time, the point.

use quadrant_bpf::helper;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Clock;
use quadrant_program::probe::PointId;
use quadrant_program::ty::Type;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::Context;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Bytes of a thread's name, its NUL included (`TASK_COMM_LEN`).
const COMM_BYTES: i64 = 16;

impl Lower<'_, '_> {
    /// A builtin that is a number.
    pub fn builtin(&mut self, builtin: Builtin, ty: &Type) -> Result<Value> {
        Ok(match builtin {
            Builtin::Pid => self.half(helper::GET_CURRENT_PID_TGID, true),
            Builtin::Tid => self.half(helper::GET_CURRENT_PID_TGID, false),
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
            Builtin::PointText(_) | Builtin::PointId => return Err(self.model_error("a builtin of D")),
            Builtin::Comm => return Err(self.model_error("a thread's name as a number")),
        })
    }

    /// A builtin that is kept in memory.
    pub fn store_builtin(&mut self, builtin: Builtin, to: Mem) -> Result<()> {
        if builtin != Builtin::Comm {
            return Err(self.model_error(format_args!("{builtin:?} is not kept in memory")));
        }
        if let Some(offset) = self.g.target.comm_offset {
            self.copy_comm(offset, to);
            return Ok(());
        }
        let (to, size) = (self.address(to), self.f.b.iconst(COMM_BYTES));
        self.f.b.call(helper::GET_CURRENT_COMM, &[to, size]);
        Ok(())
    }

    /// Copies the name straight from the task, which is several times faster than the helper. What older kernels leave behind
    /// the NUL is cleared.
    fn copy_comm(&mut self, offset: u32, to: Mem) {
        let task = self.f.b.call(helper::GET_CURRENT_TASK_BTF, &[]);
        let (first, is_open) = self.name_part(task, offset as i32);
        let (second, _) = self.name_part(task, offset as i32 + 8);
        let second = self.f.b.and(second, is_open);
        self.f.b.store(to.base, to.off, Size::B8, first);
        self.f.b.store(to.base, to.off + 8, Size::B8, second);
    }

    /// Eight bytes of text up to the first NUL, zeros behind; and all ones if there was none, else 0.
    fn name_part(&mut self, task: Value, offset: i32) -> (Value, Value) {
        const LOW: i64 = 0x0101_0101_0101_0101;
        const HIGH: i64 = 0x8080_8080_8080_8080_u64 as i64;
        let b = &mut self.f.b;
        let word = b.load(task, offset, Size::B8);
        // Sets the highest bit of the first byte that is 0; higher ones may be set, too.
        let less = b.sub(word, LOW);
        let inverse = b.not(word);
        let marks = b.and(less, inverse);
        let marks = b.and(marks, HIGH);
        let opposite = b.neg(marks);
        let lowest = b.and(marks, opposite);
        let kept = b.sub(lowest, 1);
        let text = b.and(word, kept);
        (text, b.sar(kept, 63))
    }

    /// Half of what a helper gives.
    fn half(&mut self, helper: u32, upper: bool) -> Value {
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

    /// The point that fired, an index into the program's points. Of points that are shown alike it is the first, so that they are one
    /// key of a map.
    fn fired_point(&mut self, ty: &Type) -> Result<Value> {
        let alike = self.g.points_alike(*ty == Type::ProbeFunc);
        let points: Vec<u32> = self.unit.points.iter().filter_map(|id| alike.get(id.0 as usize).copied()).collect();
        let Some(first) = points.first() else {
            return Err(self.model_error("a unit without points"));
        };
        if points.len() == 1 {
            return Ok(self.f.b.iconst((*first).into()));
        }
        let index = self.point_index()?;
        let in_a_row = points.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        if in_a_row {
            return Ok(self.f.b.add(index, i64::from(*first)));
        }
        Ok(self.table_entry(&points, Size::B4, index))
    }

    /// The address of the kernel function that the point is in.
    fn fired_function(&mut self) -> Result<Value> {
        let points = &self.g.program.points;
        let code = |id: &PointId| points.get(id.0 as usize).and_then(|point| point.site.kernel_code());
        let address = |id| code(id).and_then(|code| Some(code.address?.wrapping_sub(code.offset))).unwrap_or(0);
        let addresses: Vec<u64> = self.unit.points.iter().map(address).collect();
        if let [address] = addresses.as_slice() {
            return Ok(self.f.b.iconst(*address as i64));
        }
        let index = self.point_index()?;
        Ok(self.table_entry(&addresses, Size::B8, index))
    }

    /// Which of the unit's points fired.
    fn point_index(&mut self) -> Result<Value> {
        if let Context::Syscalls { .. } = self.unit.context {
            if let (Some(point), true) = (self.point, self.f.loops.is_empty()) {
                return Ok(point);
            }
            let place = self.syscall_place()?;
            return Ok(self.f.b.sub(place, 1));
        }
        if self.unit.context == Context::Run {
            return Err(self.model_error("one run for several points"));
        }
        Ok(self.f.b.call(helper::GET_ATTACH_COOKIE, &[self.f.ctx]))
    }

    /// An entry of a constant table of numbers of that size; 0 beyond its end.
    fn table_entry<N: Copy + Into<u64>>(&mut self, entries: &[N], size: Size, index: Value) -> Value {
        let bytes = |entry: &N| Into::<u64>::into(*entry).to_le_bytes().into_iter().take(size.bytes() as usize);
        let bytes: Vec<u8> = entries.iter().flat_map(bytes).collect();
        let len = bytes.len() as u32;
        let table = self.constant(bytes, len);
        let (end, result) = self.join();
        let inside = self.f.b.create_block();
        let zero = self.f.b.iconst(0);
        self.f.b.branch(Cond::Uge, index, entries.len() as i64, end, &[zero], inside, &[]);
        self.f.b.switch_to(inside);
        let offset = self.f.b.shl(index, i64::from(size.bytes().trailing_zeros()));
        let start = self.address(table);
        let place = self.f.b.add(start, offset);
        let entry = self.f.b.load_with(place, 0, size, false, true);
        self.f.b.jump(end, &[entry]);
        self.f.b.switch_to(end);
        result
    }
}
