//! `[web]` and `[gate]` of `understudy.toml`.

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Names of slices in the order of pages; filled from `[[slice]]`.
    #[serde(skip)]
    pub slices: Vec<String>,
    /// Rules of the configuration, for `GET /api/v1/rules` and masking on pages.
    #[serde(skip)]
    pub rules: Vec<serde_json::Value>,
}
