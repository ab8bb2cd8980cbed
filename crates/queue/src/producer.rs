//! Publishing into one lane.

use std::sync::Arc;

use bytes::Bytes;
use exchange::Partition;
use tokio::sync::Mutex;

use crate::{Lane, amqp::Amqp, log::Log};

/// Why a message was not accepted. All are temporary as far as the caller is concerned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("not connected to the broker")]
    Disconnected,
    #[error("the broker blocks publishers (it is out of memory or disk)")]
    Blocked,
    #[error("no confirm within the deadline")]
    Unconfirmed,
    #[error("the queue is full")]
    Full,
    #[error("the queue refused the message: {0}")]
    Refused(String),
    #[error("writing the log failed: {0}")]
    Disk(String),
}

/// Publishes into one lane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Producer {
    sink: Sink,
    turns: Arc<[Mutex<()>]>,
}

#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Amqp(Arc<Amqp>, Lane),
    Log(Arc<Log>),
    Null,
}

impl Producer {
    pub(crate) fn new(sink: Sink, turns: Arc<[Mutex<()>]>) -> Self {
        Self { sink, turns }
    }

    /// Resolves when the message is confirmed (RabbitMQ) or synced (disk). Calls for one
    /// partition take their turn in the order in which they were first polled.
    pub async fn publish(&self, partition: Partition, payload: Bytes) -> Result<(), PublishError> {
        let Some(turn) = self.turns.get(usize::from(partition)) else {
            let count = self.turns.len();
            let problem = format!("there is no partition {partition}, there are {count}");
            return Err(PublishError::Refused(problem));
        };
        let _turn = turn.lock().await;
        match &self.sink {
            Sink::Amqp(amqp, lane) => amqp.publish(*lane, partition, &payload).await,
            Sink::Log(log) => log.append(partition, payload).await.map(|_| ()),
            Sink::Null => Ok(()),
        }
    }
}

/// Lets one message per lane and partition be unconfirmed at a time; a tokio mutex is fair.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    exchanges: Arc<[Mutex<()>]>,
    pairs: Arc<[Mutex<()>]>,
}

impl Turns {
    pub(crate) fn new(partitions: Partition) -> Self {
        let turns = || (0..partitions).map(|_| Mutex::new(())).collect();
        Self { exchanges: turns(), pairs: turns() }
    }

    pub(crate) fn of(&self, lane: Lane) -> Arc<[Mutex<()>]> {
        match lane {
            Lane::Exchanges => Arc::clone(&self.exchanges),
            Lane::Pairs => Arc::clone(&self.pairs),
        }
    }
}
