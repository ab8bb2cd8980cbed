//! Clusters: what differs, largest first, in sentences.

use askama::Template;
use cluster::doc::{Level, TitlePart};
use serde::Deserialize;
use store::Outcome;

use super::{
    Look,
    frame::{About, Frame},
    html,
};
use crate::{
    api::{ApiError, Cluster, ClustersQuery, Sort, clusters_of},
    draw::{self, Columns},
    ledger::Scope,
    words,
};

const KEYS: &[(&str, &str)] =
    &[("j k", "Move"), ("enter", "Open"), ("/", "Search"), ("?", "Keys on or off")];
/// Rows of one page.
const ROWS: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    endpoint: String,
    slice: String,
    /// `open` unless told.
    state: String,
    q: String,
    sort: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "clusters.html")]
struct Page {
    frame: Frame,
    heading: String,
    below: String,
    strip: Vec<draw::Segment>,
    /// What the segments too narrow for a label hold together.
    others: String,
    q: String,
    hidden: Vec<(&'static str, String)>,
    filters: Vec<Filter>,
    segments: Vec<StateSegment>,
    sorts: Vec<SortLink>,
    groups: Vec<Group>,
    more: String,
    clear_href: String,
    filtered: bool,
}

/// A filter in force, with the link that drops it.
struct Filter {
    text: String,
    href: String,
}

struct StateSegment {
    name: &'static str,
    count: usize,
    href: String,
    current: bool,
}

struct SortLink {
    name: &'static str,
    href: String,
    current: bool,
}

struct Group {
    name: &'static str,
    about: &'static str,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    href: String,
    parts: Vec<TitlePart>,
    endpoint: String,
    support: String,
    spark: Columns,
    count: String,
    count_href: String,
    share: String,
    repeat: Repeat,
    state: State,
}

/// Whether it would be there again: four dots and a word.
#[derive(Clone, Copy)]
pub(crate) struct Repeat {
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

impl Repeat {
    pub(crate) fn of(repeatability: &str) -> Self {
        match repeatability {
            "deterministic" => Self { class: "deterministic", word: "Deterministic" },
            "transient" => Self { class: "transient", word: "Transient" },
            "flaky" => Self { class: "flaky", word: "Flaky" },
            _ => Self { class: "unchecked", word: "Unchecked" },
        }
    }
}

/// A state chip.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

impl State {
    pub(crate) const VOLATILE: Self = Self { class: "known", word: "Volatile" };

