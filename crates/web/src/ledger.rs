//! What the store says at one moment. Pages and API are pure functions of it, so that both show
//! the same figures and both can be tested without a store.

mod kept;
mod memo;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use exchange::Micros;
use store::{
    AcceptanceRow, Activity, CheckCount, ClusterCount, ClusterRow, ClusterState, EndpointKey,
    EndpointRow, FunnelCounts, Histogram, Outcome, OutcomeCount, RatioCount, Store, StoreError,
    StratumCount, VersionRow,
};

pub(crate) use kept::KeptLedger;
pub(crate) use memo::Decisions;
pub(crate) use memo::Memo;

/// Trials of so many minutes are recent.
const RECENT_MINUTES: i64 = 60;

/// The name of what is in no slice.
pub(crate) const OTHER_TRAFFIC: &str = "Other traffic";

/// Merges are followed at most this far: a ring in the table must not hang a page.
const MERGE_STEPS: usize = 32;

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub funnel: FunnelCounts,
    pub endpoints: BTreeMap<EndpointKey, EndpointRow>,
    /// All versions.
    pub outcomes: Arc<Vec<OutcomeCount>>,
    pub clusters: Vec<ClusterRow>,
    pub cluster_counts: Arc<Vec<ClusterCount>>,
    /// What asking again said. All versions.
    pub checks: Arc<Vec<CheckCount>>,
    /// All versions.
    pub latencies: Arc<Vec<Histogram>>,
    /// Newest first, both sides.
    pub versions: Vec<VersionRow>,
    pub activity: Arc<Vec<Activity>>,
    pub strata: Arc<Vec<StratumCount>>,
    pub ratios: Arc<Vec<RatioCount>>,
    pub acceptances: Vec<AcceptanceRow>,
    /// Ids of clusters that became others, with the ids of those.
    pub heirs: BTreeMap<i64, i64>,
    /// Tickets and clusters that people put beside a cluster.
    pub links: BTreeMap<i64, Vec<String>>,
    /// When it was read.
    pub now: Micros,
    /// What was judged of it.
    pub memo: Memo,
}

/// Which versions of the candidate a figure covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    One(String),
}

/// Pairs and trials of one endpoint, or of several, within a [`Scope`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub compared: u64,
    pub matched: u64,
    pub mismatched: u64,
    pub no_answer: u64,
    pub lag: u64,
    /// The primary answered 5xx: compared, not judged.
    pub primary_error: u64,
    pub trials: u64,
    pub mismatching_trials: u64,
}

