//! Goals of scenarios that are messy in one way each: shared state that lags, missing and old
//! rows, a primary that changes, credentials refused for a while.

use serde_json::Value;

use super::{
    Scored,
    goals::{Goal, number},
};

/// The way in which a scenario is messy, where it is.
pub(super) fn family(scored: &Scored) -> Option<&str> {
    scored.score["summary"]["family"].as_str()
}

pub(super) fn tell_one(scored: &Scored) {
    eprintln!("{}, seed {}: {}", scored.scenario, scored.seed, scored.score["summary"]);
    let clusters = scored.score["clusters"].as_array().into_iter().flatten();
    for cluster in clusters {
        eprintln!(
            "   {} x {} ({}): {}",
            cluster["count"],
            cluster["main"].as_str().unwrap_or_default(),
            cluster["label"].as_str().unwrap_or_default(),
            cluster["title"].as_str().unwrap_or_default()
        );
    }
}

pub(super) fn goals(scored: &Scored, faultless: bool) -> Vec<Goal> {
    let summary = &scored.score["summary"];
    let name = |figure: &str| format!("{}: {figure}", scored.scenario);
    let least = |figure: &str, value, bound| Goal::least(name(figure), value, bound);
    let most = |figure: &str, value, bound| Goal::most(name(figure), value, bound);
    let mut goals =
        vec![most("clusters without a difference", number(&summary["false_clusters"]), 0.0)];
    if faultless {
        return goals;
    }
    let rules = number(&summary["rules"]);
    goals.push(least("rules found", number(&summary["rules_found"]), rules));
    goals.push(least("explained", number(&summary["explained"]), number(&summary["explainable"])));
    let missed = number(&summary["rules_missed_as_transient"]);
    goals.push(most("rules called transient", missed, 0.0));
    let Some(family) = family(scored) else { return goals };
    let own = &summary[family];
    let truth = |value: &Value| if value == true { 1.0 } else { 0.0 };
    match family {
        "lag" => {
            goals.push(most("lag called deterministic", number(&own["false_deterministic"]), 0.0));
            goals.push(most("lag not judged", number(&own["unlabelled"]), 0.0));
        }
        "gaps" => {
            goals.push(least("precision of ids", number(&own["precision"]), 0.95));
            goals.push(least("recall of ids", number(&own["recall"]), 0.95));
            goals.push(most("clusters of faulty data", number(&own["clusters_of_gaps"]), 1.0));
        }
        "drift" => {
            goals.push(least("change of the primary named", truth(&own["recognised"]), 1.0));
            let others = number(&own["other_clusters_named_drift"]);
            goals.push(most("other clusters named so", others, 0.0));
        }
        _ => {
            goals.push(most(
                "refusals called mismatches",
                number(&own["reported_as_mismatch"]),
                0.0,
            ));
        }
    }
    goals
}
