//! The request one side gets: the client's, with what belongs to the copy taken off and what
//! names it as a replay put on.
//!
//! Invariants:
//! - Method, target and body are the client's, byte for byte; a target that cannot be sent as it
//!   is is an error, never rewritten.
//! - Headers keep their order (lines of one name stand together) and their values; names are
//!   written in lower case.
//! - The framing is that of the body at hand: one `content-length`, or nothing where the client
//!   sent neither length nor body.

use std::borrow::Cow;

use bytes::Bytes;
use exchange::{Exchange, Headers};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    uri::PathAndQuery,
};
use http_body_util::Full;

use crate::{ReplayConfig, Rewrite, origin::Origin};

pub(crate) const EXCHANGE: HeaderName = HeaderName::from_static("x-understudy-exchange");
pub(crate) const SHADOW: HeaderName = HeaderName::from_static("x-understudy-shadow");
pub(crate) const CAPTURED_AT: HeaderName = HeaderName::from_static("x-understudy-captured-at");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Meant for the client's own connection, or negotiated on it.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "http2-settings",
];

/// Headers added, replaced and taken off for one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderEdits {
    set: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
    rewrite: Vec<Rewrite>,
}

impl HeaderEdits {
    /// Those of a configuration that was validated; what does not parse is left out.
    pub(crate) fn of(config: &ReplayConfig) -> Self {
        let set = config.set_headers.iter().filter_map(|(name, value)| {
            Some((
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        });
        let remove =
            config.remove_headers.iter().filter_map(|n| HeaderName::from_bytes(n.as_bytes()).ok());
        let rewrite = config.rewrite.clone();
        Self { set: set.collect(), remove: remove.collect(), rewrite }
    }

    /// The target with the start of its path replaced, where a rewrite fits.
    fn target<'t>(&self, target: &'t str) -> Cow<'t, str> {
        let rewritten = self.rewrite.iter().find_map(|Rewrite { prefix, with }| {
            let rest = target.strip_prefix(prefix.as_str())?;
            let whole = rest.is_empty() || rest.starts_with(['/', '?']);
            let slash = if with.is_empty() && !rest.starts_with('/') { "/" } else { "" };
            whole.then(|| format!("{with}{slash}{rest}"))
        });
        rewritten.map_or(Cow::Borrowed(target), Cow::Owned)
    }
}

/// Whether the replayer alone decides about a header (`name` in lower case).
pub(crate) fn is_reserved(name: &str) -> bool {
    OF_THE_CONNECTION.contains(&name)
        || name == "content-length"
        || name == TRACEPARENT.as_str()
        || name.starts_with("x-understudy-")
}

/// The request for one side, or one line that says why it cannot be formed.
pub(crate) fn build(
    exchange: &Exchange,
    origin: &Origin,
    edits: &HeaderEdits,
) -> Result<Request<Full<Bytes>>, String> {
    let captured = &exchange.request;
    let mut request = Request::new(Full::new(captured.body.clone()));
    *request.method_mut() = Method::from_bytes(captured.method.as_bytes())
        .map_err(|_| "the method is no HTTP token".to_owned())?;
    *request.uri_mut() = target(&origin.prefix, &edits.target(&captured.target))?;
    *request.version_mut() = Version::HTTP_11;

    let mut headers = kept(&captured.headers, captured.body.len())?;
    if !headers.contains_key(HOST) {
        headers.insert(HOST, value(origin.authority.as_bytes(), "host")?);
    }
    for name in &edits.remove {
        headers.remove(name);
    }
    for (name, value) in &edits.set {
        headers.insert(name, value.clone());
    }
    headers.insert(EXCHANGE, value(exchange.id.to_string().as_bytes(), "exchange")?);
    headers.insert(SHADOW, HeaderValue::from_static("1"));
    headers.insert(CAPTURED_AT, captured_at(exchange)?);
    headers.insert(TRACEPARENT, traceparent(exchange)?);
    *request.headers_mut() = headers;
    Ok(request)
}

