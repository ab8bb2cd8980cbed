//! RabbitMQ: one durable quorum queue per lane and partition.
//!
//! Two connections, one for publishing and one for consuming, so that a broker that blocks
//! publishers still delivers. Each is kept up by a task of its own ([`link`]) that dials again,
//! opens channels and declares everything anew after any loss, be it of the connection, of a
//! channel or of the broker's data.
//!
//! Invariants:
//! - Published means confirmed by the broker, routed, within the deadline.
//! - Credentials appear in no message, log line or `Debug`.

mod commands;
mod consume;
mod dial;
mod link;
mod publish;
mod topology;

use consume::Wanted;
pub(crate) use consume::{AmqpConsumer, AmqpReceipt};

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::Partition;
use tokio::sync::{broadcast, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Lane, PublishError, QueueConfig, QueueError, QueueHealth};
use dial::Dial;
use link::{Link, State};
use topology::Topology;

/// How long opening may take before it is given up.
const OPEN_WITHIN: Duration = Duration::from_secs(5);
/// A broker that blocks publishers is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const ASK_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Amqp {
    publishing: Link,
    consuming: Arc<Link>,
    topology: Arc<Topology>,
    confirm_timeout: Duration,
    commands: broadcast::Sender<Bytes>,
    /// This process hears commands.
    listening: watch::Receiver<bool>,
    unconfirmed: TaskTracker,
    closed: CancellationToken,
    /// Ends what this queue started when it is dropped without being closed.
    dropped: CancellationToken,
}

impl Amqp {
    /// Begins to connect.
    pub(crate) fn start(
        config: &QueueConfig,
        closed: CancellationToken,
    ) -> Result<Self, QueueError> {
        let topology = Arc::new(Topology::new(config));
        let dial = Dial::new(&config.url, Arc::clone(&topology))?;
        let publishing = Link::keep_up(dial.for_publishing());
        let consuming = Arc::new(Link::keep_up(dial.for_consuming()));
        let dropped = closed.child_token();
        let commands = broadcast::Sender::new(commands::BACKLOG);
        let listening = commands::listen(
            Arc::clone(&consuming),
            Arc::clone(&topology),
            commands.clone(),
            dropped.clone(),
        );
        Ok(Self {
            publishing,
            consuming,
            topology,
            confirm_timeout: config.confirm_timeout,
            commands,
            listening,
            unconfirmed: TaskTracker::new(),
            closed,
            dropped,
        })
    }

    /// Resolves when everything is connected and declared, or with the first reason why not.
    pub(crate) async fn ready(&self) -> Result<(), QueueError> {
        let mut listening = self.listening.clone();
        let ready = async {
            self.publishing.first().await?;
            self.consuming.first().await?;
            let _ = listening.wait_for(|listening| *listening).await;
            Ok(())
        };
        tokio::time::timeout(OPEN_WITHIN, ready).await.unwrap_or_else(|_| {
            Err(QueueError::Unreachable {
                url: self.topology.shown_url.clone(),
                problem: format!("no answer within {} s", OPEN_WITHIN.as_secs()),
            })
        })
    }

    pub(crate) async fn publish(
        &self,
        lane: Lane,
        partition: Partition,
        payload: &[u8],
    ) -> Result<(), PublishError> {
        if self.closed.is_cancelled() {
            return Err(PublishError::Disconnected);
        }
        let session = self.publishing.session_now().ok_or(PublishError::Disconnected)?;
        let queue = self.topology.queue(lane, partition);
        let sent = publish::publish(&session, lane, &queue, payload, self.confirm_timeout);
        let outcome = self.unconfirmed.track_future(sent).await;
        if matches!(outcome, Err(PublishError::Refused(_))) {
            // The queue is gone, or so is the channel: declare everything anew.
            self.publishing.redial();
        }
        outcome
    }

    pub(crate) fn confirm_timeout(&self) -> Duration {
        self.confirm_timeout
    }

    /// Connected and not blocked.
    pub(crate) fn takes_messages(&self) -> bool {
        self.publishing.session_now().is_some_and(|session| !session.blocked())
    }

    /// Never, once the queue is closed.
    pub(crate) async fn until_it_takes_messages(&self) {
        loop {
            match self.publishing.session().await {
                Some(session) if !session.blocked() => return,
                Some(_) => tokio::time::sleep(LOOK_EVERY).await,
                None => std::future::pending().await,
            }
        }
    }

    pub(crate) async fn consumer(
        &self,
        lane: Lane,
        prefetch: u16,
        partitions: &[Partition],
    ) -> Result<AmqpConsumer, QueueError> {
        let consuming = Arc::clone(&self.consuming);
        let topology = Arc::clone(&self.topology);
        let wanted = Wanted { lane, prefetch: prefetch.max(1), partitions: partitions.to_vec() };
        let mut consumer =
            AmqpConsumer::start(consuming, topology, wanted, self.closed.child_token());
        let _ = tokio::time::timeout(OPEN_WITHIN, consumer.attached()).await;
        Ok(consumer)
    }

    pub(crate) fn commands(&self) -> broadcast::Sender<Bytes> {
        self.commands.clone()
    }

    pub(crate) async fn send_command(&self, command: &[u8]) {
        let Some(session) = self.publishing.session_now() else {
            tracing::debug!("a command is not sent: not connected to the broker");
            return;
        };
        let sent = commands::send(&session, &self.topology, command);
        if !matches!(tokio::time::timeout(ASK_WITHIN, sent).await, Ok(true)) {
            tracing::debug!("a command could not be sent");
        }
    }

    pub(crate) fn health(&self) -> QueueHealth {
        let (publishing, consuming) = (self.publishing.state(), self.consuming.state());
        let blocked = matches!(&publishing, State::Up(session) if session.blocked());
        let connected = matches!(publishing, State::Up(_)) && matches!(consuming, State::Up(_));
        let detail = match (publishing, consuming) {
            (State::Down(error), _) | (_, State::Down(error)) => error.to_string(),
            (State::Dialling, _) | (_, State::Dialling) => {
                format!("connecting to {}", self.topology.shown_url)
            }
            _ if blocked => "the broker blocks publishers: it is out of memory or disk".to_owned(),
            _ => String::new(),
        };
        QueueHealth { connected, blocked, detail }
    }

    /// `None` when the broker does not say so within two seconds.
    pub(crate) async fn depth(&self, lane: Lane) -> Option<u64> {
        let session = self.consuming.session_now()?;
        let depth = self.topology.depth(&session, lane);
        tokio::time::timeout(ASK_WITHIN, depth).await.ok()?
    }

    pub(crate) async fn close(&self) {
        self.closed.cancel();
        self.unconfirmed.close();
        let _ = tokio::time::timeout(self.confirm_timeout, self.unconfirmed.wait()).await;
        tokio::join!(self.publishing.close(), self.consuming.close());
    }
}

impl Drop for Amqp {
    fn drop(&mut self) {
        self.dropped.cancel();
    }
}
