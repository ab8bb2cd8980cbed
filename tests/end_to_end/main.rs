//! The whole system as its users start it: the real binary, real services, both backends.
//!
//! [`harness`] teaches the vocabulary; the tests read as sentences.

mod bad_input;
mod browser;
mod demo;
mod exchanges;
mod gate;
mod harness;
mod kills;
