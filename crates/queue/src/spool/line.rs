//! The messages of one partition, in order, on their way to the broker.
//!
//! ```text
//!        front                                     back
//!   ── in flight ── spooled … spooled ── held … held ──
//! ```
//! Only the front is sent, again and again until it is confirmed. Held messages are in memory
//! alone; once one of them waits too long all of them go to the log, in order, and so does every
//! later one until the line is empty of spooled messages.

use std::{
    collections::{BTreeSet, VecDeque},
    future::pending,
    io,
    sync::Arc,
    time::Duration,
};

use exchange::{DropReason, Partition};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Accepted,
    item::{Item, Submitted},
    logs::{Shared, Stored},
    refusal,
};
use crate::{PublishError, log::Sequence};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A stored message that cannot be read this often is passed over.
const READ_TRIES: u32 = 3;

enum Sent {
    Confirmed,
    NotYet(PublishError),
    Unreadable(io::Error),
}

pub(super) struct Line {
    shared: Arc<Shared>,
    partition: Partition,
    items: VecDeque<Item>,
    /// Those of `items` that are held or appending: few, where thousands may be stored.
    in_memory: BTreeSet<u64>,
    stored: usize,
    last_id: u64,
    /// The front, on its way to the broker.
    in_flight: Option<BoxFuture<'static, Sent>>,
    appends: FuturesOrdered<BoxFuture<'static, (u64, Result<Sequence, PublishError>)>>,
    /// Not before this is the front sent again.
    resume: Instant,
    pause: Duration,
    unreadable: u32,
}

impl Line {
    pub(super) fn start(
        shared: Arc<Shared>,
        partition: Partition,
        spooled: Vec<Stored>,
    ) -> mpsc::UnboundedSender<Submitted> {
        let (submit, submitted) = mpsc::unbounded_channel();
        let mut line = Self {
            shared,
            partition,
            items: VecDeque::new(),
            in_memory: BTreeSet::new(),
            stored: spooled.len(),
            last_id: 0,
            in_flight: None,
            appends: FuturesOrdered::new(),
            resume: Instant::now(),
            pause: FIRST_PAUSE,
            unreadable: 0,
        };
        for stored in spooled {
            let id = line.next_id();
            line.items.push_back(Item::stored(id, stored));
        }
        tokio::spawn(line.run(submitted));
        submit
    }

