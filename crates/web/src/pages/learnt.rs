//! Volatile places with their evidence, and the rules of the configuration.

use askama::Template;
use cluster::Model;
use serde::Deserialize;

use super::{
    Look,
    frame::{About, Frame},
    html, sample,
};
use crate::{
    api::{self, ApiError},
    words,
};

const KEYS: &[(&str, &str)] = &[("j k", "Move"), ("/", "Search")];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    q: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "volatile.html")]
struct VolatilePage {
    frame: Frame,
    heading: String,
    q: String,
    theme: String,
    version: String,
    rows: Vec<VolatileRow>,
    model: i64,
    clear_href: String,
}

struct VolatileRow {
    endpoint: String,
    endpoint_href: String,
    place: String,
    path: String,
    evidence: String,
    /// By the secondary, or by the class of the values.
    by: &'static str,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    frame: Frame,
    heading: String,
    q: String,
    theme: String,
    version: String,
    rows: Vec<RuleRow>,
    clear_href: String,
}

struct RuleRow {
    number: usize,
    route: String,
    path: String,
    kind: String,
    options: String,
}

pub(crate) fn volatile(look: &Look, model: &Model, asked: &Asked) -> Result<String, ApiError> {
    let all = api::volatile_of(&look.ledger, model).volatile;
    let heading = match all.len() {
        0 => "No volatile place is known yet".to_owned(),
        1 => "1 place differs by nature".to_owned(),
        places => format!("{} places differ by nature", words::count(places as u64)),
    };
    let rows = all
        .into_iter()
        .map(|place| VolatileRow {
            endpoint_href: words::link(
                "/exchanges",
                &[
                    ("endpoint", &place.endpoint),
                    ("version", &asked.version),
                    ("theme", &asked.theme),
                ],
            ),
            evidence: sample::evidence(&place.evidence),
            by: match place.evidence {
                cluster::Evidence::Secondary { .. } => "secondary",
                cluster::Evidence::Earlier { .. } => "the primary itself",
                cluster::Evidence::Class { .. } => "class of the values",
                cluster::Evidence::Nature { .. } => "the values over time",
                cluster::Evidence::Elsewhere { .. } => "other endpoints",
            },
            place: place.place,
            path: place.path,
            endpoint: place.endpoint,
        })
        .filter(|row| found(&asked.q, &[&row.endpoint, &row.place, &row.path, &row.evidence]))
        .collect();
    html(
        VolatilePage {
            frame: frame(look, asked, "Volatile", "/volatile"),
            heading,
            q: asked.q.clone(),
            theme: asked.theme.clone(),
            version: asked.version.clone(),
            rows,
            model: model.number,
            clear_href: words::link(
                "/volatile",
                &[("version", &asked.version), ("theme", &asked.theme)],
            ),
        }
        .render(),
    )
}

pub(crate) fn rules(look: &Look, asked: &Asked) -> Result<String, ApiError> {
    let all = &look.config.rules;
    let heading = match all.len() {
        0 => "No rule is configured".to_owned(),
        1 => "1 rule says how places are compared".to_owned(),
        rules => format!("{} rules say how places are compared", words::count(rules as u64)),
    };
    let rows = all
        .iter()
        .enumerate()
        .map(|(place, rule)| rule_row(place + 1, rule))
        .filter(|row| found(&asked.q, &[&row.route, &row.path, &row.kind, &row.options]))
        .collect();
    html(
        RulesPage {
            frame: frame(look, asked, "Rules", "/rules"),
            heading,
            q: asked.q.clone(),
            theme: asked.theme.clone(),
            version: asked.version.clone(),
            rows,
            clear_href: words::link(
                "/rules",
                &[("version", &asked.version), ("theme", &asked.theme)],
            ),
        }
        .render(),
    )
}

fn frame(look: &Look, asked: &Asked, title: &str, path: &str) -> Frame {
    let about = About {
        title,
        section: path,
        path,
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    Frame::of(look, &about)
}

/// Whether all words of a search occur.
fn found(q: &str, texts: &[&str]) -> bool {
    let text = texts.join(" ").to_lowercase();
    q.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
}

fn rule_row(number: usize, rule: &serde_json::Value) -> RuleRow {
    let text = |name: &str| rule.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let route = match text("route") {
        "" => "everywhere".to_owned(),
        route => route.to_owned(),
    };
    let options = rule.as_object().into_iter().flatten();
    let options: Vec<String> = options
        .filter(|(name, value)| {
            !matches!(name.as_str(), "route" | "path" | "kind") && !value.is_null()
        })
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    RuleRow {
        number,
        route,
        path: text("path").to_owned(),
        kind: words::reason(text("kind")),
        options: options.join(", "),
    }
}
