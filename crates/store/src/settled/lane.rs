//! One tap epoch and partition: its blocks, mark and account. Pure.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use exchange::{PartitionCount, TapSnapshot, Voids};

use super::bits::{BLOCK, Block};
use crate::StoreError;

/// Nobody drops as many numbers in a row; a wider range is not one of ours.
const WIDEST_VOID: u64 = 1 << 30;

/// The row of a lane with the blocks that are needed of it.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) below_block: u64,
    pub(crate) mark: u64,
    pub(crate) voids: u64,
    /// -1 until a snapshot came.
    pub(crate) serial: i64,
    pub(crate) received: u64,
    pub(crate) captured: u64,
    /// By reason, in API words.
    pub(crate) dropped: BTreeMap<String, u64>,
    pub(crate) next: u64,
    pub(crate) blocks: BTreeMap<u64, Block>,
    pub(crate) changed: BTreeSet<u64>,
    /// Blocks whose row goes.
    pub(crate) completed: BTreeSet<u64>,
}

impl Lane {
    /// Settles `n`; false if it was settled before. The lane holds its block's row, if any.
    pub(super) fn settle(&mut self, n: u64) -> bool {
        self.set(n / BLOCK, n % BLOCK..n % BLOCK + 1) == 1
    }

    pub(super) fn void(&mut self, voids: &Voids) -> Result<(), StoreError> {
        for block in void_blocks(voids)? {
            let first = block * BLOCK;
            let places = voids.from.max(first) - first..(voids.to + 1).min(first + BLOCK) - first;
            self.voids += self.set(block, places);
        }
        Ok(())
    }

    fn set(&mut self, number: u64, places: std::ops::Range<u64>) -> u64 {
        let block = match self.blocks.get_mut(&number) {
            Some(block) => block,
            None if number < self.below_block => return 0,
            None => self.blocks.entry(number).or_insert(Block::EMPTY),
        };
        let fresh = block.set(places);
        if fresh > 0 {
            self.changed.insert(number);
        }
        fresh
    }

    pub(super) fn mark(&mut self, below: u64) {
        self.mark = self.mark.max(below);
    }

    /// Takes the account over if it is newer.
    pub(super) fn account(&mut self, snapshot: &TapSnapshot) {
        let serial = crate::sql::column(snapshot.serial);
        if serial <= self.serial {
            return;
        }
        let PartitionCount { partition: _, received, captured, dropped, next } =
            &snapshot.partition;
        self.serial = serial;
        self.received = *received;
        self.captured = *captured;
        self.dropped = dropped.iter().map(|(why, n)| (why.as_str().to_owned(), *n)).collect();
        self.next = *next;
    }

    /// Whether [`Self::advance`] would pass the head block, and so needs all rows after it.
    pub(super) fn may_advance(&self) -> bool {
        self.head_is_done(self.below_block)
    }

    /// Lets `below_block` pass every block that is done. The lane holds all rows from
    /// `below_block` on.
    pub(super) fn advance(&mut self) {
        while self.head_is_done(self.below_block) {
            let head = self.below_block;
            if let Entry::Vacant(lost) = self.blocks.entry(head) {
                // Lost as a whole: the row tells it from a full one.
                lost.insert(Block::EMPTY);
                self.changed.insert(head);
            }
            self.below_block += 1;
        }
        let below = self.below_block;
        let full = |number: &u64| self.blocks.get(number).is_some_and(Block::is_full);
        let done: BTreeSet<u64> =
            self.blocks.range(..below).map(|(number, _)| *number).filter(full).collect();
        for number in done {
            self.changed.remove(&number);
            self.completed.insert(number);
        }
    }

    fn head_is_done(&self, head: u64) -> bool {
        // Beyond `next` a mark says nothing yet.
        let passed = self.mark.min(self.next) / BLOCK > head;
        passed || self.blocks.get(&head).is_some_and(Block::is_full)
    }

    /// Whether `n` is set, by the rows held.
    pub(super) fn holds(&self, n: u64) -> bool {
        let number = n / BLOCK;
        match self.blocks.get(&number) {
            Some(block) => block.holds(n % BLOCK),
            None => number < self.below_block,
        }
    }

    /// Unset numbers below the mark, and from there to `next`. The lane holds all its rows.
    pub(crate) fn lost_and_in_flight(&self) -> (u64, u64) {
        let mark = self.mark.min(self.next);
        (self.unset(0, mark), self.unset(mark, self.next))
    }

    fn unset(&self, from: u64, to: u64) -> u64 {
        if from >= to {
            return 0;
        }
        let open = (self.below_block * BLOCK).max(from);
        // As if no block from `open` on had a row, then corrected by the rows.
        let mut unset = to.saturating_sub(open);
        for (number, block) in self.blocks.range(from / BLOCK..=(to - 1) / BLOCK) {
            let first = number * BLOCK;
            let places = from.max(first) - first..to.min(first + BLOCK) - first;
            if *number >= self.below_block {
                unset -= places.end - places.start;
            }
            unset += block.unset(places);
        }
        unset
    }
}

/// The blocks a void range touches.
pub(super) fn void_blocks(voids: &Voids) -> Result<std::ops::RangeInclusive<u64>, StoreError> {
    let Voids { from, to, .. } = *voids;
    if to < from || to - from >= WIDEST_VOID || to > i64::MAX as u64 {
        return Err(StoreError::Corrupt(format!("a void range from {from} to {to}")));
    }
    Ok(from / BLOCK..=to / BLOCK)
}

#[cfg(test)]
mod tests {
    use exchange::{Epoch, TapTotals};
    use proptest::prelude::*;

    use super::*;

    fn lane(next: u64) -> Lane {
        Lane { next, ..Lane::default() }
    }

