//! What the analyst publishes and every comparator loads.

use exchange::Micros;

use crate::{EndpointKey, SignatureKey, Store, StoreError};

/// A published model; `doc` is `cluster::Model` as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRow {
    pub number: i64,
    pub at: Micros,
    pub doc: String,
}

/// The verdict on a signature under a model, and the cluster it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureVerdict {
    pub signature: SignatureKey,
    pub matches: bool,
    pub cluster: Option<i64>,
}

impl Store {
    /// The newest model, if there is one newer than `than`.
    pub async fn model_newer(&self, than: i64) -> Result<Option<ModelRow>, StoreError> {
        let _ = than;
        unimplemented!()
    }

    /// Publishes a model, endpoint merges (from → to, followed on read, counts intact), verdicts
    /// and clusters in one transaction. Clusters are upserted by `fingerprint`: `id` 0 means new
    /// and is replaced by a fresh one; an existing row keeps `id`, `state`, `owner`, `note`. A
    /// verdict's `cluster` refers to an index into `clusters` here.
    pub async fn publish_model(
        &self,
        model: &ModelRow,
        merges: &[(EndpointKey, EndpointKey)],
        verdicts: &[(SignatureKey, bool, Option<usize>)],
        clusters: &[crate::ClusterRow],
    ) -> Result<(), StoreError> {
        let _ = (model, merges, verdicts, clusters);
        unimplemented!()
    }
}
