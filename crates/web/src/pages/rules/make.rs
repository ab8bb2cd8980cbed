//! A rule in the making: the form with its preview, saving, and the exchanges behind a number.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use exchange::ExchangeId;
use store::{SampleHead, SampleRow};

use super::{
    back,
    effect::{self, EffectView, LINES},
};
use crate::{
    api::{self, ApiError, EffectRequest, RuleEffect, RuleId},
    pages::{
        Look,
        frame::{About, Frame},
        html,
        rule_form::{self, EXPIRIES, KINDS, PlaceChoice, RuleForm},
    },
    serve::{self, Actor, App, FormBody, PageError, PageParameters, asset_url},
    words,
};

/// Kept exchanges that one list shows.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "rule_new.html")]
struct FormPage {
    frame: Frame,
    css: String,
    script: String,
    heading: &'static str,
    form: RuleForm,
    /// Where it is posted to.
    action: String,
    places: Vec<PlaceChoice>,
    /// `GET /loans/{id}`, where the form was opened at one.
    endpoint: String,
    kinds: &'static [(&'static str, &'static str)],
    expiries: Vec<(String, String)>,
    effect: EffectView,
    problem: Option<String>,
    cancel_href: String,
}

#[derive(Template)]
#[template(path = "rule_preview.html")]
struct PreviewPage {
    frame: Frame,
    css: String,
    heading: String,
    below: String,
    tabs: Vec<(String, String, bool)>,
    rows: Vec<KeptRow>,
    form_href: String,
}

struct KeptRow {
    href: String,
    line: String,
    clock: String,
    time: String,
    matches: bool,
}

/// The form, opened at a row of the diff or empty.
pub(super) async fn begin(
    State(app): State<App>,
    actor: Actor,
    PageParameters(form): PageParameters<RuleForm>,
) -> Result<Html<String>, PageError> {
    Ok(Html(form_page(&app, &actor, form, None).await?))
}

pub(super) async fn edit(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    PageParameters(asked): PageParameters<RuleForm>,
) -> Result<Html<String>, PageError> {
    let id: RuleId = id.parse().map_err(ApiError::NotFound)?;
    let rule = api::shown_rule(app.store(), id).await?;
    let fresh = asked.path.is_empty();
    let form = if fresh {
        RuleForm { theme: asked.theme, version: asked.version, ..RuleForm::of(&rule) }
    } else {
        RuleForm { replaces: id.to_string(), ..asked }
    };
    Ok(Html(form_page(&app, &actor, form, None).await?))
}

/// Saves a new rule, where its preview was seen.
pub(super) async fn save(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<RuleForm>,
) -> Result<Response, PageError> {
    if let Some(again) = look_again(&app, &actor, &form).await? {
        return Ok(again);
    }
    let saved = match form.request() {
        Ok(request) => serve::add_rule(&app, &actor, &request).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(rule) => Ok(to_origin(&form, rule.id)),
        Err(error) => refused(&app, &actor, form, error).await,
    }
}

/// Writes a saved rule anew, where its preview was seen.
pub(super) async fn change(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<RuleForm>,
) -> Result<Response, PageError> {
    let id: RuleId = id.parse().map_err(ApiError::NotFound)?;
    let form = RuleForm { replaces: id.to_string(), ..form };
    if let Some(again) = look_again(&app, &actor, &form).await? {
        return Ok(again);
    }
    let saved = match form.request() {
        Ok(request) => serve::change_rule(&app, &actor, id, &request).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(rule) => Ok(to_origin(&form, rule.id)),
        Err(error) => refused(&app, &actor, form, error).await,
    }
}

fn to_origin(form: &RuleForm, id: Option<RuleId>) -> Response {
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    Redirect::to(&back(&form.back, "/rules", ("ruled", &id))).into_response()
}

/// The form once more, where the choice is not the one that was previewed.
async fn look_again(
    app: &App,
    actor: &Actor,
    form: &RuleForm,
) -> Result<Option<Response>, PageError> {
    if form.previewed == form.choice() || rule_form::problem(form).is_some() {
        return Ok(None);
    }
    let problem = "The choice is another than the one that was previewed. Look again, then save.";
    let page = form_page(app, actor, form.clone(), Some(problem.to_owned())).await?;
    Ok(Some(Html(page).into_response()))
}

