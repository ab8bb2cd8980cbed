//! `GET /api/v1/versions/compare`: what one build of the candidate did to the clusters of another.

use std::collections::{BTreeMap, BTreeSet};

use gate::interval::always_valid;
use serde::{Deserialize, Serialize};
use store::{ClusterCount, ClusterState, EndpointKey};

use super::{
    ApiError, ClusterId, ClustersQuery, VersionJson, clusters::counts_by_cluster, clusters_of,
    gate_query::known_version, versions::version_json,
};
use crate::ledger::{Ledger, Scope, Tally};

/// Of the intervals by which a cluster is found to be fixed.
const CONFIDENCE: f64 = 0.95;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompareQuery {
    /// Absent: the version before `to`.
    pub from: Option<String>,
    /// Absent: the candidate's newest.
    pub to: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionComparison {
    pub from: String,
    pub to: String,
    /// By what became of them, then by size.
    pub clusters: Vec<ComparedCluster>,
    pub endpoints: Vec<ComparedEndpoint>,
    /// Builds of the primary that came after the first answer of `from`, newest first.
    pub primary_changes: Vec<VersionJson>,
}

/// What became of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was fixed, or gone, and is there again.
    Regressed,
    New,
    Unchanged,
    /// Not there, and too few trials to tell that from chance.
    NotSeenYet,
    /// Not there, although there were trials enough to see it again, or shown by a recheck.
    Fixed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedCluster {
    pub id: ClusterId,
    pub endpoint: String,
    pub title: String,
    pub became: Became,
    pub from: ClusterIn,
    pub to: ClusterIn,
}

/// One cluster in one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIn {
    /// Mismatches.
    pub count: u64,
    /// Its trials, of all judged trials of its endpoints.
    pub trials: u64,
    pub of_trials: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedEndpoint {
    pub endpoint: String,
    pub slice: Option<String>,
    pub from: EndpointIn,
    pub to: EndpointIn,
}

/// One endpoint in one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EndpointIn {
    pub compared: u64,
    pub trials: u64,
    pub mismatching_trials: u64,
    /// Trials older than the primary's last change.
    pub stale_trials: u64,
    pub rate: f64,
    pub rate_low: f64,
    pub rate_high: f64,
}

pub fn comparison_of(ledger: &Ledger, query: &CompareQuery) -> Result<VersionComparison, ApiError> {
    let (from, to) = versions(ledger, query)?;
    let scopes = [Scope::One(from.clone()), Scope::One(to.clone())];
    let tallies = scopes.clone().map(|scope| ledger.tallies(&scope));
    let counts = counts_by_cluster(ledger);
    let mut clusters = Vec::new();
    for cluster in clusters_of(ledger, &everything())?.clusters {
        let own = counts.get(&cluster.id.0).map_or(&[][..], Vec::as_slice);
        let [before, after] = [0, 1].map(|at| within(ledger, own, &scopes[at], &tallies[at]));
        let row = ledger.clusters.iter().find(|row| row.id == cluster.id.0);
        let state = row.map_or(ClusterState::Open, |row| ledger.state_of(row));
        let earlier = || seen_before(ledger, own, &from);
        if let Some(became) = became(state, before, after, earlier) {
            clusters.push(ComparedCluster {
                id: cluster.id,
                endpoint: cluster.endpoint,
                title: cluster.title,
                became,
                from: before,
                to: after,
            });
        }
    }
    clusters.sort_by_key(|one| (one.became, u64::MAX - one.from.count.max(one.to.count), one.id.0));
    let first = ledger.versions.iter().find(|row| row.side == "candidate" && row.version == from);
    let since = first.map_or(0, |row| row.first_seen);
    let later =
        ledger.versions.iter().filter(|row| row.side == "primary" && row.first_seen > since);
    Ok(VersionComparison {
        clusters,
        endpoints: endpoints(ledger, &scopes, &tallies),
        primary_changes: later.map(version_json).collect(),
        from,
        to,
    })
}

fn versions(ledger: &Ledger, query: &CompareQuery) -> Result<(String, String), ApiError> {
    known_version(ledger, query.from.as_deref())?;
    known_version(ledger, query.to.as_deref())?;
    let names = ledger.candidate_versions();
    let asked =
        |text: &Option<String>| text.clone().filter(|text| !text.is_empty() && text != "all");
    let to = asked(&query.to).or_else(|| names.first().map(|name| (*name).to_owned()));
    let missing = || {
        ApiError::NotFound(
            "two versions of the candidate are compared; there are not two yet".to_owned(),
        )
    };
    let to = to.ok_or_else(missing)?;
    let before = names.iter().skip_while(|name| **name != to).nth(1);
    let from = asked(&query.from).or_else(|| before.map(|name| (*name).to_owned()));
    Ok((from.ok_or_else(missing)?, to))
}

