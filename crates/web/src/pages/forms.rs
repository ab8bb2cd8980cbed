//! Buttons: small forms that change a state and lead back.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use exchange::control::Scope;
use serde::Deserialize;

use crate::{
    api::{ApiError, ClusterId, StateChange, StateName},
    serve::{
        Actor, App, FormBody, PageError, begin_recheck, change_state, cluster_request, set_paused,
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct PauseForm {
    scope: Scope,
    #[serde(default)]
    back: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct StateForm {
    state: StateName,
}

pub(super) async fn pause(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<PauseForm>,
) -> Result<Redirect, PageError> {
    set_paused(&app, &actor, form.scope, true).await?;
    Ok(Redirect::to(back(&form.back)))
}

pub(super) async fn resume(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<PauseForm>,
) -> Result<Redirect, PageError> {
    set_paused(&app, &actor, form.scope, false).await?;
    Ok(Redirect::to(back(&form.back)))
}

pub(super) async fn cluster_state(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<StateForm>,
) -> Result<Redirect, PageError> {
    let id: ClusterId = id.parse().map_err(ApiError::NotFound)?;
    let change = StateChange { state: form.state, owner: None, note: None, expires_at: None };
    change_state(&app, &actor, id, &change).await?;
    Ok(Redirect::to(&format!("/clusters/{id}")))
}

pub(super) async fn cluster_recheck(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    let id: ClusterId = id.parse().map_err(ApiError::NotFound)?;
    begin_recheck(&app, &actor, &cluster_request(id)).await?;
    Ok(Redirect::to(&format!("/clusters/{id}")))
}

/// Only to pages that have such a button: never to another site.
fn back(path: &str) -> &'static str {
    match path {
        "/pipeline" => "/pipeline",
        _ => "/",
    }
}
