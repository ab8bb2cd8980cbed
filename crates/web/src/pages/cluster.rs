//! One cluster: its sentence, when it happens, what changes, and samples side by side.

use std::sync::Arc;

use askama::Template;
use cluster::{
    Model,
    doc::{DocCondition, TitlePart},
};
use serde::Deserialize;
use store::{FixRow, SampleRow};

use super::{
    Look,
    clusters::{self, Repeat, State},
    frame::{About, Frame},
    html,
    masks::Masks,
    rows::Context,
    sample::{self, Panel},
};
use crate::{
    api::{self, ApiError, Cluster, ClusterId, EndpointsQuery, LatencyMs, Recheck},
    draw::{Columns, LatencyAxis},
    words,
};

/// Ids of missing or old data that a page shows; the files hold all.
const SHOWN_ENTITIES: usize = 60;
const KEYS: &[(&str, &str)] = &[
    ("n p", "Next, previous difference"),
    ("j k", "Next, previous cluster"),
    ("esc", "Back to the list"),
    ("?", "Keys on or off"),
];
/// Matches shown beside the mismatches.
pub(crate) const CONTRAST: u32 = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(crate) version: String,
    pub(crate) sample: String,
    #[serde(flatten)]
    panel: sample::Asked,
    theme: String,
}

/// What the store keeps of one cluster.
pub(crate) struct Kept {
    pub(crate) samples: Vec<SampleRow>,
    pub(crate) matches: Vec<SampleRow>,
    pub(crate) model: Arc<Model>,
    /// The newest.
    pub(crate) recheck: Option<Recheck>,
    pub(crate) fix: Option<FixRow>,
}

#[derive(Template)]
#[template(path = "cluster.html")]
struct Page {
    frame: Frame,
    id: String,
    list_href: String,
    previous: Option<String>,
    next: Option<String>,
    position: String,
    parts: Vec<TitlePart>,
    state: State,
    actions: Vec<Action>,
    may_recheck: bool,
    recheck: Option<String>,
    fixed: Option<String>,
    /// No exchange shows it any more, and nobody settled it: what was learnt since did.
    volatile_href: Option<String>,
    endpoint: String,
    endpoint_href: String,
    more_endpoints: Vec<String>,
    count: String,
    count_href: String,
    share: String,
    repeat: Repeat,
    first_version: String,
    first_seen: String,
    first_seen_exact: String,
    last_seen: String,
    last_seen_exact: String,
    owner: Option<String>,
    note: Option<String>,
    cause: &'static str,
    conditions: Vec<Condition>,
    entity_count: String,
    /// The first of them.
    entities: Vec<String>,
    more_entities: usize,
    changes: Vec<Change>,
    follows: Option<String>,
    spark: Columns,
    spark_from: String,
    spark_to: String,
    latency: Option<Curves>,
    kept: String,
    samples: Vec<SampleLink>,
    matches: Vec<SampleLink>,
    panel: Option<Panel>,
}

/// A button that changes the state.
struct Action {
    name: &'static str,
    state: &'static str,
    icon: &'static str,
    is_main: bool,
}

struct Condition {
    terms: Vec<String>,
    status: String,
    precision: String,
    precision_bar: String,
    recall: String,
    recall_bar: String,
    support: String,
}

struct Change {
    class: &'static str,
    place: String,
    primary: Option<String>,
    candidate: Option<String>,
    cause: String,
}

struct SampleLink {
    href: String,
    /// In pieces after which a line may end.
    path: Vec<String>,
    clock: String,
    time: String,
    current: bool,
}

/// p50, p95 and p99 of both sides as points of two lines.
struct Curves {
    primary: Vec<(String, String)>,
    candidate: Vec<(String, String)>,
    primary_line: String,
    candidate_line: String,
    ticks: Vec<(String, String)>,
    label: String,
}

