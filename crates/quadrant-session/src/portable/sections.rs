//! The section of a point: its name says where libbpf attaches the program.

use quadrant_program::probe::BtfOwner;
use quadrant_program::probe::KernelCode;
use quadrant_program::probe::Point;
use quadrant_program::probe::Site;

/// The section of a point; otherwise why there is none, and what to do.
pub(super) fn section(point: &Point) -> Result<String, (String, &'static str)> {
    match &point.site {
        Site::Tracepoint { category, event } => Ok(format!("tracepoint/{category}/{event}")),
        Site::RawTracepoint { event, .. } => Ok(format!("tp_btf/{event}")),
        Site::Kprobe(code) => kernel("kprobe", code),
        Site::Kretprobe(code) => kernel("kretprobe", code),
        Site::Fentry(function) if function.owner == BtfOwner::Kernel => Ok(format!("fentry/{}", function.name)),
        Site::Fexit(function) if function.owner == BtfOwner::Kernel => Ok(format!("fexit/{}", function.name)),
        Site::Uprobe { pid: None, .. } => user("uprobe", &point.name),
        Site::Uretprobe { pid: None, .. } => user("uretprobe", &point.name),
        Site::Profile(_) | Site::Interval { .. } | Site::PerfEvent { .. } => Ok("perf_event".to_owned()),
        Site::Begin | Site::End => Err((
            "BEGIN and END run in the tracer, which an object does not have".to_owned(),
            "leave them out: whoever loads the object shows its maps",
        )),
        _ => Err((format!("an object cannot have the probe `{}`", point.name), AS_TOOL)),
    }
}

const AS_TOOL: &str = "build a tool (a name without .o): it attaches everything itself";

fn kernel(kind: &str, code: &KernelCode) -> Result<String, (String, &'static str)> {
    match code {
        KernelCode { symbol, .. } if symbol.is_empty() => {
            Err(("an address of the kernel is another one on each machine".to_owned(), "name a function"))
        }
        KernelCode { ambiguous: true, symbol, .. } => {
            Err((format!("there are several functions `{symbol}`, and an object can only name it"), AS_TOOL))
        }
        KernelCode { symbol, offset: 0, .. } => Ok(format!("{kind}/{symbol}")),
        KernelCode { symbol, offset, .. } => Ok(format!("{kind}/{symbol}+{offset}")),
    }
}

/// `uprobe//path:function`; the point's name has path and function.
fn user(kind: &str, name: &str) -> Result<String, (String, &'static str)> {
    let place = name.split_once(':').map_or("", |(_, place)| place);
    let (path, function) = place.rsplit_once(':').unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.@+".contains(c);
    let named = function.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && function.chars().all(is_name);
    match named && path.starts_with('/') {
        true => Ok(format!("{kind}/{path}:{function}")),
        false => Err((format!("an object can only name a function of a file, and `{name}` is none"), AS_TOOL)),
    }
}
