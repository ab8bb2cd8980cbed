//! Fills a store through its own API: 200 endpoints, 500 clusters, 12 versions of the candidate,
//! seven days of traffic. The same at every run, but for the time it ends at.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::pair;
use anyhow::bail;
use cluster::{
    Covers, EndpointId, Evidence, Model, VolatilePlace, Where,
    doc::{
        ClusterDoc, DocCondition, DocCounts, DocDifference, DocExample, DocSeverity, DocTerm,
        Level, TitlePart,
    },
};
use exchange::{Epoch, ExchangeId, Mark, Micros, Number, PartitionCount, TapSnapshot, TapTotals};
use serde_json::json;
use store::{
    ClusterRow, ClusterState, Compared, EndpointRow, Fate, ModelRow, Outcome, Record, RecordItem,
    Sample, SampleSlot, SignatureRow, Store, Stratum,
    view::{AnswerView, BodyView, DifferenceView, RequestView, SampleView},
};

pub(crate) const ENDPOINTS: u64 = 200;
const CLUSTERS: u64 = 500;
pub(crate) const VERSIONS: u64 = 12;
const PARTITIONS: u64 = 8;
const DAYS: i64 = 7;
const BATCH: u64 = 4_096;
/// Samples of one signature and version, as the comparator keeps them.
const SAMPLES: u16 = 25;
/// Minutes that stay minutes, as the analyst keeps them.
const FINE_MINUTES: i64 = 6 * 60;

pub(crate) async fn fill(store: &Store, exchanges: u64) -> anyhow::Result<()> {
    if !store.endpoints().await?.is_empty() {
        bail!("the store is not empty");
    }
    let began = Instant::now();
    let now = jiff::Timestamp::now().as_microsecond();
    let mut seed = Seed { now, exchanges, noise: 7, kept: HashMap::new() };
    store.record(&seed.known()).await?;
    let mut told = Instant::now();
    for first in (0..exchanges).step_by(BATCH as usize) {
        let items = (first..(first + BATCH).min(exchanges)).map(|n| seed.item(n)).collect();
        store.record(&Record { items, ..Record::default() }).await?;
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            eprintln!("{first} of {exchanges} exchanges after {:.0?}", began.elapsed());
        }
    }
    store.record(&seed.account()).await?;
    store.fold_minutes(now / 60_000_000 - FINE_MINUTES).await?;
    let clusters: Vec<ClusterRow> = (0..CLUSTERS).map(|at| cluster_row(at, now)).collect();
    let verdicts: Vec<(i64, bool, Option<usize>)> = (0..CLUSTERS)
        .flat_map(|at| [0, 1].map(|form| (wrong_key(at, form), false, Some(at as usize))))
        .collect();
    store.publish_model(&model(now), &[], &verdicts, &clusters).await?;
    for at in (0..CLUSTERS).step_by(11) {
        store.set_cluster_state(1 + at as i64, ClusterState::Fixed, Some("anna"), None).await?;
    }
    eprintln!("{exchanges} exchanges in {:.1?}", began.elapsed());
    Ok(())
}

struct Seed {
    now: Micros,
    exchanges: u64,
    noise: u64,
    /// Samples so far, by signature and version.
    kept: HashMap<(i64, u64), u16>,
}

pub(crate) fn endpoint_key(at: u64) -> i64 {
    EndpointId::of(method(at), &template(at)).0
}

fn method(at: u64) -> &'static str {
    if at % 9 == 4 { "POST" } else { "GET" }
}

fn template(at: u64) -> String {
    const NOUNS: [&str; 10] = [
        "loans",
        "offers",
        "customers",
        "queues",
        "decisions",
        "accounts",
        "payments",
        "contracts",
        "products",
        "reports",
    ];
    let noun = NOUNS[(at % 10) as usize];
    match at / 10 % 4 {
        0 => format!("/v{}/{noun}", at / 40),
        1 => format!("/v{}/{noun}/{{id}}", at / 40),
        2 => format!("/v{}/{noun}/{{id}}/history", at / 40),
        _ => format!("/v{}/{noun}/{{id}}/items/{{item}}", at / 40),
    }
}

pub(crate) fn equal_key(endpoint: u64) -> i64 {
    1_000_000 + endpoint as i64
}

fn wrong_key(cluster: u64, form: u64) -> i64 {
    2_000_000 + (cluster * 2 + form) as i64
}

pub(crate) fn version(at: u64) -> String {
    format!("2026.11.{:02}", at + 1)
}

