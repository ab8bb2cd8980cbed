//! Logs that another build has left: version 1 is read for ever, what is unknown is kept.

use std::path::{Path, PathBuf};

use crate::place::{PARTITIONS, consumer, drain, nothing_comes};
use bytes::Bytes;
use queue::{Lane, Queue, QueueConfig};

/// A segment as version 1 wrote it, made by hand after the layout in `log/segment.rs`: two
/// records of one group, an empty one, a hole, and 256 different bytes, from number 41 on.
const VERSION_1: &[u8] = include_bytes!("fixtures/segment-v1.bin");
const NAME: &str = "00000000000000000041";

fn left_behind(folder: &Path, segment: &[u8]) -> PathBuf {
    let log = folder.join(Lane::Exchanges.as_str());
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(log.join(format!("{NAME}.segment")), segment).unwrap();
    log
}

async fn open(folder: &Path) -> Queue {
    let config = QueueConfig {
        url: format!("disk:{}", folder.display()).parse().unwrap(),
        partitions: PARTITIONS,
        prefix: "unused".into(),
        max_bytes: 1 << 20,
        confirm_timeout: std::time::Duration::from_secs(5),
    };
    Queue::open(config).await.unwrap()
}

async fn append(queue: &Queue, text: &'static str) {
    let payload = Bytes::from_static(text.as_bytes());
    queue.producer(Lane::Exchanges).publish(0, payload).await.unwrap();
}

#[tokio::test]
async fn a_segment_of_version_1_is_read_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = left_behind(folder.path(), VERSION_1);
    let queue = open(folder.path()).await;
    append(&queue, "new").await;
    let mut consumer = consumer(&queue, 16).await;
    let mut payloads = Vec::new();
    for _ in 0..5 {
        let delivery = crate::place::next(&mut consumer).await;
        payloads.push((delivery.partition, delivery.payload.to_vec()));
        delivery.ack().await;
    }
    payloads.sort();
    let bytes: Vec<u8> = (0..=255).collect();
    let expected = [
        (0, b"new".to_vec()),
        (0, b"two".to_vec()),
        (2, Vec::new()),
        (2, b"one".to_vec()),
        (3, bytes),
    ];
    assert_eq!(payloads, expected);
    assert!(!log.join(format!("{NAME}.damaged")).exists());
    nothing_comes(&mut consumer).await;
    queue.close().await;
}

#[tokio::test]
async fn a_segment_of_an_unknown_version_is_kept_whole_and_the_log_goes_on() {
    for version in [0, 2, 255] {
        let mut segment = VERSION_1.to_vec();
        segment[7] = version;
        let folder = tempfile::tempdir().unwrap();
        let log = left_behind(folder.path(), &segment);
        for text in ["first start", "second start"] {
            let queue = open(folder.path()).await;
            append(&queue, text).await;
            let mut consumer = consumer(&queue, 16).await;
            assert_eq!(drain(&mut consumer, 1).await, [text], "version {version}");
            nothing_comes(&mut consumer).await;
            queue.close().await;
        }
        let kept = std::fs::read(log.join(format!("{NAME}.damaged"))).unwrap();
        assert!(kept == segment, "version {version}");
        assert!(!log.join(format!("{NAME}.damaged-1")).exists(), "it is set aside once");
    }
}
