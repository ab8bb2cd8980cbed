//! `/api/v1`: handlers that read parameters and hand on to [`crate::api`].

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequestParts, OriginalUri, Path, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use exchange::{
    ExchangeId,
    control::{Command, Scope},
};
use serde::{Serialize, de::DeserializeOwned};
use store::ChangeRow;

use super::{Actor, App, parameters, refusal, rule_routes};
use crate::{
    api::{
        self, ApiError, AuditQuery, ClusterId, ClustersQuery, CompareQuery, EndpointsQuery,
        Entities, EntitiesQuery, ExchangesQuery, Form, GateQuery, MemoryQuery, OPENAPI, PageQuery,
        PauseRequest, RecheckRequest, ResetRequest, StateChange, UndoRequest, VersionAnnouncement,
    },
    desired,
    export::{Format, Subject},
    ledger::Ledger,
};

const MAX_CLUSTERS: u32 = 1_000;
/// Kept exchanges of one export.
const EXPORTED: u32 = 25;

pub(super) fn routes() -> Router<App> {
    let routes = Router::new()
        .route("/funnel", get(funnel))
        .route("/endpoints", get(endpoints))
        .route("/clusters", get(clusters))
        .route("/clusters/{id}", get(cluster))
        .route("/clusters/{id}/samples", get(samples))
        .route("/clusters/{id}/entities", get(entities))
        .route("/clusters/{id}/state", post(cluster_state))
        .route("/clusters/{id}/undo", post(cluster_undo))
        .route("/clusters/{id}/history", get(history))
        .route("/clusters/{id}/export", get(export_cluster))
        .route("/clusters/{id}/recheck", post(cluster_recheck))
        .route("/rechecks", get(rechecks).post(ask_recheck))
        .route("/rechecks/{id}", get(recheck))
        .route("/reset", post(reset))
        .route("/exchanges", get(exchanges))
        .route("/exchanges/{id}", get(exchange))
        .merge(rule_routes::routes())
        .route("/memory", get(memory))
        .route("/gate", get(gate))
        .route("/versions", get(versions).post(announce))
        .route("/versions/compare", get(compare_versions))
        .route("/pause", post(pause).get(paused))
        .route("/resume", post(resume))
        .route("/audit", get(audit))
        .route("/openapi.json", get(openapi))
        .method_not_allowed_fallback(wrong_method);
    Router::new().nest("/api/v1", routes)
}

/// An error with the path it belongs to.
pub(super) struct Refused(ApiError, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal::problem(&self.0, &self.1)
    }
}

/// The path asked for, so that problems can name it.
pub(super) struct Asked(Parts);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

impl Asked {
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        parameters::query(&self.0).map_err(|error| self.refuse(error))
    }

    /// A JSON body; its content type must say so, which no cross-site form can.
    pub(super) fn body<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Refused> {
        let kind = self.0.headers.get(header::CONTENT_TYPE);
        let is_json = kind
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
        if !is_json {
            let text = "send the body as JSON, with `content-type: application/json`";
            return Err(self.refuse(ApiError::Request(text.to_owned())));
        }
        serde_json::from_slice(body)
            .map_err(|error| self.refuse(ApiError::Request(format!("the body: {error}"))))
    }

    pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        text: &str,
    ) -> Result<T, Refused> {
        text.parse().map_err(|error: T::Err| {
            self.refuse(ApiError::NotFound(format!("`{text}` is not an id here: {error}")))
        })
    }

    pub(super) fn answer<T: Serialize>(
        &self,
        result: Result<T, ApiError>,
    ) -> Result<Json<T>, Refused> {
        result.map(Json).map_err(|error| self.refuse(error))
    }

    pub(super) async fn ledger(&self, app: &App) -> Result<Arc<Ledger>, Refused> {
        app.ledger().await.map_err(|error| self.refuse(error.into()))
    }

    pub(super) fn refuse(&self, error: ApiError) -> Refused {
        let original = self.0.extensions.get::<OriginalUri>();
        let path = original.map_or_else(|| self.0.uri.path(), |uri| uri.0.path());
        Refused(error, path.to_owned())
    }
}

pub(super) type Answer<T> = Result<Json<T>, Refused>;

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

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct VersionQuery {
    pub(super) version: Option<String>,
}

