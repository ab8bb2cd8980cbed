//! What is recorded, in few words.

use std::collections::BTreeMap;

use exchange::{
    Epoch, ExchangeId, Mark, Number, ParkReason, PartitionCount, SkipReason, TapSnapshot,
    TapTotals, Voids,
};
use store::{
    Compared, EndpointRow, Fate, Outcome, Record, RecordItem, Sample, SampleSlot, SignatureRow,
    view::{AnswerView, BodyView, RequestView, SampleView},
};

pub(crate) const EPOCH: Epoch = Epoch(77);
pub(crate) const LOANS: i64 = 10;
pub(crate) const CUSTOMERS: i64 = 20;
/// A signature of `LOANS` that matches.
pub(crate) const EQUAL: i64 = 100;
/// A signature of `LOANS` that does not.
pub(crate) const WRONG: i64 = 101;
/// A signature of `CUSTOMERS` that does not match.
pub(crate) const OTHER: i64 = 201;

pub(crate) fn number(n: u64) -> Number {
    Number { epoch: EPOCH, partition: 0, n }
}

/// Endpoints and signatures that tests speak of.
pub(crate) fn known() -> Record {
    let endpoint = |key, template: &str, slice: Option<&str>| EndpointRow {
        key,
        method: "GET".into(),
        template: template.into(),
        slice: slice.map(Into::into),
        merged_into: None,
        first_seen: 5,
    };
    let signature = |key, endpoint, matches| SignatureRow {
        key,
        endpoint,
        places: format!("[{key}]"),
        matches,
    };
    Record {
        endpoints: vec![
            endpoint(LOANS, "/loans/{id}", Some("lending")),
            endpoint(CUSTOMERS, "/customers/{id}", None),
        ],
        signatures: vec![
            signature(EQUAL, LOANS, true),
            signature(WRONG, LOANS, false),
            signature(OTHER, CUSTOMERS, false),
        ],
        ..Record::default()
    }
}

pub(crate) fn items(items: impl IntoIterator<Item = RecordItem>) -> Record {
    Record { items: items.into_iter().collect(), ..Record::default() }
}

/// A pair of version `v1` in minute 1000 whose trial is its number.
pub(crate) fn compared(n: u64, signature: i64) -> RecordItem {
    compared_with(n, signature, |_| {})
}

pub(crate) fn compared_with(
    n: u64,
    signature: i64,
    edit: impl FnOnce(&mut Compared),
) -> RecordItem {
    let mut compared = Compared {
        endpoint: if signature == OTHER { CUSTOMERS } else { LOANS },
        version: "v1".into(),
        minute: 1000,
        outcome: Outcome::Answered,
        signature,
        trial: n as i64,
        baseline: None,
        earlier: None,
        primary_us: 1_000,
        candidate_us: Some(2_000),
        model: 0,
        sample: None,
        row: None,
        watched: Vec::new(),
        checked: None,
    };
    edit(&mut compared);
    RecordItem { number: number(n), fate: Fate::Compared(Box::new(compared)) }
}

pub(crate) fn skipped(n: u64, reason: SkipReason) -> RecordItem {
    RecordItem { number: number(n), fate: Fate::Skipped { version: "v1".into(), reason } }
}

pub(crate) fn parked(n: u64, reason: ParkReason) -> RecordItem {
    let fate = Fate::Parked {
        exchange: None,
        reason,
        detail: "it did".into(),
        sealed: vec![1, 2, 3],
        at: 9,
    };
    RecordItem { number: number(n), fate }
}

/// A sample taken `at`, with the slot as its body.
pub(crate) fn sample(at: i64, slot: u16) -> Sample {
    let id = ExchangeId::fresh();
    Sample {
        exchange: id,
        captured_at: at,
        slot: SampleSlot(slot),
        view: view(id, &slot.to_string()),
        original: vec![slot as u8; 4],
        features: None,
    }
}

pub(crate) fn view(id: ExchangeId, body: &str) -> SampleView {
    let answer = |status| AnswerView {
        status: Some(status),
        no_answer: None,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: BodyView::Text { text: body.into() },
        duration_us: 7,
    };
    SampleView {
        exchange_id: id.to_string(),
        captured_at: "2026-01-01T00:00:00.000000Z".into(),
        session: "00000000".into(),
        write: false,
        request: RequestView {
            method: "GET".into(),
            path: "/loans/7".into(),
            query: None,
            headers: Vec::new(),
            body: BodyView::Empty,
        },
        primary: answer(200),
        candidate: answer(500),
        secondary: None,
        differences: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn void(from: u64, to: u64) -> Voids {
    Voids { epoch: EPOCH, partition: 0, from, to }
}

pub(crate) fn mark(below: u64) -> Mark {
    Mark { epoch: EPOCH, partition: 0, below }
}

/// An account without loss: `captured` of `captured` received, nothing else seen.
pub(crate) fn snapshot(serial: u64, captured: u64) -> TapSnapshot {
    TapSnapshot {
        epoch: EPOCH,
        serial,
        at: 1_000_000 * serial as i64,
        partition: PartitionCount {
            partition: 0,
            received: captured,
            captured,
            dropped: BTreeMap::new(),
            next: captured,
        },
        totals: TapTotals::default(),
    }
}
