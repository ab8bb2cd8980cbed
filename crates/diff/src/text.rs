//! A comparison in words.

use crate::Diff;

/// One line per change, for a terminal or a log.
#[must_use]
pub fn text(diff: &Diff) -> String {
    let _ = diff;
    unimplemented!()
}
