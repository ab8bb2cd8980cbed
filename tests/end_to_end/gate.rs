//! `understudy gate` as a pipeline calls it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::{
    Ended, Layout, Process, Reply, Seen, Service, System, binary, each_layout, free_port,
    understudy, until,
};

fn account(seen: &Seen) -> Reply {
    let id = seen.target.rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({ "id": id, "limit": 500 }))
}

fn account_without_limit(seen: &Seen) -> Reply {
    let id = seen.target.rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({ "id": id, "limit": 0 }))
}

/// As users do, one after the other: times are compared, and those of a machine that is busy with
/// a flood of requests say nothing of the services.
async fn ask(system: &System, count: u64) {
    let mut turn = tokio::time::interval(Duration::from_millis(10));
    for id in 0..count {
        turn.tick().await;
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

/// A build lacks a rule, the next has it, the third lost it again: each is judged by its own
/// answers, and what was known of the rule is known at the first mismatch.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_lost_again_is_a_regression_told_with_its_condition() {
    each_layout(async |layout| {
        let build = Arc::new(AtomicUsize::new(0));
        let served = Arc::clone(&build);
        let primary = Service::start(account).await;
        let candidate = Service::start(move |seen| {
            let build = served.load(Ordering::Relaxed);
            let id: u64 =
                seen.target.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
            let mut reply = match (build, id % 5) {
                (0 | 2, 0) => account_without_limit(seen),
                _ => account(seen),
            };
            reply.headers.push(("x-understudy-version", ["b1", "b2", "b3"][build].to_owned()));
            reply
        })
        .await;
        let system = System::start(&layout, &primary.url, &candidate.url, &[]).await;
        let asked = async |ids: std::ops::Range<u64>| {
            for id in ids.clone() {
                let url = format!("{}/accounts/{id}", system.tap);
                system.client.get(url).send().await.unwrap();
            }
            system.settled(ids.end).await;
        };
        let known = async || system.api("/clusters?version=b1").await["clusters"][0].clone();
        let cluster = async || match known().await["id"].as_str() {
            Some(id) => system.api(&format!("/clusters/{id}")).await,
            None => Value::Null,
        };
        let conditioned = async || cluster().await["conditions"][0]["text"] == "id mod 5 = 0";
        let is = async |state: &str| cluster().await["state"] == state;
        asked(0..200).await;
        until("the rule is found", Duration::from_secs(30), conditioned).await;
        build.store(1, Ordering::Relaxed);
        asked(200..500).await;
        until("the cluster is fixed", Duration::from_secs(30), async || is("fixed").await).await;
        build.store(2, Ordering::Relaxed);
        asked(500..530).await;
        let again = async || is("regressed").await;
        until("the cluster is regressed", Duration::from_secs(30), again).await;
        until("its condition is still known", Duration::from_secs(10), conditioned).await;
        let ended = understudy(&["gate", "--server", &system.web, "--min-samples", "10"]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("Regressed cluster C-1"), "{ended:?}");
        assert!(ended.stdout.contains("id mod 5 = 0"), "{ended:?}");
        let before =
            understudy(&["gate", "--server", &system.web, "--candidate-version", "b2"]).await;
        assert!(!before.stdout.contains("Regressed"), "b2 had the rule: {before:?}");
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

/// The steps of docs/CI.md: a slice that lacks one rule is red, the rule is fixed on the same
/// data, the version announced, what was kept asked again, the cluster fixed, the slice green.
#[tokio::test(flavor = "multi_thread")]
async fn the_loop_of_the_manual_ends_green() {
    each_layout(async |layout| {
        let folder = tempfile::tempdir().unwrap();
        let first = Demo::start(&layout, folder.path(), &[]).await;
        first.settled(900).await;
        let cluster = first.learnt("phone").await;
        let red = first.gate(&[]).await;
        assert_eq!(red.code, Some(1), "{red:?}");
        assert!(red.stdout.contains("phone"), "the rule's place is named: {red:?}");
        first.stop().await;

        let fixed = Demo::start(&layout, folder.path(), &["--fix", "blocked-contact"]).await;
        fixed.announce("with-blocked-contact").await;
        let recheck = ["recheck", "--server", &fixed.web, "--cluster", &cluster, "--wait", "60s"];
        let gone = understudy(&recheck).await;
        assert_eq!(gone.code, Some(0), "{gone:?}");
        assert!(gone.stdout.starts_with("0 of "), "{gone:?}");
        let closed = fixed.api(&format!("/clusters/{cluster}")).await;
        assert_eq!(closed["state"], "fixed", "{closed}");
        let wait = ["--wait", "90s", "--candidate-version", "with-blocked-contact"];
        let green = fixed.gate(&wait).await;
        assert_eq!(green.code, Some(0), "{green:?}");
        // What the fixed build never answered is not taken for compared.
        fixed.settled(1_800).await;
        let compared = fixed.api("/versions/compare").await;
        assert_eq!(compared["from"], "unfinished", "{compared}");
        let phone = |one: &&Value| one["title"].as_str().unwrap_or_default().contains("phone");
        let cluster = compared["clusters"].as_array().unwrap().iter().find(phone).unwrap();
        assert_eq!(cluster["became"], "fixed", "{cluster}");
        let all = fixed.gate(&["--slice", "loans"]).await;
        assert_eq!(all.code, Some(1), "the other slices still lack theirs: {all:?}");
        fixed.stop().await;
    })
    .await;
}

/// A demo that runs until it is stopped.
struct Demo {
    process: Process,
    web: String,
    client: reqwest::Client,
}

impl Demo {
    async fn start(layout: &Layout, data: &std::path::Path, more: &[&str]) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let data_folder = data.join("data");
        let mut args = vec!["demo", "--rate", "150", "--requests", "900", "--seed", "7"];
        args.extend(["--web", &address, "--data", data_folder.to_str().unwrap()]);
        if let Layout::Servers { amqp, postgres, .. } = layout {
            args.extend(["--queue", amqp, "--store", postgres]);
        }
        args.extend(more);
        let args = args.into_iter().map(str::to_owned).collect();
        let process = Process::start(args, Vec::new(), data.join("demo.log"));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let demo = Self { process, web: format!("http://{address}"), client };
        until("the pages of the demo answer", Duration::from_secs(30), async || {
            let answer = demo.client.get(format!("{}/healthz", demo.web)).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        demo
    }

    async fn api(&self, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.web);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|problem| panic!("{path}: {problem}: {text}"))
    }

    async fn settled(&self, seen: u64) {
        until(&format!("{seen} requests settled"), Duration::from_secs(60), async || {
            let funnel = self.api("/funnel").await;
            funnel["seen"].as_u64() >= Some(seen)
                && funnel["in_flight"] == 0
                && funnel["balanced"] == true
        })
        .await;
    }

    /// The id of the cluster that is found by `word`.
    async fn learnt(&self, word: &str) -> String {
        let path = format!("/clusters?q={word}");
        until(&format!("a cluster with {word}"), Duration::from_secs(20), async || {
            let found = self.api(&path).await;
            !found["clusters"].as_array().unwrap().is_empty()
        })
        .await;
        self.api(&path).await["clusters"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn announce(&self, version: &str) {
        let said = json!({ "side": "candidate", "version": version });
        let url = format!("{}/api/v1/versions", self.web);
        let answer = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .body(said.to_string())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// The gate of the slice that lacks one rule. Times on a busy machine prove nothing.
    async fn gate(&self, more: &[&str]) -> Ended {
        let mut args = vec!["gate", "--server", &self.web];
        if !more.contains(&"--slice") {
            args.extend(["--slice", "customers"]);
        }
        args.extend(["--max-mismatch-rate", "5%", "--min-samples", "80"]);
        args.extend(["--max-latency-ratio", "1000"]);
        args.extend(more);
        understudy(&args).await
    }

    async fn stop(mut self) {
        assert_eq!(self.process.terminate().await, Some(0), "{}", self.process.said());
    }
}

/// The script of action.yml, run as a runner would: reports, output and exit code.
#[tokio::test]
async fn the_action_exits_as_the_gate_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let action = concat!(env!("CARGO_MANIFEST_DIR"), "/../action.yml");
    let text = std::fs::read_to_string(action).unwrap();
    let (_, block) = text.split_once("      run: |\n").unwrap();
    let script: String = block.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let server = format!("http://127.0.0.1:{}", free_port());
    // A value that would run if it were pasted into the script.
    let version = format!("v1$(touch {})", at("pwned"));
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]);
    bash.env("BINARY", binary()).env("SERVER", &server).env("CANDIDATE_VERSION", &version);
    for name in ["SLICE", "MAX_MISMATCH_RATE", "CONFIDENCE", "MIN_SAMPLES", "WAIT"] {
        bash.env(name, "");
    }
    bash.env("FAIL_ON_NEW_CLUSTERS", "false");
    for name in ["JUNIT", "JSON", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"] {
        bash.env(name, at(name));
    }
    let ended = bash.output().await.unwrap();
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let output = std::fs::read_to_string(at("GITHUB_OUTPUT")).unwrap();
    assert_eq!(output, "verdict=undecided\n");
    assert!(!folder.path().join("pwned").exists());
}
