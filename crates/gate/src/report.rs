//! Reports of a [`crate::Decision`]: terminal text, JSON, Markdown, JUnit XML.

use crate::Decision;

/// A few lines for a terminal; `colour` adds ANSI codes.
#[must_use]
pub fn text(decision: &Decision, colour: bool) -> String {
    let _ = (decision, colour);
    unimplemented!()
}

/// For a step summary: escaped, at most `max_bytes`.
#[must_use]
pub fn markdown(decision: &Decision, max_bytes: usize) -> String {
    let _ = (decision, max_bytes);
    unimplemented!()
}

/// One case per endpoint.
#[must_use]
pub fn junit(decision: &Decision) -> String {
    let _ = decision;
    unimplemented!()
}
