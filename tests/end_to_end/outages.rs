//! A broker that goes away under traffic and comes back.

use std::{collections::BTreeMap, time::Duration};

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Layout, Relay, Reply, Seen, Service, System},
    kills::{Users, in_order},
};

fn answer(seen: &Seen) -> Reply {
    Reply::json(&json!({ "asked": seen.target }))
}

/// Every third step of a user changes something.
fn method(step: u64) -> Method {
    if step.is_multiple_of(3) { Method::POST } else { Method::GET }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_three_times_costs_no_request_no_order_and_no_second_write() {
    let Some(layout) = Layout::servers().await else { return };
    let Layout::Servers { amqp, postgres, prefix } = &layout else { return };
    let relay = Relay::before(amqp).await;
    let behind = Layout::Servers {
        amqp: relay.in_place_of(amqp),
        postgres: postgres.clone(),
        prefix: prefix.clone(),
    };
    let primary = Service::start(answer).await;
    let candidate = Service::start(answer).await;
    let more = ["--session", "header:x-session-id", "--writes"];
    let system = System::start(&behind, &primary.url, &candidate.url, &more).await;
    let users = Users::start(&system, method);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        relay.cut();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        relay.restore();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answered = users.stop().await;
    let asked = primary.seen();
    assert_eq!(answered, asked.len() as u64, "users' requests never fail for the broker's sake");
    assert!(answered > 100, "users were served: {answered}");

    let funnel = system.settled(answered).await;
    let count = |name: &str| funnel[name].as_u64().unwrap();
    assert_eq!((count("captured"), count("lost")), (answered, 0), "{funnel}");
    let skipped: u64 =
        funnel["skipped"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(count("captured"), count("compared") + skipped + count("parked"), "{funnel}");

    let replayed = candidate.seen();
    in_order(&replayed);
    let mut writes: BTreeMap<String, u64> = BTreeMap::new();
    for write in replayed.into_iter().filter(|one| one.method == "POST") {
        *writes.entry(write.target).or_default() += 1;
    }
    let twice: Vec<_> = writes.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    // What was cut off between sending and its answer stays unknown, a few at most.
    let all = asked.iter().filter(|one| one.method == "POST").count();
    let unknown = funnel["skipped"]["write_unknown"].as_u64().unwrap_or(0) as usize;
    assert!(writes.len() + unknown >= all, "{} of {all} writes, {unknown} unknown", writes.len());
    assert!(unknown * 10 <= all, "{unknown} of {all} unknown");
    layout.clean_up().await;
}
