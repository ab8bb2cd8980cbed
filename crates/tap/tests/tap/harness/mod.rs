//! A recording primary, a tap before it, and clients that write raw bytes.
//!
//! ```ignore
//! let primary = Primary::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
//! let tap = Tap::before(&primary);
//! let mut client = tap.client();
//! client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
//! assert_eq!(client.response().text(), "ok");
//! assert_eq!(primary.request().head, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
//! let account = tap.stop(); // everything the tap published, and its funnel
//! ```
//!
//! - [`Primary::answering`] gives every request the same raw answer; [`Primary::playing`] hands
//!   each connection to the test, as a [`Wire`]. Both record what they read.
//! - A [`Wire`] is one connection, on either side: send raw bytes, read heads, bodies, the end.
//!   Every wait is bounded by [`PATIENCE`].
//! - [`Tap::stop`] stops in order and reads what was published: an [`Account`].
//! - [`in_every_condition`] runs a conversation once for each way the copying may fare
//!   ([`Copying`]): users must not notice which. [`Tap::fates`] is its account in all of them.

mod fates;
mod metrics;
mod primary;
mod wire;

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use exchange::{Exchange, ExchangeBatch, TapTotals, envelope::open_exchanges, seal::Keyring};
use queue::{Lane, Queue, QueueConfig, spool::SpoolConfig};
use tap::{TapConfig, TapInputs};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    metrics::Metrics,
    primary::{Absent, Primary},
    wire::{Message, Wire},
};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// How the copying fares while users are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copying {
    On,
    Paused,
    /// Nobody listens where the broker should be: everything goes to the spool.
    BrokerDown,
    /// Nor does the spool take more than a few messages.
    SpoolFull,
}

/// Runs `conversation` in every condition, at the same time.
pub(crate) fn in_every_condition(conversation: impl Fn(Copying) + Sync) {
    let conditions = [Copying::On, Copying::Paused, Copying::BrokerDown, Copying::SpoolFull];
    std::thread::scope(|scope| {
        let conversation = &conversation;
        let running =
            conditions.map(|copying| (copying, scope.spawn(move || conversation(copying))));
        let failed = running.map(|(copying, thread)| thread.join().is_err().then_some(copying));
        let failed: Vec<_> = failed.into_iter().flatten().collect();
        assert!(failed.is_empty(), "failed with copying {failed:?}");
    });
}

impl Copying {
    pub(crate) fn tap(self, primary: &Primary) -> Tap {
        self.tap_with(primary, |_| {})
    }

    pub(crate) fn tap_with(self, primary: &Primary, change: impl FnOnce(&mut TapConfig)) -> Tap {
        let folder = tempfile::tempdir().unwrap();
        let spool = (folder.path().join("spool"), self.spool_bytes());
        let tap = Tap::start(self, (folder, spool), listener(), primary, change);
        if self == Self::Paused {
            assert_eq!(tap.admin("POST", "/pause").text(), "paused\n");
        }
        tap
    }

    fn has_broker(self) -> bool {
        matches!(self, Self::On | Self::Paused)
    }

    fn spool_bytes(self) -> u64 {
        if self == Self::SpoolFull { 1_000 } else { 1 << 30 }
    }
}

/// A running tap. Its queue is a disk queue in a temporary folder where the broker is not down.
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) queue: Queue,
    copying: Copying,
    runtime: tokio::runtime::Runtime,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    shutdown: CancellationToken,
    keys: Arc<Keyring>,
    /// The folder around the spool.
    spool: PathBuf,
    /// Where the broker should be.
    _nobody: Absent,
    _folder: tempfile::TempDir,
}

impl Tap {
    pub(crate) fn before(primary: &Primary) -> Self {
        Self::with(primary, |_| {})
    }

    /// With settings changed by `change`. All methods are copied and there are two workers,
    /// unless it says otherwise.
    pub(crate) fn with(primary: &Primary, change: impl FnOnce(&mut TapConfig)) -> Self {
        Copying::On.tap_with(primary, change)
    }

    /// Without a broker, over a spool of at most `bytes`.
    pub(crate) fn with_spool(
        primary: &Primary,
        bytes: u64,
        change: impl FnOnce(&mut TapConfig),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = (folder.path().join("spool"), bytes);
        Self::start(Copying::BrokerDown, (folder, spool), listener(), primary, change)
    }

