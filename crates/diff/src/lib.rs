//! Compare two bodies: what differs, where, and how.
//!
//! ```text
//! bytes ─ format ─► tree (spans + hashes) ─┐
//!                                          ├─► changes ─► signature places, patch, words
//! bytes ─ format ─► tree (spans + hashes) ─┘
//! ```
//!
//! Invariants:
//! - Pure: values in, values out. No clock, no I/O, no global state, no recursion on input.
//! - Never a false "equal": hashes are confirmed, numbers are exact decimals, never doubles.
//! - Never a run-away: work and output are budgeted; running out sets `approximate`.
//! - No `serde_json::Value` on this path: it loses large numbers, depth, duplicate keys and lone
//!   surrogates.

mod align;
mod change;
mod compare;
mod format;
mod hash;
mod instant;
mod moves;
mod number;
mod patch;
mod proof;
mod report;
mod rule;
mod string;
mod tape;
mod text;
mod value;
mod walk;

pub use change::{Change, Diff, Fragment, Kind, ValueType};
pub use compare::diff;
pub use patch::patch;
pub use rule::{Rule, RuleError, RuleKind, Rules};
pub use text::text;

/// One side's body, content coding already removed.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    pub content_type: Option<&'a str>,
    pub bytes: &'a [u8],
}

/// Bounds of one comparison.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Nesting beyond this is compared as text.
    pub max_depth: usize,
    /// Steps of array alignment over the whole comparison.
    pub max_work: u64,
    /// Changes listed; the rest is counted in a note.
    pub max_changes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { max_depth: 10_000, max_work: 20_000_000, max_changes: 1_000 }
    }
}
