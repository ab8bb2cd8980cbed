//! `POST /api/v1/reset`: forgets what was compared.

use serde::{Deserialize, Serialize};
use store::{Reset, Store};

use super::ApiError;
use crate::ledger::Ledger;

/// Absent: every endpoint, every build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResetRequest {
    /// `GET /loans/{id}`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// A build of the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetDone {
    /// Compared exchanges whose verdict is forgotten; the funnel goes on counting them.
    pub pairs: u64,
    pub samples: u64,
}

/// Names that nothing bears are refused: nothing would be forgotten, and nobody would notice.
pub async fn reset(store: &Store, request: &ResetRequest) -> Result<ResetDone, ApiError> {
    let ledger = Ledger::read(store).await?;
    let endpoint = match &request.endpoint {
        None => None,
        Some(name) => Some(ledger.endpoint_named(name).ok_or_else(|| {
            ApiError::NotFound(format!(
                "there is no endpoint `{name}`; /api/v1/endpoints lists them"
            ))
        })?),
    };
    if let Some(version) = &request.version {
        let counted = ledger.outcomes.iter().any(|count| &count.version == version);
        if !counted && !ledger.candidate_versions().contains(&version.as_str()) {
            return Err(ApiError::NotFound(format!(
                "there is no candidate version `{version}`; /api/v1/versions lists them"
            )));
        }
    }
    let done = store.reset(&Reset { endpoint, version: request.version.clone() }).await?;
    tracing::info!(
        reset.endpoint = request.endpoint.as_deref().unwrap_or("every one"),
        reset.version = request.version.as_deref().unwrap_or("every one"),
        reset.pairs = done.pairs,
        "what was compared is forgotten"
    );
    Ok(ResetDone { pairs: done.pairs, samples: done.samples })
}
