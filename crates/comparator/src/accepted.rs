//! What people accepted, for learning: an acceptance holds for what meets its condition.

use cluster::{doc::DocCondition, explain::Accepted};
use exchange::Micros;
use store::{ClusterQuery, ClusterState, Store, StoreError};

/// Accepted clusters with the conditions they were accepted under; those that were accepted
/// whatever the condition, and those whose time is over, are left out.
pub(crate) async fn read(store: &Store, now: Micros) -> Result<Vec<Accepted>, StoreError> {
    let acceptances = store.acceptances().await?;
    let holds = |end: Option<Micros>| end.is_none_or(|end| end > now);
    let held: Vec<_> = acceptances.iter().filter(|one| holds(one.expires_at)).collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let query = ClusterQuery { state: Some(ClusterState::Accepted), ..ClusterQuery::default() };
    let clusters = store.clusters(&query).await?.clusters;
    let accepted = clusters.into_iter().filter_map(|row| {
        let own = held.iter().find(|one| one.cluster == row.id)?;
        let condition: DocCondition = serde_json::from_str(own.condition.as_deref()?).ok()?;
        Some(Accepted { key: row.fingerprint, terms: condition.terms })
    });
    Ok(accepted.collect())
}
