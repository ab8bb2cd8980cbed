//! `/api/v1/rules` and `/api/v1/volatile`: what users say of places.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::Serialize;

use super::{
    Actor, App,
    asked::{Answer, Asked, Refused, VersionQuery},
};
use crate::api::{
    self, ApiError, EffectJson, EffectRequest, Overruling, RuleEffect, RuleId, RuleJson, RuleList,
    RuleRequest, Rules, RulesPreview,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rules", get(list).post(add))
        .route("/rules/preview", post(preview))
        .route("/rules/{id}", put(change).delete(remove).get(one))
        .route("/rules/{id}/restore", post(restore))
        .route("/volatile", get(volatile).post(say))
}

async fn list(State(app): State<App>, asked: Asked) -> Answer<RuleList> {
    let query: VersionQuery = asked.query()?;
    asked.answer(rule_list(&app, query.version.as_deref()).await)
}

/// The rules with what they hide; figures are missing where nobody here knows them.
pub(crate) async fn rule_list(app: &App, version: Option<&str>) -> Result<RuleList, ApiError> {
    let store = app.store();
    let ledger = app.ledger().await?;
    let scope = ledger.scope(version);
    let configured = api::configured(&app.config().rules);
    let (rows, model) = (store.rules().await?, app.model().await?);
    let version = scope.version().map(str::to_owned);
    let reach = match app.previewer() {
        Some(one) if !(rows.is_empty() && configured.is_empty()) => {
            let of = format!("{version:?} {} {rows:?}", model.number);
            app.reach().look(of, one.reach(store, configured, version)).await?
        }
        _ => Arc::default(),
    };
    Ok(RuleList {
        rules: api::rule_list(&app.config().rules, &rows, &model, &reach, app.now()),
        masked_share: ledger.masked_share(&scope),
    })
}

async fn one(State(app): State<App>, Path(id): Path<String>, asked: Asked) -> Answer<RuleJson> {
    let id: RuleId = asked.id(&id)?;
    asked.answer(api::shown_rule(app.store(), id).await)
}

async fn add(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Result<(StatusCode, Json<RuleJson>), Refused> {
    let request: RuleRequest = asked.body(&body)?;
    let added = asked.answer(add_rule(&app, &actor, &request).await)?;
    Ok((StatusCode::CREATED, added))
}

async fn change(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
    body: Bytes,
) -> Answer<RuleJson> {
    let id: RuleId = asked.id(&id)?;
    let request: RuleRequest = asked.body(&body)?;
    asked.answer(change_rule(&app, &actor, id, &request).await)
}

async fn remove(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer<RuleJson> {
    let id: RuleId = asked.id(&id)?;
    asked.answer(remove_rule(&app, &actor, id).await)
}

async fn restore(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer<RuleJson> {
    let id: RuleId = asked.id(&id)?;
    asked.answer(restore_rule(&app, &actor, id).await)
}

/// Of a set of rules in place of those of the configuration, or of one rule beside those in force.
#[derive(Serialize)]
#[serde(untagged)]
enum Preview {
    Set(RulesPreview),
    One(EffectJson),
}

async fn preview(State(app): State<App>, asked: Asked, body: Bytes) -> Answer<Preview> {
    let value: serde_json::Value = asked.body(&body)?;
    if value.get("rules").is_none() {
        let one: EffectRequest = asked.body(&body)?;
        return asked.answer(effect(&app, &one).await.map(|told| Preview::One(told.json())));
    }
    let Rules { rules } = asked.body(&body)?;
    asked.answer(match app.previewer() {
        Some(previewer) => previewer.preview(app.store(), rules).await.map(Preview::Set),
        None => Err(cannot()),
    })
}

/// What one rule would change.
pub(crate) async fn effect(app: &App, request: &EffectRequest) -> Result<RuleEffect, ApiError> {
    let question = request.question(api::configured(&app.config().rules))?;
    match app.previewer() {
        Some(previewer) => previewer.effect(app.store(), question).await,
        None => Err(cannot()),
    }
}

fn cannot() -> ApiError {
    ApiError::Request("this process cannot preview rules".to_owned())
}

async fn volatile(State(app): State<App>, asked: Asked) -> Answer<api::Volatile> {
    asked.answer(told_volatile(&app).await)
}

async fn told_volatile(app: &App) -> Result<api::Volatile, ApiError> {
    let (ledger, model) = (app.ledger().await?, app.model().await?);
    api::volatile(app.store(), &ledger, &model).await
}

async fn say(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Answer<api::Volatile> {
    let said: Overruling = asked.body(&body)?;
    let done = overrule(&app, &actor, &said).await;
    done.map_err(|error| asked.refuse(error))?;
    asked.answer(told_volatile(&app).await)
}

pub(crate) async fn add_rule(
    app: &App,
    actor: &Actor,
    request: &RuleRequest,
) -> Result<RuleJson, ApiError> {
    let added = api::add_rule(app.store(), request).await?;
    actor.did("rule.add", &name(&added), None::<()>, &added);
    Ok(added)
}

pub(crate) async fn change_rule(
    app: &App,
    actor: &Actor,
    id: RuleId,
    request: &RuleRequest,
) -> Result<RuleJson, ApiError> {
    let before = api::shown_rule(app.store(), id).await?;
    let changed = api::change_rule(app.store(), id, request).await?;
    actor.did("rule.change", &id, &before, &changed);
    Ok(changed)
}

pub(crate) async fn remove_rule(
    app: &App,
    actor: &Actor,
    id: RuleId,
) -> Result<RuleJson, ApiError> {
    let removed = api::remove_rule(app.store(), id).await?;
    actor.did("rule.remove", &id, &removed, None::<()>);
    Ok(removed)
}

pub(crate) async fn restore_rule(
    app: &App,
    actor: &Actor,
    id: RuleId,
) -> Result<RuleJson, ApiError> {
    let restored = api::restore_rule(app.store(), id).await?;
    actor.did("rule.restore", &id, None::<()>, &restored);
    Ok(restored)
}

/// A user's word on a place over what was learnt.
pub(crate) async fn overrule(app: &App, actor: &Actor, said: &Overruling) -> Result<(), ApiError> {
    api::overrule(app.store(), &*app.ledger().await?, said).await?;
    actor.did("place.overrule", &format!("{} {}", said.endpoint, said.path), None::<()>, said);
    Ok(())
}

fn name(rule: &RuleJson) -> String {
    rule.id.map(|id| id.to_string()).unwrap_or_default()
}
