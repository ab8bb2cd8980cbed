//! `[web]` and `[gate]` of `understudy.toml`.

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Host names under which a proxy serves these pages, beside loopback names.
    pub hosts: Vec<String>,
    /// Names of slices in the order of pages; filled from `[[slice]]`.
    #[serde(skip)]
    pub slices: Vec<String>,
    /// Rules of the configuration, for `GET /api/v1/rules` and masking on pages.
    #[serde(skip)]
    pub rules: Vec<serde_json::Value>,
    /// `[gate]`: what pages and API judge by unless a query says otherwise.
    #[serde(skip)]
    pub gate: gate::Policy,
    /// Where the tap listens, for the first page: `http://127.0.0.1:8000`.
    #[serde(skip)]
    pub tap: Option<String>,
    /// Origins of both sides, for the first page and the pipeline.
    #[serde(skip)]
    pub primary: Option<String>,
    #[serde(skip)]
    pub candidate: Option<String>,
}
