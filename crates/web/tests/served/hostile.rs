//! Text of strangers in every place that pages show: none of it is ever markup.

use cluster::doc::{ClusterDoc, DocDifference, DocExample, DocSeverity, Level, TitlePart};
use exchange::{Epoch, ExchangeId, Number, PartitionCount, TapSnapshot, TapTotals};
use serde_json::json;
use store::{
    ClusterRow, ClusterState, Compared, EndpointRow, Fate, ModelRow, Outcome, Record, RecordItem,
    Sample, SampleSlot, SignatureRow,
    view::{AnswerView, BodyView, DifferenceView, RequestView, SampleView},
};

use crate::stage::Stage;

/// Tries to leave text, attributes, quotes, URLs, comments, style and script.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>--></textarea></svg>\
    <svg/onload=alert(3)>{{7*7}}`javascript:alert(4)`\u{202e}&lt;";

fn hostile_view(id: ExchangeId, json: bool) -> SampleView {
    let text = if json {
        json!({HOSTILE: HOSTILE, "list": [HOSTILE]}).to_string()
    } else {
        HOSTILE.to_owned()
    };
    let answer = |text: String| AnswerView {
        status: Some(200),
        no_answer: None,
        headers: vec![(HOSTILE.into(), HOSTILE.into())],
        body: BodyView::Text { text },
        duration_us: 1,
    };
    let difference = |place: &str| DifferenceView {
        place: place.into(),
        path: format!("/{HOSTILE}"),
        general: format!("/{HOSTILE}"),
        kind: "value_changed".into(),
        left_path: None,
        primary: Some(json!(HOSTILE).to_string()),
        candidate: Some(HOSTILE.into()),
        masked: None,
    };
    SampleView {
        exchange_id: id.to_string(),
        captured_at: HOSTILE.into(),
        session: HOSTILE.into(),
        write: false,
        request: RequestView {
            method: HOSTILE.into(),
            path: format!("/{HOSTILE}"),
            query: Some(HOSTILE.into()),
            headers: vec![(HOSTILE.into(), HOSTILE.into())],
            body: BodyView::Text { text: HOSTILE.into() },
        },
        primary: answer(text.clone()),
        candidate: answer(text.replace("list", "LIST")),
        secondary: None,
        differences: vec![difference("body"), difference("header")],
        notes: vec![HOSTILE.into()],
    }
}

