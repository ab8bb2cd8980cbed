//! What stands behind a decision on the page of the gate: rare answers, what is left out, what
//! became of the clusters of the version before.

use gate::Decision;

use super::{Look, deciding::Check};
use crate::{
    api::{self, Became, ClusterIn, CompareQuery},
    ledger::Scope,
    words,
};

/// Rows of one list; the rest is counted.
const MOST: usize = 12;

/// Trials by what the primary answered, of one endpoint.
pub(super) struct Strata {
    pub(super) name: String,
    pub(super) list: String,
}

/// What became of the clusters of the version before.
pub(super) struct Since {
    pub(super) from: String,
    pub(super) counts: String,
    pub(super) rows: Vec<SinceRow>,
    /// Changes of the primary since then.
    pub(super) primary: Vec<String>,
}

pub(super) struct SinceRow {
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) title: String,
    pub(super) id: String,
    pub(super) shares: String,
    pub(super) href: String,
}

/// A sentence for each accepted cluster, and where it is shown.
pub(super) fn accepted(decision: &Decision) -> Vec<(String, String)> {
    let sentence = |one: &gate::ClusterEvidence| {
        let mut text = format!("{}: {}", one.id, one.title);
        for (word, value) in [
            (", when ", &one.condition),
            (", by ", &one.owner),
            (", until ", &one.expires_at),
            (": ", &one.reason),
        ] {
            if let Some(value) = value {
                text.push_str(word);
                text.push_str(value);
            }
        }
        (text, one.link.clone().unwrap_or_default())
    };
    decision.accepted_clusters.iter().map(sentence).collect()
}

/// Endpoints whose primary answered in more than one way.
pub(super) fn strata(decision: &Decision) -> Vec<Strata> {
    let mut strata = Vec::new();
    for endpoint in &decision.endpoints {
        let mut found: Vec<(u64, String)> = Vec::new();
        if endpoint.statuses.len() > 1 {
            let statuses = endpoint.statuses.iter();
            found.extend(statuses.map(|one| (one.trials, one.status.to_string())));
        }
        let branches = endpoint.branches.iter();
        found.extend(branches.map(|one| (one.trials, format!("{} {}", one.place, one.value))));
        found.sort();
        let rest = found.len().saturating_sub(MOST);
        let mut list: Vec<String> = found
            .into_iter()
            .take(MOST)
            .map(|(trials, what)| format!("{what}: {}", words::count(trials)))
            .collect();
        if rest > 0 {
            list.push(format!("{rest} more"));
        }
        if !list.is_empty() {
            strata.push(Strata { name: endpoint.endpoint.clone(), list: list.join(" · ") });
        }
    }
    strata
}

/// `None` where there is no version before the one shown.
pub(super) fn since(look: &Look, scope: &Scope) -> Option<Since> {
    let query = CompareQuery { from: None, to: Some(scope.version()?.to_owned()) };
    let comparison = api::comparison_of(&look.ledger, &query).ok()?;
    let number = |became| comparison.clusters.iter().filter(|one| one.became == became).count();
    let order =
        [Became::Regressed, Became::New, Became::Unchanged, Became::NotSeenYet, Became::Fixed];
    let counts: Vec<String> = order
        .into_iter()
        .filter(|became| number(*became) > 0)
        .map(|became| format!("{} {}", number(became), named(became).1))
        .collect();
    let shares = |one: ClusterIn| words::percent(words::share(one.trials, one.of_trials));
    let rows = comparison.clusters.iter().take(MOST).map(|one| {
        let (class, word) = named(one.became);
        SinceRow {
            class,
            word,
            title: format!("{}: {}", one.endpoint, one.title),
            id: one.id.to_string(),
            shares: format!("{} to {} of trials", shares(one.from), shares(one.to)),
            href: words::link(&format!("/clusters/{}", one.id), &[]),
        }
    });
    let primary = comparison.primary_changes.iter().map(|one| {
        format!(
            "The primary changed to {} at {}: answers before that are stale.",
            one.version, one.first_seen
        )
    });
    Some(Since {
        counts: counts.join(" · "),
        rows: rows.collect(),
        primary: primary.collect(),
        from: comparison.from.clone(),
    })
}

/// Class and word.
fn named(became: Became) -> (&'static str, &'static str) {
    match became {
        Became::Regressed => ("fail", "regressed"),
        Became::New => ("fail", "new"),
        Became::Unchanged => ("wait", "unchanged"),
        Became::NotSeenYet => ("wait", "not seen yet"),
        Became::Fixed => ("pass", "fixed"),
    }
}

pub(super) fn masked_check(decision: &Decision, href: String) -> Check {
    let masked: u64 = decision.endpoints.iter().map(|one| one.masked).sum();
    let compared: u64 = decision.endpoints.iter().map(|one| one.compared).sum();
    let over = decision
        .endpoints
        .iter()
        .filter(|one| words::share(one.masked, one.compared) > one.targets.max_masked_rate)
        .count();
    Check {
        class: if over > 0 { "fail" } else { "pass" },
        name: format!(
            "Pairs that match only by a rule under {}",
            words::round_percent(decision.targets.max_masked_rate)
        ),
        value: words::percent(words::share(masked, compared)),
        href,
    }
}

pub(super) fn latency_check(decision: &Decision, href: String) -> Check {
    let ratios = || decision.endpoints.iter().filter_map(|one| Some((one, one.latency_ratio?)));
    let slow = ratios().any(|(one, ratio)| ratio.low > one.targets.max_latency_ratio);
    let unsure = ratios()
        .any(|(one, ratio)| ratio.high.is_none_or(|high| high > one.targets.max_latency_ratio));
    let worst = ratios().map(|(_, ratio)| ratio.median).max_by(f64::total_cmp);
    Check {
        class: match (slow, unsure) {
            (true, _) => "fail",
            (false, true) => "wait",
            (false, false) => "pass",
        },
        name: format!(
            "Candidate's time under {} times the primary's, median by pair",
            decision.targets.max_latency_ratio
        ),
        value: worst
            .map_or_else(|| "no pairs".to_owned(), |worst| format!("at most {worst:.2} times")),
        href,
    }
}
