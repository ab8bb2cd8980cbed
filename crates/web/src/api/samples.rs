//! Kept samples: `GET /api/v1/clusters/{id}/samples`, `/exchanges`, `/exchanges/{id}`.

use exchange::ExchangeId;
use serde::{Deserialize, Serialize};
use store::{EndpointRow, Outcome, SampleQuery, SampleRow, Store, view::SampleView};

use super::{ApiError, ClusterId};
use crate::ledger::{Ledger, OTHER_TRAFFIC};

/// Rows of one page unless told, and at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageQuery {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    pub version: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangesQuery {
    /// `GET /loans/{id}`
    pub endpoint: Option<String>,
    /// Absent or `all`: every version.
    pub version: Option<String>,
    pub slice: Option<String>,
    pub cluster: Option<ClusterId>,
    /// `match`, `mismatch`, `no_answer`, `lag` or `primary_error`, by today's model.
    pub verdict: Option<String>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Newest first.
    pub samples: Vec<SampleJson>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchanges {
    /// Newest first.
    pub exchanges: Vec<SampleJson>,
    pub next: Option<String>,
}

/// A kept exchange in its redacted view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleJson {
    #[serde(flatten)]
    pub view: SampleView,
    pub endpoint: String,
    pub version: String,
    pub cluster: Option<ClusterId>,
    /// `match`, `mismatch` or `no_answer`, by today's model.
    pub verdict: String,
    /// Captured before the primary changed last.
    pub stale: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangeDetail {
    #[serde(flatten)]
    pub sample: SampleJson,
    /// RFC 6902, from the primary's body to the candidate's; `null` where a body is no JSON.
    pub patch: Option<serde_json::Value>,
}

/// Samples of one cluster, newest first.
pub async fn samples(store: &Store, id: ClusterId, page: &PageQuery) -> Result<Samples, ApiError> {
    let Some((row, _)) = store.cluster(id.0).await? else {
        return Err(ApiError::NotFound(format!("there is no cluster {id}")));
    };
    let query = ExchangesQuery {
        cluster: Some(ClusterId(row.id)),
        version: page.version.clone(),
        limit: page.limit,
        cursor: page.cursor.clone(),
        ..ExchangesQuery::default()
    };
    let Exchanges { exchanges, next } = exchanges(store, &query).await?;
    Ok(Samples { samples: exchanges, next })
}

/// Kept exchanges, newest first.
pub async fn exchanges(store: &Store, query: &ExchangesQuery) -> Result<Exchanges, ApiError> {
    let names = names(store).await?;
    let page = store.samples(&sample_query(&names, query)?).await?;
    let exchanges = page.rows.into_iter().map(|row| sample_json(&names, row)).collect();
    Ok(Exchanges { exchanges, next: page.next })
}

/// One kept exchange with its patch.
pub async fn exchange(store: &Store, id: ExchangeId) -> Result<ExchangeDetail, ApiError> {
    let row = store.sample(id).await?.ok_or_else(|| {
        ApiError::NotFound(format!("exchange {id} is not kept; samples are, the rest is counted"))
    })?;
    let names = names(store).await?;
    let patch = crate::sides::patch(&row.view);
    Ok(ExchangeDetail { sample: sample_json(&names, row), patch })
}

/// What samples are described by: endpoints and versions.
async fn names(store: &Store) -> Result<Ledger, ApiError> {
    Ok(Ledger {
        endpoints: store.endpoints().await?.into_iter().map(|row| (row.key, row)).collect(),
        versions: store.versions().await?,
        ..Ledger::default()
    })
}

pub(crate) fn sample_json(names: &Ledger, row: SampleRow) -> SampleJson {
    let verdict = match (row.view.candidate.status, row.matches) {
        (None, _) => "no_answer",
        (_, true) => "match",
        (_, false) => "mismatch",
    };
    let changed = names.primary_change().map_or(i64::MIN, |row| row.first_seen);
    SampleJson {
        stale: row.captured_at < changed,
        endpoint: names.name(row.endpoint),
        version: row.version,
        cluster: row.cluster.map(ClusterId),
        verdict: verdict.to_owned(),
        view: row.view,
    }
}

/// The store's query; refused where a parameter names nothing.
pub(crate) fn sample_query(
    names: &Ledger,
    query: &ExchangesQuery,
) -> Result<SampleQuery, ApiError> {
    let endpoint = match query.endpoint.as_deref().filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(names.endpoint_named(name).ok_or_else(|| ApiError::Parameter {
            parameter: "endpoint",
            problem: format!("there is no endpoint `{name}`; /api/v1/endpoints lists them"),
        })?),
    };
    let (matches, outcome) = verdict(query.verdict.as_deref().unwrap_or_default())?;
    let among = query.slice.as_deref().filter(|slice| !slice.is_empty()).map(|slice| {
        let own = |row: &&EndpointRow| row.slice.as_deref().unwrap_or(OTHER_TRAFFIC) == slice;
        names.live_endpoints().filter(own).map(|row| row.key).collect()
    });
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(ApiError::Parameter {
            parameter: "limit",
            problem: format!("must be from 1 to {MAX_LIMIT}"),
        });
    }
    Ok(SampleQuery {
        cluster: query.cluster.map(|id| id.0),
        endpoint,
        among,
        outcome,
        version: query.version.clone().filter(|version| !version.is_empty() && version != "all"),
        matches,
        limit,
        cursor: query.cursor.clone().filter(|cursor| !cursor.is_empty()),
    })
}

/// Whether signatures match today, and the outcome they were counted with.
fn verdict(text: &str) -> Result<(Option<bool>, Option<Outcome>), ApiError> {
    Ok(match text {
        "" => (None, None),
        "match" => (Some(true), Some(Outcome::Answered)),
        "mismatch" => (Some(false), Some(Outcome::Answered)),
        "no_answer" => (None, Some(Outcome::NoAnswer)),
        "lag" => (None, Some(Outcome::Lag)),
        "primary_error" => (None, Some(Outcome::PrimaryError)),
        other => {
            return Err(ApiError::Parameter {
                parameter: "verdict",
                problem: format!(
                    "`{other}` is no verdict; write match, mismatch, no_answer, lag or \
                     primary_error"
                ),
            });
        }
    })
}
