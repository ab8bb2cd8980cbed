//! A store as it looks after some days of a lending migration: nine endpoints, six versions of the
//! candidate, ten causes. Invented, and the sums agree from page to page.

use std::collections::BTreeMap;

use cluster::{
    Covers, EndpointId, Evidence, Model, VolatilePlace, Where,
    doc::{
        ClusterDoc, DocCause, DocCondition, DocDifference, DocExample, DocSeverity, DocTerm,
        TitlePart::{self, Amount, Candidate, Condition, Field, Primary, Words},
    },
};
use exchange::{
    DropReason, Epoch, ExchangeId, Mark, Micros, NotCopiedReason, Number, ParkReason,
    PartitionCount, SkipReason, TapSnapshot, TapTotals,
};
use serde_json::{Value, json};
use store::{
    ClusterRow, ClusterState, Compared, EndpointRow, Fate, ModelRow, Outcome, Record, RecordItem,
    Sample, SampleSlot, SignatureRow, Store, StoreError, Stratum,
    view::{AnswerView, BodyView, DifferenceView, RequestView, SampleView},
};

pub(crate) const VERSIONS: [&str; 6] =
    ["a03f9d1", "c5d0e77", "0c77e21", "17ae0b2", "8f2c1d0", "4f1c2ab"];
pub(crate) const NEWEST: &str = "4f1c2ab";

