//! From a request to the one who sent it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use axum::http::{HeaderMap, header, request::Parts};
use exchange::Micros;
use tokio::sync::OnceCell;

use super::{
    Trusted,
    actor::{Actor, Right, Via},
    addresses::Way,
    cookie,
    login::COOKIES,
};
use crate::{
    access::{Role, Secret, TokenScope},
    api::ApiError,
    config::ProxyConfig,
    serve::App,
};

/// The store's setting that form tokens of those without a log-in are made of.
const FORM_SECRET: &str = "web.form_secret";
/// Uses are noted at most so often.
const NOTE_EVERY: Micros = 60_000_000;
/// Whether there are users is asked at most so often.
const ASK_EVERY: Micros = 1_000_000;

/// What identification remembers between requests.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(super) trusted: Trusted,
    pub(super) logins: super::login::Logins,
    form_secret: OnceCell<Secret>,
    has_users: AtomicBool,
    asked_at: Mutex<Micros>,
}

impl Keeper {
    pub(crate) fn new(trusted: Trusted) -> Self {
        Self {
            trusted,
            logins: super::login::Logins::default(),
            form_secret: OnceCell::new(),
            // Until the store says otherwise nobody is let in unasked.
            has_users: AtomicBool::new(true),
            asked_at: Mutex::new(Micros::MIN),
        }
    }

    /// As of the last look.
    pub(super) fn has_users(&self) -> bool {
        self.has_users.load(Ordering::Relaxed)
    }

    async fn look_for_users(&self, app: &App) -> Result<bool, ApiError> {
        let now = app.now();
        let asked_at = *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(asked_at) > ASK_EVERY {
            let found = app.store().has_users().await?;
            self.has_users.store(found, Ordering::Relaxed);
            *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
        Ok(self.has_users())
    }

    async fn form_secret(&self, app: &App) -> Result<&Secret, ApiError> {
        let kept = self.form_secret.get_or_try_init(|| async {
            if let Some(text) = app.store().setting(FORM_SECRET).await? {
                return Ok(Secret::presented(&text));
            }
            app.store().set_setting_once(FORM_SECRET, Secret::fresh().expose()).await?;
            // Another process may have been first.
            let text = app.store().setting(FORM_SECRET).await?.unwrap_or_default();
            Ok::<_, ApiError>(Secret::presented(&text))
        });
        kept.await
    }
}

/// Nobody where nothing says who it is; an error where something does and it is not true.
pub(super) async fn of(app: &App, parts: &Parts) -> Result<Option<Actor>, ApiError> {
    let way = app.keeper().trusted.way(parts);
    if let Some(token) = bearer(&parts.headers) {
        return by_token(app, &way, token).await.map(Some);
    }
    if let Some(actor) = by_proxy(app, &way, &parts.headers).await? {
        return Ok(Some(actor));
    }
    if let Some(actor) = by_login(app, &way, &parts.headers).await? {
        return Ok(Some(actor));
    }
    if is_open(app).await? {
        let token = app.keeper().form_secret(app).await?.form_token_of("local");
        let right = Right::User(Role::Editor);
        return Ok(Some(Actor::new("local", Via::Local, right, way.client, token)));
    }
    Ok(None)
}

/// Whether nobody has to log in.
pub(super) async fn is_open(app: &App) -> Result<bool, ApiError> {
    let named = app.config().proxy.user_header.is_some();
    let has_users = app.keeper().look_for_users(app).await?;
    Ok(app.address().ip().is_loopback() && !named && !has_users)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn by_token(app: &App, way: &Way, token: &str) -> Result<Actor, ApiError> {
    let now = app.now();
    let found = app.store().token(&Secret::presented(token).hash(), now).await?;
    let unknown = || ApiError::Unknown("this token is not known here, or has ended".to_owned());
    let row = found.ok_or_else(unknown)?;
    if row.used_at.is_none_or(|at| now - at > NOTE_EVERY) {
        app.store().use_token(&row.name, now).await?;
    }
    let scope: TokenScope = row.scope.parse().map_err(ApiError::Unreadable)?;
    let right = Right::Program(scope);
    Ok(Actor::new(&row.name, Via::Token, right, way.client, String::new()))
}

async fn by_login(app: &App, way: &Way, headers: &HeaderMap) -> Result<Option<Actor>, ApiError> {
    let Some(text) = COOKIES.iter().find_map(|name| cookie(headers, name)) else { return Ok(None) };
    let (secret, now) = (Secret::presented(&text), app.now());
    let idle = Micros::from(app.config().login.idle_minutes) * 60_000_000;
    let hash = secret.hash();
    let Some(row) = app.store().login(&hash, now, now - idle).await? else { return Ok(None) };
    if now - row.used_at > NOTE_EVERY {
        app.store().use_login(&hash, now).await?;
    }
    let role: Role = row.role.parse().map_err(ApiError::Unreadable)?;
    let right = Right::User(role);
    Ok(Some(Actor::new(&row.name, Via::Login, right, way.client, secret.form_token())))
}

async fn by_proxy(app: &App, way: &Way, headers: &HeaderMap) -> Result<Option<Actor>, ApiError> {
    let config = &app.config().proxy;
    let Some(header) = config.user_header.as_deref().filter(|_| way.through_proxy) else {
        return Ok(None);
    };
    let Some(name) = one(headers, header)? else { return Ok(None) };
    let role = role_of(config, headers, &name)?;
    let token = app.keeper().form_secret(app).await?.form_token_of(&format!("proxy {name}"));
    Ok(Some(Actor::new(&name, Via::Proxy, Right::User(role), way.client, token)))
}

/// What the proxy says in a header; said twice, one of them may be a stranger's.
fn one(headers: &HeaderMap, name: &str) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::Forbidden(format!("`{name}` stands twice in the request")));
    }
    let unreadable = |_| ApiError::Forbidden(format!("`{name}` is not plain text"));
    let text = first.map(|value| value.to_str().map_err(unreadable)).transpose()?;
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.len() > 200) {
        return Err(ApiError::Forbidden(format!("`{name}` is too long")));
    }
    Ok(text.map(str::to_owned))
}

