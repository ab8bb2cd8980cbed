//! Clusters close as fixed on evidence, and open again as regressed when they are seen again.
//!
//! Two kinds of evidence: a recheck of which nothing differs and whose control holds, and a later
//! version of the candidate in which so many exchanges match that the cluster would have been seen.
//! A fixed cluster that an exchange captured after its fix shows again is regressed.

mod evidence;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use exchange::Micros;
use store::{
    ClusterCount, ClusterQuery, ClusterState, OutcomeCount, RecheckRow, RecheckState, Store,
    StoreError,
};

use self::evidence::{Later, Tally, Verdict};
use crate::intake::now;

/// Results that have not come by then will not come.
const LOST_AFTER: Duration = Duration::from_secs(60);

/// Ends rechecks whose results are in, and moves clusters between open, fixed and regressed.
pub(crate) async fn look(store: &Store) -> Result<(), StoreError> {
    end_rechecks(store, now()).await?;
    let page = store.clusters(&ClusterQuery::default()).await?;
    let fixes = store.fixes().await?;
    let mut counts: HashMap<i64, Vec<&ClusterCount>> = HashMap::new();
    for count in page.counts.iter().filter(|count| count.pairs > 0) {
        counts.entry(count.cluster).or_default().push(count);
    }
    let mut later = None;
    for cluster in &page.clusters {
        let own = counts.get(&cluster.id).map_or(&[][..], Vec::as_slice);
        match (cluster.state, fixes.get(&cluster.id)) {
            (ClusterState::Fixed, None) => store.close_as_fixed(cluster.id, "by hand").await?,
            (ClusterState::Fixed, Some(fix)) if is_seen_after(own, fix.fixed_at) => {
                tracing::info!(cluster.id, "a fixed cluster was seen again: it is regressed");
                store.reopen_as_regressed(cluster.id).await?;
            }
            (ClusterState::Fixed, Some(_)) | (ClusterState::Accepted, None) => {}
            (_, Some(_)) => store.forget_fix(cluster.id).await?,
            (ClusterState::Open | ClusterState::Regressed, None) => {
                let later = match &mut later {
                    Some(later) => later,
                    none => none.insert(Versions::read(store).await?),
                };
                if let Some(reason) = later.gone(own) {
                    tracing::info!(cluster.id, reason, "a cluster is closed as fixed");
                    store.close_as_fixed(cluster.id, &reason).await?;
                }
            }
        }
    }
    Ok(())
}

/// Counters know the minute of capture: what was captured in a later one than the fix was sent
/// after it.
fn is_seen_after(counts: &[&ClusterCount], fixed_at: Micros) -> bool {
    counts.iter().any(|count| count.last_minute > fixed_at.div_euclid(60_000_000))
}

/// What was compared, by endpoint and version, for clusters that a later version may have ended.
struct Versions {
    /// The candidate's newest, where there are several.
    newest: Option<String>,
    compared: BTreeMap<(i64, String), u64>,
}

impl Versions {
    async fn read(store: &Store) -> Result<Self, StoreError> {
        let versions = store.versions().await?;
        let mut own = versions.into_iter().filter(|row| row.side == "candidate");
        let newest = own.next().map(|row| row.version).filter(|_| own.next().is_some());
        let mut compared = BTreeMap::new();
        let counts: Vec<OutcomeCount> = match newest {
            Some(_) => store.outcome_counts(None).await?,
            None => Vec::new(),
        };
        for count in counts.into_iter().filter(|count| count.outcome == store::Outcome::Answered) {
            *compared.entry((count.endpoint, count.version)).or_default() += count.pairs;
        }
        Ok(Self { newest, compared })
    }

    /// Why a cluster counts as fixed in the newest version, if it does. At its endpoint; once
    /// conditions count exactly, what they cover goes into [`Later`] in its place.
    fn gone(&self, counts: &[&ClusterCount]) -> Option<String> {
        let newest = self.newest.as_ref()?;
        if counts.is_empty() || counts.iter().any(|count| &count.version == newest) {
            return None;
        }
        let compared = |endpoint: i64, version: &str| {
            self.compared.get(&(endpoint, version.to_owned())).copied().unwrap_or(0)
        };
        let mut later = Later { version: newest, seen: 0, of: 0, since: 0 };
        let mut endpoints = std::collections::BTreeSet::new();
        for count in counts {
            later.seen += count.pairs;
            later.of += compared(count.endpoint, &count.version);
            if endpoints.insert(count.endpoint) {
                later.since += compared(count.endpoint, newest);
            }
        }
        later.gone()
    }
}

async fn end_rechecks(store: &Store, now: Micros) -> Result<(), StoreError> {
    for row in store.open_rechecks().await? {
        if row.state == RecheckState::Sent {
            end_recheck(store, &row, now).await?;
        }
    }
    Ok(())
}

async fn end_recheck(store: &Store, row: &RecheckRow, now: Micros) -> Result<(), StoreError> {
    let counts = store.recheck_counts(row.id).await?;
    let tally = Tally::of(&counts);
    let waited = Duration::from_micros(u64::try_from(now - row.changed_at).unwrap_or(0));
    if tally.results() < row.planned && waited < LOST_AFTER {
        return Ok(());
    }
    let verdict = tally.verdict();
    let detail = tally.sentence(verdict);
    store.move_recheck(row.id, RecheckState::Done, row.planned, row.sent, &detail).await?;
    tracing::info!(recheck.id = row.id, outcome = detail, "a recheck has ended");
    if let (Verdict::Fixed, Some(cluster)) = (verdict, row.cluster) {
        store.close_as_fixed(cluster, &detail).await?;
    }
    Ok(())
}
