//! What is in the log and not settled, in memory. No I/O here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use exchange::Partition;

use super::segment::RECORD_HEADER_LEN;

/// Position of a record in the log; ascends over all partitions and never repeats.
pub(crate) type Sequence = u64;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) partition: Partition,
    /// First sequence of the segment that holds it.
    pub(super) segment: Sequence,
    /// Of the record's header in the segment.
    pub(super) offset: u64,
    /// Of the payload.
    pub(super) len: usize,
    /// How often it was handed out.
    pub(super) deliveries: u32,
    /// Kept in memory while young and within the budget.
    pub(super) cached: Option<Bytes>,
}

impl Entry {
    fn bytes(&self) -> u64 {
        (self.len + RECORD_HEADER_LEN) as u64
    }
}

#[derive(Debug, Default)]
struct SegmentUse {
    unsettled: u64,
    /// The writer still appends to it.
    active: bool,
    /// Holds a record that could not be read.
    damaged: bool,
}

/// Names one consumer of the log.
pub(super) type Reader = u64;

#[derive(Debug, Default)]
pub(super) struct Index {
    /// Not handed out, per partition.
    ready: BTreeMap<Partition, BTreeMap<Sequence, Entry>>,
    handed_out: HashMap<Sequence, Entry>,
    unsettled: BTreeSet<Sequence>,
    segments: BTreeMap<Sequence, SegmentUse>,
    next: Sequence,
    waiting_bytes: u64,
    cache_budget: usize,
    cached_bytes: usize,
    /// Consumers in the order in which they came; only the first is served.
    readers: Vec<Reader>,
    last_reader: Reader,
    /// Of the served consumer, per partition.
    in_flight: HashMap<Partition, u32>,
    /// The partition after the one that was served last.
    turn: Partition,
    closed: bool,
}

impl Index {
    pub(super) fn new(cache_budget: usize) -> Self {
        Self { cache_budget, ..Self::default() }
    }

    pub(super) fn next(&self) -> Sequence {
        self.next
    }

    pub(super) fn advance_to(&mut self, next: Sequence) {
        self.next = self.next.max(next);
    }

    /// Everything below is settled.
    pub(super) fn cursor(&self) -> Sequence {
        self.unsettled.first().copied().unwrap_or(self.next)
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes
    }

    pub(super) fn waiting(&self) -> u64 {
        self.unsettled.len() as u64
    }

    pub(super) fn ready(&self) -> u64 {
        self.ready.values().map(|line| line.len() as u64).sum()
    }

    /// All that is not settled, oldest first.
    pub(super) fn unsettled(&self) -> Vec<(Sequence, Partition)> {
        let find = |sequence| {
            let mut lines = self.ready.iter();
            lines.find(|(_, line)| line.contains_key(&sequence)).map(|(p, _)| (sequence, *p))
        };
        self.unsettled.iter().filter_map(|sequence| find(*sequence)).collect()
    }

    pub(super) fn segment_opened(&mut self, base: Sequence, active: bool) {
        self.segments.entry(base).or_default().active = active;
    }

    /// Nothing more is appended to it.
    pub(super) fn segment_sealed(&mut self, base: Sequence) {
        if let Some(segment) = self.segments.get_mut(&base) {
            segment.active = false;
        }
    }

    pub(super) fn mark_damaged(&mut self, base: Sequence) {
        if let Some(segment) = self.segments.get_mut(&base) {
            segment.damaged = true;
        }
    }

    /// Segments that hold nothing any more and whether they are damaged; forgets them.
    pub(super) fn take_consumed(&mut self) -> Vec<(Sequence, bool)> {
        let consumed = |_: &Sequence, s: &mut SegmentUse| s.unsettled == 0 && !s.active;
        let taken = self.segments.extract_if(.., consumed);
        taken.map(|(base, segment)| (base, segment.damaged)).collect()
    }

