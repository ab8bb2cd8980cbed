//! The names and arguments of everything on the broker. Arguments are fixed for a queue's life:
//! whoever changes them here counts up the version in the name.

use lapin::{
    Channel, Connection, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString},
};

use super::dial::Session;
use crate::{DELIVERY_LIMIT, Lane, QueueConfig, QueueError};

use exchange::Partition;

/// The dead-letter queue itself never gives up (newer brokers would after 20 deliveries).
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000_000;
const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;
const LANES: [Lane; 2] = [Lane::Exchanges, Lane::Pairs];

#[derive(Debug)]
pub(super) struct Topology {
    pub(super) prefix: String,
    pub(super) partitions: Partition,
    /// Without credentials.
    pub(super) shown_url: String,
    max_bytes: u64,
}

impl Topology {
    pub(super) fn new(config: &QueueConfig) -> Self {
        Self {
            prefix: config.prefix.clone(),
            partitions: config.partitions.max(1),
            shown_url: config.url.to_string(),
            max_bytes: config.max_bytes,
        }
    }

    pub(super) fn queue(&self, lane: Lane, partition: Partition) -> String {
        format!("{}.{}.v1.{partition}", self.prefix, lane.as_str())
    }

    /// Of the dead-letter queue and of the exchange before it.
    pub(super) fn dead(&self, lane: Lane) -> String {
        format!("{}.dead.{}.v1", self.prefix, lane.as_str())
    }

    pub(super) fn commands(&self) -> String {
        format!("{}.control.v1", self.prefix)
    }

    pub(super) fn unreachable(&self, problem: &str) -> QueueError {
        QueueError::Unreachable { url: self.shown_url.clone(), problem: problem.to_owned() }
    }

    /// Declares everything; what exists with other arguments is refused.
    pub(super) async fn declare(&self, connection: &Connection) -> Result<(), QueueError> {
        let failed = |error| self.explain(&self.prefix, &error);
        let channel = connection.create_channel().await.map_err(failed)?;
        self.declare_commands(&channel)
            .await
            .map_err(|error| self.explain(&self.commands(), &error))?;
        for lane in LANES {
            self.refuse_more_partitions(connection, lane).await?;
            let dead = self.dead(lane);
            let failed = |error| self.explain(&dead, &error);
            declare_fanout(&channel, &dead).await.map_err(failed)?;
            self.declare_queue(&channel, &dead, self.dead_arguments()).await?;
            let (name, options) = (dead.as_str(), QueueBindOptions::default());
            channel
                .queue_bind(name.into(), name.into(), "".into(), options, FieldTable::default())
                .await
                .map_err(failed)?;
            for partition in 0..self.partitions {
                let arguments = self.queue_arguments(&dead);
                self.declare_queue(&channel, &self.queue(lane, partition), arguments).await?;
            }
        }
        let _ = channel.close(200, "declared".into()).await;
        Ok(())
    }

    /// The exchange for commands, for whoever comes first.
    pub(super) async fn declare_commands(&self, channel: &Channel) -> lapin::Result<()> {
        declare_fanout(channel, &self.commands()).await
    }

    /// Messages that are ready in a lane.
    pub(super) async fn depth(&self, session: &Session, lane: Lane) -> Option<u64> {
        let channel = session.connection.create_channel().await.ok()?;
        let mut depth = 0;
        for partition in 0..self.partitions {
            let name = self.queue(lane, partition);
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
            let queue = channel.queue_declare(name.into(), options, FieldTable::default()).await;
            depth += u64::from(queue.ok()?.message_count());
        }
        let _ = channel.close(200, "asked".into()).await;
        Some(depth)
    }

    async fn declare_queue(
        &self,
        channel: &Channel,
        name: &str,
        arguments: FieldTable,
    ) -> Result<(), QueueError> {
        channel
            .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
            .await
            .map(|_| ())
            .map_err(|error| self.explain(name, &error))
    }

    /// A role with fewer partitions than another would never read the rest.
    async fn refuse_more_partitions(
        &self,
        connection: &Connection,
        lane: Lane,
    ) -> Result<(), QueueError> {
        let queue = self.queue(lane, self.partitions);
        let failed = |error| self.explain(&queue, &error);
        // A channel of its own: the broker closes it when it does not know the queue.
        let channel = connection.create_channel().await.map_err(failed)?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let name = queue.as_str().into();
        match channel.queue_declare(name, options, FieldTable::default()).await {
            Ok(_) => {
                let problem = format!(
                    "it belongs to more than the configured {} partitions; configure as many in \
                     every role, or delete it once it is empty",
                    self.partitions
                );
                Err(QueueError::Mismatch { queue, problem })
            }
            Err(error) if protocol_code(&error) == Some(NOT_FOUND) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn queue_arguments(&self, dead: &str) -> FieldTable {
        // The bound is the lane's; each of its queues gets its share.
        let mut arguments = self.bounded(self.max_bytes / u64::from(self.partitions));
        let mut set = |key: &str, value| {
            arguments.insert(key.into(), value);
        };
        set("x-single-active-consumer", AMQPValue::Boolean(true));
        set("x-delivery-limit", AMQPValue::LongLongInt(i64::from(DELIVERY_LIMIT)));
        set("x-dead-letter-exchange", text(dead));
        set("x-dead-letter-strategy", text("at-least-once"));
        arguments
    }

    fn dead_arguments(&self) -> FieldTable {
        let mut arguments = self.bounded(self.max_bytes);
        let limit = AMQPValue::LongLongInt(DEAD_DELIVERY_LIMIT);
        arguments.insert("x-delivery-limit".into(), limit);
        arguments
    }

    fn bounded(&self, max_bytes: u64) -> FieldTable {
        let mut arguments = FieldTable::default();
        let max_bytes = i64::try_from(max_bytes.max(1)).unwrap_or(i64::MAX);
        let mut set = |key: &str, value| {
            arguments.insert(key.into(), value);
        };
        set("x-queue-type", text("quorum"));
        set("x-overflow", text("reject-publish"));
        set("x-max-length-bytes", AMQPValue::LongLongInt(max_bytes));
        arguments
    }

    fn explain(&self, name: &str, error: &lapin::Error) -> QueueError {
        let said = match error.kind() {
            ErrorKind::ProtocolError(error) => error.get_message().to_string(),
            _ => error.to_string(),
        };
        if protocol_code(error) == Some(PRECONDITION_FAILED) {
            let problem = format!(
                "{said}; configure the same bounds in every role, use another prefix, or delete \
                 the queue once it is empty"
            );
            return QueueError::Mismatch { queue: name.to_owned(), problem };
        }
        self.unreachable(&format!("{name} cannot be declared: {said}"))
    }
}

async fn declare_fanout(channel: &Channel, name: &str) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let (kind, arguments) = (ExchangeKind::Fanout, FieldTable::default());
    channel.exchange_declare(name.into(), kind, options, arguments).await
}

fn protocol_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