impl Ledger {
    /// Everything, as of now.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let described = Self::described(store).await?;
        let now = jiff::Timestamp::now().as_microsecond();
        // Counters know minutes: what is of the minute of a change may be older than it. The first
        // build that is known changed nothing within its own minute.
        let primaries = described.versions.iter().filter(|row| row.side == "primary").count();
        let within = i64::from(primaries > 1);
        let changed = described.primary_change().map_or(0, |row| minute(row.first_seen) + within);
        let (funnel, outcomes, cluster_counts, checks) = tokio::try_join!(
            store.funnel(),
            store.outcome_counts(None),
            store.cluster_counts(),
            store.checks(),
        )?;
        let (latencies, activity, strata, ratios) = tokio::try_join!(
            store.latencies(None),
            store.activity(minute(now) - RECENT_MINUTES, changed),
            store.strata(),
            store.ratios(),
        )?;
        Ok(Self {
            funnel,
            outcomes: outcomes.into(),
            cluster_counts: cluster_counts.into(),
            checks: checks.into(),
            latencies: latencies.into(),
            activity: activity.into(),
            strata: strata.into(),
            ratios: ratios.into(),
            now,
            ..described
        })
    }

    /// The id of the cluster that `id` is today.
    #[must_use]
    pub fn today(&self, id: i64) -> i64 {
        self.heirs.get(&id).copied().unwrap_or(id)
    }

    /// Names and states alone, without anything that was counted: cheap however much was.
    pub async fn described(store: &Store) -> Result<Self, StoreError> {
        let (endpoints, clusters, heirs, versions) = tokio::try_join!(
            store.endpoints(),
            store.cluster_rows(),
            store.cluster_heirs(),
            store.versions(),
        )?;
        let (acceptances, linked) = tokio::try_join!(store.acceptances(), store.cluster_links())?;
        let mut links: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (cluster, target) in linked {
            links.entry(cluster).or_default().push(target);
        }
        Ok(Self {
            endpoints: endpoints.into_iter().map(|row| (row.key, row)).collect(),
            clusters,
            heirs: heirs.into_iter().collect(),
            links,
            versions,
            acceptances,
            now: jiff::Timestamp::now().as_microsecond(),
            ..Self::default()
        })
    }

    /// The same counts under the names and states of now.
    pub(crate) async fn described_anew(&self, store: &Store) -> Result<Self, StoreError> {
        let described = Self::described(store).await?;
        let is_same = self.endpoints == described.endpoints
            && self.clusters == described.clusters
            && self.versions == described.versions
            && self.acceptances == described.acceptances;
        Ok(Self {
            memo: if is_same { self.memo.same() } else { Memo::default() },
            endpoints: described.endpoints,
            clusters: described.clusters,
            heirs: described.heirs,
            links: described.links,
            versions: described.versions,
            acceptances: described.acceptances,
            ..self.clone()
        })
    }

    /// Counts that it holds.
    pub(crate) fn size(&self) -> usize {
        let buckets = |one: &Histogram| one.primary.len() + one.candidate.len();
        self.outcomes.len()
            + self.cluster_counts.len()
            + self.checks.len()
            + self.activity.len()
            + self.strata.len()
            + self.latencies.iter().map(buckets).sum::<usize>()
            + self.ratios.iter().map(|one| one.buckets.len()).sum::<usize>()
    }

    /// Minutes since the Unix epoch.
    #[must_use]
    pub fn now_minute(&self) -> i64 {
        minute(self.now)
    }

    /// The build of the primary that came last: answers from before it are stale.
    #[must_use]
    pub fn primary_change(&self) -> Option<&VersionRow> {
        newest_primary(&self.versions)
    }

    /// The state that counts: an acceptance ends at its time, and where the condition under which
    /// it was given no longer describes the cluster.
    #[must_use]
    pub fn state_of(&self, row: &ClusterRow) -> ClusterState {
        let acceptance = self.acceptances.iter().find(|one| one.cluster == row.id);
        match (row.state, acceptance) {
            (ClusterState::Accepted, Some(accepted)) => {
                let over = accepted.expires_at.is_some_and(|end| end <= self.now);
                if over || !still_describes(accepted, row) {
                    ClusterState::Open
                } else {
                    ClusterState::Accepted
                }
            }
            (state, _) => state,
        }
    }

    /// The candidate's versions, newest first.
    #[must_use]
    pub fn candidate_versions(&self) -> Vec<&str> {
        let rows = self.versions.iter().filter(|row| row.side == "candidate");
        rows.map(|row| row.version.as_str()).collect()
    }

    /// `all` means every version; nothing means the candidate's newest.
    #[must_use]
    pub fn scope(&self, asked: Option<&str>) -> Scope {
        match asked.filter(|text| !text.is_empty()) {
            Some("all") => Scope::All,
            Some(version) => Scope::One(version.to_owned()),
            None => self
                .candidate_versions()
                .first()
                .map_or(Scope::All, |version| Scope::One((*version).to_owned())),
        }
    }

    /// The endpoint that stands for `key` today.
    #[must_use]
    pub fn resolve(&self, key: EndpointKey) -> EndpointKey {
        let mut at = key;
        for _ in 0..MERGE_STEPS {
            match self.endpoints.get(&at).and_then(|row| row.merged_into) {
                Some(next) if next != at => at = next,
                _ => return at,
            }
        }
        at
    }

    /// `GET /loans/{id}`.
    #[must_use]
    pub fn name(&self, key: EndpointKey) -> String {
        self.endpoints
            .get(&self.resolve(key))
            .map_or_else(|| "(unknown endpoint)".to_owned(), display_name)
    }

    /// The key of an endpoint by its name, or by its key written as a number.
    #[must_use]
    pub fn endpoint_named(&self, name: &str) -> Option<EndpointKey> {
        let by_name = self.endpoints.values().find(|row| bears(row, name));
        by_name.map(|row| self.resolve(row.key))
    }

    /// The slice of an endpoint by its name; what is in none is other traffic.
    #[must_use]
    pub fn slice_of(&self, endpoint: &str) -> &str {
        let row = self.endpoint_named(endpoint).and_then(|key| self.endpoints.get(&key));
        row.and_then(|row| row.slice.as_deref()).unwrap_or(OTHER_TRAFFIC)
    }

    /// Endpoints that are not merged into another.
    pub fn live_endpoints(&self) -> impl Iterator<Item = &EndpointRow> {
        self.endpoints.values().filter(|row| row.merged_into.is_none())
    }

    /// Tallies by endpoint.
    #[must_use]
    pub fn tallies(&self, scope: &Scope) -> BTreeMap<EndpointKey, Tally> {
        let mut tallies: BTreeMap<EndpointKey, Tally> = BTreeMap::new();
        for count in self.outcomes.iter().filter(|count| scope.holds(&count.version)) {
            tallies.entry(self.resolve(count.endpoint)).or_default().add(count);
        }
        tallies
    }

    /// Everything within the scope in one tally.
    #[must_use]
    pub fn total(&self, scope: &Scope) -> Tally {
        let mut total = Tally::default();
        for count in self.outcomes.iter().filter(|count| scope.holds(&count.version)) {
            total.add(count);
        }
        total
    }

    /// Share of compared pairs that match only because a rule hides what differs.
    #[must_use]
    pub fn masked_share(&self, scope: &Scope) -> f64 {
        let within = || self.activity.iter().filter(|one| scope.holds(&one.version));
        let pairs: u64 = within().map(|one| one.pairs).sum();
        let masked: u64 = within().map(|one| one.masked).sum();
        crate::words::share(masked, pairs)
    }

    /// Open and regressed clusters seen within the scope, by endpoint.
    #[must_use]
    pub fn open_clusters(&self, scope: &Scope) -> BTreeMap<EndpointKey, BTreeSet<i64>> {
        let open: BTreeSet<i64> = self
            .clusters
            .iter()
            .filter(|row| {
                matches!(self.state_of(row), ClusterState::Open | ClusterState::Regressed)
            })
            .map(|row| row.id)
            .collect();
        let mut found: BTreeMap<EndpointKey, BTreeSet<i64>> = BTreeMap::new();
        for count in self.cluster_counts.iter() {
            if count.pairs > 0 && scope.holds(&count.version) && open.contains(&count.cluster) {
                found.entry(self.resolve(count.endpoint)).or_default().insert(count.cluster);
            }
        }
        found
    }
}

