//! `/api/v1`: handlers that read parameters and hand on to [`crate::api`].

use axum::{
    Json, Router,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use exchange::ExchangeId;

use super::{
    App,
    asked::{Answer, Asked, Refused},
    cluster_routes, recheck_routes, rule_routes, steering_routes,
};
use crate::api::{
    self, ApiError, AuditQuery, ClustersQuery, EndpointsQuery, ExchangesQuery, GateQuery,
    MemoryQuery, OPENAPI,
};

const MAX_CLUSTERS: u32 = 1_000;

pub(super) fn routes() -> Router<App> {
    let routes = Router::new()
        .route("/funnel", get(funnel))
        .route("/endpoints", get(endpoints))
        .route("/clusters", get(clusters))
        .merge(cluster_routes::routes())
        .merge(recheck_routes::routes())
        .route("/exchanges", get(exchanges))
        .route("/exchanges/{id}", get(exchange))
        .merge(rule_routes::routes())
        .route("/memory", get(memory))
        .route("/gate", get(gate))
        .merge(steering_routes::routes())
        .route("/audit", get(audit))
        .route("/openapi.json", get(openapi))
        .method_not_allowed_fallback(wrong_method);
    Router::new().nest("/api/v1", routes)
}

async fn funnel(State(app): State<App>, asked: Asked) -> Answer<api::Funnel> {
    asked.answer(told_funnel(&app).await)
}

/// The funnel, and what ails most pairs.
pub(super) async fn told_funnel(app: &App) -> Result<api::Funnel, ApiError> {
    api::funnel_at(&*app.ledger().await?, app.store(), Some(app.queue())).await
}

async fn endpoints(State(app): State<App>, asked: Asked) -> Answer<api::Endpoints> {
    let query: EndpointsQuery = asked.query()?;
    let ledger = asked.ledger(&app).await?;
    Ok(Json(api::endpoints_of(&ledger, &query, &app.config().gate)))
}

async fn clusters(State(app): State<App>, asked: Asked) -> Answer<api::Clusters> {
    let query: ClustersQuery = asked.query()?;
    if query.limit.is_some_and(|limit| limit == 0 || limit > MAX_CLUSTERS) {
        let problem = format!("must be from 1 to {MAX_CLUSTERS}");
        return Err(asked.refuse(ApiError::Parameter { parameter: "limit", problem }));
    }
    let ledger = asked.ledger(&app).await?;
    asked.answer(api::clusters_of(&ledger, &query))
}

async fn exchanges(State(app): State<App>, asked: Asked) -> Answer<api::Exchanges> {
    let query: ExchangesQuery = asked.query()?;
    asked.answer(api::exchanges(app.store(), &query).await)
}

async fn exchange(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<api::ExchangeDetail> {
    let id: ExchangeId = asked.id(&id)?;
    asked.answer(api::exchange(app.store(), id).await)
}

async fn memory(State(app): State<App>, asked: Asked) -> Result<Response, Refused> {
    let query: MemoryQuery = asked.query()?;
    if query.format.as_deref() == Some("jsonl") {
        let text = api::memory_seed(app.store(), &query).await;
        let text = text.map_err(|error| asked.refuse(error))?;
        return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response());
    }
    let told = asked.answer(api::memory(app.store(), &query).await)?;
    Ok(told.into_response())
}

async fn gate(State(app): State<App>, asked: Asked) -> Answer<gate::Decision> {
    let query: GateQuery = asked.query()?;
    let ledger = asked.ledger(&app).await?;
    let input = api::gate_input_of(&ledger, &query, &app.config().gate);
    asked.answer(input.map(|input| gate::decide(&input)))
}

async fn audit(State(app): State<App>, asked: Asked) -> Answer<api::Audit> {
    let query: AuditQuery = asked.query()?;
    asked.answer(api::audit(app.store(), &query).await)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn wrong_method(asked: Asked) -> Response {
    let text = format!("{} is not served here; /api/v1/openapi.json says what is", asked.0.method);
    asked.refuse(ApiError::Method(text)).into_response()
}
