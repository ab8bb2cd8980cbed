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

/// Title and endpoint to count.
fn counts(report: &Value) -> BTreeMap<(String, String), u64> {
    let clusters = report["clusters"].as_array().unwrap();
    clusters
        .iter()
        .map(|cluster| {
            let text = |name: &str| cluster[name].as_str().unwrap().to_owned();
            ((text("endpoint"), text("title")), cluster["count"].as_u64().unwrap())
        })
        .collect()
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
    for rule in demo::Rule::ALL {
        for place in rule.shows_at() {
            assert!(
                found
                    .keys()
                    .any(|(endpoint, title)| endpoint == place.endpoint
                        && title.contains(place.field)),
                "{}: no cluster at {} in {}: {found:#?}",
                rule.id(),
                place.endpoint,
                place.field
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
