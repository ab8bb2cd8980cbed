//! What a comparator hands in: one batch, recorded in one transaction.

use exchange::{
    ExchangeId, Finding, Mark, Micros, Number, ParkReason, SkipReason, TapSnapshot, Unreadable,
    Voids,
};

use crate::{EndpointKey, SignatureKey};

/// One batch. `endpoints` and `signatures` are inserted where they are new, before the items.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub endpoints: Vec<crate::EndpointRow>,
    pub signatures: Vec<SignatureRow>,
    pub items: Vec<RecordItem>,
    pub voids: Vec<Voids>,
    pub snapshots: Vec<TapSnapshot>,
    pub marks: Vec<Mark>,
    /// Builds that the primary said it is, with the earliest moment at which it did.
    pub primary_versions: std::collections::BTreeMap<String, Micros>,
    /// What the primary's answers say of the things they name, where it is new.
    pub facts: Vec<crate::FactRow>,
    /// Kept among the parked, each once; they settle no number and so count as lost.
    pub unreadable: Vec<Unreadable>,
    /// Kept by themselves: they touch neither funnel nor counters.
    pub rechecked: Vec<crate::RecheckResult>,
}

#[derive(Clone, Debug)]
pub struct RecordItem {
    pub number: Number,
    pub fate: Fate,
}

#[derive(Clone, Debug)]
pub enum Fate {
    Compared(Box<Compared>),
    Skipped {
        version: String,
        reason: SkipReason,
    },
    Parked {
        exchange: Option<ExchangeId>,
        reason: ParkReason,
        detail: String,
        sealed: Vec<u8>,
        at: Micros,
    },
}

/// One judged pair. Counted per endpoint × version × minute × signature × outcome.
#[derive(Clone, Debug)]
pub struct Compared {
    pub endpoint: EndpointKey,
    /// The candidate's.
    pub version: String,
    /// Minutes since the Unix epoch, of the request.
    pub minute: i64,
    pub outcome: Outcome,
    pub signature: SignatureKey,
    /// 64-bit hash of entity × input shape × primary's answer without volatile places: evidence
    /// counts once per endpoint, version and key. A pair without an answer, or one that was only
    /// late, is no evidence and leaves its key to the next.
    pub trial: i64,
    /// Signature of primary against secondary, where a secondary was asked and answered.
    pub baseline: Option<SignatureKey>,
    /// Signature of the primary's own earlier answer to the same request against this one, where
    /// they were compared.
    pub earlier: Option<SignatureKey>,
    pub primary_us: u64,
    /// `None` without an answer.
    pub candidate_us: Option<u64>,
    /// The number of the model under which it was judged.
    pub model: i64,
    pub stratum: Stratum,
    /// Where this pair was chosen to be kept.
    pub sample: Option<Sample>,
    /// Where its fields were chosen to be kept.
    pub row: Option<KeptRow>,
    /// What it says of each published condition of its endpoint.
    pub watched: Vec<Watched>,
    /// What asking again said, where it was done.
    pub checked: Option<Checked>,
}

/// A pair that was asked about again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How the captured answers differ; that of a late pair is counted nowhere else.
    pub signature: SignatureKey,
    pub finding: Finding,
}

/// One pair before one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// `cluster::explain::counter`
    pub condition: i64,
    /// The condition holds.
    pub meets: bool,
    /// The answers differ as its cluster does, and no other condition of the same places says why.
    pub differs: bool,
}

/// The fields of one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// Of the exchange number: of many rows those with the smallest are kept.
    pub hash: i64,
    /// The condition that it misses by one term, where it is kept for that alone.
    pub near: Option<i64>,
    /// `cluster::explain::Row`, packed; redacted.
    pub cells: Vec<u8>,
}

/// What the primary answered, as far as it is one of few things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stratum {
    pub status: u16,
    /// Places (JSON Pointer) of its answer that hold one of few values, each with its value here.
    pub branches: Vec<(String, String)>,
}

/// Which two sides a counter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Versus {
    Candidate,
    Secondary,
    /// The primary with its own earlier answer.
    Earlier,
}

impl Versus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Secondary => "secondary",
            Self::Earlier => "earlier",
        }
    }
}

impl std::str::FromStr for Versus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Candidate, Self::Secondary, Self::Earlier];
        all.into_iter().find(|versus| versus.as_str() == text).ok_or(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Both sides answered; the signature says how they differ.
    Answered,
    /// The candidate gave no answer.
    NoAnswer,
    /// Equal at some moment: the candidate was only behind.
    Lag,
    /// The primary answered 5xx: compared, not judged.
    PrimaryError,
}

impl Outcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoAnswer => "no_answer",
            Self::Lag => "lag",
            Self::PrimaryError => "primary_error",
        }
    }

    /// Whether such a pair uses up its trial key. The key holds the primary's answer, so a pair
    /// without a candidate's answer, or one that was only late, leaves it to the next pair.
    pub(crate) const fn is_evidence(self) -> bool {
        matches!(self, Self::Answered | Self::PrimaryError)
    }
}

impl std::str::FromStr for Outcome {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Answered, Self::NoAnswer, Self::Lag, Self::PrimaryError];
        all.into_iter().find(|outcome| outcome.as_str() == text).ok_or(())
    }
}

/// A stored sample of one signature: redacted view and sealed original.
#[derive(Clone, Debug)]
pub struct Sample {
    pub exchange: ExchangeId,
    pub captured_at: Micros,
    pub slot: SampleSlot,
    pub view: crate::view::SampleView,
    pub original: Vec<u8>,
    /// `cluster::explain::Row`, packed; redacted.
    pub features: Option<Vec<u8>>,
}

/// Where a sample is kept within (endpoint, version, signature): an occupied slot is replaced.
/// 0..=4 the first, 5..=9 a ring of the newest, 10.. a reservoir.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSlot(pub u16);

/// A signature seen for the first time by this comparator.
#[derive(Clone, Debug)]
pub struct SignatureRow {
    pub key: SignatureKey,
    pub endpoint: EndpointKey,
    /// `Vec<cluster::Place>` as JSON.
    pub places: String,
    /// Under today's model; the analyst revises it. True = matches.
    pub matches: bool,
}

/// What [`crate::Store::record`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Items counted now.
    pub counted: u64,
    /// Items whose number was settled before: no effect.
    pub repeated: u64,
}
