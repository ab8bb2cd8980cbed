//! What was compared since a cluster was seen: in a newer version, or for a while.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cluster::{ClusterDoc, doc::DocCondition, explain};
use exchange::Micros;
use store::{ClusterCount, ClusterRow, OutcomeCount, Store, StoreError};

use super::evidence::{Later, Since};
use crate::analyst;

/// A cluster that was not seen for so long may be gone without a new version: data were mended, or
/// nobody states versions.
const QUIET_MINUTES: i64 = 10;

/// All that clusters are held against, read once a look.
pub(super) struct Figures {
    /// Versions of the candidate, the newest first.
    versions: Vec<String>,
    compared: BTreeMap<(i64, String), u64>,
    /// Of published causes: the name under which their condition is counted.
    conditions: HashMap<String, i64>,
    /// By condition and version: exchanges that met it and differ so or do not, and that differ so
    /// without meeting it.
    met: HashMap<(i64, String), Met>,
    /// What is older was not seen for a while.
    quiet_before: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Met {
    hits: u64,
    spared: u64,
    missed: u64,
}

/// What is known of a cluster's condition in a version.
enum Under {
    /// Such exchanges still differ.
    Seen,
    /// Why they do not any more.
    Gone(String),
    /// None differs, and too few were counted.
    Few,
}

impl Figures {
    pub(super) async fn read(store: &Store, now: Micros) -> Result<Self, StoreError> {
        let versions = store.versions().await?.into_iter();
        let versions: Vec<String> =
            versions.filter(|row| row.side == "candidate").map(|row| row.version).collect();
        let mut compared = BTreeMap::new();
        let counts: Vec<OutcomeCount> = store.outcome_counts(None).await?;
        for count in counts.into_iter().filter(|count| count.outcome == store::Outcome::Answered) {
            *compared.entry((count.endpoint, count.version)).or_default() += count.pairs;
        }
        let met = store.condition_counts().await?.into_iter().map(|count| {
            let [hits, spared, missed, _] = count.pairs;
            ((count.condition, count.version), Met { hits, spared, missed })
        });
        let (met, conditions) = (met.collect(), published(store).await?);
        let quiet_before = now.div_euclid(60_000_000) - QUIET_MINUTES;
        Ok(Self { versions, compared, conditions, met, quiet_before })
    }

    /// Why a cluster counts as fixed, if it does.
    pub(super) async fn gone(
        &self,
        store: &Store,
        cluster: &ClusterRow,
        counts: &[&ClusterCount],
        at_quiet: bool,
    ) -> Result<Option<String>, StoreError> {
        let (Some(newest), Some(last_minute)) =
            (self.versions.first(), counts.iter().map(|count| count.last_minute).max())
        else {
            return Ok(None);
        };
        if counts.iter().all(|count| count.version != *newest) {
            let at_endpoints = self.at_endpoints(counts, newest);
            return Ok(match self.under_condition(cluster, newest) {
                None => at_endpoints.gone(),
                Some(Under::Seen) => None,
                Some(Under::Gone(sentence)) => Some(sentence),
                // Counted under the condition for too short a time: far more say it without it.
                Some(Under::Few) => Later { widely: true, ..at_endpoints }.gone(),
            });
        }
        if !at_quiet || last_minute >= self.quiet_before {
            return Ok(None);
        }
        let since = store.compared_after(newest, last_minute).await?;
        let mut later = self.at_endpoints(counts, newest);
        later.since = Since::LastSeen;
        later.compared = endpoints(counts).iter().filter_map(|key| since.get(key)).sum();
        // The version's own figures are those while it was seen and since.
        later.of += self.compared_at(counts, newest).saturating_sub(later.compared);
        Ok(later.gone())
    }

    /// In the newest version under the cluster's condition. `None` where it has none that is
    /// counted there.
    fn under_condition(&self, cluster: &ClusterRow, newest: &str) -> Option<Under> {
        let counter = self.conditions.get(&cluster.fingerprint)?;
        let now = self.met.get(&(*counter, newest.to_owned()))?;
        let condition = condition_of(cluster)?;
        if now.hits > 0 || now.missed > 0 {
            return Some(Under::Seen);
        }
        let later = Later {
            since: Since::Version(newest),
            condition: Some(&condition.text),
            seen: condition.counts.hits,
            of: condition.counts.covered,
            compared: now.spared,
            widely: false,
        };
        Some(later.gone().map_or(Under::Few, Under::Gone))
    }

    fn at_endpoints<'a>(&self, counts: &[&ClusterCount], newest: &'a str) -> Later<'a> {
        let older: BTreeSet<(i64, &str)> = counts
            .iter()
            .map(|count| (count.endpoint, count.version.as_str()))
            .filter(|(_, version)| *version != newest)
            .collect();
        Later {
            since: Since::Version(newest),
            condition: None,
            seen: counts.iter().map(|count| count.pairs).sum(),
            of: older.into_iter().map(|(endpoint, version)| self.at(endpoint, version)).sum(),
            compared: self.compared_at(counts, newest),
            widely: false,
        }
    }

    fn compared_at(&self, counts: &[&ClusterCount], version: &str) -> u64 {
        endpoints(counts).into_iter().map(|endpoint| self.at(endpoint, version)).sum()
    }

    fn at(&self, endpoint: i64, version: &str) -> u64 {
        self.compared.get(&(endpoint, version.to_owned())).copied().unwrap_or(0)
    }
}

fn endpoints(counts: &[&ClusterCount]) -> BTreeSet<i64> {
    counts.iter().map(|count| count.endpoint).collect()
}

/// Published causes by the fingerprint of their cluster.
async fn published(store: &Store) -> Result<HashMap<String, i64>, StoreError> {
    let Some(row) = store.model_newer(0).await? else { return Ok(HashMap::new()) };
    // One that cannot be read is told by who learns.
    let Ok(model) = analyst::read_model(&row) else { return Ok(HashMap::new()) };
    let causes = model.explained.iter().flat_map(|explained| &explained.causes);
    Ok(causes.map(|cause| (cause.key.clone(), explain::counter(cause))).collect())
}

fn condition_of(cluster: &ClusterRow) -> Option<DocCondition> {
    let doc: ClusterDoc = serde_json::from_str(&cluster.doc).ok()?;
    doc.conditions.into_iter().find(|condition| condition.counts.hits > 0)
}
