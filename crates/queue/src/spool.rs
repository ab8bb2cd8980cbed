//! A producer that does not lose what it accepted while the broker is away.
//!
//! Messages go straight to the broker. What is not confirmed 50 ms after it was submitted is
//! also synced to a log on disk, in order; while a partition has spooled messages, new ones
//! append behind them, so order survives. A confirm moves the log's cursor. When the log's byte
//! bound is reached the newest message is refused.
//!
//! Over `disk:` the queue itself is the log and the spool is not used; over `null:` everything
//! is accepted at once.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use exchange::{DropReason, Partition};

use crate::{Queue, QueueError};

#[derive(Clone, Debug)]
pub struct SpoolConfig {
    pub folder: PathBuf,
    /// Bound of the log on disk.
    pub max_bytes: u64,
    /// Bound of what is held in memory unconfirmed and unsynced.
    pub max_held_bytes: u64,
    /// Unconfirmed for longer than this: to disk.
    pub sync_after: Duration,
}

/// How a message was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    Confirmed,
    Spooled,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolHealth {
    /// New messages go to disk.
    pub spooling: bool,
    pub spooled_messages: u64,
    pub spooled_bytes: u64,
    pub held_bytes: u64,
    /// Segments that were damaged and set aside, ever since start.
    pub damaged_segments: u64,
    /// One line for people: why it spools.
    pub detail: String,
}

/// Publishes exchange messages; used by the tap.
#[derive(Clone, Debug)]
pub struct Spooled {}

impl Spooled {
    /// Opens the spool folder (locked by this process; unlocked sibling spools below the same
    /// parent are adopted and drained).
    pub async fn open(queue: &Queue, config: SpoolConfig) -> Result<Self, QueueError> {
        let _ = (queue, config);
        unimplemented!()
    }

    /// Resolves when the message is accepted or refused for good. Messages of one partition go
    /// in the order of these calls; the first part (queueing behind earlier ones) happens before
    /// the future is first polled.
    pub fn submit(
        &self,
        partition: Partition,
        payload: Bytes,
    ) -> impl Future<Output = Result<Accepted, DropReason>> + Send + use<> {
        let _ = (partition, payload);
        async { unimplemented!() }
    }

    #[must_use]
    pub fn health(&self) -> SpoolHealth {
        unimplemented!()
    }

    /// Waits until everything submitted is confirmed or synced, at most `limit`.
    pub async fn flush(&self, limit: Duration) {
        let _ = limit;
        unimplemented!()
    }
}
