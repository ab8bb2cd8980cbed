//! `/api/v1/versions`, `/api/v1/pause` and `/api/v1/resume`: what the other processes are told.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    routing::{get, post},
};
use exchange::control::Scope;

use super::{
    Actor, App,
    asked::{Answer, Asked},
};
use crate::{
    api::{self, ApiError, CompareQuery, PauseRequest, VersionAnnouncement},
    desired,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/versions", get(versions).post(announce))
        .route("/versions/compare", get(compare_versions))
        .route("/pause", post(pause).get(paused))
        .route("/resume", post(resume))
}

async fn versions(State(app): State<App>, asked: Asked) -> Answer<api::Versions> {
    asked.answer(api::versions(app.store()).await)
}

async fn compare_versions(State(app): State<App>, asked: Asked) -> Answer<api::VersionComparison> {
    let query: CompareQuery = asked.query()?;
    let ledger = asked.ledger(&app).await?;
    asked.answer(api::comparison_of(&ledger, &query))
}

async fn announce(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Answer<api::Versions> {
    let said: VersionAnnouncement = asked.body(&body)?;
    asked.answer(announce_version(&app, &actor, &said).await)
}

async fn announce_version(
    app: &App,
    actor: &Actor,
    said: &VersionAnnouncement,
) -> Result<api::Versions, ApiError> {
    if !matches!(said.side.as_str(), "candidate" | "primary") {
        let problem = format!("`{}` is no side; write candidate or primary", said.side);
        return Err(ApiError::Parameter { parameter: "side", problem });
    }
    let version = said.version.trim();
    // `all` and the empty text mean something else where a version is asked for.
    if version.is_empty() || version == "all" || version.chars().count() > 200 {
        let problem = "must be 1 to 200 characters, and not `all`".to_owned();
        return Err(ApiError::Parameter { parameter: "version", problem });
    }
    app.store().announce_version(&said.side, version).await?;
    if said.side == "candidate" {
        let _turn = app.desired_turn().lock().await;
        let mut desired = desired::load(app.store()).await?.unwrap_or_default();
        desired.announce(version);
        desired::keep(app.store(), app.queue(), &desired).await?;
    }
    actor.did("version.announce", &version, None::<()>, said);
    api::versions(app.store()).await
}

async fn pause(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Answer<api::PauseState> {
    let request: PauseRequest = asked.body(&body)?;
    asked.answer(set_paused(&app, &actor, request.scope, true).await)
}

async fn resume(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Answer<api::PauseState> {
    let request: PauseRequest = asked.body(&body)?;
    asked.answer(set_paused(&app, &actor, request.scope, false).await)
}

async fn paused(State(app): State<App>, asked: Asked) -> Answer<api::PauseState> {
    let desired = desired::load(app.store()).await;
    asked.answer(desired.map(|desired| desired.unwrap_or_default().state()))
}

/// Keeps and sends the new desired state.
pub(crate) async fn set_paused(
    app: &App,
    actor: &Actor,
    scope: Scope,
    paused: bool,
) -> Result<api::PauseState, ApiError> {
    let _turn = app.desired_turn().lock().await;
    let mut desired = desired::load(app.store()).await?.unwrap_or_default();
    let before = desired.state();
    desired.set_paused(scope, paused, app.now());
    desired::keep(app.store(), app.queue(), &desired).await?;
    tracing::info!(pause.scope = ?scope, pause.paused = paused, "copying and replaying were told");
    let after = desired.state();
    let what = match scope {
        Scope::Copy => "copying",
        Scope::Replay => "replaying",
        Scope::Both => "copying and replaying",
    };
    actor.did(if paused { "pause" } else { "resume" }, &what, &before, &after);
    Ok(after)
}
