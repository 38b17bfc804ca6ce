//! What an object expects from the kernel: options of its configuration, variables, functions, addresses.

use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use quadrant_bpf::kconfig::Kconfig;
use quadrant_bpf::kconfig::Setting;
use quadrant_bpf::prog::ProgramKind;
use quadrant_object::DataKind;
use quadrant_object::Extern;
use quadrant_object::ExternKind;
use quadrant_object::KernelTypes;
use quadrant_object::Object;
use quadrant_object::essential_name;
use quadrant_object::types_are_compatible;
use quadrant_types::Btf;
use quadrant_types::BtfKind;

use super::machine::Found;
use super::machine::Machine;
use crate::error::Error;

/// What was found for an external symbol.
pub(crate) enum Value {
    /// It is in the section `.kconfig`, at that offset.
    Kconfig(u32),
    /// Its address; 0 for one that may be missing, and is.
    Address(u64),
    /// A variable or function by its type.
    Typed {
        /// Id of the VAR or FUNC.
        id: u32,
        /// The module's types; `None` for the kernel image.
        owner: Option<OwnedFd>,
    },
}

impl Value {
    /// The descriptor of its types; 0 for the kernel image.
    pub(crate) fn owner(&self) -> i32 {
        match self {
            Value::Typed { owner: Some(owner), .. } => owner.as_raw_fd(),
            _ => 0,
        }
    }
}

/// Find what is used, by its index; the rest is 0, whatever there is. Options go into the object's section `.kconfig`.
///
/// # Errors
/// What is missing and must not be.
pub(crate) fn find(
    object: &mut Object,
    machine: &Machine,
    is_used: &dyn Fn(usize) -> bool,
    notes: &mut Vec<String>,
) -> Result<Vec<Value>, Error> {
    let mut config = Options { machine, told: object.options.clone(), file: None, notes };
    let mut found = Vec::new();
    for (index, external) in object.externs.clone().into_iter().enumerate() {
        let value = match external.kind {
            _ if !is_used(index) => Value::Address(0),
            ExternKind::Kconfig { ty, size, offset } => {
                let btf = object.btf().ok_or_else(|| missing(&external, "the object has no types"))?;
                let bytes = config.value(&external, btf, ty, size)?;
                store(object, offset as usize, &bytes);
                Value::Kconfig(offset)
            }
            ExternKind::Address => address(&external, machine)?,
            ExternKind::Variable { ty } => typed(object, &external, machine, BtfKind::Var, ty)?,
            ExternKind::Function { prototype } => typed(object, &external, machine, BtfKind::Func, prototype)?,
        };
        found.push(value);
    }
    Ok(found)
}

