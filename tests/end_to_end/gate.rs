//! `understudy gate` as a pipeline calls it.

use serde_json::{Value, json};

use crate::harness::{Reply, Seen, Service, System, each_layout, free_port, understudy};

fn account(seen: &Seen) -> Reply {
    let id = seen.target.rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({ "id": id, "limit": 500 }))
}

fn account_without_limit(seen: &Seen) -> Reply {
    let id = seen.target.rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({ "id": id, "limit": 0 }))
}

async fn ask(system: &System, count: u64) {
    for id in 0..count {
        let url = format!("{}/accounts/{id}", system.tap);
        system.client.get(url).send().await.unwrap();
    }
    system.settled(count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_services_pass_once_there_is_enough_evidence() {
    each_layout(async |layout| {
        let primary = Service::start(account).await;
        let candidate = Service::start(account).await;
        let system = System::start(&layout, &primary.url, &candidate.url, &[]).await;
        let gate =
            ["gate", "--server", &system.web, "--max-mismatch-rate", "2%", "--min-samples", "300"];

        ask(&system, 20).await;
        let early = understudy(&gate).await;
        assert_eq!(early.code, Some(2), "{early:?}");
        assert!(early.stdout.contains("GET /accounts/{id}"), "{early:?}");

        ask(&system, 700).await;
        let report = system.folder().join("gate.json");
        let markdown = system.folder().join("gate.md");
        let mut with_reports = gate.to_vec();
        with_reports.extend(["--json", report.to_str().unwrap()]);
        with_reports.extend(["--markdown", markdown.to_str().unwrap()]);
        let enough = understudy(&with_reports).await;
        assert_eq!(enough.code, Some(0), "{enough:?}");
        let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        assert_eq!(report["verdict"], "pass", "{report}");
        assert!(std::fs::read_to_string(markdown).unwrap().contains("GET /accounts/{id}"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_rule_fails_and_is_named() {
    each_layout(async |layout| {
        let primary = Service::start(account).await;
        let candidate = Service::start(account_without_limit).await;
        let system = System::start(&layout, &primary.url, &candidate.url, &[]).await;
        ask(&system, 60).await;
        system.learnt(1).await;
        let ended = understudy(&["gate", "--server", &system.web, "--min-samples", "50"]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("limit"), "the cluster is named: {ended:?}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_no_decision() {
    let server = format!("http://127.0.0.1:{}", free_port());
    let ended = understudy(&["gate", "--server", &server]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains(&server), "{ended:?}");
}

#[tokio::test]
async fn bad_input_is_no_decision_either() {
    let server = "http://127.0.0.1:9";
    for args in [
        &["gate"][..],
        &["gate", "--server", "here"],
        &["gate", "--server", server, "--max-mismatch-rate", "200%"],
        &["gate", "--server", server, "--wait", "10"],
    ] {
        let ended = understudy(args).await;
        assert_eq!(ended.code, Some(3), "{args:?}: {ended:?}");
    }
}
