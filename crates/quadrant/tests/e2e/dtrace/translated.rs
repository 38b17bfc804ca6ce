//! What translators make of memory that the script fills itself.

use super::dtrace;
use crate::common::{good, needs_loops, needs_root};

/// Of the 16 bits the upper three are flags, the others the offset in units of 8 bytes.
#[test]
fn flags_and_offset_of_a_fragment() {
    needs_root!();
    needs_loops!();
    for (bits, line) in [("0x4000", "4 0"), ("0x2000", "2 0"), ("0x3800", "2 49152"), ("0x1fff", "0 65528")] {
        let text = format!(
            "BEGIN {{
                 this->h = (struct iphdr *)alloca(20);
                 *(uint8_t *)this->h = 0x45;
                 *((uint16_t *)this->h + 3) = htons({bits});
                 printf(\"%d %d\\n\", xlate <ipv4info_t *> (this->h)->ipv4_flags, xlate <ipv4info_t *> (this->h)->ipv4_offset);
                 exit(0);
             }}"
        );
        let outcome = good(dtrace().args(["-qn", &text]));
        assert_eq!(outcome.lines()[0], line, "{bits}: {}", outcome.describe());
    }
}
