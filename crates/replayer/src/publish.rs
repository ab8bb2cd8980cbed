//! What is settled goes to the comparator, and only then are messages acknowledged.
//!
//! One task per partition gathers settled exchanges, heads of messages and marks into one
//! message (64 of them, 256 KiB, or 50 ms after the first) and publishes it until it is
//! confirmed. Notes leave in the order in which they were handed in: a message's head is never
//! behind its exchanges.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::{
    Epoch, Mark, PairBatch, Partition, Rechecked, Settled, TapSnapshot, Unreadable, Voids,
    envelope, seal::Keyring,
};
use queue::{Delivery, Lane, Producer, Queue};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    hand::{Hand, MessageId, Part},
    held::{HeldBytes, size_of_pair},
    metrics::Metrics,
};

const MOST_NOTES: usize = 64;
const MOST_BYTES: usize = 256 * 1024;
const GATHER: Duration = Duration::from_millis(50);
/// A mark that nothing else carries goes by itself after this.
const MARK_WAITS: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Something the comparator has to learn.
#[derive(Debug)]
pub(crate) enum Note {
    /// Account of the tap that came with a message.
    Head { message: MessageId, snapshot: TapSnapshot, voids: Vec<Voids> },
    /// One exchange of a message; `bytes` are counted as held until it is confirmed.
    Settled { message: MessageId, index: usize, settled: Settled, bytes: usize },
    /// A message that did not open.
    Unreadable { delivery: Delivery, detail: String, at: exchange::Micros },
    /// Of a recheck; belongs to no message.
    Rechecked(Box<Rechecked>),
}

/// Where the stages of the replayer hand in their notes.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    partitions: Vec<mpsc::UnboundedSender<Note>>,
}

/// What publishing needs beside the queue.
#[derive(Clone, Debug)]
pub(crate) struct Downstream {
    pub(crate) keys: Arc<Keyring>,
    pub(crate) hand: Arc<Hand>,
    pub(crate) held: Arc<HeldBytes>,
    pub(crate) metrics: Arc<Metrics>,
    /// Stops trying: what is not confirmed by then will be delivered again.
    pub(crate) give_up: CancellationToken,
}

impl Publisher {
    /// One task per partition; each ends when every clone of the publisher is gone and what was
    /// handed in is confirmed.
    pub(crate) fn start(
        queue: &Queue,
        downstream: &Downstream,
    ) -> (Self, JoinSet<anyhow::Result<()>>) {
        let mut tasks = JoinSet::new();
        let partitions = (0..queue.partitions())
            .map(|partition| {
                let (hand_in, notes) = mpsc::unbounded_channel();
                let lane = PartitionLane {
                    partition,
                    producer: queue.producer(Lane::Pairs),
                    downstream: downstream.clone(),
                    notes,
                    carried: None,
                    marked: HashMap::new(),
                };
                tasks.spawn(lane.run());
                hand_in
            })
            .collect();
        (Self { partitions }, tasks)
    }

    /// Hands in a note of a message of `partition` of the queue.
    pub(crate) fn hand_in(&self, partition: Partition, note: Note) {
        // A lane that ended has given up: the message is delivered again.
        if let Some(lane) = self.partitions.get(usize::from(partition)) {
            let _ = lane.send(note);
        }
    }
}

struct PartitionLane {
    partition: Partition,
    producer: Producer,
    downstream: Downstream,
    notes: mpsc::UnboundedReceiver<Note>,
    /// Did not fit into the last message.
    carried: Option<Note>,
    /// The marks that are published, by epoch.
    marked: HashMap<Epoch, u64>,
}

/// One message being put together.
#[derive(Default)]
struct Gathered {
    batch: PairBatch,
    parts: Vec<(MessageId, Part)>,
    unreadable: Vec<Delivery>,
    bytes: usize,
    held: usize,
}

impl PartitionLane {
    async fn run(mut self) -> anyhow::Result<()> {
        let give_up = self.downstream.give_up.clone();
        loop {
            let Some(mut gathered) = self.gather().await else { return Ok(()) };
            gathered.batch.partition = self.partition;
            gathered.batch.marks = self.new_marks();
            if gathered.is_empty() {
                continue;
            }
            let marks = gathered.batch.marks.clone();
            let (payload, gathered) = seal(Arc::clone(&self.downstream.keys), gathered).await?;
            tokio::select! {
                biased;
                () = give_up.cancelled() => return Ok(()),
                () = self.publish(payload) => {}
            }
            self.published(gathered, marks).await;
        }
    }

