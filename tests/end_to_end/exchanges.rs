//! Exchange by exchange: what users sent is what the primary and the candidate were asked, and
//! every one is compared once.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{Reply, Seen, Service, System, each_layout};

/// Answers by the path alone, so that primary and candidate agree.
fn item(seen: &Seen) -> Reply {
    let id = seen.target.rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({ "id": id, "name": format!("item {id}"), "price": 12.50 }))
}

/// The candidate takes prices of items divisible by ten for whole amounts.
fn item_without_cents(seen: &Seen) -> Reply {
    let id: u32 = seen.target.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or_default();
    if id.is_multiple_of(10) {
        Reply::json(&json!({ "id": id.to_string(), "name": format!("item {id}"), "price": 12 }))
    } else {
        item(seen)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_reaches_the_candidate_once_in_session_order_and_is_compared() {
    each_layout(async |layout| {
        let primary = Service::start(item).await;
        let candidate = Service::start(item_without_cents).await;
        let system = System::start(
            &layout,
            &primary.url,
            &candidate.url,
            &["--session", "header:x-session-id"],
        )
        .await;

        // 4 sessions, 50 requests each, sessions side by side.
        let sessions = (0..4_u32).map(|session| {
            let (client, tap) = (system.client.clone(), system.tap.clone());
            tokio::spawn(async move {
                for step in 0..50_u32 {
                    let id = session * 50 + step;
                    let answer = client
                        .get(format!("{tap}/items/{id}"))
                        .header("x-session-id", format!("s{session}"))
                        .header("x-step", step.to_string())
                        .send()
                        .await
                        .unwrap();
                    assert_eq!(answer.status(), 200);
                }
            })
        });
        for session in sessions {
            session.await.unwrap();
        }

        let funnel = system.settled(200).await;
        assert_eq!(funnel["captured"], 200, "{funnel}");
        assert_eq!(funnel["compared"], 200, "{funnel}");

        assert_eq!(targets(&primary.seen()), targets(&candidate.seen()));
        for (session, steps) in steps_by_session(&candidate.seen()) {
            assert!(steps.is_sorted(), "session {session} was replayed out of order: {steps:?}");
        }
        for seen in candidate.seen() {
            assert_eq!(seen.header("x-understudy-shadow"), Some("1"));
        }
        for seen in primary.seen() {
            assert_eq!(seen.header("x-understudy-shadow"), None, "the tap adds nothing");
        }

        let endpoints = system.api("/endpoints").await;
        let items = &endpoints["endpoints"][0];
        assert_eq!(items["endpoint"], "GET /items/{id}", "{endpoints}");
        assert_eq!(items["compared"], 200);
        assert_eq!(items["mismatched"], 20, "one in ten: {endpoints}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsafe_methods_are_copied_only_when_asked_for() {
    each_layout(async |layout| {
        let primary = Service::start(item).await;
        let candidate = Service::start(item).await;
        let system = System::start(&layout, &primary.url, &candidate.url, &[]).await;
        for id in 0..5 {
            let answer = system
                .client
                .post(format!("{}/items/{id}", system.tap))
                .body("{}")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
        }
        let funnel = system.settled(5).await;
        assert_eq!(funnel["not_copied"]["write"], 5, "{funnel}");
        assert_eq!(funnel["captured"], 0, "{funnel}");
        assert_eq!(primary.seen().len(), 5);
        assert!(candidate.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_reach_the_candidate_when_asked_for() {
    each_layout(async |layout| {
        let primary = Service::start(item).await;
        let candidate = Service::start(item).await;
        let system = System::start(&layout, &primary.url, &candidate.url, &["--writes"]).await;
        for id in 0..5 {
            let url = format!("{}/items/{id}", system.tap);
            let body = json!({ "n": id }).to_string();
            system.client.post(url).body(body).send().await.unwrap();
        }
        let funnel = system.settled(5).await;
        assert_eq!(funnel["compared"], 5, "{funnel}");
        let bodies = |seen: Vec<Seen>| -> BTreeMap<String, Vec<u8>> {
            seen.into_iter().map(|one| (one.target, one.body)).collect()
        };
        assert_eq!(bodies(primary.seen()), bodies(candidate.seen()));
        assert_eq!(candidate.seen().len(), 5, "at most once");
    })
    .await;
}

fn targets(seen: &[Seen]) -> Vec<String> {
    let mut targets: Vec<String> = seen.iter().map(|one| one.target.clone()).collect();
    targets.sort();
    targets
}

fn steps_by_session(seen: &[Seen]) -> BTreeMap<String, Vec<u32>> {
    let mut sessions: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for one in seen {
        let session = one.header("x-session-id").unwrap_or_default().to_owned();
        let step = one.header("x-step").and_then(|step| step.parse().ok()).unwrap_or_default();
        sessions.entry(session).or_default().push(step);
    }
    sessions
}
