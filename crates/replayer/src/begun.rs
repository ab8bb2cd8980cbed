//! Exchanges that may be fatal: from a message's third delivery each is noted in the store before
//! it begins, and one that began three times without an end is set aside.
//!
//! The notes of one partition are one small setting: they hold what runs now and what never
//! ended. Without the store an exchange runs unnoted.

use std::collections::{BTreeMap, HashMap};

use exchange::{Number, Partition};
use store::Store;
use tokio::sync::Mutex;

/// From this delivery on a message is suspected.
pub(crate) const SUSPECTED_FROM: u32 = 3;
/// One that began this often and never ended is not run again.
pub(crate) const MOST_BEGINNINGS: u32 = 3;

#[derive(Debug)]
pub(crate) struct BegunNotes {
    store: Store,
    partitions: Mutex<HashMap<Partition, Begun>>,
}

/// How often each number has begun and not ended, as it stands in the store.
type Begun = BTreeMap<String, u32>;

impl BegunNotes {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, partitions: Mutex::default() }
    }

    /// How often this exchange began before and never ended; fewer than the limit, and it is
    /// noted that it begins now.
    pub(crate) async fn begin(&self, number: Number) -> u32 {
        let mut partitions = self.partitions.lock().await;
        let begun = match partitions.entry(number.partition) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(self.load(number.partition).await)
            }
        };
        let times = begun.entry(key(number)).or_default();
        let before = *times;
        if before < MOST_BEGINNINGS {
            *times += 1;
            self.save(number.partition, begun).await;
        }
        before
    }

    /// It ended, one way or another.
    pub(crate) async fn end(&self, number: Number) {
        let mut partitions = self.partitions.lock().await;
        if let Some(begun) = partitions.get_mut(&number.partition)
            && begun.remove(&key(number)).is_some()
        {
            self.save(number.partition, begun).await;
        }
    }

    async fn load(&self, partition: Partition) -> Begun {
        match self.store.setting(&setting(partition)).await {
            Ok(Some(text)) => serde_json::from_str(&text).unwrap_or_default(),
            Ok(None) => Begun::default(),
            Err(error) => {
                tracing::warn!(error = %error, "what began earlier cannot be read from the store");
                Begun::default()
            }
        }
    }

    async fn save(&self, partition: Partition, begun: &Begun) {
        // A map of text and numbers always has a text.
        let Ok(text) = serde_json::to_string(begun) else { return };
        if let Err(error) = self.store.set_setting(&setting(partition), &text).await {
            tracing::warn!(error = %error, "what begins cannot be noted in the store");
        }
    }
}

fn setting(partition: Partition) -> String {
    format!("replayer.begun.{partition}")
}

fn key(number: Number) -> String {
    format!("{}/{}", number.epoch.0, number.n)
}
