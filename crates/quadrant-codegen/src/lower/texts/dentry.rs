//! `d_path`: the name of a file, put together from its end: each directory entry knows its name and the one above it. At the root of a
//! file system it goes on where that is mounted.
//!
//! The kernel's own function for it may only be called by a few kinds of programs.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::ty::Space;

use crate::lower::cells::Bytes;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::fault::BAD_ADDRESS;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;
use crate::target::PathOffsets;

/// Most directories and mounts that are looked at.
const STEPS: u32 = 512;

/// A walk towards the root.
#[derive(Clone, Copy)]
struct Walk {
    offsets: PathOffsets,
    /// The entry.
    dentry: Cell,
    /// Its mount: the `struct vfsmount`; without one the walk ends at the root of the file system.
    mount: Option<Cell>,
    /// The text so far, at the end of its room.
    text: Bytes,
    cap: u32,
    /// Where it starts.
    start: Cell,
    /// Not zero when a name did not fit.
    cut: Cell,
}

impl Lower<'_, '_> {
    /// Stores the name of a `struct path`.
    pub fn store_path(&mut self, path: &Expr, cap: u32, to: Mem) -> Result<()> {
        let offsets = self.path_offsets()?;
        let path = self.scalar(path)?;
        let [dentry, mount] = [offsets.dentry, offsets.mnt].map(|off| {
            let from = self.f.b.add(path, i64::from(off));
            let value = self.probe_number(Space::Kernel, from, Size::B8, false);
            self.cell(value)
        });
        self.store_walk((offsets, dentry, Some(mount)), cap, to)
    }

    /// Stores the path of a `struct dentry` in its file system.
    pub fn store_dentry_path(&mut self, dentry: &Expr, cap: u32, to: Mem) -> Result<()> {
        let offsets = self.path_offsets()?;
        let dentry = self.scalar(dentry)?;
        let dentry = self.cell(dentry);
        self.store_walk((offsets, dentry, None), cap, to)
    }

    fn path_offsets(&self) -> Result<PathOffsets> {
        let none = || self.error("paths of files need the kernel's type information (CONFIG_DEBUG_INFO_BTF)");
        self.g.target.path.ok_or_else(none)
    }

    /// Stores the names on the way from an entry to the root.
    fn store_walk(
        &mut self,
        (offsets, dentry, mount): (PathOffsets, Cell, Option<Cell>),
        cap: u32,
        to: Mem,
    ) -> Result<()> {
        // A name may be read over what follows it.
        let text = self.bytes(2 * cap.next_power_of_two());
        let [start, cut] = [self.cell(i64::from(cap) - 1), self.cell(0)];
        let last = self.f.b.iconst(i64::from(cap) - 1);
        self.set_byte(text, last, 0);
        let walk = Walk { offsets, dentry, mount, text, cap, start, cut };
        self.repeat(STEPS, |lower, _, stop| {
            lower.path_step(walk, stop);
            Ok(())
        })?;
        let start = self.cell_get(start);
        // The root itself has no name.
        self.when(Cond::Eq, start, i64::from(cap) - 1, |lower| {
            lower.cell_add(walk.start, -1);
            let at = lower.cell_get(walk.start);
            lower.set_byte(text, at, i64::from(b'/'));
        });
        let cut = self.cell_get(cut);
        self.lose_if(LossKind::Cut, Cond::Ne, cut, 0);
        let start = self.cell_get(walk.start);
        self.store_part(text, start, i64::from(cap), cap, to)
    }

    fn path_step(&mut self, walk: Walk, stop: Block) {
        let dentry = self.cell_get(walk.dentry);
        self.f.b.branch_away(Cond::Eq, dentry, 0, stop);
        if let Some(mount) = walk.mount {
            let vfsmount = self.cell_get(mount);
            let root = self.kernel_word(vfsmount, walk.offsets.mnt_root);
            let dentry = self.cell_get(walk.dentry);
            self.when(Cond::Eq, root, dentry, |lower| lower.leave_mount(walk, mount, stop));
        }
        let dentry = self.cell_get(walk.dentry);
        let parent = self.kernel_word(dentry, walk.offsets.d_parent);
        let dentry = self.cell_get(walk.dentry);
        // An entry that is its own parent is not mounted anywhere.
        self.f.b.branch_away(Cond::Eq, parent, dentry, stop);
        let parent = self.cell(parent);
        self.put_name(walk, dentry, stop);
        let parent = self.cell_get(parent);
        self.cell_set(walk.dentry, parent);
    }

    /// From the root of a mount to where it is mounted; stops at the root of all.
    fn leave_mount(&mut self, walk: Walk, left: Cell, stop: Block) {
        let vfsmount = self.cell_get(left);
        let mount = self.f.b.sub(vfsmount, i64::from(walk.offsets.mount));
        let mount = self.cell(mount);
        let from = self.cell_get(mount);
        let parent = self.kernel_word(from, walk.offsets.mnt_parent);
        let from = self.cell_get(mount);
        self.f.b.branch_away(Cond::Eq, parent, from, stop);
        self.f.b.branch_away(Cond::Eq, parent, 0, stop);
        let above = self.f.b.add(parent, i64::from(walk.offsets.mount));
        self.cell_set(left, above);
        let point = self.kernel_word(from, walk.offsets.mnt_mountpoint);
        self.cell_set(walk.dentry, point);
        self.f.b.ret(0);
    }

    /// Puts a slash and the name of an entry before the text.
    fn put_name(&mut self, walk: Walk, dentry: Value, stop: Block) {
        let from = self.f.b.add(dentry, i64::from(walk.offsets.name_len));
        let len = self.probe_number(Space::Kernel, from, Size::B4, false);
        let len = self.cell(len);
        let dentry = self.cell_get(walk.dentry);
        let name = self.kernel_word(dentry, walk.offsets.name);
        let (length, start) = (self.cell_get(len), self.cell_get(walk.start));
        let whole = self.f.b.add(length, 1);
        self.when(Cond::Ugt, whole, start, |lower| {
            lower.cell_set(walk.cut, 1);
            lower.f.b.jump(stop, &[]);
        });
        let start = self.f.b.sub(start, whole);
        self.cell_set(walk.start, start);
        self.set_byte(walk.text, start, i64::from(b'/'));
        let mask = i64::from(walk.cap.next_power_of_two()) - 1;
        let at = self.f.b.add(start, 1);
        let at = self.f.b.and(at, mask);
        let to = self.byte_address(walk.text, at);
        let size = self.f.b.and(length, mask);
        let failed = self.f.b.call(helper::PROBE_READ_KERNEL, &[to, size, name]);
        self.fault_if(BAD_ADDRESS, Cond::Ne, failed, 0, name);
    }

    fn kernel_word(&mut self, base: Value, off: u32) -> Value {
        let from = self.f.b.add(base, i64::from(off));
        self.probe_number(Space::Kernel, from, Size::B8, false)
    }
}
