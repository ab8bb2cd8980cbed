//! `GET /api/v1/volatile`: places that differ by nature, with the evidence for it.

use cluster::{Covers, Evidence, Model};
use serde::{Deserialize, Serialize};
use store::Store;

use super::ApiError;
use crate::ledger::Ledger;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volatile {
    /// The number of the model these come from; 0 = nothing learnt yet.
    pub model: i64,
    pub volatile: Vec<VolatileJson>,
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

pub async fn volatile(store: &Store) -> Result<Volatile, ApiError> {
    let names = Ledger {
        endpoints: store.endpoints().await?.into_iter().map(|row| (row.key, row)).collect(),
        ..Ledger::default()
    };
    match store.model_newer(-1).await? {
        None => Ok(Volatile::default()),
        Some(row) => {
            let model: Model = serde_json::from_str(&row.doc)
                .map_err(|error| ApiError::Unreadable(format!("model {}: {error}", row.number)))?;
            Ok(volatile_of(&names, &model))
        }
    }
}

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
    Volatile { model: model.number, volatile }
}

pub(crate) fn place_name(place: cluster::Where) -> &'static str {
    match place {
        cluster::Where::Status => "status",
        cluster::Where::Header => "header",
        cluster::Where::Body => "body",
    }
}
