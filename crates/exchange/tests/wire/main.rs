//! The wire as its users see it: what is sealed opens equal, what is altered does not open, and
//! what an earlier build wrote still reads.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod arbitrary;
mod envelope;
mod frozen;
mod session;
