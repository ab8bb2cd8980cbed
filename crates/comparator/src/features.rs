//! The fields of one pair, from which conditions are learnt.
//!
//! Everything sensitive is a token before it is a field. What one pair can say is bounded.

use std::borrow::Cow;

use cluster::{
    endpoint::parameter_values,
    explain::{Aside, Row, Scalar},
};
use exchange::{Pair, Request, redact::Redactor};
use percent_encoding::percent_decode_str;

use crate::{
    facts::Facts,
    leaves::{self, Leaf},
    plan::Plan,
    primary_version::PrimaryVersion,
    side::Side,
};

/// Cells of one row.
const MOST_CELLS: usize = 300;
/// Of them, from one body.
const MOST_LEAVES: usize = 100;
const MOST_PARAMETERS: usize = 40;
const MOST_HEADERS: usize = 24;
/// Bytes of a text; longer ones are cut.
const LONGEST_TEXT: usize = 120;

/// Request headers that say how, not what, is asked.
const SILENT_HEADERS: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "date",
    "user-agent",
    "traceparent",
    "tracestate",
    "baggage",
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "x-request-id",
    "x-correlation-id",
    "x-trace-id",
    "x-amzn-trace-id",
    "if-none-match",
    "if-modified-since",
    "cookie",
    "referer",
    "accept-encoding",
    "priority",
];

/// Response headers that may say more than the body.
const TELLING_HEADERS: &[&str] = &["content-type", "location", "x-total-count", "retry-after"];

/// What of a pair is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) request_body: bool,
    pub(crate) response_body: bool,
    /// What is known of the things it names.
    pub(crate) entities: bool,
}

impl Wanted {
    pub(crate) const ALL: Self = Self { request_body: true, response_body: true, entities: true };
}

/// What is known of a pair beside its two messages.
#[derive(Debug)]
pub(crate) struct Beside<'a> {
    pub(crate) aside: Aside,
    pub(crate) session: Vec<(String, Scalar)>,
    pub(crate) facts: &'a Facts,
}

/// The row of a pair under a plan.
pub(crate) fn row(
    redactor: &Redactor,
    plan: &Plan,
    pair: &Pair,
    primary: &Side<'_>,
    beside: Beside<'_>,
    wanted: Wanted,
) -> Row {
    let mut more = beside.aside.cells();
    more.extend(beside.session);
    let mut cells = Cells { redactor, plan, cells: more };
    let request = &pair.exchange.request;
    cells.add("request.method", text(&request.method));
    cells.path(request);
    cells.query(request.query().unwrap_or_default());
    cells.headers(request);
    let content_type = request.headers.get("content-type").unwrap_or_default();
    if wanted.request_body {
        cells.body("request.body", content_type, &request.body);
    }
    let response = &pair.exchange.response;
    cells.add("response.status", Scalar::Number(f64::from(response.status)));
    for name in TELLING_HEADERS {
        if let Some(value) = response.headers.get(name) {
            cells.add(&format!("response.header.{name}"), text(value));
        }
    }
    // Which build answered: a release of the primary may be what a condition hangs on.
    let told = PrimaryVersion::telling(response);
    if let Some((name, version)) = told.filter(|(name, _)| !redactor.hides_header(name)) {
        cells.add(&format!("response.header.{name}"), text(&version));
    }
    if wanted.response_body
        && let Ok(body) = primary.body()
    {
        cells.body("response.body", primary.content_type().unwrap_or_default(), body);
    }
    let mut cells = cells.cells;
    if wanted.entities {
        let known = beside.facts.cells(plan, pair, &cells);
        cells.extend(known);
    }
    cells.truncate(MOST_CELLS);
    Row { cells }
}

struct Cells<'a> {
    redactor: &'a Redactor,
    plan: &'a Plan,
    cells: Vec<(String, Scalar)>,
}

impl Cells<'_> {
    fn add(&mut self, field: &str, value: Scalar) {
        self.cells.push((field.to_owned(), value));
    }

    fn path(&mut self, request: &Request) {
        let plan = self.plan;
        let names = plan.template.split('/').filter_map(|step| step.strip_prefix('{'));
        let values = parameter_values(&plan.template, request.path());
        for (name, value) in names.zip(values) {
            let name = name.split('}').next().unwrap_or(name);
            let value = percent_decode_str(value).decode_utf8_lossy();
            self.add(&format!("request.path.{name}"), text(&value));
        }
    }

    fn query(&mut self, query: &str) {
        self.form("request.query", query, &|redactor, name| redactor.hides_query(name));
    }

    /// `name=value` pairs.
    fn form(&mut self, above: &str, form: &str, hidden: &dyn Fn(&Redactor, &str) -> bool) {
        let parts = form.split('&').filter(|part| !part.is_empty()).take(MOST_PARAMETERS);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (form_decode(name), form_decode(value));
            let value = if hidden(self.redactor, &name) {
                Scalar::Token(self.redactor.token(value.as_bytes()))
            } else {
                text(&value)
            };
            let name = name.trim_end_matches("[]").to_owned();
            self.add(&format!("{above}.{name}"), value);
        }
    }

    fn headers(&mut self, request: &Request) {
        let telling = request.headers.iter().filter(|header| {
            !SILENT_HEADERS.iter().any(|silent| header.name.eq_ignore_ascii_case(silent))
        });
        for header in telling.take(MOST_HEADERS) {
            let name = header.name.to_ascii_lowercase();
            let value = if self.redactor.hides_header(&name) {
                Scalar::Token(self.redactor.token(&header.value))
            } else {
                text(&String::from_utf8_lossy(&header.value))
            };
            self.add(&format!("request.header.{name}"), value);
        }
    }

    fn body(&mut self, above: &str, content_type: &str, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let media = content_type.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            if let Ok(form) = std::str::from_utf8(bytes) {
                self.form(above, form, &|redactor, name| {
                    redactor.hides_query(name) || redactor.hides_field(&format!("/{name}"))
                });
            }
            return;
        }
        let before = self.cells.len();
        if !leaves::of_json(bytes, MOST_LEAVES, &mut |leaf| self.leaf(above, leaf)) {
            self.cells.truncate(before);
        }
    }

    fn leaf(&mut self, above: &str, leaf: Leaf<'_>) {
        let redactor = self.redactor;
        let spot = self.plan.spot(leaf.path, redactor);
        let value = match leaf.value {
            Scalar::Text(own) if spot.hidden => Scalar::Token(redactor.token(own.as_bytes())),
            own if spot.hidden => Scalar::Token(redactor.token(own.json().to_string().as_bytes())),
            Scalar::Text(own) if own.len() > LONGEST_TEXT => text(&own),
            own => own,
        };
        let field = match leaf.is_length {
            true => ["length(", above, &spot.dotted, ")"].concat(),
            false => [above, &spot.dotted].concat(),
        };
        // Only what stands in an array comes again.
        let again = spot.again
            && self.cells.iter().any(|(known, other)| *known == field && *other == value);
        if !again {
            self.cells.push((field, value));
        }
    }
}

fn form_decode(text: &str) -> String {
    let spaced: Cow<'_, str> =
        if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

fn text(text: &str) -> Scalar {
    if text.len() <= LONGEST_TEXT {
        return Scalar::Text(text.to_owned());
    }
    let end = (0..=LONGEST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Scalar::Text(text[..end].to_owned())
}
