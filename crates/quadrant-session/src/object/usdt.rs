//! Where the arguments of static user probes are, for `bpf_usdt_arg()` of libbpf's usdt.bpf.h: its maps are part of the object, and
//! a loader fills in a description for each place. The place's attach cookie is the description's number.
//!
//! The layout of a description has changed over the versions of that header, so it is taken from the object's own types.

use quadrant_bpf::map::Update;
use quadrant_program::probe::ArgLoc;
use quadrant_program::probe::Found;
use quadrant_program::probe::Operand;
use quadrant_types::Btf;
use quadrant_types::BtfKind;

use super::Loaded;
use crate::error::Error;

const SPECS: &str = "__bpf_usdt_specs";

/// Descriptions made so far.
#[derive(Default)]
pub(super) struct Usdt {
    next: u32,
}

impl Usdt {
    /// Describe the arguments of places; the number of the first, which the others follow.
    ///
    /// # Errors
    /// The object has no room, or cannot read an argument that a place has.
    pub(super) fn describe(&mut self, loaded: &Loaded, found: &[Found]) -> Result<u64, Error> {
        let first = self.next;
        // A program that looks at no argument needs no description.
        let Some(at) = loaded.object.maps.iter().position(|map| map.name == SPECS) else { return Ok(0) };
        let (def, map) = (&loaded.object.maps[at], &loaded.maps[at]);
        let layout = loaded.object.btf().and_then(|btf| Layout::of(btf, def.value_type));
        let layout = layout.ok_or_else(|| bad(format!("the map `{SPECS}` is not as usdt.bpf.h has it")))?;
        for place in found {
            if self.next >= def.max_entries {
                let room = def.max_entries;
                return Err(bad(format!("there are more places than the {room} that BPF_USDT_MAX_SPEC_CNT allows")));
            }
            let spec = layout.encode(&place.args.numbered, def.value_size as usize).map_err(|why| {
                bad(format!("an argument of {} cannot be read by this object: {why}", place.point.name))
            })?;
            map.update(&self.next.to_ne_bytes(), &spec, Update::Any)?;
            self.next += 1;
        }
        Ok(first.into())
    }
}

fn bad(message: String) -> Error {
    Error::Object { message, help: Vec::new() }
}

/// Where the parts of a description are, in bytes.
struct Layout {
    args: usize,
    most: usize,
    count: usize,
    argument: usize,
    value: usize,
    kind: (usize, usize),
    register: usize,
    signed: usize,
    shift: usize,
    /// Index register and scale, in newer headers.
    index: Option<(usize, usize)>,
    /// The bits in the kind's word, if it is a bit-field.
    kinds: Kinds,
}

/// Values of `enum __bpf_usdt_arg_type`.
struct Kinds {
    constant: i64,
    register: i64,
    memory: i64,
    indexed: Option<i64>,
}

impl Layout {
    fn of(btf: &Btf, spec: u32) -> Option<Layout> {
        let spec = btf.resolve(spec);
        let member = |ty, name| btf.members(ty).find(|member| member.name == name);
        let byte =
            |ty, name| member(ty, name).filter(|found| found.bits == 0).map(|found| found.bit_offset as usize / 8);
        let (element, most) = btf.array(btf.resolve(member(spec, "args")?.ty))?;
        let arg = btf.resolve(element);
        let kind = member(arg, "arg_type")?;
        let kinds = btf.find("__bpf_usdt_arg_type", &[BtfKind::Enum, BtfKind::Enum64])?;
        let constant = |name| btf.enumerators(kinds).find(|(found, _)| *found == name).map(|(_, value)| value);
        let kind_len = if kind.bits > 0 { usize::from(kind.bits).div_ceil(8) } else { btf.size_of(kind.ty)? as usize };
        Some(Layout {
            args: byte(spec, "args")?,
            most: most as usize,
            count: byte(spec, "arg_cnt")?,
            argument: btf.size_of(arg)? as usize,
            value: byte(arg, "val_off")?,
            kind: (kind.bit_offset as usize / 8, kind_len),
            register: byte(arg, "reg_off")?,
            signed: byte(arg, "arg_signed")?,
            shift: byte(arg, "arg_bitshift")?,
            index: byte(arg, "idx_reg_off").zip(member(arg, "scale_bitshift").map(|it| it.bit_offset as usize / 8)),
            kinds: Kinds {
                constant: constant("BPF_USDT_ARG_CONST")?,
                register: constant("BPF_USDT_ARG_REG")?,
                memory: constant("BPF_USDT_ARG_REG_DEREF")?,
                indexed: constant("BPF_USDT_ARG_SIB"),
            },
        })
    }

    fn encode(&self, arguments: &[ArgLoc], len: usize) -> Result<Vec<u8>, &'static str> {
        let mut spec = vec![0; len];
        if arguments.len() > self.most {
            return Err("there are too many");
        }
        for (number, argument) in arguments.iter().enumerate() {
            let start = self.args + number * self.argument;
            let place = spec.get_mut(start..start + self.argument).ok_or("its description is too short")?;
            self.encode_one(argument, place)?;
        }
        put(&mut spec, self.count, &(arguments.len() as u16).to_ne_bytes())?;
        Ok(spec)
    }

    fn encode_one(&self, argument: &ArgLoc, place: &mut [u8]) -> Result<(), &'static str> {
        let (kind, value, register) = match argument.operand {
            Operand::Const(value) => (self.kinds.constant, value, 0),
            Operand::Reg { reg, shift: 0 } => (self.kinds.register, 0, reg),
            Operand::Mem { base: Some(base), index: None, disp, .. } => (self.kinds.memory, disp, base),
            Operand::Mem { base, index: Some(index), scale, disp, narrow: false } => {
                let (register, shift) = self.index.ok_or("its usdt.bpf.h knows no index registers")?;
                put(place, shift, &[scale.trailing_zeros() as u8])?;
                put(place, register, &index.to_ne_bytes())?;
                let base = base.ok_or("it has an index but no base")?;
                (self.kinds.indexed.ok_or("its usdt.bpf.h knows no index registers")?, disp, base)
            }
            Operand::Reg { .. } => return Err("it is in the second byte of a register"),
            Operand::Mem { .. } => return Err("it has no base register"),
            _ => return Err("usdt.bpf.h has no words for its place"),
        };
        put(place, self.value, &value.to_ne_bytes())?;
        let (at, len) = self.kind;
        put(place, at, &kind.to_ne_bytes()[..len.min(8)])?;
        put(place, self.register, &register.to_ne_bytes())?;
        put(place, self.signed, &[argument.signed.into()])?;
        put(place, self.shift, &[64 - argument.bytes * 8])
    }
}

fn put(place: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), &'static str> {
    place.get_mut(at..at + bytes.len()).ok_or("its description is too short")?.copy_from_slice(bytes);
    Ok(())
}
