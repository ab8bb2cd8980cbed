//! Response headers that mean something to a client, compared by what they mean.
//!
//! Only configured headers are looked at: dates, servers, connections and traces differ by
//! nature or are constant per side, and are no finding.

mod cookies;
mod value;

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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The client's `Host`.
    pub(crate) host: Option<&'a str>,
    /// The request's target, which relative references start from.
    pub(crate) target: &'a str,
    /// When it was asked.
    pub(crate) at: Micros,
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
            "set-cookie" => cookies::compare(left, right, asked.at, &mut found),
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
        // Several lines of one name are one list (RFC 9110, 5.3).
        let lines: Vec<String> = headers.all(name).map(|line| text(line)).collect();
        (!lines.is_empty()).then(|| value::canonical(name, &lines.join(", "), asked))
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

/// A line as text. What is no UTF-8 is escaped, so that different bytes stay different.
fn text(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => line.trim_ascii().escape_ascii().to_string(),
    }
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

    const ASKED: Asked<'_> = Asked {
        host: Some("shop.example:8080"),
        target: "/loans/7/terms?lang=de",
        // 2026-11-20T13:22:26Z
        at: 1_795_180_946_000_000,
    };

    /// Whether two values differ: `-` is no header, and lines are separated by `\n`.
    fn differ(name: &str, left: &str, right: &str) -> bool {
        let side = |value: &str| match value {
            "-" => headers(&[]),
            lines => headers(&lines.split('\n').map(|line| (name, line)).collect::<Vec<_>>()),
        };
        let there = !compare(&[name.to_owned()], &side(left), &side(right), ASKED).is_empty();
        let back = !compare(&[name.to_owned()], &side(right), &side(left), ASKED).is_empty();
        assert_eq!(there, back, "{name}: {left} | {right}");
        there
    }

    const SAME: &[(&str, &str, &str)] = &[
        ("content-type", "application/json", "application/json; charset=UTF-8"),
        ("content-type", "application/problem+json", "Application/Problem+JSON;charset=\"utf-8\""),
        ("content-type", "multipart/form-data; boundary=a", "multipart/form-data; boundary=b"),
        ("content-type", "text/html; charset=utf-8", "text/html;Charset=UTF8"),
        ("content-type", "text/x; a=1; b=\"2;3\"", "text/x; B=\"2;3\" ;a=\"1\""),
        ("location", "/loans/7", "http://shop.example:8080/loans/7"),
        ("location", "/loans/7", "//shop.example:8080/loans/7"),
        ("location", "/loans/7/x", "x"),
        ("location", "/loans/x", "../x"),
        ("location", "/loans/7/terms?page=2", "?page=2"),
        ("location", "/a%20b/../c", "/c"),
        ("location", "http://SHOP.example:8080", "/"),
        ("location", "HTTPS://shop.example:8080/x", "/x"),
        ("cache-control", "no-store, max-age=0", "max-age=0,No-Store"),
        ("cache-control", "no-store, max-age=0", "no-store\nmax-age=0"),
        ("cache-control", "private=\"a, b\", max-age=5", "max-age=\"5\",private=\"a, b\""),
        ("vary", "Accept, Origin", "origin\naccept"),
        ("allow", "GET, HEAD", "HEAD,GET"),
        ("access-control-allow-headers", "X-A, x-b", "x-b,x-a"),
        ("link", "</a>; rel=next, </b>; rel=prev", "</a>; rel=next\n</b>; rel=prev"),
        ("www-authenticate", "Digest realm=\"x\", nonce=\"a\"", "digest realm=x, nonce=\"b\""),
        ("www-authenticate", "Basic realm=\"a, b\", Bearer", "Bearer\nBasic realm=\"a, b\""),
        ("set-cookie", "sid=1; Path=/; HttpOnly", "sid=2; httponly; path=/"),
        (
            "set-cookie",
            "sid=1; Expires=Mon, 01 Jan 2029 00:00:00 GMT",
            "sid=1; Expires=Fri, 02 Feb 2029 00:00:00 GMT",
        ),
        ("set-cookie", "sid=1; Domain=.Shop.example", "sid=1; domain=shop.example"),
        (
            "set-cookie",
            "sid=; Max-Age=0; Path=/",
            "sid=x; Expires=Thu, 01-Jan-1970 00:00:00 GMT; path=/; Secure",
        ),
        ("set-cookie", "a=1; Path=/\na=2; Path=/old", "a=3; Path=/old\na=1; Path=/"),
        ("set-cookie", "a=1; Max-Age=60; Expires=Mon, 01 Jan 2029 00:00:00 GMT", "a=1; max-age=60"),
        ("x-quota", "5", "5"),
        ("x-list", "a, b", "a,b"),
    ];

    const DIFFERENT: &[(&str, &str, &str)] = &[
        ("content-type", "application/json", "text/html"),
        ("content-type", "text/html; charset=utf-8", "text/html; charset=latin1"),
        ("content-type", "text/html; charset=utf-8", "text/html"),
        ("content-type", "application/vnd.x+json; version=1", "application/vnd.x+json; version=2"),
        ("content-type", "application/json", "-"),
        ("location", "/loans/7", "https://elsewhere.example/loans/7"),
        ("location", "/loans/7", "/loans/8"),
        ("location", "/loans/7", "/loans/7?x=1"),
        ("location", "http://shop.example:8080/a", "http://shop.example:8081/a"),
        ("location", "/a", "-"),
        ("cache-control", "no-store", "max-age=60"),
        ("cache-control", "private=\"a, b\"", "private=\"a\", b"),
        ("vary", "Accept", "*"),
        ("www-authenticate", "Bearer realm=\"x\"", "Basic realm=\"x\""),
        ("www-authenticate", "Bearer error=\"a\"", "Bearer error=\"b\""),
        ("set-cookie", "sid=1; Secure", "sid=1"),
        ("set-cookie", "sid=1; SameSite=Lax", "sid=1; SameSite=None"),
        ("set-cookie", "sid=1; Path=/a", "sid=1; Path=/A"),
        ("set-cookie", "sid=1", "-"),
        ("set-cookie", "sid=1", "sid=1\nsid=1; Path=/x"),
        (
            "set-cookie",
            "sid=1; Expires=Mon, 01 Jan 2029 00:00:00 GMT",
            "sid=1; Expires=Mon, 01 Jan 2024 00:00:00 GMT",
        ),
        ("set-cookie", "sid=1; Max-Age=60", "sid=1; Max-Age=0"),
        ("x-quota", "5", "6"),
        ("x-quota", "5", "5\n5"),
        ("x-quota", "", "-"),
    ];

    #[test]
    fn headers_are_compared_by_meaning() {
        for (name, left, right) in SAME {
            assert!(!differ(name, left, right), "{name}: {left} | {right}");
        }
        for (name, left, right) in DIFFERENT {
            assert!(differ(name, left, right), "{name}: {left} | {right}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_apart() {
        let side = |byte| {
            let mut headers = Headers::default();
            headers.push("X-Name", vec![b'a', byte]);
            headers
        };
        let names = ["x-name".to_owned()];
        assert_eq!(compare(&names, &side(0xe8), &side(0xe9), ASKED).len(), 1);
        assert_eq!(compare(&names, &side(0xe9), &side(0xe9), ASKED).len(), 0);
    }

    #[test]
    fn a_difference_names_the_cookie_and_never_its_value() {
        let left = headers(&[("Set-Cookie", "sid=secret; Secure"), ("Set-Cookie", "lang=de")]);
        let right = headers(&[("set-cookie", "sid=secret2"), ("set-cookie", "lang=en")]);
        let found = compare(&["set-cookie".into()], &left, &right, Asked::default());
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
        assert_eq!(compare(&["content-type".into()], &left, &headers(&[]), Asked::default()), []);
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
