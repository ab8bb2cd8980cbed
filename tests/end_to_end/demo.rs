//! The demo: what a newcomer sees first, on both backends.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Ended, Layout, free_port, understudy};

/// The same requests from the same seed, then the clusters and the funnel.
async fn demo(layout: &Layout, more: &[&str]) -> Value {
    let web = format!("127.0.0.1:{}", free_port());
    let mut args = vec![
        "demo",
        "--for",
        "60s",
        "--json",
        "--requests",
        "2400",
        "--rate",
        "200",
        "--seed",
        "7",
        "--web",
        &web,
    ];
    if let Layout::Servers { amqp, postgres, prefix: _ } = layout {
        args.extend(["--queue", amqp, "--store", postgres]);
    }
    args.extend(more);
    let ended: Ended = understudy(&args).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|problem| panic!("{problem}: {ended:?}"))
}

/// What differs at which endpoint (`GET /offers/{id} body /rate value_changed`), and how often.
/// Example values in the title depend on who came first and are left out.
fn counts(report: &Value) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for cluster in report["clusters"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut places: Vec<String> = cluster["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| format!("{} {} {}", text(&d["where"]), text(&d["path"]), text(&d["kind"])))
            .collect();
        places.sort();
        places.dedup();
        let key = format!("{} {}", text(&cluster["endpoint"]), places.join(", "));
        *counts.entry(key).or_default() += cluster["count"].as_u64().unwrap();
    }
    counts
}

/// Whether a cluster shows at the place that the truth names: at the endpoint, where `{queue}`
/// stands for any one queue, and at the field, or the status.
fn shows(cluster: &Value, place: &demo::Place) -> bool {
    let endpoint = cluster["endpoint"].as_str().unwrap();
    let same_endpoint = endpoint.split('/').count() == place.endpoint.split('/').count()
        && endpoint
            .split('/')
            .zip(place.endpoint.split('/'))
            .all(|(found, wanted)| found == wanted || wanted.starts_with('{'));
    same_endpoint
        && cluster["differences"].as_array().unwrap().iter().any(|difference| {
            let path = difference["path"].as_str().unwrap_or_default();
            match place.field {
                "status" => difference["where"] == "status",
                field => path.split('/').any(|step| step == field),
            }
        })
}

fn assert_balanced(funnel: &Value) {
    let one = |name: &str| funnel[name].as_u64().unwrap_or_else(|| panic!("{name}: {funnel}"));
    let sum = |name: &str| -> u64 {
        funnel[name].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    };
    assert_eq!(
        one("seen"),
        one("sampled_out") + sum("not_copied") + sum("dropped") + one("captured"),
        "{funnel}"
    );
    assert_eq!(
        one("captured"),
        one("compared") + sum("skipped") + one("parked") + one("in_flight") + one("lost"),
        "{funnel}"
    );
    assert_eq!(one("lost"), 0, "{funnel}");
    assert_eq!(funnel["balanced"], true, "{funnel}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_rule_has_a_cluster_and_both_backends_agree() {
    let embedded = demo(&Layout::Embedded, &[]).await;
    assert_balanced(&embedded["funnel"]);
    assert_eq!(embedded["funnel"]["seen"], 2400);
    let found = counts(&embedded);
    let clusters = embedded["clusters"].as_array().unwrap();
    for rule in demo::Rule::ALL {
        for place in rule.shows_at() {
            assert!(
                clusters.iter().any(|cluster| shows(cluster, place)),
                "{rule}: no cluster at {place:?}: {found:#?}"
            );
        }
    }
    assert!(found.values().sum::<u64>() > 100, "{found:#?}");

    let Some(layout) = Layout::servers().await else { return };
    let servers = demo(&layout, &[]).await;
    layout.clean_up().await;
    assert_balanced(&servers["funnel"]);
    assert_eq!(counts(&servers), found, "the same traffic gives the same clusters and counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_candidate_has_no_cluster() {
    let report = demo(&Layout::Embedded, &["--fix", "all"]).await;
    assert_balanced(&report["funnel"]);
    assert_eq!(counts(&report), BTreeMap::new());
}