impl Seed {
    fn known(&self) -> Record {
        let endpoints = (0..ENDPOINTS).map(|at| EndpointRow {
            key: endpoint_key(at),
            method: method(at).into(),
            template: template(at),
            slice: Some(format!("slice-{}", at % 10)),
            merged_into: None,
            first_seen: self.now - DAYS * 86_400_000_000,
        });
        let signature = |key, endpoint, matches| SignatureRow {
            key,
            endpoint: endpoint_key(endpoint),
            places: "[]".into(),
            matches,
        };
        let equal = (0..ENDPOINTS).map(|at| signature(equal_key(at), at, true));
        let wrong = (0..CLUSTERS).flat_map(|at| {
            [0, 1].map(|form| signature(wrong_key(at, form), at % ENDPOINTS, false))
        });
        Record {
            endpoints: endpoints.collect(),
            signatures: equal.chain(wrong).collect(),
            ..Record::default()
        }
    }

    /// Some endpoints are asked much more than others; 6 % of the answers differ.
    fn item(&mut self, n: u64) -> RecordItem {
        let popular = self.noise() * self.noise();
        let endpoint = ((popular * ENDPOINTS as f64) as u64).min(ENDPOINTS - 1);
        let version_at = n * VERSIONS / self.exchanges;
        let is_large = n + 1 == self.exchanges;
        let cluster =
            (self.noise() < 0.06 || is_large).then(|| self.cluster_of(endpoint, version_at));
        let signature = match cluster {
            Some(cluster) => wrong_key(cluster, u64::from(self.noise() < 0.3)),
            None => equal_key(endpoint),
        };
        let ago = (self.exchanges - n) as f64 / self.exchanges as f64;
        let at = self.now - (ago * DAYS as f64 * 86_400e6) as Micros;
        let mut latency = |ms: f64| {
            let noise = self.noise();
            (ms * 1_000.0 * (0.5 + noise * noise * 3.0)) as u64
        };
        let (primary_us, candidate_us) =
            (latency(20.0 + endpoint as f64), latency(15.0 + endpoint as f64));
        let silent = cluster.is_some_and(|cluster| cluster % 50 == 7);
        let mut sample = self.sample(n, endpoint, version_at, signature, cluster, at);
        if is_large {
            let any = view(ExchangeId::fresh(), n, endpoint, cluster, at);
            sample = pair::sample(at, SAMPLES, any);
        }
        let compared = Compared {
            endpoint: endpoint_key(endpoint),
            version: version(version_at),
            minute: at / 60_000_000,
            outcome: if silent { Outcome::NoAnswer } else { Outcome::Answered },
            signature,
            trial: (self.noise() * 4_000.0) as i64,
            baseline: None,
            earlier: None,
            primary_us,
            candidate_us: (!silent).then_some(candidate_us),
            model: 0,
            stratum: Stratum {
                status: if n.is_multiple_of(40) { 404 } else { 200 },
                branches: vec![("/state".into(), format!("state-{}", n % 5))],
            },
            sample,
            row: None,
            watched: Vec::new(),
            checked: None,
        };
        let number =
            Number { epoch: Epoch(9), partition: (n % PARTITIONS) as u16, n: n / PARTITIONS };
        RecordItem { number, fate: Fate::Compared(Box::new(compared)) }
    }

    /// Clusters come and go with versions.
    fn cluster_of(&mut self, endpoint: u64, version: u64) -> u64 {
        let own = (CLUSTERS - endpoint).div_ceil(ENDPOINTS);
        let pick = (self.noise() * own as f64) as u64 + version / 4;
        endpoint + pick % own * ENDPOINTS
    }

    fn sample(
        &mut self,
        n: u64,
        endpoint: u64,
        version: u64,
        signature: i64,
        cluster: Option<u64>,
        at: Micros,
    ) -> Option<Sample> {
        let kept = self.kept.entry((signature, version)).or_default();
        let slot = SampleSlot(*kept);
        if *kept >= SAMPLES {
            return None;
        }
        *kept += 1;
        let exchange = ExchangeId::fresh();
        let view = view(exchange, n, endpoint, cluster, at);
        let original = vec![0; 512];
        Some(Sample { exchange, captured_at: at, slot, view, original, features: None })
    }

    fn account(&self) -> Record {
        let of = |partition: u64| (self.exchanges + PARTITIONS - 1 - partition) / PARTITIONS;
        let snapshots = (0..PARTITIONS).map(|partition| TapSnapshot {
            epoch: Epoch(9),
            serial: 1 + partition,
            at: self.now,
            partition: PartitionCount {
                partition: partition as u16,
                received: of(partition),
                captured: of(partition),
                next: of(partition),
                ..PartitionCount::default()
            },
            totals: TapTotals::default(),
        });
        let marks = (0..PARTITIONS).map(|partition| Mark {
            epoch: Epoch(9),
            partition: partition as u16,
            below: of(partition),
        });
        Record { snapshots: snapshots.collect(), marks: marks.collect(), ..Record::default() }
    }