fn role_of(config: &ProxyConfig, headers: &HeaderMap, name: &str) -> Result<Role, ApiError> {
    let Some(header) = &config.role_header else { return Ok(config.role) };
    let said = one(headers, header)?.unwrap_or_default();
    let has =
        |list: &[String]| said.split(',').any(|word| list.iter().any(|one| one == word.trim()));
    if has(&config.editors) {
        return Ok(Role::Editor);
    }
    if config.viewers.is_empty() || has(&config.viewers) {
        return Ok(Role::Viewer);
    }
    Err(ApiError::Forbidden(format!(
        "{name} is in none of the groups that may see these pages ([web.proxy] in understudy.toml)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn bearer_tokens_are_read_and_other_schemes_are_not() {
        assert_eq!(bearer(&headers(&[("authorization", "Bearer ust_1")])), Some("ust_1"));
        assert_eq!(bearer(&headers(&[("authorization", "bearer  ust_1")])), Some("ust_1"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic dTpw")])), None);
        assert_eq!(bearer(&headers(&[])), None);
    }

    #[test]
    fn groups_make_editors_and_viewers() {
        let config = ProxyConfig {
            role_header: Some("x-groups".into()),
            editors: vec!["lead".into()],
            viewers: vec!["team".into()],
            ..ProxyConfig::default()
        };
        let role = |groups| role_of(&config, &headers(&[("x-groups", groups)]), "anna").ok();
        assert_eq!(role("team, lead"), Some(Role::Editor));
        assert_eq!(role("team"), Some(Role::Viewer));
        assert_eq!(role("leader"), None);
        assert_eq!(role(""), None);
        assert!(
            role_of(&config, &headers(&[("x-groups", "a"), ("x-groups", "lead")]), "x").is_err()
        );
        let open = ProxyConfig { viewers: vec![], ..config };
        assert_eq!(role_of(&open, &headers(&[]), "anna").ok(), Some(Role::Viewer));
    }
}
