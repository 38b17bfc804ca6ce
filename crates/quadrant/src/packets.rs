//! Files of packets, in the format of pcap with nanoseconds: what `tcpdump -r` reads.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use quadrant_program::Program;
use quadrant_program::record::PACKET_HEADER;
use quadrant_program::record::PACKET_MOST;
use quadrant_program::record::RecordKind;
use quadrant_program::value::extend;

use crate::output_file;

/// Says that times have nanoseconds.
const MAGIC: u32 = 0xa1b2_3c4d;
/// Of the format.
const VERSION: [u16; 2] = [2, 4];
/// Packets begin with the IP header.
const RAW_IP: u32 = 101;
/// More than is written of any packet.
const LONGEST: u32 = 1 << 16;
const NS: i64 = 1_000_000_000;

/// The files that a script writes.
#[derive(Default)]
pub struct Packets {
    files: HashMap<Arc<str>, Output>,
}

/// A file, and what became of its packets.
struct Output {
    /// `None` if it cannot be written.
    file: Option<BufWriter<File>>,
    /// Packets that may not be in it yet.
    pending: u64,
    /// Packets that are not in it.
    lost: u64,
}

/// What failed, in words for the user; told once for each file.
pub type Complaint = quadrant_bpf::Error;

impl Packets {
    /// Make all files of a program.
    pub fn start(&mut self, program: &Program) -> Vec<Complaint> {
        let names = program.records.iter().filter_map(|record| match &record.kind {
            RecordKind::Packet(name) => Some(name),
            _ => None,
        });
        names.filter_map(|name| self.open(name)).collect()
    }

    fn open(&mut self, name: &Arc<str>) -> Option<Complaint> {
        if self.files.contains_key(name) {
            return None;
        }
        let (file, failed) = match open(name) {
            Ok(file) => (Some(file), None),
            Err(error) => (None, Some(complaint(name, &error))),
        };
        self.files.insert(Arc::clone(name), Output { file, pending: 0, lost: 0 });
        failed
    }

    /// Write a packet; `wall_clock` makes nanoseconds since 1970 of those of the boot clock.
    pub fn write(&mut self, name: &Arc<str>, bytes: &[u8], wall_clock: impl FnOnce(u64) -> i64) -> Option<Complaint> {
        let output = self.files.get_mut(name)?;
        output.pending += 1;
        match Packet::of(bytes) {
            Some(packet) => {
                let time = wall_clock(packet.boot_ns);
                output.work(name, |file| packet.write(time, file))
            }
            None => {
                (output.pending, output.lost) = (output.pending - 1, output.lost + 1);
                None
            }
        }
    }

    /// Bring everything to the files.
    pub fn flush(&mut self) -> Vec<Complaint> {
        let flush = |(name, output): (&Arc<str>, &mut Output)| {
            let failed = output.work(name, Write::flush);
            output.pending = 0;
            failed
        };
        self.files.iter_mut().filter_map(flush).collect()
    }

    /// What is not in the files.
    pub fn unwritten(&self) -> Vec<Complaint> {
        let lost = self.files.iter().filter(|(_, output)| output.lost > 0);
        let told = |(name, output): (&Arc<str>, &Output)| {
            let what = format!("{} packets are not in {}", output.lost, name.escape_debug());
            Complaint::new(what, "it could not be written, or they came in pieces")
        };
        lost.map(told).collect()
    }
}

impl Output {
    /// Does something with the file. Once that has failed, what was not brought there is lost, and so is what comes later.
    fn work(&mut self, name: &str, work: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Option<Complaint> {
        let failed = self.file.as_mut().map_or(Ok(()), work).err().map(|error| complaint(name, &error));
        if failed.is_some() {
            self.file = None;
        }
        if self.file.is_none() {
            self.lost += std::mem::take(&mut self.pending);
        }
        failed
    }
}

fn complaint(name: &str, error: &io::Error) -> Complaint {
    Complaint::io(format!("cannot write packets to {}", name.escape_debug()), error)
}

fn open(name: &str) -> io::Result<BufWriter<File>> {
    let file = output_file::create(Path::new(name))?;
    let mut file = BufWriter::new(file);
    file.write_all(&MAGIC.to_ne_bytes())?;
    VERSION.iter().try_for_each(|part| file.write_all(&part.to_ne_bytes()))?;
    [0, 0, LONGEST, RAW_IP].iter().try_for_each(|word| file.write_all(&word.to_ne_bytes()))?;
    Ok(file)
}

struct Packet<'a> {
    boot_ns: u64,
    /// What was asked for, or its start.
    bytes: &'a [u8],
    /// How much was asked for.
    whole: u32,
}

impl Packet<'_> {
    /// `None` if bytes are missing.
    fn of(record: &[u8]) -> Option<Packet<'_>> {
        let word = |at: usize| Some(extend(record.get(at..at + 8)?, false));
        let (boot_ns, offset, length) = (word(8)?, word(16)?, word(24)?);
        let packet = record.get(PACKET_HEADER as usize..)?.get(..length.min(PACKET_MOST.into()) as usize)?;
        let offset = offset.min(packet.len() as u64);
        let whole = u32::try_from(length - offset).unwrap_or(u32::MAX);
        Some(Packet { boot_ns, bytes: &packet[offset as usize..], whole })
    }

    fn write(&self, wall_ns: i64, file: &mut BufWriter<File>) -> io::Result<()> {
        let length = self.bytes.len() as u32;
        let words = [wall_ns.div_euclid(NS) as u32, wall_ns.rem_euclid(NS) as u32, length, self.whole];
        words.iter().try_for_each(|word| file.write_all(&word.to_ne_bytes()))?;
        file.write_all(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_the_offset_is_left_out() {
        let mut record = vec![0; PACKET_HEADER as usize];
        (record[8], record[16], record[24]) = (7, 2, 5);
        record.extend(b"..abcpadding");
        let packet = Packet::of(&record).unwrap();
        assert_eq!((packet.boot_ns, packet.bytes, packet.whole), (7, &b"abc"[..], 3));
        record[16] = 200;
        assert_eq!(Packet::of(&record).unwrap().bytes, b"");
        record[24] = 200;
        assert!(Packet::of(&record).is_none());
    }
}
