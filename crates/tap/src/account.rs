//! The tap's side of the funnel: what was seen and not handed over, counted per worker.
//!
//! A request is counted when its record closes, and by one writer per [`Ledger`]. Readers get a
//! consistent picture (the counts of one ledger always add up) and never hold a writer up: a
//! sequence lock whose reader tries again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering, fence},
    },
    time::Duration,
};

use exchange::{DropReason, NotCopiedReason, TapTotals};

/// What became of a request that was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    SampledOut,
    NotCopied(NotCopiedReason),
    Dropped(DropReason),
}

/// The counts of one worker.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Odd while the worker is writing.
    version: AtomicU64,
    unhanded: AtomicU64,
    sampled_out: AtomicU64,
    not_copied: [AtomicU64; NotCopiedReason::ALL.len()],
    dropped: [AtomicU64; DropReason::ALL.len()],
    /// For metrics alone, as are the routes.
    handed: AtomicU64,
    /// By [`crate::policy::Policy::routes`].
    routes: Vec<AtomicU64>,
    /// CPU time of the worker's thread.
    worked_ns: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(routes: usize) -> Arc<Self> {
        Arc::new(Self {
            version: AtomicU64::new(0),
            unhanded: AtomicU64::new(0),
            sampled_out: AtomicU64::new(0),
            not_copied: std::array::from_fn(|_| AtomicU64::new(0)),
            dropped: std::array::from_fn(|_| AtomicU64::new(0)),
            handed: AtomicU64::new(0),
            routes: (0..routes).map(|_| AtomicU64::new(0)).collect(),
            worked_ns: AtomicU64::new(0),
        })
    }

    /// Called by the one worker this ledger belongs to.
    pub(crate) fn count(&self, fate: Fate) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        bump(&self.unhanded);
        let cell = match fate {
            Fate::SampledOut => Some(&self.sampled_out),
            Fate::NotCopied(reason) => self.not_copied.get(place(NotCopiedReason::ALL, &reason)),
            Fate::Dropped(reason) => self.dropped.get(place(DropReason::ALL, &reason)),
        };
        cell.map(bump);
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    pub(crate) fn count_handed(&self) {
        bump(&self.handed);
    }

    /// A request met the slice route of this place.
    pub(crate) fn count_route(&self, place: usize) {
        self.routes.get(place).map(bump);
    }

    /// The CPU time that the worker has taken so far.
    pub(crate) fn note_work(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.worked_ns.store(ns, Ordering::Relaxed);
    }

    pub(crate) fn met(&self, place: usize) -> u64 {
        self.routes.get(place).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    pub(crate) fn handed(&self) -> u64 {
        self.handed.load(Ordering::Relaxed)
    }

    /// Adds this ledger's counts, all as of one moment.
    pub(crate) fn add_to(&self, totals: &mut TapTotals) {
        let counts = loop {
            let before = self.version.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                let counts = self.read();
                fence(Ordering::Acquire);
                if self.version.load(Ordering::Relaxed) == before {
                    break counts;
                }
            }
            std::thread::yield_now();
        };
        totals.unhanded += counts.0;
        totals.sampled_out += counts.1;
        for (reason, count) in NotCopiedReason::ALL.iter().zip(counts.2) {
            if count > 0 {
                *totals.not_copied.entry(*reason).or_default() += count;
            }
        }
        for (reason, count) in DropReason::ALL.iter().zip(counts.3) {
            if count > 0 {
                *totals.dropped.entry(*reason).or_default() += count;
            }
        }
    }

    fn read(&self) -> (u64, u64, [u64; NotCopiedReason::ALL.len()], [u64; DropReason::ALL.len()]) {
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        (
            load(&self.unhanded),
            load(&self.sampled_out),
            self.not_copied.each_ref().map(load),
            self.dropped.each_ref().map(load),
        )
    }
}

/// One writer: no read-modify-write instruction is needed.
fn bump(cell: &AtomicU64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

fn place<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|each| each == one).unwrap_or(usize::MAX)
}

/// The sum over all workers, without `closed` and `paused`.
pub(crate) fn totals(ledgers: &[Arc<Ledger>]) -> TapTotals {
    let mut totals = TapTotals::default();
    for ledger in ledgers {
        ledger.add_to(&mut totals);
    }
    totals
}

/// CPU time of all workers.
pub(crate) fn worked(ledgers: &[Arc<Ledger>]) -> Duration {
    let ns = ledgers.iter().map(|ledger| ledger.worked_ns.load(Ordering::Relaxed));
    Duration::from_nanos(ns.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_of_a_busy_ledger_adds_up() {
        let ledger = Ledger::new(0);
        let writer = {
            let ledger = Arc::clone(&ledger);
            std::thread::spawn(move || {
                for n in 0..300_000_usize {
                    ledger.count(match n % 3 {
                        0 => Fate::SampledOut,
                        1 => Fate::NotCopied(NotCopiedReason::ALL[n % 10]),
                        _ => Fate::Dropped(DropReason::ALL[n % 6]),
                    });
                }
            })
        };
        let mut last = 0;
        while last < 300_000 {
            let totals = totals(&[Arc::clone(&ledger)]);
            let fates = totals.sampled_out
                + totals.not_copied.values().sum::<u64>()
                + totals.dropped.values().sum::<u64>();
            assert_eq!(totals.unhanded, fates);
            assert!(totals.unhanded >= last);
            last = totals.unhanded;
        }
        writer.join().unwrap();
    }
}
