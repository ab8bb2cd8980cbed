//! All partitions of a lane and its dead letters as one stream.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::Partition;
use futures_util::{
    FutureExt as _, Stream, StreamExt as _,
    stream::{SelectAll, select_all},
};
use lapin::{
    Acker, Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{dial::LOOK_EVERY, link::Link, topology::Topology};
use crate::{DELIVERY_LIMIT, Lane};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// For an acknowledgement to be written, however slow the broker.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct AmqpConsumer {
    /// First, so that it is dropped before the messages that nobody took.
    _stop: DropGuard,
    messages: mpsc::Receiver<AmqpMessage>,
    attached: watch::Receiver<bool>,
}

#[derive(Debug)]
pub(crate) struct AmqpMessage {
    pub(crate) partition: Partition,
    pub(crate) payload: Bytes,
    pub(crate) deliveries: u32,
    pub(crate) dead: bool,
    pub(crate) receipt: AmqpReceipt,
}

/// Dropped unsettled, it gives the message back. Without its consumer it does not: sent to a
/// consumer that is just leaving, the message would count one delivery more.
pub(crate) struct AmqpReceipt {
    acker: Acker,
    /// Keeps the channel open for as long as something on it is unsettled.
    _channel: Channel,
    /// The consumer is gone: the broker takes back what is left when the channel closes.
    stopped: CancellationToken,
    settled: bool,
}

impl AmqpConsumer {
    pub(super) fn start(
        link: Arc<Link>,
        topology: Arc<Topology>,
        wanted: Wanted,
        stop: CancellationToken,
    ) -> Self {
        // What is handed out is bounded by the prefetch; this only decouples the tasks.
        let (hand_out, messages) = mpsc::channel(1);
        let (tell_attached, attached) = watch::channel(false);
        let stopped = stop.clone();
        let source = Source { link, topology, wanted, stop: stop.clone() };
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = source.run(hand_out, tell_attached) => {}
            }
        });
        Self { _stop: stop.drop_guard(), messages, attached }
    }

    /// Resolves when the broker knows this consumer for the first time.
    pub(super) async fn attached(&mut self) {
        let _ = self.attached.wait_for(|attached| *attached).await;
    }

    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<AmqpMessage> {
        loop {
            let message = self.messages.recv().await?;
            // One of a lost channel comes again on the new one.
            if message.receipt.acker.usable() {
                return Some(message);
            }
        }
    }
}

impl AmqpReceipt {
    pub(crate) async fn ack(mut self) {
        self.settled = true;
        match self.while_of_use(self.acker.ack(BasicAckOptions::default())).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "an acknowledgement did not reach the broker");
            }
            None => tracing::debug!("an acknowledgement ended with its channel"),
        }
    }

    pub(crate) async fn requeue(mut self) {
        self.settled = true;
        let _ = self.while_of_use(self.acker.nack(requeue())).await;
    }

    /// Nobody answers any more where a connection ended just as the frame was handed to it: the
    /// broker then delivers the message again, and whoever acknowledges must not wait for ever.
    async fn while_of_use<T>(&self, told: impl Future<Output = T>) -> Option<T> {
        let gone = async {
            let until = Instant::now() + TOLD_WITHIN;
            while !self.acker.poisoned() && Instant::now() < until {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            told = told => Some(told),
            () = gone => None,
        }
    }
}

impl Drop for AmqpReceipt {
    fn drop(&mut self) {
        if !self.settled && !self.stopped.is_cancelled() {
            // The first poll puts the frame on its way; nobody needs to wait for more.
            let _ = self.acker.nack(requeue()).now_or_never();
        }
    }
}

impl std::fmt::Debug for AmqpReceipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AmqpReceipt").field("settled", &self.settled).finish_non_exhaustive()
    }
}

fn requeue() -> BasicNackOptions {
    BasicNackOptions { multiple: false, requeue: true }
}

struct Source {
    link: Arc<Link>,
    topology: Arc<Topology>,
    wanted: Wanted,
    stop: CancellationToken,
}

/// What a consumer is to take.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) lane: Lane,
    pub(super) prefetch: u16,
    pub(super) partitions: Vec<Partition>,
}

