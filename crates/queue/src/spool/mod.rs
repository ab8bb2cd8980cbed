//! A producer that does not lose what it accepted while the broker is away.
//!
//! Messages go straight to the broker. What is not confirmed 50 ms after it was submitted is
//! also synced to a log on disk, in order; while a partition has spooled messages, new ones
//! append behind them, so order survives. A confirm moves the log's cursor. When the log's byte
//! bound is reached the newest message is refused.
//!
//! Over `disk:` the queue itself is the log and the spool is not used; over `null:` everything
//! is accepted at once.
//!
//! Each tap has a folder of its own, all of them below one parent. A tap that starts takes over
//! what other taps left there, drains it and removes their folders ([`adopt`]).
//!
//! Invariants:
//! - `Ok` means synced or confirmed; what was answered with `Ok` reaches the broker, after any
//!   restart.
//! - Per partition the broker gets messages in the order in which they were submitted, one
//!   unconfirmed at a time; a message is repeated unchanged until it is confirmed.
//! - Memory is bounded: what is neither confirmed nor synced is at most `max_held_bytes`.

mod adopt;
mod item;
mod line;
mod logs;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::{DropReason, Partition};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Lane, PublishError, Queue, QueueError,
    log::{Appending, Log},
    queue::Backend,
};
use item::Submitted;
use line::Line;
use logs::Shared;

#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// Of this tap alone; its siblings below the same parent are the spools of other taps.
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

/// Publishes exchange messages; used by the tap. Dropped, it stops at once: what was not
/// accepted by then is lost, so flush first.
#[derive(Clone, Debug)]
pub struct Spooled {
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Broker(Arc<OverBroker>),
    /// The queue is a log itself.
    Log {
        log: Arc<Log>,
        max_held_bytes: u64,
    },
    Discard,
}

#[derive(Debug)]
struct OverBroker {
    shared: Arc<Shared>,
    /// One per partition.
    lines: Vec<mpsc::UnboundedSender<Submitted>>,
}

impl Spooled {
    /// Opens the spool folder (locked by this process; unlocked sibling spools below the same
    /// parent are adopted and drained).
    pub async fn open(queue: &Queue, config: SpoolConfig) -> Result<Self, QueueError> {
        let way = match &queue.backend {
            Backend::Amqp(amqp) => {
                let logs = adopt::open_logs(&config).await?;
                let shared = Shared::new(queue, amqp, &config, &logs);
                Way::Broker(Arc::new(OverBroker::start(shared, &logs, queue.partitions())))
            }
            Backend::Disk(disk) => Way::Log {
                log: Arc::clone(disk.log(Lane::Exchanges)),
                max_held_bytes: config.max_held_bytes,
            },
            Backend::Null => Way::Discard,
        };
        Ok(Self { way })
    }

    /// Resolves when the message is accepted or refused for good. Messages of one partition go
    /// in the order of these calls; the first part (queueing behind earlier ones) happens before
    /// the future is first polled.
    pub fn submit(
        &self,
        partition: Partition,
        payload: Bytes,
    ) -> impl Future<Output = Result<Accepted, DropReason>> + Send + use<> {
        let submission = match &self.way {
            Way::Broker(broker) => broker.submit(partition, payload),
            Way::Log { log, max_held_bytes } => {
                if log.queued_bytes() + payload.len() as u64 > *max_held_bytes {
                    Submission::Settled(Err(DropReason::ByteBudget))
                } else {
                    Submission::Log(log.append(partition, payload))
                }
            }
            Way::Discard => Submission::Settled(Ok(Accepted::Confirmed)),
        };
        submission.outcome()
    }

    #[must_use]
    pub fn health(&self) -> SpoolHealth {
        match &self.way {
            Way::Broker(broker) => broker.shared.health(),
            Way::Log { log, .. } => SpoolHealth {
                held_bytes: log.queued_bytes(),
                damaged_segments: log.damaged().len() as u64,
                detail: log.failure().unwrap_or_default(),
                ..SpoolHealth::default()
            },
            Way::Discard => SpoolHealth::default(),
        }
    }

    /// Waits until everything submitted is confirmed or synced (or refused), at most `limit`.
    pub async fn flush(&self, limit: Duration) {
        let flushed = async {
            match &self.way {
                Way::Broker(broker) => broker.shared.answered().await,
                Way::Log { log, .. } => log.flush().await,
                Way::Discard => {}
            }
        };
        let _ = tokio::time::timeout(limit, flushed).await;
    }
}

impl OverBroker {
    fn start(shared: Arc<Shared>, logs: &logs::Logs, partitions: Partition) -> Self {
        let mut backlog = logs.backlog(partitions);
        let lines = (0..partitions)
            .map(|partition| {
                let spooled = backlog.remove(&partition).unwrap_or_default();
                Line::start(Arc::clone(&shared), partition, spooled)
            })
            .collect();
        Self { shared, lines }
    }

    fn submit(&self, partition: Partition, payload: Bytes) -> Submission {
        let Some(line) = self.lines.get(usize::from(partition)) else {
            return Submission::Settled(Err(DropReason::Unpackable));
        };
        let Some(held) = self.shared.hold(payload.len()) else {
            return Submission::Settled(Err(DropReason::ByteBudget));
        };
        let (reply, outcome) = oneshot::channel();
        let submitted = Submitted::now(payload, held, self.shared.reply(reply));
        // Refused only when its task is gone; the reply goes with it and says so.
        let _ = line.send(submitted);
        Submission::Broker(outcome)
    }
}

/// A message on its way.
enum Submission {
    Settled(Result<Accepted, DropReason>),
    Log(Appending),
    Broker(oneshot::Receiver<Result<Accepted, DropReason>>),
}

impl Submission {
    async fn outcome(self) -> Result<Accepted, DropReason> {
        match self {
            Self::Settled(outcome) => outcome,
            Self::Log(appending) => {
                appending.await.map(|_| Accepted::Confirmed).map_err(|error| refusal(&error))
            }
            Self::Broker(outcome) => outcome.await.unwrap_or(Err(DropReason::Unconfirmed)),
        }
    }
}

/// Why the log did not take a message.
fn refusal(error: &PublishError) -> DropReason {
    match error {
        PublishError::Full => DropReason::SpoolFull,
        PublishError::Refused(_) => DropReason::Unpackable,
        _ => DropReason::SpoolFailed,
    }
}
