//! Taking messages out of one lane.

use bytes::Bytes;
use exchange::Partition;
use tokio_util::sync::CancellationToken;

use crate::{
    DELIVERY_LIMIT, Lane,
    amqp::{AmqpConsumer, AmqpReceipt},
    log::{HandedOut, Lease, LogReader},
};

/// Yields the messages of one lane.
#[derive(Debug)]
pub struct Consumer {
    source: Source,
    lane: Lane,
}

#[derive(Debug)]
pub(crate) enum Source {
    Amqp(AmqpConsumer),
    Log(LogReader),
    Null(CancellationToken),
}

/// One message handed out. Dropped without [`Delivery::ack`], it goes back to the head of its
/// partition and is delivered again.
#[derive(Debug)]
pub struct Delivery {
    pub lane: Lane,
    pub partition: Partition,
    pub payload: Bytes,
    /// 1 on the first delivery.
    pub deliveries: u32,
    /// It came from the dead-letter queue: the broker gave up delivering it.
    pub dead: bool,
    receipt: Receipt,
}

#[derive(Debug)]
enum Receipt {
    Amqp(AmqpReceipt),
    Log(Lease),
}

impl Consumer {
    pub(crate) fn new(source: Source, lane: Lane) -> Self {
        Self { source, lane }
    }

    /// The next message; `None` when the queue was closed. Connection losses are waited out
    /// inside. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        match &mut self.source {
            Source::Amqp(consumer) => {
                let message = consumer.next().await?;
                Some(Delivery {
                    lane: self.lane,
                    partition: message.partition,
                    payload: message.payload,
                    deliveries: message.deliveries,
                    dead: message.dead,
                    receipt: Receipt::Amqp(message.receipt),
                })
            }
            Source::Log(reader) => reader.next().await.map(|out| from_log(self.lane, out)),
            Source::Null(closed) => {
                closed.cancelled().await;
                None
            }
        }
    }
}

impl Delivery {
    /// Done with: never delivered again. Acknowledgements may be given out of order. One that
    /// cannot reach the broker is no error: the message comes again.
    pub async fn ack(self) {
        match self.receipt {
            Receipt::Amqp(receipt) => receipt.ack().await,
            Receipt::Log(lease) => lease.settle(),
        }
    }

    /// Back to the head of its partition, to be delivered again (here or elsewhere). Counts as a
    /// delivery, so one given back [`DELIVERY_LIMIT`] times is dead.
    pub async fn requeue(self) {
        match self.receipt {
            Receipt::Amqp(receipt) => receipt.requeue().await,
            Receipt::Log(lease) => drop(lease),
        }
    }
}

fn from_log(lane: Lane, out: HandedOut) -> Delivery {
    Delivery {
        lane,
        partition: out.partition,
        payload: out.payload,
        deliveries: out.deliveries,
        // The broker delivers once more than its limit; the log does the same.
        dead: out.deliveries > DELIVERY_LIMIT + 1,
        receipt: Receipt::Log(out.lease),
    }
}
