//! `GET /api/v1/rules`: the rules of the configuration, in its order.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Each as it stands in `understudy.toml`: `path`, `kind`, what belongs to the kind, `route`.
    pub rules: Vec<serde_json::Value>,
}
