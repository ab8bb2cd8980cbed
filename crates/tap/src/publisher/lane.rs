//! The state of one partition: what waits, what is under way, what is known. No I/O.
//!
//! Numbers are given when a message is packed and never twice. A message whose fate is `refused`
//! may have arrived all the same, so its numbers become void rather than being used again.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use exchange::{DropReason, Epoch, Exchange, Number, Partition, PartitionCount, Voids};

use crate::budget::Held;

pub(super) const MAX_EXCHANGES: usize = 64;
pub(super) const MAX_BYTES: usize = 256 * 1024;
pub(super) const MAX_WAIT: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Lane {
    epoch: Epoch,
    next: u64,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    under_way: Option<UnderWay>,
    /// All whose fate is known.
    known: PartitionCount,
    /// As in the last accepted message.
    announced: PartitionCount,
    voids: Vec<Voids>,
}

/// One exchange on its way into a message.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) exchange: Exchange,
    /// Its session has a name; otherwise it is its own, and any partition will do.
    pub(super) named: bool,
    pub(super) bytes: usize,
    pub(super) since: Instant,
    pub(super) held: Held,
}

#[derive(Debug)]
struct UnderWay {
    first: u64,
    count: u64,
    /// Voids it announces: the first of the list.
    voids: usize,
    snapshot: PartitionCount,
    /// Given back when the message's fate is known.
    _held: Vec<Held>,
}

/// The lane's part of one message.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) voids: Vec<Voids>,
    pub(super) count: PartitionCount,
}

impl Lane {
    pub(super) fn new(epoch: Epoch, partition: Partition) -> Self {
        let count = PartitionCount { partition, ..PartitionCount::default() };
        Self {
            epoch,
            next: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            under_way: None,
            known: count.clone(),
            announced: count,
            voids: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.waiting_bytes += waiting.bytes;
        self.waiting.push_back(waiting);
    }

    /// An exchange was taken over and lost before it had a number.
    pub(super) fn lose(&mut self, reason: DropReason) {
        self.known.received += 1;
        *self.known.dropped.entry(reason).or_default() += 1;
    }

    /// A message may be packed now and is worth it; at a stop every one is.
    pub(super) fn is_due(&self, now: Instant, stopping: bool) -> bool {
        let Some(oldest) = self.waiting.front() else { return false };
        self.is_free()
            && (stopping
                || self.has_full_message()
                || now.saturating_duration_since(oldest.since) >= MAX_WAIT)
    }

    pub(super) fn has_full_message(&self) -> bool {
        self.waiting.len() >= MAX_EXCHANGES || self.waiting_bytes >= MAX_BYTES
    }

    /// Nothing of it is unconfirmed.
    pub(super) fn is_free(&self) -> bool {
        self.under_way.is_none()
    }

    /// Exchanges wait for a message that may be packed.
    pub(super) fn is_filling(&self) -> bool {
        self.is_free() && !self.waiting.is_empty()
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_free() && self.waiting.is_empty()
    }

    /// The last accepted message does not say what is known.
    pub(super) fn has_news(&self) -> bool {
        self.known != self.announced || !self.voids.is_empty()
    }

    /// Numbers and takes the next message's exchanges; none for a heartbeat.
    pub(super) fn pack(&mut self, heartbeat: bool) -> Packed {
        let mut exchanges = Vec::new();
        let mut held = Vec::new();
        let mut bytes = 0;
        let first = self.next;
        while !heartbeat && exchanges.len() < MAX_EXCHANGES && bytes < MAX_BYTES {
            let Some(mut waiting) = self.waiting.pop_front() else { break };
            let partition = self.known.partition;
            waiting.exchange.number = Number { epoch: self.epoch, partition, n: self.next };
            self.next += 1;
            bytes += waiting.bytes;
            exchanges.push(waiting.exchange);
            held.push(waiting.held);
        }
        self.waiting_bytes -= bytes.min(self.waiting_bytes);
        let count = self.next - first;
        let mut snapshot = self.known.clone();
        snapshot.received += count;
        snapshot.captured += count;
        snapshot.next = self.next;
        let voids = self.voids.clone();
        self.under_way = Some(UnderWay {
            first,
            count,
            voids: voids.len(),
            snapshot: snapshot.clone(),
            _held: held,
        });
        Packed { exchanges, voids, count: snapshot }
    }

    /// The message under way was accepted; how many exchanges it brought.
    pub(super) fn accepted(&mut self) -> u64 {
        let Some(message) = self.under_way.take() else { return 0 };
        self.known.received += message.count;
        self.known.captured += message.count;
        self.known.next = self.next;
        self.voids.drain(..message.voids.min(self.voids.len()));
        self.announced = message.snapshot;
        message.count
    }

    /// The message under way was refused for good; how many exchanges it would have brought.
    pub(super) fn refused(&mut self, reason: DropReason) -> u64 {
        let Some(message) = self.under_way.take() else { return 0 };
        if message.count == 0 {
            return 0;
        }
        self.known.received += message.count;
        *self.known.dropped.entry(reason).or_default() += message.count;
        self.known.next = self.next;
        let (from, to) = (message.first, message.first + message.count - 1);
        match self.voids.last_mut() {
            Some(last) if last.to + 1 == from => last.to = to,
            _ => self.voids.push(Voids {
                epoch: self.epoch,
                partition: self.known.partition,
                from,
                to,
            }),
        }
        message.count
    }

    /// Gives up everything that waits.
    pub(super) fn abandon(&mut self, reason: DropReason) -> u64 {
        let mut count = 0;
        while self.waiting.pop_front().is_some() {
            self.lose(reason);
            count += 1;
        }
        self.waiting_bytes = 0;
        count
    }
}

#[cfg(test)]
pub(super) mod tests {
    use exchange::{ExchangeId, Request, Response, SessionKey};

