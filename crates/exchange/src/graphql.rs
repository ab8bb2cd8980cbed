//! GraphQL over HTTP: which operations a request runs, and whether they change anything.
//!
//! A service with one URL for everything says only in the body what it is asked to do. Read here
//! are JSON bodies (one operation, a batch, a persisted one), `application/graphql`, forms, the
//! `operations` part of a multipart upload, and the query of a GET.
//!
//! Invariants:
//! - Whoever asks whether something changes is told `true` where that cannot be excluded.
//! - Linear in the length of the request, whatever it holds; no recursion.

mod document;

use std::borrow::Cow;

use serde::Deserialize;

use crate::Request;

pub use document::{Kind, Operation};

/// The operations that a request runs, in order; `None` where it is no GraphQL.
#[must_use]
pub fn operations(request: &Request) -> Option<Vec<Operation>> {
    let found = match request.method.as_str() {
        "GET" | "HEAD" => in_form(request.query()?.as_bytes()),
        _ => in_body(request),
    };
    found.filter(|operations| !operations.is_empty())
}

/// Whether a request runs a mutation, or something that may be one: an operation that is known to
/// the service alone, or a body that says `mutation` and cannot be read.
#[must_use]
pub fn may_mutate(request: &Request) -> bool {
    match operations(request) {
        Some(operations) => operations.iter().any(|operation| match operation.kind {
            Kind::Query | Kind::Subscription => false,
            Kind::Mutation => true,
            // Services take persisted mutations by POST alone.
            Kind::Unsaid => request.method != "GET" && request.method != "HEAD",
        }),
        None => is_unreadable(request),
    }
}

/// Whether the query of a target runs a mutation.
#[must_use]
pub fn query_mutates(query: &[u8]) -> bool {
    let runs = |operations: Vec<Operation>| operations.iter().any(|o| o.kind == Kind::Mutation);
    query.windows(6).any(|window| window == b"query=") && in_form(query).is_some_and(runs)
}

fn is_unreadable(request: &Request) -> bool {
    let coded = request.headers.all("content-encoding").any(|coding| {
        let coding = coding.trim_ascii();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    });
    if coded {
        return request.path().to_ascii_lowercase().contains("graphql");
    }
    let json = matches!(Media::of(request), Media::Json);
    json && serde_json::from_slice::<Posts<'_>>(&request.body).is_err()
        && request.body.windows(8).any(|window| window == b"mutation")
}

enum Media {
    Json,
    Document,
    Form,
    Multipart,
}

impl Media {
    fn of(request: &Request) -> Self {
        let stated = request.headers.get("content-type").unwrap_or_default();
        let name = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "application/graphql" => Self::Document,
            "application/x-www-form-urlencoded" => Self::Form,
            "multipart/form-data" => Self::Multipart,
            _ => Self::Json,
        }
    }
}

fn in_body(request: &Request) -> Option<Vec<Operation>> {
    match Media::of(request) {
        Media::Json => in_json(&request.body),
        Media::Document => document::operations(std::str::from_utf8(&request.body).ok()?),
        Media::Form => in_form(&request.body),
        Media::Multipart => in_json(part(&request.body, b"name=\"operations\"")?),
    }
}

/// A batch of posts, or one. The batch is tried first: a struct would be read from a list too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Posts<'a> {
    Many(#[serde(borrow)] Vec<Post<'a>>),
    One(#[serde(borrow)] Post<'a>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Post<'a> {
    #[serde(borrow, default)]
    query: Option<Said<'a>>,
    #[serde(borrow, default)]
    operation_name: Option<Said<'a>>,
    #[serde(default)]
    document_id: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

/// A text, or something else under the same name in a body that is no GraphQL.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Extensions {
    Persisted {
        #[serde(rename = "persistedQuery")]
        _persisted: serde::de::IgnoredAny,
    },
    Other(serde::de::IgnoredAny),
}

fn in_json(body: &[u8]) -> Option<Vec<Operation>> {
    let posts = match serde_json::from_slice(body).ok()? {
        Posts::One(post) => vec![post],
        Posts::Many(posts) => posts,
    };
    let mut all = Vec::new();
    for post in posts {
        let text = |said: Option<Said<'_>>| match said {
            Some(Said::Text(text)) => Some(text.into_owned()),
            Some(Said::Other(_)) | None => None,
        };
        let (query, name) = (text(post.query), text(post.operation_name));
        let persisted = post.document_id.is_some()
            || matches!(post.extensions, Some(Extensions::Persisted { .. }));
        match query.filter(|query| !query.is_empty()) {
            Some(query) => all.extend(chosen(document::operations(&query)?, name.as_deref())),
            None if persisted => all.push(Operation { kind: Kind::Unsaid, name }),
            None => return None,
        }
    }
    Some(all)
}

fn in_form(form: &[u8]) -> Option<Vec<Operation>> {
    let value = |name: &[u8]| {
        let pairs = form.split(|byte| *byte == b'&');
        let mut fields = pairs.filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            let (key, value) = pair.split_at(at);
            (key == name).then_some(value.get(1..)?)
        });
        // Where a name stands twice most services take the last.
        let spaced: Vec<u8> = fields
            .next_back()?
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let decoded = percent_encoding::percent_decode(&spaced).decode_utf8_lossy();
        Some(decoded.into_owned()).filter(|value| !value.is_empty())
    };
    let name = value(b"operationName");
    if let Some(query) = value(b"query") {
        return Some(chosen(document::operations(&query)?, name.as_deref()));
    }
    let persisted = value(b"extensions").is_some_and(|text| text.contains("persistedQuery"))
        || value(b"documentId").is_some();
    persisted.then(|| vec![Operation { kind: Kind::Unsaid, name }])
}

