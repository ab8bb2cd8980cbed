//! Compare and learn: pairs to verdicts to the store.
//!
//! Invariants:
//! - A message is acknowledged only after its record is committed; recording is idempotent.
//! - A pair that panics three times, kills its process three times or is refused by the store is
//!   parked with its reason; the rest of its batch goes on.
//! - Comparators only diff and record. One analyst (a lease in the store) learns.
//! - Nothing of a stranger's body reaches a log.
//!
//! ```text
//! queue ─► intake: open, judge (plan, side, compare, trial, view) ─► recorder ─► store ─► ack
//!                     ▲ model                                                     │ counters,
//!                     └──────────────────── analyst (one, by lease) ◄─────────────┘ samples
//! ```

mod accepted;
mod admin;
mod analyst;
mod apart;
mod begun;
mod branches;
mod closing;
mod compare;
mod config;
mod earlier;
mod elements;
mod facts;
mod features;
#[cfg(test)]
mod fixture;
mod headers;
mod intake;
mod judge;
mod kept_rows;
mod leaves;
mod mapped;
mod masked;
mod metrics;
mod naming;
mod opinion;
mod piecemeal;
mod plan;
mod pointer;
mod preview;
mod primary_version;
mod recheck;
mod recorder;
mod remembered;
mod reservoir;
mod said;
mod session;
mod side;
mod slots;
mod spots;
mod trial;
mod view;

pub use cluster::{RouteRules, RuleName};
pub use config::{CompareConfig, CompareConfigError};
pub use naming::EndpointConfig;
pub use opinion::Opinion;
pub use preview::{
    Effect, EffectAsked, EffectLine, EndpointPreview, Masked, Preview, PreviewError, Reach,
    RulePreview, SamplePreview, effect, preview, reach,
};

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use cluster::{EndpointId, Model};
use exchange::{
    Micros,
    redact::{RedactConfig, Redactor},
    seal::Keyring,
};
use memory::coding as decode;
use queue::{Lane, Queue};
use store::{RESETS_SETTING, Share, Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::Admin, analyst::Analyst, begun::BegunNotes, intake::Workshop, judge::Judge,
    metrics::Metrics, plan::Learned, recorder::Recorder,
};

/// Messages handed out per partition and not yet acknowledged.
pub(crate) const PREFETCH: u16 = 16;
/// Judged messages that wait to be recorded.
const WAITING: usize = 64;
/// Facts read again: their transactions may end later than newer ones, in µs.
const FACTS_OVERLAP: Micros = 3_000_000;
const MODEL_POLL: Duration = Duration::from_millis(500);
const START_BACKOFF: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct CompareInputs {
    pub config: CompareConfig,
    pub redact: RedactConfig,
    pub queue: Queue,
    pub store: Store,
    pub keys: Arc<Keyring>,
    pub admin: Option<std::net::TcpListener>,
}

/// Compares until `shutdown`; also runs the analyst while it holds its lease.
pub async fn run(inputs: CompareInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let CompareInputs { config, redact, queue, store, keys, admin } = inputs;
    let redactor = Redactor::new(redact, keys.derive("redact"));
    let judge = Arc::new(Judge::new(&config, redactor, Arc::clone(&keys))?);
    let metrics = Arc::new(Metrics::new());
    let stop = CancellationToken::new();
    let serving = admin.map(|listener| {
        let admin = Admin { queue: queue.clone(), metrics: Arc::clone(&metrics) };
        tokio::spawn(admin::serve(admin, listener, stop.clone()))
    });
    let outcome = work(&config, &judge, &metrics, &queue, &store, keys, &shutdown).await;
    stop.cancel();
    match serving {
        Some(serving) => outcome.and(serving.await?),
        None => outcome,
    }
}

async fn work(
    config: &CompareConfig,
    judge: &Arc<Judge>,
    metrics: &Arc<Metrics>,
    queue: &Queue,
    store: &Store,
    keys: Arc<Keyring>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let Some(recorder) = start(judge, metrics, store, &keys, shutdown).await else {
        return Ok(());
    };
    let share = Share::join(store, Lane::Pairs.as_str(), queue.partitions()).await;
    let (models, learned) = watch::channel(Arc::new(judge.learned(Model::default())));
    // The model in force is loaded before the first pair, or that would be judged by none.
    refresh(store, &models, metrics, judge).await;
    let (judged, waiting) = mpsc::channel(WAITING);
    let workshop = Workshop {
        judge: Arc::clone(judge),
        keys,
        learned,
        metrics: Arc::clone(metrics),
        begun: Arc::new(BegunNotes::new(store.clone())),
    };
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let analyst = Analyst::new(
        store.clone(),
        Arc::clone(judge),
        Arc::clone(metrics),
        Duration::from_millis(config.learn_every_ms),
    );
    // Each ends by itself: taking and learning at `shutdown`, recording when all is recorded.
    tokio::join!(
        intake::take_shared(workshop, queue, share, judged, workers, shutdown),
        Box::pin(recorder.run(waiting, shutdown.clone())),
        follow(store, models, metrics, judge, shutdown),
        Box::pin(analyst.run(shutdown.clone())),
    );
    Ok(())
}

