//! Reading query strings, paths and bodies, with refusals that say what is wrong.

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::refusal::PageError;
use crate::api::ApiError;

/// The query string of a page.
#[derive(Debug)]
pub(crate) struct PageParameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for PageParameters<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(Self(query(parts)?))
    }
}

/// The body of a page's form.
#[derive(Debug)]
pub(crate) struct FormBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormBody<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let form = Form::<T>::from_request(request, state).await;
        let Form(body) = form.map_err(|error| ApiError::Request(error.body_text()))?;
        Ok(Self(body))
    }
}

/// Parameters of the API are named exactly: a misspelt one must not be overlooked.
pub(super) fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, ApiError> {
    let read = Query::<T>::try_from_uri(&parts.uri);
    read.map(|Query(query)| query).map_err(|error| {
        let text = error.body_text();
        let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        ApiError::Request(text.to_owned())
    })
}
