//! `dtrace -h`: a header with two macros for each probe.

use super::arg::Passed;
use super::{Probe, Provider, ProviderFile};

/// The header. It needs no other one, and is C and C++.
///
/// `PROVIDER_PROBE(…)` marks the place of a probe; `PROVIDER_PROBE_ENABLED()` says whether somebody looks, for arguments that
/// are dear to compute. `__` in a probe's name is `_` there. Every program that uses it is linked with [`super::object`].
pub fn header(file: &ProviderFile) -> String {
    let mut out = String::from(TOP);
    for provider in &file.providers {
        guarded(&mut out, provider);
    }
    out
}

/// What all such headers share: a probe's text in assembler, once however many headers are included.
///
/// The note's address is that of a one-byte nop, which every kernel emulates cheaply; the ten-byte one behind it is what Linux 7.2 makes
/// a call of, for tracers that know this pair. There is no five-byte one, of which Linux 6.18 does: that call overwrites what functions
/// without calls keep below their stack pointer, kills children that the process forks, and before 6.18 it is executed in single step.
const TOP: &str = r#"/* Made by dtrace -h from a provider definition: edit that, not this. */

#ifndef QUADRANT_USDT
#if defined(__linux__) && defined(__x86_64__)
#define QUADRANT_USDT 1
#define QUADRANT_USDT_NOP "nop\n\t.byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
#define QUADRANT_USDT_IN "nor"
#elif defined(__linux__) && defined(__aarch64__)
#define QUADRANT_USDT 1
#define QUADRANT_USDT_NOP "nop\n"
#define QUADRANT_USDT_IN "nr"
#else
#define QUADRANT_USDT 0
#endif
#define QUADRANT_USDT_BITS(type, integer, number) \
	__extension__ ({ union { type value; integer bits; } quadrant_usdt; quadrant_usdt.value = (number); quadrant_usdt.bits; })
#define QUADRANT_USDT_TEXT(provider, probe, args) \
	"7700:\t" QUADRANT_USDT_NOP \
	"\t.pushsection .note.stapsdt, \"?\", \"note\"\n" \
	"\t.balign 4\n" \
	"\t.4byte 7702f - 7701f, 7704f - 7703f, 3\n" \
	"7701:\t.asciz \"stapsdt\"\n" \
	"7702:\t.balign 4\n" \
	"7703:\t.8byte 7700b, _.stapsdt.base, " provider "_" probe "_semaphore\n" \
	"\t.asciz \"" provider "\", \"" probe "\", \"" args "\"\n" \
	"7704:\t.balign 4\n" \
	"\t.popsection\n" \
	"\t.ifndef _.stapsdt.base\n" \
	"\t.pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
	"\t.weak _.stapsdt.base\n" \
	"\t.hidden _.stapsdt.base\n" \
	"_.stapsdt.base:\t.space 1\n" \
	"\t.size _.stapsdt.base, 1\n" \
	"\t.popsection\n" \
	"\t.endif\n"
#endif
"#;

/// A provider's macros, once for a source that includes them twice.
fn guarded(out: &mut String, provider: &Provider) {
    let guard = format!("QUADRANT_USDT_PROVIDER_{}", provider.name);
    out.push_str(&format!("\n#ifndef {guard}\n#define {guard}\n"));
    out.push_str("#if QUADRANT_USDT\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for probe in &provider.probes {
        let semaphore = probe.semaphore(&provider.name);
        out.push_str(&format!("extern unsigned short {semaphore} __attribute__((visibility(\"hidden\")));\n"));
    }
    out.push_str("#ifdef __cplusplus\n}\n#endif\n");
    provider.probes.iter().for_each(|probe| present(out, provider, probe));
    out.push_str("\n#else\n");
    provider.probes.iter().for_each(|probe| absent(out, provider, probe));
    out.push_str("\n#endif\n#endif\n");
}

fn present(out: &mut String, provider: &Provider, probe: &Probe) {
    let name = macro_name(provider, probe);
    let semaphore = probe.semaphore(&provider.name);
    let (params, args, operands) = (params(probe), places(probe), operands(probe));
    // What pointers point to is in memory when the tracer looks.
    let clobbers = if probe.args.iter().any(|arg| arg.may_point) { " : \"memory\"" } else { "" };
    let text = format!("QUADRANT_USDT_TEXT(\"{}\", \"{}\", \"{args}\")", provider.name, probe.name);
    out.push_str(&format!("\n#define {name}({params}) \\\n\tdo {{ \\\n\t\t__asm__ __volatile__ ({text} \\\n"));
    out.push_str(&format!("\t\t\t: : {operands}{clobbers}); \\\n\t}} while (0)\n"));
    out.push_str(&format!("#define {name}_ENABLED() __builtin_expect(*(volatile unsigned short *)&{semaphore}, 0)\n"));
}

/// Where there are no such probes: nothing happens, and nobody looks.
fn absent(out: &mut String, provider: &Provider, probe: &Probe) {
    let name = macro_name(provider, probe);
    let used: String = (0..probe.args.len()).map(|at| format!("(void)(arg{at}); ")).collect();
    out.push_str(&format!("\n#define {name}({}) do {{ {used}}} while (0)\n", params(probe)));
    out.push_str(&format!("#define {name}_ENABLED() (0)\n"));
}

/// `PROVIDER_PROBE`
fn macro_name(provider: &Provider, probe: &Probe) -> String {
    format!("{}_{}", provider.name, probe.name.replace("__", "_")).to_ascii_uppercase()
}

fn params(probe: &Probe) -> String {
    let params: Vec<String> = (0..probe.args.len()).map(|at| format!("arg{at}")).collect();
    params.join(", ")
}

/// `-4@%0 8@%1`: size and operand of each argument, for the note.
fn places(probe: &Probe) -> String {
    let places: Vec<String> = probe.args.iter().enumerate().map(|(at, arg)| format!("{}@%{at}", arg.size)).collect();
    places.join(" ")
}

fn operands(probe: &Probe) -> String {
    let operand = |(at, arg): (usize, &Passed)| format!("QUADRANT_USDT_IN ({})", value(at, arg));
    let operands: Vec<String> = probe.args.iter().enumerate().map(operand).collect();
    operands.join(", ")
}

/// The argument as a value for a register. A number with a fraction goes as its bits: clang would leave it in memory that only a name of
/// its own leads to. A byte goes as an `int`: `%r10b` is a name that gdb does not know.
fn value(at: usize, arg: &Passed) -> String {
    match arg.cast {
        "float" => format!("QUADRANT_USDT_BITS(float, unsigned int, arg{at})"),
        "double" => format!("QUADRANT_USDT_BITS(double, unsigned long, arg{at})"),
        cast if arg.size.abs() == 1 => format!("(int)({cast})(arg{at})"),
        cast => format!("({cast})(arg{at})"),
    }
}
