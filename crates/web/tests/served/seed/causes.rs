//! Ten causes of a lending migration, and how often each is seen in which version.

use cluster::doc::{
    ClusterDoc, DocCause, DocCondition, DocDifference, DocExample, DocSeverity, DocTerm,
    TitlePart::{self, Amount, Candidate, Condition, Field, Primary, Words},
};
use serde_json::{Value, json};
use store::{ClusterState, Outcome};

/// One cause: where, how often in 1,000 pairs by version, and its document.
pub(super) struct Cause {
    pub(super) endpoint: usize,
    pub(super) permille: [u64; 6],
    pub(super) state: ClusterState,
    pub(super) outcome: Outcome,
    pub(super) doc: ClusterDoc,
}

fn words(text: &str) -> TitlePart {
    Words(text.into())
}

fn is_instead(field: &str, candidate: &str, primary: &str) -> Vec<TitlePart> {
    vec![
        Field(field.into()),
        words("is"),
        Candidate(candidate.into()),
        words("instead of"),
        Primary(primary.into()),
    ]
}

fn when(mut title: Vec<TitlePart>, terms: &[&str]) -> Vec<TitlePart> {
    title.push(words("when"));
    for (place, term) in terms.iter().enumerate() {
        if place > 0 {
            title.push(words("and"));
        }
        title.push(Condition((*term).into()));
    }
    title
}

fn doc(title: Vec<TitlePart>, kind: &str, differences: Vec<DocDifference>) -> ClusterDoc {
    ClusterDoc {
        title,
        cause_kind: kind.into(),
        severity: DocSeverity::default(),
        differences,
        conditions: Vec::new(),
        entities: None,
        follows: None,
        changed: None,
    }
}

fn difference(
    place: &str,
    path: &str,
    kind: &str,
    cause: &str,
    primary: Value,
    candidate: Value,
) -> DocDifference {
    let cause = (!cause.is_empty()).then(|| DocCause {
        cause_type: cause.replace(' ', "_"),
        text: cause.to_owned(),
        share: 1.0,
    });
    DocDifference {
        place: place.into(),
        path: path.into(),
        kind: kind.into(),
        cause,
        example: DocExample { primary, candidate },
    }
}

fn condition(terms: &[(&str, &str, Value)], precision: f64, support: u64) -> DocCondition {
    DocCondition {
        text: terms
            .iter()
            .map(|(f, op, v)| format!("{f} {op} {v}"))
            .collect::<Vec<_>>()
            .join(" and "),
        terms: terms
            .iter()
            .map(|(field, op, value)| DocTerm {
                field: (*field).into(),
                op: (*op).into(),
                value: value.clone(),
            })
            .collect(),
        precision,
        recall: 1.0,
        support,
        status: "confirmed".into(),
        counts: cluster::doc::DocCounts::default(),
    }
}

pub(super) fn causes() -> Vec<Cause> {
    let open = |endpoint, permille, doc| Cause {
        endpoint,
        permille,
        state: ClusterState::Open,
        outcome: Outcome::Answered,
        doc,
    };
    let mut decision = doc(
        when(is_instead("decision", "APPROVED", "REVIEW"), &["amount > 50000", "country = DE"]),
        "rule",
        vec![
            difference(
                "body",
                "/decision",
                "value_changed",
                "enum map",
                json!("REVIEW"),
                json!("APPROVED"),
            ),
            difference("body", "/queue", "type_changed", "", json!("large-loans"), Value::Null),
            difference("body", "/auto_offer", "added", "", Value::Null, json!(true)),
        ],
    );
    decision.conditions = vec![condition(
        &[
            ("response.body.amount", ">", json!(50_000)),
            ("request.query.country", "==", json!("DE")),
        ],
        0.995,
        213,
    )];
    let mut fee = doc(
        when(is_instead("fee", "0", "12.50"), &["channel = BROKER"]),
        "rule",
        vec![difference(
            "body",
            "/offers/*/fee",
            "value_changed",
            "default added",
            json!(12.5),
            json!(0),
        )],
    );
    fee.conditions = vec![condition(&[("request.query.channel", "==", json!("BROKER"))], 1.0, 21)];
    let later = vec![Field("valid_until".into()), words("is"), Amount("one day later".into())];
    let missing =
        vec![Field("items/*/assignee".into()), words("is missing in some; no condition found yet")];
    vec![
        open(2, [0, 0, 0, 9, 20, 27], decision),
        open(
            2,
            [30, 28, 20, 12, 9, 6],
            doc(
                later,
                "unexplained",
                vec![difference(
                    "body",
                    "/valid_until",
                    "value_changed",
                    "time zone",
                    json!("2026-11-20T23:10:00Z"),
                    json!("2026-11-21T00:10:00+01:00"),
                )],
            ),
        ),
        Cause {
            state: ClusterState::Regressed,
            ..open(
                1,
                [60, 50, 40, 0, 0, 58],
                doc(
                    when(
                        vec![Field("open".into()), words("is higher by"), Amount("1".into())],
                        &["session.writes >= 1"],
                    ),
                    "unexplained",
                    vec![difference(
                        "body",
                        "/open",
                        "value_changed",
                        "offset",
                        json!(4),
                        json!(5),
                    )],
                ),
            )
        },
        open(
            0,
            [0, 0, 0, 0, 0, 5],
            doc(
                missing,
                "unexplained",
                vec![difference(
                    "body",
                    "/items/*/assignee",
                    "removed",
                    "null and absent",
                    json!("m.lind"),
                    Value::Null,
                )],
            ),
        ),
        open(
            0,
            [40, 38, 36, 30, 26, 24],
            doc(
                when(
                    vec![
                        Field("items".into()),
                        words("stops at"),
                        Candidate("50".into()),
                        words("instead of"),
                        Primary("200".into()),
                    ],
                    &["query.page_size > 50"],
                ),
                "rule",
                vec![difference(
                    "body",
                    "/items/*",
                    "removed",
                    "page size",
                    json!({"id": "L50"}),
                    Value::Null,
                )],
            ),
        ),
        open(
            4,
            [22, 22, 18, 20, 19, 21],
            doc(
                vec![
                    Field("reasons".into()),
                    words("is ordered by"),
                    Candidate("code".into()),
                    words("instead of"),
                    Primary("weight".into()),
                ],
                "unexplained",
                vec![difference(
                    "body",
                    "/reasons",
                    "reordered",
                    "sort key",
                    Value::Null,
                    Value::Null,
                )],
            ),
        ),
        open(5, [4, 3, 6, 3, 5, 4], fee),
        open(
            2,
            [0, 0, 0, 0, 4, 5],
            doc(
                vec![
                    words("Status is"),
                    Candidate("404".into()),
                    words("instead of"),
                    Primary("200".into()),
                ],
                "data",
                vec![difference("status", "", "value_changed", "", json!(200), json!(404))],
            ),
        ),
        Cause {
            outcome: Outcome::NoAnswer,
            ..open(
                0,
                [3, 2, 2, 1, 1, 1],
                doc(
                    vec![words("The candidate gives no answer: timeout")],
                    "no_answer",
                    vec![difference("status", "", "value_changed", "", json!(200), Value::Null)],
                ),
            )
        },
        Cause {
            state: ClusterState::Accepted,
            ..open(
                7,
                [8, 8, 7, 8, 8, 8],
                doc(
                    is_instead("tier", "gold", "GOLD"),
                    "rule",
                    vec![difference(
                        "body",
                        "/tier",
                        "value_changed",
                        "case",
                        json!("GOLD"),
                        json!("gold"),
                    )],
                ),
            )
        },
    ]
}
