//! `GET /api/v1/clusters` and `/clusters/{id}`: what differs, in sentences.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use cluster::doc::{ClusterDoc, DocChange, DocCondition, DocDifference, DocSeverity, TitlePart};
use serde::{Deserialize, Serialize};
use store::{ClusterCount, ClusterRow, ClusterState, EndpointKey};

use super::{ApiError, Checks, ClusterId, checks, instant, minute_instant};
use crate::ledger::{Ledger, Scope, Tally};

const DEFAULT_LIMIT: u32 = 100;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClustersQuery {
    /// Absent: the candidate's newest. `all`: every version together.
    pub version: Option<String>,
    /// `GET /loans/{id}`
    pub endpoint: Option<String>,
    /// `any`, `open` (new, known and regressed), or one of the states.
    pub state: Option<String>,
    pub slice: Option<String>,
    /// A kind of cause, as `cause_kind` says it.
    pub cause: Option<String>,
    pub repeatability: Option<String>,
    /// A name; `none`: those that nobody owns.
    pub owner: Option<String>,
    /// Words that must all occur in the sentence or its places.
    pub q: Option<String>,
    pub sort: Option<Sort>,
    /// 100 unless told; at most 1,000 over HTTP.
    pub limit: Option<u32>,
    /// From `next` of the page before.
    pub cursor: Option<String>,
}

/// Gravest (and among those largest), largest or newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Severity,
    Count,
    FirstSeen,
    LastSeen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    pub version: Option<String>,
    pub clusters: Vec<Cluster>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    pub id: ClusterId,
    /// The endpoint hit most.
    pub endpoint: String,
    pub endpoints: Vec<String>,
    pub title: String,
    /// The title in pieces, for those who box values.
    pub title_parts: Vec<TitlePart>,
    pub cause_kind: String,
    pub severity: DocSeverity,
    /// `new`, `known`, `accepted`, `fixed` or `regressed`.
    pub state: String,
    /// Mismatches within the version asked for.
    pub count: u64,
    /// `count` / compared, of the endpoints hit and the version.
    pub share: f64,
    pub first_seen: String,
    pub last_seen: String,
    /// Oldest first.
    pub versions: Vec<String>,
    pub by_version: Vec<ClusterVersion>,
    pub repeatability: String,
    /// Pairs of it that were asked about again, by finding.
    pub checks: Checks,
    pub differences: Vec<DocDifference>,
    pub conditions: Vec<DocCondition>,
    pub entities: Option<Vec<String>>,
    pub follows: Option<String>,
    /// Of `primary_changed`: when, and to which build.
    pub changed: Option<DocChange>,
    pub owner: Option<String>,
    pub note: Option<String>,
    /// Addresses of tickets, and other clusters (`C-7`).
    pub links: Vec<String>,
    /// Of an accepted one: until when (RFC 3339), under which condition, why, and who answers
    /// for it.
    pub expires_at: Option<String>,
    pub accepted_condition: Option<String>,
    pub accepted_reason: Option<String>,
    pub accepted_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterVersion {
    pub version: String,
    pub count: u64,
}

pub fn clusters_of(ledger: &Ledger, query: &ClustersQuery) -> Result<Clusters, ApiError> {
    let scope = ledger.scope(query.version.as_deref());
    let wanted = Wanted::of(ledger, query)?;
    let counts = counts_by_cluster(ledger);
    let tallies = ledger.tallies(&scope);
    let mut clusters = Vec::new();
    for row in &ledger.clusters {
        let own = counts.get(&row.id).map_or(&[][..], Vec::as_slice);
        let cluster = build(ledger, row, own, &scope, &tallies)?;
        if wanted.takes(ledger, &cluster, row, &scope) {
            clusters.push(cluster);
        }
    }
    let sort = query.sort.unwrap_or_default();
    clusters.sort_by_cached_key(|cluster| Reverse(sort_key(cluster, sort)));
    if let Some(cursor) = query.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        let after = read_cursor(cursor)?;
        clusters.retain(|cluster| sort_key(cluster, sort) < after);
    }
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).max(1) as usize;
    let more = clusters.len() > limit;
    clusters.truncate(limit);
    let next = clusters.last().filter(|_| more).map(|last| write_cursor(&sort_key(last, sort)));
    Ok(Clusters { version: scope.version().map(str::to_owned), clusters, next })
}

