//! What is particular to RabbitMQ: losing it, missing it, finding it otherwise than expected.

use std::time::{Duration, Instant};

use crate::place::{PARTITIONS, Place, consumer, drain, next, publish, text};
use crate::proxy::{Mode, Proxy};
use bytes::Bytes;
use queue::{Lane, PublishError, Queue, QueueConfig, QueueError};

/// A port of this machine that nobody listens on.
async fn closed_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn at(url: &str) -> QueueConfig {
    QueueConfig { url: url.parse().unwrap(), ..Place::disk().config() }
}

async fn through(place: &Place) -> Option<(Proxy, QueueConfig)> {
    let Place::Broker { url, .. } = place else { return None };
    let proxy = Proxy::before(url).await;
    let url = format!("amqp://guest:guest@{}", proxy.address).parse().unwrap();
    Some((proxy, QueueConfig { url, confirm_timeout: Duration::from_secs(1), ..place.config() }))
}

#[tokio::test]
async fn opening_fails_fast_where_nobody_listens() {
    let port = closed_port().await;
    let begun = Instant::now();
    let error = Queue::open(at(&format!("amqp://me:sesame@127.0.0.1:{port}"))).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("amqp://127.0.0.1:{port} cannot be reached")), "{text}");
    assert!(text.contains("refused") && !text.contains("sesame"), "{text}");
}

#[tokio::test]
async fn opening_fails_fast_where_nobody_answers() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let begun = Instant::now();
    let error = Queue::open(at(&format!("amqp://{address}"))).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(error.to_string().contains("no answer within"), "{error}");
}

#[tokio::test]
async fn opening_lazily_needs_no_broker() {
    let port = closed_port().await;
    let queue = Queue::open_lazy(at(&format!("amqp://127.0.0.1:{port}"))).await.unwrap();
    let published = queue.producer(Lane::Exchanges).publish(0, Bytes::new()).await;
    assert_eq!(published, Err(PublishError::Disconnected));
    let health = queue.health();
    assert!(!health.connected && !health.detail.is_empty(), "{health:?}");
    queue.close().await;
}

#[tokio::test]
async fn wrong_credentials_are_named_and_not_shown() {
    let Some(place) = Place::broker() else { return };
    let Place::Broker { url, .. } = &place else { return };
    let wrong = url.replace("guest:guest", "guest:sesame");
    let begun = Instant::now();
    let error = Queue::open(at(&wrong)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let text = format!("{error} {error:?}");
    assert!(text.contains("refuses the user or the password"), "{text}");
    assert!(!text.contains("sesame"), "{text}");
}

#[tokio::test]
async fn queues_with_other_bounds_are_refused() {
    let Some(place) = Place::broker() else { return };
    place.open().await.close().await;
    let other = QueueConfig { max_bytes: 1 << 20, ..place.config() };
    let error = Queue::open(other).await.unwrap_err();
    assert!(matches!(error, QueueError::Mismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("x-max-length-bytes"), "{error}");
    place.clean().await;
}

#[tokio::test]
async fn fewer_partitions_than_exist_are_refused() {
    let Some(place) = Place::broker() else { return };
    place.open().await.close().await;
    let fewer = QueueConfig { partitions: PARTITIONS - 1, ..place.config() };
    let error = Queue::open(fewer).await.unwrap_err();
    assert!(matches!(error, QueueError::Mismatch { .. }), "{error:?}");
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_and_consuming_go_on_after_a_cut() {
    let Some(place) = Place::broker() else { return };
    let (proxy, config) = through(&place).await.unwrap();
    let queue = Queue::open(config).await.unwrap();
    let mut events = queue.control().listen();
    let mut consumer = consumer(&queue, 4).await;
    publish(&queue, 0, &["a", "b"]).await;
    assert_eq!(drain(&mut consumer, 1).await, ["a"]);
    let held = next(&mut consumer).await;

    proxy.set(Mode::Cut);
    wait_until(|| !queue.health().connected).await;
    let published = queue.producer(Lane::Exchanges).publish(0, Bytes::new()).await;
    assert_eq!(published, Err(PublishError::Disconnected));
    held.ack().await;

    proxy.set(Mode::Forward);
    wait_until(|| queue.health().connected).await;
    publish(&queue, 0, &["c"]).await;
    // The acknowledgement of "b" was lost with the connection; that of "a" may have been on its way.
    let mut come = drain(&mut consumer, 2).await;
    if come[0] == "a" {
        come.remove(0);
        come.extend(drain(&mut consumer, 1).await);
    }
    assert_eq!(come, ["b", "c"]);
    let command = Bytes::from_static(b"resume");
    let mut heard = None;
    for _ in 0..50 {
        queue.control().send(command.clone()).await;
        heard = tokio::time::timeout(Duration::from_millis(100), events.next()).await.ok();
        if heard.is_some() {
            break;
        }
    }
    assert_eq!(heard, Some(Some(command)));
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_broker_is_a_missed_deadline() {
    let Some(place) = Place::broker() else { return };
    let (proxy, config) = through(&place).await.unwrap();
    let queue = Queue::open(config).await.unwrap();
    publish(&queue, 0, &["a"]).await;
    proxy.set(Mode::Stall);
    let begun = Instant::now();
    let published = queue.producer(Lane::Exchanges).publish(0, Bytes::from_static(b"b")).await;
    assert_eq!(published, Err(PublishError::Unconfirmed));
    assert!(begun.elapsed() < Duration::from_secs(3));
    proxy.set(Mode::Forward);
    publish(&queue, 0, &["c"]).await;
    let mut consumer = consumer(&queue, 4).await;
    assert_eq!(drain(&mut consumer, 3).await, ["a", "b", "c"]);
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_is_declared_again() {
    let Some(place) = Place::broker() else { return };
    let Place::Broker { url, prefix } = &place else { return };
    let queue = place.open().await;
    let mut consumer = consumer(&queue, 1).await;
    let connection = lapin::Connection::connect(url, Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let name = format!("{prefix}.exchanges.v1.0");
    channel.queue_delete(name.into(), Default::default()).await.unwrap();
    let producer = queue.producer(Lane::Exchanges);
    let lost = producer.publish(0, Bytes::from_static(b"a")).await;
    assert!(matches!(lost, Err(PublishError::Refused(_))), "{lost:?}");
    let mut published = lost;
    for _ in 0..100 {
        published = producer.publish(0, Bytes::from_static(b"b")).await;
        if published.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(published, Ok(()));
    let delivery = next(&mut consumer).await;
    assert_eq!(text(&delivery), "b");
    delivery.ack().await;
    queue.close().await;
    place.clean().await;
}

async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not happen");
}
