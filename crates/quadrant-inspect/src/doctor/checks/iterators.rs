//! Iterators over objects of the kernel.

use std::io::Read;

use quadrant_bpf::link::{Link, Walk};
use quadrant_bpf::prog::{AttachType, ProgramKind, ProgramSpec};
use quadrant_bpf::{Error, Result};
use quadrant_types::BtfKind;

use super::super::kit::{Kit, Outcome, load};
use super::super::model::Area;
use super::Row;

pub const ROWS: &[Row] = &[
    row("iter.task", "over threads", |kit| visit(kit, "bpf_iter_task"), ""),
    row("iter.task_file", "over open files", |kit| visit(kit, "bpf_iter_task_file"), ""),
    row("iter.task_vma", "over mappings of memory", |kit| visit(kit, "bpf_iter_task_vma"), "5.12"),
    row("iter.bpf_map", "over BPF maps", |kit| visit(kit, "bpf_iter_bpf_map"), ""),
    row("iter.bpf_prog", "over BPF programs", |kit| visit(kit, "bpf_iter_bpf_prog"), ""),
];

const fn row(id: &'static str, name: &'static str, run: fn(&mut Kit) -> Outcome, since: &'static str) -> Row {
    let (area, options, instead) = (Area::Iterators, &["CONFIG_DEBUG_INFO_BTF"], &[("", "the files of /proc")]);
    Row { id, area, name, run, options, since, instead }
}

/// The function with that name is what an iterator's programs are types of.
fn visit(kit: &mut Kit, function: &str) -> Outcome {
    let attach_btf_id = kit.type_id(function, BtfKind::Func)?;
    let (insns, attach_type) = (kit.counting(&[])?, AttachType::TraceIter);
    let program = load(&ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &insns) })?;
    let link = Link::iterator(&program, Walk::All)?;
    let pass = link.iterate()?;
    kit.fires(link, || drop(read_to_end(&pass)))
}

fn read_to_end(mut pass: &std::fs::File) -> Result<()> {
    let mut text = Vec::new();
    pass.read_to_end(&mut text).map(drop).map_err(|error| Error::io("cannot read an iterator", &error))
}