/// Method, template, slice, pairs per version and unit of size, p50 in ms of both sides.
type Endpoint = (&'static str, &'static str, Option<&'static str>, u64, f64, f64);

const ENDPOINTS: [Endpoint; 9] = [
    ("GET", "/queues/{queue}/items", Some("Queues"), 130, 84.0, 61.0),
    ("GET", "/queues/{queue}/counts", Some("Queues"), 34, 38.0, 51.0),
    ("GET", "/loans/{id}/decision", Some("Decisions"), 160, 52.0, 35.0),
    ("GET", "/decisions", Some("Decisions"), 60, 40.0, 38.0),
    ("GET", "/decisions/{id}/reasons", Some("Decisions"), 48, 27.0, 22.0),
    ("GET", "/loans/{id}/offers", Some("Offers"), 90, 47.0, 36.0),
    ("GET", "/offers/{id}/schedule", Some("Offers"), 3, 90.0, 82.0),
    ("GET", "/customers/{id}", Some("Customers"), 110, 12.0, 7.0),
    ("GET", "/products", Some("Products"), 70, 8.0, 6.0),
];

/// One cause: where, how often in 1,000 pairs by version, and its document.
struct Cause {
    endpoint: usize,
    permille: [u64; 6],
    state: ClusterState,
    outcome: Outcome,
    doc: ClusterDoc,
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

fn causes() -> Vec<Cause> {
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

fn endpoint_key(place: usize) -> i64 {
    let (method, template, ..) = ENDPOINTS[place];
    EndpointId::of(method, template).0
}

/// The signature of matches of an endpoint, and of a cause.
fn equal_key(endpoint: usize) -> i64 {
    1_000 + endpoint as i64
}

pub(crate) fn cause_key(cause: usize) -> i64 {
    2_000 + cause as i64
}

/// Fills `store`; `size` multiplies the traffic. Returns the epoch's captured count.
pub(crate) async fn fill(store: &Store, size: u64, now: Micros) -> Result<u64, StoreError> {
    let causes = causes();
    let mut seed = Seed { now, size, n: 0, noise: 7 };
    store.record(&seed.known(&causes)).await?;
    for (place, version) in VERSIONS.iter().enumerate() {
        store.record(&seed.version(place, version, &causes)).await?;
    }
    store.record(&seed.rest()).await?;
    let captured = seed.n + 41;
    store.record(&account(now, captured, seed.n)).await?;
    let verdicts: Vec<(i64, bool, Option<usize>)> =
        (0..causes.len()).map(|cause| (cause_key(cause), false, Some(cause))).collect();
    let rows: Vec<ClusterRow> =
        causes.iter().enumerate().map(|(at, cause)| row(at, cause, now)).collect();
    store.publish_model(&model(now), &[], &verdicts, &rows).await?;
    Ok(captured)
}

struct Seed {
    now: Micros,
    size: u64,
    n: u64,
    noise: u64,
}

impl Seed {
    fn known(&self, causes: &[Cause]) -> Record {
        let endpoints = ENDPOINTS.iter().enumerate().map(|(place, endpoint)| EndpointRow {
            key: endpoint_key(place),
            method: endpoint.0.into(),
            template: endpoint.1.into(),
            slice: endpoint.2.map(Into::into),
            merged_into: None,
            first_seen: self.now - 5 * 86_400_000_000,
        });
        let signature = |key, endpoint, matches| SignatureRow {
            key,
            endpoint: endpoint_key(endpoint),
            places: "[]".into(),
            matches,
        };
        let equal = (0..ENDPOINTS.len()).map(|place| signature(equal_key(place), place, true));
        let wrong = causes
            .iter()
            .enumerate()
            .map(|(at, cause)| signature(cause_key(at), cause.endpoint, false));
        Record {
            endpoints: endpoints.collect(),
            signatures: equal.chain(wrong).collect(),
            ..Record::default()
        }
    }

    fn version(&mut self, place: usize, version: &str, causes: &[Cause]) -> Record {
        let mut items = Vec::new();
        let minutes_ago = (VERSIONS.len() - 1 - place) as i64 * 1_200 + 3;
        for (endpoint, (.., pairs, primary, candidate)) in ENDPOINTS.iter().enumerate() {
            let pairs = pairs * self.size;
            let mut wrong: Vec<(usize, u64)> = Vec::new();
            for (at, cause) in
                causes.iter().enumerate().filter(|(_, cause)| cause.endpoint == endpoint)
            {
                wrong.push((at, (pairs * cause.permille[place]).div_ceil(1000)));
            }
            for pair in 0..pairs {
                let cause = take(&mut wrong);
                let noise = self.noise();
                let latency = |ms: f64| (ms * 1000.0 * (0.6 + noise * noise * 2.2)) as u64;
                let outcome = cause.map_or(Outcome::Answered, |at| causes[at].outcome);
                let minute = self.now / 60_000_000 - minutes_ago - (pair % 60) as i64;
                let wants_sample = cause
                    .map_or(pair % 40 == 0, |at| wrong.iter().any(|one| one.0 == at && one.1 < 6));
                let sample =
                    wants_sample.then(|| self.sample(endpoint, cause, minute, pair, causes));
                let compared = Compared {
                    endpoint: endpoint_key(endpoint),
                    version: version.into(),
                    minute,
                    outcome,
                    signature: cause.map_or(equal_key(endpoint), cause_key),
                    trial: self.n as i64,
                    baseline: None,
                    earlier: None,
                    primary_us: latency(*primary),
                    candidate_us: (outcome != Outcome::NoAnswer).then(|| latency(*candidate)),
                    model: 0,
                    stratum: Stratum { status: 200, branches: vec![] },
                    sample,
                    row: None,
                    watched: Vec::new(),
                    checked: None,
                };
                items.push(self.settled(Fate::Compared(Box::new(compared))));
            }
        }
        Record { items, ..Record::default() }
    }

    /// What is settled without a verdict.
    fn rest(&mut self) -> Record {
        let mut items = Vec::new();
        for at in 0..18 * self.size {
            let reason = if at % 6 == 0 { SkipReason::NotModified } else { SkipReason::Stale };
            items.push(self.settled(Fate::Skipped { version: NEWEST.into(), reason }));
        }
        let fate = Fate::Parked {
            exchange: Some(ExchangeId::fresh()),
            reason: ParkReason::BegunThreeTimes,
            detail: "replaying it began three times and never ended".into(),
            sealed: vec![1],
            at: self.now - 3_600_000_000,
        };
        items.push(self.settled(fate));
        Record { items, ..Record::default() }
    }

    fn settled(&mut self, fate: Fate) -> RecordItem {
        let number = Number { epoch: Epoch(9), partition: 0, n: self.n };
        self.n += 1;
        RecordItem { number, fate }
    }

    /// 0 to 1, the same at every run.
    fn noise(&mut self) -> f64 {
        self.noise = self
            .noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.noise >> 40) as f64 / f64::from(1u32 << 24)
    }

    fn sample(
        &self,
        endpoint: usize,
        cause: Option<usize>,
        minute: i64,
        pair: u64,
        causes: &[Cause],
    ) -> Sample {
        let id = ExchangeId::fresh();
        let at = minute * 60_000_000 + (pair as i64 * 7_411_000) % 60_000_000;
        let kind = cause.map(|at| &causes[at]);
        Sample {
            exchange: id,
            captured_at: at,
            slot: SampleSlot((pair % 25) as u16),
            view: view(id, at, endpoint, cause, kind.map(|cause| cause.outcome), pair),
            original: vec![0],
            features: None,
        }
    }
}

/// The next pair's cause, where one is left; rare ones first.
fn take(wrong: &mut [(usize, u64)]) -> Option<usize> {
    let (at, left) = wrong.iter_mut().find(|(_, left)| *left > 0)?;
    *left -= 1;
    Some(*at)
}

fn account(now: Micros, captured: u64, settled: u64) -> Record {
    let not_copied: BTreeMap<NotCopiedReason, u64> = [
        (NotCopiedReason::Write, captured / 7),
        (NotCopiedReason::Upgraded, captured / 90),
        (NotCopiedReason::RequestOverCap, captured / 2_000 + 1),
    ]
    .into();
    let dropped: BTreeMap<DropReason, u64> =
        [(DropReason::HandoverFull, captured / 5_000 + 1)].into();
    let sampled_out = captured;
    let unhanded = sampled_out + not_copied.values().sum::<u64>() + dropped.values().sum::<u64>();
    let snapshot = TapSnapshot {
        epoch: Epoch(9),
        serial: 1,
        at: now - 1_000_000,
        partition: PartitionCount {
            partition: 0,
            received: captured,
            captured,
            dropped: BTreeMap::new(),
            next: captured,
        },
        totals: TapTotals {
            unhanded,
            sampled_out,
            not_copied,
            dropped,
            closed: false,
            paused: false,
        },
    };
    let mark = Mark { epoch: Epoch(9), partition: 0, below: settled };
    Record { snapshots: vec![snapshot], marks: vec![mark], ..Record::default() }
}

fn row(at: usize, cause: &Cause, now: Micros) -> ClusterRow {
    let sentence = cause.doc.sentence();
    ClusterRow {
        id: 0,
        fingerprint: format!("seed-{at}"),
        endpoint: endpoint_key(cause.endpoint),
        state: cause.state,
        owner: None,
        note: (cause.state == ClusterState::Accepted)
            .then(|| "Casing is cosmetic, agreed with the front end.".to_owned()),
        first_seen: now - (2 + at as i64) * 7_200_000_000,
        words: sentence.to_lowercase(),
        doc: serde_json::to_string(&cause.doc).expect("a document is JSON"),
    }
}

fn model(now: Micros) -> ModelRow {
    let volatile = |endpoint: usize, path: &str, class: &str, seen| VolatilePlace {
        endpoint: EndpointId(endpoint_key(endpoint)),
        place: Where::Body,
        path: path.into(),
        covers: Covers::Value,
        families: Vec::new(),
        evidence: Evidence::Class { class: class.into(), differed: seen, compared: seen },
    };
    let model = Model {
        number: 4,
        volatile: vec![
            volatile(2, "/decision_id", "uuid", 8_622),
            volatile(2, "/trace", "token", 8_622),
            volatile(5, "/offers/*/id", "uuid", 2_418),
            VolatilePlace {
                evidence: Evidence::Secondary { differed: 998, asked: 1_000 },
                ..volatile(7, "/seen_at", "instant_near", 0)
            },
        ],
        ..Model::default()
    };
    ModelRow { number: 4, at: now, doc: serde_json::to_string(&model).expect("a model is JSON") }
}

fn view(
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