fn store(object: &mut Object, offset: usize, bytes: &[u8]) {
    let section = object.data.iter_mut().find(|data| data.kind == DataKind::Kconfig);
    if let Some(place) = section.and_then(|section| section.bytes.get_mut(offset..offset + bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

fn missing(external: &Extern, why: &str) -> Error {
    let message = format!("the object asks for `{}`, which this kernel does not have: {why}", external.name);
    let mut help = vec!["declare it __weak, and it is 0 where it is missing".to_owned()];
    if matches!(external.kind, ExternKind::Kconfig { .. }) {
        help.push(format!("or say what it is: --set {}=VALUE", external.name));
    }
    Error::Object { message, help }
}

fn address(external: &Extern, machine: &Machine) -> Result<Value, Error> {
    match machine.address(essential_name(&external.name)) {
        Ok(address) => Ok(Value::Address(address)),
        Err(_) if external.weak => Ok(Value::Address(0)),
        Err(why) => Err(missing(external, &why)),
    }
}

fn typed(object: &Object, external: &Extern, machine: &Machine, kind: BtfKind, ours: u32) -> Result<Value, Error> {
    let Some(found) = machine.find(essential_name(&external.name), kind) else {
        let why = match machine.kernel() {
            Err(why) => why,
            Ok(_) => "its types do not name it".to_owned(),
        };
        return if external.weak { Ok(Value::Address(0)) } else { Err(missing(external, &why)) };
    };
    let Found { btf, id, .. } = &found;
    let fits = object.btf().is_some_and(|local| types_are_compatible(local, ours, btf, btf.size_or_type(*id)));
    match fits {
        true => Ok(Value::Typed { id: found.id, owner: found.owner()? }),
        false if external.weak => Ok(Value::Address(0)),
        false => Err(missing(external, "the one it has is of another type")),
    }
}

/// The kernel's configuration, read if an option of it is asked for.
struct Options<'a> {
    machine: &'a Machine,
    /// What the user says of some.
    told: HashMap<String, String>,
    file: Option<Option<Kconfig>>,
    notes: &'a mut Vec<String>,
}

impl Options<'_> {
    fn value(&mut self, external: &Extern, btf: &Btf, ty: u32, size: u32) -> Result<Vec<u8>, Error> {
        if let Some(text) = self.told.get(&external.name).cloned() {
            return self.encoded(external, btf, (ty, size), unquoted(&text), "cannot set the option");
        }
        let number = |value: u64| Ok(value.to_le_bytes()[..size.min(8) as usize].to_vec());
        match external.name.as_str() {
            "LINUX_KERNEL_VERSION" => return number(super::kernel_version()),
            "LINUX_HAS_BPF_COOKIE" => {
                return number(self.machine.features.attach_cookie(ProgramKind::Kprobe).into());
            }
            // Since Linux 4.17, on all machines that are supported here.
            "LINUX_HAS_SYSCALL_WRAPPER" => return number(1),
            _ => {}
        }
        let file = self.file.get_or_insert_with(Kconfig::open);
        let setting = file.as_ref().map(|file| file.get(&external.name));
        match setting {
            Some(Setting::Set(text)) => {
                self.encoded(external, btf, (ty, size), &text, "cannot use the kernel's option")
            }
            // What is not set is 0, as the object's author says by __weak.
            _ if external.weak => Ok(vec![0; size as usize]),
            Some(Setting::Absent) => Err(missing(external, "the option is not set")),
            None => Err(missing(external, "its configuration is neither in /proc/config.gz nor in /boot")),
        }
    }
}

impl Options<'_> {
    /// An option's value in the object's type; `whose` begins the message that it has none there.
    fn encoded(
        &mut self,
        external: &Extern,
        btf: &Btf,
        (ty, size): (u32, u32),
        text: &str,
        whose: &str,
    ) -> Result<Vec<u8>, Error> {
        let is_text = btf.array(btf.resolve(ty)).is_some();
        if is_text && text.len() >= size as usize {
            self.notes.push(format!(
                "the option `{}` is cut to the {} characters that the object has room for: {text}",
                external.name,
                size.saturating_sub(1)
            ));
        }
        encode(btf, ty, size, text).map_err(|why| {
            let message = format!("{whose} `{}`, which is `{text}`: {why}", external.name);
            Error::Object { message, help: Vec::new() }
        })
    }
}

/// An option's text in the type that the object has for it.
fn encode(btf: &Btf, ty: u32, size: u32, text: &str) -> Result<Vec<u8>, String> {
    /// `enum libbpf_tristate`.
    const YES: u64 = 1;
    const MODULE: u64 = 2;
    let id = btf.resolve(ty);
    if btf.array(id).is_some() {
        let mut bytes = text.as_bytes()[..text.len().min(size.saturating_sub(1) as usize)].to_vec();
        bytes.resize(size as usize, 0);
        return Ok(bytes);
    }
    let int = btf.int(id);
    let is_truth = int.is_some_and(|int| int.is_bool);
    let is_character = int.is_some_and(|int| int.is_char) || (size == 1 && !is_truth);
    let number = match text {
        "y" | "m" | "n" if is_character => text.bytes().next().map_or(0, u64::from),
        "y" => YES,
        "n" => 0,
        "m" if is_truth => return Err("a module is neither true nor false: declare an enum libbpf_tristate".to_owned()),
        "m" => MODULE,
        _ if is_truth => truth(text).ok_or("the object has a truth for it: y or n")?,
        _ => parse(text).ok_or("the object has a number for it")?,
    };
    let is_state = int.is_none() && btf.name(id) == "libbpf_tristate";
    if is_state && number > MODULE {
        return Err("the object has a state for it: y, m or n".to_owned());
    }
    let fits = size >= 8 || number >> (size * 8) == 0 || (number as i64) >> (size * 8 - 1) == -1;
    let bytes = number.to_le_bytes();
    bytes
        .get(..size as usize)
        .filter(|_| fits)
        .map(<[u8]>::to_vec)
        .ok_or_else(|| "the object's type is too small".to_owned())
}

fn truth(text: &str) -> Option<u64> {
    match text {
        "true" | "1" => Some(1),
        "false" | "0" => Some(0),
        _ => None,
    }
}

/// A text as the kernel's configuration writes it, in quotes, without them.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn parse(text: &str) -> Option<u64> {
    match (text.strip_prefix("0x"), text.strip_prefix('-')) {
        (Some(hex), _) => u64::from_str_radix(hex, 16).ok(),
        (_, Some(_)) => text.parse::<i64>().ok().map(|value| value as u64),
        _ => text.parse().ok(),
    }
}
