//! `/api/v1/rechecks` and `/api/v1/reset`: sending again, and forgetting.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    routing::{get, post},
};
use exchange::control::Command;

use super::{
    Actor, App,
    asked::{Answer, Asked},
};
use crate::{
    api::{self, ApiError, ClusterId, RecheckRequest, ResetRequest},
    desired,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/clusters/{id}/recheck", post(cluster_recheck))
        .route("/rechecks", get(rechecks).post(ask_recheck))
        .route("/rechecks/{id}", get(recheck))
        .route("/reset", post(reset))
}

async fn cluster_recheck(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
) -> Answer<api::Recheck> {
    let id: ClusterId = asked.id(&id)?;
    asked.answer(begin_recheck(&app, &actor, &cluster_request(id)).await)
}

async fn ask_recheck(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Answer<api::Recheck> {
    let request: RecheckRequest = asked.body(&body)?;
    asked.answer(begin_recheck(&app, &actor, &request).await)
}

async fn rechecks(State(app): State<App>, asked: Asked) -> Answer<api::Rechecks> {
    asked.answer(api::rechecks(app.store(), None).await)
}

async fn recheck(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<api::Recheck> {
    let id: i64 = asked.id(&id)?;
    asked.answer(api::recheck(app.store(), id).await)
}

pub(crate) fn cluster_request(id: ClusterId) -> RecheckRequest {
    RecheckRequest { cluster: Some(id.to_string()), ..RecheckRequest::default() }
}

/// Keeps what is asked for, and tells the replayers.
pub(crate) async fn begin_recheck(
    app: &App,
    actor: &Actor,
    request: &RecheckRequest,
) -> Result<api::Recheck, ApiError> {
    let recheck = api::ask_recheck(app.store(), request).await?;
    desired::send_command(app.queue(), &Command::Recheck).await;
    tracing::info!(recheck.id, "a recheck was asked for");
    actor.did("recheck", &recheck.id, None::<()>, request);
    Ok(recheck)
}

async fn reset(
    State(app): State<App>,
    actor: Actor,
    asked: Asked,
    body: Bytes,
) -> Answer<api::ResetDone> {
    let request: ResetRequest = asked.body(&body)?;
    let done = asked.answer(api::reset(app.store(), &request).await)?;
    let what = request.endpoint.as_deref().unwrap_or("every endpoint");
    let forgotten: &api::ResetDone = &done;
    actor.did("reset", &what, &request, forgotten);
    app.kept_ledger().forget();
    Ok(done)
}
