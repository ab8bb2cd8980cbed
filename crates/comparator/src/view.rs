//! A sample as people will see it: decoded, and redacted before it leaves the comparator.

use cluster::Where;
use diff::{Change, Fragment, ValueType};
use exchange::{Answer, Headers, Outcome, Pair, Response, redact::Redactor};
use serde_json::Value;
use store::view::{AnswerView, BodyView, DifferenceView, RequestView, SampleView};

use crate::{
    compare::{Comparison, Difference},
    decode,
    plan::{Mask, Plan},
};

/// Longer bodies are not kept in views; the sealed original has them.
const LONGEST_BODY: usize = 1024 * 1024;
/// Bytes of a body that is no text.
const SHOWN_BYTES: usize = 64;
const MOST_DIFFERENCES: usize = 1_000;

pub(crate) fn build(
    redactor: &Redactor,
    plan: &Plan,
    pair: &Pair,
    comparison: &Comparison,
    limit: usize,
) -> SampleView {
    let shown = Shown { redactor, limit };
    let exchange = &pair.exchange;
    let differences =
        comparison.differences.iter().take(MOST_DIFFERENCES).map(|d| shown.difference(plan, d));
    let mut notes = comparison.notes.clone();
    if comparison.differences.len() > MOST_DIFFERENCES {
        notes.push(format!(
            "{} of {} differences are listed",
            MOST_DIFFERENCES,
            comparison.differences.len()
        ));
    }
    SampleView {
        exchange_id: exchange.id.to_string(),
        captured_at: rfc3339(exchange.started_at),
        session: exchange.session.0.iter().take(4).map(|byte| format!("{byte:02x}")).collect(),
        write: exchange.write,
        request: shown.request(pair),
        primary: shown.answered(&exchange.response, exchange.duration_us),
        candidate: shown.answer(&pair.candidate),
        secondary: pair.secondary.as_ref().map(|answer| shown.answer(answer)),
        differences: differences.collect(),
        notes,
    }
}

fn rfc3339(at: exchange::Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |at| format!("{at:.6}"))
}

struct Shown<'a> {
    redactor: &'a Redactor,
    limit: usize,
}