    /// Until nobody can submit any more.
    async fn run(mut self, mut submitted: mpsc::UnboundedReceiver<Submitted>) {
        loop {
            self.send_front();
            let waits = self.in_flight.is_none() && !self.items.is_empty();
            let (amqp, resume) = (Arc::clone(&self.shared.amqp), self.resume);
            let able_to_send = async {
                sleep_until(resume).await;
                amqp.until_it_takes_messages().await;
            };
            let due = self.next_due();
            tokio::select! {
                new = submitted.recv() => match new {
                    Some(new) => self.accept(new),
                    None => return,
                },
                sent = front(&mut self.in_flight) => self.on_sent(sent),
                Some((id, appended)) = self.appends.next() => self.on_appended(id, appended),
                () = at(due) => self.on_due(),
                () = able_to_send, if waits => {}
            }
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Held as long as nothing before it is in the log and the broker answers in time.
    fn accept(&mut self, new: Submitted) {
        let behind = self.items.back().is_some_and(|last| last.appending || last.stored.is_some());
        let id = self.next_id();
        self.items.push_back(Item::held(id, new));
        self.in_memory.insert(id);
        if behind || !self.shared.amqp.takes_messages() {
            self.spool_held();
        }
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.items.binary_search_by_key(&id, |item| item.id).ok()
    }

    fn item(&mut self, id: u64) -> Option<&mut Item> {
        self.place(id).and_then(|place| self.items.get_mut(place))
    }

    /// Held and appending messages, in order.
    fn in_memory(&self) -> impl Iterator<Item = &Item> {
        self.in_memory.iter().filter_map(|id| self.items.get(self.place(*id)?))
    }

    /// Sends all held messages to the log, in order, but for those that it refused before.
    fn spool_held(&mut self) {
        let (log, partition) = (Arc::clone(&self.shared.own), self.partition);
        for id in self.in_memory.clone() {
            let Some(item) = self.item(id) else { continue };
            if item.appending || item.refused.is_some() {
                continue;
            }
            let Some(memory) = &item.memory else { continue };
            let append = log.append(partition, memory.payload.clone());
            item.appending = true;
            self.appends.push_back(append.map(move |appended| (id, appended)).boxed());
        }
    }

    fn on_appended(&mut self, id: u64, appended: Result<Sequence, PublishError>) {
        let stored = appended.map(|sequence| self.shared.stored(sequence, self.partition));
        match (self.item(id), stored) {
            (Some(item), Ok(stored)) => {
                item.appending = false;
                item.stored = Some(stored);
                item.memory = None;
                item.answer(Ok(Accepted::Spooled));
                self.in_memory.remove(&id);
                self.stored += 1;
            }
            // Confirmed while it was being written.
            (None, Ok(stored)) => self.shared.settle(&stored),
            (Some(item), Err(error)) => {
                item.appending = false;
                item.refused = Some(refusal(&error));
                self.refuse_the_hopeless();
            }
            (None, Err(_)) => {}
        }
    }

    /// Without the log a message may wait for its confirm, if one can come soon.
    fn refuse_the_hopeless(&mut self) {
        if self.shared.amqp.takes_messages() && self.stored == 0 {
            return;
        }
        self.refuse(|item| Some(given_up(item.unconfirmed, item.refused?)));
    }

    /// Answers and forgets messages that the log refused, but for the one in flight: its outcome
    /// decides about it.
    fn refuse(&mut self, reason: impl Fn(&Item) -> Option<DropReason>) {
        let in_flight = self.in_flight_id();
        for id in self.in_memory.clone() {
            let Some(place) = self.place(id) else { continue };
            let refused = self.items.get(place).filter(|item| item.refused.is_some());
            if in_flight != Some(id)
                && let Some(reason) = refused.and_then(&reason)
                && let Some(mut item) = self.items.remove(place)
            {
                item.answer(Err(reason));
                self.in_memory.remove(&id);
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let in_flight = self.in_flight_id();
        let counts = |item: &&Item| item.refused.is_none() || in_flight != Some(item.id);
        self.in_memory().filter(counts).filter_map(|item| item.due(&self.shared)).min()
    }

    fn on_due(&mut self) {
        let (now, shared) = (Instant::now(), Arc::clone(&self.shared));
        let is_due = |item: &Item| item.due(&shared).is_some_and(|due| due <= now);
        self.refuse(|item| is_due(item).then_some(DropReason::Unconfirmed));
        if self.in_memory().any(|item| item.refused.is_none() && is_due(item)) {
            self.spool_held();
        }
    }

    fn in_flight_id(&self) -> Option<u64> {
        self.in_flight.as_ref().and_then(|_| self.items.front()).map(|front| front.id)
    }

    fn send_front(&mut self) {
        if self.in_flight.is_some()
            || self.resume > Instant::now()
            || !self.shared.amqp.takes_messages()
        {
            return;
        }
        let Some(front) = self.items.front() else { return };
        let memory = front.memory.as_ref().map(|memory| memory.payload.clone());
        let stored = front.stored.clone();
        let (producer, partition) = (self.shared.producer.clone(), self.partition);
        let sending = async move {
            let payload = match (memory, stored) {
                (Some(payload), _) => payload,
                (None, Some(stored)) => match stored.read().await {
                    Ok(payload) => payload,
                    Err(error) => return Sent::Unreadable(error),
                },
                (None, None) => return Sent::Unreadable(io::Error::other("it is nowhere")),
            };
            match producer.publish(partition, payload).await {
                Ok(()) => Sent::Confirmed,
                Err(error) => Sent::NotYet(error),
            }
        };
        self.in_flight = Some(sending.boxed());
    }

    fn on_sent(&mut self, sent: Sent) {
        self.in_flight = None;
        match sent {
            Sent::Confirmed => {
                (self.pause, self.unreadable) = (FIRST_PAUSE, 0);
                if let Some(mut front) = self.pop_front() {
                    front.answer(Ok(Accepted::Confirmed));
                    if let Some(stored) = front.stored {
                        self.shared.settle(&stored);
                    }
                }
            }
            Sent::NotYet(error) => {
                self.back_off();
                if let Some(front) = self.items.front_mut() {
                    front.unconfirmed |= error == PublishError::Unconfirmed;
                }
                self.spool_held();
                self.refuse_the_hopeless();
            }
            Sent::Unreadable(error) => {
                self.back_off();
                self.unreadable += 1;
                if self.unreadable >= READ_TRIES {
                    self.unreadable = 0;
                    if let Some(stored) = self.pop_front().and_then(|front| front.stored) {
                        self.shared.give_up(&stored, &error);
                    }
                }
            }
        }
    }

    fn pop_front(&mut self) -> Option<Item> {
        let front = self.items.pop_front()?;
        self.in_memory.remove(&front.id);
        self.stored -= usize::from(front.stored.is_some());
        Some(front)
    }

    fn back_off(&mut self) {
        self.resume = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// A message that the broker may have is not called full or failed.
fn given_up(unconfirmed: bool, reason: DropReason) -> DropReason {
    if unconfirmed { DropReason::Unconfirmed } else { reason }
}

/// Never, where nothing is in flight.
async fn front(in_flight: &mut Option<BoxFuture<'static, Sent>>) -> Sent {
    match in_flight {
        Some(sending) => sending.await,
        None => pending().await,
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