/// The target byte for byte behind the side's prefix.
fn target(prefix: &str, target: &str) -> Result<Uri, String> {
    if target == "*" {
        return Ok(Uri::from_static("*"));
    }
    if !target.starts_with('/') {
        return Err("the target is not in origin form".to_owned());
    }
    let wanted = format!("{prefix}{target}");
    let parsed = PathAndQuery::try_from(wanted.as_str())
        .map_err(|_| "the target holds bytes that HTTP does not allow there".to_owned())?;
    if parsed.as_str() != wanted {
        return Err("the target holds a fragment".to_owned());
    }
    Ok(Uri::from(parsed))
}

/// The client's headers without those of its connection, its conditions and its tracing.
fn kept(captured: &Headers, body: usize) -> Result<HeaderMap, String> {
    let named = named_by_connection(captured);
    let mut headers = HeaderMap::with_capacity(captured.0.len() + 6);
    for header in captured {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| "a header name is no HTTP token".to_owned())?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body));
        } else if !is_dropped(name.as_str(), &named) {
            let value = value(&header.value, name.as_str())?;
            headers.try_append(name, value).map_err(|_| "too many headers".to_owned())?;
        }
    }
    if body > 0 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body));
    }
    Ok(headers)
}

fn is_dropped(name: &str, named: &[String]) -> bool {
    is_reserved(name)
        || name.starts_with("if-")
        || name == "range"
        || name == "tracestate"
        || (name != HOST && named.iter().any(|other| other == name))
}

/// Names that `Connection` declares as meant for this hop only, in lower case.
fn named_by_connection(captured: &Headers) -> Vec<String> {
    captured
        .all(CONNECTION.as_str())
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}

fn value(bytes: &[u8], name: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(bytes)
        .map_err(|_| format!("the value of `{name}` holds a byte that no header may hold"))
}

fn captured_at(exchange: &Exchange) -> Result<HeaderValue, String> {
    let instant = jiff::Timestamp::from_microsecond(exchange.started_at)
        .map_err(|_| "the time of capture is out of range".to_owned())?;
    value(instant.to_string().as_bytes(), CAPTURED_AT.as_str())
}