impl Shown<'_> {
    fn request(&self, pair: &Pair) -> RequestView {
        let request = &pair.exchange.request;
        let target = self.redactor.target(&request.target);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target, None),
        };
        RequestView {
            method: request.method.clone(),
            path,
            query,
            headers: self.headers(&request.headers),
            body: self.body(&request.headers, &exchange::Body::Whole(request.body.clone())),
        }
    }

    fn answer(&self, answer: &Answer) -> AnswerView {
        match &answer.outcome {
            Outcome::Answered(response) => self.answered(response, answer.duration_us),
            Outcome::NoAnswer { reason, detail } => AnswerView {
                status: None,
                no_answer: Some(format!("{reason}: {detail}")),
                headers: Vec::new(),
                body: BodyView::Empty,
                duration_us: answer.duration_us,
            },
        }
    }

    fn answered(&self, response: &Response, duration_us: u64) -> AnswerView {
        AnswerView {
            status: Some(response.status),
            no_answer: None,
            headers: self.headers(&response.headers),
            body: self.body(&response.headers, &response.body),
            duration_us,
        }
    }

    fn headers(&self, headers: &Headers) -> Vec<(String, String)> {
        let shown =
            |h: &exchange::Header| (h.name.clone(), self.redactor.header(&h.name, &h.value));
        headers.iter().map(shown).collect()
    }

    fn body(&self, headers: &Headers, body: &exchange::Body) -> BodyView {
        let absent = |length, why: String| BodyView::Absent { length, why };
        let Some(bytes) = body.bytes() else {
            return absent(body.length(), "over the cap of copies".into());
        };
        if bytes.is_empty() {
            return BodyView::Empty;
        }
        let plain = match decode::decode(&decode::codings(headers), bytes, self.limit) {
            Ok(plain) => plain,
            Err(why) => return absent(bytes.len() as u64, why),
        };
        let length = plain.len() as u64;
        if plain.len() > LONGEST_BODY {
            return absent(length, format!("longer than {} KiB", LONGEST_BODY / 1024));
        }
        let content_type = headers.get("content-type").unwrap_or_default();
        match std::str::from_utf8(&plain) {
            Ok(text) => BodyView::Text { text: self.redactor.body(content_type, text) },
            Err(_) => {
                let hex = plain.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}"));
                BodyView::Binary { length, hex: hex.collect() }
            }
        }
    }

    fn difference(&self, plan: &Plan, difference: &Difference) -> DifferenceView {
        match difference {
            Difference::Status(left, right) => DifferenceView {
                primary: Some(left.to_string()),
                candidate: Some(right.to_string()),
                ..plain(Where::Status, "", diff::Kind::ValueChanged)
            },
            Difference::Header(found) => {
                let name = found.path.split('/').next().unwrap_or_default();
                let show = |value: &String| {
                    // Of cookies only attributes were compared; they are no secret.
                    let text = if name == "set-cookie" {
                        value.clone()
                    } else {
                        self.redactor.header(name, value.as_bytes())
                    };
                    Value::String(text).to_string()
                };
                DifferenceView {
                    primary: found.left.as_ref().map(show),
                    candidate: found.right.as_ref().map(show),
                    ..plain(Where::Header, &found.path, found.kind)
                }
            }
            Difference::Whole(place) => plain(place.place, &place.path, place.kind),
            Difference::Body(change) => self.change(plan, change),
        }
    }

    fn change(&self, plan: &Plan, change: &Change) -> DifferenceView {
        // Of a moved value the page shows where it was, not what stands at its new place.
        let left_path = change.from.as_ref().or(change.left_path.as_ref());
        let left_at = left_path.unwrap_or(&change.path);
        let masked = plan.mask(change.masked_by).map(|mask| match mask {
            Mask::Rule { name, left_out: false } => format!("ignored by rule {name}"),
            Mask::Rule { name, left_out: true } => {
                format!("ignored when it was compared, by rule {name}")
            }
            Mask::Volatile => "volatile".to_owned(),
        });
        DifferenceView {
            path: change.path.clone(),
            left_path: left_path.cloned(),
            primary: change.left.as_ref().map(|f| self.fragment(left_at, f)),
            candidate: change.right.as_ref().map(|f| self.fragment(&change.path, f)),
            masked,
            ..plain(Where::Body, &change.general, change.kind)
        }
    }

    /// JSON text of a value with everything sensitive in or above it replaced.
    fn fragment(&self, pointer: &str, fragment: &Fragment) -> String {
        let structured = matches!(fragment.value_type, ValueType::Array | ValueType::Object);
        if self.redactor.hides_field(pointer) {
            return self.hidden(&fragment.json);
        }
        if !structured {
            return fragment.json.clone();
        }
        match serde_json::from_str(&fragment.json) {
            Ok(mut value) if !fragment.cut => {
                self.redact_within(pointer, &mut value);
                value.to_string()
            }
            _ => Value::String("too large to show".into()).to_string(),
        }
    }

    /// The token of a scalar is that of its text, as in bodies.
    fn hidden(&self, json: &str) -> String {
        let token = match serde_json::from_str::<Value>(json) {
            Ok(Value::String(text)) => self.redactor.token(text.as_bytes()),
            _ => self.redactor.token(json.as_bytes()),
        };
        Value::String(token).to_string()
    }

    fn redact_within(&self, pointer: &str, value: &mut Value) {
        let mut open = vec![(pointer.to_owned(), value)];
        while let Some((at, value)) = open.pop() {
            match value {
                _ if self.redactor.hides_field(&at) => {
                    let hidden = self.hidden(&value.to_string());
                    *value = serde_json::from_str(&hidden).unwrap_or(Value::Null);
                }
                Value::Object(members) => open.extend(members.iter_mut().map(|(name, member)| {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    (format!("{at}/{name}"), member)
                })),
                Value::Array(items) => open.extend(
                    items.iter_mut().enumerate().map(|(n, item)| (format!("{at}/{n}"), item)),
                ),
                _ => {}
            }
        }
    }
}

fn plain(place: Where, path: &str, kind: diff::Kind) -> DifferenceView {
    DifferenceView {
        place: place.as_str().into(),
        path: path.to_owned(),
        general: path.to_owned(),
        kind: serde_json::to_value(kind)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default(),
        left_path: None,
        primary: None,
        candidate: None,
        masked: None,
    }
}
