//! How one pair differs, as a set of places, and the fixed hash of it.

use serde::{Deserialize, Serialize};

use crate::ValueClass;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    Status,
    Header,
    Body,
}

/// One differing place of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    #[serde(rename = "where")]
    pub place: Where,
    /// Generalised path; header name in lower case; empty for the status.
    pub path: String,
    pub kind: diff::Kind,
    pub left: ValueClass,
    pub right: ValueClass,
}

/// The places of one pair, sorted, without repeats. Empty = equal.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signature {
    pub places: Vec<Place>,
}

impl Signature {
    #[must_use]
    pub fn new(places: Vec<Place>) -> Self {
        let _ = &places;
        unimplemented!()
    }

    /// Fixed, versioned 63-bit hash of endpoint and places.
    #[must_use]
    pub fn id(&self, endpoint: crate::EndpointId) -> i64 {
        let _ = endpoint;
        unimplemented!()
    }
}

/// The cluster key of what is left of a signature when volatile and ignored places are gone.
#[must_use]
pub fn fingerprint(endpoint: crate::EndpointId, residual: &[Place]) -> String {
    let _ = (endpoint, residual);
    unimplemented!()
}
