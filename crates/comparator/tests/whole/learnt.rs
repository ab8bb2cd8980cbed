//! What the analyst makes of what was recorded.

use cluster::{Covers, Evidence, Nature};
use comparator::CompareConfig;

use crate::{
    pairs::{NOW, json, noise, pair, with_secondary},
    stage::Stage,
};

fn answer(decision: &str, seed: u64) -> exchange::Response {
    json(&format!(r#"{{"decision":"{decision}",{}}}"#, noise(seed)))
}

/// Eighty pairs with noise on every side, of which every eighth misses a rule.
async fn noisy(stage: &mut Stage, secondary: bool, flawed: bool) {
    for message in 0..8_u64 {
        let pairs = (0..10).map(|n| {
            let at = message * 10 + n;
            let wrong = flawed && at % 8 == 3;
            let candidate = if wrong { "APPROVED" } else { "REVIEW" };
            let pair =
                pair(&format!("/loans/{at}"), answer("REVIEW", at), answer(candidate, at + 1_000));
            if secondary { with_secondary(pair, answer("REVIEW", at + 2_000)) } else { pair }
        });
        let pairs: Vec<_> = pairs.collect();
        stage.send(pairs).await;
    }
}

#[tokio::test]
async fn a_faithful_candidate_gives_no_cluster() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    noisy(&mut stage, true, false).await;
    assert_eq!(stage.titles().await, Vec::<String>::new());
    let model = stage.model().await;
    let mut places: Vec<(&str, Covers)> =
        model.volatile.iter().map(|v| (v.path.as_str(), v.covers)).collect();
    places.sort_unstable();
    let values = ["/meta/at", "/meta/id", "/meta/node", "/meta/seq"].map(|p| (p, Covers::Value));
    assert_eq!(places, [values.as_slice(), &[("/tags", Covers::Order)]].concat());
    assert!(
        model.volatile.iter().all(|v| matches!(v.evidence, Evidence::Secondary { asked: 80, .. }))
    );
}

#[tokio::test]
async fn a_missing_rule_is_one_cluster_in_all_the_noise() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    noisy(&mut stage, true, true).await;
    let clusters = stage.clusters().await;
    assert_eq!(clusters.len(), 1, "{clusters:?}");
    assert_eq!(
        clusters[0].title,
        "`decision` is APPROVED instead of REVIEW when `id mod 8 = 3` \
         (10 of 10 such requests kept; 0 of 70 others)"
    );
    assert_eq!(clusters[0].pairs, 10);
    let counts = stage.store.outcome_counts(Some("v1")).await.unwrap();
    let mismatched: u64 = counts.iter().filter(|c| !c.matches).map(|c| c.pairs).sum();
    assert_eq!(mismatched, 10);
}

#[tokio::test]
async fn without_a_secondary_values_made_afresh_are_found() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    noisy(&mut stage, false, true).await;
    let clusters = stage.clusters().await;
    let model = stage.model().await;
    let evidence = |path: &str| {
        model.volatile.iter().find(|v| v.path == path).map(|v| (v.covers, v.evidence.clone()))
    };
    for path in ["/meta/at", "/meta/id"] {
        let found = evidence(path);
        assert!(matches!(found, Some((Covers::Value, Evidence::Class { .. }))), "{found:?}");
    }
    let tags = evidence("/tags");
    let shuffled =
        |evidence: &Evidence| matches!(evidence, Evidence::Nature { nature: Nature::Shuffled, .. });
    assert!(tags.is_some_and(|(covers, e)| covers == Covers::Order && shuffled(&e)));
    assert_eq!(evidence("/decision"), None);
    assert!(clusters.iter().any(|seen| seen.title.contains("decision")), "{clusters:?}");
}