    use super::*;
    use crate::budget::Budget;

    fn lane() -> Lane {
        Lane::new(Epoch(7), 3)
    }

    pub(in super::super) fn waiting(bytes: usize) -> Waiting {
        let request = Request {
            method: "GET".into(),
            target: "/".into(),
            headers: exchange::Headers::default(),
            body: bytes::Bytes::new(),
        };
        let response = Response {
            status: 200,
            headers: exchange::Headers::default(),
            body: exchange::Body::default(),
        };
        let exchange = Exchange {
            id: ExchangeId::fresh(),
            number: Number { epoch: Epoch(0), partition: 0, n: 0 },
            session: SessionKey([0; 16]),
            started_at: 0,
            duration_us: 0,
            first_byte_us: 0,
            write: false,
            gap: false,
            slice: None,
            request,
            response,
        };
        let held = Budget::new(usize::MAX).share();
        Waiting { exchange, named: true, bytes, since: Instant::now(), held }
    }

    fn balanced(count: &PartitionCount) -> bool {
        count.received == count.captured + count.dropped.values().sum::<u64>()
    }

    #[test]
    fn a_message_is_due_when_full_or_old_and_only_one_is_under_way() {
        let mut lane = lane();
        let start = Instant::now();
        assert!(!lane.is_due(start, true));
        lane.push(waiting(10));
        assert!(!lane.is_due(start, false));
        assert!(lane.is_due(start, true));
        assert!(lane.is_due(start + MAX_WAIT * 2, false));
        lane.push(waiting(MAX_BYTES));
        assert!(lane.is_due(start, false));
        for _ in 0..MAX_EXCHANGES {
            lane.push(waiting(1));
        }
        let packed = lane.pack(false);
        assert_eq!(packed.exchanges.len(), 2);
        assert!(!lane.is_due(start + MAX_WAIT * 2, true));
        assert_eq!(lane.accepted(), 2);
        assert_eq!(lane.pack(false).exchanges.len(), MAX_EXCHANGES);
    }

    #[test]
    fn numbers_are_dense_and_refused_ones_are_void_until_announced() {
        let mut lane = lane();
        lane.push(waiting(1));
        lane.push(waiting(1));
        let first = lane.pack(false);
        assert_eq!((first.count.received, first.count.captured, first.count.next), (2, 2, 2));
        assert_eq!(lane.refused(DropReason::SpoolFull), 2);
        assert!(lane.has_news());

        lane.push(waiting(1));
        let second = lane.pack(false);
        assert_eq!(second.exchanges[0].number.n, 2);
        assert_eq!(second.voids, [Voids { epoch: Epoch(7), partition: 3, from: 0, to: 1 }]);
        assert!(balanced(&second.count));
        assert_eq!(lane.refused(DropReason::SpoolFull), 1);

        // Neighbouring voids are one, and both are in the next message that is accepted.
        let third = lane.pack(true);
        assert_eq!(third.voids, [Voids { epoch: Epoch(7), partition: 3, from: 0, to: 2 }]);
        assert_eq!(third.count.dropped[&DropReason::SpoolFull], 3);
        assert!(balanced(&third.count));
        lane.lose(DropReason::Unpackable);
        assert_eq!(lane.accepted(), 0);
        assert!(lane.has_news(), "what was lost meanwhile is not announced yet");
        let fourth = lane.pack(true);
        assert!(fourth.voids.is_empty());
        assert!(balanced(&fourth.count));
        lane.accepted();
        assert!(!lane.has_news());
    }

    #[test]
    fn what_is_abandoned_is_counted() {
        let mut lane = lane();
        lane.push(waiting(1));
        lane.pack(false);
        lane.push(waiting(1));
        lane.refused(DropReason::Unconfirmed);
        assert_eq!(lane.abandon(DropReason::Unconfirmed), 1);
        let last = lane.pack(true);
        assert_eq!((last.count.received, last.count.captured, last.count.next), (2, 0, 1));
        assert!(balanced(&last.count));
    }
}
