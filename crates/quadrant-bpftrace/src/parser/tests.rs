//! Properties that hold for every text.

use proptest::prelude::*;

use super::parse;

proptest! {
    #[test]
    fn any_text_parses(text in "\\PC*") {
        parse(&text);
    }
}
