//! Carry messages from stage to stage, in order per partition, at least once.
//!
//! [`Queue`] is opened from a [`QueueUrl`]. Two backends stand behind one [`Producer`] and one [`Consumer`]: RabbitMQ for separate
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

mod amqp;
mod consumer;
mod control;
mod disk;
mod log;
mod producer;
mod queue;
pub mod spool;
mod url;

pub use consumer::{Consumer, Delivery};
pub use control::{Control, ControlEvents};
#[cfg(any(test, fuzzing))]
pub use log::hostile;
pub use producer::{Producer, PublishError};
pub use queue::{Queue, QueueConfig, QueueError, QueueHealth};
pub use url::{QueueUrl, QueueUrlError};

/// A message delivered more often than this comes marked [`Delivery::dead`].
pub const DELIVERY_LIMIT: u32 = 100;

/// Which line a message travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// From tap to replayer.
    Exchanges,
    /// From replayer to comparator.
    Pairs,
}

impl Lane {
    /// As it stands in queue and folder names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exchanges => "exchanges",
            Self::Pairs => "pairs",
        }
    }
}
