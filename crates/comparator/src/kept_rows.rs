//! Stored rows of fields, held in memory from look to look, and dropped beyond their bounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use cluster::{
    EndpointId,
    explain::{Accepted, Exact, Row, RowSeen, Rows},
};
use store::{RowKey, SignatureCount, Store, StoreError, Versus};
use tokio::time::Instant;

use crate::reservoir::{MATCHES, MISMATCHES, NEAR_MISSES};

/// Ids looked at again: another comparator's transaction may commit later than a newer one.
const OVERLAP: i64 = 4_096;
const RELIST_AFTER: Duration = Duration::from_secs(60);
const PAGE: usize = 2_000;
/// Mismatches kept of one endpoint and version, of all signatures together.
const MISMATCHES_AT_ENDPOINT: usize = 24_000;
/// Versions whose rows are kept, the newest.
const VERSIONS: usize = 3;
/// What all rows may take in memory.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Hash and id of rows.
type Places = Vec<(i64, i64)>;
/// Rows that are bounded together: of an endpoint, a version, a signature that mismatches, and the
/// condition that they miss by little.
type Bucket<'a> = (i64, &'a str, Option<i64>, Option<i64>);

#[derive(Debug, Default)]
pub(crate) struct KeptRows {
    rows: Arc<Rows>,
    keys: BTreeMap<i64, RowKey>,
    listed: Option<Instant>,
}

impl KeptRows {
    /// Some were forgotten by people: all that are left are listed at the next look.
    pub(crate) fn list_again(&mut self) {
        self.listed = None;
    }

    /// Reads what is new.
    pub(crate) async fn read(&mut self, store: &Store) -> Result<(), StoreError> {
        let whole = self.listed.is_none_or(|at| at.elapsed() > RELIST_AFTER);
        let last = self.keys.last_key_value().map_or(0, |(id, _)| *id);
        let listed = store.row_keys(if whole { 0 } else { last - OVERLAP }).await?;
        if whole {
            let ids: BTreeSet<i64> = listed.iter().map(|key| key.id).collect();
            self.keys.retain(|id, _| ids.contains(id));
            Arc::make_mut(&mut self.rows).book.retain(&ids);
            self.listed = Some(Instant::now());
        }
        let fresh: Vec<i64> =
            listed.iter().map(|key| key.id).filter(|id| !self.keys.contains_key(id)).collect();
        let exact = store.condition_counts().await?;
        let exact = exact.into_iter().map(|count| {
            let [hits, spared, missed, others] = count.pairs;
            let since = count.since;
            ((count.condition, count.version), Exact { hits, spared, missed, others, since })
        });
        Arc::make_mut(&mut self.rows).exact = exact.collect();
        for page in fresh.chunks(PAGE) {
            let rows = store.feature_rows(page).await?;
            let held = Arc::make_mut(&mut self.rows);
            for row in rows {
                self.keys.insert(row.key.id, row.key.clone());
                let Some(cells) = Row::unpack(&row.cells) else { continue };
                held.book.add(RowSeen {
                    id: row.key.id,
                    endpoint: EndpointId(row.key.endpoint),
                    version: row.key.version,
                    signature: row.key.signature,
                    near: row.key.near.is_some(),
                    minute: row.minute,
                    row: cells,
                });
            }
        }
        Ok(())
    }

    /// The rows with what they stand for.
    pub(crate) fn with(&mut self, counters: &[SignatureCount], thorough: bool) -> Arc<Rows> {
        let rows = Arc::make_mut(&mut self.rows);
        rows.pairs.clear();
        for count in counters.iter().filter(|count| count.versus == Versus::Candidate) {
            *rows.pairs.entry((count.key, count.version.clone())).or_default() += count.pairs;
        }
        rows.thorough = thorough;
        Arc::clone(&self.rows)
    }

    /// Takes in what is accepted; whether that changed.
    pub(crate) fn accept(&mut self, accepted: Vec<Accepted>) -> bool {
        if self.rows.accepted == accepted {
            return false;
        }
        Arc::make_mut(&mut self.rows).accepted = accepted;
        true
    }

    /// Drops what is beyond the bounds under today's verdicts, those that hash largest first.
    pub(crate) async fn trim(
        &mut self,
        store: &Store,
        matching: &BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let surplus = self.surplus(matching);
        if surplus.is_empty() {
            return Ok(());
        }
        store.drop_rows(&surplus.iter().copied().collect::<Vec<_>>()).await?;
        self.keys.retain(|id, _| !surplus.contains(id));
        let left = self.keys.keys().copied().collect();
        Arc::make_mut(&mut self.rows).book.retain(&left);
        Ok(())
    }

    fn surplus(&self, matching: &BTreeSet<i64>) -> BTreeSet<i64> {
        let bytes = self.rows.book.bytes();
        let part = (MOST_BYTES as f64 / bytes.max(1) as f64).min(1.0);
        let bound = |rows: usize| (rows as f64 * part) as usize;
        let mut newest: BTreeMap<i64, BTreeMap<&str, i64>> = BTreeMap::new();
        for key in self.keys.values() {
            newest.entry(key.endpoint).or_default().insert(&key.version, key.id);
        }
        let mut surplus = BTreeSet::new();
        let mut buckets: BTreeMap<Bucket<'_>, Places> = BTreeMap::new();
        let mut mismatches: BTreeMap<(i64, &str), Places> = BTreeMap::new();
        for key in self.keys.values() {
            let versions = newest.get(&key.endpoint);
            let own = versions.and_then(|v| v.get(key.version.as_str())).copied().unwrap_or(0);
            let newer = versions.into_iter().flatten().filter(|(_, id)| **id > own).count();
            if newer >= VERSIONS {
                surplus.insert(key.id);
                continue;
            }
            let version = key.version.as_str();
            let signature = (!matching.contains(&key.signature)).then_some(key.signature);
            let place = (key.hash, key.id);
            buckets.entry((key.endpoint, version, signature, key.near)).or_default().push(place);
            if signature.is_some() {
                mismatches.entry((key.endpoint, version)).or_default().push(place);
            }
        }
        let mut beyond = |mut places: Places, most: usize| {
            if places.len() > most {
                places.sort_unstable();
                surplus.extend(places.into_iter().skip(most).map(|(_, id)| id));
            }
        };
        for ((_, _, signature, near), places) in buckets {
            let most = match (signature, near) {
                (Some(_), _) => MISMATCHES,
                (None, Some(_)) => NEAR_MISSES,
                (None, None) => MATCHES,
            };
            beyond(places, bound(most));
        }
        for places in mismatches.into_values() {
            beyond(places, bound(MISMATCHES_AT_ENDPOINT));
        }
        surplus
    }
}
