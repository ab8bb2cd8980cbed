//! Response headers that mean something to a client, compared by what they mean.
//!
//! Only configured headers are looked at: dates, servers, connections and traces differ by
//! nature or are constant per side, and are no finding.

use std::collections::BTreeMap;

use cluster::{Place, ValueClass, Where};
use diff::Kind;
use exchange::{Headers, Micros};

/// One differing header, or one differing cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderDifference {
    /// `location`; `set-cookie/sid` for a cookie.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) left: Option<String>,
    pub(crate) right: Option<String>,
}

/// What both sides were asked, as far as headers depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The client's `Host`.
    pub(crate) host: Option<&'a str>,
}

/// The differences in the headers `names` (lower case).
pub(crate) fn compare(
    names: &[String],
    left: &Headers,
    right: &Headers,
    asked: Asked<'_>,
) -> Vec<HeaderDifference> {
    let mut found = Vec::new();
    for name in names {
        // Equal lines mean the same; this is the common case.
        if left.all(name).eq(right.all(name)) {
            continue;
        }
        match name.as_str() {
            "set-cookie" => cookies(left, right, &mut found),
            _ => found.extend(one(name, left, right, asked)),
        }
    }
    found
}

/// The place of a difference in a signature.
pub(crate) fn place(difference: &HeaderDifference, left: &[Micros], right: &[Micros]) -> Place {
    let class = |value: Option<&String>, moments: &[Micros]| match value {
        None => ValueClass::missing(),
        Some(value) if difference.path == "location" => location_class(value),
        Some(value) => ValueClass::of_text(value, moments),
    };
    Place {
        place: Where::Header,
        path: difference.path.clone(),
        kind: difference.kind,
        left: class(difference.left.as_ref(), left),
        right: class(difference.right.as_ref(), right),
    }
}

/// The shape of a redirect: to the same kind of resource or to another one.
fn location_class(value: &str) -> ValueClass {
    if !value.starts_with('/') {
        return ValueClass::named("url");
    }
    let path = value.split(['?', '#']).next().unwrap_or(value);
    let template: String = cluster::template(path).chars().take(120).collect();
    ValueClass(format!("path:{template}"))
}

fn one(name: &str, left: &Headers, right: &Headers, asked: Asked<'_>) -> Option<HeaderDifference> {
    let meaning = |headers: &Headers| {
        let lines: Vec<String> =
            headers.all(name).map(|v| String::from_utf8_lossy(v).trim().to_owned()).collect();
        (!lines.is_empty()).then(|| canonical(name, &lines.join(", "), asked))
    };
    let (left, right) = (meaning(left), meaning(right));
    if left == right {
        return None;
    }
    let kind = kind_of(left.is_some(), right.is_some());
    Some(HeaderDifference { path: name.to_owned(), kind, left, right })
}

fn kind_of(left: bool, right: bool) -> Kind {
    match (left, right) {
        (true, false) => Kind::Removed,
        (false, true) => Kind::Added,
        _ => Kind::ValueChanged,
    }
}

/// The value in a form in which equal meanings are equal texts.
fn canonical(name: &str, value: &str, asked: Asked<'_>) -> String {
    match name {
        "content-type" => content_type(value),
        "location" | "content-location" => location(value, asked),
        "cache-control" | "pragma" | "vary" | "allow" => list(value),
        "www-authenticate" | "proxy-authenticate" => challenges(value),
        _ => value.to_owned(),
    }
}

/// Media type and charset; JSON is UTF-8 whether it says so or not.
fn content_type(value: &str) -> String {
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    });
    let json = media == "application/json" || media.ends_with("+json");
    match charset {
        Some(charset) if !(json && matches!(charset.as_str(), "utf-8" | "utf8")) => {
            format!("{media}; charset={charset}")
        }
        _ => media,
    }
}

/// Absolute to the host that was asked is the same as relative.
fn location(value: &str, asked: Asked<'_>) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if web && asked.host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
        return if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    }
    value.to_owned()
}

/// A comma-separated list whose order and case mean nothing.
fn list(value: &str) -> String {
    let mut items: Vec<String> = value
        .split(',')
        .map(|item| item.trim().to_ascii_lowercase())
        .filter(|i| !i.is_empty())
        .collect();
    items.sort_unstable();
    items.dedup();
    items.join(", ")
}

/// Schemes and realms; nonces and the like are made for each answer.
fn challenges(value: &str) -> String {
    let mut kept = Vec::new();
    for part in value.split(',').map(str::trim) {
        let (word, rest) =
            part.split_once(' ').map_or((part, ""), |(word, rest)| (word, rest.trim()));
        let parameter = if word.contains('=') {
            part
        } else {
            kept.push(word.to_ascii_lowercase());
            rest
        };
        let lower = parameter.to_ascii_lowercase();
        if lower.starts_with("realm=") || lower.starts_with("error=") || lower.starts_with("scope=")
        {
            kept.push(parameter.to_owned());
        }
    }
    kept.join(" ")
}

