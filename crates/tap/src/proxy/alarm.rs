//! Timeouts without a timer per request: deadlines in cells, looked at by one tick per worker.
//!
//! A deadline is therefore late by up to [`TICK`], which is fine for timeouts of seconds.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Ticks for which a connection may ask nothing although others wait for its place.
const PATIENCE: u64 = 10;

/// Which wait of a connection a deadline is for; both may be waited for at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// For the client to send.
    Client,
    /// For the primary to answer or the client to take the answer.
    Answer,
}

#[derive(Debug, Default)]
pub(crate) struct Clock {
    tick: Cell<u64>,
    stopping: Cell<bool>,
    alarms: RefCell<Vec<Weak<Alarm>>>,
}

/// The deadlines of one connection.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Rc<Clock>,
    client: Cell<Option<u64>>,
    answer: Cell<Option<u64>>,
    /// Since when no whole head has come.
    waiting: Cell<Option<u64>>,
    waker: RefCell<Option<Waker>>,
}

impl Clock {
    pub(crate) fn alarm(self: &Rc<Self>) -> Rc<Alarm> {
        let alarm = Rc::new(Alarm {
            clock: Rc::clone(self),
            client: Cell::new(None),
            answer: Cell::new(None),
            waiting: Cell::new(None),
            waker: RefCell::new(None),
        });
        self.alarms.borrow_mut().push(Rc::downgrade(&alarm));
        alarm
    }

    /// Wakes the connections whose deadline has passed.
    pub(crate) fn advance(&self) {
        self.tick.set(self.tick.get() + 1);
        self.alarms.borrow_mut().retain(|alarm| {
            let Some(alarm) = alarm.upgrade() else { return false };
            if alarm.rung().is_some() {
                alarm.wake();
            }
            true
        });
    }

    /// Wakes everyone: idle connections have little time left, others what they are doing.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        for alarm in self.alarms.borrow().iter().filter_map(Weak::upgrade) {
            alarm.wake();
        }
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Somebody has waited for long enough without asking anything to give up his place.
    pub(crate) fn can_make_room(&self) -> bool {
        self.longest_waiting().is_some()
    }

    /// Ends the connection that has asked nothing for longest.
    pub(crate) fn make_room(&self) {
        if let Some(alarm) = self.longest_waiting() {
            alarm.waiting.set(None);
            alarm.client.set(Some(self.tick.get()));
            alarm.wake();
        }
    }

    fn longest_waiting(&self) -> Option<Rc<Alarm>> {
        let latest = self.tick.get().checked_sub(PATIENCE)?;
        let alarms = self.alarms.borrow();
        let alarms = alarms.iter().filter_map(Weak::upgrade);
        let waiting = alarms.filter_map(|alarm| Some((alarm.waiting.get()?, alarm)));
        let longest = waiting.filter(|(since, _)| *since <= latest).min_by_key(|(since, _)| *since);
        longest.map(|(_, alarm)| alarm)
    }
}

impl Alarm {
    /// From now on it waits for a request.
    pub(crate) fn begin_waiting(&self) {
        self.waiting.set(Some(self.clock.tick.get()));
    }

    /// Its request has come.
    pub(crate) fn end_waiting(&self) {
        self.waiting.set(None);
    }

    pub(crate) fn set(&self, wait: Wait, after: Duration) {
        // One more: the tick under way has partly passed.
        let ticks = u64::try_from(after.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX);
        self.cell(wait).set(Some(self.clock.tick.get().saturating_add(ticks).saturating_add(1)));
    }

    pub(crate) fn clear(&self, wait: Wait) {
        self.cell(wait).set(None);
    }

    /// The wait whose deadline has passed.
    fn rung(&self) -> Option<Wait> {
        let now = self.clock.tick.get();
        let passed = |cell: &Cell<Option<u64>>| cell.get().is_some_and(|at| at <= now);
        if passed(&self.client) {
            Some(Wait::Client)
        } else if passed(&self.answer) {
            Some(Wait::Answer)
        } else {
            None
        }
    }

    /// Ready when a deadline has passed.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Wait> {
        if let Some(wait) = self.rung() {
            return Poll::Ready(wait);
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(crate) fn stopping(&self) -> bool {
        self.clock.stopping()
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn cell(&self, wait: Wait) -> &Cell<Option<u64>> {
        match wait {
            Wait::Client => &self.client,
            Wait::Answer => &self.answer,
        }
    }
}