pub fn cluster_of(
    ledger: &Ledger,
    id: ClusterId,
    version: Option<&str>,
) -> Result<Cluster, ApiError> {
    let row = ledger
        .clusters
        .iter()
        .find(|row| row.id == ledger.today(id.0))
        .ok_or_else(|| ApiError::NotFound(format!("there is no cluster {id}")))?;
    let counts = counts_by_cluster(ledger);
    let own = counts.get(&row.id).map_or(&[][..], Vec::as_slice);
    let asked = version.filter(|version| !version.is_empty());
    let scope = match asked {
        Some(_) => ledger.scope(asked),
        // The newest version that shows it: a page of a fixed cluster is not empty.
        None => versions_hit(ledger, own)
            .pop()
            .map_or_else(|| ledger.scope(None), |hit| Scope::One(hit.version)),
    };
    build(ledger, row, own, &scope, &ledger.tallies(&scope))
}

/// The condition under which a cluster is accepted now: its first, as JSON; `None` without one.
pub(super) fn condition_of(row: &ClusterRow) -> Option<String> {
    let doc: ClusterDoc = serde_json::from_str(&row.doc).ok()?;
    serde_json::to_string(doc.conditions.first()?).ok()
}

const STATES: [&str; 7] = ["any", "open", "new", "known", "accepted", "fixed", "regressed"];
pub(crate) const CAUSES: [&str; 6] =
    ["rule", "data", "primary_changed", "lag", "no_answer", "unexplained"];
pub(crate) const REPEATS: [&str; 4] = ["deterministic", "transient", "flaky", "unchecked"];

fn one_of<'a>(
    parameter: &'static str,
    text: Option<&'a str>,
    words: &[&str],
) -> Result<Option<&'a str>, ApiError> {
    match text {
        Some(text) if !words.contains(&text) => Err(ApiError::Parameter {
            parameter,
            problem: format!("`{text}` is no {parameter}; write one of {}", words.join(", ")),
        }),
        text => Ok(text),
    }
}

/// What a query keeps.
struct Wanted<'a> {
    endpoint: Option<&'a str>,
    slice: Option<&'a str>,
    state: Option<&'a str>,
    cause: Option<&'a str>,
    repeatability: Option<&'a str>,
    owner: Option<&'a str>,
    words: Vec<String>,
}

impl<'a> Wanted<'a> {
    fn of(ledger: &Ledger, query: &'a ClustersQuery) -> Result<Self, ApiError> {
        let text = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        let endpoint = text(&query.endpoint);
        if let Some(name) = endpoint
            && ledger.endpoint_named(name).is_none()
        {
            return Err(ApiError::Parameter {
                parameter: "endpoint",
                problem: format!("there is no endpoint `{name}`; /api/v1/endpoints lists them"),
            });
        }
        let state = one_of("state", text(&query.state), &STATES)?;
        let words = query.q.as_deref().unwrap_or_default();
        Ok(Self {
            endpoint,
            slice: text(&query.slice),
            state,
            cause: one_of("cause", text(&query.cause), &CAUSES)?,
            repeatability: one_of("repeatability", text(&query.repeatability), &REPEATS)?,
            owner: text(&query.owner),
            words: words.split_whitespace().map(str::to_lowercase).collect(),
        })
    }

