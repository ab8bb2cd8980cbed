//! The order within a session, and what a session remembers.
//!
//! Invariants:
//! - Of one session at most one exchange is run at a time, in the order in which they were taken.
//! - A session waits for nobody but itself.
//! - Bounded: waiting exchanges are those of messages in hand; memory is kept for sessions with
//!   writes only, the oldest forgotten first.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exchange::{Exchange, Number, Outcome, Partition, SessionKey, Settlement, SkipReason};
use tokio::time::Instant;

use crate::hand::MessageId;

/// Sessions with writes that are remembered; one forgotten is taken for a session without.
const REMEMBERED: usize = 200_000;

/// One exchange to run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) exchange: Exchange,
    pub(crate) message: MessageId,
    pub(crate) index: usize,
    /// The partition of the queue it came on.
    pub(crate) partition: Partition,
    /// Not sent before this moment.
    pub(crate) due: Option<Instant>,
    /// When it was taken, where it was delivered before and this process does not know what became
    /// of it then.
    pub(crate) redelivered: Option<Instant>,
    /// Held while it runs, so that the exchanges of its message run singly.
    pub(crate) singly: Option<Arc<tokio::sync::Mutex<()>>>,
}

/// Since when the request of a session's exchange is under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(Arc<Mutex<Option<Instant>>>);

#[derive(Debug)]
pub(crate) enum Added {
    /// The session was idle: it begins with this one, and somebody has to run it.
    Starts(Box<Job>, UnderWay),
    Waits,
    /// Too many wait: these, the new one among them, are not run.
    Overflows(Vec<Job>),
}

#[derive(Debug)]
pub(crate) struct Sessions {
    backlog: usize,
    lanes: Mutex<HashMap<SessionKey, Lane>>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Job>,
    under_way: UnderWay,
    /// What waited was skipped because of the request under way; so is what still comes.
    behind: bool,
}

#[derive(Debug, Default)]
struct Memory {
    sessions: HashMap<SessionKey, Standing>,
    in_order: VecDeque<SessionKey>,
}

/// What is known of a session with writes.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// A write of it was captured.
    wrote: bool,
    /// A write of it was lost, or its end is unknown: its state is not the primary's any more.
    broken: bool,
}

impl Sessions {
    pub(crate) fn new(backlog: usize) -> Self {
        Self { backlog, lanes: Mutex::default(), memory: Mutex::default() }
    }

    /// Puts an exchange behind those of its session.
    pub(crate) fn add(&self, job: Job) -> Added {
        let mut lanes = lock(&self.lanes);
        let lane = match lanes.entry(job.exchange.session) {
            Entry::Occupied(lane) => lane.into_mut(),
            Entry::Vacant(idle) => {
                let under_way = idle.insert(Lane::default()).under_way.clone();
                return Added::Starts(Box::new(job), under_way);
            }
        };
        lane.waiting.push_back(job);
        if lane.behind || lane.waiting.len() > self.backlog {
            Added::Overflows(std::mem::take(&mut lane.waiting).into())
        } else {
            Added::Waits
        }
    }

    /// The next exchange of a session; without one the session is idle again.
    pub(crate) fn next(&self, session: SessionKey) -> Option<(Job, UnderWay)> {
        let mut lanes = lock(&self.lanes);
        let lane = lanes.get_mut(&session)?;
        lane.behind = false;
        lane.under_way.end();
        match lane.waiting.pop_front() {
            Some(job) => Some((job, lane.under_way.clone())),
            None => {
                lanes.remove(&session);
                None
            }
        }
    }

    /// Writes of this session that wait and were delivered before.
    pub(crate) fn redelivered_writes(&self, session: SessionKey) -> Vec<Number> {
        let lanes = lock(&self.lanes);
        let waiting = lanes.get(&session).into_iter().flat_map(|lane| &lane.waiting);
        let writes = waiting.filter(|job| job.redelivered.is_some() && job.exchange.write);
        writes.map(|job| job.exchange.number).collect()
    }

    /// What waits behind a request that is under way for longer than `limit`, where its partition
    /// cannot go on without it.
    pub(crate) fn overdue(&self, limit: Duration, is_full: impl Fn(Partition) -> bool) -> Vec<Job> {
        let mut lanes = lock(&self.lanes);
        let slow = lanes.values_mut().filter(|lane| {
            lane.under_way.longer_than(limit)
                && lane.waiting.front().is_some_and(|job| is_full(job.partition))
        });
        slow.flat_map(|lane| {
            lane.behind = true;
            std::mem::take(&mut lane.waiting)
        })
        .collect()
    }

    /// Forgets everything that waits; nobody may be running a session any more.
    pub(crate) fn clear(&self) {
        lock(&self.lanes).clear();
    }

    pub(crate) fn waiting(&self) -> usize {
        lock(&self.lanes).values().map(|lane| lane.waiting.len()).sum()
    }

    /// Why an exchange must not be run now that its turn has come, by what its session is.
    pub(crate) fn gap(&self, exchange: &Exchange) -> Option<SkipReason> {
        let mut memory = lock(&self.memory);
        let standing = memory.sessions.get(&exchange.session).copied().unwrap_or_default();
        let has_writes = standing.wrote || exchange.write;
        let broken = standing.broken || (exchange.gap && has_writes);
        if broken && !standing.broken {
            memory.update(exchange.session, |standing| standing.broken = true);
        }
        broken.then_some(SkipReason::SessionGap)
    }

    /// Remembers what became of an exchange.
    pub(crate) fn settled(&self, exchange: &Exchange, settlement: &Settlement) {
        // What this replayer does not send by policy leaves no hole.
        let by_policy =
            matches!(settlement, Settlement::Skipped { reason: SkipReason::WritesOff, .. });
        if !exchange.write || by_policy {
            return;
        }
        let done = match settlement {
            Settlement::Replayed(pair) => matches!(pair.candidate.outcome, Outcome::Answered(_)),
            Settlement::Skipped { .. } | Settlement::Parked { .. } => false,
        };
        lock(&self.memory).update(exchange.session, |standing| {
            standing.wrote = true;
            standing.broken |= !done;
        });
    }
}

impl Memory {
    fn update(&mut self, session: SessionKey, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.sessions.get_mut(&session) {
            return change(standing);
        }
        if self.in_order.len() >= REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.sessions.remove(&oldest);
        }
        self.in_order.push_back(session);
        change(self.sessions.entry(session).or_default());
    }
}

impl UnderWay {
    pub(crate) fn begin(&self) {
        *lock(&self.0) = Some(Instant::now());
    }

    pub(crate) fn end(&self) {
        *lock(&self.0) = None;
    }

    fn longer_than(&self, limit: Duration) -> bool {
        lock(&self.0).is_some_and(|since| since.elapsed() > limit)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