/// A recorder and a judge that know what the store holds; `None` when `shutdown` came first.
async fn start(
    judge: &Judge,
    metrics: &Arc<Metrics>,
    store: &Store,
    keys: &Arc<Keyring>,
    shutdown: &CancellationToken,
) -> Option<Recorder> {
    loop {
        match seed(judge, store).await {
            Ok((endpoints, signatures)) => {
                let (store, metrics, keys) = (store.clone(), Arc::clone(metrics), Arc::clone(keys));
                let primary_versions = HashMap::new();
                return Some(Recorder {
                    store,
                    metrics,
                    keys,
                    endpoints,
                    signatures,
                    primary_versions,
                });
            }
            Err(error) => tracing::error!(%error, "the store does not answer yet"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(START_BACKOFF) => {}
        }
    }
}

async fn seed(judge: &Judge, store: &Store) -> Result<(HashSet<i64>, HashSet<i64>), StoreError> {
    let endpoints: HashSet<i64> = store.endpoints().await?.into_iter().map(|row| row.key).collect();
    let counts = store.signature_counts().await?;
    judge.registry.seed(
        endpoints.iter().map(|key| EndpointId(*key)),
        counts.iter().map(|count| (EndpointId(count.endpoint), count.key)),
    );
    for count in counts.iter().filter(|count| count.versus == store::Versus::Candidate) {
        judge.slots.seed(count.key, &count.version, count.pairs);
        judge.slots.seed(count.endpoint, &count.version, count.pairs);
        judge.reservoirs.seed(count.key, &count.version, count.pairs);
        judge.reservoirs.seed(count.endpoint, &count.version, count.pairs);
    }
    judge.facts.take(store.facts(0).await?);
    for count in store.strata().await?.iter().filter(|count| !count.place.is_empty()) {
        judge.branches.seed(EndpointId(count.endpoint), &count.place, &count.value);
    }
    Ok((endpoints, counts.into_iter().map(|count| count.key).collect()))
}

/// Loads every newer model until `shutdown`.
async fn follow(
    store: &Store,
    models: watch::Sender<Arc<Learned>>,
    metrics: &Metrics,
    judge: &Judge,
    shutdown: &CancellationToken,
) {
    let mut resets = store.setting(RESETS_SETTING).await.ok().flatten();
    let mut facts = FactsRead::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(MODEL_POLL) => refresh(store, &models, metrics, judge).await,
        }
        if store.is_shared() {
            facts.read(store, judge).await;
        }
        // What was forgotten is sampled from its beginning again.
        if let Ok(now) = store.setting(RESETS_SETTING).await
            && now != resets
        {
            judge.slots.clear();
            judge.reservoirs.clear();
            resets = now;
        }
    }
}

/// How far what other comparators learnt has been read.
#[derive(Debug, Default)]
struct FactsRead {
    until: Micros,
}

impl FactsRead {
    async fn read(&mut self, store: &Store, judge: &Judge) {
        // Rows of a transaction are as old as its beginning, and seen at its end.
        let Ok(rows) = store.facts(self.until - FACTS_OVERLAP).await else { return };
        self.until = rows.iter().map(|row| row.updated_at).max().unwrap_or(0).max(self.until);
        judge.facts.take(rows);
    }
}

/// Loads a newer model, if there is one. A store that is away is told by those who record.
async fn refresh(
    store: &Store,
    models: &watch::Sender<Arc<Learned>>,
    metrics: &Metrics,
    judge: &Judge,
) {
    let current = Arc::clone(&models.borrow());
    let Ok(Some(row)) = store.model_newer(current.model.number).await else { return };
    match analyst::read_model(&row) {
        Ok(model) => {
            metrics.model.set(model.number);
            models.send_replace(Arc::new(judge.learned(model)));
        }
        Err(error) => tracing::error!(error = format!("{error:#}"), "a model is not loaded"),
    }
}
