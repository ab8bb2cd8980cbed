//! What every answer carries, and which requests are let in at all.
//!
//! Pages have no login while they are bound to loopback, so a foreign site in the same browser is
//! the danger: a name that is rebound to loopback is refused by its `Host`, a cross-site form or
//! fetch by `Sec-Fetch-Site` or `Origin`.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{App, refusal};
use crate::api::ApiError;

const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; \
    script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    ),
];

/// Adds what keeps hostile text harmless. Only assets may be stored by a cache.
pub(super) async fn shield(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses foreign names and cross-site changes.
pub(super) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let refused = foreign_host(&app, &request).or_else(|| cross_site(&request));
    match refused {
        Some(why) if path.starts_with("/api/") => {
            refusal::problem(&ApiError::Forbidden(why), &path)
        }
        Some(why) => (axum::http::StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    }
}

fn foreign_host(app: &App, request: &Request) -> Option<String> {
    if !app.address().ip().is_loopback() && app.config().hosts.is_empty() {
        return None;
    }
    let host = host(request);
    let name = host.as_deref().map(without_port)?;
    let is_loopback = name.eq_ignore_ascii_case("localhost")
        || name.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let listed = app.config().hosts.iter().any(|own| own.eq_ignore_ascii_case(name));
    (!is_loopback && !listed).then(|| {
        format!(
            "`{name}` is not a name of these pages. Use localhost, or add the name to `hosts` \
             under [web] in understudy.toml."
        )
    })
}

fn cross_site(request: &Request) -> Option<String> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let why = "Changes are taken from these pages and from programs, not from other sites.";
    let headers = request.headers();
    if let Some(site) = text(headers, "sec-fetch-site") {
        return (!matches!(site, "same-origin" | "none")).then(|| why.to_owned());
    }
    let origin = text(headers, "origin")?;
    let of_origin = origin.split_once("://").map(|(_, authority)| authority);
    let same = matches!((of_origin, host(request)), (Some(of_origin), Some(host))
        if of_origin.eq_ignore_ascii_case(&host));
    (!same).then(|| why.to_owned())
}

fn host(request: &Request) -> Option<String> {
    let of_uri = request.uri().authority().map(ToString::to_string);
    text(request.headers(), "host").map(str::to_owned).or(of_uri)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // `[::1]:80` and `name:80`, but not the colons inside of `[::1]`.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_off_names_and_addresses() {
        for (host, name) in [
            ("localhost:8090", "localhost"),
            ("[::1]:8090", "[::1]"),
            ("[::1]", "[::1]"),
            ("a.example", "a.example"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }

    fn post(headers: &[(&str, &str)]) -> Request {
        let mut request = axum::http::Request::post("/pause");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(axum::body::Body::empty()).unwrap()
    }

    #[test]
    fn changes_come_from_the_same_origin_or_from_programs() {
        let fine: [&[(&str, &str)]; 4] = [
            &[("host", "127.0.0.1:8090")],
            &[("host", "127.0.0.1:8090"), ("sec-fetch-site", "same-origin")],
            &[("host", "127.0.0.1:8090"), ("sec-fetch-site", "none")],
            &[("host", "127.0.0.1:8090"), ("origin", "http://127.0.0.1:8090")],
        ];
        for headers in fine {
            assert_eq!(cross_site(&post(headers)), None, "{headers:?}");
        }
        let foul: [&[(&str, &str)]; 5] = [
            &[("host", "127.0.0.1:8090"), ("sec-fetch-site", "cross-site")],
            &[("host", "127.0.0.1:8090"), ("sec-fetch-site", "same-site")],
            &[("host", "127.0.0.1:8090"), ("origin", "http://evil.example")],
            &[("host", "127.0.0.1:8090"), ("origin", "null")],
            &[("host", "127.0.0.1:8090"), ("origin", "http://127.0.0.1:8091")],
        ];
        for headers in foul {
            assert!(cross_site(&post(headers)).is_some(), "{headers:?}");
        }
    }
}
