//! Exchanges: the kept samples, newest first; and one of them.

use askama::Template;
use cluster::Model;
use serde::Deserialize;
use store::{Page as Rows, SampleRow};

use super::{
    Look,
    again::Again,
    behind::{self, Wanted},
    doors::Behind,
    frame::{About, Frame},
    html,
    masks::Masks,
    rows::Context,
    sample::{self, FirstDifference, Panel},
};
use crate::{
    api::{ApiError, ClusterId, ExchangesQuery},
    draw::Columns,
    ledger::Scope,
    trend::Timeline,
    words,
};

const KEYS: &[(&str, &str)] = &[
    ("j k", "Move"),
    ("enter", "Open"),
    ("space", "Hold or follow"),
    ("c", "Open the cluster"),
    ("/", "Search"),
];
const ONE_KEYS: &[(&str, &str)] = &[
    ("n p", "Next, previous difference"),
    ("u", "Split or unified"),
    ("e", "Open folds"),
    ("i", "Ignore…"),
    ("y", "Copy link"),
    ("esc", "Back to the list"),
];
const LIMIT: u32 = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    pub(crate) endpoint: String,
    pub(crate) slice: String,
    pub(crate) cluster: String,
    pub(crate) verdict: String,
    /// A term of the account (`skipped`), and a reason of it.
    pub(crate) fate: String,
    pub(crate) reason: String,
    pub(crate) q: String,
    cursor: String,
    /// The row one is at.
    at: String,
    /// `follow`: new rows come by themselves.
    tail: String,
    theme: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OneAsked {
    #[serde(flatten)]
    panel: sample::Asked,
    theme: String,
}

impl OneAsked {
    /// The page of `exchange` with these parameters, some of them changed.
    pub(crate) fn link(&self, exchange: &str, changes: &[(&str, &str)]) -> String {
        let pick = |name: &str, now: &str| {
            let changed = changes.iter().find(|(other, _)| *other == name);
            changed.map_or(now, |one| one.1).to_owned()
        };
        let kept = self.panel.parameters().map(|(name, now)| (name, pick(name, now)));
        let mut all: Vec<(&str, &str)> =
            kept.iter().map(|(name, now)| (*name, now.as_str())).collect();
        all.push(("theme", &self.theme));
        words::link(&format!("/exchanges/{exchange}"), &all)
    }
}

#[derive(Template)]
#[template(path = "exchanges.html")]
struct Page {
    frame: Frame,
    below: String,
    about: String,
    behind: Behind,
    again: Option<Again>,
    q: String,
    hidden: Vec<(&'static str, String)>,
    filters: Vec<(String, String)>,
    segments: Vec<Segment>,
    slices: Vec<(String, String, bool)>,
    slice: String,
    compared: Columns,
    differ: Columns,
    most: (String, String),
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
    clear_href: String,
}

/// What a page is made of beside the look.
pub(crate) struct Found<'a> {
    pub(crate) rows: &'a Rows<SampleRow>,
    pub(crate) model: &'a Model,
    /// How many are kept of what is asked for.
    pub(crate) kept: u64,
    pub(crate) timeline: &'a Timeline,
    /// Where the list is of one endpoint.
    pub(crate) again: Option<Again>,
}

struct Segment {
    name: &'static str,
    class: &'static str,
    href: String,
    current: bool,
}

struct Row {
    id: String,
    at: bool,
    href: String,
    clock: String,
    time: String,
    /// `pass`, `fail` or `warn`.
    class: &'static str,
    verdict: &'static str,
    method: String,
    path: String,
    primary_status: String,
    candidate_status: String,
    status_differs: bool,
    primary_ms: String,
    candidate_ms: String,
    first: Option<FirstDifference>,
    cluster: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "exchange.html")]
struct OnePage {
    frame: Frame,
    list_href: String,
    line: String,
    class: &'static str,
    verdict: &'static str,
    endpoint: String,
    version: String,
    cluster: Option<(String, String)>,
    captured: String,
    /// `None` for a write, which is never sent again.
    again: Option<Again>,
    panel: Panel,
}

