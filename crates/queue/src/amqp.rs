//! RabbitMQ.

use bytes::Bytes;
use exchange::Partition;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{Lane, PublishError, QueueConfig, QueueError, QueueHealth};

#[derive(Debug)]
pub(crate) struct Amqp {}

impl Amqp {
    pub(crate) fn start(_: &QueueConfig, _: CancellationToken) -> Result<Self, QueueError> {
        unimplemented!()
    }
    pub(crate) async fn ready(&self) -> Result<(), QueueError> {
        unimplemented!()
    }
    pub(crate) async fn consumer(&self, _: Lane, _: u16) -> Result<AmqpConsumer, QueueError> {
        unimplemented!()
    }
    pub(crate) fn health(&self) -> QueueHealth {
        unimplemented!()
    }
    pub(crate) async fn depth(&self, _: Lane) -> Option<u64> {
        unimplemented!()
    }
    pub(crate) async fn close(&self) {
        unimplemented!()
    }
    pub(crate) async fn publish(
        &self,
        _: Lane,
        _: Partition,
        _: &Bytes,
    ) -> Result<(), PublishError> {
        unimplemented!()
    }
    pub(crate) fn commands(&self) -> broadcast::Sender<Bytes> {
        unimplemented!()
    }
    pub(crate) async fn send_command(&self, _: &Bytes) {
        unimplemented!()
    }
}

#[derive(Debug)]
pub(crate) struct AmqpConsumer {}

pub(crate) struct AmqpMessage {
    pub(crate) partition: Partition,
    pub(crate) payload: Bytes,
    pub(crate) deliveries: u32,
    pub(crate) dead: bool,
    pub(crate) receipt: AmqpReceipt,
}

impl AmqpConsumer {
    pub(crate) async fn next(&mut self) -> Option<AmqpMessage> {
        unimplemented!()
    }
}

#[derive(Debug)]
pub(crate) struct AmqpReceipt {}

impl AmqpReceipt {
    pub(crate) async fn ack(self) {
        unimplemented!()
    }
    pub(crate) async fn requeue(self) {
        unimplemented!()
    }
}
