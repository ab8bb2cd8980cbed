//! Handing out the records of a log to its consumers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::Partition;
use tokio::task::JoinHandle;

use super::{
    Log,
    index::{Entry, Reader, Sequence},
    lock,
};

const READ_TRIES: u32 = 3;
const READ_PAUSE: Duration = Duration::from_millis(100);

/// One consumer of the log. Consumers take turns by age: the first is served until it is dropped.
#[derive(Debug)]
pub(crate) struct LogReader {
    log: Arc<Log>,
    reader: Reader,
    prefetch: u32,
    /// The record being read: kept here, so that a wait that is given up does not give up the
    /// record's turn.
    opening: Option<JoinHandle<Option<HandedOut>>>,
}

/// A record that was handed out. Dropped unsettled, it goes back to the head of its partition.
#[derive(Debug)]
pub(crate) struct Lease {
    log: Arc<Log>,
    reader: Reader,
    sequence: Sequence,
    settled: bool,
}

#[derive(Debug)]
pub(crate) struct HandedOut {
    pub(crate) lease: Lease,
    pub(crate) partition: Partition,
    pub(crate) payload: Bytes,
    pub(crate) deliveries: u32,
}

impl LogReader {
    pub(crate) fn join(log: &Arc<Log>, prefetch: u32) -> Self {
        let reader = log.shared.index().join();
        Self { log: Arc::clone(log), reader, prefetch: prefetch.max(1), opening: None }
    }

    /// The next record; `None` when the log was closed. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<HandedOut> {
        loop {
            if let Some(opening) = &mut self.opening {
                let opened = opening.await;
                self.opening = None;
                if let Ok(Some(handed_out)) = opened {
                    return Some(handed_out);
                }
            }
            let arrived = self.log.shared.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let taken = {
                let mut index = self.log.shared.index();
                if index.is_closed() {
                    return None;
                }
                index.take(self.reader, self.prefetch)
            };
            let Some((sequence, entry)) = taken else {
                arrived.await;
                continue;
            };
            let log = Arc::clone(&self.log);
            let lease = Lease { log, reader: self.reader, sequence, settled: false };
            // The lease travels along: should this consumer be dropped, it gives the record back.
            self.opening = Some(tokio::task::spawn_blocking(move || lease.open(&entry)));
        }
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        self.log.shared.index().leave(self.reader);
        self.log.shared.arrived.notify_waiters();
    }
}

impl Lease {
    /// Never delivered again.
    pub(crate) fn settle(mut self) {
        self.settled = true;
        self.log.shared.index().settle_handed_out(self.sequence, self.reader);
        self.log.announce_settled();
        self.log.shared.arrived.notify_waiters();
    }

    /// Notes the delivery and reads the payload. `None`: it cannot be read and is passed over,
    /// its segment kept.
    fn open(self, entry: &Entry) -> Option<HandedOut> {
        let shared = &self.log.shared;
        let all = || shared.index().deliveries();
        if let Err(error) = lock(&shared.attempts).note(self.sequence, entry.deliveries, all) {
            let path = shared.folder.path().display();
            shared.report_failure(&format!("deliveries in {path} cannot be counted: {error}"));
        }
        let mut tries = 1;
        loop {
            match shared.read(entry) {
                Ok(payload) => {
                    let (partition, deliveries) = (entry.partition, entry.deliveries);
                    return Some(HandedOut { lease: self, partition, payload, deliveries });
                }
                Err(_) if tries < READ_TRIES => {
                    tries += 1;
                    std::thread::sleep(READ_PAUSE);
                }
                Err(error) => {
                    shared.report_damage(self.sequence, entry, &error);
                    self.settle();
                    return None;
                }
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.settled {
            self.log.shared.index().give_back(self.sequence, self.reader);
            self.log.shared.arrived.notify_waiters();
        }
    }
}
