//! What asking again and rechecks make of clusters.

use comparator::{CompareConfig, RouteRules};
use exchange::{Finding, Pair, PairBatch, Rechecked, Reference};
use store::{ClusterState, Outcome, RecheckState};

use crate::{
    pairs::{json, pair},
    stage::{Stage, until},
};

fn wrong(n: u64) -> Pair {
    pair(&format!("/loans/{n}"), json(r#"{"a":1,"b":2}"#), json(r#"{"a":7,"b":2}"#))
}

fn right(n: u64) -> Pair {
    pair(&format!("/loans/{n}"), json(r#"{"a":1,"b":2}"#), json(r#"{"a":1,"b":2}"#))
}

fn found(pair: Pair, finding: Finding) -> Pair {
    Pair { reference: Some(Reference { finding, ..Reference::unchecked() }), ..pair }
}

#[tokio::test]
async fn late_answers_leave_the_rate_and_are_a_cluster_of_their_own() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let stood = Finding::Deterministic { stood_us: 900_000 };
    let late = Finding::Lag { delay_us: 250_000 };
    stage.send((0..10).map(|n| found(wrong(n), stood))).await;
    stage.send((10..16).map(|n| found(wrong(n), late))).await;
    // Equal answers are equal, whatever a replayer with an older model said.
    stage.send((16..20).map(|n| found(right(n), late))).await;
    let clusters = stage.clusters().await;
    let seen: Vec<(&str, u64)> = clusters.iter().map(|c| (c.title.as_str(), c.pairs)).collect();
    let named = "The candidate answers as the primary does, only later; what lags is `a`";
    assert_eq!(seen, [(named, 6), ("`a` is 7 instead of 1", 10)]);
    let counts = stage.store.outcome_counts(None).await.unwrap();
    let of = |outcome| counts.iter().filter(|c| c.outcome == outcome).map(|c| c.pairs).sum::<u64>();
    assert_eq!((of(Outcome::Lag), of(Outcome::Answered)), (6, 14));
    let checks = stage.store.checks().await.unwrap();
    let of = |word: &str| checks.iter().filter(|c| c.finding == word).map(|c| c.pairs).sum::<u64>();
    assert_eq!((of("deterministic"), of("lag")), (10, 6));
}

/// Sends what a replayer would for a recheck of the only cluster: `own` of what differed and
/// `control` of what matched.
async fn recheck(stage: &Stage, own: Vec<Pair>, control: Vec<Pair>) -> (String, ClusterState) {
    let cluster = stage.store.clusters(&Default::default()).await.unwrap().clusters[0].clone();
    let subject = format!(r#"{{"cluster":{}}}"#, cluster.id);
    let asked = stage.store.ask_recheck(&subject, Some(cluster.id)).await.unwrap();
    let planned = (own.len() + control.len()) as u64;
    stage.store.move_recheck(asked.id, RecheckState::Sent, planned, planned, "").await.unwrap();
    let places = r#"[{"where":"body","path":"/a","kind":"value_changed","left":"integer","right":"integer"}]"#;
    let sent = |control| {
        move |pair| Rechecked { recheck: asked.id, control, places: places.to_owned(), pair }
    };
    let rechecked = own.into_iter().map(sent(false)).chain(control.into_iter().map(sent(true)));
    let batch = PairBatch { rechecked: rechecked.collect(), ..PairBatch::default() };
    stage.publish(&batch).await;
    let mut outcome = String::new();
    until("the recheck has ended", async || {
        let row = stage.store.recheck(asked.id).await.unwrap().unwrap();
        outcome = row.detail;
        row.state.is_over()
    })
    .await;
    let (row, _) = stage.store.cluster(cluster.id).await.unwrap().unwrap();
    (outcome, row.state)
}

#[tokio::test]
async fn a_recheck_closes_a_cluster_only_where_nothing_differs_and_the_control_holds() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    stage.send((0..20).map(|n| if n < 12 { wrong(n) } else { right(n) })).await;
    assert_eq!(stage.clusters().await.len(), 1);
    let before = stage.store.funnel().await.unwrap();

    let moved = || pair("/loans/1", json(r#"{"a":1,"b":2}"#), json(r#"{"a":1,"b":9}"#));
    let still = recheck(&stage, vec![right(1), wrong(2)], vec![right(3)]).await;
    assert_eq!(still, ("1 of 2 differ now; control 0 of 1".to_owned(), ClusterState::Open));
    let elsewhere = recheck(&stage, vec![right(1)], vec![moved()]).await;
    assert!(elsewhere.0.contains("what matched before differs too"), "{elsewhere:?}");
    assert_eq!(elsewhere.1, ClusterState::Open);
    let fixed = recheck(&stage, vec![right(1), moved()], vec![right(3)]).await;
    let words = "0 of 2 differ now; control 0 of 1; 1 differ at other places";
    assert_eq!(fixed, (words.to_owned(), ClusterState::Fixed));

    assert_eq!(stage.store.funnel().await.unwrap(), before, "rechecks count nowhere");
    // What was captured before the fix says nothing about it; what comes later does.
    stage.send([wrong(40)]).await;
    stage.settled().await;
    let later = now() + 120_000_000;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let state = async || stage.store.cluster(1).await.unwrap().unwrap().0.state;
    assert_eq!(state().await, ClusterState::Fixed);
    let mut again = wrong(41);
    again.exchange.started_at = later;
    stage.send([again]).await;
    until("the cluster is regressed", async || {
        stage.store.cluster(1).await.unwrap().unwrap().0.state == ClusterState::Regressed
    })
    .await;
}

#[tokio::test]
async fn a_build_that_would_have_shown_it_closes_a_cluster() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    // All of them: there is no condition to be met.
    stage.send((0..60).map(wrong)).await;
    assert_eq!(stage.clusters().await.len(), 1);
    let newer = |n| Pair { candidate_version: "v2".into(), ..right(n) };
    stage.send((60..150).map(newer)).await;
    stage.settled().await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let state = async || stage.store.cluster(1).await.unwrap().unwrap().0.state;
    assert_eq!(state().await, ClusterState::Open, "ninety are not enough");
    stage.send((150..170).map(newer)).await;
    until("the cluster is closed", async || {
        stage.store.cluster(1).await.unwrap().unwrap().0.state == ClusterState::Fixed
    })
    .await;
    let fix = stage.store.fixes().await.unwrap().remove(&1).unwrap();
    assert_eq!(fix.reason, "0 of 110 later exchanges differ so in v2; 60 of 60 did before");
}

#[tokio::test]
async fn what_meets_its_condition_and_matches_later_closes_a_cluster() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let loan = |n: u64, lacks: bool| {
        let amount = if n.is_multiple_of(4) { 50_000 + n } else { 100 + n };
        let decision = if lacks && amount >= 50_000 { "APPROVED" } else { "REVIEW" };
        let body =
            |decision: &str| json(&format!(r#"{{"amount":{amount},"decision":"{decision}"}}"#));
        pair(&format!("/loans/{n}"), body("REVIEW"), body(decision))
    };
    stage.send((0..200).map(|n| loan(n, true))).await;
    until("a condition is published", async || {
        let rows = stage.store.clusters(&Default::default()).await.unwrap().clusters;
        rows.iter().any(|row| row.doc.contains("\"field\":\"response.body.amount\""))
    })
    .await;
    // Comparators load what was published; from then on they count what meets it.
    let (store, mut n) = (stage.store.clone(), 400);
    until("the condition is counted", async || {
        stage.send((n..n + 8).map(|n| loan(n, true))).await;
        n += 8;
        !store.cluster(1).await.unwrap().unwrap().0.doc.contains("\"exact_since\":null")
    })
    .await;
    let newer = |n| Pair { candidate_version: "v2".into(), ..loan(n, false) };
    until("the cluster is closed", async || {
        stage.send((n..n + 8).map(newer)).await;
        n += 8;
        store.cluster(1).await.unwrap().unwrap().0.state == ClusterState::Fixed
    })
    .await;
    let fix = stage.store.fixes().await.unwrap().remove(&1).unwrap();
    assert!(fix.reason.contains("later exchanges under `answered amount >= "), "{}", fix.reason);
    let counted = fix.reason.split_once(" differ so in v2; ").unwrap().1;
    let (seen, rest) = counted.split_once(" of ").unwrap();
    assert_eq!(rest, format!("{seen} did before"), "{}", fix.reason);
}

#[tokio::test]
async fn rules_are_previewed_exactly_or_on_samples() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let cased = |n| pair(&format!("/loans/{n}"), json(r#"{"a":"X"}"#), json(r#"{"a":"x"}"#));
    stage.send((0..10).map(cased)).await;
    stage.send((10..30).map(right)).await;
    stage.clusters().await;
    let rule = |json: &str| serde_json::from_str::<RouteRules>(json).unwrap();
    let preview = async |rules: &[RouteRules]| {
        let found = comparator::preview(&stage.store, rules).await.unwrap();
        let row = &found.endpoints[0];
        assert_eq!(row.endpoint, "GET /loans/{id}");
        let told: Vec<&str> = found.rules.iter().map(|rule| rule.told).collect();
        let samples = (found.samples.looked_at > 0, found.samples.would_match);
        (told.join(" "), row.mismatching_now, row.mismatching_then, samples)
    };
    let ignore = rule(r#"{"path":"$.a","kind":"ignore"}"#);
    let case = rule(r#"{"path":"$.a","kind":"case_insensitive","route":"GET /loans/{id}"}"#);
    let elsewhere = rule(r#"{"path":"$.a","kind":"ignore","route":"/other/*"}"#);
    let (told, now, then, (looked, would)) = preview(&[ignore]).await;
    assert_eq!((told.as_str(), now, then, looked, would > 0), ("exact", 10, 0, true, true));
    let (told, now, then, (looked, would)) = preview(&[case]).await;
    assert_eq!((told.as_str(), now, then, looked, would > 0), ("samples", 10, 10, true, true));
    let (_, now, then, (looked, would)) = preview(&[elsewhere]).await;
    assert_eq!((now, then, looked, would), (10, 10, true, 0));
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_micros() as i64
}
