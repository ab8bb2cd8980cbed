//! `[compare]` and `[[rules]]` of `understudy.toml`.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompareConfig {
    /// Response headers that are compared.
    pub headers: Vec<String>,
    /// Output limit of content decoding.
    pub max_decoded_bytes: usize,
    /// Samples kept per signature and version.
    pub samples: u16,
    /// How often the analyst learns.
    pub learn_every_ms: u64,
    pub rules: Vec<RouteRules>,
}

/// Rules for the endpoints that `route` names.
#[derive(Clone, Debug, Deserialize)]
pub struct RouteRules {
    /// `GET /loans/{id}`, `/loans/*`; absent = everywhere.
    pub route: Option<String>,
    #[serde(flatten)]
    pub rule: diff::Rule,
}

impl Default for CompareConfig {
    fn default() -> Self {
        Self {
            headers: [
                "content-type",
                "location",
                "cache-control",
                "set-cookie",
                "www-authenticate",
            ]
            .map(String::from)
            .to_vec(),
            max_decoded_bytes: 32 * 1024 * 1024,
            samples: 25,
            learn_every_ms: 2_000,
            rules: Vec::new(),
        }
    }
}
