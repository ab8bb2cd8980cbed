//! What every handler of the API begins and ends with: parameters, bodies and ids read, problems told
//! with the path they belong to.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{App, parameters, refusal};
use crate::{api::ApiError, ledger::Ledger};

/// An error with the path it belongs to.
pub(super) struct Refused(ApiError, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal::problem(&self.0, &self.1)
    }
}

/// The path asked for, so that problems can name it.
pub(super) struct Asked(pub(super) Parts);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

impl Asked {
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        parameters::query(&self.0).map_err(|error| self.refuse(error))
    }

    /// A JSON body; its content type must say so, which no cross-site form can.
    pub(super) fn body<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Refused> {
        let kind = self.0.headers.get(header::CONTENT_TYPE);
        let is_json = kind
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
        if !is_json {
            let text = "send the body as JSON, with `content-type: application/json`";
            return Err(self.refuse(ApiError::Request(text.to_owned())));
        }
        serde_json::from_slice(body)
            .map_err(|error| self.refuse(ApiError::Request(format!("the body: {error}"))))
    }

    pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        text: &str,
    ) -> Result<T, Refused> {
        text.parse().map_err(|error: T::Err| {
            self.refuse(ApiError::NotFound(format!("`{text}` is not an id here: {error}")))
        })
    }

    pub(super) fn answer<T: Serialize>(
        &self,
        result: Result<T, ApiError>,
    ) -> Result<Json<T>, Refused> {
        result.map(Json).map_err(|error| self.refuse(error))
    }

    pub(super) async fn ledger(&self, app: &App) -> Result<Arc<Ledger>, Refused> {
        app.ledger().await.map_err(|error| self.refuse(error.into()))
    }

    pub(super) fn refuse(&self, error: ApiError) -> Refused {
        let original = self.0.extensions.get::<OriginalUri>();
        let path = original.map_or_else(|| self.0.uri.path(), |uri| uri.0.path());
        Refused(error, path.to_owned())
    }
}

pub(super) type Answer<T> = Result<Json<T>, Refused>;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct VersionQuery {
    pub(super) version: Option<String>,
}