async fn refused(
    app: &App,
    actor: &Actor,
    form: RuleForm,
    error: ApiError,
) -> Result<Response, PageError> {
    if error.status() >= 500 {
        return Err(error.into());
    }
    let page = form_page(app, actor, form, Some(error.to_string())).await?;
    Ok((StatusCode::BAD_REQUEST, Html(page)).into_response())
}

async fn form_page(
    app: &App,
    actor: &Actor,
    form: RuleForm,
    problem: Option<String>,
) -> Result<String, ApiError> {
    let sample = opened_at(app, &form).await?;
    let look = Look::at(app, actor).await?;
    let endpoint = sample.as_ref().map(|sample| look.ledger.name(sample.endpoint));
    let mut form = form.filled(endpoint.as_deref());
    let places = sample.as_ref().map(|sample| rule_form::place_choices(&form, sample));
    let places = places.unwrap_or_default();
    if let Some(chosen) = places.iter().find(|place| place.checked) {
        form.path.clone_from(&chosen.path);
    }
    let href = |line: &str| form.showing(line);
    let question = if form.path.trim().is_empty() {
        Err(ApiError::Request("Name a place to see what the rule would change.".to_owned()))
    } else {
        form.question()
    };
    let effect = effect::look(app, question, form.choice(), &href).await;
    let mut expiries: Vec<(String, String)> =
        EXPIRIES.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect();
    if !expiries.iter().any(|(value, _)| *value == form.expires) {
        let day = form.expires.get(..10).unwrap_or(&form.expires).to_owned();
        expiries.insert(0, (form.expires.clone(), format!("on {day}")));
    }
    let about = About {
        title: "A rule",
        section: "/rules",
        path: "/rules",
        version: &form.version,
        theme: &form.theme,
        keys: &[],
    };
    let is_new = form.replaces.is_empty();
    html(
        FormPage {
            frame: Frame::of(&look, &about),
            css: asset_url("rules.css"),
            script: asset_url("rules.js"),
            heading: if is_new { "Compare this place differently" } else { "Change a rule" },
            action: if is_new { "/rules".to_owned() } else { format!("/rules/{}", form.replaces) },
            places,
            endpoint: endpoint.unwrap_or_default(),
            kinds: &KINDS,
            expiries,
            effect,
            problem,
            cancel_href: cancel_href(&form),
            form,
        }
        .render(),
    )
}

/// Back to where the form was opened.
fn cancel_href(form: &RuleForm) -> String {
    let theme = ("theme", form.theme.as_str());
    match (form.cluster.as_str(), form.exchange.as_str()) {
        ("", "") => words::link("/rules", &[theme]),
        ("", exchange) => words::link(&format!("/exchanges/{exchange}"), &[theme]),
        (cluster, exchange) => words::link(
            &format!("/clusters/{cluster}"),
            &[("sample", exchange), ("version", &form.version), theme],
        ),
    }
}

async fn opened_at(app: &App, form: &RuleForm) -> Result<Option<SampleRow>, ApiError> {
    let Ok(id) = form.exchange.parse::<ExchangeId>() else { return Ok(None) };
    Ok(app.store().sample(id).await?)
}

/// The exchanges behind a number of the preview.
pub(super) async fn preview(
    State(app): State<App>,
    actor: Actor,
    PageParameters(form): PageParameters<RuleForm>,
) -> Result<Html<String>, PageError> {
    let form_href = words::link(
        "/rules/new",
        &[
            ("exchange", &form.exchange),
            ("cluster", &form.cluster),
            ("at", &form.at),
            ("side", &form.side),
            ("path", &form.path),
            ("kind", &form.kind),
            ("route", &form.route),
            ("abs", &form.abs),
            ("rel", &form.rel),
            ("seconds", &form.seconds),
            ("pattern", &form.pattern),
            ("key", &form.key),
            ("version", &form.version),
            ("theme", &form.theme),
            ("previewed", "1"),
        ],
    );
    let showing = |line: &str| form.showing(line);
    let asked = Behind { question: form.question()?, form: &form, form_href };
    Ok(Html(behind(&app, &actor, asked, &showing).await?))
}

