//! Decide: interval, verdict, reports.
//!
//! Invariants:
//! - Pure: evidence in, decision out.
//! - Fails closed: no data, evidence that lags behind, an unbalanced funnel, lost exchanges or an
//!   endpoint that production uses and nobody compared are never a pass.
//! - One interval, valid however often one looks ([`interval`]), is used by gate, API and pages.

mod decide;
mod evidence;
pub mod interval;
pub mod ratio;
pub mod report;
mod targets;
mod words;

pub use decide::{Decision, EndpointDecision, Readiness, SliceDecision, Verdict, decide};
pub use evidence::{Branch, ClusterEvidence, EndpointEvidence, FunnelEvidence, GateInput, Stratum};
pub use ratio::LatencyRatio;
pub use targets::{Policy, TargetChanges, TargetRule, Targets, check};
