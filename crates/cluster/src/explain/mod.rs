//! When answers differ: rules over fields of the request and of the primary's answer.
//!
//! ```text
//! stored rows ─► book ─► table (columns) ─► candidate terms (bitmaps) ─► rules ─► causes
//! ```
//!
//! Invariants:
//! - Pure and bounded; the same rows give the same rules.
//! - A rule is told only where it gains 10 bits after paying for every term that was tried.
//! - A field that differs itself is named only where nothing else explains as much.
//! - Redacted values are only equal or not.

mod accepted;
mod aside;
mod assemble;
mod bits;
mod book;
mod candidate;
mod cause;
mod data;
mod derive;
mod entities;
mod exact;
mod interval;
mod members;
mod merge;
mod onset;
mod parts;
mod pool;
mod reasons;
mod remainder;
mod rivals;
mod round;
mod row;
mod scale;
mod score;
mod search;
mod sharpen;
mod significance;
mod spot;
mod table;
mod term;
mod widen;
mod word;
mod work;

pub use accepted::Accepted;
pub use aside::Aside;
pub use assemble::{Explained, Rows, Share};
pub use book::{Book, RowSeen};
pub use cause::{Cause, CauseKind, Figures, Word};
pub use exact::{Exact, Watch, counter, said, watches};
pub use row::{Row, Scalar};
pub use scale::on_scale;
pub use spot::Spot;
pub use term::{Term, Test};

pub(crate) use accepted::held;
pub(crate) use assemble::{Differing, Today, explain};
pub(crate) use entities::is_id_name;
pub(crate) use exact::Standing;
pub(crate) use spot::spots_of;
pub(crate) use word::THAT_IS;

#[cfg(test)]
mod kinds_tests;
#[cfg(test)]
mod tests;
