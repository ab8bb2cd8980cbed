//! Counters with the places of their signatures, at today's endpoints.

use cluster::{EndpointId, Place, Signature};
use store::{Outcome, Store, Versus};

use super::{PreviewError, home};

/// Pairs of the candidate that were counted under one signature.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) signature: i64,
    pub(super) endpoint: EndpointId,
    pub(super) method: String,
    pub(super) template: String,
    pub(super) places: Signature,
    pub(super) pairs: u64,
    /// Both sides answered, and the verdict counts.
    pub(super) judged: bool,
}

/// Of one version; `None`: of all.
pub(super) async fn counted(
    store: &Store,
    version: Option<&str>,
) -> Result<Vec<Counted>, PreviewError> {
    let rows = super::all_endpoints(store).await?;
    let counts = store.signature_counts().await?.into_iter();
    let counts = counts.filter(|count| {
        count.versus == Versus::Candidate && version.is_none_or(|one| one == count.version)
    });
    let counted = counts.filter_map(|count| {
        let at = home(&rows, count.endpoint);
        let row = rows.get(&at)?;
        let places: Vec<Place> = serde_json::from_str(&count.places).ok()?;
        Some(Counted {
            signature: count.key,
            endpoint: EndpointId(at),
            method: row.method.clone(),
            template: row.template.clone(),
            places: Signature::new(places),
            pairs: count.pairs,
            judged: count.outcome == Outcome::Answered,
        })
    });
    Ok(counted.collect())
}