/// A trace of its own, named like the exchange so that each finds the other (W3C Trace Context).
fn traceparent(exchange: &Exchange) -> Result<HeaderValue, String> {
    let trace = exchange.id.0.as_simple();
    let parent = rand::random::<u64>().max(1);
    value(format!("00-{trace}-{parent:016x}-01").as_bytes(), TRACEPARENT.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::exchange_with;

    fn built(exchange: &Exchange) -> Request<Full<Bytes>> {
        let origin = "http://candidate:9000".parse().unwrap();
        build(exchange, &origin, &HeaderEdits::default()).unwrap()
    }

    #[test]
    fn targets_stay_as_they_are() {
        for target in [
            "/",
            "//a//b",
            "/a/../b/./c",
            "/%41%7e%2F",
            "/a?",
            "/a?b=c&&d={e}|[f]^`",
            "/a/{\"x\"}|^?",
            "/caf\u{e9}",
            "/a?x=%zz",
            "/a;b=c?d?e",
            "*",
        ] {
            let mut exchange = exchange_with("GET", target);
            exchange.request.method = "OPTIONS".to_owned();
            assert_eq!(built(&exchange).uri().to_string(), target);
        }
    }

    #[test]
    fn targets_that_cannot_be_sent_are_refused_rather_than_changed() {
        for target in ["/a#b", "/a b", "/a?b=\"", "/a\r\nx: y", "a", "http://elsewhere/", ""] {
            let exchange = exchange_with("GET", target);
            let origin = "http://candidate:9000".parse().unwrap();
            build(&exchange, &origin, &HeaderEdits::default()).unwrap_err();
        }
    }

    #[test]
    fn a_prefix_stands_before_the_target() {
        let origin = "http://candidate:9000/v2/".parse().unwrap();
        let request =
            build(&exchange_with("GET", "/a/..//b?c"), &origin, &HeaderEdits::default()).unwrap();
        assert_eq!(request.uri().to_string(), "/v2/a/..//b?c");
    }

    #[test]
    fn the_start_of_a_path_is_replaced_as_a_whole() {
        let rewrite =
            |prefix: &str, with: &str| Rewrite { prefix: prefix.into(), with: with.into() };
        let rewrite = vec![rewrite("/api/v1", "/v2"), rewrite("/old", "")];
        let config = ReplayConfig { rewrite, ..ReplayConfig::default() };
        let edits = HeaderEdits::of(&config);
        let origin = "http://candidate:9000".parse().unwrap();
        for (target, sent) in [
            ("/api/v1/loans/%41?x=/api/v1", "/v2/loans/%41?x=/api/v1"),
            ("/api/v1?x", "/v2?x"),
            ("/api/v10", "/api/v10"),
            ("/old", "/"),
            ("/old?x", "/?x"),
            ("/old/a", "/a"),
            ("/older", "/older"),
        ] {
            let request = build(&exchange_with("GET", target), &origin, &edits).unwrap();
            assert_eq!(request.uri().to_string(), sent, "{target}");
        }
    }

    #[test]
    fn what_belongs_to_the_connection_or_the_copy_goes() {
        let mut exchange = exchange_with("GET", "/");
        for (name, value) in [
            ("Host", "shop.example"),
            ("Connection", "close, X-Hop, host"),
            ("X-Hop", "1"),
            ("X-End", "1"),
            ("If-None-Match", "\"a\""),
            ("If-Modified-Since", "x"),
            ("Range", "bytes=0-1"),
            ("TE", "trailers"),
            ("Expect", "100-continue"),
            ("traceparent", "00-1-1-01"),
            ("tracestate", "a=b"),
            ("X-Understudy-Shadow", "0"),
            ("Cookie", "a=b"),
        ] {
            exchange.request.headers.push(name, value);
        }
        let request = built(&exchange);
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(
            names,
            [
                "host",
                "x-end",
                "cookie",
                "x-understudy-exchange",
                "x-understudy-shadow",
                "x-understudy-captured-at",
                "traceparent"
            ]
        );
        assert_eq!(request.headers()["host"], "shop.example");
        assert_eq!(request.headers()["x-understudy-shadow"], "1");
        let trace = request.headers()["traceparent"].to_str().unwrap();
        assert!(trace.starts_with(&format!("00-{}-", exchange.id.0.as_simple())), "{trace}");
    }

    #[test]
    fn the_length_is_that_of_the_body() {
        let length = |headers: &[(&str, &str)], body: &'static str| {
            let mut exchange = exchange_with("POST", "/");
            for (name, value) in headers {
                exchange.request.headers.push(*name, (*value).to_owned());
            }
            exchange.request.body = Bytes::from_static(body.as_bytes());
            let request = built(&exchange);
            assert!(!request.headers().contains_key("transfer-encoding"));
            request.headers().get("content-length").map(|v| v.to_str().unwrap().to_owned())
        };
        assert_eq!(length(&[], ""), None);
        assert_eq!(length(&[("content-length", "0")], ""), Some("0".to_owned()));
        assert_eq!(length(&[("content-length", "999")], "abc"), Some("3".to_owned()));
        assert_eq!(length(&[("transfer-encoding", "chunked")], "abc"), Some("3".to_owned()));
        assert_eq!(length(&[], "abc"), Some("3".to_owned()));
    }

    #[test]
    fn edits_replace_and_remove() {
        let config = ReplayConfig {
            set_headers: [("Authorization".to_owned(), "Bearer staging".to_owned())].into(),
            remove_headers: vec!["Cookie".to_owned()],
            ..ReplayConfig::default()
        };
        let mut exchange = exchange_with("GET", "/");
        exchange.request.headers.push("Authorization", "Bearer live");
        exchange.request.headers.push("Cookie", "a=b");
        let origin = "http://candidate:9000".parse().unwrap();
        let request = build(&exchange, &origin, &HeaderEdits::of(&config)).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer staging");
        assert!(!request.headers().contains_key("cookie"));
    }
}
