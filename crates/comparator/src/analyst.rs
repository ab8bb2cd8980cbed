//! The analyst: learns from what all comparators recorded and publishes a model.
//!
//! One at a time over all processes: it works only while it holds a lease in the store. It reads
//! counters and kept samples, never traffic; learning itself is [`cluster::learn()`], a pure step.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use cluster::{
    EndpointId, LearnInput, Learnt, Model, Signature,
    heirs::{Before, Heirs, Now, heirs},
    learn::{EndpointSeen, SignatureSeen, Versus},
};
use exchange::ExchangeId;
use store::{
    ANALYSED_SETTING, ClusterRow, ClusterShare, ClusterState, EndpointRow, ModelRow, Outcome,
    Publication, RESETS_SETTING, Record, SignatureCount, Store,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    accepted, apart::Apart, closing, intake::now, judge::Judge, kept_rows::KeptRows, masked,
    metrics::Metrics, remembered::Remembered, said::Said,
};

const LEASE: &str = "analyst";
/// The evidence beside volatile places is brought up to date at least this often.
const REPUBLISH_AFTER: Duration = Duration::from_secs(60);
const QUIET_EVERY: Duration = Duration::from_secs(60);
const FOLD_EVERY: Duration = Duration::from_secs(3600);
/// Minutes that stay minutes; older ones become hours.
const FINE_MINUTES: i64 = 6 * 60;

#[derive(Debug)]
pub(crate) struct Analyst {
    pub(crate) store: Store,
    pub(crate) judge: Arc<Judge>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) every: Duration,
    owner: Uuid,
    samples: Remembered,
    rows: KeptRows,
    apart: Apart,
    resets: Option<String>,
    /// When clusters that are quiet were last looked at.
    looked: Option<tokio::time::Instant>,
    last: Option<Published>,
    folded: Option<tokio::time::Instant>,
    /// What the store was told last of signatures that only a rule lets match.
    masked: Option<Vec<i64>>,
    /// What the store was told last of compared exchanges that were all looked at.
    analysed: Option<u64>,
}

/// What this analyst published last, and from which counters.
#[derive(Debug)]
struct Published {
    counters: Vec<SignatureCount>,
    said: Said,
    learnt: Learnt,
    at: tokio::time::Instant,
    /// Everything that is kept was looked at.
    thorough: bool,
    /// Says the same with newer figures; published when it has waited long enough, or when
    /// nothing else comes. With the samples that its `homes` refers to.
    newer: Option<(Learnt, Vec<ExchangeId>)>,
}

impl Analyst {
    pub(crate) fn new(
        store: Store,
        judge: Arc<Judge>,
        metrics: Arc<Metrics>,
        every: Duration,
    ) -> Self {
        let (samples, rows) = (Remembered::default(), KeptRows::default());
        let owner = Uuid::now_v7();
        Self {
            store,
            judge,
            apart: Apart::default(),
            metrics,
            every,
            owner,
            samples,
            rows,
            resets: None,
            looked: None,
            last: None,
            folded: None,
            masked: None,
            analysed: None,
        }
    }

