//! Decide: interval, verdict, reports.
//!
//! Invariants:
//! - Pure: evidence in, decision out.
//! - Fails closed: no data, an unbalanced funnel or lost exchanges are never a pass.
//! - One interval, valid however often one looks ([`interval`]), is used by gate, API and pages.

mod decide;
pub mod interval;
pub mod report;
mod words;

pub use decide::{
    ClusterEvidence, Decision, EndpointDecision, EndpointEvidence, FunnelEvidence, GateInput,
    Readiness, Targets, Verdict, decide,
};
