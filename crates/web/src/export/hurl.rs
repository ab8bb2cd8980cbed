//! A Hurl file: the kept requests against the candidate, with assertions on the primary's answer.
//!
//! Grammar: a request line, headers, a body; `HTTP` and the status; `[Asserts]`. Everything of
//! strangers is escaped so that it can be neither a template nor the end of what it stands in.

use serde_json::Value;
use store::view::DifferenceView;

use super::{
    Subject,
    request::{Sendable, comment, sendable},
};
use crate::api::SampleJson;

/// Exchanges in one file.
const MOST: usize = 25;

pub(super) fn write(subject: &Subject<'_>) -> String {
    let cluster = subject.cluster;
    let candidate =
        if subject.candidate.is_empty() { "http://127.0.0.1:9001" } else { subject.candidate };
    let mut text = format!("# {}: {}\n", cluster.id, comment(&cluster.title));
    text.push_str(&format!(
        "# hurl --test --variable candidate={} {}.hurl\n",
        comment(candidate).trim_end_matches('/'),
        cluster.id
    ));
    if subject.samples.is_empty() {
        text.push_str("# No exchange of it is kept in this version.\n");
    }
    for sample in subject.samples.iter().take(MOST) {
        text.push('\n');
        text.push_str(&entry(sample));
    }
    text
}

fn entry(sample: &SampleJson) -> String {
    let request = sendable(&sample.view.request);
    let mut text = format!("# Exchange {}\n", comment(&sample.view.exchange_id));
    for missing in &request.missing {
        text.push_str(&format!("# {}\n", comment(missing)));
    }
    text.push_str(&format!("{} {{{{candidate}}}}{}\n", request.method, address(&request.target)));
    for (name, value) in &request.headers {
        text.push_str(&format!("{}: {}\n", bare(name), bare(value)));
    }
    text.push_str(&body(&request));
    let Some(status) = sample.view.primary.status else {
        text.push_str("HTTP *\n");
        return text;
    };
    text.push_str(&format!("HTTP {status}\n"));
    let asserts: Vec<String> = sample.view.differences.iter().filter_map(assertion).collect();
    if !asserts.is_empty() {
        text.push_str("[Asserts]\n");
        for assert in asserts {
            text.push_str(&assert);
            text.push('\n');
        }
    }
    text
}

/// `#` would begin a comment; braces were encoded before.
fn address(target: &str) -> String {
    target.replace('#', "%23")
}

/// A body that JSON and Hurl read alike stands as it is; any other as base64.
fn body(request: &Sendable<'_>) -> String {
    let Some(body) = request.body else { return String::new() };
    let trimmed = body.trim();
    let is_json = trimmed.starts_with(['{', '['])
        && serde_json::from_str::<&serde_json::value::RawValue>(trimmed).is_ok();
    if is_json && !trimmed.contains("{{") && !trimmed.contains("}}") && !trimmed.contains('\r') {
        return format!("{trimmed}\n");
    }
    use base64::Engine as _;
    format!("base64,{};\n", base64::engine::general_purpose::STANDARD.encode(body))
}

/// What the primary answered at a place where the candidate differs.
fn assertion(one: &DifferenceView) -> Option<String> {
    if one.masked.is_some() {
        return None;
    }
    match one.place.as_str() {
        "header" => {
            let subject = format!("header {}", string(&one.path));
            Some(match one.primary.as_deref().map(plain) {
                Some(value) if redacted(&value) => return None,
                Some(value) => format!("{subject} == {}", string(&value)),
                None => format!("{subject} not exists"),
            })
        }
        "body" if !matches!(one.kind.as_str(), "moved" | "reordered") => {
            let pointer = one.left_path.as_deref().unwrap_or(&one.path);
            let subject = format!("jsonpath {}", string(&json_path(pointer)?));
            let Some(primary) = one.primary.as_deref() else {
                return Some(format!("{subject} not exists"));
            };
            Some(match serde_json::from_str::<Value>(primary).ok()? {
                Value::Null => format!("{subject} == null"),
                Value::Bool(truth) => format!("{subject} == {truth}"),
                // As it stands: an exponent is no number of Hurl.
                Value::Number(_) if primary.contains(['e', 'E']) => format!("{subject} exists"),
                Value::Number(_) => format!("{subject} == {primary}"),
                Value::String(text) if redacted(&text) => return None,
                Value::String(text) => format!("{subject} == {}", string(&text)),
                Value::Array(items) => format!("{subject} count == {}", items.len()),
                Value::Object(_) => format!("{subject} exists"),
            })
        }
        _ => None,
    }
}

