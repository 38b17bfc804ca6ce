//! D's options that change how things are shown.

/// What the options say. All may change while a trace runs (`setopt()`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// No heading, no columns for CPU and probe, no padding (`quiet`).
    pub quiet: bool,
    /// Indent by calls and returns (`flowindent`).
    pub flowindent: bool,
    /// Texts are shown as hexadecimal dumps (`rawbytes`).
    pub rawbytes: bool,
    /// Blanks before each frame of a stack (`stackindent`).
    pub stackindent: u32,
    /// Bytes of a value that `print()` shows at most (`printsize`).
    pub printsize: u32,
    /// The order of aggregations' entries.
    pub sort: Sort,
    /// Show entries of numbers as the rows of one histogram (`agghist`).
    pub hist: bool,
    /// Show each histogram in one line (`aggpack`).
    pub pack: bool,
    /// The greatest bar of a histogram is of full length (`aggzoom`).
    pub zoom: bool,
    /// Of the columns of a row only the probe is shown, so that the output of two runs can be compared (`_DTRACE_TESTING` in the
    /// environment).
    pub testing: bool,
    /// Messages about drops begin with a tag (`droptags`).
    pub droptags: bool,
    /// The process whose addresses `%A` shows, where a number does not say.
    pub target: Option<u32>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            quiet: false,
            flowindent: false,
            rawbytes: false,
            stackindent: 14,
            printsize: 8192,
            sort: Sort::default(),
            hist: false,
            pack: false,
            zoom: false,
            testing: false,
            droptags: false,
            target: None,
        }
    }
}

/// In which order entries are shown: ascending by value, equal values by key, unless this says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// By key first (`aggsortkey`).
    pub key: bool,
    /// Descending (`aggsortrev`).
    pub reverse: bool,
    /// The part of the key that counts first, from 0 (`aggsortkeypos`).
    pub key_position: usize,
    /// Of aggregations printed together, the one that counts first, from 0 (`aggsortpos`).
    pub position: usize,
}