/// The one that is named; all, where none is or the name is nobody's.
fn chosen(operations: Vec<Operation>, name: Option<&str>) -> Vec<Operation> {
    let named = |operation: &&Operation| name.is_some() && operation.name.as_deref() == name;
    match operations.iter().find(named) {
        Some(operation) => vec![operation.clone()],
        None => operations,
    }
}

/// The content of the multipart part whose head holds `marker`.
fn part<'a>(body: &'a [u8], marker: &[u8]) -> Option<&'a [u8]> {
    let find = |bytes: &[u8], wanted: &[u8]| {
        bytes.windows(wanted.len()).position(|window| window == wanted)
    };
    let after = body.get(find(body, marker)?..)?;
    let content = after.get(find(after, b"\r\n\r\n")? + 4..)?;
    content.get(..find(content, b"\r\n--")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Headers;

    fn post(kind: &str, body: &str) -> Request {
        let mut headers = Headers::default();
        headers.push("Content-Type", kind.to_owned());
        let (method, target) = ("POST".to_owned(), "/graphql".to_owned());
        Request { method, target, headers, body: body.to_owned().into() }
    }

    fn get(target: &str) -> Request {
        let (method, target) = ("GET".to_owned(), target.to_owned());
        Request { method, target, headers: Headers::default(), body: bytes::Bytes::new() }
    }

    fn names(request: &Request) -> String {
        let Some(operations) = operations(request) else { return "none".to_owned() };
        let words = operations.iter().map(|operation| {
            format!("{:?} {}", operation.kind, operation.name.as_deref().unwrap_or("-"))
        });
        words.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn operations_are_found_wherever_a_request_may_say_them() {
        let json = "application/json; charset=utf-8";
        let table = [
            (post(json, r#"{"query":"{ loans { id } }"}"#), "Query -"),
            (post(json, r#"{"query":"query Loans { loans { id } }"}"#), "Query Loans"),
            (
                post(json, r#"{"query":"mutation M { a } query Q { b }","operationName":"Q"}"#),
                "Query Q",
            ),
            (post(json, r#"{"query":"mutation M { a } query Q { b }"}"#), "Mutation M, Query Q"),
            (post(json, r#"[{"query":"{a}"},{"query":"mutation{b}"}]"#), "Query -, Mutation -"),
            (
                post(
                    json,
                    r#"{"operationName":"A","extensions":{"persistedQuery":{"version":1}}}"#,
                ),
                "Unsaid A",
            ),
            (post("application/graphql", "subscription S { s }"), "Subscription S"),
            (
                post("application/x-www-form-urlencoded", "query=mutation+M%7Ba%7D&variables="),
                "Mutation M",
            ),
            (
                post(
                    "multipart/form-data; boundary=x",
                    "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n\
                     {\"query\":\"mutation U($f: Upload!) { up(f: $f) }\"}\r\n--x--",
                ),
                "Mutation U",
            ),
            (get("/graphql?query=%7Bloans%7Bid%7D%7D"), "Query -"),
            (get("/graphql?query=query+L%7Ba%7D&operationName=L"), "Query L"),
            (get("/loans?query=blue"), "none"),
            (get("/loans"), "none"),
            (post(json, r#"{"query":"mutation of genes","page":1}"#), "none"),
            (post(json, r#"{"query":{"term":1}}"#), "none"),
            (post(json, r#"{"id":7}"#), "none"),
            (post(json, "[]"), "none"),
            (post(json, ""), "none"),
        ];
        for (request, expected) in table {
            assert_eq!(names(&request), expected, "{} {:?}", request.target, request.body);
        }
    }

    #[test]
    fn a_query_alone_tells_too() {
        assert!(query_mutates(b"a=b&query=mutation%7Ba%7D"));
        assert!(!query_mutates(b"query=%7Ba%7D"));
        assert!(!query_mutates(b"q=mutation"));
    }

    #[test]
    fn what_may_change_something_is_told_as_that() {
        let json = "application/json";
        let mutating = [
            post(json, r#"{"query":"mutation { a }"}"#),
            post(json, r#"[{"query":"{a}"},{"query":"mutation{b}"}]"#),
            post(json, r#"{"extensions":{"persistedQuery":{}}}"#),
            post(json, r#"{"query":"{a}","query":"mutation{b}"}"#),
            post(json, "{\"query\":\"mutation { a"),
            get("/graphql?query=mutation%7Ba%7D"),
        ];
        for request in mutating {
            assert!(may_mutate(&request), "{request:?}");
        }
        let reading = [
            post(json, r##"{"query":"# mutation\n{ a(b: \"mutation { c }\") }"}"##),
            post(json, r#"{"query":"fragment mutation on A { b } query { ...mutation }"}"#),
            post(json, r#"{"term":"mutation"}"#),
            get("/graphql?extensions=%7B%22persistedQuery%22%3A1%7D"),
        ];
        for request in reading {
            assert!(!may_mutate(&request), "{request:?}");
        }
        let mut coded = post(json, "\u{1}");
        coded.headers.push("Content-Encoding", "gzip");
        assert!(may_mutate(&coded), "it cannot be read");
        coded.target = "/search".to_owned();
        assert!(!may_mutate(&coded));
    }
}
