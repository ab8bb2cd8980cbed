//! Fixing the candidate, asking again, forgetting.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::harness::{Reply, Seen, Service, System, each_layout, understudy};

fn number(seen: &Seen) -> u64 {
    seen.target.rsplit('/').next().unwrap_or_default().parse().unwrap_or(0)
}

fn account(seen: &Seen) -> Reply {
    Reply::json(&json!({ "id": number(seen), "limit": 500 }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_candidate_closes_its_cluster_by_a_recheck_and_a_reset_keeps_the_funnel() {
    each_layout(async |layout| {
        let fixed = Arc::new(AtomicBool::new(false));
        let knows = Arc::clone(&fixed);
        let primary = Service::start(account).await;
        let candidate = Service::start(move |seen: &Seen| {
            let lacks = !knows.load(Ordering::SeqCst) && number(seen).is_multiple_of(3);
            let limit = if lacks { 0 } else { 500 };
            Reply::json(&json!({ "id": number(seen), "limit": limit }))
        })
        .await;
        let system = System::start(&layout, &primary.url, &candidate.url, &[]).await;
        for id in 1..=60 {
            let url = format!("{}/accounts/{id}", system.tap);
            system.client.get(url).send().await.unwrap();
        }
        system.settled(60).await;
        system.learnt(1).await;
        let cluster = system.api("/clusters").await["clusters"][0].clone();
        let id = cluster["id"].as_str().unwrap().to_owned();
        assert_eq!(cluster["count"], 20, "{cluster}");
        let before = system.at_rest().await;

        let recheck = ["recheck", "--server", &system.web, "--cluster", &id, "--wait", "60s"];
        let still = understudy(&recheck).await;
        assert_eq!(still.code, Some(1), "{still:?}");
        assert!(still.stdout.starts_with("20 of 20 differ now; control 0 of "), "{still:?}");

        fixed.store(true, Ordering::SeqCst);
        let gone = understudy(&recheck).await;
        assert_eq!(gone.code, Some(0), "{gone:?}");
        assert!(gone.stdout.starts_with("0 of 20 differ now; control 0 of "), "{gone:?}");
        let cluster = system.api(&format!("/clusters/{id}")).await;
        assert_eq!(cluster["state"], "fixed", "{cluster}");
        let replays = candidate.seen();
        assert!(replays.iter().all(|seen| seen.header("x-understudy-shadow") == Some("1")));
        assert_eq!(system.at_rest().await["compared"], before["compared"], "they count nowhere");
        let unknown =
            understudy(&["recheck", "--server", &system.web, "--endpoint", "GET /nowhere"]).await;
        assert_eq!(unknown.code, Some(3), "{unknown:?}");
        assert!(unknown.stderr.contains("there is no endpoint `GET /nowhere`"), "{unknown:?}");

        let reset = ["reset", "--server", &system.web, "--endpoint", "GET /accounts/{id}"];
        let unsaid = understudy(&reset).await;
        assert_eq!(unsaid.code, Some(1), "{unsaid:?}");
        assert!(unsaid.stderr.contains("say --yes"), "{unsaid:?}");
        let said = understudy(&[&reset[..], &["--yes"]].concat()).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.starts_with("forgot the verdicts of 60 exchanges"), "{said:?}");
        let after = system.at_rest().await;
        assert_eq!((&after["compared"], &after["balanced"]), (&json!(60), &json!(true)), "{after}");
        let endpoints = system.api("/endpoints").await;
        assert_eq!(endpoints["endpoints"], json!([]), "{endpoints}");
    })
    .await;
}

#[tokio::test]
async fn the_schema_of_the_configuration_is_json() {
    let printed = understudy(&["config", "schema"]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let schema: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(schema["properties"]["replay"]["properties"]["concurrency"]["default"], 64);
}
