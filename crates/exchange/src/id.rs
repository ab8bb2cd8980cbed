//! Identities and instants.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Microseconds since the Unix epoch (UTC).
pub type Micros = i64;

/// One of the queue's partitions, `0..partitions`.
pub type Partition = u16;

/// The name of one exchange for people and links: a UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExchangeId(pub Uuid);

impl ExchangeId {
    /// A fresh id whose order follows the clock of this machine.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

impl std::fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for ExchangeId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// One life of one tap, from start to stop. Random, so that two taps never share one.
/// Always positive and below 2^63: it fits a signed database column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl Epoch {
    #[must_use]
    pub fn fresh() -> Self {
        Self((rand::random::<u64>() >> 1) as i64)
    }
}

/// The dense number of one exchange: `n` counts from 0 without holes within its tap epoch and
/// partition. A number that is refused or lost after packing is announced as void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Number {
    pub epoch: Epoch,
    pub partition: Partition,
    pub n: u64,
}
