//! From counters to what the gate judges.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gate::{
    Branch, ClusterEvidence, EndpointEvidence, FunnelEvidence, GateInput, Policy, Stratum,
    TargetChanges, ratio::RatioBuckets,
};
use store::{Activity, ClusterState, EndpointKey, EndpointRow};

use super::{ApiError, Clusters, ClustersQuery, clusters_of, funnel_of, instant};
use crate::{
    ledger::{Decisions, Ledger, Scope, Tally},
    words,
};

/// Trials of so many minutes make the pace of late.
const PACE_MINUTES: i64 = 60;
const MINUTES_A_DAY: i64 = 24 * 60;
/// What comparators write in the place of a value where there are too many.
const MANY: &str = "…";

/// What is judged, and by what.
pub(super) struct Judge<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) scope: &'a Scope,
    pub(super) policy: &'a Policy,
    pub(super) asked: &'a TargetChanges,
}

/// What the gate says of each endpoint, which is what pages and API call its readiness.
#[must_use]
pub(crate) fn judged(
    ledger: &Ledger,
    scope: &Scope,
    slice: Option<&str>,
    policy: &Policy,
) -> Arc<Decisions> {
    ledger.memo.judged(ledger, (scope, slice, policy), judge_anew)
}

fn judge_anew(ledger: &Ledger, scope: &Scope, slice: Option<&str>, policy: &Policy) -> Decisions {
    let judge = Judge { ledger, scope, policy, asked: &TargetChanges::default() };
    let evidence = judge.endpoints(slice);
    let keys: Vec<EndpointKey> = evidence.keys().copied().collect();
    // Most often no cluster can decide by itself: then their documents need not be read.
    let strict = policy.targets.fail_on_new_clusters
        || policy.rules.iter().any(|rule| rule.fail_on_new_clusters == Some(true));
    let matter = strict || ledger.clusters.iter().any(|row| row.state == ClusterState::Regressed);
    let clusters = if matter { judge.clusters(slice) } else { Ok(Vec::new()) };
    let input = GateInput {
        version: scope.version().map(str::to_owned),
        targets: policy.targets.clone(),
        endpoints: evidence.into_values().collect(),
        clusters: clusters.unwrap_or_else(|error| {
            tracing::warn!(%error, "readiness is judged without clusters");
            Vec::new()
        }),
        now: ledger.now,
        ..GateInput::default()
    };
    keys.into_iter().zip(gate::decide(&input).endpoints).collect()
}

