//! `/login` and `/logout`.

use std::sync::OnceLock;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use exchange::Micros;
use serde::Deserialize;
use store::{Login, Throttle};
use tokio::sync::Semaphore;

use super::{
    actor::{Actor, Right, Via},
    addresses::Way,
    cookie, identity,
};
use crate::{
    access::{Role, Secret, check_password, hash_password},
    api::ApiError,
    serve::{App, PageError, asset_url},
};

/// By https, and by http. A browser takes a name that begins with `__Host-` by https alone, from
/// this host alone.
pub(super) const COOKIES: [&str; 2] = ["__Host-understudy_login", "understudy_login"];

const SECOND: Micros = 1_000_000;
/// Of one account: guessing takes for ever, and its owner is never locked out for long.
const OF_ACCOUNT: Throttle = Throttle { free: 5, first: SECOND, longest: 60 * SECOND };
/// From one address: guessing at many accounts.
const OF_ADDRESS: Throttle = Throttle { free: 20, first: SECOND, longest: 900 * SECOND };

/// Log-ins under way.
#[derive(Debug)]
pub(super) struct Logins {
    /// Hashing takes 19 MiB and a core: so many at a time.
    hashing: Semaphore,
    /// Stands for the hash of a user that is not there.
    nobody: OnceLock<String>,
}