/// A store in which everything a stranger can write is hostile; the exchanges that are kept.
async fn fill(stage: &Stage) -> Vec<ExchangeId> {
    let now = jiff::Timestamp::now().as_microsecond();
    let ids = [ExchangeId::fresh(), ExchangeId::fresh()];
    let items = ids.iter().enumerate().map(|(n, id)| {
        let sample = Sample {
            exchange: *id,
            captured_at: now,
            slot: SampleSlot(n as u16),
            view: hostile_view(*id, n == 0),
            original: vec![],
            features: None,
        };
        let compared = Compared {
            endpoint: 1,
            version: HOSTILE.into(),
            minute: now / 60_000_000,
            outcome: Outcome::Answered,
            signature: 2,
            trial: n as i64,
            baseline: None,
            earlier: None,
            primary_us: 1,
            candidate_us: Some(1),
            model: 0,
            stratum: store::Stratum::default(),
            sample: Some(sample),
            row: None,
            watched: Vec::new(),
            checked: None,
        };
        let number = Number { epoch: Epoch(1), partition: 0, n: n as u64 };
        RecordItem { number, fate: Fate::Compared(Box::new(compared)) }
    });
    let record = Record {
        endpoints: vec![EndpointRow {
            key: 1,
            method: HOSTILE.into(),
            template: format!("/{HOSTILE}"),
            slice: Some(HOSTILE.into()),
            merged_into: None,
            first_seen: now,
        }],
        signatures: vec![SignatureRow { key: 2, endpoint: 1, places: "[]".into(), matches: false }],
        items: items.collect(),
        snapshots: vec![TapSnapshot {
            epoch: Epoch(1),
            serial: 1,
            at: now,
            partition: PartitionCount {
                received: 2,
                captured: 2,
                next: 2,
                ..PartitionCount::default()
            },
            totals: TapTotals::default(),
        }],
        ..Record::default()
    };
    stage.store.record(&record).await.unwrap();
    let parts = [
        TitlePart::Words,
        TitlePart::Field,
        TitlePart::Primary,
        TitlePart::Candidate,
        TitlePart::Amount,
        TitlePart::Condition,
    ];
    let doc = ClusterDoc {
        title: parts.map(|part| part(HOSTILE.into())).to_vec(),
        cause_kind: HOSTILE.into(),
        severity: DocSeverity { level: Level::Critical, reason: HOSTILE.into() },
        differences: vec![DocDifference {
            place: "body".into(),
            path: HOSTILE.into(),
            kind: HOSTILE.into(),
            cause: None,
            example: DocExample { primary: json!(HOSTILE), candidate: json!(HOSTILE) },
        }],
        conditions: Vec::new(),
        entities: Some(vec![HOSTILE.into()]),
        follows: Some(HOSTILE.into()),
        changed: None,
    };
    let row = ClusterRow {
        id: 0,
        fingerprint: "x".into(),
        endpoint: 1,
        state: ClusterState::Open,
        owner: Some(HOSTILE.into()),
        note: Some(HOSTILE.into()),
        first_seen: now,
        doc: serde_json::to_string(&doc).unwrap(),
        words: HOSTILE.into(),
    };
    let model = ModelRow { number: 1, at: now, doc: r#"{"number":1}"#.into() };
    stage.store.publish_model(&model, &[], &[(2, false, Some(0))], &[row]).await.unwrap();
    stage.store.announce_version("candidate", HOSTILE).await.unwrap();
    ids.to_vec()
}

/// Nothing of the text stands in the page as markup or leaves its attribute.
fn harmless(path: &str, page: &str) {
    for word in ["<script>", "<img", "<svg/", "</textarea", "-->", "\"'>"] {
        assert!(!page.contains(word), "{path}: {word} is not escaped");
    }
    // Tags are those of templates: each begins with a name that templates use.
    const NAMES: [&str; 68] = [
        "!doctype", "a", "b", "body", "br", "button", "circle", "code", "dd", "defs", "details",
        "div", "dl", "dt", "footer", "form", "g", "h1", "h2", "h3", "head", "header", "html",
        "input", "kbd", "li", "line", "link", "main", "mark", "meta", "nav", "p", "path",
        "polyline", "pre", "rect", "script", "section", "span", "summary", "svg", "symbol",
        "table", "tbody", "td", "text", "th", "thead", "time", "title", "tr", "tspan", "ul", "use",
        "wbr", "small", "em", "i", "ol", "label", "strong", "dialog", "select", "option",
        "progress", "fieldset", "legend",
    ];
    for tag in page.split('<').skip(1) {
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '!')
            .collect();
        assert!(NAMES.contains(&name.as_str()), "{path}: <{name}");
        let attributes = tag.split('>').next().unwrap_or_default();
        for word in [" onerror", " onload", "javascript:alert"] {
            let shown = attributes.contains(word) && !attributes.contains('"');
            assert!(!shown, "{path}: {attributes}");
        }
    }
}

#[tokio::test]
async fn text_of_strangers_is_never_markup() {
    let stage = Stage::empty().await;
    let ids = fill(&stage).await;
    let mut paths: Vec<String> = [
        "/",
        "/?version=all",
        "/clusters",
        "/clusters/C-1",
        "/exchanges",
        "/volatile",
        "/gate",
        "/pipeline",
        "/exchanges?fate=skipped",
        "/clusters?spark=hours&at=C-1",
    ]
    .map(String::from)
    .to_vec();
    let text: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    for page in ["/", "/clusters", "/exchanges", "/volatile", "/rules", "/gate"] {
        for name in ["q", "version", "slice", "state", "sort", "theme", "flip", "verdict"] {
            paths.push(format!("{page}?{name}={text}"));
        }
    }
    for id in ids {
        for tab in ["", "headers", "request", "patch", "raw"] {
            paths.push(format!("/exchanges/{id}?tab={tab}"));
            paths.push(format!("/clusters/C-1?sample={id}&tab={tab}&view=unified"));
        }
    }
    paths.push(format!("/clusters/{text}"));
    paths.push(format!("/{text}"));
    let mut shown = 0;
    for path in paths {
        let answer = stage.get(&path).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
        if answer.kind.starts_with("text/html") {
            harmless(&path, &answer.text);
            shown += usize::from(answer.text.contains("&#60;script&#62;alert(1)"));
        }
    }
    assert!(shown > 20, "the text was shown on {shown} pages only");
    stage.end().await;
}
