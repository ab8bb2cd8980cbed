//! A candidate that refuses credentials: a wave is no finding, a single refusal is one.

use std::time::Duration;

use exchange::control::{BREAKER_SETTING, BreakerKind, BreakerReport};
use exchange::{Exchange, SessionKey};
use replayer::{Credentials, ReplayConfig, Rewrite, SwapConfig};

use crate::{
    config,
    scene::{Scene, all_words, read, session},
    side::Side,
};

/// A read by a client, at one of several kinds of target.
fn by_client(client: u8, target: &str) -> Exchange {
    let mut exchange = read(target);
    exchange.session = SessionKey([client; 16]);
    exchange.request.headers.push("authorization", format!("Bearer of-client-{client}"));
    exchange
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_of_refusals_is_skipped_whole_and_waited_out() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let mut patient = config(&candidate);
    patient.refusal_wait_ms = 5_000;
    patient.probe_ms = 300;
    let replayer = scene.replayer(patient);
    let mut wave = vec![by_client(1, "/fine")];
    for n in 0..12_u8 {
        wave.push(by_client(10 + n, if n % 2 == 0 { "/keyed/a" } else { "/keyed/b/7" }));
    }
    scene.publish(wave).await;
    let report = async || {
        let text = scene.store.setting(BREAKER_SETTING).await.unwrap();
        text.map(|text| serde_json::from_str::<BreakerReport>(&text).unwrap())
    };
    for _ in 0..200 {
        if report().await.is_some_and(|report| report.open) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let open = report().await.unwrap();
    assert_eq!((open.open, open.kind), (true, BreakerKind::Credentials));
    let words = all_words(&scene.settlements(13).await);
    assert_eq!(words.iter().filter(|word| *word == "credentials").count(), 12, "{words:?}");
    scene.publish(vec![by_client(30, "/other")]).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!candidate.targets().contains(&"/other".to_owned()), "it waits");
    candidate.take_credentials();
    assert_eq!(all_words(&scene.settlements(14).await)[13], "200");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_one_client_or_at_one_target_are_answers() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let replayer = scene.replayer(config(&candidate));
    let mut exchanges = vec![by_client(1, "/fine"), by_client(2, "/fine")];
    for n in 0..15_u8 {
        exchanges.push(by_client(40 + n, "/status/403"));
    }
    scene.publish(exchanges).await;
    let words = all_words(&scene.settlements(17).await);
    assert_eq!(words.iter().filter(|word| *word == "403").count(), 15, "{words:?}");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_swapped_and_paths_are_rewritten() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let value = Some("Bearer of-the-candidate".to_owned());
    let replayer = scene.replayer(ReplayConfig {
        credentials: Credentials::Swap,
        swap: SwapConfig { value, ..SwapConfig::default() },
        rewrite: vec![Rewrite { prefix: "/api/v1".into(), with: "/v2".into() }],
        ..config(&candidate)
    });
    scene.publish(session(1, [by_client(1, "/api/v1/loans-of?x=1")])).await;
    scene.settlements(1).await;
    let asked = candidate.asked();
    assert_eq!(asked[0].target, "/v2/loans-of?x=1");
    let sent: Vec<_> = asked[0].headers.get_all("authorization").iter().collect();
    assert_eq!(sent, ["Bearer of-the-candidate"]);
    replayer.stop().await;
}
