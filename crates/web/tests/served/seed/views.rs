//! Kept exchanges: both answers with what differs between them.

use exchange::{ExchangeId, Micros};
use serde_json::{Value, json};
use store::{
    Outcome,
    view::{AnswerView, BodyView, DifferenceView, RequestView, SampleView},
};

use super::ENDPOINTS;

pub(super) fn view(
    id: ExchangeId,
    at: Micros,
    endpoint: usize,
    cause: Option<usize>,
    outcome: Option<Outcome>,
    pair: u64,
) -> SampleView {
    let (primary, candidate, differences) = bodies(endpoint, cause, pair);
    let path = ENDPOINTS[endpoint]
        .1
        .replace("{id}", &format!("L{}", 44_818 + pair))
        .replace("{queue}", "fraud-review");
    let answer = |status, body: &str, duration_us| AnswerView {
        status: Some(status),
        no_answer: None,
        headers: vec![
            ("content-type".into(), "application/json".into()),
            (
                "server".into(),
                if duration_us > 100_000 { "monolith/9" } else { "understudy-demo" }.into(),
            ),
        ],
        body: BodyView::Text { text: body.into() },
        duration_us,
    };
    let mut candidate =
        answer(if cause == Some(7) { 404 } else { 200 }, &candidate, 96_000 - pair * 3);
    if outcome == Some(Outcome::NoAnswer) {
        candidate.status = None;
        candidate.no_answer = Some("timeout".into());
        candidate.body = BodyView::Empty;
    }
    SampleView {
        exchange_id: id.to_string(),
        captured_at: jiff::Timestamp::from_microsecond(at).expect("an instant").to_string(),
        session: "5b8efff7".into(),
        write: false,
        request: RequestView {
            method: "GET".into(),
            path,
            query: (endpoint == 2).then(|| "country=DE".into()),
            headers: vec![
                ("Host".into(), "lending.example".into()),
                ("Authorization".into(), "tok·9f3a27c1".into()),
                ("Accept".into(), "application/json".into()),
            ],
            body: BodyView::Empty,
        },
        primary: answer(200, &primary, 148_000 + pair),
        candidate,
        secondary: None,
        differences,
        notes: Vec::new(),
    }
}

fn change(path: &str, kind: &str, primary: Value, candidate: Value) -> DifferenceView {
    let general: Vec<&str> =
        path.split('/').map(|part| if part.parse::<u32>().is_ok() { "*" } else { part }).collect();
    let json = |value: Value| (!value.is_null()).then(|| value.to_string());
    DifferenceView {
        place: "body".into(),
        path: path.into(),
        general: general.join("/"),
        kind: kind.into(),
        left_path: None,
        primary: json(primary),
        candidate: json(candidate),
        masked: None,
    }
}

fn bodies(
    endpoint: usize,
    cause: Option<usize>,
    pair: u64,
) -> (String, String, Vec<DifferenceView>) {
    match (endpoint, cause) {
        (2, Some(7)) => {
            let status = DifferenceView {
                place: "status".into(),
                ..change("", "value_changed", json!(200), json!(404))
            };
            (decision(pair, false), r#"{"error": "loan not found"}"#.into(), vec![status])
        }
        (2, Some(0)) => (
            decision(pair, false),
            decision(pair, true),
            vec![
                change(
                    "/decision_id",
                    "value_changed",
                    json!("01935a7e-5c11-7d0e"),
                    json!("d2b4f0a6-1be3-4c77"),
                ),
                change("/decision", "value_changed", json!("REVIEW"), json!("APPROVED")),
                change("/queue", "type_changed", json!("large-loans"), Value::Null),
                change(
                    "/fees/0/label",
                    "value_changed",
                    json!("Origination fee"),
                    json!("Origination Fee"),
                ),
                change(
                    "/reasons/0",
                    "removed",
                    json!({"code": "LARGE_AMOUNT", "weight": 40}),
                    Value::Null,
                ),
                DifferenceView {
                    left_path: Some("/reasons/2".into()),
                    ..change(
                        "/reasons/0",
                        "moved",
                        json!({"code": "KYC_OK"}),
                        json!({"code": "KYC_OK"}),
                    )
                },
                change("/auto_offer", "added", Value::Null, json!(true)),
                DifferenceView {
                    masked: Some("ignored by rule 2".into()),
                    ..change("/valid_until", "value_changed", json!("a"), json!("b"))
                },
                change("/trace", "value_changed", json!("5b8e"), json!("77aa")),
            ],
        ),
        (_, Some(at)) => {
            let text = |value: u64| {
                json!({"id": format!("L{pair}"), "open": value, "queue": "fraud-review", "total": 40 + at}).to_string()
            };
            (text(4), text(5), vec![change("/open", "value_changed", json!(4), json!(5))])
        }
        (2, None) => (decision(pair, false), decision(pair, false), Vec::new()),
        (_, None) => {
            let text = json!({"id": format!("L{pair}"), "open": 4}).to_string();
            (text.clone(), text, Vec::new())
        }
    }
}

fn decision(pair: u64, of_candidate: bool) -> String {
    let reasons = if of_candidate {
        json!([{"code": "KYC_OK", "weight": 5}, {"code": "INCOME_OK", "weight": 10}])
    } else {
        json!([{"code": "LARGE_AMOUNT", "weight": 40}, {"code": "INCOME_OK", "weight": 10}, {"code": "KYC_OK", "weight": 5}])
    };
    let pick =
        |one: &str, other: &str| if of_candidate { other.to_owned() } else { one.to_owned() };
    let applicant: Vec<String> =
        (0..14).map(|at| format!("    \"field_{at}\": \"value {at}\"")).collect();
    format!(
        "{{\n  \"decision_id\": \"{}\",\n  \"decision\": \"{}\",\n  \"queue\": {},\n  \"applicant\": {{\n{}\n  }},\n  \
         \"iban\": \"tok·9f3a27c1\",\n  \"amount\": {}.00,\n  \"fees\": [{{\"label\": \"Origination {}ee\", \"value\": 360.00, \"note\": \"charged once when the loan is paid out\"}}],\n  \
         \"reasons\": {reasons},{}\n  \"valid_until\": \"{}\",\n  \"links\": {{\"self\": \"/loans/L48211\", \"customer\": \"/customers/9\", \"offers\": \"/loans/L48211/offers\", \"schedule\": null}},\n  \"trace\": \"{}\"\n}}",
        pick("01935a7e-5c11-7d0e", "d2b4f0a6-1be3-4c77"),
        pick("REVIEW", "APPROVED"),
        pick("\"large-loans\"", "null"),
        applicant.join(",\n"),
        50_010 + pair * 990,
        pick("f", "F"),
        if of_candidate { "\n  \"auto_offer\": true," } else { "" },
        pick("2026-12-20T09:14:05Z", "2026-12-20T10:14:05+01:00"),
        pick("5b8efff798038103", "77aa02b1c44d9e10"),
    )
}
