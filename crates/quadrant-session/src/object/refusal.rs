//! Why the kernel refused a program of the user's, in terms of its source.

use quadrant_object::Hook;
use quadrant_object::Linked;
use quadrant_object::Object;
use quadrant_object::Part;
use quadrant_object::Program;

use crate::error::Error;
use crate::verifier::is_silent;
use crate::verifier::number_of_instruction;
use crate::verifier::reason;

/// A helper that no kernel has: stands for external functions that are missing, by their index. Libbpf uses the same number.
pub(super) const MISSING_FUNCTION: i32 = 2_002_000_000;

/// Lines of the log that are shown.
const LINES: usize = 12;

const ASK_FIRST: &str = "ask first whether it is there: bpf_core_field_exists(), bpf_core_type_exists(), a __weak symbol, \
    or for helper functions bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_name)";
const OTHER_SIZE: &str = "only pointers and numbers without sign are read in another size; read others by \
    BPF_CORE_READ_BITFIELD_PROBED(), or as many bytes as bpf_core_field_size() says";
const UNLISTED: &str = "the kernel lists its variables in /proc/kallsyms only if it was built with CONFIG_KALLSYMS_ALL";

/// Explain a refusal. `log` is the verifier's, empty if it wrote nothing.
pub(super) fn explain(
    object: &Object,
    program: &Program,
    linked: &Linked,
    error: quadrant_bpf::Error,
    log: &str,
    whole: bool,
) -> Error {
    if is_silent(log) {
        return Error::Kernel(without_log(program, error));
    }
    let lacking = lacking(object, linked, log);
    let why = match &lacking {
        Some(Lack { what, .. }) => format!("it uses {what}"),
        None => reason(log).to_owned(),
    };
    let mut message = format!("the kernel's verifier refused `{}`: {why}", program.name);
    if let Some(place) = place(object, linked, log) {
        message.push_str(&format!("\n  at {place}"));
    }
    let shown = if whole { log.to_owned() } else { last_lines(log) };
    shown.lines().for_each(|line| message.push_str(&format!("\n  | {line}")));
    Error::Object { message, help: advice(object, program.hook, lacking.map(|lack| lack.help), log, whole) }
}

/// What the kernel refused before its verifier had a word to say.
fn without_log(program: &Program, error: quadrant_bpf::Error) -> quadrant_bpf::Error {
    match program.hook {
        Hook::Trampoline(Part::Session) => error.with_hint("not all kernels have such programs: use fentry and fexit"),
        _ => error,
    }
}

/// What to do about it.
fn advice(object: &Object, hook: Hook, of_lacking: Option<&str>, log: &str, whole: bool) -> Vec<String> {
    let mut help: Vec<String> = of_lacking.into_iter().map(str::to_owned).collect();
    if unlisted(log).is_some() {
        help.push(UNLISTED.to_owned());
    }
    help.extend(remedy(hook, log).map(str::to_owned));
    if log.contains("GPL-restricted") {
        let license = match object.license.as_str() {
            "" => "the object names no license".to_owned(),
            license => format!("the object's license is {license:?}"),
        };
        help.push(format!("{license}: `char LICENSE[] SEC(\"license\") = \"GPL\";` lets it call such functions"));
    }
    if !whole {
        help.push("--verifier-log shows all that the verifier wrote".to_owned());
    }
    help
}

/// What to do about some of the verifier's reasons.
fn remedy(hook: Hook, log: &str) -> Option<&'static str> {
    let knows = [
        (
            hook == Hook::ModifyReturn && log.contains("is not modifiable"),
            "results of security hooks (security_*) and of functions that the kernel's builder marked for error injection can be changed",
        ),
        (
            log.contains("is not sleepable"),
            "programs that sleep are for functions marked for error injection (CONFIG_FUNCTION_ERROR_INJECTION) and for some \
             security hooks: leave out the `.s` in the section",
        ),
        (
            log.contains("programs can be sleepable"),
            "this kernel has no such programs that sleep: leave out the `.s` in the section",
        ),
        (
            log.contains("reference type('UNKNOWN ') size cannot be determined"),
            "`__arg_ctx` is known since Linux 6.8; before, in programs of kprobes, perf events and raw tracepoints alone: there \
             make the function static",
        ),
    ];
    knows.into_iter().find(|(is_it, _)| *is_it).map(|(_, advice)| advice)
}

