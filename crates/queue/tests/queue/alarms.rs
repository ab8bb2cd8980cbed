//! A broker whose alarm is on: it blocks publishers, and nobody waits for it.

use std::time::{Duration, Instant};

use crate::place::{Place, consumer, drain, nothing_comes};
use crate::proxy::{Mode, Proxy};
use bytes::Bytes;
use queue::{
    Lane, PublishError, Queue, QueueConfig,
    spool::{Accepted, SpoolConfig, Spooled},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_broker_spools_and_gets_everything_in_order_when_the_alarm_is_over() {
    let Some(place) = Place::broker() else { return };
    let Place::Broker { url, .. } = &place else { return };
    let proxy = Proxy::before(url).await;
    let url = format!("amqp://guest:guest@{}", proxy.address).parse().unwrap();
    // Far longer than this test: whoever waits for a confirm fails it.
    let config = QueueConfig { url, confirm_timeout: Duration::from_secs(60), ..place.config() };
    let queue = Queue::open(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spool = SpoolConfig {
        folder: folder.path().join("one"),
        max_bytes: 16 << 20,
        max_held_bytes: 4 << 20,
        sync_after: Duration::from_millis(50),
    };
    let spool = Spooled::open(&queue, spool).await.unwrap();
    let submit = async |text: &'static str| {
        let submitted = spool.submit(0, Bytes::from_static(text.as_bytes()));
        tokio::time::timeout(Duration::from_secs(5), submitted).await.expect("is answered")
    };
    assert_eq!(submit("before").await, Ok(Accepted::Confirmed));

    proxy.set(Mode::Blocked);
    until("the alarm is heard", || queue.health().blocked).await;
    for text in ["a", "b", "c"] {
        assert_eq!(submit(text).await, Ok(Accepted::Spooled));
    }
    let begun = Instant::now();
    let direct = queue.producer(Lane::Exchanges).publish(0, Bytes::from_static(b"x")).await;
    assert_eq!(direct, Err(PublishError::Blocked));
    assert!(begun.elapsed() < Duration::from_secs(1), "a blocked publisher is told at once");
    let health = spool.health();
    assert!(health.spooling && health.spooled_messages == 3, "{health:?}");
    assert!(health.detail.contains("out of memory or disk"), "{health:?}");

    proxy.set(Mode::Forward);
    until("the spool drains", || !spool.health().spooling).await;
    assert_eq!(submit("after").await, Ok(Accepted::Confirmed));
    let mut consumer = consumer(&queue, 16).await;
    assert_eq!(drain(&mut consumer, 5).await, ["before", "a", "b", "c", "after"]);
    nothing_comes(&mut consumer).await;
    queue.close().await;
    place.clean().await;
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within five seconds: {what}");
}
