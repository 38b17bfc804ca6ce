//! Listings of probes (`-l`, `-lv`).

use crate::escape;
use crate::number;
use crate::pad::pad_left;

/// A probe of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe<'a> {
    /// Its number.
    pub id: u32,
    /// Provider, with the process's number where it has one.
    pub provider: &'a str,
    /// Module.
    pub module: &'a str,
    /// Function.
    pub function: &'a str,
    /// Name.
    pub name: &'a str,
}

/// Stability of an interface: of its names, its data, and on what it depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// `Stable`, `Evolving`, `Unstable`, `Private`...
    pub names: &'a str,
    /// As [`Attributes::names`].
    pub data: &'a str,
    /// `Common`, `ISA`, `Platform`, `Unknown`...
    pub class: &'a str,
}

/// Append the heading.
pub fn header(out: &mut Vec<u8>) {
    out.extend_from_slice(b"   ID   PROVIDER            MODULE                          FUNCTION NAME\n");
}

/// Append the line of a probe.
pub fn probe(out: &mut Vec<u8>, probe: &Probe<'_>) {
    let start = out.len();
    number::unsigned(out, probe.id.into());
    pad_left(out, start, 5);
    for (text, width) in [(probe.provider, 10), (probe.module, 17), (probe.function, 33), (probe.name, 0)] {
        out.push(b' ');
        let start = out.len();
        escape::text(out, text.as_bytes());
        pad_left(out, start, width);
    }
    out.push(b'\n');
}

/// Append what is known of a probe: its stability, that of its arguments, and their types in order.
pub fn details(out: &mut Vec<u8>, probe: &Attributes<'_>, arguments: &Attributes<'_>, types: &[&str]) {
    attributes(out, "Probe Description", probe);
    attributes(out, "Argument", arguments);
    out.extend_from_slice(b"\n\tArgument Types\n");
    if types.is_empty() {
        out.extend_from_slice(b"\t\tNone\n");
    }
    for (i, name) in types.iter().enumerate() {
        out.extend_from_slice(b"\t\targs[");
        number::unsigned(out, i as u64);
        out.extend_from_slice(b"]: ");
        escape::text(out, name.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// Append the stability of one thing, after an empty line: `Argument Attributes`, then three lines.
pub fn attributes(out: &mut Vec<u8>, what: &str, attributes: &Attributes<'_>) {
    out.extend_from_slice(b"\n\t");
    out.extend_from_slice(what.as_bytes());
    out.extend_from_slice(b" Attributes\n");
    let lines = [
        ("Identifier Names: ", attributes.names),
        ("Data Semantics:   ", attributes.data),
        ("Dependency Class: ", attributes.class),
    ];
    for (label, text) in lines {
        out.extend_from_slice(b"\t\t");
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing() {
        let mut out = Vec::new();
        header(&mut out);
        probe(&mut out, &Probe { id: 3626, provider: "syscall", module: "vmlinux", function: "read", name: "entry" });
        let private = Attributes { names: "Private", data: "Private", class: "ISA" };
        details(&mut out, &private, &private, &["unsigned int", "char *"]);
        probe(&mut out, &Probe { id: 1, provider: "dtrace", module: "", function: "", name: "BEGIN" });
        details(&mut out, &private, &private, &[]);
        let attributes =
            "Attributes\n\t\tIdentifier Names: Private\n\t\tData Semantics:   Private\n\t\tDependency Class: ISA\n";
        let both = format!("\n\tProbe Description {attributes}\n\tArgument {attributes}\n\tArgument Types\n");
        let rows = [
            "   ID   PROVIDER            MODULE                          FUNCTION NAME\n",
            " 3626    syscall           vmlinux                              read entry\n",
            &both,
            "\t\targs[0]: unsigned int\n\t\targs[1]: char *\n\n",
            "    1     dtrace                                                     BEGIN\n",
            &both,
            "\t\tNone\n\n",
        ];
        assert_eq!(String::from_utf8(out).unwrap(), rows.concat());
    }
}
