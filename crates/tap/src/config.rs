//! `[tap]` and `[[slice]]` of `understudy.toml`.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TapConfig {
    /// Origin of the primary: `http://127.0.0.1:9000` or `https://…`; no path.
    pub primary: String,
    /// `header:x-session-id`, … (`exchange::session::SessionSource`).
    pub session: String,
    /// Copy unsafe methods everywhere.
    pub writes: bool,
    /// Worker threads; 0 = one per core.
    pub workers: usize,
    pub body_cap_bytes: usize,
}

impl Default for TapConfig {
    fn default() -> Self {
        Self {
            primary: String::new(),
            session: "none".into(),
            writes: false,
            workers: 0,
            body_cap_bytes: 1024 * 1024,
        }
    }
}

/// A named part of the traffic that is migrated and judged as one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SliceConfig {
    pub name: String,
    /// Route templates: `GET /queues/{queue}/next`, `/offers/*`.
    pub routes: Vec<String>,
    pub writes: bool,
}