    fn takes(&self, ledger: &Ledger, cluster: &Cluster, row: &ClusterRow, scope: &Scope) -> bool {
        // What a person settled stays listed; what nobody settled is listed where it is seen.
        let settled = matches!(cluster.state.as_str(), "accepted" | "fixed");
        let present = cluster.count > 0 || (settled && self.state.is_some());
        let in_scope = present || *scope == Scope::All;
        let state = self.state.is_none_or(|state| match state {
            "any" => true,
            "open" => !settled,
            state => cluster.state == state,
        });
        let endpoint =
            self.endpoint.is_none_or(|name| cluster.endpoints.iter().any(|own| own == name));
        let slice = self
            .slice
            .is_none_or(|slice| cluster.endpoints.iter().any(|own| ledger.slice_of(own) == slice));
        let cause = self.cause.is_none_or(|cause| cluster.cause_kind == cause);
        let repeats = self.repeatability.is_none_or(|word| cluster.repeatability == word);
        let owner = self.owner.is_none_or(|name| match name {
            "none" => cluster.owner.is_none(),
            name => cluster.owner.as_deref() == Some(name),
        });
        let fits = in_scope && state && endpoint && slice && cause && repeats && owner;
        fits && self.finds(cluster, row)
    }

    fn finds(&self, cluster: &Cluster, row: &ClusterRow) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let text = format!(
            "{} {} {} {}",
            cluster.id,
            cluster.title,
            cluster.endpoints.join(" "),
            row.words
        )
        .to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// Those with pairs.
pub(super) fn counts_by_cluster(ledger: &Ledger) -> BTreeMap<i64, Vec<&ClusterCount>> {
    let mut counts: BTreeMap<i64, Vec<&ClusterCount>> = BTreeMap::new();
    for count in ledger.cluster_counts.iter().filter(|count| count.pairs > 0) {
        counts.entry(count.cluster).or_default().push(count);
    }
    counts
}

fn build(
    ledger: &Ledger,
    row: &ClusterRow,
    counts: &[&ClusterCount],
    scope: &Scope,
    tallies: &BTreeMap<EndpointKey, Tally>,
) -> Result<Cluster, ApiError> {
    let doc: ClusterDoc = serde_json::from_str(&row.doc).map_err(|error| {
        ApiError::Unreadable(format!("the document of cluster C-{}: {error}", row.id))
    })?;
    let within: Vec<&&ClusterCount> =
        counts.iter().filter(|count| scope.holds(&count.version)).collect();
    let count = within.iter().map(|count| count.pairs).sum();
    let hit = endpoints_hit(ledger, row, if within.is_empty() { counts } else { &[] }, &within);
    let compared: u64 =
        hit.iter().filter_map(|key| tallies.get(key)).map(|tally| tally.compared).sum();
    let by_version = versions_hit(ledger, counts);
    let checks = checks::of_cluster(ledger, row.id, scope);
    let repeatability = match doc.cause_kind.as_str() {
        "lag" => "transient",
        _ => checks.repeatability(),
    };
    let acceptance = ledger.acceptances.iter().find(|one| one.cluster == row.id);
    let state = match state(ledger, row, &by_version, scope) {
        // What began when the primary changed is not this build's doing.
        "new" if doc.cause_kind == "primary_changed" => "known",
        state => state,
    };
    let last_minute = counts.iter().map(|count| count.last_minute).max();
    Ok(Cluster {
        id: ClusterId(row.id),
        endpoint: hit.first().map_or_else(|| ledger.name(row.endpoint), |key| ledger.name(*key)),
        endpoints: hit.iter().map(|key| ledger.name(*key)).collect(),
        title: doc.sentence(),
        title_parts: doc.title,
        cause_kind: doc.cause_kind,
        severity: doc.severity,
        state: state.to_owned(),
        count,
        share: if compared == 0 { 0.0 } else { count as f64 / compared as f64 },
        first_seen: instant(row.first_seen),
        last_seen: last_minute.map_or_else(|| instant(row.first_seen), minute_instant),
        versions: by_version.iter().map(|hit| hit.version.clone()).collect(),
        by_version,
        repeatability: repeatability.to_owned(),
        checks,
        differences: doc.differences,
        conditions: doc.conditions,
        entities: doc.entities,
        follows: doc.follows,
        changed: doc.changed,
        owner: row.owner.clone(),
        note: row.note.clone(),
        links: ledger.links.get(&row.id).cloned().unwrap_or_default(),
        accepted_reason: acceptance.and_then(|one| one.reason.clone()),
        accepted_by: acceptance.and_then(|one| one.owner.clone()),
        expires_at: acceptance.and_then(|one| one.expires_at).map(instant),
        accepted_condition: acceptance.and_then(|one| one.condition.as_deref()).and_then(|text| {
            serde_json::from_str::<DocCondition>(text).ok().map(|condition| condition.text)
        }),
    })
}

/// Endpoints by pairs, most first; those of other versions where the scope has none.
fn endpoints_hit(
    ledger: &Ledger,
    row: &ClusterRow,
    elsewhere: &[&ClusterCount],
    within: &[&&ClusterCount],
) -> Vec<EndpointKey> {
    let mut pairs: BTreeMap<EndpointKey, u64> = BTreeMap::new();
    for count in within.iter().copied().chain(elsewhere) {
        *pairs.entry(ledger.resolve(count.endpoint)).or_default() += count.pairs;
    }
    if pairs.is_empty() {
        return vec![ledger.resolve(row.endpoint)];
    }
    let mut keys: Vec<(EndpointKey, u64)> = pairs.into_iter().collect();
    keys.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    keys.into_iter().map(|(key, _)| key).collect()
}

/// Counts by version, oldest version first.
fn versions_hit(ledger: &Ledger, counts: &[&ClusterCount]) -> Vec<ClusterVersion> {
    let mut by_version: BTreeMap<&str, u64> = BTreeMap::new();
    for count in counts {
        *by_version.entry(count.version.as_str()).or_default() += count.pairs;
    }
    let mut ordered: Vec<ClusterVersion> = Vec::new();
    for version in ledger.candidate_versions().iter().rev() {
        if let Some(count) = by_version.remove(version) {
            ordered.push(ClusterVersion { version: (*version).to_owned(), count });
        }
    }
    let unlisted: BTreeSet<&str> = by_version.keys().copied().collect();
    for version in unlisted.into_iter().rev() {
        let count = by_version.get(version).copied().unwrap_or(0);
        ordered.insert(0, ClusterVersion { version: version.to_owned(), count });
    }
    ordered
}

/// An open cluster is new in the first version that shows it, known in later ones.
fn state(
    ledger: &Ledger,
    row: &ClusterRow,
    by_version: &[ClusterVersion],
    scope: &Scope,
) -> &'static str {
    match ledger.state_of(row) {
        ClusterState::Accepted => "accepted",
        ClusterState::Fixed => "fixed",
        ClusterState::Regressed => "regressed",
        ClusterState::Open => {
            let newest = ledger.candidate_versions().first().map(|version| (*version).to_owned());
            let looking_at = scope.version().map(str::to_owned).or(newest);
            let first = by_version.first().map(|hit| hit.version.clone());
            if first.is_none() || first == looking_at { "new" } else { "known" }
        }
    }
}

/// What is sorted by, then the id, so that no two are equal.
type SortKey = (String, i64);

fn sort_key(cluster: &Cluster, sort: Sort) -> SortKey {
    let key = match sort {
        // Zero-padded: the order of the texts is the order of the numbers.
        Sort::Severity => format!("{}{:020}", cluster.severity.level as u8, cluster.count),
        Sort::Count => format!("{:020}", cluster.count),
        Sort::FirstSeen => cluster.first_seen.clone(),
        Sort::LastSeen => cluster.last_seen.clone(),
    };
    // Among equals the older id comes first in a descending order.
    (key, i64::MAX - cluster.id.0)
}

fn write_cursor((key, id): &SortKey) -> String {
    format!("{key}~{id}")
}

fn read_cursor(text: &str) -> Result<SortKey, ApiError> {
    text.rsplit_once('~').and_then(|(key, id)| Some((key.to_owned(), id.parse().ok()?))).ok_or_else(
        || ApiError::Parameter {
            parameter: "cursor",
            problem: "is not one this API gave out; start without it".to_owned(),
        },
    )
}
