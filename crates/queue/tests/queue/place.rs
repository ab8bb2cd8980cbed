//! Where a contract is tested: a folder, or queues of its own on a real broker.
//!
//! A [`Place`] outlives the queues that are opened in it, so that a test can close, drop and
//! reopen. `UNDERSTUDY_TEST_AMQP_URL` names the broker.

use std::time::Duration;

use bytes::Bytes;
use queue::{Consumer, Delivery, Lane, Queue, QueueConfig, QueueUrl};

pub(crate) enum Place {
    Disk(tempfile::TempDir),
    Broker { url: String, prefix: String },
}

pub(crate) const PARTITIONS: u16 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

impl Place {
    pub(crate) fn disk() -> Self {
        Self::Disk(tempfile::tempdir().unwrap())
    }

    /// `None`, and said so, where no broker is configured.
    pub(crate) fn broker() -> Option<Self> {
        let Ok(url) = std::env::var("UNDERSTUDY_TEST_AMQP_URL") else {
            println!("skipped: UNDERSTUDY_TEST_AMQP_URL is not set");
            return None;
        };
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let prefix =
            format!("test-{}-{}-{count}", std::process::id(), nanos.as_micros() % 1_000_000_000);
        Some(Self::Broker { url, prefix })
    }

    pub(crate) fn is_disk(&self) -> bool {
        matches!(self, Self::Disk(_))
    }

    pub(crate) fn config(&self) -> QueueConfig {
        let (url, prefix) = match self {
            Self::Disk(folder) => (QueueUrl::Disk(folder.path().join("q")), "unused".to_owned()),
            Self::Broker { url, prefix } => (url.parse().unwrap(), prefix.clone()),
        };
        QueueConfig {
            url,
            partitions: PARTITIONS,
            prefix,
            max_bytes: 64 << 20,
            confirm_timeout: Duration::from_secs(5),
        }
    }

    pub(crate) async fn open(&self) -> Queue {
        Queue::open(self.config()).await.unwrap()
    }

    /// Removes what the test left on the broker.
    pub(crate) async fn clean(&self) {
        let Self::Broker { url, prefix } = self else { return };
        let connection = lapin::Connection::connect(url, Default::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        for lane in ["exchanges", "pairs"] {
            for p in 0..PARTITIONS {
                let name = format!("{prefix}.{lane}.v1.{p}");
                channel.queue_delete(name.into(), Default::default()).await.unwrap();
            }
            let dead = format!("{prefix}.dead.{lane}.v1");
            channel.queue_delete(dead.as_str().into(), Default::default()).await.unwrap();
            channel.exchange_delete(dead.into(), Default::default()).await.unwrap();
        }
        let control = format!("{prefix}.control.v1");
        channel.exchange_delete(control.into(), Default::default()).await.unwrap();
        connection.close(200, "done".into()).await.unwrap();
    }
}

pub(crate) fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.payload.to_vec()).unwrap()
}

pub(crate) async fn publish(queue: &Queue, partition: u16, payloads: &[&str]) {
    let producer = queue.producer(Lane::Exchanges);
    for payload in payloads {
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        producer.publish(partition, payload).await.unwrap();
    }
}

pub(crate) async fn consumer(queue: &Queue, prefetch: u16) -> Consumer {
    queue.consumer(Lane::Exchanges, prefetch).await.unwrap()
}

pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    tokio::time::timeout(PATIENCE, consumer.next())
        .await
        .expect("a message comes")
        .expect("the queue is open")
}

/// Takes and acknowledges `count` messages.
pub(crate) async fn drain(consumer: &mut Consumer, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        let delivery = next(consumer).await;
        texts.push(text(&delivery));
        delivery.ack().await;
    }
    texts
}

pub(crate) async fn nothing_comes(consumer: &mut Consumer) {
    let waited = tokio::time::timeout(Duration::from_millis(300), consumer.next()).await;
    assert!(waited.is_err(), "unexpected: {:?}", waited.unwrap());
}
