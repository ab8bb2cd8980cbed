//! The log against a model, on a disk that fails and forgets.
//!
//! What must hold after any history of appends, settlements, failures, restarts and power cuts:
//! whatever was accepted and not settled is there once, in order, with its bytes; what else is
//! there was settled (and comes again) or was refused by a failing disk; no crash looks like
//! damage.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::Partition;
use proptest::prelude::*;

use super::{Log, LogConfig, Sequence, forgetful::ForgetfulDisk};

const PARTITIONS: Partition = 3;

#[derive(Clone, Debug)]
enum Step {
    /// Together, so that they may share a sync.
    Append(Vec<Partition>),
    /// The n-th of what waits.
    Settle(usize),
    /// Appends that nobody waits for when the power goes.
    CutWhileAppending(Vec<Partition>, u64),
    Cut(u64),
    Restart,
    FailSyncs(u32),
    FailAppends(u32),
    /// Lets the cursor file follow.
    Pause,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let group = || prop::collection::vec(0..PARTITIONS, 1..6);
    let step = prop_oneof![
        6 => group().prop_map(Step::Append),
        4 => any::<usize>().prop_map(Step::Settle),
        2 => (group(), any::<u64>()).prop_map(|(group, seed)| Step::CutWhileAppending(group, seed)),
        2 => any::<u64>().prop_map(Step::Cut),
        1 => Just(Step::Restart),
        1 => (1..3_u32).prop_map(Step::FailSyncs),
        1 => (1..3_u32).prop_map(Step::FailAppends),
        1 => Just(Step::Pause),
    ];
    prop::collection::vec(step, 1..40)
}

/// What is known of one payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    Settled,
    Refused,
}

struct Bench {
    runtime: tokio::runtime::Runtime,
    disk: Arc<ForgetfulDisk>,
    log: Log,
    fates: BTreeMap<(Partition, u32), Fate>,
    places: BTreeMap<(Partition, u32), Sequence>,
    next: u32,
}

fn open(disk: &Arc<ForgetfulDisk>) -> Log {
    // Segments of a few records, so that there are many.
    let config = LogConfig {
        segment_bytes: 120,
        cursor_delay: Duration::from_millis(1),
        ..LogConfig::bounded(1 << 20)
    };
    Log::open_in(disk.folder(), None, &config).unwrap()
}

fn payload(number: u32) -> Bytes {
    Bytes::from(number.to_be_bytes().repeat(1 + number as usize % 4))
}

fn chance(seed: u64) -> impl FnMut(usize) -> usize {
    // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    let mut state = seed;
    move |bound| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

impl Bench {
    fn new() -> Self {
        let disk = ForgetfulDisk::new();
        let log = open(&disk);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (fates, places) = Default::default();
        Self { runtime, disk, log, fates, places, next: 0 }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append(group) => {
                let appending = self.begin(&group);
                self.finish(appending);
            }
            Step::Settle(n) => self.settle(n),
            Step::CutWhileAppending(group, seed) => {
                let appending = self.begin(&group);
                self.disk.crash(chance(seed));
                self.finish(appending);
                self.reopen();
            }
            Step::Cut(seed) => {
                self.disk.crash(chance(seed));
                self.reopen();
            }
            Step::Restart => {
                self.runtime.block_on(self.log.close());
                self.reopen();
            }
            Step::FailSyncs(count) => self.disk.fail_syncs(count),
            Step::FailAppends(count) => self.disk.fail_appends(count),
            Step::Pause => std::thread::sleep(Duration::from_millis(5)),
        }
    }

    fn begin(&mut self, group: &[Partition]) -> Vec<(Partition, u32, super::Appending)> {
        let begin = |&partition: &Partition| {
            self.next += 1;
            (partition, self.next, self.log.append(partition, payload(self.next)))
        };
        group.iter().map(begin).collect()
    }

    fn finish(&mut self, appending: Vec<(Partition, u32, super::Appending)>) {
        for (partition, number, append) in appending {
            let fate = match self.runtime.block_on(append) {
                Ok(sequence) => {
                    self.places.insert((partition, number), sequence);
                    Fate::Accepted
                }
                Err(_) => Fate::Refused,
            };
            self.fates.insert((partition, number), fate);
        }
    }

    fn settle(&mut self, n: usize) {
        let waiting: Vec<_> = self.places.keys().copied().collect();
        let Some(key) = n.checked_rem(waiting.len()).and_then(|n| waiting.get(n)) else { return };
        let Some(sequence) = self.places.remove(key) else { return };
        self.log.settle(sequence, key.0);
        self.fates.insert(*key, Fate::Settled);
    }

    /// Opens the log again and compares what it holds with what is known.
    fn reopen(&mut self) {
        self.log = open(&self.disk);
        assert_eq!(self.log.damaged(), Vec::<std::path::PathBuf>::new());
        self.places.clear();
        let mut last = BTreeMap::new();
        for (sequence, partition) in self.log.unsettled() {
            let bytes = self.log.read(sequence, partition).unwrap();
            let number = u32::from_be_bytes(bytes[..4].try_into().unwrap());
            assert_eq!(bytes, payload(number));
            let before = last.insert(partition, number);
            assert!(before < Some(number), "{before:?}, then {number} in {partition}");
            let fate = self.fates.get(&(partition, number));
            assert!(fate.is_some(), "{number} was never appended to {partition}");
            self.places.insert((partition, number), sequence);
        }
        for (key, fate) in &self.fates {
            let kept = self.places.contains_key(key);
            assert!(kept || *fate != Fate::Accepted, "{key:?} was accepted and is lost");
        }
        // What came again waits again.
        for key in self.places.keys() {
            self.fates.insert(*key, Fate::Accepted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn what_was_accepted_survives_whatever_happens(steps in steps()) {
        let mut bench = Bench::new();
        for step in steps {
            bench.take(step);
        }
        bench.take(Step::Restart);
    }
}
