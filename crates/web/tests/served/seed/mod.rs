//! A store as it looks after some days of a lending migration: nine endpoints, six versions of the
//! candidate, ten causes. Invented, and the sums agree from page to page.

mod causes;
mod views;

use std::collections::BTreeMap;

use cluster::{Covers, EndpointId, Evidence, Model, VolatilePlace, Where};
use exchange::{
    DropReason, Epoch, ExchangeId, Mark, Micros, NotCopiedReason, Number, ParkReason,
    PartitionCount, SkipReason, TapSnapshot, TapTotals,
};
use store::{
    ClusterRow, ClusterState, Compared, EndpointRow, Fate, ModelRow, Outcome, Record, RecordItem,
    Sample, SampleSlot, SignatureRow, Store, StoreError, Stratum,
};

use causes::{Cause, causes};
use views::view;

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
