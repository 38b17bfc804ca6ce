//! Recordings: what the clauses of a script learned at each event, one JSON object a line.
//!
//! The first line says what the file is, and which points there are. Each event names its point and gives the values of the script's
//! inputs by their text in the script, so that a recording can be read, written by hand, and replayed with a script that was changed. Lines
//! with symbols say what addresses in the events are.
//!
//! ```json
//! {"quadrant":"recording","version":3,"cpus":2,"wall_offset_ns":0,"points":[{"name":"interval:s:1","kind":"interval"}]}
//! {"point":0,"time":5,"cpu":0,"pid":1,"tid":1,"values":{"nsecs":5,"comm":"init"}}
//! {"symbols":[{"address":1,"frames":[{"name":"f","offset":1}]}]}
//! ```
//!
//! Numbers are 64-bit integers, texts are strings, or `{"hex":"..."}` where they are no UTF-8 or no text, and what could not be read is
//! null. In recordings of scripts in D, what faulted is `{"fault":1,"address":8}`, by the numbers of DTrace's faults, and the first line
//! has what the script's probes and names meant (`d`).

mod latest;
mod names;
mod others;
mod read;
mod values;
mod write;

use std::collections::HashMap;

use quadrant_symbols::Frame;

pub use names::Asked;
pub use names::Told;
pub use others::Others;
pub use read::Recording;
pub use write::Points;
pub use write::Writer;

/// The version of the format that is written, and the only one that is read: since 2 there are numbers behind names, and
/// random numbers that are drawn several times are lists; since 3 so are times, addresses of `uaddr()` are in events, and there
/// are the recorder's turns.
pub const VERSION: u64 = 3;

/// What addresses are: of the kernel, or of a process by its id.
pub type Symbols = HashMap<(Option<u32>, u64), Vec<Frame>>;
