//! Results, accounts and marks reach the comparator; messages are acknowledged after them.

use std::time::Duration;

use exchange::{Epoch, Voids};

use crate::{
    config,
    scene::{Scene, read, session},
    side::Side,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_a_message_is_never_behind_its_exchanges() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    for message in 0..20_u64 {
        scene.publish((0..10).map(|i| read(&format!("/{message}-{i}"))).collect()).await;
    }
    let replayer = scene.replayer(config(&candidate));
    scene.settlements(200).await;
    let mut accepted = 0;
    for batch in scene.heard() {
        for snapshot in &batch.snapshots {
            accepted = accepted.max(snapshot.partition.captured);
        }
        for settled in &batch.settled {
            assert!(settled.number.n < accepted, "{} before its account", settled.number.n);
        }
        assert!(batch.settled.len() <= 64);
    }
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_never_passes_what_is_not_settled_and_reaches_the_end() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    // The third message has a slow one; those behind it are done long before.
    for message in 0..8_u64 {
        let wait = if message == 2 { 600 } else { 1 };
        scene.publish((0..3).map(|i| read(&format!("/wait/{wait}/{message}-{i}"))).collect()).await;
    }
    let replayer = scene.replayer(config(&candidate));
    scene.settlements(24).await;
    scene
        .until("the mark reaches the end", || {
            scene.heard().iter().flat_map(|batch| &batch.marks).any(|mark| mark.below == 24)
        })
        .await;
    let mut settled = std::collections::BTreeSet::new();
    let mut highest = 0;
    for batch in scene.heard() {
        for mark in &batch.marks {
            assert!(mark.below >= highest, "marks ascend");
            highest = mark.below;
            let missing: Vec<u64> = (0..mark.below).filter(|n| !settled.contains(n)).collect();
            assert!(missing.is_empty(), "mark {} passes {missing:?}", mark.below);
        }
        settled.extend(batch.settled.iter().map(|settled| settled.number.n));
    }
    let waited_at =
        scene.heard().iter().flat_map(|batch| batch.marks.clone()).any(|mark| mark.below == 6);
    assert!(waited_at, "it waits at the slow message");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_and_voids_go_on_and_move_the_mark() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(vec![read("/a")]).await;
    let mut heartbeat = scene.publish(Vec::new()).await;
    let voids = Voids { epoch: Epoch(1), partition: 0, from: 1, to: 4 };
    heartbeat.voids.push(voids);
    heartbeat.snapshot.serial += 1;
    heartbeat.snapshot.partition.next = 5;
    scene.publish_batch(&heartbeat).await;
    let replayer = scene.replayer(config(&candidate));
    scene
        .until("the mark passes the void", || {
            scene.heard().iter().flat_map(|batch| &batch.marks).any(|mark| mark.below == 5)
        })
        .await;
    let heard = scene.heard();
    assert!(heard.iter().any(|batch| batch.voids.contains(&voids)));
    assert!(heard.iter().any(|batch| batch.snapshots.contains(&heartbeat.snapshot)));
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_by_one_that_died_is_settled_by_the_next() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    for message in 0..30_u64 {
        scene.publish((0..10).map(|i| read(&format!("/wait/3/{message}-{i}"))).collect()).await;
    }
    let mut slow = config(&candidate);
    slow.concurrency = 4;
    for _ in 0..3 {
        let replayer = scene.replayer(slow.clone());
        tokio::time::sleep(Duration::from_millis(40)).await;
        replayer.kill().await;
    }
    let replayer = scene.replayer(slow);
    scene.settlements(300).await;
    scene.drained().await;
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_finishes_what_was_taken() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let steps = (0..5).map(|i| read(&format!("/wait/50/{i}")));
    scene.publish(session(1, steps)).await;
    let replayer = scene.replayer(config(&candidate));
    scene.until("it began", || !candidate.asked().is_empty()).await;
    replayer.stop().await;
    scene.settlements(5).await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_twice_is_run_once() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let batch = scene.publish(vec![read("/wait/50/a"), read("/b")]).await;
    scene.publish_batch(&batch).await;
    let replayer = scene.replayer(config(&candidate));
    scene.settlements(2).await;
    scene.publish_batch(&batch).await;
    scene.drained().await;
    assert_eq!(candidate.asked().len(), 2);
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_tells_how_it_goes() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(vec![read("/a")]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let replayer = scene.replayer_with_admin(config(&candidate), Some(listener));
    scene.settlements(1).await;
    let get = async |path: &str| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(get("/healthz").await.starts_with("HTTP/1.1 200"));
    let ready = get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("\"reachable\":true"), "{ready}");
    let metrics = get("/metrics").await;
    let wanted = "understudy_replayer_settled_total{fate=\"answered\",reason=\"\"} 1";
    assert!(metrics.contains(wanted), "{metrics}");
    assert!(metrics.contains("understudy_replayer_breaker_open 0"), "{metrics}");
    replayer.stop().await;
}
