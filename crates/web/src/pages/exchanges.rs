//! Exchanges: the kept samples, newest first; and one of them.

use askama::Template;
use cluster::Model;
use serde::Deserialize;
use store::{Page as Rows, SampleRow};

use super::{
    Look,
    frame::{About, Frame},
    html,
    masks::Masks,
    rows::Context,
    sample::{self, FirstDifference, Panel},
};
use crate::{
    api::{ApiError, ClusterId, ExchangesQuery},
    ledger::Scope,
    words,
};

const KEYS: &[(&str, &str)] = &[("j k", "Move"), ("enter", "Open"), ("?", "Keys on or off")];
const ONE_KEYS: &[(&str, &str)] =
    &[("n p", "Next, previous difference"), ("esc", "Back to the list")];
const LIMIT: u32 = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    endpoint: String,
    cluster: String,
    verdict: String,
    cursor: String,
    theme: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OneAsked {
    #[serde(flatten)]
    panel: sample::Asked,
    theme: String,
}

#[derive(Template)]
#[template(path = "exchanges.html")]
struct Page {
    frame: Frame,
    below: String,
    filters: Vec<(String, String)>,
    segments: Vec<Segment>,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
    clear_href: String,
}

struct Segment {
    name: &'static str,
    class: &'static str,
    href: String,
    current: bool,
}

struct Row {
    id: String,
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
}

pub(crate) fn page(
    look: &Look,
    rows: &Rows<SampleRow>,
    model: &Model,
    asked: &Asked,
) -> Result<String, ApiError> {
    let about = About {
        title: "Exchanges",
        section: "/exchanges",
        path: "/exchanges",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let masks = Masks::new(look, model);
    html(
        Page {
            frame: Frame::of(look, &about),
            below: below(look, rows, asked)?,
            filters: filters(asked),
            segments: segments(asked),
            rows: rows.rows.iter().map(|sample| row(look, sample, &masks, asked)).collect(),
            older: rows.next.as_deref().map(|cursor| link(asked, &[("cursor", cursor)])),
            newest: (!asked.cursor.is_empty()).then(|| link(asked, &[("cursor", "")])),
            clear_href: words::link("/exchanges", &[("theme", &asked.theme)]),
        }
        .render(),
    )
}

/// `402,118 counted, 25 kept`: the number clicked, and what of it can be looked at.
fn below(look: &Look, rows: &Rows<SampleRow>, asked: &Asked) -> Result<String, ApiError> {
    let scope = look.scope(&asked.version);
    let counted = if asked.cluster.is_empty() {
        let tally = match look.ledger.endpoint_named(&asked.endpoint) {
            Some(key) => look.ledger.tallies(&scope).get(&key).copied().unwrap_or_default(),
            None => look.ledger.total(&scope),
        };
        match asked.verdict.as_str() {
            "match" => tally.matched,
            "mismatch" => tally.mismatched,
            _ => tally.compared,
        }
    } else {
        let id: ClusterId = asked
            .cluster
            .parse()
            .map_err(|problem| ApiError::Parameter { parameter: "cluster", problem })?;
        let version = scope.version().unwrap_or("all");
        crate::api::cluster_of(&look.ledger, id, Some(version))?.count
    };
    let shown = rows.rows.len() as u64;
    let kept = match (rows.next.is_some(), asked.cursor.is_empty()) {
        (false, true) => format!("{} kept", words::count(shown)),
        _ => format!("{} of those kept are shown", words::count(shown)),
    };
    Ok(format!(
        "{} counted, {kept}. Of each way to differ the first, the newest and some between are kept.",
        words::count(counted)
    ))
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
    [("All", "", ""), ("Mismatch", "fail", "mismatch"), ("Match", "pass", "match")]
        .into_iter()
        .map(|(name, class, value)| Segment {
            name,
            class,
            href: link(asked, &[("verdict", value), ("cursor", "")]),
            current: asked.verdict == value,
        })
        .collect()
}

fn filters(asked: &Asked) -> Vec<(String, String)> {
    [("endpoint", &asked.endpoint), ("cluster", &asked.cluster), ("version", &asked.version)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            (format!("{name}:{value}"), link(asked, &[(name, ""), ("cursor", "")]))
        })
        .collect()
}

/// This list with some parameters changed.
fn link(asked: &Asked, changes: &[(&str, &str)]) -> String {
    let now: [(&str, &str); 6] = [
        ("version", &asked.version),
        ("endpoint", &asked.endpoint),
        ("cluster", &asked.cluster),
        ("verdict", &asked.verdict),
        ("cursor", &asked.cursor),
        ("theme", &asked.theme),
    ];
    let merged: Vec<(&str, &str)> = now
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
    let href = |changes: &[(&str, &str)]| {
        let pick = |name: &str, now: &str| {
            changes
                .iter()
                .find(|(other, _)| *other == name)
                .map_or(now.to_owned(), |one| one.1.to_owned())
        };
        let [tab, view, open] = asked.panel.parameters().map(|(name, now)| (name, pick(name, now)));
        let kept = [&tab, &view, &open].map(|(name, value)| (*name, value.as_str()));
        let [tab, view, open] = kept;
        words::link(&path, &[tab, view, open, ("theme", &asked.theme)])
    };
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
            panel: sample::panel(sample, &masks, &asked.panel, &context, &href),
            line,
        }
        .render(),
    )
}
