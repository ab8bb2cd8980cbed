//! The panels of a cluster: when it happens, what changes, how long both sides take.

use std::collections::BTreeMap;

use cluster::doc::DocCondition;
use store::Histogram;

use crate::{
    api::Cluster,
    draw::{Curves, Strip},
    pages::{Look, sample},
    weigh::{self, Judged, Weight},
    words,
};

pub(super) struct Condition {
    pub(super) terms: Vec<String>,
    pub(super) status: String,
    /// `212 of 213`
    pub(super) precision: String,
    pub(super) precision_bar: String,
    pub(super) recall: String,
    pub(super) recall_bar: String,
    /// The condition with one of its terms left out: which, and what is left.
    pub(super) without: Option<String>,
}

/// When a cluster happens: its conditions, what each term earns, where a threshold lies.
pub(super) struct When {
    pub(super) conditions: Vec<Condition>,
    /// On what the figures rest: `on 4,120 kept exchanges`.
    pub(super) rests_on: String,
    pub(super) strip: Option<(String, Strip)>,
    /// What is held fixed while the threshold is looked at.
    pub(super) given: String,
}

pub(super) struct Change {
    pub(super) class: &'static str,
    pub(super) place: String,
    pub(super) primary: Option<String>,
    pub(super) candidate: Option<String>,
    pub(super) cause: String,
}

/// The first condition is weighed on kept rows; of the others the document's figures are shown.
pub(super) fn when(cluster: &Cluster, rows: &[Judged]) -> When {
    let mut conditions = Vec::new();
    let mut weights = Vec::new();
    if let Some(first) = cluster.conditions.first() {
        weights = weigh::weights(first, rows);
        conditions.extend(weights.iter().map(|weight| weighed(first, weight)));
    }
    let told = if conditions.is_empty() { 0 } else { 1 };
    conditions.extend(cluster.conditions.iter().skip(told).map(condition));
    let strip = cluster.conditions.first().and_then(|first| weigh::threshold(first, rows));
    let given = match (&strip, cluster.conditions.first()) {
        (Some((field, _)), Some(first)) => {
            let rest = first.terms.iter().filter(|term| term.field != *field).map(term);
            rest.collect::<Vec<_>>().join(" and ")
        }
        _ => String::new(),
    };
    When {
        conditions,
        rests_on: match weights.len() {
            0 => String::new(),
            1 => format!("on {}", words::plural(rows.len() as u64, "kept exchange")),
            _ => format!(
                "on {}; drop a term and see what it earns",
                words::plural(rows.len() as u64, "kept exchange")
            ),
        },
        strip: strip.map(|(field, strip)| (short(&field), strip)),
        given,
    }
}

fn weighed(condition: &DocCondition, weight: &Weight) -> Condition {
    let terms = condition.terms.iter().enumerate();
    let left = terms.filter(|(place, _)| Some(*place) != weight.without);
    let bar = |share: f64| format!("{:.1}", share.clamp(0.0, 1.0) * 100.0);
    let of = |part: u64, whole: u64| format!("{} of {}", words::count(part), words::count(whole));
    Condition {
        terms: left.map(|(_, one)| term(one)).collect(),
        status: if weight.without.is_none() { condition.status.clone() } else { String::new() },
        precision: of(weight.hits, weight.covered),
        precision_bar: bar(words::share(weight.hits, weight.covered)),
        recall: of(weight.hits, weight.shown),
        recall_bar: bar(words::share(weight.hits, weight.shown)),
        without: weight
            .without
            .and_then(|place| condition.terms.get(place))
            .map(|one| short(&one.field)),
    }
}

/// As the document tells it, where no row can be weighed.
fn condition(condition: &DocCondition) -> Condition {
    let bar = |share: f64| format!("{:.1}", share.clamp(0.0, 1.0) * 100.0);
    Condition {
        terms: if condition.terms.is_empty() {
            vec![condition.text.clone()]
        } else {
            condition.terms.iter().map(term).collect()
        },
        status: condition.status.clone(),
        precision: words::percent(condition.precision),
        precision_bar: bar(condition.precision),
        recall: words::percent(condition.recall),
        recall_bar: bar(condition.recall),
        without: None,
    }
}

/// `amount` of `response.body.amount`.
pub(super) fn short(field: &str) -> String {
    let inner = |text: &str| {
        ["response.body.", "request.body.", "request.", "response."]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text)
            .to_owned()
    };
    match field.split_once('(') {
        Some((name, rest)) => format!("{name}({}", inner(rest)),
        None => inner(field),
    }
}

fn term(term: &cluster::doc::DocTerm) -> String {
    match &term.value {
        serde_json::Value::Null => format!("{} {}", short(&term.field), term.op),
        serde_json::Value::String(text) => format!("{} {} {text}", short(&term.field), term.op),
        value => format!("{} {} {value}", short(&term.field), term.op),
    }
}

pub(super) fn changes(cluster: &Cluster) -> Vec<Change> {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::Null => None,
        value => Some(sample::shown_value(&value.to_string(), 60)),
    };
    cluster
        .differences
        .iter()
        .map(|one| Change {
            class: crate::sides::class_of(&one.kind, None),
            place: if one.place == "status" { "status".to_owned() } else { one.path.clone() },
            primary: value(&one.example.primary),
            candidate: value(&one.example.candidate),
            cause: one.cause.as_ref().map(|cause| cause.text.clone()).unwrap_or_default(),
        })
        .collect()
}

/// Latency at the endpoint hit most, with the newest version that shows the cluster.
pub(super) fn curves(look: &Look, cluster: &Cluster) -> Option<Curves> {
    let key = look.ledger.endpoint_named(&cluster.endpoint)?;
    let version = cluster.versions.last();
    let own = |row: &&Histogram| {
        look.ledger.resolve(row.endpoint) == key && version.is_none_or(|one| *one == row.version)
    };
    let (mut primary, mut candidate) = (BTreeMap::new(), BTreeMap::new());
    for row in look.ledger.latencies.iter().filter(own) {
        row.primary.iter().for_each(|(b, n)| *primary.entry(*b).or_default() += n);
        row.candidate.iter().for_each(|(b, n)| *candidate.entry(*b).or_default() += n);
    }
    Curves::of(&primary, &candidate, 116)
}
