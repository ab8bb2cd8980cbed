//! Run: sends the copies to the candidate.
//!
//! Invariants:
//! - Connects to the configured origins and to nothing else; follows no redirect, uses no proxy
//!   of the environment.
//! - Completion order within a session, concurrent across sessions.
//! - An unsafe request is sent at most once: its number is committed before it is sent.
//! - Whatever the candidate does is a result; a message is acknowledged when each of its
//!   exchanges is settled downstream.
//!
//! The way of an exchange: [`round`] takes its message from the queue into the [`hand`] and deals
//! it to its session ([`sessions`]); [`perform`] runs it in its turn with the [`player`], which
//! waits for what must be waited for ([`breaker`], pause, [`writes`], [`held`], [`pace`]) and
//! asks both sides over their [`wire`]; where its route says so, [`converge`] asks again what
//! differs; [`publish`] carries the result on and acknowledges. [`recheck`] sends kept exchanges
//! again, beside all this.

mod admin;
mod begun;
mod breaker;
mod config;
mod converge;
mod credentials;
mod desired;
#[cfg(test)]
mod fixture;
mod hand;
mod held;
mod instant;
mod memory;
mod metrics;
mod origin;
mod pace;
mod perform;
mod player;
mod publish;
mod recheck;
mod request;
mod rhythm;
mod round;
mod sessions;
mod version;
mod wave;
mod wire;
mod writes;

pub use config::{ReplayConfig, ReplayConfigError, Rewrite, TlsFiles};
pub use converge::{Differing, Opinion, ReferenceConfig, ReferenceMode};
pub use credentials::{Credentials, SwapConfig};
pub use memory::{MemoryConfig, MemoryConfigError, Seed};
pub use origin::OriginError;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use exchange::seal::Keyring;
use queue::{Consumer, Lane, Queue};
use store::{Share, Store};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::Admin,
    begun::BegunNotes,
    breaker::Breaker,
    converge::Converge,
    credentials::Keychain,
    hand::Hand,
    held::HeldBytes,
    memory::SessionMemory,
    metrics::Metrics,
    pace::Pace,
    perform::Performance,
    player::{Player, Side},
    publish::{Downstream, Publisher},
    recheck::Rechecks,
    request::HeaderEdits,
    round::{Round, RoundEnd},
    sessions::Sessions,
    version::Versions,
    wave::Wave,
    wire::Line,
    writes::WriteNotes,
};

/// For the desired state to be read before the first message is taken.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const CONSUMER_PAUSE: Duration = Duration::from_secs(1);
const ADMIN_STOP: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct ReplayInputs {
    pub config: ReplayConfig,
    pub queue: Queue,
    pub store: Store,
    pub keys: Arc<Keyring>,
    pub admin: Option<std::net::TcpListener>,
    /// Says whether two answers differ; without it nothing is asked again.
    pub opinion: Option<Arc<dyn Opinion>>,
}

