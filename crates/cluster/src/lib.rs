//! Find the missing rule: endpoints, volatile places, fingerprints, clusters, sentences.
//!
//! Invariants:
//! - Pure: values in, values out; no clock, no I/O, no randomness. The same input gives the same
//!   clusters, on one comparator or two.
//! - Keys ([`EndpointId`], [`Signature::id`], [`fingerprint`]) are fixed, versioned hashes: they
//!   survive restarts, versions of the candidate and re-explanation.
//! - A place is called volatile by rate over a stated sample, never by one observation.

pub mod class;
pub mod doc;
pub mod endpoint;
pub mod learn;
pub mod model;
pub mod signature;

pub use class::ValueClass;
pub use doc::ClusterDoc;
pub use endpoint::{EndpointId, template};
pub use model::{Model, Verdict, VolatilePlace};
pub use signature::{Place, Signature, Where, fingerprint};
