//! Handlers: they wait for store and queue, then hand a look to a page.

use axum::{
    Router,
    extract::{Path, State},
    response::Html,
    routing::{get, post},
};
use exchange::ExchangeId;
use store::{Page, SampleQuery, SampleRow, Store};

use super::{
    Look, again::Again, audit, behind::is_kept, cluster, clusters, compare, deciding, did,
    exchanges, forms, masks::Masks, pipeline, readiness, rows, rules, volatile,
};
use crate::{
    api::{self, ApiError, ClusterId, sample_query},
    serve::{Actor, App, PageError, PageParameters, cluster_request},
    weigh,
};

/// Samples of a cluster that are listed.
const SAMPLES: u32 = 25;
/// Kept exchanges that a search looks through, and finds at most.
const SEARCHED: usize = 2_000;
const FOUND: usize = 100;
/// Kept rows on which conditions are weighed.
const WEIGHED: u32 = 4_000;
/// Parked exchanges that are listed.
const PARKED: u32 = 100;
/// Remembered values that are listed.
const MEMORY_SHOWN: u32 = 20;

type Answer = Result<Html<String>, PageError>;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(readiness))
        .route("/clusters", get(clusters))
        .route("/clusters/recheck", post(forms::recheck_new))
        .route("/clusters/act", post(forms::clusters_act))
        .route("/clusters/undo", post(forms::clusters_undo))
        .route("/clusters/{id}", get(cluster))
        .route("/clusters/{id}/state", post(forms::cluster_state))
        .route("/clusters/{id}/undo", post(forms::cluster_undo))
        .route("/clusters/{id}/recheck", post(forms::cluster_recheck))
        .route("/rechecks", post(forms::recheck))
        .route("/exchanges", get(exchanges))
        .route("/exchanges/{id}", get(exchange))
        .route("/exchanges/{id}/rows", get(rows))
        .route("/exchanges/{id}/value", get(value))
        .merge(rules::routes())
        .merge(volatile::routes())
        .route("/gate", get(gate))
        .route("/compare", get(compare))
        .route("/pipeline", get(pipeline))
        .route("/audit", get(audit_page))
        .route("/pause", post(forms::pause))
        .route("/resume", post(forms::resume))
}

async fn readiness(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<readiness::Asked>,
) -> Answer {
    let look = Look::at(&app, &actor).await?;
    let timeline = app.timeline().await?;
    Ok(Html(readiness::page(&look, &timeline.trend, &asked)?))
}

async fn clusters(
    State(app): State<App>,
    actor: Actor,
    PageParameters(mut asked): PageParameters<clusters::Asked>,
) -> Answer {
    asked.list = asked.list.with_tokens();
    let look = Look::at(&app, &actor).await?;
    let timeline = match asked.list.spark.as_str() {
        "hours" => Some(app.timeline().await?),
        _ => None,
    };
    let back = asked.list.link("/clusters", &[("at", &asked.at), ("picked", &asked.picked)]);
    let did = did::did(app.store(), &asked.did, &asked.stayed, back).await?;
    let here = asked.list.link("/clusters", &[]);
    let again = Again::endpoint(&app, &look, &asked.list.endpoint, here).await?;
    let trend = timeline.as_ref().map(|one| &one.trend);
    let extra = clusters::Extra { trend, did, again };
    Ok(Html(clusters::page(&look, extra, &asked)?))
}

async fn cluster(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    PageParameters(asked): PageParameters<cluster::Asked>,
) -> Answer {
    let id: ClusterId = id.parse().map_err(ApiError::NotFound)?;
    let look = Look::at(&app, &actor).await?;
    let kept = kept(&app, &look, id, &asked).await?;
    Ok(Html(cluster::page(&look, id, kept, &asked)?))
}

async fn kept(
    app: &App,
    look: &Look,
    id: ClusterId,
    asked: &cluster::Asked,
) -> Result<cluster::Kept, ApiError> {
    let store = app.store();
    let (row, _) = store
        .cluster(id.0)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("there is no cluster {id}")))?;
    let id = ClusterId(row.id);
    // Of the version whose count the page shows.
    let version = match asked.list.version.as_str() {
        "all" => None,
        "" => api::cluster_of(&look.ledger, id, None)?.versions.pop(),
        version => Some(version.to_owned()),
    };
    let samples =
        SampleQuery { cluster: Some(id.0), version, limit: SAMPLES, ..SampleQuery::default() };
    let matches = SampleQuery {
        endpoint: Some(row.endpoint),
        matches: Some(true),
        limit: cluster::CONTRAST,
        ..SampleQuery::default()
    };
    let (mut samples, matches, model) = (
        store.sample_heads(&samples).await?,
        store.sample_heads(&matches).await?,
        app.model().await?,
    );
    // A link to a sample leads to it, also where it is not among the newest.
    let asked_for = asked.sample.parse::<ExchangeId>().ok();
    let listed = |id| samples.iter().chain(&matches).any(|sample| sample.exchange == id);
    let mut wanted = asked_for.filter(|id| listed(*id)).or(samples.first().map(|one| one.exchange));
    if let Some(other) = asked_for.filter(|id| !listed(*id))
        && let Some(sample) = store.sample(other).await?
        && sample.cluster == Some(id.0)
    {
        samples.splice(0..0, store.sample_heads_at(&[other]).await?);
        wanted = Some(other);
    }
    let shown = match wanted {
        Some(id) => store.sample(id).await?,
        None => None,
    };
    let own = cluster_request(id);
    let recheck = api::newest_recheck(store, &look.ledger, &own).await?;
    let fix = store.fixes().await?.remove(&id.0);
    let rows = weigh::opened(&store.judged_rows(id.0, row.endpoint, WEIGHED).await?);
    let timeline = app.timeline().await?;
    let history = api::history(store, id).await?.changes;
    let back = asked.list.link(&format!("/clusters/{id}"), &[("sample", &asked.sample)]);
    let did = did::did(store, &asked.did, "", back).await?;
    Ok(cluster::Kept { samples, matches, shown, model, rows, timeline, history, did, recheck, fix })
}