/// Runs until `shutdown`; then what was begun is finished or given back.
pub async fn run(inputs: ReplayInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    inputs.config.validate()?;
    let ReplayInputs { config, queue, store, keys, admin, opinion } = inputs;
    let converge = Converge::new(&config, opinion)?.map(Arc::new);
    let metrics = Arc::new(Metrics::new());
    let held = Arc::new(HeldBytes::new(config.max_held_bytes));
    let hand = Arc::new(Hand::default());
    let (notes, committing) = WriteNotes::new(store.clone());
    let (remembering, keeping) = match config.memory.enabled {
        true => {
            let (memory, keeping) = SessionMemory::new(&config.memory, store.clone(), &keys);
            (Some(memory), Some(keeping))
        }
        false => (None, None),
    };
    let player = Arc::new(player(&config, notes, &held, &metrics, remembering)?);
    let give_up = CancellationToken::new();
    let downstream = Downstream {
        keys: Arc::clone(&keys),
        hand: Arc::clone(&hand),
        held: Arc::clone(&held),
        metrics: Arc::clone(&metrics),
        give_up: give_up.clone(),
    };
    let (publisher, mut publishing) = Publisher::start(&queue, &downstream);
    let rechecks = Rechecks {
        player: Arc::clone(&player),
        store: store.clone(),
        keys: Arc::clone(&keys),
        publisher: publisher.clone(),
        partitions: queue.partitions(),
        asked: Arc::clone(&player.recheck),
    };
    let performance = Performance {
        player: Arc::clone(&player),
        sessions: Arc::new(Sessions::new(config.session_backlog)),
        hand,
        publisher,
        begun: Arc::new(BegunNotes::new(store.clone())),
        keys,
        held,
        metrics,
        wave: Arc::new(Wave::new(Duration::from_millis(config.refusal_wait_ms))),
        converge,
    };

    let mut beside = JoinSet::new();
    beside.spawn(committing);
    if let Some(keeping) = keeping {
        beside.spawn(keeping);
    }
    watch_over(&mut beside, &player, &queue, &store, &config);
    let mut rechecking = JoinSet::new();
    rechecking.spawn(rechecks.run());
    let stop_admin = CancellationToken::new();
    let serving = admin.map(|listener| {
        let admin = Admin {
            player: Arc::clone(&player),
            sessions: Arc::clone(&performance.sessions),
            hand: Arc::clone(&performance.hand),
            queue: queue.clone(),
        };
        tokio::spawn(admin::serve(admin, listener, stop_admin.clone()))
    });

    let first_look = async {
        desired::learn(&player, &store).await;
        if let Some(memory) = &player.memory {
            memory.loaded().await;
        }
    };
    let _ = tokio::time::timeout(FIRST_LOOK, first_look).await;
    let replayed = tokio::select! {
        failed = first_failure(&mut publishing) => Err(failed),
        ended = rounds(&config, &queue, &store, &performance, &shutdown) => ended,
    };
    // The last publisher goes, so that publishing ends when it has confirmed what was handed in.
    rechecking.shutdown().await;
    drop(performance);
    finish(publishing, Duration::from_millis(config.drain_ms), &give_up).await;
    beside.shutdown().await;
    stop_admin.cancel();
    match serving {
        Some(serving) => replayed.and(last_words(serving).await),
        None => replayed,
    }
}

fn player(
    config: &ReplayConfig,
    notes: WriteNotes,
    held: &Arc<HeldBytes>,
    metrics: &Arc<Metrics>,
    memory: Option<Arc<SessionMemory>>,
) -> anyhow::Result<Player> {
    let side = |origin, edits| -> anyhow::Result<Side> {
        let breaker = Breaker::new(config.breaker_failures);
        Ok(Side { line: Line::new(origin, edits, config)?, breaker })
    };
    let secondary = config.secondary_origin()?;
    let keychain = Keychain::new(config.credentials, config.swap.clone());
    Ok(Player {
        keychain,
        refused: Mutex::default(),
        candidate: side(config.candidate_origin()?, HeaderEdits::of(config))?,
        secondary: secondary.map(|origin| side(origin, HeaderEdits::default())).transpose()?,
        send_writes: config.writes,
        max_age: config
            .max_age_s
            .map(|s| i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1_000_000)),
        permits: Semaphore::new(config.concurrency.min(Semaphore::MAX_PERMITS)),
        pace: Pace::new(config.max_rate),
        held: Arc::clone(held),
        paused: watch::Sender::new(false),
        notes,
        versions: Versions::new(&config.version_header, config.candidate_version.clone()),
        metrics: Arc::clone(metrics),
        memory,
        create_wait: Duration::from_millis(config.session_wait_ms),
        recheck: Arc::default(),
    })
}

