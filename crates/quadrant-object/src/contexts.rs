//! Functions whose parameters are marked as the program's context (`__arg_ctx`). Before Linux 6.8 the verifier knows a context by the
//! name of its type alone, which is another one for each kind of program: for each there is a second description of the function,
//! where the marked parameters have that type. (libbpf does the same.)

use std::collections::{BTreeMap, HashMap};

use quadrant_bpf::prog::ProgramKind;
use quadrant_types::{Btf, BtfKind};

use crate::btf::{Rewritten, info};

/// Kinds of programs whose context has a name for the verifier, and the name. That of tracepoints has none.
const NAMES: [(&[ProgramKind], &str); 3] = [
    (&[ProgramKind::Kprobe], "bpf_user_pt_regs_t"),
    (&[ProgramKind::PerfEvent], "bpf_perf_event_data"),
    (&[ProgramKind::RawTracepoint, ProgramKind::WritableRawTracepoint], "bpf_raw_tracepoint_args"),
];

/// Parameters of a function, as registers are for them.
const MOST_PARAMS: usize = 5;

/// The second descriptions: by the id of the FUNC and the place in [`NAMES`], the id of another FUNC.
pub(crate) type Contexts = HashMap<(u32, usize), u32>;

/// Adds the second descriptions to an object's types.
pub(crate) fn add(types: &mut Rewritten, btf: &Btf) -> Contexts {
    let (mut found, marked) = (Contexts::new(), marked(btf));
    for (place, (_, name)) in NAMES.iter().enumerate().filter(|_| !marked.is_empty()) {
        let context = types.text(name);
        let context = types.add(&[context, info(BtfKind::Struct, 0), 0]);
        let pointer = types.add(&[0, info(BtfKind::Ptr, 0), context]);
        for (function, params) in &marked {
            if let Some(id) = described_again(types, btf, *function, params, pointer) {
                found.insert((*function, place), id);
            }
        }
    }
    found
}

/// The description of a function in a program of that kind, if there is a second one.
pub(crate) fn find(contexts: &Contexts, function: u32, kind: ProgramKind) -> Option<u32> {
    let place = NAMES.iter().position(|(kinds, _)| kinds.contains(&kind))?;
    contexts.get(&(function, place)).copied()
}

/// Functions with marked parameters, and which these are.
fn marked(btf: &Btf) -> BTreeMap<u32, Vec<u32>> {
    let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let tags = btf.iter().filter(|(_, kind, text)| *kind == BtfKind::DeclTag && *text == "arg:ctx");
    for (function, param) in tags.filter_map(|(id, ..)| Some((btf.size_or_type(id), btf.tagged_part(id)?))) {
        if btf.kind(function) == Some(BtfKind::Func) {
            found.entry(function).or_default().push(param);
        }
    }
    found
}

fn described_again(types: &mut Rewritten, btf: &Btf, function: u32, marked: &[u32], pointer: u32) -> Option<u32> {
    let prototype = btf.size_or_type(function);
    // What has more is none that the kernel takes, and would only be large.
    if btf.kind(prototype) != Some(BtfKind::FuncProto) || btf.params(prototype).count() > MOST_PARAMS {
        return None;
    }
    let mut record = types.record(btf, prototype)?;
    for param in marked {
        // A parameter is two words, its name and its type, behind the three of the head.
        *record.get_mut(3 + *param as usize * 2 + 1)? = pointer;
    }
    let prototype = types.add(&record);
    let mut record = types.record(btf, function)?;
    *record.get_mut(2)? = prototype;
    Some(types.add(&record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::Sanitizing;
    use crate::elf::Elf;

    /// `int taker(long number, void *ctx)`, whose second parameter is marked, and a tag on the function itself.
    fn types() -> Btf {
        let kind = |kind: BtfKind, parts| info(kind, parts);
        let words = [
            [1, kind(BtfKind::Int, 0), 4, 32].to_vec(),
            [0, kind(BtfKind::Ptr, 0), 0].to_vec(),
            [0, kind(BtfKind::FuncProto, 2), 1, 5, 1, 12, 2].to_vec(),
            [16, kind(BtfKind::Func, 1), 3].to_vec(),
            [22, kind(BtfKind::DeclTag, 0), 4, 1].to_vec(),
            [22, kind(BtfKind::DeclTag, 0), 4, u32::MAX].to_vec(),
            [22, kind(BtfKind::DeclTag, 0), 9, 0].to_vec(),
        ]
        .concat();
        let strings = b"\0int\0number\0ctx\0taker\0arg:ctx\0";
        let header = [0x0001_eb9f, 24, 0, words.len() as u32 * 4, words.len() as u32 * 4, strings.len() as u32];
        let bytes = header.iter().chain(&words).flat_map(|word| word.to_le_bytes()).chain(*strings);
        Btf::new(bytes.collect::<Vec<u8>>()).unwrap()
    }

    #[test]
    fn a_marked_parameter_has_the_type_of_the_programs_context() {
        let btf = types();
        let mut rewritten =
            Rewritten::new(&Elf { sections: Vec::new(), symbols: Vec::new() }, &btf, |_| false).unwrap();
        let contexts = add(&mut rewritten, &btf);
        let new = Btf::new(rewritten.bytes(&btf, Sanitizing::None)).unwrap();
        for (kind, name) in
            [(ProgramKind::Kprobe, "bpf_user_pt_regs_t"), (ProgramKind::RawTracepoint, "bpf_raw_tracepoint_args")]
        {
            let function = find(&contexts, 4, kind).unwrap();
            assert_eq!((new.name(function), new.kind(function)), ("taker", Some(BtfKind::Func)));
            let params: Vec<(&str, u32)> = new.params(new.size_or_type(function)).collect();
            assert_eq!((params[0], params[1].0), (("number", 1), "ctx"));
            assert_eq!(new.name(new.size_or_type(params[1].1)), name);
        }
        assert_eq!(
            (find(&contexts, 4, ProgramKind::Tracepoint), find(&contexts, 9, ProgramKind::Kprobe)),
            (None, None)
        );
    }
}
