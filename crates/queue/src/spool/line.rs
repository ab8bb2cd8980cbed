//! The messages of one partition, in order, on their way to the broker.
//!
//! ```text
//!        front                                     back
//!   ── in flight ── spooled … spooled ── held … held ──
//! ```
//! Only the front is sent, again and again until it is confirmed. Held messages are in memory
//! alone; once one of them waits too long all of them go to the log, in order, and so does every
//! later one until the line is empty of spooled messages.

use std::{collections::VecDeque, future::pending, io, sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::{DropReason, Partition};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Accepted,
    logs::{Held, Reply, Shared, Stored},
    refusal,
};
use crate::{PublishError, log::Sequence};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A stored message that cannot be read this often is passed over.
const READ_TRIES: u32 = 3;

/// A message as it comes in.
#[derive(Debug)]
pub(super) struct Submitted {
    payload: Bytes,
    held: Held,
    reply: Reply,
    at: Instant,
}

impl Submitted {
    pub(super) fn now(payload: Bytes, held: Held, reply: Reply) -> Self {
        Self { payload, held, reply, at: Instant::now() }
    }
}

/// One message. It is held (in memory alone), appending (in memory and on its way to the log) or
/// stored.
struct Item {
    /// Ascends within the line.
    id: u64,
    memory: Option<InMemory>,
    appending: bool,
    stored: Option<Stored>,
    /// The log did not take it: it waits for the confirm alone.
    refused: Option<DropReason>,
    /// Was sent and not confirmed in time: the broker may have it.
    unconfirmed: bool,
    /// Taken when it is answered.
    reply: Option<Reply>,
}

struct InMemory {
    payload: Bytes,
    at: Instant,
    _held: Held,
}

impl Item {
    fn stored(id: u64, stored: Stored) -> Self {
        Self { stored: Some(stored), ..Self::blank(id) }
    }

    fn held(id: u64, new: Submitted) -> Self {
        let memory = InMemory { payload: new.payload, at: new.at, _held: new.held };
        Self { memory: Some(memory), reply: Some(new.reply), ..Self::blank(id) }
    }

    fn blank(id: u64) -> Self {
        Self {
            id,
            memory: None,
            appending: false,
            stored: None,
            refused: None,
            unconfirmed: false,
            reply: None,
        }
    }

    /// When it must go to the log, or, refused there, be given up.
    fn due(&self, shared: &Shared) -> Option<Instant> {
        let at = self.memory.as_ref()?.at;
        match self.refused {
            Some(_) => Some(at + shared.confirm_timeout),
            None => (!self.appending).then_some(at + shared.sync_after),
        }
    }

    fn answer(&mut self, outcome: Result<Accepted, DropReason>) {
        if let Some(reply) = self.reply.take() {
            reply.send(outcome);
        }
    }
}

enum Sent {
    Confirmed,
    NotYet(PublishError),
    Unreadable(io::Error),
}

pub(super) struct Line {
    shared: Arc<Shared>,
    partition: Partition,
    items: VecDeque<Item>,
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
        if behind || !self.shared.amqp.takes_messages() {
            self.spool_held();
        }
    }

    /// Sends all held messages to the log, in order, but for those that it refused before.
    fn spool_held(&mut self) {
        for item in &mut self.items {
            if item.appending || item.refused.is_some() {
                continue;
            }
            let Some(memory) = &item.memory else { continue };
            let append = self.shared.own.append(self.partition, memory.payload.clone());
            let id = item.id;
            item.appending = true;
            self.appends.push_back(append.map(move |appended| (id, appended)).boxed());
        }
    }

    fn on_appended(&mut self, id: u64, appended: Result<Sequence, PublishError>) {
        let place = self.items.binary_search_by_key(&id, |item| item.id);
        let item = place.ok().and_then(|place| self.items.get_mut(place));
        match (item, appended) {
            (Some(item), Ok(sequence)) => {
                item.appending = false;
                item.stored = Some(self.shared.stored(sequence, self.partition));
                item.memory = None;
                item.answer(Ok(Accepted::Spooled));
            }
            // Confirmed while it was being written.
            (None, Ok(sequence)) => {
                self.shared.settle(&self.shared.stored(sequence, self.partition));
            }
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
        let in_flight = self.in_flight_id();
        let soon = self.shared.amqp.takes_messages()
            && self.items.iter().all(|item| item.stored.is_none());
        self.items.retain_mut(|item| match item.refused {
            Some(reason) if !soon && in_flight != Some(item.id) => {
                item.answer(Err(given_up(item.unconfirmed, reason)));
                false
            }
            _ => true,
        });
    }

    fn next_due(&self) -> Option<Instant> {
        let in_flight = self.in_flight_id();
        // The outcome of the one in flight decides about it when it was refused.
        let counts = |item: &&Item| item.refused.is_none() || in_flight != Some(item.id);
        self.items.iter().filter(counts).filter_map(|item| item.due(&self.shared)).min()
    }

    fn on_due(&mut self) {
        let (now, in_flight) = (Instant::now(), self.in_flight_id());
        let shared = Arc::clone(&self.shared);
        let is_due = |item: &Item| item.due(&shared).is_some_and(|due| due <= now);
        self.items.retain_mut(|item| {
            let expired = item.refused.is_some() && in_flight != Some(item.id) && is_due(item);
            if expired {
                item.answer(Err(DropReason::Unconfirmed));
            }
            !expired
        });
        if self.items.iter().any(|item| item.refused.is_none() && is_due(item)) {
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
                if let Some(mut front) = self.items.pop_front() {
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
                    if let Some(stored) = self.items.pop_front().and_then(|front| front.stored) {
                        self.shared.give_up(&stored, &error);
                    }
                }
            }
        }
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
