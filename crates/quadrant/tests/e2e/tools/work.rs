//! The work that the tools are shown: a little of everything.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An argument that no other program has.
const ARGUMENT: &str = "quadrant-tools-argument";

/// What a process says to itself through a socket.
const MESSAGE: &str = "quadrant-tools-message";

/// A workload, and what is known of it.
pub struct Work {
    folder: PathBuf,
    listener: TcpListener,
}

impl Work {
    /// Work in a folder of its own.
    pub fn new(name: &str) -> Work {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback device");
        Work { folder: crate::common::folder(name), listener }
    }

    /// A text with the names that tools show: `{file}`, `{missing}`, `{port}`, `{argument}`, `{message}`, `{pid}`.
    pub fn fill(&self, text: &str) -> String {
        let port = self.listener.local_addr().expect("it is bound").port();
        text.replace("{file}", &self.file().to_string_lossy())
            .replace("{missing}", "quadrant-tools-nowhere")
            .replace("{port}", &port.to_string())
            .replace("{argument}", ARGUMENT)
            .replace("{message}", MESSAGE)
            .replace("{pid}", &std::process::id().to_string())
    }

    fn file(&self) -> PathBuf {
        self.folder.join("file")
    }

    /// Does all of it once.
    pub fn run(&self) {
        self.files();
        self.connections();
        processes();
        compute();
        let thread = std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_millis(1)));
        thread.join().expect("it sleeps");
    }

    fn files(&self) {
        let mut file = File::create(self.file()).expect("the folder is ours");
        file.write_all(&[1; 65536]).and_then(|()| file.sync_all()).expect("there is room");
        std::fs::metadata(self.file()).expect("it was written");
        assert!(std::fs::metadata(self.folder.join("quadrant-tools-nowhere")).is_err());
        assert_eq!(std::fs::read(self.file()).expect("it was written").len(), 65536);
    }

    fn connections(&self) {
        let address = self.listener.local_addr().expect("it is bound");
        let mut near = TcpStream::connect(address).expect("somebody listens");
        let (mut far, _) = self.listener.accept().expect("somebody has connected");
        near.write_all(b"hello").expect("it is connected");
        far.read_exact(&mut [0; 5]).expect("that was sent");
        drop((near, far));
        let (mut left, mut right) = UnixStream::pair().expect("two ends");
        left.write_all(MESSAGE.as_bytes()).expect("it is connected");
        right.read_exact(&mut [0; MESSAGE.len()]).expect("that was sent");
    }
}

/// Keeps a CPU busy for a few periods of the slowest tool that takes samples (99 in a second): all other work may take less than one.
fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(60) {
        std::hint::spin_loop();
    }
}

/// Programs that start, are named, signalled, and ask for names; what is missing on a machine is left out.
fn processes() {
    let run = |command: &mut Command| command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    for command in [
        Command::new("/bin/echo").arg(ARGUMENT),
        Command::new("/bin/sleep").arg("0.01"),
        Command::new("/bin/sync").arg("--"),
        Command::new("/bin/true").uid(65534),
        Command::new("bash").args(["-c", "kill -CONT $$; : < /dev/tcp/localhost/1"]),
    ] {
        // Whoever expects to see it says that it was not there.
        let _ = run(command);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What stays only takes space.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
