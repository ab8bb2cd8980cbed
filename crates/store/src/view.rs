//! A sample as people see it: redacted, decoded, JSON in the store.

use serde::{Deserialize, Serialize};

use crate::StoreError;

/// One compared exchange. Header values, targets and bodies are already redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleView {
    /// UUID.
    pub exchange_id: String,
    /// RFC 3339, UTC, microseconds.
    pub captured_at: String,
    /// First eight hex digits of the session key.
    pub session: String,
    pub write: bool,
    pub request: RequestView,
    pub primary: AnswerView,
    pub candidate: AnswerView,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary: Option<AnswerView>,
    pub differences: Vec<DifferenceView>,
    /// Notes of the comparison (duplicate keys, undecodable body, budget).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestView {
    pub method: String,
    /// Path without query.
    pub path: String,
    pub query: Option<String>,
    /// In order; names as sent.
    pub headers: Vec<(String, String)>,
    pub body: BodyView,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerView {
    /// `None`: no answer, and `no_answer` says why.
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: BodyView,
    pub duration_us: u64,
}

/// A body after content decoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum BodyView {
    Empty,
    Text {
        text: String,
    },
    /// Not text: hex of the first bytes.
    Binary {
        length: u64,
        hex: String,
    },
    /// Over the cap, or not decodable: why.
    Absent {
        length: u64,
        why: String,
    },
}

/// One difference, as recorded; masked ones (ignored, volatile) included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceView {
    /// `status`, `header` or `body`.
    #[serde(rename = "where")]
    pub place: String,
    /// JSON Pointer, header name, or empty for the status.
    pub path: String,
    pub general: String,
    /// `diff::Kind` in snake case.
    pub kind: String,
    /// The place in the primary's body, where it is another; of a moved value, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_path: Option<String>,
    /// JSON text; tokens where redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// Why it does not count, when it was compared (`ignored by rule 3`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<String>,
}

/// Fast: views are small and written with the batch.
const COMPRESSION: i32 = 1;

/// As it is stored: zstd of JSON.
pub(crate) fn pack(view: &SampleView) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(view).map_err(StoreError::corrupt)?;
    zstd::encode_all(json.as_slice(), COMPRESSION).map_err(StoreError::corrupt)
}

pub(crate) fn unpack(packed: &[u8]) -> Result<SampleView, StoreError> {
    let json = zstd::decode_all(packed).map_err(StoreError::corrupt)?;
    serde_json::from_slice(&json).map_err(StoreError::corrupt)
}

/// `GET /loans/L1?page=2`
pub(crate) fn line(view: &SampleView) -> String {
    let SampleView { request: RequestView { method, path, query, .. }, .. } = view;
    let query = query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{method} {path}{query}")
}