/// Cookies by name and attributes; their values differ by nature and are not looked at.
fn cookies(left: &Headers, right: &Headers, found: &mut Vec<HeaderDifference>) {
    let (left, right) = (cookie_attributes(left), cookie_attributes(right));
    let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (one, other) = (left.get(name), right.get(name));
        if one != other {
            found.push(HeaderDifference {
                path: format!("set-cookie/{name}"),
                kind: kind_of(one.is_some(), other.is_some()),
                left: one.cloned(),
                right: other.cloned(),
            });
        }
    }
}

/// Attributes by cookie name; of `Expires`, a moment, only that it is there.
fn cookie_attributes(headers: &Headers) -> BTreeMap<String, String> {
    let lines = headers.all("set-cookie").map(|line| {
        let line = String::from_utf8_lossy(line).into_owned();
        let mut parts = line.split(';').map(str::trim);
        let pair = parts.next().unwrap_or_default();
        let name = pair.split_once('=').map_or(pair, |(name, _)| name.trim()).to_owned();
        let mut attributes: Vec<String> = parts
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                match (name.trim().to_ascii_lowercase().as_str(), value.trim()) {
                    ("expires", _) => "expires".to_owned(),
                    (name, "") => name.to_owned(),
                    (name @ "path", value) => format!("{name}={value}"),
                    (name, value) => format!("{name}={}", value.to_ascii_lowercase()),
                }
            })
            .collect();
        attributes.sort_unstable();
        (name, attributes.join("; "))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in lines {
            headers.push(*name, value.as_bytes().to_vec());
        }
        headers
    }

    fn differ(name: &str, left: &str, right: &str) -> bool {
        let side =
            |value: &str| if value == "-" { headers(&[]) } else { headers(&[(name, value)]) };
        let asked = Asked { host: Some("shop.example:8080") };
        !compare(&[name.to_owned()], &side(left), &side(right), asked).is_empty()
    }

    #[test]
    fn headers_are_compared_by_meaning() {
        let table = [
            ("content-type", "application/json", "application/json; charset=UTF-8", false),
            ("content-type", "application/problem+json", "Application/Problem+JSON", false),
            ("content-type", "application/json", "text/html", true),
            ("content-type", "text/html; charset=utf-8", "text/html; charset=latin1", true),
            (
                "content-type",
                "multipart/form-data; boundary=a",
                "multipart/form-data; boundary=b",
                false,
            ),
            ("content-type", "application/json", "-", true),
            ("location", "/loans/7", "http://shop.example:8080/loans/7", false),
            ("location", "http://SHOP.example:8080", "/", false),
            ("location", "/loans/7", "https://elsewhere.example/loans/7", true),
            ("location", "/loans/7", "/loans/8", true),
            ("cache-control", "no-store, max-age=0", "max-age=0,No-Store", false),
            ("cache-control", "no-store", "max-age=60", true),
            (
                "www-authenticate",
                "Digest realm=\"x\", nonce=\"a\"",
                "digest realm=\"x\", nonce=\"b\"",
                false,
            ),
            ("www-authenticate", "Bearer realm=\"x\"", "Basic realm=\"x\"", true),
            ("set-cookie", "sid=1; Path=/; HttpOnly", "sid=2; httponly; path=/", false),
            (
                "set-cookie",
                "sid=1; Expires=Mon, 01 Jan 2029 00:00:00 GMT",
                "sid=1; Expires=x",
                false,
            ),
            ("set-cookie", "sid=1; Secure", "sid=1", true),
            ("set-cookie", "sid=1", "-", true),
            ("x-quota", "5", "5", false),
            ("x-quota", "5", "6", true),
        ];
        for (name, left, right, expected) in table {
            assert_eq!(differ(name, left, right), expected, "{name}: {left} | {right}");
        }
    }

    #[test]
    fn a_difference_names_the_cookie_and_never_its_value() {
        let left = headers(&[("Set-Cookie", "sid=secret; Secure"), ("Set-Cookie", "lang=de")]);
        let right = headers(&[("set-cookie", "sid=secret2"), ("set-cookie", "lang=en")]);
        let found = compare(&["set-cookie".into()], &left, &right, Asked { host: None });
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].kind), ("set-cookie/sid", Kind::ValueChanged));
        assert_eq!(
            (found[0].left.as_deref(), found[0].right.as_deref()),
            (Some("secure"), Some(""))
        );
    }

    #[test]
    fn what_is_not_configured_is_no_finding() {
        let left = headers(&[("Date", "a"), ("Server", "x"), ("X-Request-Id", "1")]);
        assert_eq!(
            compare(&["content-type".into()], &left, &headers(&[]), Asked { host: None }),
            []
        );
    }

    #[test]
    fn redirects_to_the_same_kind_of_resource_have_one_class() {
        let difference = HeaderDifference {
            path: "location".into(),
            kind: Kind::ValueChanged,
            left: Some("/loans/7?x=1".into()),
            right: Some("/loans/8".into()),
        };
        let place = place(&difference, &[], &[]);
        assert_eq!(place.left, place.right);
        assert_eq!(place.left.0, "path:/loans/{id}");
    }
}