pub(crate) fn page(
    look: &Look,
    id: ClusterId,
    kept: &Kept,
    asked: &Asked,
) -> Result<String, ApiError> {
    let version = Some(asked.version.as_str()).filter(|version| !version.is_empty());
    let cluster = api::cluster_of(&look.ledger, id, version)?;
    let path = format!("/clusters/{id}");
    let title = format!("{id}: {}", cluster.title);
    let about = About {
        title: &title,
        section: "/clusters",
        path: &path,
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let scope = look.scope(&asked.version);
    let differing = clusters::differing(look, &scope);
    let versions: Vec<&str> = look.ledger.candidate_versions().into_iter().take(12).collect();
    let neighbours = neighbours(look, &cluster, asked)?;
    let spark = clusters::spark(look, &cluster, 216, 36);
    let sample = shown(kept, asked);
    let masks = Masks::new(look, &kept.model);
    let gone = is_volatile(look, &cluster, &kept.model);
    let samples = links(look, &kept.samples, sample, id, asked);
    let entities = cluster.entities.clone().unwrap_or_default();
    let matches = links(look, &kept.matches, sample, id, asked);
    html(
        Page {
            frame: Frame::of(look, &about),
            list_href: words::link(
                "/clusters",
                &[("version", &asked.version), ("theme", &asked.theme)],
            ),
            previous: neighbours.0,
            next: neighbours.1,
            position: neighbours.2,
            state: if gone { State::VOLATILE } else { State::of(&cluster.state) },
            may_recheck: !gone
                && cluster.cause_kind != "lag"
                && kept.recheck.as_ref().is_none_or(Recheck::is_over),
            recheck: kept.recheck.as_ref().map(Recheck::sentence),
            fixed: kept
                .fix
                .as_ref()
                .filter(|_| cluster.state == "fixed")
                .map(|fix| format!("{}, {}", fix.reason, words::when(fix.fixed_at, look.now))),
            actions: if gone { Vec::new() } else { actions(&cluster.state) },
            volatile_href: gone.then(|| {
                words::link("/volatile", &[("version", &asked.version), ("theme", &asked.theme)])
            }),
            endpoint_href: words::link(
                "/clusters",
                &[
                    ("endpoint", &cluster.endpoint),
                    ("version", &asked.version),
                    ("theme", &asked.theme),
                ],
            ),
            count_href: words::link(
                "/exchanges",
                &[
                    ("cluster", &id.to_string()),
                    ("version", &asked.version),
                    ("theme", &asked.theme),
                ],
            ),
            more_endpoints: cluster.endpoints.iter().skip(1).cloned().collect(),
            count: words::count(cluster.count),
            share: words::percent(words::share(cluster.count, differing.max(cluster.count))),
            repeat: Repeat::of(&cluster.repeatability),
            first_version: cluster.versions.first().cloned().unwrap_or_default(),
            first_seen: relative(look, &cluster.first_seen),
            last_seen: relative(look, &cluster.last_seen),
            cause: clusters::cause_words(&cluster.cause_kind),
            conditions: cluster.conditions.iter().map(condition).collect(),
            entity_count: match entities.len() {
                1 => "1 entity".to_owned(),
                many => format!("{} entities", words::count(many as u64)),
            },
            more_entities: entities.len().saturating_sub(SHOWN_ENTITIES),
            entities: entities.iter().take(SHOWN_ENTITIES).cloned().collect(),
            changes: changes(&cluster),
            follows: cluster.follows.clone(),
            spark_from: versions.last().map(ToString::to_string).unwrap_or_default(),
            spark_to: versions.first().map(ToString::to_string).unwrap_or_default(),
            spark,
            latency: curves(look, &cluster),
            kept: format!(
                "{} counted, {} kept",
                words::count(cluster.count),
                words::count(kept.samples.len() as u64)
            ),
            panel: sample.map(|sample| {
                let context = Context {
                    exchange: sample.exchange.to_string(),
                    cluster: id.to_string(),
                    version: asked.version.clone(),
                    theme: asked.theme.clone(),
                };
                let href = |changes: &[(&str, &str)]| href(id, asked, changes);
                sample::panel(sample, &masks, &asked.panel, &context, &href)
            }),
            samples,
            matches,
            id: id.to_string(),
            parts: cluster.title_parts,
            endpoint: cluster.endpoint,
            first_seen_exact: cluster.first_seen,
            last_seen_exact: cluster.last_seen,
            owner: cluster.owner,
            note: cluster.note,
        }
        .render(),
    )
}

/// The clusters before and after this one in the list, and `2 of 11`.
fn neighbours(
    look: &Look,
    cluster: &Cluster,
    asked: &Asked,
) -> Result<(Option<String>, Option<String>, String), ApiError> {
    let scope = look.scope(&asked.version);
    let state = match cluster.state.as_str() {
        state @ ("accepted" | "fixed") => state,
        _ => "open",
    };
    let list = clusters::every(look, &scope, state)?;
    let Some(place) = list.iter().position(|one| one.id == cluster.id) else {
        return Ok((None, None, String::new()));
    };
    let href = |place: usize| {
        list.get(place).map(|one| {
            words::link(
                &format!("/clusters/{}", one.id),
                &[("version", &asked.version), ("theme", &asked.theme)],
            )
        })
    };
    let previous = place.checked_sub(1).and_then(href);
    Ok((previous, href(place + 1), format!("{} of {}", place + 1, list.len())))
}

/// Whether all that is left of an open cluster are places that were found volatile.
fn is_volatile(look: &Look, cluster: &Cluster, model: &Model) -> bool {
    let endpoint = look.ledger.endpoint_named(&cluster.endpoint);
    let is_open = matches!(cluster.state.as_str(), "new" | "known");
    let covers = |one: &cluster::doc::DocDifference| {
        model.volatile.iter().any(|place| {
            let array = one.path.strip_suffix("/*").unwrap_or(&one.path);
            Some(place.endpoint.0) == endpoint
                && api::place_name(place.place) == one.place
                && (place.path == one.path || place.path == array)
        })
    };
    is_open && cluster.by_version.is_empty() && cluster.differences.iter().any(covers)
}

fn actions(state: &str) -> Vec<Action> {
    let accept = Action { name: "Accept", state: "accepted", icon: "accept", is_main: false };
    let fixed = Action { name: "Mark fixed", state: "fixed", icon: "tick", is_main: true };
    let reopen = Action { name: "Reopen", state: "open", icon: "back", is_main: false };
    match state {
        "accepted" => vec![reopen, fixed],
        "fixed" => vec![reopen],
        _ => vec![accept, fixed],
    }
}

fn relative(look: &Look, instant: &str) -> String {
    words::instant_of(instant).map_or_else(|| instant.to_owned(), |at| words::ago(at, look.now))
}

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
        support: words::count(condition.support),
    }
}

