//! Route patterns of the configuration.
//!
//! `GET /queues/{queue}/next`: a method or none (any), then a path. `{name}` stands for one
//! segment that is not empty, `*` for one segment of any kind, and as the last segment for all
//! that follows. Paths are compared as they are on the wire, by case.

use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    method: Option<String>,
    segments: Vec<Segment>,
    /// Ends with `*`: whatever follows.
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter,
    Any,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "route `{route}`: {problem}; write for example `GET /queues/{{queue}}/next` or `/offers/*`"
)]
pub(crate) struct RouteError {
    route: String,
    problem: &'static str,
}

impl std::str::FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let error = |problem| RouteError { route: text.to_owned(), problem };
        let (method, path) = match text.trim().split_once(char::is_whitespace) {
            Some((method, path)) => (Some(method.to_ascii_uppercase()), path.trim_start()),
            None => (None, text.trim()),
        };
        let Some(rest) = path.strip_prefix('/') else {
            return Err(error("the path must begin with `/`"));
        };
        if path.contains(['?', '#']) || path.contains(char::is_whitespace) {
            return Err(error("a path has no query, fragment or white space"));
        }
        if method.as_ref().is_some_and(|method| !method.bytes().all(|b| b.is_ascii_alphabetic())) {
            return Err(error("the method must be letters"));
        }
        let mut segments = rest
            .split('/')
            .map(|segment| parse(segment).map_err(error))
            .collect::<Result<Vec<_>, _>>()?;
        let open = segments.last() == Some(&Segment::Any);
        if open {
            segments.pop();
        }
        Ok(Self { method, segments, open })
    }
}

fn parse(segment: &str) -> Result<Segment, &'static str> {
    match segment {
        "*" => Ok(Segment::Any),
        _ if segment.len() > 2 && segment.starts_with('{') && segment.ends_with('}') => {
            Ok(Segment::Parameter)
        }
        _ if segment.contains(['{', '}', '*']) => Err("`{name}` and `*` stand for whole segments"),
        _ => Ok(Segment::Literal(segment.to_owned())),
    }
}

impl Route {
    pub(crate) fn matches(&self, method: &[u8], path: &[u8]) -> bool {
        if self.method.as_ref().is_some_and(|own| own.as_bytes() != method) {
            return false;
        }
        let Some(rest) = path.strip_prefix(b"/") else { return false };
        let mut segments = rest.split(|byte| *byte == b'/');
        for own in &self.segments {
            let fits = segments.next().is_some_and(|segment| match own {
                Segment::Literal(text) => text.as_bytes() == segment,
                Segment::Parameter => !segment.is_empty(),
                Segment::Any => true,
            });
            if !fits {
                return false;
            }
        }
        let more = segments.next().is_some();
        if self.open { more || self.segments.is_empty() } else { !more }
    }
}

/// The path as a server may understand it: escapes decoded, empty and dot segments resolved.
/// For patterns that forbid something: `//next` must not escape what `/next` forbids.
pub(crate) fn understood(path: &[u8]) -> Cow<'_, [u8]> {
    let plain =
        !path.contains(&b'%') && !path.windows(2).any(|pair| pair == b"//" || pair == b"/.");
    if plain {
        return Cow::Borrowed(path);
    }
    let decoded = decode(path);
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in decoded.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut result = Vec::with_capacity(decoded.len());
    for segment in &segments {
        result.push(b'/');
        result.extend_from_slice(segment);
    }
    if segments.is_empty() || decoded.ends_with(b"/") {
        result.push(b'/');
    }
    Cow::Owned(result)
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        match (first, tail.split_at_checked(2)) {
            (b'%', Some((pair, after))) if pair.iter().all(u8::is_ascii_hexdigit) => {
                result.push(digits(pair).unwrap_or(b'%'));
                rest = after;
            }
            _ => {
                result.push(*first);
                rest = tail;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_by_segment() {
        let table = [
            ("/", "GET", "/", true),
            ("/", "GET", "/a", false),
            ("/*", "GET", "/", true),
            ("/*", "GET", "/a/b", true),
            ("/offers/*", "GET", "/offers/7/x", true),
            ("/offers/*", "GET", "/offers/", true),
            ("/offers/*", "GET", "/offers", false),
            ("/offers/*", "GET", "/offersx/1", false),
            ("GET /q/{queue}/next", "GET", "/q/a/next", true),
            ("get /q/{queue}/next", "GET", "/q/a/next", true),
            ("GET /q/{queue}/next", "POST", "/q/a/next", false),
            ("GET /q/{queue}/next", "GET", "/q//next", false),
            ("GET /q/{queue}/next", "GET", "/q/a/next/", false),
            ("/a/*/c", "GET", "/a//c", true),
            ("/A", "GET", "/a", false),
        ];
        for (pattern, method, path, expected) in table {
            let route: Route = pattern.parse().unwrap();
            assert_eq!(
                route.matches(method.as_bytes(), path.as_bytes()),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn mistakes_are_named() {
        for bad in ["", "GET", "GET loans", "/a?b", "/a{b}", "/a*", "G-T /a", "GET /a b"] {
            assert!(bad.parse::<Route>().is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_are_understood_as_a_server_may() {
        let table = [
            ("/next", "/next"),
            ("//next", "/next"),
            ("/%6eext", "/next"),
            ("/a/../next", "/next"),
            ("/./next/", "/next/"),
            ("/%zz", "/%zz"),
            ("/..", "/"),
        ];
        for (path, expected) in table {
            assert_eq!(understood(path.as_bytes()).as_ref(), expected.as_bytes(), "{path}");
        }
    }
}