    pub(crate) fn of(state: &str) -> Self {
        match state {
            "regressed" => Self { class: "regressed", word: "Regressed" },
            "new" => Self { class: "new", word: "New" },
            "accepted" => Self { class: "accepted", word: "Accepted" },
            "fixed" => Self { class: "fixed", word: "Fixed" },
            _ => Self { class: "known", word: "Known" },
        }
    }
}

pub(crate) fn page(look: &Look, asked: &Asked) -> Result<String, ApiError> {
    let scope = look.scope(&asked.version);
    let about = About {
        title: "Clusters",
        section: "/clusters",
        path: "/clusters",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let state = if asked.state.is_empty() { "open" } else { asked.state.as_str() };
    let everything = every(look, &scope, "open")?;
    let mut shown = listed(look, asked, &scope, state)?;
    let all_shown = shown.len();
    shown.truncate(ROWS);
    let differing = differing(look, &scope);
    let strip = strip(asked, &everything, differing);
    html(
        Page {
            frame: Frame::of(look, &about),
            heading: heading(&everything, differing),
            below: below(&everything, differing),
            others: others(&strip, &everything, differing),
            strip,
            q: asked.q.clone(),
            hidden: hidden(asked),
            filters: filters(asked),
            segments: segments(look, asked, &scope, state)?,
            sorts: sorts(asked),
            groups: grouped(look, asked, &shown, differing),
            more: match all_shown - shown.len() {
                0 => String::new(),
                more => {
                    format!("{} more; narrow the search to see them", words::count(more as u64))
                }
            },
            clear_href: link(asked, &[("q", ""), ("endpoint", ""), ("slice", ""), ("state", "")]),
            filtered: !(asked.q.is_empty() && asked.endpoint.is_empty() && asked.slice.is_empty())
                || state != "open",
        }
        .render(),
    )
}

/// Clusters of a state, without other filters, largest first.
pub(crate) fn every(look: &Look, scope: &Scope, state: &str) -> Result<Vec<Cluster>, ApiError> {
    let query = ClustersQuery {
        version: Some(scope.version().unwrap_or("all").to_owned()),
        state: Some(state.to_owned()),
        sort: Some(Sort::Count),
        limit: Some(u32::MAX),
        ..ClustersQuery::default()
    };
    Ok(clusters_of(&look.ledger, &query)?.clusters)
}

fn listed(
    look: &Look,
    asked: &Asked,
    scope: &Scope,
    state: &str,
) -> Result<Vec<Cluster>, ApiError> {
    let query = ClustersQuery {
        version: Some(scope.version().unwrap_or("all").to_owned()),
        endpoint: Some(asked.endpoint.clone()),
        state: Some(state.to_owned()),
        q: Some(asked.q.clone()),
        sort: Some(match asked.sort.as_str() {
            "first_seen" => Sort::FirstSeen,
            "last_seen" => Sort::LastSeen,
            "count" => Sort::Count,
            _ => Sort::Severity,
        }),
        limit: Some(u32::MAX),
        cursor: None,
    };
    let mut clusters = clusters_of(&look.ledger, &query)?.clusters;
    if !asked.slice.is_empty() {
        clusters.retain(|cluster| {
            cluster.endpoints.iter().any(|name| slice_of(look, name) == asked.slice)
        });
    }
    Ok(clusters)
}

fn slice_of(look: &Look, endpoint: &str) -> String {
    let key = look.ledger.endpoint_named(endpoint);
    let row = key.and_then(|key| look.ledger.endpoints.get(&key));
    row.and_then(|row| row.slice.clone()).unwrap_or_else(|| "Other traffic".to_owned())
}

/// Pairs that differ and have an answer: what clusters explain.
pub(crate) fn differing(look: &Look, scope: &Scope) -> u64 {
    look.ledger
        .outcomes
        .iter()
        .filter(|count| scope.holds(&count.version) && !count.matches)
        .filter(|count| matches!(count.outcome, Outcome::Answered | Outcome::PrimaryError))
        .map(|count| count.pairs)
        .sum()
}

/// Mismatches that clusters hold; pairs without an answer, or late, are no mismatches.
fn explained(clusters: &[Cluster]) -> u64 {
    let answered = clusters
        .iter()
        .filter(|cluster| !matches!(cluster.cause_kind.as_str(), "no_answer" | "lag"));
    answered.map(|cluster| cluster.count).sum()
}

fn heading(open: &[Cluster], differing: u64) -> String {
    let explained = explained(open).min(differing);
    match (open.len() as u64, differing) {
        (0, 0) => "No mismatch in this version".to_owned(),
        (0, differing) => format!("{} in no open cluster", mismatches(differing)),
        (1, 1) => "1 open cluster explains the one mismatch".to_owned(),
        (1, differing) => format!(
            "1 open cluster explains {} of {} mismatches",
            words::count(explained),
            words::count(differing)
        ),
        (clusters, differing) => format!(
            "{} open clusters explain {} of {} mismatches",
            words::count(clusters),
            words::count(explained),
            words::count(differing)
        ),
    }
}

fn below(open: &[Cluster], differing: u64) -> String {
    if differing == 0 {
        return "What differs is gathered here by its cause, largest first.".to_owned();
    }
    let three: u64 = open.iter().take(3).map(|cluster| cluster.count).sum();
    let gone = words::share(three, differing).min(1.0);
    let rest = differing.saturating_sub(explained(open));
    let fix = match open.len() {
        0 => String::new(),
        1 => format!("Fix it and {:.0}\u{a0}% are gone. ", gone * 100.0),
        2 => format!("Fix both and {:.0}\u{a0}% are gone. ", gone * 100.0),
        3 => format!("Fix all three and {:.0}\u{a0}% are gone. ", gone * 100.0),
        _ => format!("Fix the three largest and {:.0}\u{a0}% are gone. ", gone * 100.0),
    };
    let left = match rest {
        0 => "Every mismatch is in a cluster.".to_owned(),
        1 => "1 mismatch is accepted, fixed or in no cluster yet.".to_owned(),
        rest => {
            format!("{} mismatches are accepted, fixed or in no cluster yet.", words::count(rest))
        }
    };
    format!("{fix}{left}")
}

fn strip(asked: &Asked, open: &[Cluster], differing: u64) -> Vec<draw::Segment> {
    let whole = differing.max(open.iter().map(|cluster| cluster.count).sum());
    let parts: Vec<(String, String, u64)> = open
        .iter()
        .map(|cluster| {
            (cluster.id.to_string(), href(asked, &cluster.id.to_string()), cluster.count)
        })
        .collect();
    draw::strip(&parts, whole)
}

fn others(strip: &[draw::Segment], open: &[Cluster], differing: u64) -> String {
    let whole = differing.max(open.iter().map(|cluster| cluster.count).sum());
    let hidden: Vec<u64> = strip
        .iter()
        .zip(open)
        .filter(|(segment, _)| !segment.labelled)
        .map(|(_, cluster)| cluster.count)
        .collect();
    let share = words::share(hidden.iter().sum(), whole) * 100.0;
    match hidden.len() {
        0 => String::new(),
        1 => format!("1 other {share:.0}\u{a0}%"),
        more => format!("{more} others {share:.0}\u{a0}%"),
    }
}

fn grouped(look: &Look, asked: &Asked, clusters: &[Cluster], differing: u64) -> Vec<Group> {
    let kinds = [
        ("Regressed", "regressed", "back after a fix"),
        ("New", "new", "not seen in an earlier version"),
        ("Known", "known", "seen, not yet fixed or accepted"),
        ("Accepted", "accepted", "differ as wanted"),
        ("Fixed", "fixed", "not seen since"),
    ];
    kinds
        .into_iter()
        .filter_map(|(name, state, about)| {
            let own = clusters.iter().filter(|cluster| cluster.state == state);
            let rows: Vec<Row> = own.map(|cluster| row(look, asked, cluster, differing)).collect();
            (!rows.is_empty()).then_some(Group { name, about, rows })
        })
        .collect()
}

fn row(look: &Look, asked: &Asked, cluster: &Cluster, differing: u64) -> Row {
    let id = cluster.id.to_string();
    Row {
        href: href(asked, &id),
        parts: cluster.title_parts.clone(),
        endpoint: cluster.endpoint.clone(),
        support: support(cluster),
        spark: spark(look, cluster, 116, 20),
        count: words::count(cluster.count),
        count_href: words::link(
            "/exchanges",
            &[
                ("cluster", id.as_str()),
                ("version", if asked.version.is_empty() { "" } else { &asked.version }),
                ("theme", &asked.theme),
            ],
        ),
        share: words::percent(words::share(cluster.count, differing.max(cluster.count))),
        repeat: Repeat::of(&cluster.repeatability),
        state: State::of(&cluster.state),
        id,
    }
}

/// Counts by version, with those that do not show it.
pub(crate) fn spark(look: &Look, cluster: &Cluster, width: u32, height: u32) -> Columns {
    let versions = look.ledger.candidate_versions();
    let values: Vec<(f64, String)> = versions
        .into_iter()
        .rev()
        .map(|version| {
            let hit = cluster.by_version.iter().find(|hit| hit.version == version);
            let count = hit.map_or(0, |hit| hit.count);
            (count as f64, words::count(count))
        })
        .collect();
    Columns::of(&values, width, height)
}

/// What stands below a sentence: the evidence, the kind of cause.
pub(crate) fn support(cluster: &Cluster) -> String {
    let mut parts = Vec::new();
    if cluster.severity.level >= Level::High {
        parts.push(cluster.severity.reason.clone());
    }
    match cluster.endpoints.len() {
        0 | 1 => {}
        more => parts.push(format!("{more} endpoints")),
    }
    match cluster.conditions.first() {
        Some(condition) => parts.push(format!(
            "{} of such requests, {} of these mismatches, over {}",
            words::percent(condition.precision),
            words::percent(condition.recall),
            words::plural(condition.support, "stored row")
        )),
        None => parts.push(cause_words(&cluster.cause_kind).to_owned()),
    }
    let causes = cluster.differences.iter().filter_map(|one| one.cause.as_ref());
    parts.extend(causes.map(|cause| cause.text.clone()).take(1));
    if let Some(follows) = &cluster.follows {
        parts.push(format!("follows from {follows}"));
    }
    parts.join(" · ")
}

pub(crate) fn cause_words(kind: &str) -> &'static str {
    match kind {
        "rule" => "a rule separates it",
        "data" => "the same entities are wrong",
        "primary_changed" => "the primary changed",
        "lag" => "equal at some moment",
        "no_answer" => "no answer",
        _ => "no condition found yet",
    }
}

fn segments(
    look: &Look,
    asked: &Asked,
    scope: &Scope,
    state: &str,
) -> Result<Vec<StateSegment>, ApiError> {
    let mut segments = Vec::new();
    for (name, own) in [("Open", "open"), ("Accepted", "accepted"), ("Fixed", "fixed")] {
        segments.push(StateSegment {
            name,
            count: listed(look, asked, scope, own)?.len(),
            href: link(asked, &[("state", if own == "open" { "" } else { own })]),
            current: state == own,
        });
    }
    Ok(segments)
}

fn sorts(asked: &Asked) -> Vec<SortLink> {
    [("severity", ""), ("count", "count"), ("last seen", "last_seen"), ("first seen", "first_seen")]
        .into_iter()
        .map(|(name, value)| SortLink {
            name,
            href: link(asked, &[("sort", value)]),
            current: asked.sort == value,
        })
        .collect()
}

fn filters(asked: &Asked) -> Vec<Filter> {
    [
        ("slice", &asked.slice, "slice"),
        ("endpoint", &asked.endpoint, "endpoint"),
        ("version", &asked.version, "version"),
    ]
    .into_iter()
    .filter(|(_, value, _)| !value.is_empty())
    .map(|(name, value, key)| Filter {
        text: format!("{name}:{value}"),
        href: link(asked, &[(key, "")]),
    })
    .collect()
}

/// What the search form keeps of the URL.
fn hidden(asked: &Asked) -> Vec<(&'static str, String)> {
    [
        ("version", &asked.version),
        ("endpoint", &asked.endpoint),
        ("slice", &asked.slice),
        ("state", &asked.state),
        ("sort", &asked.sort),
        ("theme", &asked.theme),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name, value.clone()))
    .collect()
}

/// This list with some parameters changed.
fn link(asked: &Asked, changes: &[(&str, &str)]) -> String {
    let now: [(&str, &str); 7] = [
        ("q", &asked.q),
        ("version", &asked.version),
        ("endpoint", &asked.endpoint),
        ("slice", &asked.slice),
        ("state", &asked.state),
        ("sort", &asked.sort),
        ("theme", &asked.theme),
    ];
    let merged: Vec<(&str, &str)> = now
        .into_iter()
        .map(|(name, value)| {
            let changed = changes.iter().find(|(other, _)| *other == name);
            (name, changed.map_or(value, |(_, value)| *value))
        })
        .collect();
    words::link("/clusters", &merged)
}

fn href(asked: &Asked, id: &str) -> String {
    words::link(&format!("/clusters/{id}"), &[("version", &asked.version), ("theme", &asked.theme)])
}

fn mismatches(number: u64) -> String {
    match number {
        1 => "1 mismatch".to_owned(),
        number => format!("{} mismatches", words::count(number)),
    }
}
