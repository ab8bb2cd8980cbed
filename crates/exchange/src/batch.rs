//! Messages: what travels through the queue as one.
//!
//! A message belongs to one partition. Exchange messages carry, besides their exchanges, the
//! account of their tap, in two parts that are each true by themselves at any moment:
//!
//! - [`PartitionCount`]: what was received by the publisher for this partition and what became
//!   of it, including this very message (which was accepted if anybody reads it).
//! - [`TapTotals`]: what the tap saw and did not hand over. The highest serial wins.
//!
//! So `seen = totals.unhanded + Σ partitions received` and every request is accounted for
//! without subtracting one figure from another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    DropReason, Epoch, Exchange, Micros, NotCopiedReason, Number, Pair, Partition, Settled,
};

/// A message from tap to replayer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeBatch {
    pub epoch: Epoch,
    pub partition: Partition,
    /// In completion order; numbers ascend. Empty in a heartbeat.
    pub exchanges: Vec<Exchange>,
    /// Numbers of this epoch and partition that no message will bring any more; they are
    /// repeated until a message that carried them was accepted.
    pub voids: Vec<Voids>,
    pub snapshot: TapSnapshot,
}

/// Numbers `from..=to` that were packed and then refused or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Voids {
    pub epoch: Epoch,
    pub partition: Partition,
    pub from: u64,
    pub to: u64,
}

/// The account of one tap epoch as of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapSnapshot {
    pub epoch: Epoch,
    /// Ascends with every message of the epoch, over all partitions.
    pub serial: u64,
    pub at: Micros,
    pub partition: PartitionCount,
    pub totals: TapTotals,
}

/// Cumulative counts of one epoch and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionCount {
    pub partition: Partition,
    /// Exchanges taken over by the publisher whose message's fate is known or is this message.
    pub received: u64,
    /// Numbers accepted: synced in the spool or confirmed by the broker, this message included.
    pub captured: u64,
    /// Exchanges taken over and then lost, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// The next number to be given: all accepted numbers are below.
    pub next: u64,
}

/// Cumulative counts of what one tap epoch saw and never handed to its publisher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapTotals {
    pub unhanded: u64,
    pub sampled_out: u64,
    pub not_copied: BTreeMap<NotCopiedReason, u64>,
    pub dropped: BTreeMap<DropReason, u64>,
    /// The tap stopped in order: no later snapshot will come.
    pub closed: bool,
    /// Copying was paused when this was taken.
    pub paused: bool,
}

/// A message from replayer to comparator; its partition is that of its exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairBatch {
    pub partition: Partition,
    pub settled: Vec<Settled>,
    pub voids: Vec<Voids>,
    /// Snapshots of the exchange messages these came from (and of heartbeats).
    pub snapshots: Vec<TapSnapshot>,
    pub marks: Vec<Mark>,
    /// Messages nobody could open: set aside whole.
    pub unreadable: Vec<Unreadable>,
    /// Asked for by people: they have no number and count nowhere.
    pub rechecked: Vec<Rechecked>,
}

/// A kept exchange, sent again for a recheck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rechecked {
    pub recheck: i64,
    /// It matched when it was kept.
    pub control: bool,
    /// The places in which it differed when it was kept: `Vec<cluster::Place>` as JSON.
    pub places: String,
    /// The captured exchange with today's answers.
    pub pair: Pair,
}

/// A message that could not be opened. It settles no number, because the numbers it brought are
/// inside: a [`Mark`] that passes them makes them `lost`, which is the truth until the message
/// is opened with the right key. The same bytes may be reported more than once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    pub at: Micros,
    /// Why it did not open; one line.
    pub detail: String,
    /// The message as it was.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

/// Every message of `epoch` and `partition` with numbers below `below` is settled and
/// acknowledged by the replayer: what is not recorded by then is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    pub epoch: Epoch,
    pub partition: Partition,
    pub below: u64,
}

impl Voids {
    #[must_use]
    pub fn covers(&self, number: Number) -> bool {
        self.epoch == number.epoch
            && self.partition == number.partition
            && (self.from..=self.to).contains(&number.n)
    }
}