/// Starts what goes on beside replaying: commands, probes, the breaker's banner.
fn watch_over(
    beside: &mut JoinSet<()>,
    player: &Arc<Player>,
    queue: &Queue,
    store: &Store,
    config: &ReplayConfig,
) {
    let commands = queue.control().listen();
    let (following, their_store) = (Arc::clone(player), store.clone());
    beside.spawn(async move { desired::follow(&following, &their_store, commands).await });

    let (reporting, their_store) = (Arc::clone(player), store.clone());
    beside.spawn(async move { desired::report_breaker(&reporting, &their_store).await });

    let pause = Duration::from_millis(config.probe_ms);
    let probing = Arc::clone(player);
    beside.spawn(async move {
        loop {
            probing.candidate.breaker.probe_due(pause).await;
            probing.probe().await;
        }
    });
    let probing = Arc::clone(player);
    beside.spawn(async move {
        if let Some(side) = &probing.secondary {
            loop {
                side.breaker.probe_due(pause).await;
                side.breaker.probe(&side.line).await;
            }
        }
    });
}

/// One round after the other until the stop. Messages are taken only while they can be sent: an
/// outage or a pause costs a message one delivery at most, however long it is, or the queue would
/// give up on messages that nobody ever looked at.
async fn rounds(
    config: &ReplayConfig,
    queue: &Queue,
    store: &Store,
    performance: &Performance,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let mut share = Share::join(store, Lane::Exchanges.as_str(), queue.partitions()).await;
    let ended = take_rounds(config, queue, &mut share, performance, shutdown).await;
    share.leave().await;
    ended
}

async fn take_rounds(
    config: &ReplayConfig,
    queue: &Queue,
    share: &mut Share,
    performance: &Performance,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let candidate = &performance.player.candidate;
    tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        () = candidate.breaker.probe(&candidate.line) => {}
    }
    loop {
        let consumer = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            consumer = consumer_of_use(config, queue, share, performance) => consumer,
        };
        match Round::new(config, performance).run(consumer, share, shutdown).await {
            RoundEnd::Stopped | RoundEnd::QueueClosed => return Ok(()),
            RoundEnd::Shared => {}
            RoundEnd::Standing => {
                tracing::info!("nothing can be sent for long: messages were given back");
            }
        }
    }
}

/// A consumer, as soon as there is something to do for it.
async fn consumer_of_use(
    config: &ReplayConfig,
    queue: &Queue,
    share: &mut Share,
    performance: &Performance,
) -> Consumer {
    performance.player.may_send().await;
    loop {
        let (prefetch, mine) = (config.messages_in_hand(), share.mine());
        let all = usize::from(queue.partitions());
        performance.player.pace.share(mine.len(), all);
        if let Some(converge) = &performance.converge {
            converge.share(mine.len(), all);
        }
        match queue.consumer_of(Lane::Exchanges, prefetch, &mine).await {
            Ok(consumer) => return consumer,
            Err(error) => {
                tracing::warn!(error = %error, "exchanges cannot be taken: trying again");
                tokio::time::sleep(CONSUMER_PAUSE).await;
            }
        }
    }
}

/// Why publishing cannot go on; for ever where it does.
async fn first_failure(publishing: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    while let Some(ended) = publishing.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.context("publishing results"),
            Err(error) => return anyhow::Error::new(error).context("publishing results"),
        }
    }
    std::future::pending().await
}

/// Lets the admin listener finish, though not for ever: a client may keep its connection.
async fn last_words(mut serving: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    match tokio::time::timeout(ADMIN_STOP, &mut serving).await {
        Ok(served) => served?,
        Err(_) => {
            serving.abort();
            Ok(())
        }
    }
}

/// Lets publishing confirm what was handed in, within `limit`.
async fn finish(
    mut publishing: JoinSet<anyhow::Result<()>>,
    limit: Duration,
    give_up: &CancellationToken,
) {
    let confirmed = async { while publishing.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, confirmed).await.is_err() {
        tracing::warn!("results are not confirmed in time: their messages will be delivered again");
        give_up.cancel();
        while publishing.join_next().await.is_some() {}
    }
}