fn redacted(text: &str) -> bool {
    text.contains("tok·")
}

/// Header values are kept as JSON texts or as they are.
fn plain(text: &str) -> String {
    serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
}

/// `/items/3/price` as `$['items'][3]['price']`; `None` where that could mean another place.
fn json_path(pointer: &str) -> Option<String> {
    let mut path = String::from("$");
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{name}]"));
        } else if name.contains(['\'', '\\']) || name.chars().any(char::is_control) {
            return None;
        } else {
            path.push_str(&format!("['{name}']"));
        }
    }
    Some(path)
}

/// A quoted text of Hurl, in which nothing is a template.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '{' | '}' => quoted.push_str(&escaped(letter)),
            letter if letter.is_control() => quoted.push_str(&escaped(letter)),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A name or value of a header, unquoted.
fn bare(text: &str) -> String {
    let mut value = String::new();
    for letter in text.chars() {
        match letter {
            '\\' => value.push_str("\\\\"),
            '#' => value.push_str("\\#"),
            '{' | '}' => value.push_str(&escaped(letter)),
            letter if letter.is_control() => value.push_str(&escaped(letter)),
            letter => value.push(letter),
        }
    }
    value
}

fn escaped(letter: char) -> String {
    format!("\\u{{{:x}}}", u32::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(place: &str, path: &str, primary: Option<&str>) -> DifferenceView {
        DifferenceView {
            place: place.into(),
            path: path.into(),
            general: path.into(),
            kind: "value_changed".into(),
            left_path: None,
            primary: primary.map(str::to_owned),
            candidate: None,
            masked: None,
        }
    }

    #[test]
    fn the_primarys_answer_is_what_is_asserted() {
        for (place, path, primary, asserted) in [
            ("body", "/decision", Some("\"REVIEW\""), "jsonpath \"$['decision']\" == \"REVIEW\""),
            (
                "body",
                "/items/3/price",
                Some("12.50"),
                "jsonpath \"$['items'][3]['price']\" == 12.50",
            ),
            ("body", "/queue", Some("null"), "jsonpath \"$['queue']\" == null"),
            ("body", "/new", None, "jsonpath \"$['new']\" not exists"),
            ("body", "/list", Some("[1,2]"), "jsonpath \"$['list']\" count == 2"),
            ("body", "/a~1b", Some("true"), "jsonpath \"$['a/b']\" == true"),
            ("header", "location", Some("\"/x\""), "header \"location\" == \"/x\""),
            ("header", "etag", None, "header \"etag\" not exists"),
        ] {
            assert_eq!(assertion(&difference(place, path, primary)).unwrap(), asserted);
        }
    }

    #[test]
    fn nothing_of_strangers_is_a_template_or_ends_its_text() {
        assert_eq!(
            string("a\"b\\c{{candidate}}\n#"),
            "\"a\\\"b\\\\c\\u{7b}\\u{7b}candidate\\u{7d}\\u{7d}\\n#\""
        );
        assert_eq!(bare("a#b{{x}}"), "a\\#b\\u{7b}\\u{7b}x\\u{7d}\\u{7d}");
        assert_eq!(json_path("/it's"), None);
    }

    #[test]
    fn masked_and_redacted_places_are_not_asserted() {
        let masked = DifferenceView {
            masked: Some("ignored".into()),
            ..difference("body", "/a", Some("1"))
        };
        assert_eq!(assertion(&masked), None);
        assert_eq!(assertion(&difference("body", "/iban", Some("\"tok·9f3a27c1\""))), None);
        assert_eq!(assertion(&difference("status", "", Some("200"))), None, "HTTP says it");
    }

    #[test]
    fn bodies_stand_as_json_or_as_base64() {
        let request = |body| Sendable {
            method: "POST",
            target: "/".into(),
            headers: Vec::new(),
            body: Some(body),
            missing: Vec::new(),
        };
        assert_eq!(body(&request("{\"a\": 1}\n")), "{\"a\": 1}\n");
        assert_eq!(body(&request("{\"a\": \"{{x}}\"}")), "base64,eyJhIjogInt7eH19In0=;\n");
        assert_eq!(body(&request("a=1")), "base64,YT0x;\n");
    }
}
