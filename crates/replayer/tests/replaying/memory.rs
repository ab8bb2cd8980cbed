//! Ids, tokens and cookies that primary and candidate made differently.

use bytes::Bytes;
use exchange::{Body, Exchange, Mapping, Settlement};
use replayer::{MemoryConfig, ReplayConfig, Seed};

use crate::{
    config,
    scene::{Scene, all_words, read, session, write},
    side::Side,
};

/// A create that the primary answered with this id.
fn create(target: &str, id: u64) -> Exchange {
    let mut exchange = write(target);
    exchange.response.status = 201;
    exchange.response.headers.push("content-type", "application/json");
    exchange.response.body = json(id);
    exchange
}

fn json(id: u64) -> Body {
    Body::Whole(Bytes::from(format!("{{\"id\":{id},\"self\":\"/loans/{id}\"}}")))
}

fn loan(id: u64) -> Exchange {
    let mut exchange = read(&format!("/loans/{id}"));
    exchange.response.body = json(id);
    exchange
}

/// As if the primary had answered it this many milliseconds later.
fn later(mut exchange: Exchange, millis: i64) -> Exchange {
    exchange.started_at += millis * 1_000;
    exchange
}

fn mapped(settlement: &Settlement) -> Vec<Mapping> {
    match settlement {
        Settlement::Replayed(pair) => pair.mapped.candidate.clone(),
        other => panic!("{other:?}"),
    }
}

fn mapping(primary: &str, other: &str) -> Mapping {
    Mapping { kind: "loan".into(), primary: primary.into(), other: other.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_asked_for_by_the_candidates_own_id() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let replayer = scene.replayer(config(&candidate));
    scene.publish(session(1, [create("/loans", 7), loan(7), create("/loans", 8)])).await;
    scene.publish(session(2, [later(loan(8), 5), later(loan(7), 5)])).await;
    let settlements = scene.settlements(5).await;
    assert_eq!(all_words(&settlements), ["201", "200", "201", "200", "200"]);
    let mut targets = candidate.targets();
    targets.sort();
    assert_eq!(targets, ["/loans", "/loans", "/loans/900", "/loans/900", "/loans/901"]);
    assert_eq!(mapped(&settlements[0]), [mapping("7", "900")], "with the create itself");
    assert_eq!(mapped(&settlements[3]), [mapping("8", "901")]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_an_unfinished_create_of_another_session_waits_for_it() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let replayer = scene.replayer(config(&candidate));
    let mut exchanges = session(1, [create("/loans?wait=300", 7)]);
    exchanges.extend(session(2, [later(loan(7), 1)]));
    exchanges.extend(session(3, [later(read("/other"), 1)]));
    scene.publish(exchanges).await;
    let settlements = scene.settlements(3).await;
    assert_eq!(all_words(&settlements), ["201", "200", "200"]);
    assert_eq!(candidate.targets()[2], "/loans/900", "others went on meanwhile");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_candidate_never_made_is_no_finding_in_later_reads() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let replayer = scene.replayer(config(&candidate));
    let mut failing = create("/status/500", 7);
    failing.response.headers.push("location", "/loans/7");
    let mut exchanges = session(1, [failing]);
    exchanges.extend(session(2, [later(loan(7), 5), later(loan(6), 5)]));
    scene.publish(exchanges).await;
    assert_eq!(all_words(&scene.settlements(3).await), ["500", "unmapped_id", "404"]);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_goes_on_with_the_candidates_own_cookie() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let replayer = scene.replayer(config(&candidate));
    let mut login = write("/login");
    login.response.headers.push("set-cookie", "sid=of-the-primary; Path=/");
    let mut me = read("/me");
    me.request.headers.push("cookie", "sid=of-the-primary");
    scene.publish(session(1, [login, me.clone()])).await;
    assert_eq!(all_words(&scene.settlements(2).await), ["200", "200"]);
    scene.publish(session(2, [me])).await;
    assert_eq!(all_words(&scene.settlements(3).await)[2], "401", "it is the session's own");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learnt_survives_a_kill() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let replayer = scene.replayer(config(&candidate));
    scene.publish(session(1, [create("/loans", 7)])).await;
    scene.settlements(1).await;
    replayer.kill().await;
    let replayer = scene.replayer(config(&candidate));
    scene.publish(session(2, [later(loan(7), 5)])).await;
    assert_eq!(all_words(&scene.settlements(2).await), ["201", "200"]);
    replayer.stop().await;
    let rows = scene.store.remembered(0).await.unwrap();
    let loan = rows.iter().find(|row| row.entity == "loan").unwrap();
    assert_eq!((loan.primary.as_str(), loan.other.as_deref()), ("7", Some("900")));
    let sealed = String::from_utf8_lossy(&loan.sealed);
    assert!(!sealed.contains("900"), "{sealed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_holds_from_the_start_and_the_switch_turns_all_of_it_off() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let seed = "{\"entity\":\"loans\",\"primary\":\"55\",\"candidate\":\"900\"}";
    let memory = MemoryConfig { entries: Seed::parse(seed).unwrap(), ..MemoryConfig::default() };
    let seeded = ReplayConfig { memory, ..config(&candidate) };
    let replayer = scene.replayer(seeded.clone());
    scene.publish(vec![create("/loans", 7), later(loan(55), 5)]).await;
    scene.settlements(2).await;
    replayer.stop().await;
    assert!(candidate.targets().contains(&"/loans/900".to_owned()));

    let memory = MemoryConfig { enabled: false, ..seeded.memory.clone() };
    let replayer = scene.replayer(ReplayConfig { memory, ..seeded });
    scene.publish(vec![later(loan(55), 9)]).await;
    let settlements = scene.settlements(3).await;
    assert_eq!(mapped(&settlements[2]), []);
    assert!(candidate.targets().contains(&"/loans/55".to_owned()));
    replayer.stop().await;
}
