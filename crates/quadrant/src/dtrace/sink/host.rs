//! What printing asks for: names, maps, speculations, and actions that are not printing.

use std::collections::HashSet;
use std::io;
use std::io::Write;
use std::process::Stdio;

use quadrant_bpf::interrupt::interruptibly;
use quadrant_d::options::Phase;
use quadrant_output::Resolver;
use quadrant_output::dtrace;
use quadrant_output::dtrace::Host;
use quadrant_output::dtrace::Request;
use quadrant_program::map::MapId;
use quadrant_program::record::RecordId;
use quadrant_program::snapshot::Snapshot;
use quadrant_session::View;

use super::Settings;
use super::held::Speculations;
use super::out::Out;
use crate::dtrace::settings;
use crate::failure;

/// The host of one record.
pub struct Bound<'a> {
    pub view: View<'a>,
    pub resolver: &'a mut dyn Resolver,
    pub out: &'a mut Out,
    pub speculations: &'a mut Speculations,
    /// D's options, which `setopt()` changes.
    pub settings: &'a mut Settings,
    /// The first failure that ends the trace.
    pub failure: Option<io::Error>,
}

impl Host for Bound<'_> {
    fn resolver(&mut self) -> &mut dyn Resolver {
        self.resolver
    }

    fn snapshot(&mut self, map: MapId) -> Snapshot {
        self.view.snapshot(map).unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            Snapshot::of(&self.view.program().maps[map.0 as usize])
        })
    }

    fn prints(&self, map: MapId) -> bool {
        self.view.prints(map)
    }

    fn truncates(&self, map: MapId, count: i64) -> bool {
        self.view.truncates(map, count)
    }

    fn speculated(&mut self, id: u64) -> Vec<(RecordId, Vec<u8>)> {
        self.free(id);
        self.speculations.take(id)
    }

    fn set_option(&mut self, name: &str, value: Option<&str>) -> Result<dtrace::Options, String> {
        let value = value.unwrap_or("1");
        match self.settings.options.set(name, Some(value), Phase::Any) {
            Ok(()) => Ok(settings::of_printer(&self.settings.options, self.settings.target)),
            Err(error) => {
                let (name, value) = (failure::shown(name), failure::shown(value));
                Err(format!("couldn't set option \"{name}\" to \"{value}\": {}\n", error.message))
            }
        }
    }

    fn request(&mut self, out: &mut Vec<u8>, request: Request<'_>) {
        if let Err(error) = self.carry_out(out, request) {
            self.failure.get_or_insert(error);
        }
    }
}

impl Bound<'_> {
    fn free(&mut self, id: u64) {
        if let Err(error) = self.view.free_speculation(id) {
            self.failure.get_or_insert(error);
        }
    }

    fn carry_out(&mut self, out: &mut Vec<u8>, request: Request<'_>) -> io::Result<()> {
        match request {
            Request::Clear(map) => self.view.clear(map, true)?,
            Request::Remove(map, keys) => self.remove(map, &keys)?,
            Request::System(_) if !self.view.allows() => {}
            Request::System(command) => {
                self.out.write(out)?;
                self.system(command);
            }
            Request::Freopen(name) => {
                self.out.write(out)?;
                if let Err(error) = self.out.reopen(name) {
                    complain(&format!("failed to freopen() to '{}'", name.escape_ascii()), &error);
                }
            }
            Request::Ftruncate => {
                self.out.write(out)?;
                if let Err(error) = self.out.truncate() {
                    complain("failed to ftruncate()", &error);
                }
            }
            Request::Complain(text) => io::stderr().write_all(text)?,
            Request::Discard(id) => drop(self.speculated(id)),
            // The session has read it from the record.
            Request::Exit(_) => {}
        }
        Ok(())
    }

    /// A map without keys is emptied.
    fn remove(&mut self, map: MapId, keys: &[Vec<u8>]) -> io::Result<()> {
        match self.view.program().maps[map.0 as usize].key {
            Some(_) => {
                let keys: HashSet<&[u8]> = keys.iter().map(Vec::as_slice).collect();
                self.view.remove(map, &keys)
            }
            None if keys.is_empty() => Ok(()),
            None => self.view.clear(map, false),
        }
    }

    fn system(&mut self, command: &[u8]) {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::process::CommandExt;
        let text = std::ffi::OsStr::from_bytes(command);
        let run = |stdout| {
            let mut shell = quadrant_bpf::process::command("/bin/sh");
            shell.arg0("sh").arg("-c").arg(text).stdin(Stdio::null()).stdout(stdout);
            interruptibly(|| shell.status())
        };
        if let Err(error) = self.out.for_command().and_then(run) {
            complain("cannot run /bin/sh for system()", &error);
        }
    }
}

fn complain(what: &str, error: &io::Error) {
    eprintln!("dtrace: {}", quadrant_bpf::Error::io(what, error));
}