async fn cluster(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<api::Cluster> {
    let id: ClusterId = asked.id(&id)?;
    let query: VersionQuery = asked.query()?;
    let ledger = asked.ledger(&app).await?;
    asked.answer(api::cluster_of(&ledger, id, query.version.as_deref()))
}

async fn samples(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<api::Samples> {
    let id: ClusterId = asked.id(&id)?;
    let query: PageQuery = asked.query()?;
    asked.answer(api::samples(app.store(), id, &query).await)
}

async fn entities(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let id: ClusterId = asked.id(&id)?;
    let query: EntitiesQuery = asked.query()?;
    let form = query.form().map_err(|error| asked.refuse(error))?;
    let cluster = api::cluster_of(&*asked.ledger(&app).await?, id, None);
    let entities = cluster.map(Entities::of).map_err(|error| asked.refuse(error))?;
    Ok(match form {
        Form::Json => Json(entities).into_response(),
        Form::Csv => {
            let name = format!("attachment; filename=\"{id}-entities.csv\"");
            let kind = "text/csv; charset=utf-8; header=present".to_owned();
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
            (headers, entities.csv()).into_response()
        }
    })
}

async fn cluster_state(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
    body: Bytes,
) -> Answer<api::Changed> {
    let id: ClusterId = asked.id(&id)?;
    let change: StateChange = asked.body(&body)?;
    let changed = change_state(&app, &actor, id, &change).await;
    let change = changed.map_err(|error| asked.refuse(error))?.map(|row| row.id);
    let cluster = api::cluster_of(&*asked.ledger(&app).await?, id, None);
    asked.answer(cluster.map(|cluster| api::Changed { cluster, change }))
}

pub(crate) async fn change_state(
    app: &App,
    actor: &Actor,
    id: ClusterId,
    change: &StateChange,
) -> Result<Option<ChangeRow>, ApiError> {
    let changed = api::change_state(app.store(), id, change, Some(actor.name())).await?;
    if let Some(row) = &changed {
        app.kept_ledger().has_changed();
        actor.did("cluster.state", &ClusterId(row.cluster), &row.before, &row.after);
    }
    Ok(changed)
}

async fn cluster_undo(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    asked: Asked,
    body: Bytes,
) -> Answer<api::Changed> {
    let id: ClusterId = asked.id(&id)?;
    let request: UndoRequest = asked.body(&body)?;
    let undone = undo_change(&app, &actor, id, request.change).await;
    let change = Some(undone.map_err(|error| asked.refuse(error))?.id);
    let cluster = api::cluster_of(&*asked.ledger(&app).await?, id, None);
    asked.answer(cluster.map(|cluster| api::Changed { cluster, change }))
}

/// Takes a change of a cluster back.
pub(crate) async fn undo_change(
    app: &App,
    actor: &Actor,
    id: ClusterId,
    change: i64,
) -> Result<ChangeRow, ApiError> {
    let undone = api::undo(app.store(), id, change, Some(actor.name())).await?;
    app.kept_ledger().has_changed();
    actor.did("cluster.undo", &ClusterId(undone.cluster), &undone.before, &undone.after);
    Ok(undone)
}

async fn history(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<api::History> {
    let id: ClusterId = asked.id(&id)?;
    asked.answer(api::history(app.store(), id).await)
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExportQuery {
    format: Option<String>,
    version: Option<String>,
}

async fn export_cluster(
    State(app): State<App>,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let id: ClusterId = asked.id(&id)?;
    let query: ExportQuery = asked.query()?;
    let written = exported(&app, id, &query).await;
    written.map_err(|error| asked.refuse(error))
}

async fn exported(app: &App, id: ClusterId, query: &ExportQuery) -> Result<Response, ApiError> {
    let format = Format::asked(query.format.as_deref())?;
    let cluster = api::cluster_of(&*app.ledger().await?, id, query.version.as_deref())?;
    let page = api::PageQuery { limit: Some(EXPORTED), ..api::PageQuery::default() };
    let samples = api::samples(app.store(), id, &page).await?.samples;
    let text = format.write(&Subject {
        cluster: &cluster,
        samples: &samples,
        primary: app.config().primary.as_deref().unwrap_or_default(),
        candidate: app.config().candidate.as_deref().unwrap_or_default(),
        address: &format!("http://{}", app.address()),
    })?;
    let disposition = format!("attachment; filename=\"{}\"", format.file_name(&cluster));
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, text).into_response())
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
