//! Telling whoever started us how far we are: a service manager, as systemd's services of type `notify` do (sd_notify(3)); or a program
//! that runs bpftrace and waits until its probes are there.

use std::ffi::OsStr;
use std::io;
use std::io::Write;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;

/// Says that all is attached.
pub fn ready() {
    say("READY=1\nSTATUS=Processing events...");
}

/// The variable of the environment that asks bpftrace for a line on standard output when its probes are attached; the line is its name.
const WAITED_FOR: &str = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";

/// Says on standard output that all is attached, if that is waited for. A file named by `-o` is not where it is looked for.
///
/// # Errors
/// Standard output cannot be written.
pub fn attached() -> io::Result<()> {
    match std::env::var_os(WAITED_FOR) {
        Some(_) => writeln!(io::stdout(), "{WAITED_FOR}"),
        None => Ok(()),
    }
}

/// Sends a state, if the environment names a socket for it. A manager that does not listen is no trouble of a trace's.
fn say(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&name, state) {
        eprintln!("quadrant: warning: cannot notify the service manager: {error}");
    }
}

fn send(name: &OsStr, state: &str) -> io::Result<()> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_arrive_by_both_kinds_of_names() {
        let path = std::env::temp_dir().join(format!("quadrant-notify-{}", std::process::id()));
        let by_path = UnixDatagram::bind(&path).expect("bound");
        let name = format!("quadrant-notify-{}", std::process::id());
        let abstracted =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("bound");
        send(path.as_os_str(), "READY=1").expect("sent");
        send(OsStr::new(&format!("@{name}")), "READY=1").expect("sent");
        std::fs::remove_file(&path).expect("ours");
        for socket in [by_path, abstracted] {
            let mut text = [0; 16];
            assert_eq!(socket.recv(&mut text).expect("received"), 7);
        }
        assert!(send(path.as_os_str(), "").is_err());
    }
}