    fn void(from: u64, to: u64) -> Voids {
        Voids { epoch: Epoch(1), partition: 0, from, to }
    }

    #[test]
    fn a_number_settles_once() {
        let mut lane = lane(10);
        assert!(lane.settle(3));
        assert!(!lane.settle(3));
        assert_eq!(lane.lost_and_in_flight(), (0, 9));
        lane.mark(5);
        assert_eq!(lane.lost_and_in_flight(), (4, 5));
    }

    #[test]
    fn full_blocks_collapse_and_stay_settled() {
        let mut lane = lane(2 * BLOCK + 5);
        for n in (0..2 * BLOCK).rev() {
            assert!(lane.settle(n));
        }
        assert!(lane.may_advance());
        lane.advance();
        assert_eq!((lane.below_block, lane.completed.len()), (2, 2));
        assert!(lane.changed.is_empty());
        lane.blocks.clear();
        assert!(!lane.settle(7) && lane.holds(7) && !lane.holds(2 * BLOCK));
        assert_eq!(lane.lost_and_in_flight(), (0, 5));
    }

    #[test]
    fn a_passed_block_keeps_its_holes_and_takes_late_ones() {
        let mut lane = lane(3 * BLOCK);
        lane.settle(0);
        lane.settle(2 * BLOCK);
        lane.mark(2 * BLOCK + 1);
        lane.advance();
        assert_eq!(lane.below_block, 2);
        assert_eq!(lane.lost_and_in_flight(), (2 * BLOCK - 1, BLOCK - 1));
        assert!(lane.settle(1), "late, not repeated");
        assert_eq!(lane.lost_and_in_flight(), (2 * BLOCK - 2, BLOCK - 1));
    }

    #[test]
    fn a_late_number_that_fills_a_passed_block_removes_its_row() {
        let mut lane = lane(2 * BLOCK);
        for n in 1..BLOCK {
            lane.settle(n);
        }
        lane.mark(BLOCK);
        lane.advance();
        assert_eq!(lane.below_block, 1);
        assert!(lane.completed.is_empty());
        assert!(lane.settle(0));
        lane.advance();
        assert!(lane.completed.contains(&0));
        assert_eq!(lane.lost_and_in_flight(), (0, BLOCK));
    }

    #[test]
    fn voids_are_neither_lost_nor_in_flight_and_count_once() {
        let mut lane = lane(3 * BLOCK);
        lane.settle(BLOCK);
        lane.void(&void(10, 2 * BLOCK + 9)).unwrap();
        lane.void(&void(10, 2 * BLOCK + 9)).unwrap();
        assert_eq!(lane.voids, 2 * BLOCK - 1);
        lane.mark(20);
        assert_eq!(lane.lost_and_in_flight(), (10, BLOCK - 10));
    }

    #[test]
    fn a_mark_beyond_what_is_known_waits() {
        let mut lane = lane(0);
        lane.mark(u64::MAX);
        lane.advance();
        assert_eq!((lane.below_block, lane.lost_and_in_flight()), (0, (0, 0)));
    }

    #[test]
    fn the_newest_account_wins() {
        let snapshot = |serial, captured| TapSnapshot {
            epoch: Epoch(1),
            serial,
            at: 0,
            partition: PartitionCount { captured, next: captured, ..PartitionCount::default() },
            totals: TapTotals::default(),
        };
        let mut lane = Lane { serial: -1, ..Lane::default() };
        lane.account(&snapshot(0, 4));
        assert_eq!(lane.captured, 4);
        lane.account(&snapshot(7, 9));
        lane.account(&snapshot(6, 8));
        assert_eq!((lane.captured, lane.serial), (9, 7));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Settle(u64),
        Void(u64, u64),
        Mark(u64),
        Next(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Around the edges of blocks, where mistakes live.
        let number = || {
            (0..4_u64, 0..8_u64, any::<bool>()).prop_map(|(block, off, after)| {
                let edge = block * BLOCK;
                if after { edge + off } else { edge.saturating_sub(off) }
            })
        };
        let step = prop_oneof![
            4 => number().prop_map(Step::Settle),
            3 => (number(), number()).prop_map(|(a, b)| Step::Void(a.min(b), a.max(b))),
            1 => number().prop_map(Step::Mark),
            1 => number().prop_map(Step::Next),
        ];
        prop::collection::vec(step, 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Against a plain set, whatever comes in whatever order, saved after each step.
        #[test]
        fn a_lane_is_a_set_of_numbers(steps in steps()) {
            let mut lane = Lane::default();
            let mut set = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Settle(n) => prop_assert_eq!(lane.settle(n), set.insert(n)),
                    Step::Void(from, to) => {
                        let before = lane.voids;
                        lane.void(&void(from, to)).unwrap();
                        let fresh = (from..=to).filter(|n| set.insert(*n)).count() as u64;
                        prop_assert_eq!(lane.voids - before, fresh);
                    }
                    Step::Mark(below) => lane.mark(below),
                    Step::Next(next) => lane.next = lane.next.max(next),
                }
                lane.advance();
                for completed in std::mem::take(&mut lane.completed) {
                    lane.blocks.remove(&completed);
                }
                lane.changed.clear();
                let mark = lane.mark.min(lane.next);
                let unset = |range: std::ops::Range<u64>| {
                    range.filter(|n| !set.contains(n)).count() as u64
                };
                let expected = (unset(0..mark), unset(mark..lane.next));
                prop_assert_eq!(lane.lost_and_in_flight(), expected);
            }
        }
    }

    #[test]
    fn a_range_nobody_can_mean_is_refused() {
        for range in [void(3, 2), void(0, 1 << 31), void(u64::MAX - 1, u64::MAX)] {
            assert!(void_blocks(&range).is_err(), "{range:?}");
        }
    }
}
