//! One cluster: its sentence, when it happens, what changes, and samples side by side.

mod panels;
mod samples;

use std::sync::Arc;

use askama::Template;
use cluster::{Model, doc::TitlePart};
use serde::Deserialize;
use store::{FixRow, SampleHead, SampleRow};

use super::{
    Look,
    acts::{Acts, initials},
    again::Progress,
    clusters::{self, Repeat, State, kind_words},
    did::Did,
    doors::{Behind, Door},
    frame::{About, Frame},
    html,
    list::{List, is_of},
    masks::Masks,
    rows::Context,
    sample::{self, Panel},
};
use crate::{
    api::{self, ApiError, Cluster, ClusterId, HistoryEntry, Recheck},
    draw::{Columns, Curves},
    trend::Timeline,
    weigh::Judged,
    words,
};
use panels::{Change, When, changes, curves, when};
use samples::{SampleLink, links, nearest};

/// Ids of missing or old data that a page shows; the files hold all.
const SHOWN_ENTITIES: usize = 60;
const KEYS: &[(&str, &str)] = &[
    ("n p", "Next, previous difference"),
    ("s", "Next sample"),
    ("u", "Split or unified"),
    ("e", "Open folds"),
    ("i", "Ignore…"),
    ("j k", "Next, previous cluster"),
    ("a", "Accept"),
    ("o", "Own"),
    ("f", "Fixed"),
    ("r", "Recheck"),
    ("x", "Export"),
    ("y", "Copy link"),
    ("esc", "Back to the list"),
];
/// Matches among which the nearest are looked for, and how many of them are shown.
pub(crate) const CONTRAST: u32 = 60;
const NEAREST: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(flatten)]
    pub(crate) list: List,
    pub(crate) sample: String,
    #[serde(flatten)]
    panel: sample::Asked,
    /// Names of folds that are open, separated by commas.
    folds: String,
    /// A change that was just made.
    pub(crate) did: String,
}

/// What the store keeps of one cluster.
pub(crate) struct Kept {
    pub(crate) samples: Vec<SampleHead>,
    pub(crate) matches: Vec<SampleHead>,
    /// The sample the URL names, else the newest.
    pub(crate) shown: Option<SampleRow>,
    pub(crate) model: Arc<Model>,
    /// Of the endpoint hit most.
    pub(crate) rows: Vec<Judged>,
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) history: Vec<HistoryEntry>,
    pub(crate) did: Option<Did>,
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
    cause: &'static str,
    may: May,
    recheck: Option<Progress>,
    did: Option<Did>,
    acts: Acts,
    exports: Vec<Export>,
    settled: Option<String>,
    history: Vec<HistoryEntry>,
    history_open: bool,
    /// No exchange shows it any more, and nobody settled it: what was learnt since did.
    volatile_href: Option<String>,
    endpoint: String,
    endpoint_href: String,
    more_endpoints: Vec<String>,
    count: Door,
    share: String,
    repeat: Repeat,
    checked: String,
    first_version: String,
    first_seen: String,
    first_seen_exact: String,
    last_seen: String,
    last_seen_exact: String,
    owner: Option<String>,
    initials: String,
    note: Option<String>,
    unexplained: &'static str,
    when: When,
    entity_count: String,
    /// The first of them.
    entities: Vec<String>,
    more_entities: usize,
    changes: Vec<Change>,
    follows: Option<String>,
    spark: Columns,
    by_time: Columns,
    span: String,
    spark_from: String,
    spark_to: String,
    compare_href: Option<String>,
    latency: Option<Curves>,
    behind: Behind,
    samples: Vec<SampleLink>,
    matches: Vec<SampleLink>,
    panel: Option<Panel>,
}

/// What can be done with it now.
struct May {
    reopen: bool,
    accept: bool,
    fix: bool,
    recheck: bool,
}

impl May {
    /// `gone`: all that is left of it are volatile places.
    fn of(cluster: &Cluster, gone: bool, recheck: Option<&Recheck>) -> Self {
        let settled = matches!(cluster.state.as_str(), "accepted" | "fixed");
        Self {
            reopen: settled,
            accept: !gone && !settled,
            fix: !gone && cluster.state != "fixed",
            recheck: !gone && cluster.cause_kind != "lag" && recheck.is_none_or(Recheck::is_over),
        }
    }
}

/// One way to take a cluster along.
struct Export {
    key: &'static str,
    icon: &'static str,
    name: &'static str,
    about: &'static str,
    href: String,
}

