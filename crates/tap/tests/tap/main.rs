//! The tap over real sockets. [`harness`] holds the vocabulary; the tests read as sentences.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod account;
mod bodies;
mod conformance;
mod copies;
mod heads;
mod limits;
mod losses;
mod refusals;
mod restarts;
mod spools;
mod tls;
mod upgrades;
