//! Candidates that go away, pauses, poison.

use std::time::Duration;

use exchange::{
    ParkReason, Settlement,
    control::{BREAKER_SETTING, BreakerReport, Command},
    envelope,
};

use queue::Lane;

use crate::{
    config,
    scene::{Scene, all_words, read, session, word, write},
    side::Side,
};

async fn breaker_is_open(scene: &Scene) -> bool {
    let report = scene.store.setting(BREAKER_SETTING).await.unwrap();
    report.is_some_and(|text| serde_json::from_str::<BreakerReport>(&text).unwrap().open)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_starts_late_loses_nothing() {
    let (scene, mut candidate) = (Scene::open().await, Side::absent());
    let writes = (0..10).map(|i| write(&format!("/w{i}")));
    scene.publish(writes.chain((0..20).map(|i| read(&format!("/r{i}")))).collect()).await;
    let replayer = scene.replayer(config(&candidate));
    for _ in 0..100 {
        if breaker_is_open(&scene).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(breaker_is_open(&scene).await, "the pages can tell");
    assert!(scene.settled().is_empty(), "nothing is settled by a candidate that is away");
    candidate.revive();
    let settlements = scene.settlements(30).await;
    assert!(settlements.iter().all(|settlement| word(settlement) == "200"), "{settlements:?}");
    assert_eq!(candidate.asked().len(), 30, "each is sent once");
    for _ in 0..100 {
        if !breaker_is_open(&scene).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!breaker_is_open(&scene).await);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_candidate_loses_no_read() {
    let (scene, mut candidate) = (Scene::open().await, Side::start());
    for message in 0..30 {
        scene.publish((0..10).map(|i| read(&format!("/wait/5/{message}-{i}"))).collect()).await;
    }
    let mut slow = config(&candidate);
    slow.concurrency = 4;
    let replayer = scene.replayer(slow);
    scene.until("some are through", || candidate.answered() > 50).await;
    candidate.kill();
    tokio::time::sleep(Duration::from_millis(300)).await;
    candidate.revive();
    let settlements = scene.settlements(300).await;
    let odd: Vec<_> = settlements.iter().map(word).filter(|word| word != "200").collect();
    assert!(odd.is_empty(), "{odd:?}");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_given_back_and_nothing_is_done_twice() {
    give_back(&Scene::open().await).await;
}

pub(crate) async fn give_back(scene: &Scene) {
    let mut candidate = Side::start();
    // The first of each session is done when the candidate goes away.
    let mut exchanges = Vec::new();
    for number in 0..5 {
        exchanges.extend(session(number, [write(&format!("/a{number}"))]));
    }
    for number in 0..5 {
        let rest = [write(&format!("/wait/400/b{number}")), read(&format!("/c{number}"))];
        exchanges.extend(session(number, rest));
    }
    scene.publish(exchanges).await;
    let mut impatient = config(&candidate);
    impatient.give_back_ms = 150;
    impatient.concurrency = 1;
    impatient.breaker_failures = 3;
    let replayer = scene.replayer(impatient);
    scene
        .until("the first write of the second row is under way", || candidate.asked().len() == 6)
        .await;
    candidate.kill();
    scene.until("what ran is settled", || scene.settled().len() >= 6).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    candidate.revive();
    let settlements = scene.settlements(15).await;
    let words = all_words(&settlements);
    assert!(!words.contains(&"write_unknown".to_owned()), "{words:?}");
    // The write that was under way, and another where its connection was not known to be gone.
    let unknown = words.iter().filter(|word| ["connect", "closed"].contains(&word.as_str()));
    let unknown = unknown.count();
    assert!((1..=2).contains(&unknown), "{words:?}");
    assert_eq!(words.iter().filter(|word| *word == "session_gap").count(), unknown, "{words:?}");
    let mut targets = candidate.targets();
    let sent = targets.len();
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), sent, "something was sent twice");
    assert_eq!(scene.settled().len(), 15, "and nothing was published twice");
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_one_delivery_however_long() {
    stand_long(&Scene::open().await).await;
}

pub(crate) async fn stand_long(scene: &Scene) {
    let mut candidate = Side::start();
    let mut impatient = config(&candidate);
    impatient.give_back_ms = 30;
    impatient.breaker_failures = 3;
    let replayer = scene.replayer(impatient.clone());
    scene.publish(vec![write("/first")]).await;
    scene.settlements(1).await;
    candidate.kill();
    for number in 0..3 {
        scene.publish(vec![read(&format!("/{number}"))]).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    replayer.stop().await;
    assert_eq!(deliveries(scene, 3).await, [2; 3], "once by the replayer, once by this test");

    for _ in 0..4 {
        let replayer = scene.replayer(impatient.clone());
        tokio::time::sleep(Duration::from_millis(100)).await;
        replayer.stop().await;
    }
    assert_eq!(deliveries(scene, 3).await, [3; 3], "a start while it is away costs none");

    pause_replaying(scene, true).await;
    candidate.revive();
    let replayer = scene.replayer(impatient);
    tokio::time::sleep(Duration::from_millis(300)).await;
    replayer.stop().await;
    assert_eq!(deliveries(scene, 3).await, [4; 3], "a start during a pause costs none");

    let replayer = scene.replayer(config(&candidate));
    pause_replaying(scene, false).await;
    let words = all_words(&scene.settlements(4).await);
    assert_eq!(words, ["200"; 4]);
    replayer.stop().await;
    scene.all_acknowledged().await;
}

/// How often the first `messages` were delivered, this time included.
async fn deliveries(scene: &Scene, messages: usize) -> Vec<u32> {
    let mut consumer = scene.queue.consumer(Lane::Exchanges, 64).await.unwrap();
    let mut taken = Vec::new();
    for _ in 0..messages {
        taken.push(consumer.next().await.unwrap());
    }
    let counts = taken.iter().map(|delivery| delivery.deliveries).collect();
    // First: given back to a consumer that is just leaving, they would count one more.
    drop(consumer);
    counts
}

async fn pause_replaying(scene: &Scene, replay_paused: bool) {
    let command = Command::Desired { copy_paused: false, replay_paused, candidate_version: None };
    let text = serde_json::to_string(&command).unwrap();
    scene.store.set_setting(exchange::control::DESIRED_SETTING, &text).await.unwrap();
    scene.queue.control().send(text.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_everything_until_it_ends() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    pause_replaying(&scene, true).await;
    scene.publish((0..5).map(|i| read(&format!("/{i}"))).collect()).await;
    let replayer = scene.replayer(config(&candidate));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(candidate.asked().is_empty());
    pause_replaying(&scene, false).await;
    scene.settlements(5).await;
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_open_is_set_aside_whole_and_the_rest_goes_on() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish_bytes(b"garbage".to_vec()).await;
    scene.publish(vec![read("/a")]).await;
    let replayer = scene.replayer(config(&candidate));
    scene.settlements(1).await;
    scene
        .until("it is set aside", || scene.heard().iter().any(|batch| !batch.unreadable.is_empty()))
        .await;
    let aside: Vec<_> = scene.heard().into_iter().flat_map(|batch| batch.unreadable).collect();
    assert_eq!(aside[0].sealed, b"garbage");
    assert!(!aside[0].detail.is_empty());
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_delivered_too_often_is_parked_by_its_numbers() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let batch = scene.publish(vec![read("/a"), write("/b")]).await;
    scene.deliver_in_vain(101, 1).await;
    let replayer = scene.replayer(config(&candidate));
    let settlements = scene.settlements(2).await;
    for (settlement, exchange) in settlements.iter().zip(&batch.exchanges) {
        let Settlement::Parked { exchange: id, reason, sealed, .. } = settlement else {
            panic!("{settlement:?}")
        };
        assert_eq!((*reason, *id), (ParkReason::DeliveryLimit, Some(exchange.id)));
        assert_eq!(&envelope::open_exchange(&scene.keys, sealed).unwrap(), exchange);
    }
    assert!(candidate.asked().is_empty());
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_began_three_times_and_never_ended_is_parked() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(vec![read("/a"), read("/fatal"), read("/c")]).await;
    scene.deliver_in_vain(2, 1).await;
    scene.store.set_setting("replayer.begun.0", r#"{"1/1":3}"#).await.unwrap();
    let replayer = scene.replayer(config(&candidate));
    let words = all_words(&scene.settlements(3).await);
    assert_eq!(words, ["200", "begun_three_times", "200"]);
    assert!(!candidate.targets().contains(&"/fatal".to_owned()));
    replayer.stop().await;
    let begun = scene.store.setting("replayer.begun.0").await.unwrap();
    assert_eq!(begun.as_deref(), Some("{}"), "nothing is left of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn beginnings_are_counted_over_kills() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(vec![read("/wait/60000/fatal")]).await;
    let mut patient = config(&candidate);
    patient.timeout_ms = 60_000;
    for life in 0..5 {
        let replayer = scene.replayer(patient.clone());
        scene.until("it is under way", || candidate.asked().len() == life + 1).await;
        replayer.kill().await;
    }
    let replayer = scene.replayer(patient);
    assert_eq!(all_words(&scene.settlements(1).await), ["begun_three_times"]);
    assert_eq!(candidate.asked().len(), 5, "twice unsuspected, three times noted");
    replayer.stop().await;
}
