//! Starting and watching processes. None of this needs root.

use std::ffi::CString;
use std::time::Duration;

use quadrant_bpf::process::{Child, PidFd, Status};
use quadrant_bpf::wait::Epoll;

fn words(words: &[&str]) -> Vec<CString> {
    words.iter().map(|word| CString::new(*word).unwrap()).collect()
}

#[test]
fn a_child_waits_for_its_release() {
    let mut child = Child::spawn(&words(&["sh", "-c", "exit 5"])).unwrap();
    let own = std::fs::read_link("/proc/self/exe").unwrap();
    assert_eq!(std::fs::read_link(format!("/proc/{}/exe", child.pid())).unwrap(), own);
    assert!(!child.pidfd().has_ended());
    child.release().unwrap();
    child.release().unwrap();
    assert_eq!(child.wait().unwrap(), Status::Exited(5));
    assert_eq!(child.wait().unwrap(), Status::Exited(5));
    child.signal(libc::SIGTERM).unwrap();
}

#[test]
fn a_missing_program_is_an_error() {
    let mut child = Child::spawn(&words(&["/no/such/program"])).unwrap();
    let error = child.release().unwrap_err();
    assert!(error.is(libc::ENOENT), "{error}");
    assert_eq!(child.wait().unwrap(), Status::Exited(127));
    assert!(Child::spawn(&[]).is_err());
}

#[test]
fn a_dropped_child_never_runs() {
    let child = Child::spawn(&words(&["sh", "-c", "exit 5"])).unwrap();
    let pid = child.pid();
    drop(child);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn the_end_of_a_process_can_be_waited_for() {
    let mut child = Child::spawn(&words(&["sleep", "1000"])).unwrap();
    child.release().unwrap();
    let watched = PidFd::open(child.pid()).unwrap();
    let epoll = Epoll::new().unwrap();
    epoll.add(std::os::fd::AsFd::as_fd(&watched), 9).unwrap();
    let mut ready = vec![1];
    epoll.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty() && !watched.has_ended());
    child.signal(libc::SIGKILL).unwrap();
    epoll.wait(None, &mut ready).unwrap();
    assert_eq!(ready, [9]);
    assert!(watched.has_ended());
    assert_eq!(child.wait().unwrap(), Status::Killed(libc::SIGKILL));
    assert!(PidFd::open(i32::MAX as u32).unwrap_err().to_string().contains("no such process"));
}

#[test]
fn a_script_without_its_interpreter_is_told_from_one_that_is_not_there() {
    let script = std::env::temp_dir().join(format!("quadrant-interpreter-{}", std::process::id()));
    std::fs::write(&script, "#!/nonexistent/interpreter\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refused = |name: &str| Child::spawn(&words(&[name])).unwrap().release().unwrap_err().to_string();
    assert!(refused(script.to_str().unwrap()).contains("first line"));
    std::fs::remove_file(&script).unwrap();
    assert!(!refused(script.to_str().unwrap()).contains("first line"));
}

#[test]
fn a_child_has_default_signals() {
    let mut child = Child::spawn(&words(&["sh", "-c", "kill -PIPE $$; exit 3"])).unwrap();
    child.release().unwrap();
    assert_eq!(child.wait().unwrap(), Status::Killed(libc::SIGPIPE));
}

#[test]
fn a_child_has_the_old_limit_of_files() {
    let limit = || {
        let text = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = text.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
        line.split_whitespace().nth(3).unwrap().to_owned()
    };
    let before = limit();
    quadrant_bpf::limits::bump_nofile();
    let script = format!("test $(ulimit -n) = {before}");
    let mut child = Child::spawn(&words(&["sh", "-c", &script])).unwrap();
    child.release().unwrap();
    assert_eq!(child.wait().unwrap(), Status::Exited(0));
}