    /// Learns whenever it holds the lease, until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let term = (self.every * 5).max(Duration::from_secs(10));
        let mut failed = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(self.every) => {}
            }
            match self.turn(term).await {
                Ok(()) if failed => {
                    tracing::info!("learning goes on");
                    failed = false;
                }
                Ok(()) => {}
                Err(error) => {
                    if !failed {
                        tracing::error!(error = format!("{error:#}"), "learning failed");
                    }
                    failed = true;
                }
            }
        }
        if self.metrics.analyst.get() == 1 {
            // Another process need not wait for the lease to run out.
            let _ = self.store.release(LEASE, self.owner).await;
        }
    }

    async fn turn(&mut self, term: Duration) -> anyhow::Result<()> {
        let held = self.store.lease(LEASE, self.owner, term).await?;
        self.metrics.analyst.set(i64::from(held));
        if !held {
            self.last = None;
            self.masked = None;
            return Ok(());
        }
        self.fold().await?;
        let at_quiet = self.looked.is_none_or(|at| at.elapsed() > QUIET_EVERY);
        Box::pin(closing::look(&self.store, at_quiet)).await.context("closing what is fixed")?;
        if at_quiet {
            self.looked = Some(tokio::time::Instant::now());
        }
        let resets = self.store.setting(RESETS_SETTING).await?;
        if std::mem::replace(&mut self.resets, resets.clone()) != resets {
            self.samples.clear();
            self.rows.list_again();
        }
        let counters = self.store.signature_counts().await?;
        let accepted = accepted::read(&self.store, now()).await?;
        let decided = self.rows.accept(accepted);
        let said = Said::read(&self.store).await?;
        let same = |last: &Published| last.counters == counters && last.said == said;
        let quiet = !decided && self.last.as_ref().is_some_and(same);
        if quiet && self.last.as_ref().is_some_and(|last| last.thorough) {
            let candidate =
                counters.iter().filter(|count| count.versus == store::Versus::Candidate);
            let compared = candidate.map(|count| count.pairs).sum();
            self.catch_up(counters).await?;
            return self.note_analysed(compared).await;
        }
        let began = tokio::time::Instant::now();
        self.learn(counters, said, quiet).await?;
        self.metrics.learn_seconds.observe(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Says that everything compared so far is looked at, and that what was found is published.
    async fn note_analysed(&mut self, compared: u64) -> anyhow::Result<()> {
        if self.analysed != Some(compared) {
            self.store.set_setting(ANALYSED_SETTING, &compared.to_string()).await?;
            self.analysed = Some(compared);
        }
        Ok(())
    }

    /// Folds old minutes to hours, about hourly.
    async fn fold(&mut self) -> anyhow::Result<()> {
        if self.folded.is_some_and(|at| at.elapsed() < FOLD_EVERY) {
            return Ok(());
        }
        let minute = now().div_euclid(60_000_000) - FINE_MINUTES;
        let folded = self.store.fold_minutes(minute).await.context("folding old minutes")?;
        self.store.forget_old_facts().await.context("forgetting old facts")?;
        if folded > 0 {
            tracing::info!(counters.folded = folded, "counters of old minutes are hours now");
        }
        self.folded = Some(tokio::time::Instant::now());
        Ok(())
    }

    /// `thorough`: nothing is coming in, so that there is time to look at every new row.
    async fn learn(
        &mut self,
        counters: Vec<SignatureCount>,
        said: Said,
        thorough: bool,
    ) -> anyhow::Result<()> {
        let mut model = self.model().await?;
        if let Some(last) = &self.last {
            // What was found and not yet published stands too.
            let newest = last.newer.as_ref().map_or(&last.learnt, |(newer, _)| newer);
            model.explained.clone_from(&newest.model.explained);
        }
        model.rules.clone_from(&said.rules);
        model.overruled.clone_from(&said.overruled);
        let endpoints = self.store.endpoints().await?;
        let asked = self.store.baseline_counts().await?;
        self.samples.read(&self.store).await?;
        self.rows.read(&self.store).await?;
        let (ids, samples) = self.samples.all();
        let seen = Seen {
            model,
            endpoints: endpoints.iter().map(endpoint_seen).collect(),
            signatures: counters.iter().filter_map(signature_seen).collect(),
            asked: asked.into_iter().map(|(key, pairs)| (EndpointId(key), pairs)).collect(),
            samples,
            rows: self.rows.with(&counters, thorough),
        };
        let book = self.judge.book(&said.rules);
        let (judge, rows) = (Arc::clone(&self.judge), endpoints.clone());
        let learning = move || {
            let ignored = |endpoint: &str, place: &cluster::Place| {
                let (method, template) = endpoint.split_once(' ').unwrap_or(("", endpoint));
                book.ignores(method, template, place)
            };
            let learnt = cluster::learn(&LearnInput {
                model: &seen.model,
                endpoints: &seen.endpoints,
                pins: judge.pins(),
                signatures: &seen.signatures,
                asked: &seen.asked,
                samples: &seen.samples,
                rows: &seen.rows,
                ignored: &ignored,
            });
            let masked = masked::signatures(&seen.signatures, &rows, &learnt, &book);
            (seen.model.number, learnt, masked)
        };
        let (number, learnt, masked) = self.apart.run(learning).await.context("learning")?;
        let matching: BTreeSet<i64> =
            learnt.verdicts.iter().filter(|(_, matches, _)| *matches).map(|(s, ..)| *s).collect();
        self.rows.trim(&self.store, &matching).await?;
        if self.masked.as_ref() != Some(&masked) {
            self.store.set_masked(&masked).await?;
            self.masked = Some(masked);
        }
        match &mut self.last {
            Some(last) if last.learnt.says_the_same_as(&learnt) => {
                last.counters = counters;
                last.said = said;
                last.thorough = thorough;
                last.newer = (last.learnt != learnt).then_some((learnt, ids));
                if last.newer.is_none() || last.at.elapsed() < REPUBLISH_AFTER {
                    return Ok(());
                }
                let counters = last.counters.clone();
                self.catch_up(counters).await
            }
            _ => {
                self.publish(number + 1, (learnt, ids), &endpoints, (counters, said)).await?;
                if let Some(last) = &mut self.last {
                    last.thorough = thorough;
                }
                Ok(())
            }
        }
    }

    /// Publishes newer figures, if there are any.
    async fn catch_up(&mut self, counters: Vec<SignatureCount>) -> anyhow::Result<()> {
        let Some(newer) = self.last.as_mut().and_then(|last| last.newer.take()) else {
            return Ok(());
        };
        let said = self.last.as_ref().map(|last| last.said.clone()).unwrap_or_default();
        let (model, endpoints) = (self.model().await?, self.store.endpoints().await?);
        self.publish(model.number + 1, newer, &endpoints, (counters, said)).await
    }

    async fn model(&self) -> anyhow::Result<Model> {
        let Some(row) = self.store.model_newer(0).await? else { return Ok(Model::default()) };
        read_model(&row)
    }

    async fn publish(
        &mut self,
        number: i64,
        (learnt, samples): (Learnt, Vec<ExchangeId>),
        endpoints: &[EndpointRow],
        (counters, said): (Vec<SignatureCount>, Said),
    ) -> anyhow::Result<()> {
        let merges = self.merge(&learnt, endpoints).await?;
        let (heirs, ids) = self.heirs(&learnt, &counters).await?;
        let model = Model { number, ..learnt.model.clone() };
        let row = ModelRow { number, at: now(), doc: serde_json::to_string(&model)? };
        let clusters: Vec<ClusterRow> = learnt
            .clusters
            .iter()
            .enumerate()
            .map(|(at, cluster)| {
                let mut doc = cluster.published();
                // What is new has no id yet; the next publication tells it.
                let origin = doc.follows.take().and_then(|origin| ids.get(&origin).copied());
                doc.follows = origin.map(|id| format!("C-{id}"));
                Ok(ClusterRow {
                    id: heirs.kept.get(&at).copied().unwrap_or(0),
                    fingerprint: cluster.fingerprint.clone(),
                    endpoint: cluster.endpoint.0,
                    state: ClusterState::Open,
                    owner: None,
                    note: None,
                    first_seen: cluster.first_minute.saturating_mul(60_000_000),
                    doc: serde_json::to_string(&doc)?,
                    words: cluster.words.clone(),
                })
            })
            .collect::<anyhow::Result<_>>()?;
        let homes: Vec<(ExchangeId, usize)> = learnt
            .homes
            .iter()
            .filter_map(|(at, cluster)| Some((*samples.get(*at)?, *cluster)))
            .collect();
        let share = |(signature, part): &(i64, cluster::learn::Part)| ClusterShare {
            signature: *signature,
            cluster: part.cluster,
            rows: part.rows,
            of: part.of,
        };
        let shares: Vec<ClusterShare> = learnt.shares.iter().map(share).collect();
        let gone: Vec<(i64, usize)> = heirs.gone.into_iter().collect();
        let publication = Publication {
            model: &row,
            merges: &merges,
            verdicts: &learnt.verdicts,
            clusters: &clusters,
            shares: &shares,
            homes: &homes,
            gone: &gone,
        };
        self.store.publish(&publication).await?;
        tracing::info!(
            model.number = number,
            model.volatile = learnt.model.volatile.len(),
            model.clusters = clusters.len(),
            model.rules = model.rules.len(),
            model.merges = merges.len(),
            "a model is published"
        );
        let at = tokio::time::Instant::now();
        let thorough = self.last.as_ref().is_some_and(|last| last.thorough);
        self.last = Some(Published { counters, said, learnt, at, thorough, newer: None });
        Ok(())
    }

    /// Which clusters keep the ids of others, and where the ids of those that are gone lead; and
    /// the ids of fingerprints.
    async fn heirs(
        &self,
        learnt: &Learnt,
        counters: &[SignatureCount],
    ) -> anyhow::Result<(Heirs, BTreeMap<String, i64>)> {
        let before = self.store.cluster_signatures().await?.into_iter();
        let before: Vec<Before> = before
            .map(|(id, fingerprint, signatures)| Before { id, fingerprint, signatures })
            .collect();
        let mut now: Vec<Now<'_>> = learnt
            .clusters
            .iter()
            .map(|cluster| Now { fingerprint: &cluster.fingerprint, ..Now::default() })
            .collect();
        let own =
            learnt.verdicts.iter().filter_map(|(signature, _, at)| Some((*signature, (*at)?)));
        let shared = learnt.shares.iter().map(|(signature, part)| (*signature, part.cluster));
        for (signature, at) in own.chain(shared) {
            if let Some(cluster) = now.get_mut(at) {
                cluster.signatures.insert(signature);
            }
        }
        let mut pairs: BTreeMap<i64, u64> = BTreeMap::new();
        for count in counters {
            *pairs.entry(count.key).or_default() += count.pairs;
        }
        let heirs = heirs(&before, &now, &|signature| pairs.get(&signature).copied().unwrap_or(0));
        let mut ids: BTreeMap<String, i64> =
            before.into_iter().map(|before| (before.fingerprint, before.id)).collect();
        let renamed =
            heirs.kept.iter().filter_map(|(at, id)| Some((learnt.clusters.get(*at)?, *id)));
        ids.extend(renamed.map(|(cluster, id)| (cluster.fingerprint.clone(), id)));
        Ok((heirs, ids))
    }

    /// The merges that the store does not have yet; their targets are in the store on return.
    async fn merge(
        &self,
        learnt: &Learnt,
        endpoints: &[EndpointRow],
    ) -> anyhow::Result<Vec<(i64, i64)>> {
        let held: BTreeMap<i64, &EndpointRow> =
            endpoints.iter().map(|row| (row.key, row)).collect();
        let mut targets: BTreeMap<i64, EndpointRow> = BTreeMap::new();
        let mut merges = Vec::new();
        for (from, to) in &learnt.merges {
            let Some(row) = held.get(&from.0) else { continue };
            if row.merged_into != Some(to.id.0) {
                merges.push((from.0, to.id.0));
            }
            if !held.contains_key(&to.id.0) {
                let target = targets.entry(to.id.0).or_insert_with(|| EndpointRow {
                    key: to.id.0,
                    method: to.method.clone(),
                    template: to.template.clone(),
                    slice: row.slice.clone(),
                    merged_into: None,
                    first_seen: row.first_seen,
                });
                target.first_seen = target.first_seen.min(row.first_seen);
            }
        }
        if !targets.is_empty() {
            let endpoints = targets.into_values().collect();
            self.store.record(&Record { endpoints, ..Record::default() }).await?;
        }
        Ok(merges)
    }
}

/// One look at the store.
struct Seen {
    model: Model,
    endpoints: Vec<EndpointSeen>,
    signatures: Vec<SignatureSeen>,
    asked: BTreeMap<EndpointId, u64>,
    samples: Vec<cluster::learn::SampleSeen>,
    rows: Arc<cluster::explain::Rows>,
}

pub(crate) fn read_model(row: &ModelRow) -> anyhow::Result<Model> {
    let model: Model = serde_json::from_str(&row.doc)
        .with_context(|| format!("model {} in the store does not read", row.number))?;
    Ok(Model { number: row.number, ..model })
}

fn endpoint_seen(row: &EndpointRow) -> EndpointSeen {
    let (method, template) = (row.method.clone(), row.template.clone());
    let merged_into = row.merged_into.map(EndpointId);
    EndpointSeen { id: EndpointId(row.key), method, template, merged_into }
}

fn signature_seen(count: &SignatureCount) -> Option<SignatureSeen> {
    let places = serde_json::from_str(&count.places)
        .inspect_err(|error| tracing::warn!(%error, "stored places do not read and are left out"))
        .ok()?;
    Some(SignatureSeen {
        id: count.key,
        endpoint: EndpointId(count.endpoint),
        signature: Signature { places },
        versus: match (count.versus, count.outcome) {
            (store::Versus::Secondary, _) => Versus::Secondary,
            (store::Versus::Earlier, _) => Versus::Earlier,
            (store::Versus::Candidate, Outcome::Answered | Outcome::NoAnswer) => Versus::Candidate,
            (store::Versus::Candidate, Outcome::Lag) => Versus::Late,
            (store::Versus::Candidate, Outcome::PrimaryError) => Versus::Unjudged,
        },
        pairs: count.pairs,
        first_minute: count.first_minute,
    })
}
