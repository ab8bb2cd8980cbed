//! Order within a session, concurrency across, limits, and slow sessions.

use std::time::{Duration, Instant};

use crate::{
    config,
    scene::{Scene, all_words, read, session, word},
    side::Side,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_replayed_in_order_and_sessions_side_by_side() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let begun = Instant::now();
    // Ten sessions, twenty exchanges each, over ten messages; each takes up to 20 ms.
    for message in 0..10_u64 {
        let mut exchanges = Vec::new();
        for number in 0..10_u8 {
            let step = |i: u64| {
                let wait = (u64::from(number) * 7 + message * 13 + i * 11) % 20;
                read(&format!("/wait/{wait}/{number}/{}", message * 2 + i))
            };
            exchanges.extend(session(number, (0..2).map(step)));
        }
        scene.publish(exchanges).await;
    }
    let replayer = scene.replayer(config(&candidate));
    let settlements = scene.settlements(200).await;
    assert!(settlements.iter().all(|settlement| word(settlement) == "200"));

    for number in 0..10 {
        let targets = candidate.targets();
        let steps = targets.iter().filter_map(|target| {
            let mut parts = target.split('/').skip(3);
            (parts.next() == Some(&number.to_string())).then(|| parts.next().unwrap().to_owned())
        });
        let wanted: Vec<String> = (0..20).map(|step| step.to_string()).collect();
        assert_eq!(steps.collect::<Vec<_>>(), wanted, "session {number}");
    }
    assert!(candidate.most_at_once() > 3, "sessions run side by side");
    assert!(begun.elapsed() < Duration::from_millis(1_900), "one after the other takes 1.9 s");
    replayer.stop().await;
    scene.all_acknowledged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrency_and_rate_are_never_above_their_limits() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish((0..30).map(|i| read(&format!("/wait/15/{i}"))).collect()).await;
    let mut limited = config(&candidate);
    limited.concurrency = 3;
    limited.max_rate = Some(100.0);
    let begun = Instant::now();
    let replayer = scene.replayer(limited);
    scene.settlements(30).await;
    assert!(candidate.most_at_once() <= 3);
    assert!(begun.elapsed() >= Duration::from_millis(280), "30 at 100 per second");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_session_never_holds_the_others() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    // Every message holds one exchange of the slow session and one of another.
    for i in 0..12 {
        let slow = session(1, [read(&format!("/wait/1500/{i}"))]);
        scene.publish(slow.into_iter().chain([read(&format!("/quick/{i}"))]).collect()).await;
    }
    let mut impatient = config(&candidate);
    impatient.prefetch = 3;
    impatient.session_wait_ms = 100;
    let begun = Instant::now();
    let replayer = scene.replayer(impatient);
    scene
        .until("the quick ones are through", || {
            candidate.targets().iter().filter(|target| target.starts_with("/quick/")).count() == 12
        })
        .await;
    assert!(begun.elapsed() < Duration::from_millis(3_500), "{:?}", begun.elapsed());
    let settlements = scene.settlements(24).await;
    let skipped = settlements.iter().filter(|s| word(s) == "session_backlog").count();
    assert!((8..12).contains(&skipped), "{skipped} of the slow session's were skipped");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_beyond_its_bound_is_skipped() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let steps = (0..10).map(|i| read(&format!("/wait/300/{i}")));
    scene.publish(session(1, steps)).await;
    let mut short = config(&candidate);
    short.session_backlog = 4;
    let replayer = scene.replayer(short);
    let words = all_words(&scene.settlements(10).await);
    let skipped = words.iter().filter(|word| *word == "session_backlog").count();
    assert!((5..10).contains(&skipped), "{words:?}");
    assert_eq!(candidate.asked().len(), 10 - skipped);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_its_third_delivery_a_message_runs_singly() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish((0..6).map(|i| read(&format!("/wait/20/{i}"))).collect()).await;
    scene.deliver_in_vain(2, 1).await;
    let replayer = scene.replayer(config(&candidate));
    scene.settlements(6).await;
    assert_eq!(candidate.most_at_once(), 1);
    replayer.stop().await;
}
