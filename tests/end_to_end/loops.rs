//! A candidate whose address is the tap's: nothing is written twice and nothing goes round.

use serde_json::json;

use crate::harness::{Reply, Seen, Service, System, each_layout};

const SHADOW: &str = "x-understudy-shadow";

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_is_the_tap_writes_nothing_and_ends_the_loop() {
    each_layout(async |layout| {
        let primary =
            Service::start(|seen: &Seen| Reply::json(&json!({ "asked": seen.target }))).await;
        let more = ["--session", "header:x-session-id", "--writes"];
        let system = System::start(&layout, &primary.url, System::ITS_OWN_TAP, &more).await;
        for step in 0..12 {
            let url = format!("{}/steps/{step}", system.tap);
            let request = if step % 4 == 0 {
                system.client.post(url).body("write")
            } else {
                system.client.get(url)
            };
            let answer = request.header("x-session-id", "one").send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        let funnel = system.at_rest().await;
        assert_eq!(funnel["captured"], 12, "a replay is never copied: {funnel}");

        let seen = primary.seen();
        let (replays, originals): (Vec<_>, Vec<_>) =
            seen.iter().partition(|request| request.header(SHADOW).is_some());
        assert_eq!(originals.len(), 12);
        assert!(replays.iter().all(|replay| replay.method == "GET"), "{replays:#?}");
        assert!((9..=18).contains(&replays.len()), "each read once, at most twice");
        let not_copied = &funnel["not_copied"];
        assert_eq!(not_copied["shadow"], replays.len(), "{funnel}");
        assert!(not_copied["refused"].as_u64() >= Some(3), "the writes: {funnel}");
    })
    .await;
}