    /// Without a broker, with the spool in `place`.
    pub(crate) fn with_spool_in(
        primary: &Primary,
        place: &Path,
        change: impl FnOnce(&mut TapConfig),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = (place.join("spool"), 1 << 30);
        Self::start(Copying::BrokerDown, (folder, spool), listener(), primary, change)
    }

    /// On a socket that the test holds.
    pub(crate) fn on(
        listener: TcpListener,
        primary: &Primary,
        change: impl FnOnce(&mut TapConfig),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = (folder.path().join("spool"), 1 << 30);
        Self::start(Copying::On, (folder, spool), listener, primary, change)
    }

    fn start(
        copying: Copying,
        (folder, (spool, spool_bytes)): (tempfile::TempDir, (PathBuf, u64)),
        listener: TcpListener,
        primary: &Primary,
        change: impl FnOnce(&mut TapConfig),
    ) -> Self {
        let mut config = TapConfig {
            primary: format!("http://{}", primary.address),
            writes: true,
            workers: 2,
            drain_ms: 2_000,
            ..TapConfig::default()
        };
        change(&mut config);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let nobody = Absent::new();
        let url = if copying.has_broker() {
            format!("disk:{}", folder.path().join("queue").display())
        } else {
            format!("amqp://{}", nobody.address)
        };
        let queue = runtime.block_on(Queue::open_lazy(queue_config(&url))).unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, admin_address) =
            (listener.local_addr().unwrap(), admin.local_addr().unwrap());
        let keys = Arc::new(Keyring::parse(&Keyring::generate_text()).unwrap());
        let shutdown = CancellationToken::new();
        let inputs = TapInputs {
            config,
            listener,
            admin: Some(admin),
            queue: queue.clone(),
            spool: SpoolConfig {
                // Named as a disk queue names the log of its lane: it can be read as one.
                folder: spool.join(Lane::Exchanges.as_str()),
                max_bytes: spool_bytes,
                max_held_bytes: 1 << 28,
                sync_after: Duration::from_millis(50),
            },
            keys: Arc::clone(&keys),
        };
        let running = runtime.spawn(tap::run(inputs, shutdown.clone()));
        Self {
            address,
            admin: admin_address,
            queue,
            copying,
            runtime,
            running,
            shutdown,
            keys,
            spool,
            _nobody: nobody,
            _folder: folder,
        }
    }

    pub(crate) fn spool_folder(&self) -> PathBuf {
        self.spool.join(Lane::Exchanges.as_str())
    }

    pub(crate) fn client(&self) -> Wire {
        Wire::to(self.address)
    }

    /// One request on a connection of its own that it says is the last.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Message {
        let mut client = self.client();
        client.send(request);
        client.response()
    }

    /// A request to the admin listener.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Message {
        let mut client = Wire::to(self.admin);
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        client.response()
    }

    /// Publishes a command on the control line.
    pub(crate) fn command(&self, command: &exchange::control::Command) {
        let bytes = serde_json::to_vec(command).unwrap();
        self.runtime.block_on(self.queue.control().send(bytes.into()));
    }

    /// Begins to stop; [`Tap::stop`] ends it.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Why it does not run.
    pub(crate) fn fails(self) -> String {
        let Self { running, runtime, .. } = self;
        let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, running).await });
        format!("{:#}", ended.expect("it ends").unwrap().expect_err("it fails"))
    }

    /// Stops in order; everything that was published.
    pub(crate) fn stop(self) -> Account {
        let Self { running, queue, spool, keys, runtime, shutdown, copying, _folder, .. } = self;
        shutdown.cancel();
        runtime.block_on(async {
            let stopped = tokio::time::timeout(PATIENCE * 2, running);
            stopped.await.expect("the tap stops in time").unwrap().expect("in order");
            let queue = if copying.has_broker() {
                queue
            } else {
                queue.close().await;
                let url = format!("disk:{}", spool.display());
                Queue::open(queue_config(&url)).await.expect("the spool is free and whole")
            };
            let mut consumer = queue.consumer(Lane::Exchanges, 10_000).await.unwrap();
            let mut batches: Vec<ExchangeBatch> = Vec::new();
            // Until the last word, and then until it is quiet. Where nothing fits, none comes.
            for _ in 0..10 {
                let quiet = Duration::from_millis(100);
                while let Ok(Some(delivery)) = tokio::time::timeout(quiet, consumer.next()).await {
                    batches.push(open_exchanges(&keys, &delivery.payload).unwrap());
                    delivery.ack().await;
                }
                if batches.iter().any(|batch| batch.snapshot.totals.closed) {
                    break;
                }
            }
            Account::of(batches)
        })
    }
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn queue_config(url: &str) -> QueueConfig {
    QueueConfig {
        url: url.parse().unwrap(),
        partitions: 4,
        prefix: "understudy".into(),
        max_bytes: 1 << 30,
        confirm_timeout: Duration::from_secs(5),
    }
}

