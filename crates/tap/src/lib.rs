//! Copy: the sidecar in front of the primary.
//!
//! Invariants:
//! - **Forwards first, copies second, never waits.** Nothing that concerns the copy can delay,
//!   change or fail a user's request: hand-over is a bounded `try_send`, full means counted.
//! - Bytes reach the other side as they came; framing alone is rewritten, never copied.
//! - A record closes exactly once, however its streams end.
//! - Everything held for copies is bounded by bytes.
//! - Ambiguous framing is refused: never a smuggled request.
//!
//! The way of one request: [`worker`] accepts, [`proxy`] forwards, [`policy`] decides what is
//! copied, [`record`] gathers the copy and closes it, [`shared::Handover`] takes it to the
//! [`publisher`], which numbers, packs and submits it. [`account`] counts what is not handed over.

mod account;
mod admin;
mod budget;
mod capture;
mod config;
mod content;
mod gaps;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod metrics;
mod policy;
mod proxy;
mod publisher;
mod rate;
mod record;
mod routes;
mod shared;
mod stage;
mod worker;

pub use config::{Invalid, SliceConfig, TapConfig};
pub use stage::{TapInputs, run};
