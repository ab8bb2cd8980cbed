//! Clusters close as fixed on evidence, and open again as regressed when they are seen again.
//!
//! Evidence is a recheck of which nothing differs and whose control holds; or so many exchanges
//! without the cluster, in a later version of the candidate or, far more of them, since it was last
//! seen, that it would have been seen: under its condition where it has one, else at its
//! endpoints. A fixed cluster that an exchange captured after its fix shows again is regressed.

mod evidence;
mod later;

use std::{collections::HashMap, time::Duration};

use exchange::Micros;
use store::{
    ClusterCount, ClusterQuery, ClusterState, RecheckRow, RecheckState, Store, StoreError,
};

use self::{
    evidence::{Tally, Verdict},
    later::Figures,
};
use crate::intake::now;

/// Results that have not come by then will not come.
const LOST_AFTER: Duration = Duration::from_secs(60);

/// Ends rechecks whose results are in, and moves clusters between open, fixed and regressed;
/// looks at those of the newest version that were not seen for a while where it is time to.
pub(crate) async fn look(store: &Store, at_quiet: bool) -> Result<(), StoreError> {
    let now = now();
    end_rechecks(store, now).await?;
    let page = store.clusters(&ClusterQuery::default()).await?;
    let fixes = store.fixes().await?;
    let mut counts: HashMap<i64, Vec<&ClusterCount>> = HashMap::new();
    for count in page.counts.iter().filter(|count| count.pairs > 0) {
        counts.entry(count.cluster).or_default().push(count);
    }
    let mut figures = None;
    let versions: HashMap<String, Micros> = match fixes.is_empty() {
        true => HashMap::new(),
        false => builds(store).await?,
    };
    for cluster in &page.clusters {
        let own = counts.get(&cluster.id).map_or(&[][..], Vec::as_slice);
        match (cluster.state, fixes.get(&cluster.id)) {
            (ClusterState::Fixed, None) => store.close_as_fixed(cluster.id, "by hand").await?,
            (ClusterState::Fixed, Some(fix)) if is_seen_after(own, fix.fixed_at, &versions) => {
                tracing::info!(cluster.id, "a fixed cluster was seen again: it is regressed");
                store.reopen_as_regressed(cluster.id).await?;
            }
            (ClusterState::Fixed, Some(_)) | (ClusterState::Accepted, None) => {}
            (_, Some(_)) => store.forget_fix(cluster.id).await?,
            (ClusterState::Open | ClusterState::Regressed, None) => {
                let figures = match &mut figures {
                    Some(figures) => figures,
                    none => none.insert(Figures::read(store, now).await?),
                };
                if let Some(reason) = figures.gone(store, cluster, own, at_quiet).await? {
                    tracing::info!(cluster.id, reason, "a cluster is closed as fixed");
                    store.close_as_fixed(cluster.id, &reason).await?;
                }
            }
        }
    }
    Ok(())
}

/// When the first answer of each of the candidate's builds came.
async fn builds(store: &Store) -> Result<HashMap<String, Micros>, StoreError> {
    let builds = store.versions().await?.into_iter().filter(|row| row.side == "candidate");
    Ok(builds.map(|row| (row.version, row.first_seen)).collect())
}

/// Counters know the minute of capture: what was captured in a later one than the fix was sent
/// after it, and so was what a build answered that came after the fix.
fn is_seen_after(
    counts: &[&ClusterCount],
    fixed_at: Micros,
    versions: &HashMap<String, Micros>,
) -> bool {
    counts.iter().any(|count| {
        let newer = versions.get(&count.version).is_some_and(|first_seen| *first_seen > fixed_at);
        newer || count.last_minute > fixed_at.div_euclid(60_000_000)
    })
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