impl Asked {
    /// What the store is asked for.
    pub(crate) fn query(&self, scope: &Scope) -> Result<ExchangesQuery, ApiError> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let cluster = match text(&self.cluster) {
            None => None,
            Some(id) => Some(
                id.parse::<ClusterId>()
                    .map_err(|problem| ApiError::Parameter { parameter: "cluster", problem })?,
            ),
        };
        Ok(ExchangesQuery {
            endpoint: text(&self.endpoint),
            slice: text(&self.slice),
            version: scope.version().map(str::to_owned),
            cluster,
            verdict: text(&self.verdict),
            limit: Some(LIMIT),
            cursor: text(&self.cursor),
        })
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// This list as it is.
    pub(crate) fn here(&self) -> String {
        link(self, &[])
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            endpoint: &self.endpoint,
            slice: &self.slice,
            cluster: &self.cluster,
            verdict: &self.verdict,
            fate: &self.fate,
            reason: &self.reason,
        }
    }
}

pub(crate) fn page(look: &Look, found: Found<'_>, asked: &Asked) -> Result<String, ApiError> {
    let about = About {
        title: "Exchanges",
        section: "/exchanges",
        path: "/exchanges",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let scope = look.scope(&asked.version);
    let counted = behind::counted(look, &scope, &asked.wanted())?;
    let rows = &found.rows.rows;
    let masks = Masks::new(look, found.model);
    let most = |pick: fn(&(u64, u64)) -> u64| {
        format!(
            "{} a minute",
            words::count(found.timeline.minutes.iter().map(pick).max().unwrap_or(0))
        )
    };
    html(
        Page {
            frame: Frame::of(look, &about),
            below: pace(&found.timeline.minutes),
            about: behind::about(&asked.wanted()),
            behind: Behind::of(counted, found.kept),
            again: found.again,
            q: asked.q.clone(),
            hidden: hidden(asked),
            filters: filters(asked),
            segments: segments(asked),
            slices: slices(look, asked),
            slice: asked.slice.clone(),
            compared: strip(&found.timeline.minutes, |minute| minute.0),
            differ: strip(&found.timeline.minutes, |minute| minute.1),
            most: (most(|minute| minute.0), most(|minute| minute.1)),
            rows: rows.iter().map(|sample| row(look, sample, &masks, asked)).collect(),
            older: found.rows.next.as_deref().map(|cursor| link(asked, &[("cursor", cursor)])),
            newest: (!asked.cursor.is_empty()).then(|| link(asked, &[("cursor", "")])),
            clear_href: words::link("/exchanges", &[("theme", &asked.theme)]),
        }
        .render(),
    )
}

/// The last whole minute, in a sentence.
fn pace(minutes: &[(u64, u64)]) -> String {
    let whole = minutes.len().checked_sub(2).and_then(|at| minutes.get(at));
    match whole.copied().unwrap_or_default() {
        (0, _) => "Nothing was compared within the last minute.".to_owned(),
        (compared, 0) => {
            format!("{} were compared within the last minute, none differ.", words::count(compared))
        }
        (compared, differ) => format!(
            "{} were compared within the last minute, {} differ.",
            words::count(compared),
            words::count(differ)
        ),
    }
}

fn strip(minutes: &[(u64, u64)], pick: fn(&(u64, u64)) -> u64) -> Columns {
    let values: Vec<(f64, String)> =
        minutes.iter().map(|minute| (pick(minute) as f64, words::count(pick(minute)))).collect();
    Columns::over("minutes", &values, 1200, 24)
}

fn slices(look: &Look, asked: &Asked) -> Vec<(String, String, bool)> {
    let mut names: Vec<&str> =
        look.ledger.live_endpoints().filter_map(|row| row.slice.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Vec::new();
    }
    let choice = |words: &str, value: &str| {
        let href = link(asked, &[("slice", value), ("cursor", "")]);
        (words.to_owned(), href, asked.slice == value)
    };
    let all = [choice("all", "")].into_iter();
    all.chain(names.into_iter().map(|name| choice(name, name))).collect()
}

fn verdict(sample: &SampleRow) -> (&'static str, &'static str) {
    match (sample.view.candidate.status, sample.matches) {
        (None, _) => ("warn", "No answer"),
        (_, true) => ("pass", "Match"),
        (_, false) => ("fail", "Mismatch"),
    }
}

fn row(look: &Look, sample: &SampleRow, masks: &Masks<'_>, asked: &Asked) -> Row {
    let view = &sample.view;
    let status =
        |status: Option<u16>| status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    let (class, verdict) = verdict(sample);
    let query = view.request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let theme: (&str, &str) = ("theme", &asked.theme);
    Row {
        id: view.exchange_id.clone(),
        at: view.exchange_id == asked.at,
        href: words::link(&format!("/exchanges/{}", sample.exchange), &[theme]),
        clock: words::moment(&view.captured_at, look.now),
        time: view.captured_at.clone(),
        class,
        verdict,
        method: view.request.method.clone(),
        path: format!("{}{query}", view.request.path),
        primary_status: status(view.primary.status),
        candidate_status: status(view.candidate.status),
        status_differs: view.primary.status != view.candidate.status,
        primary_ms: words::ms(view.primary.duration_us as f64 / 1000.0),
        candidate_ms: words::ms(view.candidate.duration_us as f64 / 1000.0),
        first: if sample.matches { None } else { sample::first_difference(sample, masks) },
        cluster: sample.cluster.map(|id| {
            let id = ClusterId(id).to_string();
            let version: (&str, &str) = ("version", &asked.version);
            let sample = sample.exchange.to_string();
            (words::link(&format!("/clusters/{id}"), &[("sample", &sample), version, theme]), id)
        }),
    }
}

fn segments(asked: &Asked) -> Vec<Segment> {
    [
        ("All", "", ""),
        ("Mismatch", "fail", "mismatch"),
        ("No answer", "warn", "no_answer"),
        ("Lag", "wait", "lag"),
        ("Match", "pass", "match"),
    ]
    .into_iter()
    .map(|(name, class, value)| Segment {
        name,
        class,
        href: link(asked, &[("verdict", value), ("fate", ""), ("reason", ""), ("cursor", "")]),
        current: asked.verdict == value && asked.fate.is_empty(),
    })
    .collect()
}

fn filters(asked: &Asked) -> Vec<(String, String)> {
    parameters(asked)
        .into_iter()
        .filter(|(name, value)| {
            let named = ["endpoint", "slice", "cluster", "version", "fate", "reason"];
            named.contains(name) && !value.is_empty()
        })
        .map(|(name, value)| {
            (format!("{name}:{value}"), link(asked, &[(name, ""), ("cursor", "")]))
        })
        .collect()
}

/// What the search form keeps of the URL.
fn hidden(asked: &Asked) -> Vec<(&'static str, String)> {
    let kept = parameters(asked).into_iter();
    kept.filter(|(name, value)| !["q", "cursor", "at"].contains(name) && !value.is_empty())
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

fn parameters(asked: &Asked) -> [(&'static str, &str); 11] {
    [
        ("version", &asked.version),
        ("endpoint", &asked.endpoint),
        ("slice", &asked.slice),
        ("cluster", &asked.cluster),
        ("verdict", &asked.verdict),
        ("fate", &asked.fate),
        ("reason", &asked.reason),
        ("q", &asked.q),
        ("cursor", &asked.cursor),
        ("tail", &asked.tail),
        ("theme", &asked.theme),
    ]
}

/// This list with some parameters changed.
fn link(asked: &Asked, changes: &[(&str, &str)]) -> String {
    let merged: Vec<(&str, &str)> = parameters(asked)
        .into_iter()
        .map(|(name, value)| {
            let changed = changes.iter().find(|(other, _)| *other == name);
            (name, changed.map_or(value, |(_, value)| *value))
        })
        .collect();
    words::link("/exchanges", &merged)
}

pub(crate) fn one(
    look: &Look,
    sample: &SampleRow,
    model: &Model,
    again: Option<Again>,
    asked: &OneAsked,
) -> Result<String, ApiError> {
    let path = format!("/exchanges/{}", sample.exchange);
    let line = format!("{} {}", sample.view.request.method, sample.view.request.path);
    let about = About {
        title: &line,
        section: "/exchanges",
        path: &path,
        version: "",
        theme: &asked.theme,
        keys: ONE_KEYS,
    };
    let own = sample.exchange.to_string();
    let href = |changes: &[(&str, &str)]| asked.link(&own, changes);
    let (class, verdict) = verdict(sample);
    let masks = Masks::new(look, model);
    let context = Context {
        exchange: sample.exchange.to_string(),
        theme: asked.theme.clone(),
        ..Context::default()
    };
    html(
        OnePage {
            frame: Frame::of(look, &about),
            list_href: words::link("/exchanges", &[("theme", &asked.theme)]),
            class,
            verdict,
            endpoint: look.ledger.name(sample.endpoint),
            version: sample.version.clone(),
            cluster: sample.cluster.map(|id| {
                let id = ClusterId(id).to_string();
                let sample = sample.exchange.to_string();
                (
                    words::link(
                        &format!("/clusters/{id}"),
                        &[("sample", &sample), ("version", "all"), ("theme", &asked.theme)],
                    ),
                    id,
                )
            }),
            captured: sample.view.captured_at.clone(),
            again,
            panel: sample::panel(sample, &masks, &asked.panel, &context, &href),
            line,
        }
        .render(),
    )
}
