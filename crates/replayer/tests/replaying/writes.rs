//! Writes are sent at most once, whatever happens.

use std::time::Duration;

use exchange::Settlement;

use crate::{
    config,
    scene::{Scene, all_words, read, session, write},
    side::Side,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_under_way_at_a_kill_is_not_sent_again() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(session(1, [write("/wait/300/slow"), read("/after")])).await;
    let replayer = scene.replayer(config(&candidate));
    scene.until("the write is under way", || !candidate.asked().is_empty()).await;
    replayer.kill().await;

    let replayer = scene.replayer(config(&candidate));
    let words = all_words(&scene.settlements(2).await);
    assert_eq!(words, ["write_unknown", "session_gap"], "its state is not the primary's any more");
    assert_eq!(candidate.targets(), ["/wait/300/slow"]);
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_comes_again_after_a_later_write_was_sent_is_skipped() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    // As a process would leave them that died after the write was sent and before anything was
    // acknowledged.
    let mut batches = vec![scene.publish(session(1, [read("/before")])).await];
    batches.push(scene.publish(session(1, [write("/w"), read("/after")])).await);
    batches.push(scene.publish(session(2, [read("/other")])).await);
    scene.deliver_in_vain(1, 3).await;
    let sent = batches[1].exchanges[0].number;
    assert_eq!(scene.store.begin_writes(&[sent]).await.unwrap(), [true]);

    let replayer = scene.replayer(config(&candidate));
    let words = all_words(&scene.settlements(4).await);
    assert_eq!(words, ["session_gap", "write_unknown", "session_gap", "200"]);
    assert_eq!(candidate.targets(), ["/other"]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_come_again_and_were_never_sent_are_sent() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(session(1, [read("/before"), write("/w"), read("/after")])).await;
    scene.deliver_in_vain(1, 1).await;
    let replayer = scene.replayer(config(&candidate));
    assert_eq!(all_words(&scene.settlements(3).await), ["200", "200", "200"]);
    assert_eq!(candidate.targets(), ["/before", "/w", "/after"]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_many_kills_no_write_is_sent_twice_and_every_number_is_settled() {
    kill_often(&Scene::open().await).await;
}

pub(crate) async fn kill_often(scene: &Scene) {
    let candidate = Side::start();
    for message in 0..20_u8 {
        let steps = (0..5).map(|i| write(&format!("/wait/5/{message}-{i}")));
        scene.publish(session(message, steps)).await;
    }
    for _ in 0..5 {
        let replayer = scene.replayer(config(&candidate));
        tokio::time::sleep(Duration::from_millis(60)).await;
        replayer.kill().await;
    }
    let replayer = scene.replayer(config(&candidate));
    scene.settlements(100).await;
    let mut targets = candidate.targets();
    let sent = targets.len();
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), sent, "a write was sent twice");
    scene.drained().await;
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_can_be_switched_off() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(session(1, [write("/w"), read("/r")])).await;
    let mut reads_only = config(&candidate);
    reads_only.writes = false;
    let replayer = scene.replayer(reads_only);
    assert_eq!(all_words(&scene.settlements(2).await), ["writes_off", "200"]);
    assert_eq!(candidate.targets(), ["/r"]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_writes_wait_and_reads_go_on() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.store.clone().close().await;
    let mut exchanges = session(1, [write("/w"), read("/behind")]);
    exchanges.extend((0..5).map(|i| read(&format!("/r{i}"))));
    scene.publish(exchanges).await;
    let replayer = scene.replayer(config(&candidate));
    let settled = scene.settlements(5).await;
    assert!(settled.iter().all(|settled| matches!(settled, Settlement::Replayed(_))));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(scene.settled().len(), 5);
    assert!(candidate.targets().iter().all(|target| target.starts_with("/r")));
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_an_answer_ends_its_session() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(session(1, [write("/wait/5000/w"), read("/r"), write("/w2")])).await;
    let mut impatient = config(&candidate);
    impatient.timeout_ms = 100;
    let replayer = scene.replayer(impatient);
    let words = all_words(&scene.settlements(3).await);
    assert_eq!(words, ["timeout", "session_gap", "session_gap"]);
    replayer.stop().await;
}
