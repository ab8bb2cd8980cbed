//! The open queue: chooses the backend once, for everybody.

use std::{path::PathBuf, sync::Arc, time::Duration};

use exchange::Partition;
use tokio_util::sync::CancellationToken;

use crate::{
    Consumer, Control, Lane, Producer, QueueUrl,
    amqp::Amqp,
    consumer::Source,
    disk::DiskQueue,
    producer::{Sink, Turns},
};

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
    pub confirm_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("the broker at {url} cannot be reached: {problem}")]
    Unreachable { url: String, problem: String },
    #[error("queue {queue} exists with other settings: {problem}")]
    Mismatch { queue: String, problem: String },
    #[error("{path}: {problem}")]
    Disk { path: PathBuf, problem: String },
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
}

/// What a page or probe says of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueHealth {
    pub connected: bool,
    /// The broker blocks publishers (an alarm).
    pub blocked: bool,
    /// One line for people.
    pub detail: String,
}

/// An open queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    pub(crate) backend: Backend,
    partitions: Partition,
    turns: Turns,
    control: Control,
    closed: CancellationToken,
}

#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Amqp(Arc<Amqp>),
    Disk(Arc<DiskQueue>),
    Null,
}

impl Queue {
    /// Connects and declares what is needed, or fails with what to do. RabbitMQ that is down is
    /// an error here; once open, the connection is kept up for ever.
    pub async fn open(config: QueueConfig) -> Result<Self, QueueError> {
        let queue = Self::open_lazy(config).await?;
        if let Backend::Amqp(amqp) = &queue.backend
            && let Err(error) = amqp.ready().await
        {
            queue.close().await;
            return Err(error);
        }
        Ok(queue)
    }

    /// Like [`Queue::open`], but a broker that is down is no error: it is connected when it comes
    /// up. For the tap, which starts without a broker.
    pub async fn open_lazy(config: QueueConfig) -> Result<Self, QueueError> {
        let closed = CancellationToken::new();
        let partitions = config.partitions.max(1);
        let turns = Turns::new(partitions);
        let (backend, control) = match &config.url {
            QueueUrl::Amqp(_) => {
                let amqp = Arc::new(Amqp::start(&config, closed.clone())?);
                let control = Control::over(&amqp, closed.clone());
                (Backend::Amqp(amqp), control)
            }
            QueueUrl::Disk(path) => {
                let disk = DiskQueue::open(path.clone(), config.max_bytes).await?;
                (Backend::Disk(Arc::new(disk)), Control::within_process(closed.clone()))
            }
            QueueUrl::Null => (Backend::Null, Control::within_process(closed.clone())),
        };
        Ok(Self { backend, partitions, turns, control, closed })
    }

    #[must_use]
    pub fn partitions(&self) -> Partition {
        self.partitions
    }

    #[must_use]
    pub fn producer(&self, lane: Lane) -> Producer {
        let sink = match &self.backend {
            Backend::Amqp(amqp) => Sink::Amqp(Arc::clone(amqp), lane),
            Backend::Disk(disk) => Sink::Log(Arc::clone(disk.log(lane))),
            Backend::Null => Sink::Null,
        };
        Producer::new(sink, self.turns.of(lane))
    }

    /// All partitions of one lane. `prefetch` = messages handed out and not yet acknowledged per
    /// partition. Also yields dead-lettered messages of the lane, marked `dead`.
    ///
    /// Where a lane has several consumers, each partition is served to one of them; another takes
    /// over when that one is dropped.
    pub async fn consumer(&self, lane: Lane, prefetch: u16) -> Result<Consumer, QueueError> {
        let all: Vec<Partition> = (0..self.partitions).collect();
        self.consumer_of(lane, prefetch, &all).await
    }

    /// As [`Queue::consumer`], of some partitions only. A queue of one process has nobody to
    /// share with and gives all of them.
    pub async fn consumer_of(
        &self,
        lane: Lane,
        prefetch: u16,
        partitions: &[Partition],
    ) -> Result<Consumer, QueueError> {
        let source = match &self.backend {
            Backend::Amqp(amqp) => Source::Amqp(amqp.consumer(lane, prefetch, partitions).await?),
            Backend::Disk(disk) => Source::Log(disk.reader(lane, prefetch)),
            Backend::Null => Source::Null(self.closed.clone()),
        };
        Ok(Consumer::new(source, lane))
    }

    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    #[must_use]
    pub fn health(&self) -> QueueHealth {
        match &self.backend {
            Backend::Amqp(amqp) => amqp.health(),
            Backend::Disk(disk) => disk.health(),
            Backend::Null => QueueHealth {
                connected: true,
                blocked: false,
                detail: "messages are discarded".to_owned(),
            },
        }
    }

    /// Messages waiting in a lane, where the backend can tell.
    pub async fn depth(&self, lane: Lane) -> Option<u64> {
        match &self.backend {
            Backend::Amqp(amqp) => amqp.depth(lane).await,
            Backend::Disk(disk) => Some(disk.log(lane).size().ready),
            Backend::Null => Some(0),
        }
    }

    /// Stops deliveries, lets confirms arrive (bounded) and disconnects.
    pub async fn close(self) {
        self.closed.cancel();
        match &self.backend {
            Backend::Amqp(amqp) => amqp.close().await,
            Backend::Disk(disk) => disk.close().await,
            Backend::Null => {}
        }
    }
}
