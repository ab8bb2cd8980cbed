//! Carry messages from stage to stage, in order per partition, at least once.
//!
//! Two backends stand behind one [`Producer`] and one [`Consumer`]: RabbitMQ for separate
//! processes and an append-only log on disk for the embedded mode (`null:` discards, for
//! measuring). Callers never learn which one runs.
//!
//! Invariants:
//! - A message that [`Producer::publish`] reported as done survives a crash of any process.
//! - Messages of one partition are delivered in the order in which they were published.
//! - A delivery that is not acknowledged is delivered again, after a restart too; its
//!   `deliveries` count says how often that has happened.
//! - At most one message per partition is unconfirmed at any time.
//! - Payloads are opaque here: sealing and meaning belong to `exchange`.

mod control;
mod url;

pub use control::{Control, ControlEvents};
pub use url::{QueueUrl, QueueUrlError};

use bytes::Bytes;
use exchange::Partition;

/// Which line a message travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// From tap to replayer.
    Exchanges,
    /// From replayer to comparator.
    Pairs,
}

/// How to open the queue.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    pub url: QueueUrl,
    /// The same in every role; the queues of RabbitMQ are named by it.
    pub partitions: Partition,
    /// Prefix of queue names (`understudy`), so that tests and installations can share a broker.
    pub prefix: String,
    /// Bytes that wait in one lane before publishers are refused.
    pub max_bytes: u64,
    /// How long one confirm may take.
    pub confirm_timeout: std::time::Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the broker at {url} cannot be reached: {problem}")]
    Unreachable { url: String, problem: String },
    #[error("queue {queue} exists with other settings: {problem}")]
    Mismatch { queue: String, problem: String },
    #[error("{path}: {problem}")]
    Disk { path: std::path::PathBuf, problem: String },
    #[error("{0} is in use by another process")]
    Locked(std::path::PathBuf),
}

/// Why a message was not accepted. All are temporary as far as the caller is concerned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("not connected to the broker")]
    Disconnected,
    #[error("no confirm within the deadline")]
    Unconfirmed,
    #[error("the queue is full")]
    Full,
    #[error("the queue refused the message: {0}")]
    Refused(String),
    #[error("writing the log failed: {0}")]
    Disk(String),
}

/// An open queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {}

/// What a page or probe says of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueHealth {
    pub connected: bool,
    /// The broker blocks publishers (an alarm).
    pub blocked: bool,
    /// One line for people.
    pub detail: String,
}

impl Queue {
    /// Connects and declares what is needed, or fails with what to do. RabbitMQ that is down is
    /// an error here; once open, the connection is kept up for ever.
    pub async fn open(config: QueueConfig) -> Result<Self, QueueError> {
        let _ = config;
        unimplemented!()
    }

    /// Like [`Queue::open`], but a broker that is down is no error: it is connected when it comes
    /// up. For the tap, which starts without a broker.
    pub async fn open_lazy(config: QueueConfig) -> Result<Self, QueueError> {
        let _ = config;
        unimplemented!()
    }

    #[must_use]
    pub fn partitions(&self) -> Partition {
        unimplemented!()
    }

    #[must_use]
    pub fn producer(&self, lane: Lane) -> Producer {
        let _ = lane;
        unimplemented!()
    }

    /// All partitions of one lane. `prefetch` = messages handed out and not yet acknowledged per
    /// partition. Also yields dead-lettered messages of the lane, marked `dead`.
    pub async fn consumer(&self, lane: Lane, prefetch: u16) -> Result<Consumer, QueueError> {
        let _ = (lane, prefetch);
        unimplemented!()
    }

    #[must_use]
    pub fn control(&self) -> Control {
        unimplemented!()
    }

    #[must_use]
    pub fn health(&self) -> QueueHealth {
        unimplemented!()
    }

    /// Messages waiting in a lane, where the backend can tell.
    pub async fn depth(&self, lane: Lane) -> Option<u64> {
        let _ = lane;
        unimplemented!()
    }

    /// Stops deliveries, lets confirms arrive (bounded) and disconnects.
    pub async fn close(self) {
        unimplemented!()
    }
}

/// Publishes into one lane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Producer {}

impl Producer {
    /// Resolves when the message is confirmed (RabbitMQ) or synced (disk). Calls for one
    /// partition take their turn in call order.
    pub async fn publish(&self, partition: Partition, payload: Bytes) -> Result<(), PublishError> {
        let _ = (partition, payload);
        unimplemented!()
    }
}

/// Yields the messages of one lane.
#[derive(Debug)]
pub struct Consumer {}

impl Consumer {
    /// The next message; `None` when the queue was closed. Connection losses are waited out
    /// inside. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        unimplemented!()
    }
}

/// One message handed out. Dropped without [`Delivery::ack`], it will be delivered again.
#[derive(Debug)]
pub struct Delivery {
    pub lane: Lane,
    pub partition: Partition,
    pub payload: Bytes,
    /// 1 on the first delivery.
    pub deliveries: u32,
    /// It came from the dead-letter queue: the broker gave up delivering it.
    pub dead: bool,
}

impl Delivery {
    /// Done with: never delivered again. Acknowledgements may be given out of order. One that
    /// cannot reach the broker is no error: the message comes again.
    pub async fn ack(self) {
        unimplemented!()
    }

    /// Back to the head of its partition, to be delivered again (here or elsewhere).
    pub async fn requeue(self) {
        unimplemented!()
    }
}

pub mod spool;