fn term(term: &cluster::doc::DocTerm) -> String {
    match &term.value {
        serde_json::Value::Null => format!("{} {}", term.field, term.op),
        serde_json::Value::String(text) => format!("{} {} {text}", term.field, term.op),
        value => format!("{} {} {value}", term.field, term.op),
    }
}

fn changes(cluster: &Cluster) -> Vec<Change> {
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

fn links(
    look: &Look,
    samples: &[SampleRow],
    shown: Option<&SampleRow>,
    id: ClusterId,
    asked: &Asked,
) -> Vec<SampleLink> {
    samples
        .iter()
        .map(|sample| {
            let request = &sample.view.request;
            let query = request.query.as_deref().map(|query| format!("?{query}"));
            SampleLink {
                href: href(id, asked, &[("sample", &sample.exchange.to_string())]),
                path: format!("{}{}", request.path, query.unwrap_or_default())
                    .split_inclusive(['/', '?', '&'])
                    .map(str::to_owned)
                    .collect(),
                clock: words::moment(&sample.view.captured_at, look.now),
                time: sample.view.captured_at.clone(),
                current: shown.is_some_and(|shown| shown.exchange == sample.exchange),
            }
        })
        .collect()
}

/// The sample the URL names, else the newest.
fn shown<'a>(kept: &'a Kept, asked: &Asked) -> Option<&'a SampleRow> {
    let mut all = kept.samples.iter().chain(&kept.matches);
    all.find(|sample| sample.exchange.to_string() == asked.sample).or(kept.samples.first())
}

/// This page with some parameters changed.
fn href(id: ClusterId, asked: &Asked, changes: &[(&str, &str)]) -> String {
    let ([tab, view, open], version) = (asked.panel.parameters(), asked.version.as_str());
    let now: [(&str, &str); 6] =
        [("sample", &asked.sample), tab, view, open, ("version", version), ("theme", &asked.theme)];
    let merged: Vec<(&str, &str)> = now
        .into_iter()
        .map(|(name, value)| {
            let changed = changes.iter().find(|(other, _)| *other == name);
            (name, changed.map_or(value, |(_, value)| *value))
        })
        .collect();
    words::link(&format!("/clusters/{id}"), &merged)
}

fn curves(look: &Look, cluster: &Cluster) -> Option<Curves> {
    let version = cluster.versions.last().cloned();
    let query = EndpointsQuery { version, slice: None };
    let endpoints = api::endpoints_of(&look.ledger, &query, &look.config.gate).endpoints;
    let endpoint = endpoints.into_iter().find(|one| one.endpoint == cluster.endpoint)?;
    let latency: LatencyMs = endpoint.latency_ms;
    let axis = LatencyAxis::over([latency].iter());
    let points = |side: &api::Quantiles| -> Option<Vec<(String, String)>> {
        let ends = [side.p50?, side.p95?, side.p99?];
        Some(
            ends.into_iter()
                .zip([36.0, 126.0, 216.0])
                .map(|(ms, x)| (format!("{x:.0}"), format!("{:.1}", 74.0 - axis.place(ms) * 70.0)))
                .collect(),
        )
    };
    let (primary, candidate) = (points(&latency.primary)?, points(&latency.candidate)?);
    let line = |points: &[(String, String)]| {
        points.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
    };
    let all =
        [latency.primary.p50, latency.candidate.p50, latency.primary.p99, latency.candidate.p99];
    let known: Vec<f64> = all.into_iter().flatten().collect();
    let (low, high) = known
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), ms| (low.min(*ms), high.max(*ms)));
    let tick = |ms: f64| (words::ms(ms), format!("{:.1}", 74.0 - axis.place(ms) * 70.0));
    Some(Curves {
        primary_line: line(&primary),
        candidate_line: line(&candidate),
        primary,
        candidate,
        ticks: vec![tick(high), tick(low)],
        label: crate::draw::latency_label(&latency),
    })
}
