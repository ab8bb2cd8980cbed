//! Pairs that may be fatal: from a message's third delivery each is noted in the store before it
//! is judged, and one that began three times without an end is set aside.
//!
//! Of one process one noted pair is judged at a time, so that what a death leaves in the store is
//! the pair that was judged then. Nothing is kept in memory: the next to judge it may be another
//! process. Without the store a pair is judged unnoted.

use std::collections::BTreeMap;

use exchange::{Number, Partition};
use store::{Store, StoreError};
use tokio::sync::{Mutex, MutexGuard};

/// From this delivery on a message is suspected.
pub(crate) const SUSPECTED_FROM: u32 = 3;
/// One that began this often and never ended is not judged again.
pub(crate) const MOST_BEGINNINGS: u32 = 3;

#[derive(Debug)]
pub(crate) struct BegunNotes {
    store: Store,
    alone: Mutex<()>,
}

/// The only one to be judged now.
#[derive(Debug)]
pub(crate) struct Alone<'a> {
    store: &'a Store,
    _turn: MutexGuard<'a, ()>,
}

/// How often each number has begun and not ended.
type Begun = BTreeMap<String, u32>;

impl BegunNotes {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, alone: Mutex::default() }
    }

    pub(crate) async fn alone(&self) -> Alone<'_> {
        Alone { store: &self.store, _turn: self.alone.lock().await }
    }
}

impl Alone<'_> {
    /// How often this pair began before and never ended; fewer than the limit, and it is noted
    /// that it begins now.
    pub(crate) async fn begin(&self, number: Number) -> u32 {
        let noted = self.change(number, |times| match times {
            Some(times) if times >= MOST_BEGINNINGS => Some(times),
            times => Some(times.unwrap_or(0) + 1),
        });
        noted.await.flatten().unwrap_or(0)
    }

    /// It ended, one way or another.
    pub(crate) async fn end(&self, number: Number) {
        self.change(number, |_| None).await;
    }

    /// What stood there before; `None` where the store does not say.
    async fn change(
        &self,
        number: Number,
        change: impl FnOnce(Option<u32>) -> Option<u32>,
    ) -> Option<Option<u32>> {
        let changed = async {
            let name = setting(number.partition);
            let text = self.store.setting(&name).await?.unwrap_or_default();
            let mut begun: Begun = serde_json::from_str(&text).unwrap_or_default();
            let key = format!("{}/{}", number.epoch.0, number.n);
            let before = begun.get(&key).copied();
            let after = change(before);
            if after != before {
                match after {
                    Some(times) => begun.insert(key, times),
                    None => begun.remove(&key),
                };
                // A map of text and numbers always has a text.
                let text = serde_json::to_string(&begun).unwrap_or_default();
                self.store.set_setting(&name, &text).await?;
            }
            Ok::<_, StoreError>(before)
        };
        let warn = |error: &StoreError| {
            tracing::warn!(%error, "what begins cannot be noted in the store");
        };
        changed.await.inspect_err(warn).ok()
    }
}

fn setting(partition: Partition) -> String {
    format!("comparator.begun.{partition}")
}

#[cfg(test)]
mod tests {
    use exchange::Epoch;
    use store::{Access, StoreUrl};

    use super::*;

    #[tokio::test]
    async fn beginnings_are_counted_until_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("store.db"));
        let store = Store::open(&url, Access::ReadWrite).await.unwrap();
        let number = |n| Number { epoch: Epoch(7), partition: 2, n };
        for before in [0, 1, 2, 3, 3] {
            // As a process that died would leave it.
            let notes = BegunNotes::new(store.clone());
            assert_eq!(notes.alone().await.begin(number(1)).await, before);
        }
        let notes = BegunNotes::new(store.clone());
        let alone = notes.alone().await;
        assert_eq!(alone.begin(number(2)).await, 0);
        alone.end(number(2)).await;
        let noted = store.setting("comparator.begun.2").await.unwrap();
        assert_eq!(noted.as_deref(), Some(r#"{"7/1":3}"#));
        alone.end(number(1)).await;
        assert_eq!(alone.begin(number(1)).await, 0);
        store.close().await;
        assert_eq!(alone.begin(number(1)).await, 0, "unnoted");
    }
}