    /// 0 to 1, the same at every run.
    fn noise(&mut self) -> f64 {
        self.noise = self
            .noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.noise >> 40) as f64 / f64::from(1u32 << 24)
    }
}

fn view(id: ExchangeId, n: u64, endpoint: u64, cluster: Option<u64>, at: Micros) -> SampleView {
    let body = |value: u64| {
        let fields = (0..24).map(|at| (format!("field_{at}"), json!(format!("value {at} of {n}"))));
        let mut body: serde_json::Map<_, _> = fields.collect();
        body.insert("amount".into(), json!(value));
        BodyView::Text { text: serde_json::Value::Object(body).to_string() }
    };
    let answer = |value, duration_us| AnswerView {
        status: Some(200),
        no_answer: None,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body(value),
        duration_us,
    };
    let difference = DifferenceView {
        place: "body".into(),
        path: "/amount".into(),
        general: "/amount".into(),
        kind: "value_changed".into(),
        left_path: None,
        primary: Some(n.to_string()),
        candidate: Some((n + 1).to_string()),
        masked: None,
    };
    let path = template(endpoint).replace("{id}", &n.to_string()).replace("{item}", "7");
    SampleView {
        exchange_id: id.to_string(),
        captured_at: jiff::Timestamp::from_microsecond(at).unwrap_or_default().to_string(),
        session: format!("{:08x}", n % 5_000),
        write: false,
        request: RequestView {
            method: method(endpoint).into(),
            path,
            query: Some(format!("country=DE&page={}", n % 7)),
            headers: vec![("accept".into(), "application/json".into())],
            body: BodyView::Empty,
        },
        primary: answer(n, 40_000),
        candidate: answer(n + u64::from(cluster.is_some()), 30_000),
        secondary: None,
        differences: cluster.map(|_| difference).into_iter().collect(),
        notes: Vec::new(),
    }
}

fn cluster_row(at: u64, now: Micros) -> ClusterRow {
    let field = format!("amount_{}", at % 70);
    let text = |text: &str| TitlePart::Words(text.into());
    let title = vec![
        TitlePart::Field(field.clone()),
        text("is"),
        TitlePart::Candidate(format!("{}", at * 3)),
        text("instead of"),
        TitlePart::Primary(format!("{}", at * 2)),
        text("when"),
        TitlePart::Condition(format!("amount > {}", at * 100)),
    ];
    let condition = DocCondition {
        text: format!("response.body.amount > {}", at * 100),
        terms: vec![DocTerm {
            field: "response.body.amount".into(),
            op: ">".into(),
            value: json!(at * 100),
        }],
        precision: 0.99,
        recall: 1.0,
        support: 120,
        status: "confirmed".into(),
        counts: DocCounts::default(),
    };
    let differences = (0..1 + at % 4).map(|place| DocDifference {
        place: "body".into(),
        path: format!("/{field}/{place}"),
        kind: "value_changed".into(),
        cause: None,
        example: DocExample { primary: json!(at * 2), candidate: json!(at * 3) },
    });
    let severity = DocSeverity {
        level: [Level::Low, Level::Medium, Level::High, Level::Critical][(at % 4) as usize],
        reason: "an amount is another".into(),
    };
    let doc = ClusterDoc {
        title,
        cause_kind: if at.is_multiple_of(3) { "unexplained" } else { "rule" }.into(),
        severity,
        differences: differences.collect(),
        conditions: if at.is_multiple_of(3) { Vec::new() } else { vec![condition] },
        entities: None,
        follows: None,
        changed: None,
    };
    ClusterRow {
        id: 0,
        fingerprint: format!("large-{at:04}"),
        endpoint: endpoint_key(at % ENDPOINTS),
        state: ClusterState::Open,
        owner: None,
        note: None,
        first_seen: now - DAYS * 86_400_000_000 + at as i64 * 60_000_000,
        words: doc.sentence(),
        doc: serde_json::to_string(&doc).unwrap_or_default(),
    }
}

fn model(now: Micros) -> ModelRow {
    let volatile = (0..ENDPOINTS * 3).map(|at| VolatilePlace {
        endpoint: EndpointId(endpoint_key(at / 3)),
        place: Where::Body,
        path: format!("/volatile_{}", at % 3),
        covers: Covers::Value,
        families: Vec::new(),
        evidence: Evidence::Class { class: "uuid".into(), differed: 900, compared: 900 },
    });
    let model = Model { number: 4, volatile: volatile.collect(), ..Model::default() };
    ModelRow { number: 4, at: now, doc: serde_json::to_string(&model).unwrap_or_default() }
}