#[tokio::test]
async fn words_that_turn_out_to_be_values_merge_their_endpoints() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let slug =
        |n: u8| format!("/articles/{}{}", char::from(b'a' + n % 26), char::from(b'a' + n / 26));
    let pairs: Vec<_> =
        (0..40).map(|n| pair(&slug(n), json(r#"{"a":1}"#), json(r#"{"a":2}"#))).collect();
    stage.send(pairs).await;
    let clusters = stage.clusters().await;
    assert_eq!(clusters.len(), 1, "{clusters:?}");
    assert_eq!((clusters[0].title.as_str(), clusters[0].pairs), ("`a` is 2 instead of 1", 40));
    let before = stage.store.endpoints().await.unwrap().len();
    // The new model reaches the workers within its poll.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    stage.send([pair("/articles/never-seen", json("1"), json("1"))]).await;
    stage.settled().await;
    let rows = stage.store.endpoints().await.unwrap();
    assert_eq!(rows.len(), before);
    assert!(rows.iter().any(|row| row.template == "/articles/{article}"));
}

#[tokio::test]
async fn clusters_keep_their_ids_over_a_restart() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let wrong = || pair("/loans/1", json(r#"{"a":1}"#), json(r#"{"a":2}"#));
    stage.send([wrong()]).await;
    assert_eq!(stage.titles().await.len(), 1);
    let query = store::ClusterQuery::default();
    let first = stage.store.clusters(&query).await.unwrap().clusters[0].clone();
    stage.stop().await;
    stage.start(CompareConfig::default());
    stage.send([wrong()]).await;
    assert_eq!(stage.clusters().await[0].pairs, 2);
    let again = stage.store.clusters(&query).await.unwrap().clusters;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].id, &again[0].fingerprint), (first.id, &first.fingerprint));
}

#[tokio::test]
async fn two_rules_in_one_place_are_two_clusters_that_keep_their_ids() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let loan = |at: u64| {
        let (kind, country) =
            (["home", "car", "cash"][at as usize % 3], ["DE", "AT"][at as usize / 7 % 2]);
        let candidate = match (kind, country) {
            ("car", "AT") => 7,
            ("cash", "DE") => 9,
            _ => 5,
        };
        let path = format!("/rates?kind={kind}&country={country}&ref=r{at}");
        pair(&path, json(r#"{"rate":5}"#), json(&format!(r#"{{"rate":{candidate}}}"#)))
    };
    stage.send((0..160).map(loan)).await;
    let said = |clusters: &[crate::stage::Seen]| -> Vec<String> {
        let when = |title: &str| title.split(" when ").nth(1).unwrap_or("always").to_owned();
        let mut said: Vec<String> = clusters.iter().map(|seen| when(&seen.title)).collect();
        said.sort();
        said
    };
    let clusters = stage.clusters().await;
    assert_eq!(clusters.iter().map(|seen| seen.pairs).sum::<u64>(), 54, "{clusters:?}");
    let first = said(&clusters);
    let told = |terms: [&str; 2]| {
        first.iter().any(|when| terms.iter().all(|term| when.contains(&format!("`{term}`"))))
    };
    assert!(
        told(["country = AT", "kind = car"]) && told(["country = DE", "kind = cash"]),
        "{first:?}"
    );
    let query = store::ClusterQuery::default();
    let ids = |page: store::ClusterPage| -> Vec<(i64, String)> {
        page.clusters.into_iter().map(|row| (row.id, row.fingerprint)).collect()
    };
    let before = ids(stage.store.clusters(&query).await.unwrap());
    let samples = stage.samples().await;
    let wrong = samples.iter().filter(|sample| !sample.matches);
    for sample in wrong {
        let kind = sample.view.request.query.clone().unwrap_or_default();
        let title_of = before.iter().position(|(id, _)| Some(*id) == sample.cluster);
        assert!(title_of.is_some(), "{kind} has no home");
    }
    stage.stop().await;
    stage.start(CompareConfig::default());
    stage.send((160..320).map(loan)).await;
    let again = stage.clusters().await;
    assert_eq!(again.len(), 2, "{again:?}");
    assert_eq!(ids(stage.store.clusters(&query).await.unwrap()), before);
}

#[tokio::test]
async fn a_rule_hangs_on_what_another_answer_said() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let blocked = |n: u64| n % 13 == 4;
    let customer = |n: u64| {
        let body = format!(r#"{{"id":{},"blocked":{}}}"#, 1_000 + n, blocked(n));
        pair(&format!("/customers/{}", 1_000 + n), json(&body), json(&body))
    };
    let decision = |n: u64| {
        let says =
            |what: &str| json(&format!(r#"{{"customer_id":{},"decision":"{what}"}}"#, 1_000 + n));
        let primary = if blocked(n) { "DECLINED" } else { "APPROVED" };
        let mut pair =
            pair(&format!("/loans/{}/decision", 5_000 + n), says(primary), says("APPROVED"));
        pair.exchange.started_at = NOW + 60_000_000;
        pair
    };
    stage.send((0..160).map(customer)).await;
    stage.send((0..160).map(decision)).await;
    let clusters = stage.clusters().await;
    assert_eq!(clusters.len(), 1, "{clusters:?}");
    let when = "is APPROVED instead of DECLINED when `customer.blocked = true`";
    assert!(clusters[0].title.contains(when), "{clusters:?}");
    assert_eq!(stage.store.facts(0).await.unwrap().len(), 160);
}
