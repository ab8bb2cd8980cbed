//! What every backend promises, tested on each: a log on disk, and RabbitMQ where
//! `UNDERSTUDY_TEST_AMQP_URL` is set.

use std::time::Duration;

use crate::place::{PARTITIONS, Place, consumer, drain, next, nothing_comes, publish, text};
use bytes::Bytes;
use queue::{DELIVERY_LIMIT, Lane, PublishError, Queue};

macro_rules! contract {
    ($($promise:ident,)+) => {
        mod on_disk {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(&crate::place::Place::disk()).await;
            })+
        }
        mod on_rabbitmq {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                if let Some(place) = crate::place::Place::broker() {
                    super::$promise(&place).await;
                    place.clean().await;
                }
            })+
        }
    };
}

contract! {
    messages_of_a_partition_keep_their_order,
    a_partition_does_not_hold_the_others,
    lanes_do_not_mix,
    calls_for_one_partition_take_their_turn,
    prefetch_bounds_what_is_handed_out,
    what_was_not_acknowledged_comes_again_after_reopening,
    what_was_not_acknowledged_comes_again_after_a_crash,
    a_dropped_delivery_comes_again_first,
    a_requeued_delivery_comes_again_first,
    acknowledgements_come_in_any_order,
    deliveries_are_counted,
    a_message_delivered_too_often_is_dead,
    a_full_queue_refuses_and_recovers,
    large_and_empty_payloads_arrive_whole,
    published_before_reopening_and_after_arrives_in_order,
    a_second_consumer_takes_over,
    a_waiting_consumer_wakes_up,
    a_wait_given_up_costs_neither_order_nor_a_delivery,
    closing_ends_the_consumers,
    a_partition_that_does_not_exist_is_refused,
    depth_tells_what_waits,
    commands_reach_every_listener,
}

async fn messages_of_a_partition_keep_their_order(place: &Place) {
    let queue = place.open().await;
    let texts: Vec<String> = (0..40).map(|n| format!("message {n}")).collect();
    publish(&queue, 1, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut consumer = consumer(&queue, 8).await;
    assert_eq!(drain(&mut consumer, 40).await, texts);
    queue.close().await;
}

async fn a_partition_does_not_hold_the_others(place: &Place) {
    let queue = place.open().await;
    let mut consumer = consumer(&queue, 1).await;
    publish(&queue, 0, &["held", "behind"]).await;
    publish(&queue, 3, &["a", "b", "c"]).await;
    let mut held = None;
    let mut passed = Vec::new();
    while passed.len() < 3 {
        let delivery = next(&mut consumer).await;
        if delivery.partition == 0 {
            assert_eq!(text(&delivery), "held");
            assert!(held.replace(delivery).is_none(), "one at a time");
        } else {
            passed.push(text(&delivery));
            delivery.ack().await;
        }
    }
    assert_eq!(passed, ["a", "b", "c"]);
    if let Some(held) = held {
        held.ack().await;
    } else {
        drain(&mut consumer, 1).await;
    }
    assert_eq!(drain(&mut consumer, 1).await, ["behind"]);
    queue.close().await;
}

async fn lanes_do_not_mix(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["exchange"]).await;
    queue.producer(Lane::Pairs).publish(0, Bytes::from_static(b"pair")).await.unwrap();
    let mut exchanges = consumer(&queue, 4).await;
    let mut pairs = queue.consumer(Lane::Pairs, 4).await.unwrap();
    let pair = next(&mut pairs).await;
    assert_eq!((text(&pair).as_str(), pair.lane), ("pair", Lane::Pairs));
    pair.ack().await;
    assert_eq!(drain(&mut exchanges, 1).await, ["exchange"]);
    nothing_comes(&mut pairs).await;
    queue.close().await;
}

async fn calls_for_one_partition_take_their_turn(place: &Place) {
    let queue = place.open().await;
    let producer = queue.producer(Lane::Exchanges);
    let publish = |n: u32| {
        let producer = producer.clone();
        async move { producer.publish(2, Bytes::from(n.to_string())).await }
    };
    let all = futures_util::future::join_all((0..20).map(publish)).await;
    assert!(all.iter().all(Result::is_ok));
    let mut consumer = consumer(&queue, 20).await;
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(drain(&mut consumer, 20).await, expected);
    queue.close().await;
}

async fn prefetch_bounds_what_is_handed_out(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["a", "b", "c"]).await;
    let mut consumer = consumer(&queue, 2).await;
    let first = next(&mut consumer).await;
    let _second = next(&mut consumer).await;
    nothing_comes(&mut consumer).await;
    first.ack().await;
    assert_eq!(text(&next(&mut consumer).await), "c");
    queue.close().await;
}

