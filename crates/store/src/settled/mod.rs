//! The set of settled numbers, per tap epoch and partition: the heart of exactly once.
//!
//! Invariants:
//! - A number is set in the same transaction as what it counts for, under its partition's row
//!   lock; rows are locked in ascending order.
//! - A block without a row is full below `below_block` and empty from there on. `below_block`
//!   passes a block when it is full (its row goes) or when the replayer's mark has passed it (its
//!   row stays, with the holes that are lost). So rows are bounded by what is in flight and what
//!   was lost.
//! - A void number is set too: nothing will bring it, and it is neither lost nor in flight.

mod bits;
mod lane;
mod load;

pub(crate) use lane::Lane;
pub(crate) use load::{all, claim, key, settled};