/// The variable of the kernel that its types name, and its list of symbols does not.
pub(super) fn unlisted(log: &str) -> Option<&str> {
    let (_, behind) = log.split_once("failed to find the address for kernel symbol '")?;
    behind.split('\'').next()
}

/// What this kernel lacks, behind "it uses", and what to do about it.
struct Lack {
    what: String,
    help: &'static str,
}

/// What a broken instruction stands for, if the verifier met one.
fn lacking(object: &Object, linked: &Linked, log: &str) -> Option<Lack> {
    let missing = |what: String| Lack { what: format!("{what}, which this kernel does not have"), help: ASK_FIRST };
    let helper = log.rsplit("unknown#").next().filter(|_| log.contains("unknown#"))?;
    let number: i32 = helper.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    if let Some(broken) = linked.broken.iter().find(|broken| broken.helper == number) {
        return Some(match broken.sizes {
            Some((ours, kernels)) => Lack {
                what: format!("`{}` with {ours} bytes, which has {kernels} in this kernel", broken.what),
                help: OTHER_SIZE,
            },
            None => missing(format!("`{}`", broken.what)),
        });
    }
    let index = number.checked_sub(MISSING_FUNCTION).and_then(|index| usize::try_from(index).ok());
    match index.and_then(|index| object.externs.get(index)) {
        Some(external) => Some(missing(format!("the function `{}`", external.name))),
        None => name_of_helper(number).map(|name| missing(format!("the helper function {name}()"))),
    }
}

/// The name of a helper function that later kernels have.
fn name_of_helper(number: i32) -> Option<String> {
    quadrant_bpf::helper::name(u32::try_from(number).ok()?)
}

/// The last instruction that the log names, as a line of the source.
fn place(object: &Object, linked: &Linked, log: &str) -> Option<String> {
    let at = number_of_instruction(log)? as usize;
    let line = linked.lines.iter().take_while(|line| line.at <= at).last()?;
    let btf = object.btf()?;
    Some(format!("{}:{}: {}", btf.string(line.file), line.line(), btf.string(line.text).trim()))
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let worth = lines.iter().rposition(|line| !is_statistics(line)).map_or(lines.len(), |last| last + 1);
    lines[worth.saturating_sub(LINES)..worth].join("\n")
}

fn is_statistics(line: &str) -> bool {
    ["processed ", "verification time", "stack depth", "max_states", "mark_read"]
        .iter()
        .any(|word| line.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_do_not_say_what_to_do_come_with_it() {
        let advice = |hook, log| remedy(hook, log).unwrap_or_default();
        assert!(advice(Hook::ModifyReturn, "vfs_read() is not modifiable").contains("security_*"));
        assert!(advice(Hook::Lsm, "bpf_lsm_file_open is not sleepable").contains("leave out the `.s`"));
        let old = "Only fentry/fexit/fmod_ret and lsm programs can be sleepable";
        assert!(advice(Hook::Uprobe(Part::Entry), old).contains("no such programs that sleep"));
        assert_eq!(advice(Hook::Lsm, "R1 is not modifiable"), "");
    }

    #[test]
    fn variables_without_an_address_are_named() {
        let log = "5: (18) r1 = 0x0\nldimm64 failed to find the address for kernel symbol 'runqueues'.\n";
        assert_eq!((unlisted(log), unlisted("R1 bad")), (Some("runqueues"), None));
    }

    #[test]
    fn helper_functions_of_later_kernels_have_names() {
        assert_eq!(name_of_helper(177).as_deref(), Some("bpf_trace_vprintk"));
        assert_eq!((name_of_helper(-1), name_of_helper(100_000)), (None, None));
    }

    #[test]
    fn the_end_of_a_log_without_its_statistics() {
        let log = "func#0 @0\n0: (b7) r0 = 0\n\nR1 bad\nprocessed 3 insns (limit 1000000)\n";
        assert_eq!(last_lines(log), "func#0 @0\n0: (b7) r0 = 0\nR1 bad");
        let long: String = (0..40).map(|line| format!("line {line}\n")).collect();
        assert_eq!(last_lines(&long).lines().count(), LINES);
        assert_eq!(last_lines(""), "");
    }
}
