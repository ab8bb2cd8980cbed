//! The messages in hand: taken from the queue, not yet acknowledged.
//!
//! Invariants:
//! - A message is acknowledged once its head (snapshot, voids) and each of its exchanges are
//!   confirmed downstream, and not before.
//! - A message that comes again while it is in hand is not run again; what was confirmed of one
//!   that was given back is not run again either.
//! - The mark of an epoch and partition never passes a live message that is in hand or was given
//!   back. Messages of a partition come in the order of their numbers, so everything below the
//!   lowest one in hand was acknowledged, or is lost.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use exchange::{Epoch, ExchangeBatch, Mark, Partition};
use queue::Delivery;

/// Acknowledged messages remembered, so that one whose acknowledgement was lost is not run again.
const REMEMBERED: usize = 8_192;

/// One message: the serial is unique within its tap epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId {
    epoch: Epoch,
    serial: u64,
}

impl MessageId {
    pub(crate) fn of(batch: &ExchangeBatch) -> Self {
        Self { epoch: batch.epoch, serial: batch.snapshot.serial }
    }
}

/// A part of a message that is confirmed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Head,
    Exchange(usize),
}

/// What to do with a message that arrived.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was never seen: publish its head and run all of it.
    New,
    /// It was given back: run the exchanges at these places.
    Again(Vec<usize>),
    /// It is in hand already.
    InHand,
    /// It was acknowledged before.
    Done(Box<Delivery>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Open,
    /// Run; its result is on its way.
    Settled,
    Confirmed,
}

#[derive(Debug)]
struct Held {
    partition: Partition,
    deliveries: Vec<Delivery>,
    head_confirmed: bool,
    exchanges: Vec<Progress>,
    place: Place,
    given_back: bool,
}

/// Where a message stands among the numbers of its partition.
#[derive(Clone, Copy, Debug)]
struct Place {
    partition: Partition,
    /// The lowest number it brings; of a heartbeat, the next one to be given.
    from: u64,
    /// The number after the highest it brings.
    to: u64,
    /// From the dead-letter queue, out of order: says nothing about its neighbours.
    dead: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Hand {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: HashMap<MessageId, Held>,
    /// Numbers below are acknowledged, by epoch and partition.
    acknowledged: HashMap<(Epoch, Partition), u64>,
    done: HashSet<MessageId>,
    done_in_order: VecDeque<MessageId>,
}

impl Hand {
    /// Takes a message over.
    pub(crate) fn take(&self, delivery: Delivery, batch: &ExchangeBatch) -> Taken {
        let id = MessageId::of(batch);
        let mut inner = self.lock();
        if inner.done.contains(&id) {
            return Taken::Done(Box::new(delivery));
        }
        if let Some(held) = inner.held.get_mut(&id) {
            held.deliveries.push(delivery);
            if !std::mem::take(&mut held.given_back) {
                return Taken::InHand;
            }
            let open = held.exchanges.iter().enumerate();
            return Taken::Again(
                open.filter(|(_, p)| **p == Progress::Open).map(|(i, _)| i).collect(),
            );
        }
        let held = Held {
            partition: delivery.partition,
            place: Place::of(batch, delivery.dead),
            deliveries: vec![delivery],
            head_confirmed: false,
            exchanges: vec![Progress::Open; batch.exchanges.len()],
            given_back: false,
        };
        inner.held.insert(id, held);
        Taken::New
    }

    /// A result is on its way: the exchange is not run again by this process.
    pub(crate) fn settled(&self, id: MessageId, index: usize) {
        let mut inner = self.lock();
        let held = inner.held.get_mut(&id);
        if let Some(progress) = held.and_then(|held| held.exchanges.get_mut(index)) {
            *progress = Progress::Settled;
        }
    }

    /// A part is confirmed downstream. The deliveries to acknowledge, once all parts are; then
    /// call [`Hand::acknowledged`].
    pub(crate) fn confirmed(&self, id: MessageId, part: Part) -> Option<Vec<Delivery>> {
        let mut inner = self.lock();
        let held = inner.held.get_mut(&id)?;
        match part {
            Part::Head => held.head_confirmed = true,
            Part::Exchange(index) => *held.exchanges.get_mut(index)? = Progress::Confirmed,
        }
        held.is_done().then(|| std::mem::take(&mut held.deliveries))
    }

    /// The message is acknowledged: the mark may pass it. A delivery of it that came meanwhile is
    /// handed out to be acknowledged too.
    pub(crate) fn acknowledged(&self, id: MessageId) -> Vec<Delivery> {
        let mut inner = self.lock();
        let Some(held) = inner.held.remove(&id) else { return Vec::new() };
        if !held.place.dead {
            let key = (id.epoch, held.place.partition);
            let below = inner.acknowledged.entry(key).or_default();
            *below = (*below).max(held.place.to);
        }
        inner.remember(id);
        held.deliveries
    }

    /// The marks of the epochs in one partition, as of now.
    pub(crate) fn marks(&self, partition: Partition) -> Vec<Mark> {
        let inner = self.lock();
        let of_partition = inner.acknowledged.iter().filter(|((_, p), _)| *p == partition);
        of_partition
            .map(|(&(epoch, partition), &below)| {
                let in_hand = inner.held.iter().filter(|(id, held)| {
                    id.epoch == epoch && held.place.partition == partition && !held.place.dead
                });
                let lowest = in_hand.map(|(_, held)| held.place.from).min();
                Mark { epoch, partition, below: lowest.map_or(below, |lowest| lowest.min(below)) }
            })
            .collect()
    }

    /// Whether a partition's window is used up: nothing more of it comes before something is
    /// acknowledged.
    pub(crate) fn is_full(&self, partition: Partition, prefetch: u16) -> bool {
        let inner = self.lock();
        let held = inner.held.values().filter(|h| h.partition == partition && !h.given_back);
        held.count() >= usize::from(prefetch)
    }

    /// The messages of which something was not run, to be given back to the queue in this order:
    /// the lowest numbers first.
    pub(crate) fn give_back(&self) -> Vec<Delivery> {
        let mut inner = self.lock();
        let mut unfinished: Vec<&mut Held> = inner
            .held
            .values_mut()
            .filter(|held| held.exchanges.contains(&Progress::Open))
            .collect();
        unfinished.sort_by_key(|held| held.place.from);
        let given_back = unfinished.into_iter().flat_map(|held| {
            held.given_back = true;
            std::mem::take(&mut held.deliveries)
        });
        given_back.collect()
    }

    /// Forgets what was given back and did not come again: another process has it.
    pub(crate) fn forget_given_back(&self) {
        self.lock().held.retain(|_, held| !held.given_back);
    }

    pub(crate) fn messages(&self) -> usize {
        self.lock().held.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remember(&mut self, id: MessageId) {
        if self.done.insert(id) {
            self.done_in_order.push_back(id);
        }
        if self.done_in_order.len() > REMEMBERED
            && let Some(oldest) = self.done_in_order.pop_front()
        {
            self.done.remove(&oldest);
        }
    }
}

impl Held {
    fn is_done(&self) -> bool {
        self.head_confirmed && self.exchanges.iter().all(|p| *p == Progress::Confirmed)
    }
}

impl Place {
    fn of(batch: &ExchangeBatch, dead: bool) -> Self {
        let numbers = batch.exchanges.iter().map(|exchange| exchange.number.n);
        let next = batch.snapshot.partition.next;
        let from = numbers.clone().min().unwrap_or(next);
        let to = numbers.max().map_or(next, |highest| highest.saturating_add(1));
        Self { partition: batch.partition, from, to, dead }
    }
}
