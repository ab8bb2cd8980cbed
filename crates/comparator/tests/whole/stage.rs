//! One comparator between a queue on disk and a SQLite store.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use comparator::{CompareConfig, CompareInputs};
use exchange::{
    Epoch, Number, Pair, PairBatch, PartitionCount, Settled, Settlement, TapSnapshot, TapTotals,
    envelope, redact::RedactConfig, seal::Keyring,
};
use queue::{Lane, Producer, Queue, QueueConfig, QueueUrl};
use sqlx::Connection as _;
use store::{Access, ClusterQuery, SampleQuery, SampleRow, Store, StoreUrl};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const EPOCH: Epoch = Epoch(7);
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) store: Store,
    queue: Queue,
    producer: Producer,
    running: Option<(JoinHandle<anyhow::Result<()>>, CancellationToken)>,
    next: u64,
}

/// A cluster as the tests look at it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) title: String,
    pub(crate) pairs: u64,
}

impl Stage {
    /// Opened and running.
    pub(crate) async fn open(config: CompareConfig) -> Self {
        let mut stage = Self::idle().await;
        stage.start(config);
        stage
    }

    /// Opened; nothing compares yet.
    pub(crate) async fn idle() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(Keyring::parse(&Keyring::generate_text()).unwrap());
        let store = open_store(folder.path()).await;
        let queue = Queue::open(QueueConfig {
            url: QueueUrl::Disk(folder.path().join("queue")),
            partitions: 2,
            prefix: "understudy".into(),
            max_bytes: 1 << 30,
            confirm_timeout: Duration::from_secs(5),
        })
        .await
        .unwrap();
        let producer = queue.producer(Lane::Pairs);
        Self { folder, keys, store, queue, producer, running: None, next: 0 }
    }

    pub(crate) fn start(&mut self, config: CompareConfig) {
        let shutdown = CancellationToken::new();
        let inputs = CompareInputs {
            config: CompareConfig { learn_every_ms: 100, ..config },
            redact: RedactConfig::default(),
            queue: self.queue.clone(),
            store: self.store.clone(),
            keys: Arc::clone(&self.keys),
            admin: None,
        };
        let task = tokio::spawn(comparator::run(inputs, shutdown.clone()));
        self.running = Some((task, shutdown));
    }

    pub(crate) async fn stop(&mut self) {
        let (task, shutdown) = self.running.take().unwrap();
        shutdown.cancel();
        tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
    }

    /// Numbers the pairs and sends them as one message.
    pub(crate) async fn send(&mut self, pairs: impl IntoIterator<Item = Pair>) -> PairBatch {
        let mut settled = Vec::new();
        for mut pair in pairs {
            let number = self.number();
            pair.exchange.number = number;
            settled.push(Settled { number, settlement: Settlement::Replayed(Box::new(pair)) });
        }
        let batch = PairBatch { settled, snapshots: vec![self.snapshot()], ..PairBatch::default() };
        self.publish(&batch).await;
        batch
    }

    pub(crate) async fn publish(&self, batch: &PairBatch) {
        let message = envelope::seal_pairs(&self.keys, batch).unwrap();
        self.publish_bytes(message).await;
    }

    pub(crate) async fn publish_bytes(&self, message: Vec<u8>) {
        self.producer.publish(0, Bytes::from(message)).await.unwrap();
    }

    pub(crate) fn number(&mut self) -> Number {
        self.next += 1;
        Number { epoch: EPOCH, partition: 0, n: self.next - 1 }
    }

    /// The tap's account of all that was numbered so far.
    fn snapshot(&self) -> TapSnapshot {
        TapSnapshot {
            epoch: EPOCH,
            serial: self.next,
            at: 0,
            partition: PartitionCount {
                partition: 0,
                received: self.next,
                captured: self.next,
                dropped: Default::default(),
                next: self.next,
            },
            totals: TapTotals::default(),
        }
    }

    /// Waits until everything numbered so far is settled and acknowledged.
    pub(crate) async fn settled(&self) {
        let all = self.next;
        until("everything is settled", async || {
            let funnel = self.store.funnel().await.unwrap();
            let done = funnel.compared + funnel.parked + funnel.skipped.values().sum::<u64>();
            done == all && self.queue.depth(Lane::Pairs).await == Some(0)
        })
        .await;
    }

    /// Waits until the analyst has seen all that was recorded, and gives the clusters that count.
    pub(crate) async fn clusters(&self) -> Vec<Seen> {
        self.settled().await;
        // Two models in a row without change say that learning has caught up.
        let mut last = None;
        until("learning has caught up", async || {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let model = self.store.model_newer(0).await.unwrap().map(|row| row.number);
            let same = model.is_some() && model == last;
            last = model;
            same
        })
        .await;
        let page = self.store.clusters(&ClusterQuery::default()).await.unwrap();
        let mut seen: Vec<Seen> = page
            .clusters
            .iter()
            .map(|row| {
                let doc: cluster::ClusterDoc = serde_json::from_str(&row.doc).unwrap();
                let counts = page.counts.iter().filter(|count| count.cluster == row.id);
                Seen { title: doc.sentence(), pairs: counts.map(|count| count.pairs).sum() }
            })
            .filter(|seen| seen.pairs > 0)
            .collect();
        seen.sort_by(|a, b| a.title.cmp(&b.title));
        seen
    }

    pub(crate) async fn titles(&self) -> Vec<String> {
        self.clusters().await.into_iter().map(|seen| seen.title).collect()
    }

    pub(crate) async fn model(&self) -> cluster::Model {
        let row = self.store.model_newer(0).await.unwrap().unwrap();
        serde_json::from_str(&row.doc).unwrap()
    }

    pub(crate) async fn samples(&self) -> Vec<SampleRow> {
        let query = SampleQuery { limit: 200, ..SampleQuery::default() };
        self.store.samples(&query).await.unwrap().rows
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        let path = self.folder.path().join("store.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Hands the first message out and takes it back unacknowledged, as a process that died would.
    pub(crate) async fn deliver_in_vain(&self, times: usize) {
        for _ in 0..times {
            let mut consumer = self.queue.consumer(Lane::Pairs, 1).await.unwrap();
            drop(consumer.next().await.unwrap());
        }
    }

    pub(crate) async fn depth(&self) -> u64 {
        self.queue.depth(Lane::Pairs).await.unwrap()
    }

    pub(crate) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Opens the store again after it was closed.
    pub(crate) async fn reopen(&mut self) {
        self.store = open_store(self.folder.path()).await;
    }
}

async fn open_store(folder: &Path) -> Store {
    Store::open(&StoreUrl::Sqlite(folder.join("store.db")), Access::ReadWrite).await.unwrap()
}

pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !done().await {
        assert!(tokio::time::Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