    pub(super) fn add(&mut self, sequence: Sequence, mut entry: Entry) {
        let room = self.cache_budget.saturating_sub(self.cached_bytes);
        entry.cached = entry.cached.filter(|payload| payload.len() <= room);
        self.cached_bytes += entry.cached.as_ref().map_or(0, Bytes::len);
        self.waiting_bytes += entry.bytes();
        if let Some(segment) = self.segments.get_mut(&entry.segment) {
            segment.unsettled += 1;
        }
        self.unsettled.insert(sequence);
        self.next = self.next.max(sequence + 1);
        self.ready.entry(entry.partition).or_default().insert(sequence, entry);
    }

    pub(super) fn entry(&self, sequence: Sequence, partition: Partition) -> Option<&Entry> {
        self.ready.get(&partition)?.get(&sequence)
    }

    pub(super) fn join(&mut self) -> Reader {
        self.last_reader += 1;
        self.readers.push(self.last_reader);
        self.last_reader
    }

    pub(super) fn leave(&mut self, reader: Reader) {
        if self.readers.first() == Some(&reader) {
            self.in_flight.clear();
        }
        self.readers.retain(|known| *known != reader);
    }

    /// Hands out the oldest ready record of the next partition in turn that has fewer than
    /// `prefetch` in flight. Only the consumer that came first is served.
    pub(super) fn take(&mut self, reader: Reader, prefetch: u32) -> Option<(Sequence, Entry)> {
        if self.closed || self.readers.first() != Some(&reader) {
            return None;
        }
        let turn = self.turn;
        let in_flight = &self.in_flight;
        let mut in_turn = self.ready.range(turn..).chain(self.ready.range(..turn));
        let free =
            |partition: &Partition| in_flight.get(partition).copied().unwrap_or(0) < prefetch;
        let (&partition, _) = in_turn.find(|(p, line)| !line.is_empty() && free(p))?;
        let (sequence, mut entry) = self.ready.get_mut(&partition)?.pop_first()?;
        entry.deliveries = entry.deliveries.saturating_add(1);
        let payload = entry.cached.take();
        self.cached_bytes -= payload.as_ref().map_or(0, Bytes::len);
        self.handed_out.insert(sequence, entry.clone());
        *self.in_flight.entry(partition).or_default() += 1;
        self.turn = partition.wrapping_add(1);
        entry.cached = payload;
        Some((sequence, entry))
    }

    /// Back to its place in the line of its partition.
    pub(super) fn give_back(&mut self, sequence: Sequence, reader: Reader) {
        if let Some(entry) = self.handed_out.remove(&sequence) {
            self.landed(entry.partition, reader);
            self.ready.entry(entry.partition).or_default().insert(sequence, entry);
        }
    }

    pub(super) fn settle_handed_out(&mut self, sequence: Sequence, reader: Reader) {
        if let Some(entry) = self.handed_out.remove(&sequence) {
            self.landed(entry.partition, reader);
            self.forget(sequence, &entry);
        }
    }

    /// Settles a record that was not handed out.
    pub(super) fn settle_ready(&mut self, sequence: Sequence, partition: Partition) {
        let line = self.ready.get_mut(&partition);
        if let Some(entry) = line.and_then(|line| line.remove(&sequence)) {
            self.cached_bytes -= entry.cached.as_ref().map_or(0, Bytes::len);
            self.forget(sequence, &entry);
        }
    }

    /// How often each unsettled record was handed out.
    pub(super) fn deliveries(&self) -> Vec<(Sequence, u32)> {
        let ready = self.ready.values().flatten();
        let all = ready.chain(&self.handed_out);
        all.filter(|(_, entry)| entry.deliveries > 0).map(|(s, e)| (*s, e.deliveries)).collect()
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    fn landed(&mut self, partition: Partition, reader: Reader) {
        if self.readers.first() == Some(&reader)
            && let Some(count) = self.in_flight.get_mut(&partition)
        {
            *count = count.saturating_sub(1);
        }
    }

    fn forget(&mut self, sequence: Sequence, entry: &Entry) {
        self.unsettled.remove(&sequence);
        self.waiting_bytes -= entry.bytes();
        if let Some(segment) = self.segments.get_mut(&entry.segment) {
            segment.unsettled -= 1;
        }
    }
}
