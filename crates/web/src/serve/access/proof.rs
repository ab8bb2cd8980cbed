//! Proof that a change comes from a page of ours: the token that its log-in's forms carry.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, header},
};

use super::actor::{Actor, Via};
use crate::api::ApiError;

/// The field of forms, and the header of scripts.
pub(super) const FIELD: &str = "csrf";
const HEADER: &str = "x-csrf-token";
const LARGEST_FORM: usize = 1 << 20;

/// The request, without the proof's field, so that a form's handler need not know it.
pub(super) async fn checked(actor: &Actor, request: Request) -> Result<Request, ApiError> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || !is_needed(actor, request.headers()) {
        return Ok(request);
    }
    if let Some(said) = request.headers().get(HEADER) {
        return fits(actor, said.as_bytes()).map(|()| request);
    }
    let (parts, body) = request.into_parts();
    if !is_form(&parts.headers) {
        return Err(missing());
    }
    let read = to_bytes(body, LARGEST_FORM).await;
    let bytes = read.map_err(|error| ApiError::Request(format!("the form: {error}")))?;
    let mut said = None;
    let mut rest = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        if name == FIELD {
            said = Some(value);
        } else {
            rest.append_pair(&name, &value);
        }
    }
    fits(actor, said.ok_or_else(missing)?.as_bytes())?;
    let body = rest.finish();
    let mut request = Request::from_parts(parts, Body::from(body.clone()));
    request.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    Ok(request)
}

/// A token is no cookie: no browser sends it by itself. On loopback a program needs no proof, but
/// what a browser sends says so.
fn is_needed(actor: &Actor, headers: &HeaderMap) -> bool {
    match actor.via() {
        Via::Token => false,
        Via::Login | Via::Proxy => true,
        Via::Local => {
            headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

fn fits(actor: &Actor, said: &[u8]) -> Result<(), ApiError> {
    let same = verify_slices_are_equal(actor.form_token().as_bytes(), said);
    same.map_err(|_| {
        ApiError::Forbidden("The page is from an older log-in. Load it anew, then repeat.".into())
    })
}

fn missing() -> ApiError {
    ApiError::Forbidden(
        "A change by a browser carries the token of its page: the form field `csrf`, or the \
         header `x-csrf-token`."
            .into(),
    )
}
