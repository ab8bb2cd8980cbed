//! Find the missing rule: endpoints, volatile places, fingerprints, clusters, sentences.
//!
//! Invariants:
//! - Pure: values in, values out; no clock, no I/O, no randomness. The same input gives the same
//!   clusters, on one comparator or two.
//! - Keys ([`EndpointId`], [`Signature::id`], [`fingerprint`]) are fixed, versioned hashes: they
//!   survive restarts, versions of the candidate and re-explanation.
//! - A place is called volatile by rate over a stated sample, never by one observation.

pub mod arrays;
mod changes;
pub mod class;
mod derived;
pub mod doc;
pub mod endpoint;
pub mod explain;
mod group;
pub mod heirs;
pub mod learn;
pub mod maps;
pub mod model;
mod pins;
mod routes;
pub mod rules;
mod severity;
mod shape;
pub mod signature;
pub mod steady;
mod title;
mod volatile;

pub use class::ValueClass;
pub use doc::ClusterDoc;
pub use endpoint::{EndpointId, template};
pub use learn::{LearnInput, Learnt, learn};
pub use model::{Covers, Evidence, Model, Overruled, Says, Verdict, VolatilePlace};
pub use pins::Pins;
pub use routes::LearntParameter;
pub use rules::{RouteRules, RuleBook, RuleName, StoredRule};
pub use signature::{Place, Signature, Where, fingerprint};
pub use volatile::nature::Nature;
