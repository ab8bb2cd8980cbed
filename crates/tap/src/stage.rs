//! Starting and stopping: the threads of one tap.

use std::{
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use exchange::{control::Command, seal::Keyring};
use queue::{Queue, spool::Spooled};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, AdminState},
    config::TapConfig,
    proxy::{PoolLimits, Primary},
    publisher::{self, Published, PublisherInputs},
    record::Books,
    shared::{Handover, Shared},
    worker::{self, Peers, WorkerInputs},
};

/// What a tap is given. Listeners are bound by the caller (port 0 in tests, passed sockets).
#[derive(Debug)]
pub struct TapInputs {
    pub config: TapConfig,
    pub listener: std::net::TcpListener,
    pub admin: Option<std::net::TcpListener>,
    pub queue: Queue,
    pub spool: queue::spool::SpoolConfig,
    pub keys: Arc<Keyring>,
}

/// Runs until `shutdown`, then stops accepting, finishes what runs (bounded by
/// `config.drain_ms`), confirms or spools what was copied, and returns.
pub async fn run(inputs: TapInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let TapInputs { config, listener, admin, queue, spool, keys } = inputs;
    config.validate()?;
    let workers = worker_count(&config);
    let primary = Primary::new(&config.origin()?, config.authorities()?)?;
    let shared = Arc::new(Shared::new(&config, keys.derive("sessions"), workers)?);
    let published = Arc::new(Published::default());
    let (handover, captures, bell) = Handover::new(config.handover);

    let (opened, opening) = oneshot::channel();
    let mut publisher = Thread::start("tap-publisher", {
        let (shared, published, queue) =
            (Arc::clone(&shared), Arc::clone(&published), queue.clone());
        let bell = Arc::clone(&bell);
        move || {
            give_way();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let spooled = match Spooled::open(&queue, spool).await {
                    Ok(spooled) => spooled,
                    Err(error) => {
                        let _ = opened.send(Err(error));
                        return;
                    }
                };
                let _ = opened.send(Ok(spooled.clone()));
                let listening = tokio::spawn(obey(queue.clone(), Arc::clone(&shared)));
                let partitions = queue.partitions();
                publisher::run(PublisherInputs {
                    shared,
                    keys,
                    spooled,
                    partitions,
                    captures,
                    bell,
                    published,
                })
                .await;
                listening.abort();
            });
            Ok(())
        }
    })?;
    let spooled = opening.await.context("the publisher did not start")??;

    // Threads outlive neither an early return nor a caller that drops this future.
    let stop = shutdown.child_token();
    let _stop_at_least_here = stop.clone().drop_guard();
    let mut threads = start_workers(&config, &listener, &shared, &primary, &handover, &stop)?;
    // The workers alone hold it now: when they have ended, so has what the publisher takes over.
    drop(handover);
    drop(listener);
    let stop_admin = CancellationToken::new();
    let _stop_admin_at_least_here = stop_admin.clone().drop_guard();
    let state = AdminState { shared: Arc::clone(&shared), published, primary, queue, spooled };
    let admin =
        admin.map(|listener| start_admin(listener, state, stop_admin.clone())).transpose()?;
    tracing::info!(tap.workers = workers, tap.primary = %config.primary, "The tap is up");

    let failed = tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        failure = first_failure(&mut threads, &mut publisher) => Some(failure),
    };
    // Also where a thread failed: the others stop in order.
    stop.cancel();
    for thread in &mut threads {
        thread.ended().await?;
    }
    bell.wake();
    publisher.ended().await?;
    stop_admin.cancel();
    if let Some(mut admin) = admin {
        let _ = tokio::time::timeout(Duration::from_secs(1), admin.ended()).await;
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Where cores are short, this thread and those it starts get a smaller share than the users'
/// requests: about a quarter beside one busy worker.
fn give_way() {
    const NICE: i32 = 5;
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "Copies are packed at the workers' own priority");
    }
}

fn worker_count(config: &TapConfig) -> usize {
    match config.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => count,
    }
}

fn start_workers(
    config: &TapConfig,
    listener: &std::net::TcpListener,
    shared: &Arc<Shared>,
    primary: &Primary,
    handover: &Handover,
    shutdown: &CancellationToken,
) -> anyhow::Result<Vec<Thread>> {
    let count = shared.ledgers.len();
    let pool = PoolLimits {
        keep: config.upstream_idle,
        keep_for: Duration::from_millis(config.upstream_idle_ms),
        connect_timeout: Duration::from_millis(config.connect_timeout_ms),
    };
    // All accept from the caller's one socket: what waits there when this process stops is for the
    // next process that holds it. A socket of its own per worker would take its queue with it.
    listener.set_nonblocking(true)?;
    let mut threads = Vec::new();
    for (at, (ledger, (peers, given))) in shared.ledgers.iter().zip(Peers::new(count)).enumerate() {
        let inputs = WorkerInputs {
            listener: listener.try_clone().context("cannot share the listener")?,
            books: Books {
                shared: Arc::clone(shared),
                ledger: Arc::clone(ledger),
                handover: handover.clone(),
            },
            primary: primary.clone(),
            pool,
            max_connections: config.max_connections.div_ceil(count),
            peers,
            given,
            shutdown: shutdown.clone(),
        };
        threads.push(Thread::start(&format!("tap-{at}"), move || Ok(worker::run(inputs)?))?);
    }
    Ok(threads)
}

fn start_admin(
    listener: std::net::TcpListener,
    state: AdminState,
    stop: CancellationToken,
) -> anyhow::Result<Thread> {
    listener.set_nonblocking(true)?;
    Thread::start("tap-admin", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(admin::run(listener, state, stop))
    })
}

/// Follows the desired state of the installation.
async fn obey(queue: Queue, shared: Arc<Shared>) {
    let mut commands = queue.control().listen();
    while let Some(command) = commands.next().await {
        match serde_json::from_slice(&command) {
            Ok(Command::Desired { copy_paused, .. }) => {
                let before = shared.pause.desired.swap(copy_paused, Ordering::Relaxed);
                if before != copy_paused {
                    tracing::info!(copy.paused = copy_paused, "Copying was switched");
                }
            }
            Ok(Command::Recheck) => {}
            Err(error) => tracing::debug!(%error, "Ignored a command of another version"),
        }
    }
}

async fn first_failure(workers: &mut [Thread], publisher: &mut Thread) -> anyhow::Error {
    let ended = workers.iter_mut().chain([publisher]).map(|thread| Box::pin(thread.ended()));
    let (result, ..) = futures_util::future::select_all(ended).await;
    result.err().unwrap_or_else(|| anyhow::anyhow!("a thread of the tap ended by itself"))
}

/// A named thread whose end can be awaited.
struct Thread {
    name: String,
    done: oneshot::Receiver<anyhow::Result<()>>,
    handle: Option<JoinHandle<()>>,
    over: bool,
}

impl Thread {
    fn start(
        name: &str,
        body: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (sender, done) = oneshot::channel();
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _ = sender.send(body());
            })
            .with_context(|| format!("cannot start thread {name}"))?;
        Ok(Self { name: name.to_owned(), done, handle: Some(handle), over: false })
    }

    /// Its result, once; an error where it panicked.
    async fn ended(&mut self) -> anyhow::Result<()> {
        if self.over {
            return Ok(());
        }
        let result = (&mut self.done).await;
        self.over = true;
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
        result.with_context(|| format!("thread {} panicked", self.name))?
    }
}
