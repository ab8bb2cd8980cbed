//! Refusals: problem details for programs, a page for people.

use axum::{
    Json,
    extract::OriginalUri,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{api::ApiError, pages};

/// A refusal as `application/problem+json`.
pub(super) fn problem(error: &ApiError, instance: &str) -> Response {
    if error.status() >= 500 {
        tracing::warn!(%error, http.path = instance, "an API request failed");
    }
    let mut response = Json(error.problem(instance)).into_response();
    *response.status_mut() = status(error);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
    response
}

/// Unknown paths outside of the API.
pub(super) async fn unknown_page(OriginalUri(uri): OriginalUri) -> Response {
    if uri.path() == "/api" || uri.path().starts_with("/api/") {
        return unknown_route(&uri);
    }
    PageError(ApiError::NotFound("There is no such page.".to_owned())).into_response()
}

fn unknown_route(uri: &axum::http::Uri) -> Response {
    let detail = format!("there is no `{}`; /api/v1/openapi.json lists what is", uri.path());
    problem(&ApiError::NotFound(detail), uri.path())
}

/// What a page answers when it cannot be made.
#[derive(Debug)]
pub(crate) struct PageError(pub(crate) ApiError);

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if self.0.status() >= 500 {
            tracing::warn!(error = %self.0, "a page failed");
        }
        (status(&self.0), pages::refusal(&self.0)).into_response()
    }
}

fn status(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
