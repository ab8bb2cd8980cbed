//! What the stages hand on: exchange, pair, settlement.

use serde::{Deserialize, Serialize};

use crate::{
    ExchangeId, Micros, NoAnswerReason, Number, ParkReason, Reference, Request, Response,
    SessionKey, SkipReason,
};

/// One request with the primary's response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub id: ExchangeId,
    pub number: Number,
    pub session: SessionKey,
    /// When the request head was complete at the tap.
    pub started_at: Micros,
    /// From the request head to the end of the primary's response, in µs of a monotonic clock.
    pub duration_us: u64,
    /// From the request head to the primary's response head, in µs.
    pub first_byte_us: u64,
    /// An unsafe method, or declared a write: sent at most once.
    pub write: bool,
    /// An exchange of this session was lost before this one.
    pub gap: bool,
    /// The slice whose rules admitted it.
    pub slice: Option<String>,
    pub request: Request,
    pub response: Response,
}

/// What one side answered to a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When the request was sent.
    pub sent_at: Micros,
    /// Until the end of the response, or until it was given up, in µs.
    pub duration_us: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Answered(Response),
    NoAnswer {
        reason: NoAnswerReason,
        /// One line for people; never holds a body or a secret.
        detail: String,
    },
}

impl Answer {
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Answered(response) => Some(response),
            Outcome::NoAnswer { .. } => None,
        }
    }
}

/// An exchange with the candidate's answer, and the secondary's where one was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    pub exchange: Exchange,
    pub candidate: Answer,
    pub secondary: Option<Answer>,
    /// The build of the candidate that answered.
    pub candidate_version: String,
    /// What asking again said, where it was done.
    pub reference: Option<Reference>,
    /// What was known, when this was made, of values that the sides made differently.
    pub mapped: Mapped,
}

/// Values of the primary in this exchange and its answer, with those that stand for them on the
/// sides that were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    pub candidate: Vec<Mapping>,
    pub secondary: Vec<Mapping>,
}

/// A value the primary made and the one another side made in its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mapping {
    /// What it names: an entity (`loan`), `token`, `cookie:NAME`; empty for a value that is like
    /// no other wherever it stands.
    pub kind: String,
    pub primary: String,
    pub other: String,
}

/// How the replayer settled one exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub number: Number,
    pub settlement: Settlement,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    Replayed(Box<Pair>),
    Skipped {
        exchange: ExchangeId,
        reason: SkipReason,
        candidate_version: String,
    },
    /// Set aside; `sealed` is the exchange sealed by [`crate::envelope::seal_exchange`], or the
    /// message as it was where it could not be read.
    Parked {
        exchange: Option<ExchangeId>,
        reason: ParkReason,
        detail: String,
        #[serde(with = "serde_bytes")]
        sealed: Vec<u8>,
    },
}
