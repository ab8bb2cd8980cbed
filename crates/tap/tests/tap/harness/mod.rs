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
//! - [`Tap::stop`] stops in order and reads the disk queue: an [`Account`].

mod primary;
mod wire;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use exchange::{Exchange, ExchangeBatch, TapTotals, envelope::open_exchanges, seal::Keyring};
use queue::{Lane, Queue, QueueConfig, spool::SpoolConfig};
use tap::{TapConfig, TapInputs};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    primary::Primary,
    wire::{Message, Wire},
};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A running tap over a disk queue in a temporary folder.
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) queue: Queue,
    runtime: tokio::runtime::Runtime,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    shutdown: CancellationToken,
    keys: Arc<Keyring>,
    _folder: tempfile::TempDir,
}

impl Tap {
    pub(crate) fn before(primary: &Primary) -> Self {
        Self::with(primary, |_| {})
    }

    /// With settings changed by `change`. All methods are copied and there are two workers,
    /// unless it says otherwise.
    pub(crate) fn with(primary: &Primary, change: impl FnOnce(&mut TapConfig)) -> Self {
        let mut config = TapConfig {
            primary: format!("http://{}", primary.address),
            writes: true,
            workers: 2,
            drain_ms: 2_000,
            ..TapConfig::default()
        };
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let url = format!("disk:{}", folder.path().join("queue").display());
        let queue = runtime.block_on(Queue::open(QueueConfig {
            url: url.parse().unwrap(),
            partitions: 4,
            prefix: "understudy".into(),
            max_bytes: 1 << 30,
            confirm_timeout: Duration::from_secs(5),
        }));
        let queue = queue.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
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
                folder: folder.path().join("spool"),
                max_bytes: 1 << 30,
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
            runtime,
            running,
            shutdown,
            keys,
            _folder: folder,
        }
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

    /// Stops in order; everything that was published.
    pub(crate) fn stop(self) -> Account {
        self.shutdown.cancel();
        self.runtime.block_on(async {
            let stopped = tokio::time::timeout(PATIENCE * 2, self.running);
            stopped.await.expect("the tap stops in time").unwrap().expect("in order");
            let mut consumer = self.queue.consumer(Lane::Exchanges, 10_000).await.unwrap();
            let mut batches = Vec::new();
            let quiet = Duration::from_millis(100);
            while let Ok(Some(delivery)) = tokio::time::timeout(quiet, consumer.next()).await {
                batches.push(open_exchanges(&self.keys, &delivery.payload).unwrap());
                delivery.ack().await;
            }
            Account::of(batches)
        })
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
        let totals = batches.last().expect("at least the last word").snapshot.totals.clone();
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
        for batch in &self.batches {
            let count = &batch.snapshot.partition;
            assert_eq!(count.received, count.captured + count.dropped.values().sum::<u64>());
            let totals = &batch.snapshot.totals;
            let fates = totals.sampled_out
                + totals.not_copied.values().sum::<u64>()
                + totals.dropped.values().sum::<u64>();
            assert_eq!(totals.unhanded, fates);
        }
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
}
