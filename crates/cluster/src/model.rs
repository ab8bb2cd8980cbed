//! What has been learnt so far: published by the analyst, loaded by every comparator.

use serde::{Deserialize, Serialize};

use crate::{EndpointId, Place, Signature, Where};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub number: i64,
    /// Templates that replaced others: a path whose own template is `from` belongs to `to`.
    pub merged: Vec<Merged>,
    pub volatile: Vec<VolatilePlace>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    pub method: String,
    pub from: String,
    pub to: String,
}

/// A place that differs by nature, with the evidence for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolatilePlace {
    pub endpoint: EndpointId,
    #[serde(rename = "where")]
    pub place: Where,
    pub path: String,
    /// Only values differ by nature; a missing or retyped value still counts.
    pub evidence: Evidence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Evidence {
    /// The secondary differed from the primary here in `differed` of `asked`.
    Secondary { differed: u64, asked: u64 },
    /// Both sides hold values of a class that is made afresh (`uuid`, `instant_near`, …).
    Class { class: String, differed: u64, compared: u64 },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Match,
    /// The places that count.
    Mismatch(Vec<Place>),
}

impl Model {
    /// The verdict on a signature at an endpoint; `ignored` says whether a rule of the
    /// configuration masks a place.
    #[must_use]
    pub fn verdict(
        &self,
        endpoint: EndpointId,
        signature: &Signature,
        ignored: &dyn Fn(&Place) -> bool,
    ) -> Verdict {
        let _ = (endpoint, signature, ignored);
        unimplemented!()
    }

    /// The template a path belongs to under this model.
    #[must_use]
    pub fn template(&self, method: &str, path: &str) -> String {
        let _ = (method, path);
        unimplemented!()
    }
}