/// Everything one tap has published.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) batches: Vec<ExchangeBatch>,
    /// In the order of their partitions and numbers.
    pub(crate) exchanges: Vec<Exchange>,
    /// Of the highest snapshot.
    pub(crate) totals: TapTotals,
}

impl Account {
    fn of(mut batches: Vec<ExchangeBatch>) -> Self {
        batches.sort_by_key(|batch| batch.snapshot.serial);
        let mut exchanges: Vec<Exchange> =
            batches.iter().flat_map(|batch| batch.exchanges.clone()).collect();
        exchanges.sort_by_key(|exchange| (exchange.number.partition, exchange.number.n));
        let totals = batches.last().map(|batch| batch.snapshot.totals.clone()).unwrap_or_default();
        Self { batches, exchanges, totals }
    }

    /// The one exchange.
    pub(crate) fn only(&self) -> &Exchange {
        assert_eq!(self.exchanges.len(), 1, "{:#?}", self.totals);
        &self.exchanges[0]
    }

    /// The last count of every partition.
    pub(crate) fn partitions(&self) -> Vec<exchange::PartitionCount> {
        let mut last = std::collections::BTreeMap::new();
        for batch in &self.batches {
            last.insert(batch.partition, batch.snapshot.partition.clone());
        }
        last.into_values().collect()
    }

    pub(crate) fn captured(&self) -> u64 {
        self.partitions().iter().map(|count| count.captured).sum()
    }

    pub(crate) fn seen(&self) -> u64 {
        let received: u64 = self.partitions().iter().map(|count| count.received).sum();
        self.totals.unhanded + received
    }

    /// `seen = sampled_out + not_copied + dropped + captured`, the counts agree with what
    /// came, numbers are dense but for voids, and every snapshot is true by itself.
    pub(crate) fn assert_balanced(&self) {
        let in_partitions: u64 =
            self.partitions().iter().flat_map(|count| count.dropped.values()).sum();
        let fates = self.totals.sampled_out
            + self.totals.not_copied.values().sum::<u64>()
            + self.totals.dropped.values().sum::<u64>()
            + in_partitions
            + self.captured();
        assert_eq!(self.seen(), fates, "{:#?}", self.totals);
        assert_eq!(self.captured(), self.exchanges.len() as u64);
        assert!(self.totals.closed);
        self.assert_every_snapshot_is_true();
        for partition in self.partitions() {
            let numbers = self.exchanges.iter().map(|exchange| exchange.number);
            let own: Vec<u64> = numbers
                .filter(|number| number.partition == partition.partition)
                .map(|number| number.n)
                .collect();
            let voids = self.batches.iter().flat_map(|batch| &batch.voids);
            let void: u64 = voids
                .filter(|void| void.partition == partition.partition)
                .map(|void| void.to - void.from + 1)
                .sum();
            assert_eq!(own.len() as u64 + void, partition.next);
        }
    }

    /// Each message's account adds up by itself.
    pub(crate) fn assert_every_snapshot_is_true(&self) {
        for batch in &self.batches {
            let count = &batch.snapshot.partition;
            assert_eq!(count.received, count.captured + count.dropped.values().sum::<u64>());
            let totals = &batch.snapshot.totals;
            let fates = totals.sampled_out
                + totals.not_copied.values().sum::<u64>()
                + totals.dropped.values().sum::<u64>();
            assert_eq!(totals.unhanded, fates);
        }
    }
}