/// The exchanges in which a saved rule hides something.
pub(super) async fn hides(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    PageParameters(form): PageParameters<RuleForm>,
) -> Result<Html<String>, PageError> {
    let id: RuleId = id.parse().map_err(ApiError::NotFound)?;
    let path = format!("/rules/{id}/hides");
    let showing = |line: &str| {
        let kept = [("version", form.version.as_str()), ("theme", &form.theme), ("show", line)];
        words::link(&path, &kept)
    };
    let version = Some(form.version.clone()).filter(|version| !version.is_empty());
    let question = EffectRequest { rule: None, replaces: Some(id), cluster: None, version };
    let form_href = words::link(&format!("/rules/{id}/edit"), &[("theme", &form.theme)]);
    Ok(Html(behind(&app, &actor, Behind { question, form: &form, form_href }, &showing).await?))
}

struct Behind<'a> {
    question: EffectRequest,
    form: &'a RuleForm,
    form_href: String,
}

async fn behind(
    app: &App,
    actor: &Actor,
    asked: Behind<'_>,
    showing: &(dyn Fn(&str) -> String + Sync),
) -> Result<String, ApiError> {
    let look = Look::at(app, actor).await?;
    let effect = serve::effect(app, &asked.question).await?;
    let removes = asked.question.rule.is_none();
    let default = if removes { "returns" } else { "clears" };
    let show = LINES.into_iter().find(|line| *line == asked.form.show).unwrap_or(default);
    let (heads, kept) = kept(app, &effect, show, asked.question.version.as_deref()).await?;
    let counted = effect::line(&effect, show).map_or(0, |line| line.pairs);
    let named = LINES.into_iter().filter_map(|name| Some((name, effect::line(&effect, name)?)));
    let tabs = named.filter(|(name, line)| line.pairs > 0 || *name == show).map(|(name, line)| {
        let text = format!("{} {}", tab_words(name, removes), words::count(line.pairs));
        (text, showing(name), name == show)
    });
    let about = About {
        title: "What a rule changes",
        section: "/rules",
        path: "/rules",
        version: &asked.form.version,
        theme: &asked.form.theme,
        keys: &[("j k", "Move"), ("enter", "Open")],
    };
    let theme = asked.form.theme.as_str();
    html(
        PreviewPage {
            frame: Frame::of(&look, &about),
            css: asset_url("rules.css"),
            heading: heading(&effect, show, removes),
            below: format!("{} counted, {} kept", words::count(counted), words::count(kept)),
            tabs: tabs.collect(),
            rows: heads.iter().map(|head| kept_row(&look, head, theme)).collect(),
            form_href: asked.form_href,
        }
        .render(),
    )
}

/// What can be looked at of a line, and how many are kept of it.
async fn kept(
    app: &App,
    effect: &RuleEffect,
    show: &str,
    version: Option<&str>,
) -> Result<(Vec<SampleHead>, u64), ApiError> {
    let Some(line) = effect::line(effect, show) else { return Ok((Vec::new(), 0)) };
    let version = version.filter(|version| *version != "all");
    if effect.is_exact {
        return Ok(app.store().sample_heads_of(&line.signatures, version, SHOWN).await?);
    }
    let heads = app.store().sample_heads_at(&line.exchanges).await?;
    let kept = heads.len() as u64;
    Ok((heads, kept))
}

fn kept_row(look: &Look, head: &SampleHead, theme: &str) -> KeptRow {
    let time = api::instant(head.captured_at);
    KeptRow {
        href: words::link(&format!("/exchanges/{}", head.exchange), &[("theme", theme)]),
        line: head.line.clone(),
        clock: words::moment(&time, look.now),
        time,
        matches: head.matches,
    }
}

fn tab_words(line: &str, removes: bool) -> &'static str {
    match (line, removes) {
        ("clears", _) => "Clears",
        ("stays", _) => "Stays a mismatch",
        ("newly_hides", _) => "Newly hides",
        (_, true) => "Matches only by it",
        (_, false) => "Comes back",
    }
}

fn heading(effect: &RuleEffect, show: &str, removes: bool) -> String {
    let line = effect::line(effect, show);
    let unit = if effect.is_exact { "exchange" } else { "kept exchange" };
    let number = words::plural(line.map_or(0, |line| line.pairs), unit);
    match (show, removes) {
        ("clears", _) => format!("{number} would match"),
        ("stays", true) => format!("{number} would show one difference more"),
        ("stays", false) => format!("{number} would stay a mismatch for other reasons"),
        ("newly_hides", _) => format!("{number} would match that nobody looked at here"),
        (_, true) => format!("{number} match only by this rule"),
        (_, false) => format!("{number} would be a mismatch again"),
    }
}
