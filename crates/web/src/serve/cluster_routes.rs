//! `/api/v1/clusters/{id}`: one cluster, what people say of it, and how it is taken along.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use store::ChangeRow;

use super::{
    Actor, App,
    asked::{Answer, Asked, Refused, VersionQuery},
};
use crate::{
    api::{
        self, ApiError, ClusterId, Entities, EntitiesQuery, Form, PageQuery, StateChange,
        UndoRequest,
    },
    export::{Format, Subject},
};

/// Kept exchanges of one export.
const EXPORTED: u32 = 25;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/clusters/{id}", get(cluster))
        .route("/clusters/{id}/samples", get(samples))
        .route("/clusters/{id}/entities", get(entities))
        .route("/clusters/{id}/state", post(cluster_state))
        .route("/clusters/{id}/undo", post(cluster_undo))
        .route("/clusters/{id}/history", get(history))
        .route("/clusters/{id}/export", get(export_cluster))
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
    told(&app, &asked, id, change).await
}

/// The cluster as it is after a change.
async fn told(
    app: &App,
    asked: &Asked,
    id: ClusterId,
    change: Option<i64>,
) -> Answer<api::Changed> {
    let cluster = api::cluster_of(&*asked.ledger(app).await?, id, None);
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
    let change = undone.map_err(|error| asked.refuse(error))?.id;
    told(&app, &asked, id, Some(change)).await
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
