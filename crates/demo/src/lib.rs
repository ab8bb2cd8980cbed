//! The lending monolith and its unfinished candidate: two real HTTP services, believable traffic,
//! and the truth about what the candidate misses.
//!
//! Both services answer from the same [`Book`] of customers, applications, loans and offers, as
//! two services do that read a copied database. The business rules stand in one place, the
//! policy: the monolith knows all of them, the candidate all but those it lacks ([`Rule`]).
//!
//! Invariants:
//! - Apart from `meta` (request id, trace id, clock) and the ids of created applications, an
//!   answer depends on the request and the known rules alone, never on the time of day or on
//!   earlier requests. So a candidate that lacks nothing answers like the monolith.
//! - The traffic is a function of its seed: who sends the first `n` requests twice sends the
//!   same. It reads what is in the book, never what it created, so that a replay without writes
//!   sees no other data.

mod book;
mod policy;
mod rule;
mod service;
mod traffic;

pub use book::Book;
pub use rule::{Place, Rule, UnknownRule};
pub use service::{ENDPOINTS, serve_candidate, serve_primary};
pub use traffic::{Sent, Traffic, traffic};