async fn what_was_not_acknowledged_comes_again_after_reopening(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 1, &["a", "b", "c"]).await;
    let mut taken = consumer(&queue, 2).await;
    assert_eq!(drain(&mut taken, 1).await, ["a"]);
    let unsettled = next(&mut taken).await;
    assert_eq!((text(&unsettled).as_str(), unsettled.deliveries), ("b", 1));
    queue.close().await;
    drop((taken, unsettled));

    let queue = place.open().await;
    let mut again = consumer(&queue, 8).await;
    let first = next(&mut again).await;
    assert_eq!((text(&first).as_str(), first.deliveries), ("b", 2));
    first.ack().await;
    assert_eq!(drain(&mut again, 1).await, ["c"]);
    nothing_comes(&mut again).await;
    queue.close().await;
}

async fn what_was_not_acknowledged_comes_again_after_a_crash(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["a", "b"]).await;
    let mut taken = consumer(&queue, 1).await;
    let unsettled = next(&mut taken).await;
    assert_eq!(text(&unsettled), "a");
    drop((unsettled, taken, queue));

    let queue = place.open().await;
    let mut again = consumer(&queue, 1).await;
    assert_eq!(drain(&mut again, 2).await, ["a", "b"]);
    queue.close().await;
}

async fn a_dropped_delivery_comes_again_first(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["a", "b", "c"]).await;
    let mut consumer = consumer(&queue, 1).await;
    drop(next(&mut consumer).await);
    assert_eq!(drain(&mut consumer, 3).await, ["a", "b", "c"]);
    queue.close().await;
}

async fn a_requeued_delivery_comes_again_first(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["a", "b", "c"]).await;
    let mut consumer = consumer(&queue, 1).await;
    assert_eq!(drain(&mut consumer, 1).await, ["a"]);
    let second = next(&mut consumer).await;
    assert_eq!((text(&second).as_str(), second.deliveries), ("b", 1));
    second.requeue().await;
    let second = next(&mut consumer).await;
    assert_eq!((text(&second).as_str(), second.deliveries), ("b", 2));
    second.ack().await;
    assert_eq!(drain(&mut consumer, 1).await, ["c"]);
    queue.close().await;
}

async fn acknowledgements_come_in_any_order(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["a", "b", "c"]).await;
    let mut taken = consumer(&queue, 3).await;
    let a = next(&mut taken).await;
    let b = next(&mut taken).await;
    let c = next(&mut taken).await;
    c.ack().await;
    a.ack().await;
    b.requeue().await;
    let b = next(&mut taken).await;
    assert_eq!(text(&b), "b");
    b.ack().await;
    nothing_comes(&mut taken).await;
    drop(taken);
    queue.close().await;

    let queue = place.open().await;
    nothing_comes(&mut consumer(&queue, 3).await).await;
    queue.close().await;
}

async fn deliveries_are_counted(place: &Place) {
    for expected in 1..=4 {
        let queue = place.open().await;
        if expected == 1 {
            publish(&queue, 2, &["poison"]).await;
        }
        let mut consumer = consumer(&queue, 1).await;
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.deliveries, expected);
        // As a crash of the process would leave it.
        drop((queue, consumer, delivery));
    }
}

async fn a_message_delivered_too_often_is_dead(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 3, &["poison", "good"]).await;
    let mut consumer = consumer(&queue, 1).await;
    for n in 1..=DELIVERY_LIMIT + 1 {
        let delivery = next(&mut consumer).await;
        assert_eq!((text(&delivery).as_str(), delivery.deliveries), ("poison", n));
        assert!(!delivery.dead, "at {n}");
        delivery.requeue().await;
    }
    let mut dead = 0;
    let mut good = 0;
    while dead + good < 2 {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.partition, 3);
        match text(&delivery).as_str() {
            "poison" => {
                assert!(delivery.dead && delivery.deliveries > DELIVERY_LIMIT);
                dead += 1;
            }
            _ => good += 1,
        }
        delivery.ack().await;
    }
    assert_eq!((dead, good), (1, 1));
    nothing_comes(&mut consumer).await;
    queue.close().await;
}

async fn a_full_queue_refuses_and_recovers(place: &Place) {
    let queue = Queue::open(queue::QueueConfig { max_bytes: 256 << 10, ..place.config() });
    let queue = queue.await.unwrap();
    let producer = queue.producer(Lane::Exchanges);
    let payload = Bytes::from(vec![7; 32 << 10]);
    let mut accepted = 0;
    let refused = loop {
        match producer.publish(0, payload.clone()).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 200, "it never fills up");
    };
    assert_eq!(refused, PublishError::Full);
    assert!(accepted >= 1);
    let mut consumer = consumer(&queue, 16).await;
    for _ in 0..accepted {
        next(&mut consumer).await.ack().await;
    }
    let mut recovered = Err(PublishError::Full);
    for _ in 0..50 {
        recovered = producer.publish(0, payload.clone()).await;
        if recovered.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(recovered, Ok(()));
    next(&mut consumer).await.ack().await;
    queue.close().await;
}

