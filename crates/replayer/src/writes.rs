//! At most once: a write is noted in the store before it is sent.
//!
//! Invariants:
//! - [`WriteNotes::claim`] says [`Claim::Fresh`] only after the note is committed, and never
//!   again for a number once its request may have left.
//! - Notes wait for the store as long as it takes; whoever waits holds nothing that reads need.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exchange::Number;
use store::Store;
use tokio::sync::{mpsc, oneshot};

/// Numbers committed in one transaction.
const GROUP: usize = 256;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Noted now, or earlier by this process and certainly not sent.
    Fresh,
    /// Noted before: it may have been sent.
    Known,
}

#[derive(Debug)]
pub(crate) struct WriteNotes {
    asks: mpsc::UnboundedSender<(Number, oneshot::Sender<bool>)>,
    unsent: Arc<Unsent>,
}

/// Noted by this process and not sent yet.
type Unsent = Mutex<HashSet<Number>>;

impl WriteNotes {
    /// The notes, and the task that commits them until the notes are dropped.
    pub(crate) fn new(store: Store) -> (Self, impl Future<Output = ()> + Send) {
        let (asks, asked) = mpsc::unbounded_channel();
        let unsent = Arc::<Unsent>::default();
        (Self { asks, unsent: Arc::clone(&unsent) }, commit_groups(store, unsent, asked))
    }

    /// Notes that this write is about to be sent. `None` where the process ends.
    pub(crate) async fn claim(&self, number: Number) -> Option<Claim> {
        if self.lock().contains(&number) {
            return Some(Claim::Fresh);
        }
        let (tell, told) = oneshot::channel();
        self.asks.send((number, tell)).ok()?;
        // Another claim of this process may have noted it meanwhile and not used it.
        let unsent = told.await.ok()? || self.lock().contains(&number);
        Some(if unsent { Claim::Fresh } else { Claim::Known })
    }

    /// From here on it may have been sent.
    pub(crate) fn sending(&self, number: Number) {
        self.lock().remove(&number);
    }

    /// It certainly was not, after all.
    pub(crate) fn not_sent(&self, number: Number) {
        self.lock().insert(number);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Number>> {
        lock(&self.unsent)
    }
}

fn lock(unsent: &Unsent) -> MutexGuard<'_, HashSet<Number>> {
    unsent.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn commit_groups(
    store: Store,
    unsent: Arc<Unsent>,
    mut asked: mpsc::UnboundedReceiver<(Number, oneshot::Sender<bool>)>,
) {
    let mut group = Vec::new();
    while asked.recv_many(&mut group, GROUP).await > 0 {
        let (numbers, tells): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let fresh = commit(&store, &numbers).await;
        for ((number, tell), fresh) in numbers.into_iter().zip(tells).zip(fresh) {
            if fresh {
                lock(&unsent).insert(number);
            }
            // One who no longer waits has not sent it and may ask again.
            let _ = tell.send(fresh);
        }
    }
}

async fn commit(store: &Store, numbers: &[Number]) -> Vec<bool> {
    let mut pause = FIRST_PAUSE;
    loop {
        match store.begin_writes(numbers).await {
            Ok(fresh) => return fresh,
            Err(error) => {
                tracing::warn!(
                    error = %error,
                    writes.waiting = numbers.len(),
                    "the store does not take the notes of writes: sessions with writes wait"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