    /// The next message's worth of notes; empty when only a mark is due; `None` at the end.
    async fn gather(&mut self) -> Option<Gathered> {
        let mut gathered = Gathered::default();
        let first = match self.carried.take() {
            Some(note) => note,
            None if self.new_marks().is_empty() => self.notes.recv().await?,
            None => match tokio::time::timeout(MARK_WAITS, self.notes.recv()).await {
                Ok(Some(note)) => note,
                // The end, with a mark still to tell: the call after this one ends it.
                Ok(None) | Err(_) => return Some(gathered),
            },
        };
        gathered.push(first);
        let until = Instant::now() + GATHER;
        while gathered.parts.len() < MOST_NOTES && gathered.bytes < MOST_BYTES {
            let Ok(Some(note)) = tokio::time::timeout_at(until, self.notes.recv()).await else {
                break;
            };
            if gathered.bytes + note.bytes() > MOST_BYTES {
                self.carried = Some(note);
                break;
            }
            gathered.push(note);
        }
        Some(gathered)
    }

    /// Marks that moved since they were published.
    fn new_marks(&self) -> Vec<Mark> {
        let mut marks = self.downstream.hand.marks(self.partition);
        marks.retain(|mark| self.marked.get(&mark.epoch).is_none_or(|below| *below < mark.below));
        marks
    }

    /// Until it is confirmed. Told when it begins and when it is over, not at each try.
    async fn publish(&self, payload: Bytes) {
        let mut pause = FIRST_PAUSE;
        let mut refused = false;
        while let Err(error) = self.producer.publish(self.partition, payload.clone()).await {
            self.downstream.metrics.publish_retries.inc();
            if !refused {
                tracing::warn!(
                    error = %error,
                    queue.partition = self.partition,
                    "results are not accepted by the queue: trying again until they are"
                );
            }
            refused = true;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if refused {
            tracing::info!(queue.partition = self.partition, "results are accepted again");
        }
    }

    async fn published(&mut self, gathered: Gathered, marks: Vec<Mark>) {
        self.downstream.held.remove(gathered.held);
        self.marked.extend(marks.iter().map(|mark| (mark.epoch, mark.below)));
        for (message, part) in gathered.parts {
            let Some(deliveries) = self.downstream.hand.confirmed(message, part) else { continue };
            acknowledge(deliveries).await;
            acknowledge(self.downstream.hand.acknowledged(message)).await;
        }
        acknowledge(gathered.unreadable).await;
    }
}

async fn acknowledge(deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        delivery.ack().await;
    }
}

impl Note {
    fn bytes(&self) -> usize {
        match self {
            Self::Head { voids, .. } => 256 + voids.len() * 32,
            Self::Settled { bytes, .. } => *bytes,
            Self::Unreadable { delivery, detail, .. } => delivery.payload.len() + detail.len(),
            Self::Rechecked(rechecked) => rechecked.places.len() + size_of_pair(&rechecked.pair),
        }
    }
}

impl Gathered {
    fn push(&mut self, note: Note) {
        self.bytes += note.bytes();
        match note {
            Note::Head { message, snapshot, voids } => {
                self.parts.push((message, Part::Head));
                self.batch.snapshots.push(snapshot);
                self.batch.voids.extend(voids);
            }
            Note::Settled { message, index, settled, bytes } => {
                self.parts.push((message, Part::Exchange(index)));
                self.batch.settled.push(settled);
                self.held += bytes;
            }
            Note::Rechecked(rechecked) => self.batch.rechecked.push(*rechecked),
            Note::Unreadable { delivery, detail, at } => {
                let sealed = delivery.payload.to_vec();
                self.batch.unreadable.push(Unreadable { at, detail, sealed });
                self.unreadable.push(delivery);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
            && self.unreadable.is_empty()
            && self.batch.marks.is_empty()
            && self.batch.rechecked.is_empty()
    }
}

/// Off the reactor: a large message takes milliseconds to pack and seal.
async fn seal(keys: Arc<Keyring>, gathered: Gathered) -> anyhow::Result<(Bytes, Gathered)> {
    let mut gathered = gathered;
    let sealing = tokio::task::spawn_blocking(move || {
        let batch = std::mem::take(&mut gathered.batch);
        let sealed = envelope::seal_pairs(&keys, &batch)?;
        anyhow::Ok((Bytes::from(sealed), gathered))
    });
    sealing.await?
}
