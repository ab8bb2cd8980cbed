//! What tells the operations of one URL apart.

use exchange::Request;
use percent_encoding::percent_decode_str;
use quick_xml::{Reader, events::Event};
use serde_json::Value;

use super::graphql;

/// Calls of one batch that are named.
const MOST_CALLS: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    Graphql,
    Soap,
    Header(String),
    Query(String),
    /// Names on the way to a field.
    Body(Vec<String>),
    /// No label.
    None,
}

impl By {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const HINT: &str = "`by` is header:NAME, body:FIELD, query:NAME, graphql, soap or none";
        Ok(match (text.trim(), text.trim().split_once(':')) {
            ("graphql", _) => Self::Graphql,
            ("soap", _) => Self::Soap,
            ("none", _) => Self::None,
            (_, Some(("header", name))) if !name.is_empty() => Self::Header(name.to_owned()),
            (_, Some(("query", name))) if !name.is_empty() => Self::Query(name.to_owned()),
            (_, Some(("body", field))) if !field.is_empty() => {
                let steps = match field.strip_prefix('/') {
                    Some(pointer) => pointer.split('/').collect::<Vec<_>>(),
                    None => field.split('.').collect(),
                };
                Self::Body(steps.into_iter().map(str::to_owned).collect())
            }
            _ => return Err(HINT),
        })
    }

    /// The operation that a request names, if it does.
    pub(super) fn label(&self, request: &Request) -> Option<String> {
        let found = match self {
            Self::None => None,
            Self::Graphql => graphql::asked(request).map(|asked| asked.label()),
            Self::Soap => action(request).or_else(|| first_in_envelope(&request.body)),
            Self::Header(name) if name.eq_ignore_ascii_case("soapaction") => action(request),
            Self::Header(name) => request.headers.get(name).map(str::to_owned),
            Self::Query(name) => parameter(request.query()?, name),
            Self::Body(steps) => in_body(request, steps),
        };
        found.filter(|text| !text.trim().is_empty())
    }
}

/// `SOAPAction`, or the parameter of the media type that later versions have instead: its last
/// step.
fn action(request: &Request) -> Option<String> {
    let of_type = || {
        let parameters = request.headers.get("content-type")?.split(';').skip(1);
        let mut named = parameters.filter_map(|part| part.trim().split_once('='));
        named.find_map(|(name, value)| name.eq_ignore_ascii_case("action").then_some(value))
    };
    let bare = |text: &str| {
        let text = text.trim().trim_matches('"').trim_end_matches('/');
        text.rsplit(['/', '#']).next().unwrap_or(text).to_owned()
    };
    let of_header = request.headers.get("soapaction").map(bare).filter(|text| !text.is_empty());
    of_header.or_else(|| of_type().map(bare)).filter(|text| !text.is_empty())
}

/// The first element inside the envelope's `Body`.
fn first_in_envelope(body: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(body);
    let mut inside = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                if inside {
                    return Some(name);
                }
                inside = name == "Body";
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// The value of a parameter of a query or form.
fn parameter(form: &str, wanted: &str) -> Option<String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let parts = form.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    let mut found = parts.filter(|(name, _)| decoded(name) == wanted);
    found.next().map(|(_, value)| decoded(value))
}

/// A field of a JSON body, of each call where it is a batch; or of a form.
fn in_body(request: &Request, steps: &[String]) -> Option<String> {
    let media = request.headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    if media.starts_with("application/x-www-form-urlencoded") {
        return parameter(std::str::from_utf8(&request.body).ok()?, &steps.join("."));
    }
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let Value::Array(calls) = &body else { return field(&body, steps) };
    let mut names: Vec<String> = Vec::new();
    for name in calls.iter().filter_map(|call| field(call, steps)) {
        if names.len() < MOST_CALLS && !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| format!("[{}]", names.join("+")))
}

fn field(body: &Value, steps: &[String]) -> Option<String> {
    match steps.iter().try_fold(body, |at, step| at.get(step))? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