fn everything() -> ClustersQuery {
    let version = Some("all".to_owned());
    ClustersQuery { version, limit: Some(u32::MAX), ..ClustersQuery::default() }
}

/// `None` where neither version has the cluster and nobody fixed it.
fn became(
    state: ClusterState,
    from: ClusterIn,
    to: ClusterIn,
    earlier: impl FnOnce() -> bool,
) -> Option<Became> {
    match (from.count, to.count) {
        (_, 1..) if state == ClusterState::Regressed => Some(Became::Regressed),
        (0, 0) => None,
        (0, _) if earlier() => Some(Became::Regressed),
        (0, _) => Some(Became::New),
        (_, 1..) => Some(Became::Unchanged),
        (_, 0) if state == ClusterState::Fixed => Some(Became::Fixed),
        (_, 0) => {
            let before = always_valid(from.trials, from.of_trials, CONFIDENCE);
            let now = always_valid(to.trials, to.of_trials, CONFIDENCE);
            Some(if now.high < before.low { Became::Fixed } else { Became::NotSeenYet })
        }
    }
}

fn within(
    ledger: &Ledger,
    own: &[&ClusterCount],
    scope: &Scope,
    tallies: &BTreeMap<EndpointKey, Tally>,
) -> ClusterIn {
    let endpoints: BTreeSet<EndpointKey> = own.iter().map(|c| ledger.resolve(c.endpoint)).collect();
    let mut found = ClusterIn {
        of_trials: endpoints.iter().filter_map(|key| tallies.get(key)).map(|t| t.trials).sum(),
        ..ClusterIn::default()
    };
    for count in own.iter().filter(|count| scope.holds(&count.version)) {
        found.count += count.pairs;
        found.trials += count.trials;
    }
    found
}

/// Whether a version older than `version` has the cluster.
fn seen_before(ledger: &Ledger, own: &[&ClusterCount], version: &str) -> bool {
    let names = ledger.candidate_versions();
    let older: BTreeSet<&str> =
        names.into_iter().skip_while(|name| *name != version).skip(1).collect();
    own.iter().any(|count| older.contains(count.version.as_str()))
}

fn endpoints(
    ledger: &Ledger,
    scopes: &[Scope; 2],
    tallies: &[BTreeMap<EndpointKey, Tally>; 2],
) -> Vec<ComparedEndpoint> {
    let inside = |key: EndpointKey, at: usize| {
        let tally = tallies[at].get(&key).copied().unwrap_or_default();
        let interval = always_valid(tally.mismatching_trials, tally.trials, CONFIDENCE);
        let here = ledger.activity.iter().filter(|a| a.endpoint == key);
        EndpointIn {
            compared: tally.compared,
            trials: tally.trials,
            mismatching_trials: tally.mismatching_trials,
            stale_trials: here
                .filter(|a| scopes[at].holds(&a.version))
                .map(|a| a.stale_trials)
                .sum(),
            rate: tally.rate(),
            rate_low: interval.low,
            rate_high: interval.high,
        }
    };
    let mut found: Vec<ComparedEndpoint> = ledger
        .live_endpoints()
        .filter(|row| tallies.iter().any(|tallies| tallies.contains_key(&row.key)))
        .map(|row| ComparedEndpoint {
            endpoint: ledger.name(row.key),
            slice: row.slice.clone(),
            from: inside(row.key, 0),
            to: inside(row.key, 1),
        })
        .collect();
    found.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_fixed_only_where_it_would_have_shown() {
        let of = |count, of_trials| ClusterIn { count, trials: count, of_trials };
        let open = ClusterState::Open;
        let told = |state, from, to, earlier| became(state, from, to, || earlier);
        assert_eq!(told(open, of(20, 100), of(0, 100), false), Some(Became::Fixed));
        assert_eq!(told(open, of(20, 100), of(0, 5), false), Some(Became::NotSeenYet));
        assert_eq!(told(open, of(1, 1_000), of(0, 1_000), false), Some(Became::NotSeenYet));
        assert_eq!(told(ClusterState::Fixed, of(1, 9), of(0, 0), false), Some(Became::Fixed));
        assert_eq!(told(open, of(20, 100), of(1, 100), false), Some(Became::Unchanged));
        assert_eq!(told(open, of(0, 100), of(1, 100), false), Some(Became::New));
        assert_eq!(told(open, of(0, 100), of(1, 100), true), Some(Became::Regressed));
        assert_eq!(
            told(ClusterState::Regressed, of(9, 9), of(1, 9), false),
            Some(Became::Regressed)
        );
        assert_eq!(told(open, of(0, 100), of(0, 100), true), None);
    }
}
