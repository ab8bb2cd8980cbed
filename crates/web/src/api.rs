//! The JSON API's types, and the readers that build them from a store.
//!
//! The command line uses the readers directly (`--store`) or parses the same types (`--server`).
//!
//! Invariant: each shape is a pure function of a [`Ledger`] (`…_of`), or of rows the store hands
//! out by page; figures are counted, never estimated.

mod audit;
mod checks;
mod clusters;
mod compare;
mod endpoints;
mod entities;
mod funnel;
mod gate_evidence;
mod gate_query;
mod ids;
mod latency;
mod memory;
mod openapi;
mod problem;
mod rechecks;
mod reset;
mod rules;
mod said;
mod samples;
mod share;
mod versions;
mod volatile;

pub use audit::{Audit, AuditJson, AuditQuery, audit};
pub use checks::Checks;
pub(crate) use clusters::{CAUSES, REPEATS};
pub use clusters::{
    Cluster, ClusterVersion, Clusters, ClustersQuery, Sort, cluster_of, clusters_of,
};
pub use compare::{
    Became, ClusterIn, CompareQuery, ComparedCluster, ComparedEndpoint, EndpointIn,
    VersionComparison, comparison_of,
};
pub use endpoints::{Endpoint, Endpoints, EndpointsQuery, LatencyMs, endpoints_of};
pub(crate) use entities::Form;
pub use entities::{Entities, EntitiesQuery};
pub use funnel::{Funnel, funnel_of};
pub(crate) use gate_evidence::judged;
pub use gate_query::{GateQuery, gate_input_of};
pub use ids::{ClusterId, instant, minute_instant};
pub use latency::Quantiles;
pub(crate) use latency::quantile;
pub use memory::{MemoryJson, MemoryQuery, Remembered, memory, memory_seed};
pub use openapi::OPENAPI;
pub use problem::{ApiError, Problem};
pub(crate) use rechecks::newest_recheck;
pub use rechecks::{
    Recheck, RecheckRequest, RecheckSide, Rechecks, ask_recheck, recheck, rechecks,
};
pub use reset::{ResetDone, ResetRequest, reset};
pub(crate) use rules::configured;
pub use rules::{
    ClusterPairs, EffectJson, EffectLine, EffectLineJson, EffectQuestion, EffectRequest,
    EndpointPreview, MaskedJson, Previewer, RuleEffect, RuleId, RuleJson, RuleList, RulePreview,
    RuleReach, RuleRequest, Rules, RulesPreview, SamplePreview, Told, add_rule, change_rule,
    remove_rule, restore_rule, rule_list, shown_rule,
};
pub use said::{Changed, History, HistoryEntry, StateChange, StateName, Under, UndoRequest};
pub(crate) use said::{change_state, history, is_web_address, undo};
pub(crate) use samples::sample_query;
pub use samples::{
    ExchangeDetail, Exchanges, ExchangesQuery, PageQuery, SampleJson, Samples, exchange, exchanges,
    samples,
};
pub use share::parse_share;
pub use versions::{
    PauseRequest, PauseState, VersionAnnouncement, VersionJson, Versions, versions_of,
};
pub use volatile::{OverruledJson, Overruling, Volatile, VolatileJson, Word, volatile_of};
pub(crate) use volatile::{overrule, overruled_of, place_name, volatile};

use exchange::control::BREAKER_SETTING;
use gate::{GateInput, Policy};
use queue::{Lane, Queue};
use store::Store;

use crate::{
    diagnosis::{Facts, diagnose},
    ledger::Ledger,
};

/// The account of every request seen, and what ails most pairs. With a queue, `queued` is known.
pub async fn funnel(store: &Store, queue: Option<&Queue>) -> Result<Funnel, ApiError> {
    funnel_at(&Ledger::read(store).await?, store, queue).await
}

/// As [`funnel`], of a ledger that was read before.
pub(crate) async fn funnel_at(
    ledger: &Ledger,
    store: &Store,
    queue: Option<&Queue>,
) -> Result<Funnel, ApiError> {
    let queued = match queue {
        Some(queue) => queue.depth(Lane::Exchanges).await,
        None => None,
    };
    let breaker = match store.setting(BREAKER_SETTING).await? {
        Some(text) => serde_json::from_str(&text).ok(),
        None => None,
    };
    let facts = Facts::of(ledger, &ledger.scope(None), breaker.as_ref());
    Ok(Funnel { diagnosis: diagnose(&facts), ..funnel_of(&ledger.funnel, queued) })
}

/// One row per endpoint: counts, rate with its interval, readiness under `policy`, latency.
pub async fn endpoints(
    store: &Store,
    query: &EndpointsQuery,
    policy: &Policy,
) -> Result<Endpoints, ApiError> {
    Ok(endpoints_of(&Ledger::read(store).await?, query, policy))
}

/// A page of clusters.
pub async fn clusters(store: &Store, query: &ClustersQuery) -> Result<Clusters, ApiError> {
    clusters_of(&Ledger::read(store).await?, query)
}

/// One cluster, within `version` or the newest version that shows it.
pub async fn cluster(
    store: &Store,
    id: ClusterId,
    version: Option<&str>,
) -> Result<Cluster, ApiError> {
    cluster_of(&Ledger::read(store).await?, id, version)
}

/// What [`gate::decide`] judges, for the version and slice asked for.
pub async fn gate_input(
    store: &Store,
    query: &GateQuery,
    policy: &Policy,
) -> Result<GateInput, ApiError> {
    gate_input_of(&Ledger::read(store).await?, query, policy)
}

/// What became of the clusters of one version in another.
pub async fn compare_versions(
    store: &Store,
    query: &CompareQuery,
) -> Result<VersionComparison, ApiError> {
    comparison_of(&Ledger::read(store).await?, query)
}

/// Versions of both sides, newest first.
pub async fn versions(store: &Store) -> Result<Versions, ApiError> {
    Ok(versions_of(&store.versions().await?))
}

/// The newest model; an empty one before anything was learnt.
pub(crate) async fn model_of(store: &Store) -> Result<cluster::Model, ApiError> {
    match store.model_newer(-1).await? {
        None => Ok(cluster::Model::default()),
        Some(row) => serde_json::from_str(&row.doc)
            .map_err(|error| ApiError::Unreadable(format!("model {}: {error}", row.number))),
    }
}
