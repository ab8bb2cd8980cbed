//! The comparator as a whole, over a queue on disk and SQLite: synthetic pairs go in, and what
//! the store then says is read.
//!
//! [`stage::Stage`] is one installation in a fresh folder; [`pairs`] has the words for pairs.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod compared;
mod learnt;
mod pairs;
mod rechecked;
mod settled;
mod stage;
