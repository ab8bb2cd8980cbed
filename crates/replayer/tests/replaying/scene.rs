//! A scene for one test: a disk queue and a store in a temporary folder, a tap's hand that
//! publishes exchanges, a replayer, and a comparator's ear on what it hands on.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use exchange::{
    Body, Epoch, Exchange, ExchangeBatch, ExchangeId, Headers, Number, PairBatch, PartitionCount,
    Request, Response, SessionKey, Settled, Settlement, TapSnapshot, TapTotals, envelope,
    seal::Keyring,
};
use queue::{Lane, Queue, QueueConfig, QueueUrl};
use replayer::{Opinion, ReplayConfig, ReplayInputs};
use store::{Access, Store, StoreUrl};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Scene {
    _folder: TempDir,
    pub(crate) queue: Queue,
    pub(crate) store: Store,
    pub(crate) keys: Arc<Keyring>,
    heard: Arc<Mutex<Vec<PairBatch>>>,
    _ear: JoinHandle<()>,
    sent: Mutex<Sent>,
}

/// Where the tap's numbering stands, one epoch for the scene.
#[derive(Default)]
struct Sent {
    next: u64,
    serial: u64,
}

pub(crate) struct Replayer {
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Scene {
    /// Over a disk queue.
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = QueueUrl::Disk(folder.path().join("queue"));
        Self::open_over(folder, url, "understudy").await
    }

    /// A queue of one partition, so that order is easy to see.
    pub(crate) async fn open_over(folder: TempDir, url: QueueUrl, prefix: &str) -> Self {
        let queue = Queue::open(QueueConfig {
            url,
            partitions: 1,
            prefix: prefix.to_owned(),
            max_bytes: 1 << 30,
            confirm_timeout: Duration::from_secs(5),
        });
        let queue = queue.await.unwrap();
        let database = StoreUrl::Sqlite(folder.path().join("store.db"));
        let store = Store::open(&database, Access::ReadWrite).await.unwrap();
        let keys = Arc::new(Keyring::parse(&Keyring::generate_text()).unwrap());
        let heard = Arc::<Mutex<Vec<PairBatch>>>::default();
        let ear = tokio::spawn(listen(queue.clone(), Arc::clone(&keys), Arc::clone(&heard)));
        Self { _folder: folder, queue, store, keys, heard, _ear: ear, sent: Mutex::default() }
    }

    /// Publishes exchanges as one message and numbers them.
    pub(crate) async fn publish(&self, exchanges: Vec<Exchange>) -> ExchangeBatch {
        let batch = self.number(exchanges);
        self.publish_batch(&batch).await;
        batch
    }

    pub(crate) async fn publish_batch(&self, batch: &ExchangeBatch) {
        let sealed = envelope::seal_exchanges(&self.keys, batch).unwrap();
        self.publish_bytes(sealed).await;
    }

    pub(crate) async fn publish_bytes(&self, bytes: Vec<u8>) {
        self.queue.producer(Lane::Exchanges).publish(0, bytes.into()).await.unwrap();
    }

    fn number(&self, mut exchanges: Vec<Exchange>) -> ExchangeBatch {
        let mut sent = self.sent.lock().unwrap();
        for exchange in &mut exchanges {
            exchange.number = Number { epoch: Epoch(1), partition: 0, n: sent.next };
            sent.next += 1;
        }
        sent.serial += 1;
        let snapshot = TapSnapshot {
            epoch: Epoch(1),
            serial: sent.serial,
            at: 0,
            partition: PartitionCount {
                next: sent.next,
                captured: sent.next,
                ..Default::default()
            },
            totals: TapTotals::default(),
        };
        ExchangeBatch { epoch: Epoch(1), partition: 0, exchanges, voids: Vec::new(), snapshot }
    }

    /// Hands every message out and takes it back unacknowledged, as a process that died would.
    pub(crate) async fn deliver_in_vain(&self, times: usize, messages: usize) {
        for _ in 0..times {
            let mut consumer = self.queue.consumer(Lane::Exchanges, 64).await.unwrap();
            let mut taken = Vec::new();
            for _ in 0..messages {
                taken.push(consumer.next().await.unwrap());
            }
        }
    }

    pub(crate) fn replayer(&self, config: ReplayConfig) -> Replayer {
        self.start(config, None, None)
    }

    /// That knows whether answers differ.
    pub(crate) fn replayer_with(
        &self,
        config: ReplayConfig,
        opinion: impl Opinion + 'static,
    ) -> Replayer {
        self.start(config, None, Some(Arc::new(opinion)))
    }

    pub(crate) fn replayer_with_admin(
        &self,
        config: ReplayConfig,
        admin: Option<std::net::TcpListener>,
    ) -> Replayer {
        self.start(config, admin, None)
    }

