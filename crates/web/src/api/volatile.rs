//! `/api/v1/volatile`: places that differ by nature, with the evidence for it; and a user's word
//! over what is learnt.

use cluster::{Covers, Evidence, Model};
use serde::{Deserialize, Serialize};
use store::{OverruledRow, Store};

use super::{ApiError, instant};
use crate::ledger::Ledger;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volatile {
    /// The number of the model these come from; 0 = nothing learnt yet.
    pub model: i64,
    pub volatile: Vec<VolatileJson>,
    /// What users said, over what is learnt.
    pub overruled: Vec<OverruledJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolatileJson {
    pub endpoint: String,
    #[serde(rename = "where")]
    pub place: String,
    pub path: String,
    /// The value, or the order of the array.
    pub covers: Covers,
    pub evidence: Evidence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverruledJson {
    pub endpoint: String,
    #[serde(rename = "where")]
    pub place: String,
    pub path: String,
    pub covers: String,
    /// `volatile` or `never`.
    pub says: String,
    pub owner: Option<String>,
    pub reason: String,
    pub said_at: String,
    /// Whether the model in force heeds it.
    pub in_force: bool,
}

/// The body of `POST /api/v1/volatile`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overruling {
    pub endpoint: String,
    #[serde(rename = "where", default = "body")]
    pub place: String,
    /// Generalised: `/items/*/id`; the name of a header.
    pub path: String,
    #[serde(default)]
    pub covers: Covers,
    pub says: Word,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub reason: String,
}

/// What a user says of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Volatile,
    Never,
    /// What is learnt counts again.
    Learnt,
}

fn body() -> String {
    "body".to_owned()
}

pub(crate) async fn volatile(
    store: &Store,
    names: &Ledger,
    model: &Model,
) -> Result<Volatile, ApiError> {
    let mut told = volatile_of(names, model);
    told.overruled = overruled_of(names, model, &store.overruled().await?);
    Ok(told)
}

/// Without what users said.
#[must_use]
pub fn volatile_of(names: &Ledger, model: &Model) -> Volatile {
    let mut volatile: Vec<VolatileJson> = model
        .volatile
        .iter()
        .map(|place| VolatileJson {
            endpoint: names.name(place.endpoint.0),
            place: place_name(place.place).to_owned(),
            path: place.path.clone(),
            covers: place.covers,
            evidence: place.evidence.clone(),
        })
        .collect();
    volatile
        .sort_by(|a, b| (&a.endpoint, &a.place, &a.path).cmp(&(&b.endpoint, &b.place, &b.path)));
    Volatile { model: model.number, volatile, overruled: Vec::new() }
}

pub(crate) fn overruled_of(
    names: &Ledger,
    model: &Model,
    rows: &[OverruledRow],
) -> Vec<OverruledJson> {
    let heeded = |row: &OverruledRow| {
        model.overruled.iter().any(|one| {
            (one.endpoint.0, place_name(one.place), one.path.as_str(), word(&one.covers))
                == (row.endpoint, row.place.as_str(), row.path.as_str(), row.covers.clone())
                && word(&one.says) == row.says
        })
    };
    let shown = rows.iter().map(|row| OverruledJson {
        endpoint: names.name(row.endpoint),
        place: row.place.clone(),
        path: row.path.clone(),
        covers: row.covers.clone(),
        says: row.says.clone(),
        owner: row.owner.clone(),
        reason: row.reason.clone(),
        said_at: instant(row.said_at),
        in_force: heeded(row),
    });
    shown.collect()
}

/// Keeps, or takes back, a user's word on a place; the analyst heeds it with the next model.
pub(crate) async fn overrule(
    store: &Store,
    names: &Ledger,
    said: &Overruling,
) -> Result<(), ApiError> {
    let endpoint = names
        .endpoint_named(said.endpoint.trim())
        .ok_or_else(|| ApiError::NotFound(format!("there is no endpoint `{}`", said.endpoint)))?;
    let place = said.place.as_str();
    if !matches!(place, "body" | "header") {
        let problem = "write `body` or `header`".to_owned();
        return Err(ApiError::Parameter { parameter: "where", problem });
    }
    let path = said.path.trim();
    let fits =
        if place == "body" { path.is_empty() || path.starts_with('/') } else { !path.is_empty() };
    if !fits || path.len() > 2_000 {
        let problem = "write a path such as `/items/*/id`, or the name of a header".to_owned();
        return Err(ApiError::Parameter { parameter: "path", problem });
    }
    let covers = word(&said.covers);
    if said.says == Word::Learnt {
        // It may have been said of an endpoint that is merged into this one since.
        for row in store.overruled().await? {
            let same = (row.place.as_str(), row.path.as_str(), row.covers.as_str())
                == (place, path, covers.as_str());
            if same && names.resolve(row.endpoint) == endpoint {
                store.unoverrule(row.endpoint, place, path, &covers).await?;
            }
        }
        tracing::info!("what is learnt of a place counts again");
        return Ok(());
    }
    let reason = said.reason.trim();
    if reason.is_empty() || reason.len() > 2_000 {
        let problem = "write why, in at most 2000 letters".to_owned();
        return Err(ApiError::Parameter { parameter: "reason", problem });
    }
    let row = OverruledRow {
        endpoint,
        place: place.to_owned(),
        path: path.to_owned(),
        covers,
        says: word(&said.says),
        owner: said.owner.as_deref().map(str::trim).filter(|o| !o.is_empty()).map(str::to_owned),
        reason: reason.to_owned(),
        said_at: 0,
    };
    store.overrule(&row).await?;
    tracing::info!(says = row.says, "a volatile place was overruled");
    Ok(())
}

/// A word of a closed list, as it is written.
fn word(one: &impl Serialize) -> String {
    let written = serde_json::to_value(one).ok();
    written.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(crate) fn place_name(place: cluster::Where) -> &'static str {
    match place {
        cluster::Where::Status => "status",
        cluster::Where::Header => "header",
        cluster::Where::Body => "body",
    }
}
