//! The ledger between requests.
//!
//! Reading it means summing counters, and the more is compared the longer that takes. Invariants:
//! - While the store says that nothing was committed, nothing is read.
//! - A small ledger is never older than the store.
//! - A large one shows names, states, owners and notes as they are, and counts as they were a
//!   moment ago: they are counted anew beside the requests, and take a part of the time at most.
//!   Nobody waits for it who does not come after a long silence.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use store::{Store, StoreError};

use super::Ledger;

/// Counts in a ledger that takes noticeable time.
const LARGE: usize = 10_000;
/// Some figures depend on the time of day alone.
const AGES_AFTER: Duration = Duration::from_secs(10);
/// Names and states are read again at most so often, where nobody here changed them.
const DESCRIBE_EVERY: Duration = Duration::from_millis(250);
/// Counting rests so many times as long as it took, and so long at least.
const RESTS: u32 = 4;
const REST_AT_LEAST: Duration = Duration::from_secs(1);
/// Counts older than this are not shown: whoever comes first waits.
const TOO_OLD: Duration = Duration::from_secs(90);

#[derive(Clone, Debug, Default)]
pub(crate) struct KeptLedger {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Option<Kept>>,
    /// Who reads; the others wait for what it finds.
    turn: tokio::sync::Mutex<()>,
    counting: AtomicBool,
    changed: AtomicBool,
}

#[derive(Clone, Debug)]
struct Kept {
    ledger: Arc<Ledger>,
    /// The store's stamp before names and states were read, and before counts were.
    described: (String, Instant),
    counted: (String, Instant),
    took: Duration,
}

impl Kept {
    fn is_large(&self) -> bool {
        self.ledger.size() > LARGE
    }

    /// Nothing was committed since.
    fn is_of(&self, stamp: &str) -> bool {
        self.described.0 == stamp && self.counted.0 == stamp && self.age() < AGES_AFTER
    }

    fn age(&self) -> Duration {
        self.counted.1.elapsed()
    }

    fn has_rested(&self) -> bool {
        self.age() > (self.took * RESTS).max(REST_AT_LEAST)
    }
}

impl KeptLedger {
    /// The ledger for a request.
    pub(crate) async fn look(&self, store: &Store) -> Result<Arc<Ledger>, StoreError> {
        let stamp = store.stamp().await?;
        if let Some(kept) = self.kept().filter(|kept| kept.is_of(&stamp)) {
            return Ok(kept.ledger);
        }
        let _turn = self.shared.turn.lock().await;
        let stamp = store.stamp().await?;
        match self.kept() {
            Some(kept) if kept.is_of(&stamp) => Ok(kept.ledger),
            Some(kept) if kept.is_large() && kept.age() < TOO_OLD => {
                if kept.has_rested() {
                    self.count_beside(store);
                }
                self.described(store, kept, stamp).await
            }
            _ => self.count(store).await,
        }
    }

    /// Somebody here changed names or states: the next look shows it.
    pub(crate) fn has_changed(&self) {
        self.shared.changed.store(true, Ordering::SeqCst);
    }

    /// What was counted was deleted: the next look counts anew.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    async fn described(
        &self,
        store: &Store,
        kept: Kept,
        stamp: String,
    ) -> Result<Arc<Ledger>, StoreError> {
        let changed = self.shared.changed.swap(false, Ordering::SeqCst);
        let recent = kept.described.1.elapsed() < DESCRIBE_EVERY && !changed;
        if recent || kept.described.0 == stamp {
            return Ok(kept.ledger);
        }
        let at = Instant::now();
        let ledger = Arc::new(kept.ledger.described_anew(store).await?);
        let mut now = self.lock();
        // Counted anew meanwhile: that is newer.
        if now.as_ref().is_some_and(|one| one.counted.1 == kept.counted.1) {
            *now = Some(Kept { ledger: ledger.clone(), described: (stamp, at), ..kept });
        }
        Ok(ledger)
    }

    async fn count(&self, store: &Store) -> Result<Arc<Ledger>, StoreError> {
        let (stamp, at) = (store.stamp().await?, Instant::now());
        let ledger = Arc::new(Ledger::read(store).await?);
        self.keep(&ledger, (stamp, at));
        Ok(ledger)
    }

    /// Nobody waits for this one.
    fn count_beside(&self, store: &Store) {
        if self.shared.counting.swap(true, Ordering::SeqCst) {
            return;
        }
        let (own, store) = (self.clone(), store.clone());
        tokio::spawn(async move {
            if let Err(error) = own.count_and_judge(&store).await {
                tracing::warn!(%error, "pages show counts as they were");
            }
            own.shared.counting.store(false, Ordering::SeqCst);
        });
    }

    async fn count_and_judge(&self, store: &Store) -> Result<(), StoreError> {
        let before = self.kept();
        let (stamp, at) = (store.stamp().await?, Instant::now());
        let ledger = Arc::new(Ledger::read(store).await?);
        let Some(before) = before else { return Ok(()) };
        let (newer, older) = (Arc::clone(&ledger), before.ledger);
        let judged = tokio::task::spawn_blocking(move || newer.memo.renew(&older.memo, &newer));
        if let Err(error) = judged.await {
            tracing::warn!(%error, "pages judge when they are asked for");
        }
        // What was forgotten meanwhile, or counted by who could not wait, stays so.
        if self.kept().is_some_and(|now| now.counted.1 == before.counted.1) {
            self.keep(&ledger, (stamp, at));
        }
        Ok(())
    }

    /// What was counted at a moment is the ledger from now on.
    fn keep(&self, ledger: &Arc<Ledger>, (stamp, at): (String, Instant)) {
        *self.lock() = Some(Kept {
            ledger: Arc::clone(ledger),
            described: (stamp.clone(), at),
            counted: (stamp, at),
            took: at.elapsed(),
        });
    }

    fn kept(&self) -> Option<Kept> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