async fn large_and_empty_payloads_arrive_whole(place: &Place) {
    let queue = place.open().await;
    let producer = queue.producer(Lane::Exchanges);
    let sizes = [0, 1, 64 << 10, 300_000, 1 << 20];
    let payload = |len: usize| Bytes::from((0..len).map(|i| (i * 7) as u8).collect::<Vec<_>>());
    for size in sizes {
        producer.publish(0, payload(size)).await.unwrap();
    }
    let mut consumer = consumer(&queue, 2).await;
    for size in sizes {
        let delivery = next(&mut consumer).await;
        assert!(delivery.payload == payload(size), "{size} bytes");
        delivery.ack().await;
    }
    queue.close().await;
}

async fn published_before_reopening_and_after_arrives_in_order(place: &Place) {
    for round in ["a", "b", "c"] {
        let queue = place.open().await;
        publish(&queue, 0, &[round, round]).await;
        queue.close().await;
    }
    let queue = place.open().await;
    let mut consumer = consumer(&queue, 8).await;
    assert_eq!(drain(&mut consumer, 6).await, ["a", "a", "b", "b", "c", "c"]);
    queue.close().await;
}

async fn a_second_consumer_takes_over(place: &Place) {
    let queue = place.open().await;
    let mut first = consumer(&queue, 4).await;
    let mut second = consumer(&queue, 4).await;
    publish(&queue, 1, &["a"]).await;
    assert_eq!(drain(&mut first, 1).await, ["a"]);
    nothing_comes(&mut second).await;
    drop(first);
    publish(&queue, 1, &["b"]).await;
    assert_eq!(drain(&mut second, 1).await, ["b"]);
    queue.close().await;
}

async fn a_waiting_consumer_wakes_up(place: &Place) {
    let queue = place.open().await;
    let mut consumer = consumer(&queue, 1).await;
    let waiting = tokio::spawn(async move { text(&next(&mut consumer).await) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    publish(&queue, 0, &["late"]).await;
    assert_eq!(waiting.await.unwrap(), "late");
    queue.close().await;
}

async fn a_wait_given_up_costs_neither_order_nor_a_delivery(place: &Place) {
    let queue = place.open().await;
    let texts: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    publish(&queue, 0, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut consumer = consumer(&queue, 16).await;
    let mut seen = Vec::new();
    let mut waits = 0;
    while seen.len() < 60 {
        waits += 1;
        assert!(waits < 1_000_000, "{} of 60 came", seen.len());
        let patience = Duration::from_micros(waits * 5 % 1000);
        let waited = tokio::select! {
            biased;
            delivery = consumer.next() => delivery,
            () = give_up_after(patience) => continue,
        };
        let delivery = waited.unwrap();
        assert_eq!(delivery.deliveries, 1);
        seen.push(text(&delivery));
        delivery.ack().await;
    }
    assert_eq!(seen, texts);
    queue.close().await;
}

/// At once, or after a while: the wait is given up at different points.
async fn give_up_after(patience: Duration) {
    if patience.as_micros().is_multiple_of(2) {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(patience).await;
    }
}

async fn closing_ends_the_consumers(place: &Place) {
    let queue = place.open().await;
    let mut consumer = consumer(&queue, 1).await;
    let mut commands = queue.control().listen();
    let waiting = tokio::spawn(async move { consumer.next().await.is_none() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let producer = queue.producer(Lane::Pairs);
    tokio::time::timeout(Duration::from_secs(5), queue.close()).await.expect("closes");
    assert!(tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap());
    assert_eq!(commands.next().await, None);
    assert!(producer.publish(0, Bytes::from_static(b"late")).await.is_err());
}

async fn a_partition_that_does_not_exist_is_refused(place: &Place) {
    let queue = place.open().await;
    let refused = queue.producer(Lane::Exchanges).publish(PARTITIONS, Bytes::new()).await;
    assert!(matches!(refused, Err(PublishError::Refused(_))), "{refused:?}");
    queue.close().await;
}

async fn depth_tells_what_waits(place: &Place) {
    let queue = place.open().await;
    publish(&queue, 0, &["a", "b"]).await;
    publish(&queue, 1, &["c"]).await;
    let mut depth = None;
    for _ in 0..50 {
        depth = queue.depth(Lane::Exchanges).await;
        if depth == Some(3) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((depth, queue.depth(Lane::Pairs).await), (Some(3), Some(0)));
    queue.close().await;
}

async fn commands_reach_every_listener(place: &Place) {
    let queue = place.open().await;
    let mut here = queue.control().listen();
    // On a broker another process listens, too.
    let other = if place.is_disk() { queue.clone() } else { place.open().await };
    let mut there = other.control().listen();
    let command = Bytes::from_static(b"pause");
    queue.control().send(command.clone()).await;
    let patience = Duration::from_secs(5);
    let heard = tokio::time::timeout(patience, here.next()).await.unwrap();
    assert_eq!(heard.as_ref(), Some(&command));
    let heard = tokio::time::timeout(patience, there.next()).await.unwrap();
    assert_eq!(heard.as_ref(), Some(&command));
    other.close().await;
    queue.close().await;
}
