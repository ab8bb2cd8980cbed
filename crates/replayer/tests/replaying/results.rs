//! What is sent, what is not, and what becomes of it.

use bytes::Bytes;
use exchange::{Outcome, Settlement, control::Command};

use crate::{
    config,
    scene::{Scene, all_words, read, session, write},
    side::Side,
};

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_asked_the_same_at_the_same_moment() {
    let (scene, candidate, secondary) = (Scene::open().await, Side::start(), Side::start());
    let mut create = write("/wait/30/orders?x=%7B");
    create.request.headers.push("Host", "shop.example");
    create.request.headers.push("Authorization", "Bearer live");
    let id = create.id.to_string();
    scene.publish(vec![create]).await;
    let mut both = config(&candidate);
    both.secondary = Some(secondary.url());
    both.set_headers = [("authorization".to_owned(), "Bearer staging".to_owned())].into();
    let replayer = scene.replayer(both);
    let settlements = scene.settlements(1).await;

    let (c, s) = (candidate.asked().remove(0), secondary.asked().remove(0));
    for asked in [&c, &s] {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.target, "/wait/30/orders?x=%7B");
        assert_eq!(asked.body, "{}");
        assert_eq!(asked.headers["host"], "shop.example");
        assert_eq!(asked.headers["x-understudy-exchange"], id);
        assert_eq!(asked.headers["x-understudy-shadow"], "1");
    }
    assert_eq!(c.headers["authorization"], "Bearer staging");
    assert_eq!(s.headers["authorization"], "Bearer live", "edits are for the candidate");
    let apart = c.at.max(s.at) - c.at.min(s.at);
    assert!(apart.as_millis() < 25, "asked {apart:?} apart");
    let Settlement::Replayed(pair) = &settlements[0] else { panic!("{settlements:?}") };
    assert_eq!(pair.candidate.response().unwrap().body.bytes().unwrap(), &Bytes::from("ok"));
    assert_eq!(pair.secondary.as_ref().unwrap().response().unwrap().status, 200);
    assert!(pair.candidate.duration_us >= 30_000);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_that_is_away_holds_nothing_up() {
    let (scene, candidate, secondary) = (Scene::open().await, Side::start(), Side::absent());
    scene.publish((0..40).map(|i| read(&format!("/{i}"))).collect()).await;
    let mut both = config(&candidate);
    both.secondary = Some(secondary.url());
    let replayer = scene.replayer(both);
    for settlement in scene.settlements(40).await {
        let Settlement::Replayed(pair) = settlement else { panic!("{settlement:?}") };
        assert!(pair.candidate.response().is_some());
        assert!(matches!(pair.secondary.unwrap().outcome, Outcome::NoAnswer { .. }));
    }
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_whole_answer_of_the_primary_is_not_sent() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let mut not_modified = read("/a");
    not_modified.response.status = 304;
    let mut partial = read("/b");
    partial.response.status = 206;
    let mut conditional = read("/c");
    conditional.request.headers.push("If-None-Match", "\"x\"");
    conditional.request.headers.push("Range", "bytes=0-9");
    scene.publish(vec![not_modified, partial, conditional]).await;
    let replayer = scene.replayer(config(&candidate));
    let words = all_words(&scene.settlements(3).await);
    assert_eq!(words, ["not_modified", "partial", "200"]);
    assert_eq!(candidate.targets(), ["/c"]);
    let headers = &candidate.asked()[0].headers;
    assert!(!headers.contains_key("if-none-match") && !headers.contains_key("range"));
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_stale_and_a_stale_write_ends_its_session() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let old = |mut exchange: exchange::Exchange| {
        exchange.started_at = 1;
        exchange
    };
    let mut exchanges = session(1, [old(write("/a")), read("/b")]);
    exchanges.extend(session(2, [old(read("/c")), read("/d")]));
    scene.publish(exchanges).await;
    let mut fresh_only = config(&candidate);
    fresh_only.max_age_s = Some(3_600);
    let replayer = scene.replayer(fresh_only);
    let words = all_words(&scene.settlements(4).await);
    assert_eq!(words, ["stale", "session_gap", "stale", "200"]);
    assert_eq!(candidate.targets(), ["/d"]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_an_answer() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    scene.publish(vec![read("/status/302")]).await;
    let replayer = scene.replayer(config(&candidate));
    assert_eq!(all_words(&scene.settlements(1).await), ["302"]);
    assert_eq!(candidate.asked().len(), 1);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_is_the_candidates_word_or_the_announced_one() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let desired = Command::Desired {
        copy_paused: false,
        replay_paused: false,
        candidate_version: Some("announced".to_owned()),
    };
    let text = serde_json::to_string(&desired).unwrap();
    scene.store.set_setting(exchange::control::DESIRED_SETTING, &text).await.unwrap();
    scene.publish(session(1, [read("/a"), read("/version/v7"), read("/b")])).await;
    let replayer = scene.replayer(config(&candidate));
    let versions: Vec<String> = scene
        .settlements(3)
        .await
        .into_iter()
        .map(|settlement| match settlement {
            Settlement::Replayed(pair) => pair.candidate_version,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(versions, ["announced", "v7", "v7"]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_ends_a_session_with_writes_and_no_other() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let gap = |mut exchange: exchange::Exchange| {
        exchange.gap = true;
        exchange
    };
    let mut exchanges = session(1, [write("/w"), gap(read("/lost-before")), gap(write("/x"))]);
    exchanges.extend(session(2, [read("/r1"), gap(read("/r2"))]));
    exchanges.extend(session(3, [gap(write("/first")), read("/after")]));
    scene.publish(exchanges).await;
    let replayer = scene.replayer(config(&candidate));
    let words = all_words(&scene.settlements(7).await);
    let gap = "session_gap";
    assert_eq!(words, ["200", gap, gap, "200", "200", gap, gap]);
    let mut targets = candidate.targets();
    targets.sort();
    assert_eq!(targets, ["/r1", "/r2", "/w"]);
    replayer.stop().await;
}