pub(crate) fn page(
    look: &Look,
    id: ClusterId,
    kept: Kept,
    asked: &Asked,
) -> Result<String, ApiError> {
    let list = &asked.list;
    let version = Some(list.version.as_str()).filter(|version| !version.is_empty());
    let cluster = api::cluster_of(&look.ledger, id, version)?;
    let path = format!("/clusters/{id}");
    let title = format!("{id}: {}", cluster.title);
    let about = About {
        title: &title,
        section: "/clusters",
        path: &path,
        version: &list.version,
        theme: &list.theme,
        keys: KEYS,
    };
    let scope = look.scope(&list.version);
    let differing = clusters::differing(look, &scope);
    let versions: Vec<&str> = look.ledger.candidate_versions().into_iter().take(12).collect();
    let neighbours = neighbours(look, &cluster, asked)?;
    let terms = cluster.conditions.first().map_or(&[][..], |one| one.terms.as_slice());
    let sample = kept.shown.as_ref();
    let masks = Masks::new(look, &kept.model);
    let gone = is_volatile(look, &cluster, &kept.model);
    let samples = links(look, &kept.samples, terms, sample, id, asked);
    let entities = cluster.entities.clone().unwrap_or_default();
    let near = nearest(kept.matches.clone(), terms, NEAREST);
    let matches = links(look, &near, terms, sample, id, asked);
    let panel = sample.map(|sample| panel_of(sample, &masks, id, asked));
    let themed = ("theme", list.theme.as_str());
    let counted_in =
        version.map_or_else(|| cluster.versions.last().cloned(), |v| Some(v.to_owned()));
    let counted_in = counted_in.unwrap_or_else(|| "all".to_owned());
    let own = id.to_string();
    let exchanges =
        words::link("/exchanges", &[("cluster", &own), ("version", &counted_in), themed]);
    html(
        Page {
            frame: Frame::of(look, &about),
            list_href: list.link("/clusters", &[("at", &own)]),
            previous: neighbours.0,
            next: neighbours.1,
            position: neighbours.2,
            state: if gone { State::VOLATILE } else { State::of(&cluster.state) },
            cause: kind_words(&cluster.cause_kind),
            may: May::of(&cluster, gone, kept.recheck.as_ref()),
            recheck: kept.recheck.as_ref().map(Progress::of),
            did: kept.did,
            acts: Acts::of(&cluster, &list.version, href(id, asked, &[])),
            exports: exports(id, &counted_in),
            settled: settled(look, &cluster, kept.fix.as_ref()),
            history: kept.history,
            history_open: asked.folds.split(',').any(|fold| fold == "history"),
            volatile_href: gone
                .then(|| words::link("/volatile", &[("version", &list.version), themed])),
            endpoint_href: words::link(
                "/clusters",
                &[("endpoint", &cluster.endpoint), ("version", &list.version), themed],
            ),
            more_endpoints: cluster.endpoints.iter().skip(1).cloned().collect(),
            share: words::percent(words::share(cluster.count, differing.max(cluster.count))),
            repeat: Repeat::of(&cluster.repeatability),
            checked: checked(&cluster),
            first_version: cluster.versions.first().cloned().unwrap_or_default(),
            first_seen: relative(look, &cluster.first_seen),
            last_seen: relative(look, &cluster.last_seen),
            unexplained: clusters::cause_words(&cluster.cause_kind),
            when: when(&cluster, &kept.rows),
            entity_count: match entities.len() {
                1 => "1 entity".to_owned(),
                many => format!("{} entities", words::count(many as u64)),
            },
            more_entities: entities.len().saturating_sub(SHOWN_ENTITIES),
            entities: entities.iter().take(SHOWN_ENTITIES).cloned().collect(),
            changes: changes(&cluster),
            follows: cluster.follows.clone(),
            spark: clusters::spark(look, &cluster, 216, 36),
            by_time: clusters::spark_of(&kept.timeline.trend, &cluster, 216, 24),
            span: kept.timeline.trend.span(),
            spark_from: versions.last().map(ToString::to_string).unwrap_or_default(),
            spark_to: versions.first().map(ToString::to_string).unwrap_or_default(),
            compare_href: (versions.len() > 1).then(|| words::link("/compare", &[themed])),
            latency: curves(look, &cluster),
            behind: Behind::of(cluster.count, kept.samples.len() as u64),
            count: Door::to(cluster.count, exchanges),
            panel,
            samples,
            matches,
            id: own,
            parts: clusters::sentence(&cluster.title_parts),
            endpoint: cluster.endpoint,
            first_seen_exact: cluster.first_seen,
            last_seen_exact: cluster.last_seen,
            initials: initials(cluster.owner.as_deref().unwrap_or_default()),
            owner: cluster.owner,
            note: cluster.note,
        }
        .render(),
    )
}