impl Judge<'_> {
    /// Counts of the endpoints with traffic, and of those that had some with other versions.
    pub(super) fn endpoints(&self, slice: Option<&str>) -> BTreeMap<EndpointKey, EndpointEvidence> {
        let tallies = self.ledger.tallies(self.scope);
        let elsewhere = self.elsewhere();
        let accepted = self.accepted();
        let mut strata = self.strata();
        let (activity, mut ratios) = (self.activity(), self.ratios());
        let rows = self
            .ledger
            .live_endpoints()
            .filter(|row| slice.is_none_or(|slice| row.slice.as_deref() == Some(slice)));
        rows.filter_map(|row| {
            let elsewhere = elsewhere.get(&row.key).copied().unwrap_or(0);
            let tally = tallies.get(&row.key).copied();
            if tally.is_none() && elsewhere == 0 {
                return None;
            }
            let (statuses, branches) = strata.remove(&row.key).unwrap_or_default();
            let own = activity.get(&row.key).map_or(&[][..], Vec::as_slice);
            let evidence = EndpointEvidence {
                latency: ratios.remove(&row.key).unwrap_or_default(),
                ..self.endpoint(row, &tally.unwrap_or_default(), own)
            };
            let accepted = accepted.get(&row.key).copied().unwrap_or(0);
            let left_out = accepted.min(evidence.mismatching_trials);
            Some((
                row.key,
                EndpointEvidence {
                    trials: evidence.trials - left_out,
                    mismatching_trials: evidence.mismatching_trials - left_out,
                    accepted_trials: left_out,
                    elsewhere,
                    statuses,
                    branches,
                    ..evidence
                },
            ))
        })
        .collect()
    }

    /// Within the scope, by endpoint.
    fn activity(&self) -> BTreeMap<EndpointKey, Vec<&Activity>> {
        let mut found: BTreeMap<EndpointKey, Vec<&Activity>> = BTreeMap::new();
        for one in self.ledger.activity.iter().filter(|one| self.scope.holds(&one.version)) {
            found.entry(one.endpoint).or_default().push(one);
        }
        found
    }

    /// Within the scope, by endpoint.
    fn ratios(&self) -> BTreeMap<EndpointKey, RatioBuckets> {
        let mut found: BTreeMap<EndpointKey, RatioBuckets> = BTreeMap::new();
        for one in self.ledger.ratios.iter().filter(|one| self.scope.holds(&one.version)) {
            let own = found.entry(one.endpoint).or_default();
            one.buckets
                .iter()
                .for_each(|(bucket, pairs)| *own.entry(*bucket).or_default() += pairs);
        }
        found
    }

    fn endpoint(
        &self,
        row: &EndpointRow,
        tally: &Tally,
        activity: &[&Activity],
    ) -> EndpointEvidence {
        let name = self.ledger.name(row.key);
        let activities = || activity.iter().copied();
        EndpointEvidence {
            targets: self.policy.at(&name, row.slice.as_deref(), self.asked),
            endpoint: name,
            slice: row.slice.clone(),
            compared: tally.compared,
            no_answer: tally.no_answer,
            lag: tally.lag,
            mismatched: tally.mismatched,
            trials: tally.trials,
            mismatching_trials: tally.mismatching_trials,
            masked: activities().map(|one| one.masked).sum(),
            stale_trials: activities().map(|one| one.stale_trials).sum(),
            trials_per_hour: self.pace(activities()),
            ..EndpointEvidence::default()
        }
    }

    /// New trials in an hour, of the last hour or of as much of it as there was traffic.
    fn pace<'b>(&self, activities: impl Iterator<Item = &'b Activity> + Clone) -> Option<f64> {
        let trials: u64 = activities.clone().map(|one| one.recent_trials).sum();
        let first = activities.map(|one| one.first_minute).min()?;
        let minutes = (self.ledger.now_minute() - first + 1).clamp(1, PACE_MINUTES);
        (trials > 0).then(|| trials as f64 * 60.0 / minutes as f64)
    }

    /// Pairs with versions outside the scope, of endpoints that production saw of late.
    fn elsewhere(&self) -> BTreeMap<EndpointKey, u64> {
        let days = self.policy.targets.clone().with(self.asked).seen_within_days;
        let horizon = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(MINUTES_A_DAY);
        let oldest = self.ledger.now_minute().saturating_sub(horizon);
        let mut pairs = BTreeMap::new();
        for one in self.ledger.activity.iter() {
            if !self.scope.holds(&one.version) && one.last_minute >= oldest {
                *pairs.entry(one.endpoint).or_default() += one.pairs;
            }
        }
        pairs
    }

    /// Mismatching trials whose cluster a person accepted, by endpoint.
    fn accepted(&self) -> BTreeMap<EndpointKey, u64> {
        let ledger = self.ledger;
        let accepted: BTreeSet<i64> = ledger
            .clusters
            .iter()
            .filter(|row| ledger.state_of(row) == ClusterState::Accepted)
            .map(|row| row.id)
            .collect();
        let mut trials = BTreeMap::new();
        for count in ledger.cluster_counts.iter() {
            if accepted.contains(&count.cluster) && self.scope.holds(&count.version) {
                *trials.entry(ledger.resolve(count.endpoint)).or_default() += count.trials;
            }
        }
        trials
    }

    fn strata(&self) -> BTreeMap<EndpointKey, (Vec<Stratum>, Vec<Branch>)> {
        type Key<'a> = (EndpointKey, &'a str, u16, &'a str);
        let mut counts: BTreeMap<Key<'_>, (u64, u64)> = BTreeMap::new();
        let mut values: BTreeMap<(EndpointKey, &str), BTreeSet<&str>> = BTreeMap::new();
        for one in self.ledger.strata.iter() {
            let key = (one.endpoint, one.place.as_str(), one.status, one.value.as_str());
            let count = counts.entry(key).or_default();
            count.0 += if self.scope.holds(&one.version) { one.trials } else { 0 };
            count.1 += one.trials;
            values.entry((one.endpoint, one.place.as_str())).or_default().insert(&one.value);
        }
        let mut strata: BTreeMap<EndpointKey, (Vec<Stratum>, Vec<Branch>)> = BTreeMap::new();
        for ((endpoint, place, status, value), (trials, seen)) in counts {
            let (statuses, branches) = strata.entry(endpoint).or_default();
            if place.is_empty() {
                statuses.push(Stratum { status, trials, seen });
                continue;
            }
            // One value is no branch, and neither are too many.
            let few = &values[&(endpoint, place)];
            if few.len() > 1 && !few.contains(MANY) {
                let (place, value) = (place.to_owned(), value.to_owned());
                branches.push(Branch { status, place, value, trials, seen });
            }
        }
        strata
    }

    pub(super) fn funnel(&self) -> FunnelEvidence {
        let counts = &self.ledger.funnel;
        let funnel = funnel_of(counts, None);
        let rests = counts.closed || counts.paused;
        let newest = counts.newest_snapshot.filter(|_| !rests);
        let age = newest.map(|at| self.ledger.now.saturating_sub(at) / 1_000_000);
        FunnelEvidence {
            balanced: funnel.balanced,
            captured: funnel.captured,
            dropped: funnel.dropped_total(),
            lost: funnel.lost,
            in_flight: funnel.in_flight,
            behind_seconds: age.map(|age| u64::try_from(age).unwrap_or(0)),
        }
    }

    /// What a reader must know beside the verdict.
    pub(super) fn notes(&self, endpoints: &BTreeMap<EndpointKey, EndpointEvidence>) -> Vec<String> {
        let mut notes = Vec::new();
        let stale: u64 = endpoints.values().map(|one| one.stale_trials).sum();
        if let Some(change) = self.ledger.primary_change().filter(|_| stale > 0) {
            let trials: u64 = endpoints.values().map(|one| one.trials + one.accepted_trials).sum();
            notes.push(format!(
                "The primary changed to {} at {}: {} of {} are older, or of the same minute, and \
                 stale.",
                change.version,
                instant(change.first_seen),
                words::count(stale),
                words::plural(trials, "trial")
            ));
        }
        let writes = self.ledger.funnel.not_copied.get("write").copied().unwrap_or(0);
        if writes > 0 {
            notes.push(format!(
                "{} not copied: nothing is known of them (a slice can allow writes).",
                match writes {
                    1 => "1 write was".to_owned(),
                    writes => format!("{} writes were", words::count(writes)),
                }
            ));
        }
        if self.ledger.funnel.paused {
            notes.push("Copying is paused: no evidence comes in.".to_owned());
        }
        notes
    }

    /// Clusters within the version; the candidate's first version has no new ones for the gate.
    pub(super) fn clusters(&self, slice: Option<&str>) -> Result<Vec<ClusterEvidence>, ApiError> {
        let ledger = self.ledger;
        let asked = self.scope.version().unwrap_or("all").to_owned();
        let all = ClustersQuery {
            version: Some(asked),
            limit: Some(u32::MAX),
            ..ClustersQuery::default()
        };
        let Clusters { clusters, version, .. } = clusters_of(ledger, &all)?;
        let first = ledger.candidate_versions().last().map(|version| (*version).to_owned());
        let is_first = version.is_some() && version == first;
        let in_slice = |endpoint: &str| {
            slice.is_none_or(|slice| {
                let key = ledger.endpoint_named(endpoint);
                let row = key.and_then(|key| ledger.endpoints.get(&key));
                row.and_then(|row| row.slice.as_deref()) == Some(slice)
            })
        };
        let shown = version.unwrap_or_else(|| "all".to_owned());
        let inside = clusters
            .into_iter()
            .filter(|cluster| cluster.endpoints.iter().any(|endpoint| in_slice(endpoint)));
        let evidence = inside.map(|cluster| ClusterEvidence {
            id: cluster.id.to_string(),
            link: Some(words::link(&format!("/clusters/{}", cluster.id), &[("version", &shown)])),
            endpoint: cluster.endpoint,
            title: cluster.title,
            state: match cluster.state.as_str() {
                "new" if is_first => "known".to_owned(),
                state => state.to_owned(),
            },
            count: cluster.count,
            owner: cluster.accepted_by.or(cluster.owner),
            reason: cluster.accepted_reason.or(cluster.note),
            expires_at: cluster.expires_at,
            condition: cluster.accepted_condition,
        });
        Ok(evidence.collect())
    }
}
