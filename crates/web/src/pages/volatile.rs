//! Volatile places with the evidence for them, and a user's word over it.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Html, Redirect},
    routing::get,
};
use cluster::{Evidence, Model};
use serde::Deserialize;
use store::OverruledRow;

use super::{
    Look,
    frame::{About, Frame},
    html,
    rules::found,
    sample,
};
use crate::{
    api::{self, ApiError, OverruledJson, Overruling, VolatileJson},
    serve::{self, Actor, App, FormBody, PageError, PageParameters, asset_url},
    words,
};

const KEYS: &[(&str, &str)] = &[("j k", "Move"), ("/", "Search"), ("?", "Keys on or off")];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    version: String,
    q: String,
    theme: String,
    /// A place that is to be called volatile.
    endpoint: String,
    path: String,
}

#[derive(Debug, Deserialize)]
struct OverruleForm {
    #[serde(flatten)]
    said: Overruling,
    #[serde(default)]
    theme: String,
}

#[derive(Template)]
#[template(path = "volatile.html")]
struct Page {
    frame: Frame,
    css: String,
    heading: String,
    q: String,
    theme: String,
    version: String,
    rows: Vec<Row>,
    /// With the day each was said.
    overruled: Vec<(OverruledJson, String)>,
    endpoints: Vec<String>,
    endpoint: String,
    path: String,
    model: i64,
    clear_href: String,
}

struct Row {
    one: VolatileJson,
    /// What differs by nature there.
    covers: &'static str,
    covers_word: String,
    endpoint_href: String,
    evidence: String,
    by: &'static str,
    /// A user said so: it stands among what was overruled.
    said: bool,
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/volatile", get(show).post(overrule))
}

async fn show(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<Asked>,
) -> Result<Html<String>, PageError> {
    let (look, model) = (Look::at(&app, &actor).await?, app.model().await?);
    let overruled = app.store().overruled().await?;
    Ok(Html(page(&look, &model, &overruled, asked)?))
}

async fn overrule(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<OverruleForm>,
) -> Result<Redirect, PageError> {
    serve::overrule(&app, &actor, &form.said).await?;
    Ok(Redirect::to(&words::link("/volatile", &[("theme", &form.theme)])))
}

fn page(
    look: &Look,
    model: &Model,
    overruled: &[OverruledRow],
    asked: Asked,
) -> Result<String, ApiError> {
    let all = api::volatile_of(&look.ledger, model).volatile;
    let heading = match all.len() {
        0 => "No volatile place is known yet".to_owned(),
        1 => "1 place differs by nature".to_owned(),
        places => format!("{} places differ by nature", words::count(places as u64)),
    };
    let kept = [("version", asked.version.as_str()), ("theme", asked.theme.as_str())];
    let rows = all.into_iter().map(|place| row(place, &kept));
    let rows = rows.filter(|row| {
        found(&asked.q, &[&row.one.endpoint, &row.one.place, &row.one.path, &row.evidence])
    });
    let about = About {
        title: "Volatile",
        section: "/volatile",
        path: "/volatile",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let mut endpoints: Vec<String> =
        look.ledger.live_endpoints().map(|row| look.ledger.name(row.key)).collect();
    endpoints.sort();
    html(
        Page {
            frame: Frame::of(look, &about),
            css: asset_url("rules.css"),
            heading,
            rows: rows.collect(),
            overruled: overruled_of(look, model, overruled),
            endpoints,
            clear_href: words::link("/volatile", &kept),
            model: model.number,
            q: asked.q,
            theme: asked.theme.clone(),
            version: asked.version.clone(),
            endpoint: asked.endpoint,
            path: asked.path,
        }
        .render(),
    )
}

fn overruled_of(look: &Look, model: &Model, rows: &[OverruledRow]) -> Vec<(OverruledJson, String)> {
    let dated = api::overruled_of(&look.ledger, model, rows).into_iter().map(|one| {
        let day = one.said_at.get(..10).unwrap_or_default().to_owned();
        (one, day)
    });
    dated.collect()
}

fn row(place: VolatileJson, kept: &[(&str, &str)]) -> Row {
    let mut parameters = vec![("endpoint", place.endpoint.as_str())];
    parameters.extend_from_slice(kept);
    Row {
        endpoint_href: words::link("/exchanges", &parameters),
        evidence: sample::evidence(&place.evidence),
        by: match place.evidence {
            Evidence::Secondary { .. } => "secondary",
            Evidence::Earlier { .. } => "the primary itself",
            Evidence::Class { .. } => "class of the values",
            Evidence::Nature { .. } => "the values over time",
            Evidence::Elsewhere { .. } => "other endpoints",
            Evidence::Said { .. } => "a user",
        },
        covers: match place.covers {
            cluster::Covers::Value => "value",
            cluster::Covers::Order => "order",
            cluster::Covers::Presence => "presence",
        },
        covers_word: match place.covers {
            cluster::Covers::Value => String::new(),
            cluster::Covers::Order => "order of the array".to_owned(),
            cluster::Covers::Presence => "whether it is there".to_owned(),
        },
        said: matches!(place.evidence, Evidence::Said { .. }),
        one: place,
    }
}