fn panel_of(sample: &SampleRow, masks: &Masks, id: ClusterId, asked: &Asked) -> Panel {
    let context = Context {
        exchange: sample.exchange.to_string(),
        cluster: id.to_string(),
        version: asked.list.version.clone(),
        theme: asked.list.theme.clone(),
    };
    let href = |changes: &[(&str, &str)]| href(id, asked, changes);
    sample::panel(sample, masks, &asked.panel, &context, &href)
}

fn exports(id: ClusterId, version: &str) -> Vec<Export> {
    [
        ("m", "file", "Markdown", "md", "An issue: sentence, condition, cause, three samples"),
        ("c", "shell", "curl", "curl", "Three samples against both sides"),
        (
            "h",
            "bolt",
            "Hurl",
            "hurl",
            "The samples as a test file that asks for the primary's answer",
        ),
        ("s", "braces", "JSON", "json", "The cluster with its samples"),
    ]
    .into_iter()
    .map(|(key, icon, name, format, about)| Export {
        key,
        icon,
        name,
        about,
        href: words::link(
            &format!("/api/v1/clusters/{id}/export"),
            &[("format", format), ("version", version)],
        ),
    })
    .collect()
}

/// Why it no longer counts, and until when.
fn settled(look: &Look, cluster: &Cluster, fix: Option<&FixRow>) -> Option<String> {
    if let Some(fix) = fix.filter(|_| cluster.state == "fixed") {
        return Some(format!(
            "Fixed {}, {}. It opens again as regressed when it is seen again.",
            fix.reason,
            words::when(fix.fixed_at, look.now)
        ));
    }
    if cluster.state != "accepted" {
        return None;
    }
    let mut text = "Accepted".to_owned();
    if let Some(condition) = &cluster.accepted_condition {
        text.push_str(&format!(" while {condition}"));
    }
    if let Some(owner) = &cluster.accepted_by {
        text.push_str(&format!(" by {owner}"));
    }
    if let Some(end) = &cluster.expires_at {
        text.push_str(&format!(" until {}", end.get(..10).unwrap_or(end)));
    }
    if let Some(reason) = &cluster.accepted_reason {
        text.push_str(&format!(": {reason}"));
    }
    text.push('.');
    Some(text)
}

/// `20 of 20 asked again`
fn checked(cluster: &Cluster) -> String {
    let checks = &cluster.checks;
    let asked = checks.deterministic + checks.flaky + checks.lag;
    match asked {
        0 => String::new(),
        asked => {
            format!("{} of {} asked again", words::count(checks.deterministic), words::count(asked))
        }
    }
}

/// The clusters before and after this one in the list, and `2 of 11`.
fn neighbours(
    look: &Look,
    cluster: &Cluster,
    asked: &Asked,
) -> Result<(Option<String>, Option<String>, String), ApiError> {
    let scope = look.scope(&asked.list.version);
    let state = match cluster.state.as_str() {
        state @ ("accepted" | "fixed") => state,
        _ => asked.list.state(),
    };
    let mut list = asked.list.clusters(look, &scope)?;
    list.retain(|one| is_of(one, state));
    let Some(place) = list.iter().position(|one| one.id == cluster.id) else {
        return Ok((None, None, String::new()));
    };
    let href = |place: usize| {
        list.get(place).map(|one| asked.list.link(&format!("/clusters/{}", one.id), &[]))
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

fn relative(look: &Look, instant: &str) -> String {
    words::instant_of(instant).map_or_else(|| instant.to_owned(), |at| words::ago(at, look.now))
}

/// This page with some parameters changed.
fn href(id: ClusterId, asked: &Asked, changes: &[(&str, &str)]) -> String {
    let [tab, view, open] = asked.panel.parameters();
    let own = [("sample", asked.sample.as_str()), tab, view, open, ("folds", asked.folds.as_str())];
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let mut all: Vec<(&str, &str)> = own.into_iter().filter(|(name, _)| !changed(name)).collect();
    all.extend(changes);
    asked.list.link(&format!("/clusters/{id}"), &all)
}
