//! What pages, API, gate and analyst ask.

mod checks;
mod clusters;
mod counts;
mod gate;
mod heads;
mod merges;
mod samples;
mod trend;
mod versions;

pub(crate) use clusters::today;
pub(crate) use gate::{ACCEPTANCES, acceptance};
pub use gate::{AcceptanceRow, Activity, RatioCount, StratumCount};
pub use heads::SampleHead;
pub(crate) use merges::Merges;

pub use trend::TrendCount;

use std::collections::BTreeMap;

use exchange::{ExchangeId, Micros};
use serde::{Deserialize, Serialize};

use crate::{EndpointKey, Outcome, SignatureKey, Versus, view::SampleView};

/// An endpoint; `merged_into` after its template was generalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    pub key: EndpointKey,
    pub method: String,
    /// `/loans/{id}`
    pub template: String,
    pub slice: Option<String>,
    pub merged_into: Option<EndpointKey>,
    pub first_seen: Micros,
}

/// Every term of the funnel's equations, each counted by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunnelCounts {
    /// Σ over tap epochs: unhanded + received.
    pub seen: u64,
    pub sampled_out: u64,
    pub not_copied: BTreeMap<String, u64>,
    pub dropped: BTreeMap<String, u64>,
    pub captured: u64,
    /// Exchanges with a candidate result (answer or none).
    pub replayed: u64,
    pub compared: u64,
    /// Of the compared ones, those that the search for causes has not looked at.
    pub unanalysed: u64,
    pub skipped: BTreeMap<String, u64>,
    pub parked: u64,
    /// Unset numbers from the replayer's mark to the highest accepted number.
    pub in_flight: u64,
    /// Unset numbers below the replayer's mark.
    pub lost: u64,
    /// Epochs that ended by a kill: their first equation is unclosed, not unbalanced.
    pub unclosed_epochs: u64,
    /// For each epoch seen = sampled_out + Σnot_copied + Σdropped + captured.
    pub taps_balanced: bool,
    /// The newest snapshot says copying is paused.
    pub paused: bool,
    /// The newest snapshot says that its tap ended: no further one is due.
    pub closed: bool,
    pub newest_snapshot: Option<Micros>,
}

/// Pairs and trials of one endpoint × version × outcome, by today's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeCount {
    /// After merges.
    pub endpoint: EndpointKey,
    pub version: String,
    pub outcome: Outcome,
    pub matches: bool,
    pub pairs: u64,
    pub trials: u64,
}

/// Pairs that were asked about again, by signature and finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckCount {
    /// After merges.
    pub endpoint: EndpointKey,
    pub version: String,
    pub signature: SignatureKey,
    /// That of the signature today.
    pub cluster: Option<i64>,
    /// `deterministic`, `flaky`, `lag` or `unchecked`.
    pub finding: String,
    /// Of a lag: the bucket of its delay, as in [`Histogram`].
    pub bucket: u16,
    pub pairs: u64,
}

/// Counts of one signature, for the analyst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCount {
    pub key: SignatureKey,
    /// As recorded, before merges.
    pub endpoint: EndpointKey,
    pub versus: Versus,
    pub version: String,
    pub outcome: Outcome,
    pub places: String,
    pub pairs: u64,
    pub first_minute: i64,
    pub last_minute: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterState {
    Open,
    Accepted,
    Fixed,
    Regressed,
}

impl ClusterState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Fixed => "fixed",
            Self::Regressed => "regressed",
        }
    }
}

impl std::str::FromStr for ClusterState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Open, Self::Accepted, Self::Fixed, Self::Regressed];
        all.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// A cluster without its counts. Shown as `C-<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRow {
    pub id: i64,
    pub fingerprint: String,
    /// The endpoint hit most.
    pub endpoint: EndpointKey,
    /// `Open` shows as new or known, depending on versions.
    pub state: ClusterState,
    pub owner: Option<String>,
    pub note: Option<String>,
    pub first_seen: Micros,
    /// `cluster::ClusterDoc` as JSON: title, differences, conditions, cause.
    pub doc: String,
    /// Plain words of the title and places, for search.
    pub words: String,
}

/// Pairs of one cluster by endpoint, version and minute bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterCount {
    pub cluster: i64,
    pub endpoint: EndpointKey,
    pub version: String,
    pub pairs: u64,
    pub trials: u64,
    pub first_minute: i64,
    pub last_minute: i64,
}

#[derive(Clone, Debug, Default)]
pub struct ClusterQuery {
    pub state: Option<ClusterState>,
    /// Words that must all occur in `words` (case-insensitive).
    pub words: Option<String>,
    pub endpoint: Option<EndpointKey>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterPage {
    pub clusters: Vec<ClusterRow>,
    pub counts: Vec<ClusterCount>,
    /// Ids of clusters that became others, with the ids of those.
    pub heirs: BTreeMap<i64, i64>,
}

#[derive(Clone, Debug, Default)]
pub struct SampleQuery {
    pub cluster: Option<i64>,
    pub endpoint: Option<EndpointKey>,
    /// Those of any of these endpoints (after merges).
    pub among: Option<Vec<EndpointKey>>,
    pub version: Option<String>,
    /// Those whose signature was counted with this outcome in the sample's version.
    pub outcome: Option<Outcome>,
    /// By today's verdict of their signature.
    pub matches: Option<bool>,
    pub limit: u32,
    /// From [`Page::next`].
    pub cursor: Option<String>,
}

#[derive(Clone, Debug)]
pub struct SampleRow {
    pub exchange: ExchangeId,
    pub endpoint: EndpointKey,
    pub version: String,
    pub signature: SignatureKey,
    pub cluster: Option<i64>,
    pub matches: bool,
    pub captured_at: Micros,
    pub view: SampleView,
    /// `cluster::explain::Row`, packed.
    pub features: Option<Vec<u8>>,
}

/// Newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<String>,
}

/// Latency of one side as counts by bucket: bucket `b` holds durations from
/// `1.05^b` up to `1.05^(b+1)` µs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    pub endpoint: EndpointKey,
    pub version: String,
    pub primary: BTreeMap<u16, u64>,
    pub candidate: BTreeMap<u16, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// `candidate` or `primary`.
    pub side: String,
    pub version: String,
    pub first_seen: Micros,
    pub announced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedRow {
    pub id: i64,
    pub exchange: Option<ExchangeId>,
    pub reason: String,
    pub detail: String,
    pub at: Micros,
}
