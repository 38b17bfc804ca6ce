//! What was lost, as text. Nothing is printed when nothing was lost.

use crate::escape;
use crate::number;

/// Makes the kinds of losses of their table: of each its name in JSON; what is counted, one and many; why, and what to do.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $name:literal, $counted:expr, $advice:literal;)*) => {
        /// A kind of loss.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            fn words(self) -> Words {
                match self {
                    $(Kind::$kind => Words { name: $name, counted: $counted, advice: $advice },)*
                }
            }
        }
    };
}

kinds! {
    /// No room for a record in the ring buffer.
    Records: "records", ["record", "records"],
        "the ring buffer was full; raise it (config `perf_rb_pages`), or print less: aggregate in a map, filter with a \
         predicate";
    /// No room for a key of a map, which is its subject.
    Keys: "keys", ["update", "updates"],
        "the map was full, or the kernel had no memory at hand; raise its size (config `max_map_keys`), or use fewer keys";
    /// Texts longer than their limit.
    Texts: "texts", ["text's end", "texts' ends"],
        "longer than the limit; raise it (config `max_strlen`)";
    /// Memory that could not be read; zeros or empty text were used.
    Reads: "reads", ["read", "reads"],
        "the memory could not be read (bad address, its page was not present, or an index outside its array); 0 or `<fault>` \
         was used";
    /// Stacks that could not be taken or kept.
    Stacks: "stacks", ["stack", "stacks"],
        "as many different ones as there is room for had come, or the kernel had no memory at hand; limit the frames, as in \
         `ustack(8)`, so that more are the same, filter with a predicate, or make room (config `max_map_keys`, from Linux 6.1)";
    /// Runs skipped because they interrupted too many others on the same CPU.
    Nested: "nested", ["run", "runs"],
        "it interrupted too many others on the same CPU; probe fewer places, or use shorter texts";
    /// Runs that the kernel skipped: the probe fired while it (or one like it) was running on that CPU. Its subject is the probe.
    Missed: "missed", ["run", "runs"],
        "the kernel skipped it, because a probe like it was running on that CPU; probe a place that its own work does not \
         reach";
    /// Firings of a timer, counter or watchpoint at which the kernel did not run the program. Its subject is the probe.
    Firings: "firings", ["firing", "firings"],
        "passed over by the kernel, as another program or an access to a map was under way on that CPU, or too late; end other \
         tracers (`quadrant progs`), or fire less often";
    /// Returns of a kernel function that were not seen: more calls were under way than the kernel keeps track of. Its subject is the probe.
    Returns: "returns", ["return", "returns"],
        "more calls were under way than the kernel keeps track of; raise that (--maxactive N, config `maxactive`)";
    /// Divisions by zero; 0 was used.
    Divisions: "divisions", ["division", "divisions"],
        "the divisor was 0, and so is the result; test it first";
    /// Elements outside of their arrays; what lies there was read.
    Elements: "elements", ["element", "elements"],
        "the index was outside of the array, and what lies there in memory was taken; test it first";
    /// Loops left at the limit.
    Loops: "loops", ["loop's end", "loops' ends"],
        "the limit of rounds was reached; loop over less";
    /// Writes to processes that failed.
    Writes: "writes", ["write", "writes"],
        "the address is not one that the process may write";
    /// Signals that could not be sent.
    Signals: "signals", ["signal", "signals"],
        "it could not be sent; the process may be ending";
    /// Faults in clauses that handle faults.
    Faults: "faults", ["fault", "faults"],
        "it happened in a clause of ERROR, and ended it";
    /// Speculations that could not start.
    Speculations: "speculations", ["speculation", "speculations"],
        "too many were under way; raise the limit (option `nspec`)";
    /// Firings left out to spare the machine.
    Skipped: "skipped", ["firing", "firings"],
        "left out to stay below --max-overhead; counts and sums are too low by as many";
    /// Records that made no sense.
    Malformed: "malformed", ["record", "records"],
        "it made no sense; this is a bug of the tracer, please report it with the script";
    /// What the kernel wanted to tell about processes, and had no room for.
    Reports: "reports", ["report about a process", "reports about processes"],
        "too many processes started or loaded code at once; symbols of those that have ended may be missing";
    /// Commands of `system()` and files of `cat()` that were left when a signal ended the trace.
    Commands: "commands", ["command or file", "commands and files"],
        "not run or shown any more, as a signal ended the trace before their turn; call system() and cat() less often, or run \
         what is quick";
    /// Orders to print a map that had piled up at the end of the trace.
    Prints: "prints", ["print of a map", "prints of maps"],
        "not done again at the end, as more were asked for than there was time for; print less often, or only the first keys";
}

/// How a kind is spoken of.
struct Words {
    name: &'static str,
    counted: [&'static str; 2],
    advice: &'static str,
}

impl Kind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        self.words().name
    }
}

/// One line of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What was lost.
    pub kind: Kind,
    /// The map or probe that it is about.
    pub subject: Option<&'a str>,
    /// How often.
    pub count: u64,
    /// The place in the script, as `file:line:column`, when it is known.
    pub place: Option<&'a str>,
}

/// Append a ledger, one line an entry; it belongs on standard error. Entries with count 0 are left out.
pub fn ledger(out: &mut Vec<u8>, entries: &[Entry<'_>]) {
    entries.iter().filter(|entry| entry.count > 0).for_each(|entry| line(out, entry));
}

/// `LOST: 12 records: the ring buffer was full. ...`
fn line(out: &mut Vec<u8>, entry: &Entry<'_>) {
    let Words { counted: [one, many], advice, .. } = entry.kind.words();
    out.extend_from_slice(b"LOST: ");
    number::unsigned(out, entry.count);
    out.push(b' ');
    out.extend_from_slice(if entry.count == 1 { one } else { many }.as_bytes());
    for (preposition, text) in [(" of ", entry.subject), (" at ", entry.place)] {
        if let Some(text) = text {
            out.extend_from_slice(preposition.as_bytes());
            escape::text(out, text.as_bytes());
        }
    }
    out.extend_from_slice(b": ");
    out.extend_from_slice(advice.as_bytes());
    out.push(b'\n');
}
