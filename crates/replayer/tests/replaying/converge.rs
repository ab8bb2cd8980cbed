//! The reference `converge`: who is asked again, and what is made of it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;

use axum::{Router, extract::State};
use exchange::{Body, Exchange, Finding, Pair, Settlement};
use http::HeaderMap;
use replayer::{Differing, Opinion, ReferenceMode, ReplayConfig};

use crate::{
    config,
    scene::{Scene, read, session, write},
    side::Side,
};

/// A service whose answer changes with time.
struct Changing {
    url: String,
    state: Arc<Says>,
}

struct Says {
    begun: Instant,
    /// From so many milliseconds on, this.
    answers: Vec<(u64, &'static str)>,
    asked: Mutex<Vec<HeaderMap>>,
}

impl Changing {
    async fn start(answers: &[(u64, &'static str)]) -> Self {
        let state =
            Says { begun: Instant::now(), answers: answers.to_vec(), asked: Mutex::default() };
        let state = Arc::new(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(say).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, state }
    }

    fn asked(&self) -> Vec<HeaderMap> {
        self.state.asked.lock().unwrap().clone()
    }
}

async fn say(State(state): State<Arc<Says>>, headers: HeaderMap) -> &'static str {
    state.asked.lock().unwrap().push(headers);
    let now = state.begun.elapsed().as_millis() as u64;
    let due = state.answers.iter().rev().find(|(from, _)| *from <= now);
    due.map_or("", |(_, answer)| answer)
}

/// Bodies and nothing else.
#[derive(Debug)]
struct ByBody;

impl Opinion for ByBody {
    fn differing(&self, pair: &Pair) -> Differing {
        let answer = pair.candidate.response();
        somewhere(answer.is_none_or(|answer| answer.body != pair.exchange.response.body))
    }
}

/// That every answer differs; keeps what it was shown.
#[derive(Clone, Debug, Default)]
struct Shown(Arc<Mutex<Vec<Pair>>>);

impl Opinion for Shown {
    fn differing(&self, pair: &Pair) -> Differing {
        self.0.lock().unwrap().push(pair.clone());
        somewhere(true)
    }
}

fn somewhere(differs: bool) -> Differing {
    Differing { kind: 7, places: differs.then(|| "body".to_owned()).into_iter().collect() }
}

fn captured(exchange: Exchange, body: &'static str) -> Exchange {
    let mut exchange = exchange;
    exchange.response.body = Body::Whole(body.into());
    exchange
}

fn converging(candidate: &str, primary: &str) -> ReplayConfig {
    let mut config = ReplayConfig { candidate: candidate.to_owned(), ..config(&Side::absent()) };
    config.reference.mode = ReferenceMode::Converge;
    config.reference.primary = primary.to_owned();
    config.reference.patience_ms = 600;
    config
}

async fn pairs(scene: &Scene, count: usize) -> Vec<Pair> {
    let settlements = scene.settlements(count).await.into_iter();
    let pairs = settlements.map(|settlement| match settlement {
        Settlement::Replayed(pair) => *pair,
        other => panic!("{other:?}"),
    });
    pairs.collect()
}

fn finding(pair: &Pair) -> Option<Finding> {
    pair.reference.as_ref().map(|reference| reference.finding)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_catches_up_is_late_and_the_delay_is_measured() {
    let scene = Scene::open().await;
    let primary = Changing::start(&[(0, "new")]).await;
    scene.publish(vec![captured(read("/a"), "new"), captured(read("/b"), "new")]).await;
    let candidate = Changing::start(&[(0, "old"), (400, "new")]).await;
    let replayer = scene.replayer_with(converging(&candidate.url, &primary.url), ByBody);
    for pair in pairs(&scene, 2).await {
        let Some(Finding::Lag { delay_us }) = finding(&pair) else { panic!("{pair:?}") };
        assert!(delay_us > 50_000, "{delay_us}");
        let rounds = &pair.reference.as_ref().unwrap().rounds;
        assert!(!rounds.first().unwrap().agree && rounds.last().unwrap().agree, "{rounds:?}");
        assert_eq!(pair.candidate.response().unwrap().body.bytes().unwrap(), "old", "as it was");
    }
    let asked = primary.asked();
    assert!(asked.len() >= 4 && asked.iter().all(|h| h["x-understudy-shadow"] == "1"), "{asked:?}");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_stands_is_deterministic_and_holds_nothing_up() {
    let scene = Scene::open().await;
    let primary = Changing::start(&[(0, "right")]).await;
    let candidate = Changing::start(&[(0, "wrong")]).await;
    let wrong = captured(read("/a"), "right");
    let fine = captured(read("/b"), "wrong");
    scene.publish(session(1, [wrong, fine])).await;
    let replayer = scene.replayer_with(converging(&candidate.url, &primary.url), ByBody);
    let pairs = pairs(&scene, 2).await;
    assert!(matches!(finding(&pairs[0]), Some(Finding::Deterministic { .. })), "{:?}", pairs[0]);
    assert_eq!(finding(&pairs[1]), None, "equal answers are not asked about");
    let order: Vec<u64> = scene.settled().iter().map(|settled| settled.number.n).collect();
    assert_eq!(order, [1, 0], "the next of the session does not wait");
    scene.drained().await;
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_late_as_well_is_recorded_with_the_answer_that_stood() {
    let scene = Scene::open().await;
    let primary = Changing::start(&[(0, "right")]).await;
    scene.publish(vec![captured(read("/a"), "right")]).await;
    let candidate = Changing::start(&[(0, "missing"), (300, "wrong")]).await;
    let replayer = scene.replayer_with(converging(&candidate.url, &primary.url), ByBody);
    let pair = pairs(&scene, 1).await.remove(0);
    assert!(matches!(finding(&pair), Some(Finding::Deterministic { .. })), "{pair:?}");
    assert_eq!(pair.candidate.response().unwrap().body.bytes().unwrap(), "wrong");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_is_asked_only_where_the_route_says_so() {
    let scene = Scene::open().await;
    let primary = Changing::start(&[(0, "right")]).await;
    let candidate = Changing::start(&[(0, "wrong")]).await;
    let exchanges = [read("/quiet/1"), write("/loud/1"), read("/loud/2")];
    scene.publish(exchanges.into_iter().map(|one| captured(one, "right")).collect()).await;
    let mut config = converging(&candidate.url, &primary.url);
    config.reference.mode = ReferenceMode::Captured;
    config.reference.converge = vec!["/loud/*".to_owned()];
    let replayer = scene.replayer_with(config, ByBody);
    let findings: Vec<bool> =
        pairs(&scene, 3).await.iter().map(|pair| finding(pair).is_some()).collect();
    assert_eq!(findings, [false, false, true]);
    assert!(!primary.asked().is_empty());
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_publishes_what_is_asked_about_unchecked() {
    let scene = Scene::open().await;
    let primary = Changing::start(&[(0, "right")]).await;
    let candidate = Changing::start(&[(0, "wrong")]).await;
    scene.publish((0..20).map(|n| captured(read(&format!("/{n}")), "right")).collect()).await;
    let mut config = converging(&candidate.url, &primary.url);
    config.reference.patience_ms = 60_000;
    config.reference.rounds = 12;
    let replayer = scene.replayer_with(config, ByBody);
    let asked = || primary.asked().len() >= 5;
    scene.until("questions are asked", asked).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    replayer.stop().await;
    for pair in pairs(&scene, 20).await {
        assert_eq!(finding(&pair), Some(Finding::Unchecked));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_fails_is_left_alone() {
    let (scene, primary) = (Scene::open().await, Side::absent());
    let candidate = Changing::start(&[(0, "wrong")]).await;
    scene.publish((0..40).map(|n| captured(read(&format!("/{n}")), "right")).collect()).await;
    let replayer = scene.replayer_with(converging(&candidate.url, &primary.url()), ByBody);
    for pair in pairs(&scene, 40).await {
        assert_eq!(finding(&pair), Some(Finding::Unchecked));
    }
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_is_asked_again_with_its_own_ids() {
    let (scene, candidate) = (Scene::open().await, Side::start());
    let primary = Changing::start(&[(0, "{\"id\":7}")]).await;
    let mut create = write("/loans");
    create.response.status = 201;
    create.response.headers.push("content-type", "application/json");
    create.response.body = Body::Whole(Bytes::from_static(b"{\"id\":7}"));
    let mut loan = captured(read("/loans/7"), "{\"id\":7}");
    loan.started_at += 5_000;
    scene.publish(session(1, [create, loan])).await;
    let config = ReplayConfig { writes: true, ..converging(&candidate.url(), &primary.url) };
    let shown = Shown::default();
    let replayer = scene.replayer_with(config, shown.clone());
    let pairs = pairs(&scene, 2).await;
    assert!(finding(&pairs[1]).is_some());
    let (made, asked): (Vec<_>, Vec<_>) =
        candidate.targets().into_iter().partition(|target| target == "/loans");
    assert_eq!(made.len(), 1);
    assert!(asked.len() >= 2 && asked.iter().all(|target| target == "/loans/900"), "{asked:?}");
    for pair in shown.0.lock().unwrap().iter() {
        let is_own = |body: &Body| body.bytes().is_some_and(|b| b.starts_with(b"{\"id\":900"));
        // Two answers of its own are held against each other as they are.
        let own = is_own(&pair.candidate.response().unwrap().body)
            && !is_own(&pair.exchange.response.body);
        let known: Vec<&str> =
            pair.mapped.candidate.iter().map(|mapping| mapping.other.as_str()).collect();
        assert_eq!(known, if own { vec!["900"] } else { vec![] }, "{pair:?}");
    }
    replayer.stop().await;
}
