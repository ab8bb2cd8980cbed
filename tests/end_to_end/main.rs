//! The whole system as its users start it: the real binary, real services, both backends.
//!
//! [`harness`] teaches the vocabulary; the tests read as sentences.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod bad_input;
mod browser;
mod changes;
mod demo;
mod desk;
mod diffs;
mod endpoints;
mod exchanges;
mod gate;
mod harness;
mod hostile;
mod kills;
mod lives;
mod loops;
mod noise;
mod outages;
mod rechecks;
mod restarts;
mod several;
mod sharing;
mod tap_alone;
