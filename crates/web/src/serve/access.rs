//! Who asks, what they may do, and the trace they leave.
//!
//! Invariants:
//! - One layer decides, before any handler: a route that nobody thought of needs the right to
//!   change, and a person or program without a name sees nothing.
//! - Without users and without a proxy that names them, everybody who reaches the loopback address
//!   is `local` and may change.
//! - A browser's change carries the token of its log-in, whatever its cookies say.
//! - Every change that was made is in the audit; handlers add from what to what.

mod actor;
mod addresses;
mod identity;
mod login;
mod outgoing;
mod proof;
mod rights;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

pub(crate) use actor::Actor;
pub(crate) use addresses::Trusted;
pub(crate) use identity::Keeper;
pub(super) use login::routes;
use rights::Need;

use super::{App, refusal};
use crate::{api::ApiError, pages};

/// Lets those in who may do what they ask for, and tells handlers who it is.
pub(super) async fn enter(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(need) = rights::need(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    let uri = request.uri().clone();
    match admitted(&app, need, request).await {
        Ok((actor, request)) => go_on(&app, need, &actor, request, next).await,
        Err(Refusal::Unknown) => ask_who(&app, &uri),
        Err(Refusal::Error(error)) => refuse(&error, &uri),
    }
}

enum Refusal {
    /// Nobody that is known.
    Unknown,
    Error(ApiError),
}

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

async fn admitted(app: &App, need: Need, request: Request) -> Result<(Actor, Request), Refusal> {
    let (parts, body) = request.into_parts();
    let actor = identity::of(app, &parts).await?.ok_or(Refusal::Unknown)?;
    if !actor.may(need) {
        return Err(ApiError::Forbidden(actor.why_not(need)).into());
    }
    let mut request = proof::checked(&actor, Request::from_parts(parts, body)).await?;
    request.extensions_mut().insert(actor.clone());
    Ok((actor, request))
}

async fn go_on(app: &App, need: Need, actor: &Actor, request: Request, next: Next) -> Response {
    let route = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let done = response.status().is_success() || response.status().is_redirection();
    if need.is_change() && done {
        actor.keep_trace(app, &route).await;
        app.kept_ledger().has_changed();
    }
    outgoing::fitted(actor, response).await
}

/// A page leads to the log-in and back; a program is told what to send.
fn ask_who(app: &App, uri: &Uri) -> Response {
    let proxied = app.config().proxy.user_header.is_some();
    if uri.path().starts_with("/api/") || uri.path() == "/metrics" {
        let text = if proxied {
            "come through the proxy that knows you, or send `authorization: Bearer TOKEN`"
        } else {
            "log in, or send `authorization: Bearer TOKEN` (`understudy token add` makes one)"
        };
        let mut response = refuse(&ApiError::Unknown(text.to_owned()), uri);
        let scheme = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        return response;
    }
    if proxied && !app.keeper().has_users() {
        let text = "These pages are reached through a proxy that says who you are. It did not.";
        return refuse(&ApiError::Unknown(text.to_owned()), uri);
    }
    let back = uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::to(&crate::words::link("/login", &[("next", back)])).into_response()
}

fn refuse(error: &ApiError, uri: &Uri) -> Response {
    if uri.path().starts_with("/api/") {
        return refusal::problem(error, uri.path());
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::FORBIDDEN);
    (status, pages::refusal(error)).into_response()
}

/// The value of a cookie; of several with one name none is believed.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut own = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    let first = own.next()?;
    own.next().is_none().then_some(first)
}