    fn start(
        &self,
        config: ReplayConfig,
        admin: Option<std::net::TcpListener>,
        opinion: Option<Arc<dyn Opinion>>,
    ) -> Replayer {
        let stop = CancellationToken::new();
        let inputs = ReplayInputs {
            config,
            queue: self.queue.clone(),
            store: self.store.clone(),
            keys: Arc::clone(&self.keys),
            admin,
            opinion,
        };
        let running = tokio::spawn(replayer::run(inputs, stop.clone()));
        Replayer { stop, running }
    }

    /// What the comparator has got so far.
    pub(crate) fn heard(&self) -> Vec<PairBatch> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn settled(&self) -> Vec<Settled> {
        self.heard().into_iter().flat_map(|batch| batch.settled).collect()
    }

    /// Waits until this many different numbers are settled; the first settlement of each, in the
    /// order of the numbers.
    pub(crate) async fn settlements(&self, count: usize) -> Vec<Settlement> {
        self.until(&format!("{count} settled"), || self.first_settlements().len() >= count).await;
        let settlements = self.first_settlements();
        assert_eq!(settlements.len(), count, "more were settled than were published");
        settlements
    }

    fn first_settlements(&self) -> Vec<Settlement> {
        let mut first = std::collections::BTreeMap::new();
        for settled in self.settled() {
            first.entry(settled.number.n).or_insert(settled.settlement);
        }
        first.into_values().collect()
    }

    /// Waits until the running replayer says that it has acknowledged everything: a heartbeat
    /// makes it say so even if all was done by one before it.
    pub(crate) async fn drained(&self) {
        self.publish(Vec::new()).await;
        while self.queue.depth(Lane::Exchanges).await != Some(0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let next = self.sent.lock().unwrap().next;
        let at_the_end =
            || self.heard().iter().flat_map(|batch| &batch.marks).any(|mark| mark.below == next);
        self.until("the mark reaches the end", at_the_end).await;
    }

    /// Waits until nothing is left in the exchanges lane; no replayer may be running.
    pub(crate) async fn all_acknowledged(&self) {
        for _ in 0..500 {
            let mut consumer = self.queue.consumer(Lane::Exchanges, 64).await.unwrap();
            let next = tokio::time::timeout(Duration::from_millis(50), consumer.next()).await;
            if next.is_err() {
                return;
            }
        }
        panic!("messages are still in the queue");
    }

    pub(crate) async fn until(&self, what: &str, done: impl Fn() -> bool) {
        let waiting = async {
            while !done() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("never happened: {what}; settled: {:#?}", words(&self.settled()));
        }
    }
}

impl Replayer {
    /// An orderly stop.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }

    /// As `kill -9`: whatever it was doing ends here.
    pub(crate) async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
    }
}

async fn listen(queue: Queue, keys: Arc<Keyring>, heard: Arc<Mutex<Vec<PairBatch>>>) {
    let mut consumer = queue.consumer(Lane::Pairs, 64).await.unwrap();
    while let Some(delivery) = consumer.next().await {
        let batch = envelope::open_pairs(&keys, &delivery.payload).unwrap();
        heard.lock().unwrap().push(batch);
        delivery.ack().await;
    }
}

/// Settlements in the words of the funnel.
pub(crate) fn words(settled: &[Settled]) -> Vec<(u64, String)> {
    settled.iter().map(|settled| (settled.number.n, word(&settled.settlement))).collect()
}

pub(crate) fn word(settlement: &Settlement) -> String {
    match settlement {
        Settlement::Replayed(pair) => match &pair.candidate.outcome {
            exchange::Outcome::Answered(response) => response.status.to_string(),
            exchange::Outcome::NoAnswer { reason, .. } => reason.to_string(),
        },
        Settlement::Skipped { reason, .. } => reason.to_string(),
        Settlement::Parked { reason, .. } => reason.to_string(),
    }
}

pub(crate) fn all_words(settlements: &[Settlement]) -> Vec<String> {
    settlements.iter().map(word).collect()
}

/// A read of its own session that the primary answered with an empty 200.
pub(crate) fn read(target: &str) -> Exchange {
    Exchange {
        id: ExchangeId::fresh(),
        number: Number { epoch: Epoch(0), partition: 0, n: 0 },
        session: SessionKey(*uuid::Uuid::new_v4().as_bytes()),
        started_at: 1_800_000_000_000_000,
        duration_us: 1_000,
        first_byte_us: 900,
        write: false,
        gap: false,
        slice: None,
        request: Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            headers: Headers::default(),
            body: Bytes::new(),
        },
        response: Response { status: 200, headers: Headers::default(), body: Body::default() },
    }
}

pub(crate) fn write(target: &str) -> Exchange {
    let mut exchange = read(target);
    exchange.write = true;
    exchange.request.method = "POST".to_owned();
    exchange.request.body = Bytes::from_static(b"{}");
    exchange
}

/// Puts exchanges into one session, known by a number.
pub(crate) fn session(number: u8, exchanges: impl IntoIterator<Item = Exchange>) -> Vec<Exchange> {
    let in_session = |exchange| Exchange { session: SessionKey([number; 16]), ..exchange };
    exchanges.into_iter().map(in_session).collect()
}