async fn exchanges(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<exchanges::Asked>,
) -> Answer {
    let look = Look::at(&app, &actor).await?;
    let store = app.store();
    let query = sample_query(&look.ledger, &asked.query(&look.scope(asked.version()))?)?;
    let (rows, kept) = if !is_kept(&asked.fate) {
        (Page { rows: Vec::new(), next: None }, 0)
    } else if asked.q.is_empty() {
        (store.samples(&query).await?, store.count_samples(&query).await?)
    } else {
        let rows = searched(store, query, &asked.q).await?;
        let found = rows.len() as u64;
        (Page { rows, next: None }, found)
    };
    let timeline = app.timeline().await?;
    let model = app.model().await?;
    let again = Again::endpoint(&app, &look, &asked.endpoint, asked.here()).await?;
    let found = exchanges::Found { rows: &rows, model: &model, kept, timeline: &timeline, again };
    Ok(Html(exchanges::page(&look, found, &asked)?))
}

/// Kept exchanges that hold all of the words, newest first; of the newest [`SEARCHED`].
async fn searched(
    store: &Store,
    mut query: SampleQuery,
    words: &str,
) -> Result<Vec<SampleRow>, ApiError> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let mut found = Vec::new();
    let mut looked = 0;
    query.cursor = None;
    query.limit = 200;
    while looked < SEARCHED && found.len() < FOUND {
        let page = store.samples(&query).await?;
        looked += page.rows.len();
        found.extend(page.rows.into_iter().filter(|row| holds(row, &words)));
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    found.truncate(FOUND);
    Ok(found)
}

fn holds(row: &SampleRow, words: &[String]) -> bool {
    let text = serde_json::to_string(&row.view).unwrap_or_default().to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

async fn exchange(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    PageParameters(asked): PageParameters<exchanges::OneAsked>,
) -> Answer {
    let missing = || {
        ApiError::NotFound(format!("Exchange {id} is not kept: samples are, the rest is counted."))
    };
    let wanted: ExchangeId = id.parse().map_err(|_| missing())?;
    let sample = app.store().sample(wanted).await?.ok_or_else(missing)?;
    let (look, model) = (Look::at(&app, &actor).await?, app.model().await?);
    let again = match sample.view.write {
        true => None,
        false => {
            let back = asked.link(&id, &[]);
            Some(Again::exchange(&app, &look, &wanted.to_string(), back).await?)
        }
    };
    Ok(Html(exchanges::one(&look, &sample, &model, again, &asked)?))
}

async fn rows(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    PageParameters(asked): PageParameters<rows::Asked>,
) -> Answer {
    let missing = || ApiError::NotFound(format!("Exchange {id} is not kept."));
    let wanted: ExchangeId = id.parse().map_err(|_| missing())?;
    let sample = app.store().sample(wanted).await?.ok_or_else(missing)?;
    let (look, model) = (Look::at(&app, &actor).await?, app.model().await?);
    Ok(Html(rows::page(&sample, &Masks::new(&look, &model), &asked)?))
}

/// The value at a place of a body as it is spelt, to be copied.
async fn value(
    State(app): State<App>,
    Path(id): Path<String>,
    PageParameters(asked): PageParameters<rows::ValueAsked>,
) -> Result<String, PageError> {
    let missing = || ApiError::NotFound(format!("Exchange {id} has no such value."));
    let wanted: ExchangeId = id.parse().map_err(|_| missing())?;
    let sample = app.store().sample(wanted).await?.ok_or_else(missing)?;
    Ok(rows::value(&sample, &asked).ok_or_else(missing)?)
}

async fn gate(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<deciding::Asked>,
) -> Answer {
    Ok(Html(deciding::page(&Look::at(&app, &actor).await?, &asked)?))
}

async fn compare(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<compare::Asked>,
) -> Answer {
    Ok(Html(compare::page(&Look::at(&app, &actor).await?, &asked)?))
}

async fn pipeline(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<pipeline::Asked>,
) -> Answer {
    let look = Look::at(&app, &actor).await?;
    let parked = app.store().parked(PARKED).await?;
    let query = api::MemoryQuery { limit: Some(MEMORY_SHOWN), ..Default::default() };
    let memory = api::memory(app.store(), &query).await?;
    Ok(Html(pipeline::page(&look, &parked, &memory, &asked)?))
}

async fn audit_page(
    State(app): State<App>,
    actor: Actor,
    PageParameters(asked): PageParameters<audit::Asked>,
) -> Answer {
    let entries = api::audit(app.store(), &asked.query()).await?;
    Ok(Html(audit::page(&Look::at(&app, &actor).await?, entries, &asked)?))
}
