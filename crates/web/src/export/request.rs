//! A captured request as a program can send it again.

use store::view::{BodyView, RequestView};

/// Set by the client anew, or meant for one connection only.
const NOT_SENT: [&str; 12] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "accept-encoding",
    "expect",
    "traceparent",
];

/// Redacted values start so.
const TOKEN: &str = "tok·";

/// What can be sent again of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sendable<'a> {
    pub(super) method: &'a str,
    /// Path and query, each byte that is no part of an URL percent-encoded.
    pub(super) target: String,
    pub(super) headers: Vec<(&'a str, &'a str)>,
    pub(super) body: Option<&'a str>,
    /// What the view does not hold: redacted headers, a binary body.
    pub(super) missing: Vec<String>,
}

pub(super) fn sendable(request: &RequestView) -> Sendable<'_> {
    let mut missing = Vec::new();
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let lower = name.to_ascii_lowercase();
        if NOT_SENT.contains(&lower.as_str()) || lower.starts_with("x-understudy-") {
            continue;
        }
        let fine = is_name(name) && !value.chars().any(char::is_control);
        if value.contains(TOKEN) {
            missing.push(format!("header {lower} is redacted: add yours"));
        } else if fine {
            headers.push((name.as_str(), value.as_str()));
        } else {
            missing.push("a header that cannot be written was left out".to_owned());
        }
    }
    let query = request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}{query}", request.path);
    if target.contains(TOKEN) {
        missing.push("the address has redacted parts: tok·… stand for them".to_owned());
    }
    let body = match &request.body {
        BodyView::Empty => None,
        BodyView::Text { text } => {
            if text.contains(TOKEN) {
                missing.push("the body has redacted parts: tok·… stand for them".to_owned());
            }
            Some(text.as_str())
        }
        BodyView::Binary { length, .. } | BodyView::Absent { length, .. } => {
            missing.push(format!("a body of {length} bytes is not kept as text"));
            None
        }
    };
    let method = if is_name(&request.method) { request.method.as_str() } else { "GET" };
    Sendable { method, target: encoded(&target), headers, body, missing }
}

/// A token of RFC 9110.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Letters, digits and the signs of RFC 3986 stay; `%` too, for the path came encoded.
fn encoded(target: &str) -> String {
    let mut text = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%[]".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    if text.starts_with('/') { text } else { format!("/{text}") }
}

/// One line of a comment, whatever strangers wrote into it.
pub(super) fn comment(text: &str) -> String {
    let plain = |letter: char| {
        // Line and paragraph separators, and marks that turn the direction of writing.
        let breaks = matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || breaks { ' ' } else { letter }
    };
    text.chars().map(plain).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_an_address_stays_as_it_is() {
        assert_eq!(encoded("/a b?q=\"{x}\"#\u{e9}'"), "/a%20b?q=%22%7Bx%7D%22%23%C3%A9'");
        assert_eq!(encoded("a%2Fb"), "/a%2Fb");
    }

    #[test]
    fn comments_stay_on_their_line() {
        assert_eq!(comment("a\nrm -rf ~\r\n\u{2028}b\u{202e}"), "a rm -rf ~   b");
    }

    #[test]
    fn redacted_headers_are_named_and_not_sent() {
        let request = RequestView {
            method: "GET\nX".into(),
            path: "/x".into(),
            query: None,
            headers: vec![
                ("Authorization".into(), "tok·12345678".into()),
                ("Host".into(), "loans".into()),
                ("x-bad\n".into(), "1".into()),
                ("Accept".into(), "*/*".into()),
            ],
            body: BodyView::Empty,
        };
        let sendable = sendable(&request);
        assert_eq!(sendable.method, "GET");
        assert_eq!(sendable.headers, [("Accept", "*/*")]);
        assert_eq!(sendable.missing.len(), 2, "{:?}", sendable.missing);
    }
}