/// `None` at the end of one of the merged streams.
type Incoming = Option<lapin::Result<AmqpMessage>>;

impl Source {
    async fn run(self, hand_out: mpsc::Sender<AmqpMessage>, tell_attached: watch::Sender<bool>) {
        let mut pause = FIRST_PAUSE;
        while let Some(session) = self.link.session().await {
            let lane = self.wanted.lane.as_str();
            match session.while_alive(self.attach(&session.connection)).await {
                Some(Ok(mut merged)) => {
                    pause = FIRST_PAUSE;
                    tell_attached.send_replace(true);
                    let handed_out = async {
                        while let Some(Some(Ok(message))) = merged.next().await {
                            if hand_out.send(message).await.is_err() {
                                return false;
                            }
                        }
                        true
                    };
                    if session.while_alive(handed_out).await == Some(false) {
                        return;
                    }
                    tracing::debug!(lane, "a consumer lost its channel");
                }
                Some(Err(error)) => tracing::debug!(lane, %error, "a consumer cannot attach yet"),
                None => {
                    tracing::debug!(lane, "the connection ended before a consumer was attached");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One channel with a consumer for each queue of the lane.
    async fn attach(
        &self,
        connection: &lapin::Connection,
    ) -> lapin::Result<SelectAll<impl Stream<Item = Incoming> + Unpin + use<>>> {
        let channel = connection.create_channel().await?;
        let Wanted { lane, prefetch, partitions } = &self.wanted;
        channel.basic_qos(*prefetch, BasicQosOptions::default()).await?;
        let mut streams = Vec::new();
        let live = partitions.iter().map(|partition| self.topology.queue(*lane, *partition));
        let dead = self.topology.dead(*lane);
        for queue in live.chain([dead.clone()]) {
            let is_dead = queue == dead;
            let options = BasicConsumeOptions::default();
            let consumer = channel
                .basic_consume(queue.into(), "".into(), options, FieldTable::default())
                .await?;
            let (channel, stop) = (channel.clone(), self.stop.clone());
            let receipt = move |acker| AmqpReceipt {
                acker,
                _channel: channel.clone(),
                stopped: stop.clone(),
                settled: false,
            };
            let incoming = consumer
                .map(move |delivery| Some(delivery.map(|d| read(d, is_dead, &receipt))))
                .chain(futures_util::stream::once(async { None }).boxed());
            streams.push(incoming);
        }
        Ok(select_all(streams))
    }
}

fn read(delivery: Delivery, dead: bool, receipt: impl Fn(Acker) -> AmqpReceipt) -> AmqpMessage {
    let headers = delivery.properties.headers().as_ref();
    let redelivered = headers
        .and_then(|headers| headers.inner().get("x-delivery-count"))
        .and_then(as_count)
        .unwrap_or(u32::from(delivery.redelivered));
    // Dead letters keep the routing key: the name of the queue they come from.
    let key = delivery.routing_key.as_str();
    let partition = key.rsplit('.').next().and_then(|p| p.parse().ok()).unwrap_or_else(|| {
        tracing::warn!(key, "a message without a partition; it counts as of partition 0");
        0
    });
    let before = if dead { DELIVERY_LIMIT + 1 } else { 0 };
    AmqpMessage {
        partition,
        payload: Bytes::from(delivery.data),
        deliveries: before.saturating_add(redelivered).saturating_add(1),
        dead,
        receipt: receipt(delivery.acker),
    }
}

/// Brokers write the count in integers of several widths.
fn as_count(value: &AMQPValue) -> Option<u32> {
    match *value {
        AMQPValue::ShortShortInt(n) => u32::try_from(n).ok(),
        AMQPValue::ShortShortUInt(n) => Some(n.into()),
        AMQPValue::ShortInt(n) => u32::try_from(n).ok(),
        AMQPValue::ShortUInt(n) => Some(n.into()),
        AMQPValue::LongInt(n) => u32::try_from(n).ok(),
        AMQPValue::LongUInt(n) => Some(n),
        AMQPValue::LongLongInt(n) => u32::try_from(n).ok(),
        _ => None,
    }
}
