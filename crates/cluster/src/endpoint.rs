//! Method + route template: `GET /loans/{id}`.

use serde::{Deserialize, Serialize};

/// Fixed 63-bit hash of `METHOD template`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointId(pub i64);

/// The template of a path by the shape of its segments alone: numbers, UUIDs, hashes, dates and
/// opaque tokens become `{id}` (`{date}`, …; a second one gets a number: `{id2}`); words stay.
#[must_use]
pub fn template(path: &str) -> String {
    let _ = path;
    unimplemented!()
}

impl EndpointId {
    #[must_use]
    pub fn of(method: &str, template: &str) -> Self {
        let _ = (method, template);
        unimplemented!()
    }
}
