//! Every rule: of the configuration, and of the store with what can be done to it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use serde::Deserialize;

use super::back;
use crate::{
    api::{ApiError, RuleId, RuleJson},
    pages::{
        Look,
        frame::{About, Frame},
        html,
        rule_form::kind_words,
    },
    serve::{
        Actor, App, FormBody, PageError, PageParameters, asset_url, remove_rule, restore_rule,
        rule_list,
    },
    words,
};

const KEYS: &[(&str, &str)] = &[("j k", "Move"), ("/", "Search"), ("?", "Keys on or off")];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    version: String,
    q: String,
    theme: String,
    /// A rule that was just saved, or removed.
    ruled: String,
    removed: String,
}

/// Where a button leads back to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BackForm {
    back: String,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Page {
    frame: Frame,
    css: String,
    heading: String,
    masked: String,
    q: String,
    theme: String,
    version: String,
    rows: Vec<Row>,
    clear_href: String,
    new_href: String,
    back: String,
    ruled: String,
    removed: String,
}

struct Row {
    /// `R-7`, or the number in the configuration.
    name: String,
    saved: bool,
    path: String,
    kind: String,
    route: String,
    /// `1,204 exchanges, 1,100 of them match only by it`
    hides: String,
    hides_href: String,
    owner: String,
    reason: String,
    expires: String,
    expires_exact: String,
    /// `in_force`, `waiting`, `expired`.
    state: String,
    edit_href: String,
}

pub(super) async fn show(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<Asked>,
) -> Result<Html<String>, PageError> {
    let look = Look::at(&app, &actor).await?;
    let version = Some(asked.version.as_str()).filter(|version| !version.is_empty());
    let list = rule_list(&app, version).await?;
    Ok(Html(page(&look, &list.rules, &asked)?))
}

fn page(look: &Look, rules: &[RuleJson], asked: &Asked) -> Result<String, ApiError> {
    let heading = match rules.len() {
        0 => "No rule says otherwise".to_owned(),
        1 => "1 rule says how places are compared".to_owned(),
        rules => format!("{} rules say how places are compared", words::count(rules as u64)),
    };
    let kept = [("version", asked.version.as_str()), ("theme", asked.theme.as_str())];
    let rows = rules.iter().map(|rule| row(look, rule, &kept));
    let rows = rows.filter(|row| {
        let name = if row.saved { row.name.as_str() } else { "" };
        found(&asked.q, &[name, &row.path, &row.kind, &row.route, &row.owner, &row.reason])
    });
    let about = About {
        title: "Rules",
        section: "/rules",
        path: "/rules",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let frame = Frame::of(look, &about);
    html(
        Page {
            css: asset_url("rules.css"),
            heading,
            masked: frame.masked.clone(),
            frame,
            q: asked.q.clone(),
            theme: asked.theme.clone(),
            version: asked.version.clone(),
            rows: rows.collect(),
            clear_href: words::link("/rules", &kept),
            new_href: words::link("/rules/new", &kept),
            back: words::link("/rules", &kept),
            ruled: asked.ruled.clone(),
            removed: asked.removed.clone(),
        }
        .render(),
    )
}

fn row(look: &Look, rule: &RuleJson, kept: &[(&str, &str)]) -> Row {
    let text = |name: &str| rule.rule.get(name).and_then(|value| value.as_str()).unwrap_or("");
    let number = rule.number.map(|number| number.to_string()).unwrap_or_default();
    let name = rule.id.map_or(number, |id| id.to_string());
    let hides = match rule.hides {
        None => "told on kept exchanges".to_owned(),
        Some(hides) if hides.pairs == 0 => "nothing so far".to_owned(),
        Some(hides) => format!(
            "{}, {} match only so",
            words::plural(hides.pairs, "exchange"),
            words::count(hides.cleared)
        ),
    };
    let is_behind = rule.hides.is_none_or(|hides| hides.pairs > 0);
    let expires_exact = rule.expires_at.clone().unwrap_or_default();
    Row {
        saved: rule.id.is_some(),
        path: text("path").to_owned(),
        kind: kind_words(&rule.rule),
        route: text("route").to_owned(),
        hides,
        hides_href: if is_behind && rule.id.is_some() {
            words::link(&format!("/rules/{name}/hides"), kept)
        } else {
            String::new()
        },
        owner: rule.owner.clone().unwrap_or_default(),
        reason: rule.reason.clone().unwrap_or_default(),
        expires: words::instant_of(&expires_exact).map_or_else(String::new, |at| {
            let left = at.saturating_sub(look.now) / 1_000_000;
            if left <= 0 { "expired".to_owned() } else { format!("in {}", words::long(left)) }
        }),
        expires_exact,
        state: rule.state.clone(),
        edit_href: words::link(&format!("/rules/{name}/edit"), kept),
        name,
    }
}

pub(super) async fn remove(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<BackForm>,
) -> Result<Redirect, PageError> {
    let id: RuleId = id.parse().map_err(ApiError::NotFound)?;
    remove_rule(&app, &actor, id).await?;
    Ok(Redirect::to(&back(&form.back, "/rules", ("removed", &id.to_string()))))
}

pub(super) async fn restore(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<BackForm>,
) -> Result<Redirect, PageError> {
    let id: RuleId = id.parse().map_err(ApiError::NotFound)?;
    restore_rule(&app, &actor, id).await?;
    Ok(Redirect::to(&back(&form.back, "/rules", ("ruled", &id.to_string()))))
}

/// Whether all words of a search occur.
pub(in crate::pages) fn found(q: &str, texts: &[&str]) -> bool {
    let text = texts.join(" ").to_lowercase();
    q.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
}