impl Scope {
    #[must_use]
    pub fn holds(&self, version: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == version,
        }
    }

    /// The one version, where it is one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::One(one) => Some(one),
        }
    }
}

impl Tally {
    fn add(&mut self, count: &OutcomeCount) {
        self.add_counts(count.outcome, count.matches, count.pairs, count.trials);
    }

    pub(crate) fn add_counts(&mut self, outcome: Outcome, matches: bool, pairs: u64, trials: u64) {
        self.compared += pairs;
        match (outcome, matches) {
            (Outcome::Answered, true) => {
                self.matched += pairs;
                self.trials += trials;
            }
            (Outcome::Answered, false) => {
                self.mismatched += pairs;
                self.trials += trials;
                self.mismatching_trials += trials;
            }
            (Outcome::NoAnswer, _) => self.no_answer += pairs,
            (Outcome::Lag, _) => self.lag += pairs,
            (Outcome::PrimaryError, _) => self.primary_error += pairs,
        }
    }

    /// Joins the tally of another endpoint.
    pub fn join(&mut self, other: &Self) {
        self.compared += other.compared;
        self.matched += other.matched;
        self.mismatched += other.mismatched;
        self.no_answer += other.no_answer;
        self.lag += other.lag;
        self.primary_error += other.primary_error;
        self.trials += other.trials;
        self.mismatching_trials += other.mismatching_trials;
    }

    /// Mismatching share of judged trials; 0 without trials.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.trials == 0 { 0.0 } else { self.mismatching_trials as f64 / self.trials as f64 }
    }
}

fn minute(at: Micros) -> i64 {
    at.div_euclid(60_000_000)
}

fn newest_primary(versions: &[VersionRow]) -> Option<&VersionRow> {
    versions.iter().find(|row| row.side == "primary")
}

/// Whether a condition of the cluster has the terms under which it was accepted.
fn still_describes(accepted: &AcceptanceRow, row: &ClusterRow) -> bool {
    let Some(condition) = &accepted.condition else { return true };
    let terms = serde_json::from_str::<cluster::doc::DocCondition>(condition).map(|one| one.terms);
    let doc = serde_json::from_str::<cluster::doc::ClusterDoc>(&row.doc);
    match (terms, doc) {
        (Ok(terms), Ok(doc)) => doc.conditions.iter().any(|one| one.terms == terms),
        // What does not read describes nothing: the gate fails closed.
        _ => false,
    }
}

/// Whether that is its name; pages ask so often that writing each would be felt.
fn bears(row: &EndpointRow, name: &str) -> bool {
    let template = name.strip_prefix(row.method.as_str()).and_then(|rest| rest.strip_prefix(' '));
    template == Some(row.template.as_str())
}

fn display_name(row: &EndpointRow) -> String {
    format!("{} {}", row.method, row.template)
}
