//! Layouts of version 1, whose pairs knew neither [`crate::Reference`] nor [`crate::Mapped`].

use serde::Deserialize;

use crate::{
    Answer, Exchange, ExchangeId, Mapped, Mark, Number, Pair, PairBatch, ParkReason, Partition,
    Settled, Settlement, SkipReason, TapSnapshot, Unreadable, Voids,
};

#[derive(Deserialize)]
pub(super) struct PairV1 {
    exchange: Exchange,
    candidate: Answer,
    secondary: Option<Answer>,
    candidate_version: String,
}

#[derive(Deserialize)]
pub(super) struct PairBatchV1 {
    partition: Partition,
    settled: Vec<SettledV1>,
    voids: Vec<Voids>,
    snapshots: Vec<TapSnapshot>,
    marks: Vec<Mark>,
    unreadable: Vec<Unreadable>,
}

#[derive(Deserialize)]
struct SettledV1 {
    number: Number,
    settlement: SettlementV1,
}

#[derive(Deserialize)]
enum SettlementV1 {
    Replayed(Box<PairV1>),
    Skipped {
        exchange: ExchangeId,
        reason: SkipReason,
        candidate_version: String,
    },
    Parked {
        exchange: Option<ExchangeId>,
        reason: ParkReason,
        detail: String,
        #[serde(with = "serde_bytes")]
        sealed: Vec<u8>,
    },
}

impl From<PairV1> for Pair {
    fn from(pair: PairV1) -> Self {
        let PairV1 { exchange, candidate, secondary, candidate_version } = pair;
        let mapped = Mapped::default();
        Self { exchange, candidate, secondary, candidate_version, reference: None, mapped }
    }
}

impl From<PairBatchV1> for PairBatch {
    fn from(batch: PairBatchV1) -> Self {
        let PairBatchV1 { partition, settled, voids, snapshots, marks, unreadable } = batch;
        let settled = settled.into_iter().map(Settled::from).collect();
        Self { partition, settled, voids, snapshots, marks, unreadable, rechecked: Vec::new() }
    }
}

impl From<SettledV1> for Settled {
    fn from(settled: SettledV1) -> Self {
        let settlement = match settled.settlement {
            SettlementV1::Replayed(pair) => Settlement::Replayed(Box::new((*pair).into())),
            SettlementV1::Skipped { exchange, reason, candidate_version } => {
                Settlement::Skipped { exchange, reason, candidate_version }
            }
            SettlementV1::Parked { exchange, reason, detail, sealed } => {
                Settlement::Parked { exchange, reason, detail, sealed }
            }
        };
        Self { number: settled.number, settlement }
    }
}