impl Default for Logins {
    fn default() -> Self {
        Self { hashing: Semaphore::new(2), nobody: OnceLock::new() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
}

#[derive(Deserialize)]
struct Presented {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    css: String,
    own_css: String,
    icon: String,
    next: &'a str,
    name: &'a str,
    problem: &'a str,
}

pub(in crate::serve) fn routes() -> Router<App> {
    Router::new().route("/login", get(page).post(log_in)).route("/logout", post(log_out))
}

async fn page(State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    if identity::is_open(&app).await? {
        return Ok(Redirect::to("/").into_response());
    }
    form(&asked.next, "", "")
}

fn form(next: &str, name: &str, problem: &str) -> Result<Response, PageError> {
    let page = Page {
        css: asset_url("app.css"),
        own_css: asset_url("access.css"),
        icon: asset_url("icon.svg"),
        next,
        name,
        problem,
    };
    let text = page.render().map_err(|error| ApiError::Unreadable(error.to_string()))?;
    Ok(Html(text).into_response())
}

async fn log_in(State(app): State<App>, request: Request) -> Result<Response, PageError> {
    let (parts, body) = request.into_parts();
    let way = app.keeper().trusted.way(&parts);
    let headers = parts.headers.clone();
    let read = <Form<Presented> as axum::extract::FromRequest<_>>::from_request(
        Request::from_parts(parts, body),
        &app,
    );
    let Form(presented) = read.await.map_err(|error| ApiError::Request(error.body_text()))?;
    let name = presented.name.trim();
    if let Some(until) = throttled(&app, &way, name).await? {
        return too_many(&app, &presented, until);
    }
    let Some(role) = is_right(&app, name, &presented.password).await? else {
        tracing::warn!(client.place = address(&way), "a log-in failed");
        let mut response = form(&presented.next, name, "Name or password is wrong.")?;
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    };
    app.store().forgive(&account(name)).await?;
    app.store().give_try_back(&address(&way), app.now()).await?;
    begin(&app, &way, &headers, name, role, &presented.next).await
}

fn account(name: &str) -> String {
    let shortened: String = name.chars().take(100).collect();
    format!("account {shortened}")
}

fn address(way: &Way) -> String {
    way.client.map_or_else(|| "address ?".to_owned(), |ip| format!("address {ip}"))
}

/// Every try counts before its password is looked at.
async fn throttled(app: &App, way: &Way, name: &str) -> Result<Option<Micros>, ApiError> {
    let now = app.now();
    for (place, throttle) in [(address(way), OF_ADDRESS), (account(name), OF_ACCOUNT)] {
        if let Some(until) = app.store().take_try(&place, now, throttle).await? {
            return Ok(Some(until));
        }
    }
    Ok(None)
}

fn too_many(app: &App, presented: &Presented, until: Micros) -> Result<Response, PageError> {
    let seconds = (until - app.now()).max(0) / SECOND + 1;
    let problem = format!("Too many tries. The next one is taken in {seconds} s.");
    let mut response = form(&presented.next, presented.name.trim(), &problem)?;
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(response)
}

/// The role of the user whose password it is. An unknown name takes as long as a wrong password.
async fn is_right(app: &App, name: &str, password: &str) -> Result<Option<Role>, ApiError> {
    let known = app.store().password_of(name).await?;
    let logins = &app.keeper().logins;
    let _turn = logins.hashing.acquire().await;
    let exists = known.is_some();
    let (hash, nobody) = (known, logins.nobody.get().cloned());
    let password = password.to_owned();
    let worked = tokio::task::spawn_blocking(move || {
        let nobody = match nobody {
            Some(hash) => hash,
            None => hash_password("stands for nobody").unwrap_or_default(),
        };
        let fits = check_password(&password, hash.as_deref().unwrap_or(&nobody));
        (fits, nobody)
    });
    let (fits, nobody) =
        worked.await.map_err(|error| ApiError::Unreadable(format!("hashing: {error}")))?;
    logins.nobody.get_or_init(|| nobody);
    if !(exists && fits) {
        return Ok(None);
    }
    let users = app.store().users().await?;
    let role = users.into_iter().find(|user| user.name == name).map(|user| user.role);
    role.map(|role| role.parse().map_err(ApiError::Unreadable)).transpose()
}

/// A fresh secret each time: one that was planted in the browser before is worth nothing.
async fn begin(
    app: &App,
    way: &Way,
    headers: &HeaderMap,
    name: &str,
    role: Role,
    next: &str,
) -> Result<Response, PageError> {
    let (secret, now) = (Secret::fresh(), app.now());
    let seconds = i64::from(app.config().login.hours) * 3_600;
    let hash = secret.hash();
    let login = Login { hash: &hash, name, at: now, expires_at: now + seconds * SECOND };
    let held = COOKIES.iter().find_map(|one| cookie(headers, one));
    let held = held.map(|text| Secret::presented(&text).hash());
    app.store().log_in(login, held.as_ref().map(<[u8; 32]>::as_slice)).await?;
    let actor = Actor::new(name, Via::Login, Right::User(role), way.client, String::new());
    actor.did("login", &name, None::<()>, None::<()>);
    actor.keep_trace(app, "").await;
    let mut response = Redirect::to(local(next)).into_response();
    let value = set_cookie(secret.expose(), seconds, way.secure);
    response.headers_mut().insert(header::SET_COOKIE, value?);
    Ok(response)
}

async fn log_out(
    State(app): State<App>,
    actor: Actor,
    request: Request,
) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    let way = app.keeper().trusted.way(&parts);
    for text in COOKIES.iter().filter_map(|name| cookie(&parts.headers, name)) {
        app.store().log_out(&Secret::presented(&text).hash()).await?;
    }
    actor.did("logout", &actor.name(), None::<()>, None::<()>);
    actor.keep_trace(&app, "").await;
    let mut response = Redirect::to("/login").into_response();
    response.headers_mut().insert(header::SET_COOKIE, set_cookie("", 0, way.secure)?);
    Ok(response)
}

fn set_cookie(value: &str, seconds: i64, secure: bool) -> Result<HeaderValue, ApiError> {
    let [by_https, by_http] = COOKIES;
    let (name, secure) = if secure { (by_https, "; Secure") } else { (by_http, "") };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::try_from(text).map_err(|error| ApiError::Unreadable(error.to_string()))
}

/// Back to a page of ours, never to another site.
fn local(next: &str) -> &str {
    let leaves = !next.starts_with('/')
        || next.starts_with("//")
        || next.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control());
    if leaves || next.starts_with("/login") { "/" } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_a_page_and_never_to_another_site() {
        assert_eq!(local("/clusters?version=v2"), "/clusters?version=v2");
        for elsewhere in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil", "/login"]
        {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let text = |secure| set_cookie("x", 60, secure).unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            text(true),
            "__Host-understudy_login=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
        assert!(text(false).starts_with("understudy_login=x; "));
    }
}
