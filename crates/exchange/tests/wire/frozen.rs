//! Messages as version 1 wrote them, kept as files: they must read for ever, as what they were.
//! A file here is never written again; a new layout adds files of its own version.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use exchange::{envelope, seal::Keyring, *};

const KEY: &str = "5ea1ed0000000000000000000000000000000000000000000000000000000001";

#[test]
fn version_1_exchanges_still_read() {
    let message = frozen("v1-exchanges.bin");
    assert_eq!(envelope::open_exchanges(&keys(), &message).unwrap(), exchange_batch());
}

#[test]
fn version_1_pairs_still_read() {
    let message = frozen("v1-pairs.bin");
    assert_eq!(envelope::open_pairs(&keys(), &message).unwrap(), pair_batch());
}

/// Run by hand once for a new version: `cargo test -p exchange -- --ignored write_frozen`.
#[test]
#[ignore = "writes the frozen messages of a new version"]
fn write_frozen() {
    for (name, message) in [
        ("v1-exchanges.bin", envelope::seal_exchanges(&keys(), &exchange_batch()).unwrap()),
        ("v1-pairs.bin", envelope::seal_pairs(&keys(), &pair_batch()).unwrap()),
    ] {
        let path = fixture(name);
        if path.exists() {
            continue;
        }
        std::fs::write(path, message).unwrap();
    }
}

fn frozen(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn keys() -> Keyring {
    Keyring::parse(KEY).unwrap()
}

pub(crate) fn exchange_batch() -> ExchangeBatch {
    ExchangeBatch {
        epoch: Epoch(81),
        partition: 3,
        exchanges: vec![exchange(12), exchange(14)],
        voids: vec![Voids { epoch: Epoch(81), partition: 3, from: 13, to: 13 }],
        snapshot: snapshot(),
    }
}

/// Every reason of the day is in it once: their places on the wire are frozen with it.
pub(crate) fn pair_batch() -> PairBatch {
    let mut settlements = vec![replayed(Outcome::Answered(response(
        201,
        Body::Digest { length: 5_000_000, blake3: [9; 32] },
    )))];
    settlements.extend(NoAnswerReason::ALL[..6].iter().map(|&reason| {
        replayed(Outcome::NoAnswer { reason, detail: format!("detail of {reason}") })
    }));
    settlements.extend(SkipReason::ALL[..9].iter().map(|&reason| Settlement::Skipped {
        exchange: id(),
        reason,
        candidate_version: "v2".to_owned(),
    }));
    settlements.extend(ParkReason::ALL[..4].iter().map(|&reason| Settlement::Parked {
        exchange: Some(id()),
        reason,
        detail: "third try".to_owned(),
        sealed: vec![0, 255, 1],
    }));
    let settled = (12..)
        .zip(settlements)
        .map(|(n, settlement)| Settled { number: number(n), settlement })
        .collect();
    PairBatch {
        partition: 3,
        settled,
        voids: vec![Voids { epoch: Epoch(81), partition: 3, from: 13, to: 13 }],
        snapshots: vec![snapshot()],
        marks: vec![Mark { epoch: Epoch(81), partition: 3, below: 12 }],
        unreadable: vec![Unreadable {
            at: 1_700_000_000_300_000,
            detail: "another magic".to_owned(),
            sealed: vec![1, 0, 255],
        }],
        rechecked: Vec::new(),
    }
}

fn replayed(outcome: Outcome) -> Settlement {
    let candidate = Answer { sent_at: 1_700_000_000_250_000, duration_us: 900, outcome };
    let secondary = Some(Answer {
        outcome: Outcome::Answered(response(200, Body::Whole("[]".into()))),
        ..candidate.clone()
    });
    Settlement::Replayed(Box::new(Pair {
        exchange: exchange(12),
        candidate,
        secondary,
        candidate_version: "v2".to_owned(),
        reference: None,
        mapped: Mapped::default(),
    }))
}

fn exchange(n: u64) -> Exchange {
    let mut headers = Headers::default();
    headers.push("Host", "loans.example");
    headers.push("x-raw", vec![0xfe, 0x00]);
    Exchange {
        id: id(),
        number: number(n),
        session: SessionKey([5; 16]),
        started_at: 1_700_000_000_000_000,
        duration_us: 12_500,
        first_byte_us: 11_000,
        write: true,
        gap: false,
        slice: Some("queues".to_owned()),
        request: Request {
            method: "POST".to_owned(),
            target: "/applications?dry=1".to_owned(),
            headers,
            body: r#"{"amount":50000.10}"#.into(),
        },
        response: response(200, Body::Whole(r#"{"id":"A-7","reasons":["R1","R2"]}"#.into())),
    }
}

fn response(status: u16, body: Body) -> Response {
    let mut headers = Headers::default();
    headers.push("content-type", "application/json");
    Response { status, headers, body }
}

fn snapshot() -> TapSnapshot {
    let dropped: BTreeMap<DropReason, u64> =
        DropReason::ALL[..6].iter().copied().zip(1..).collect();
    TapSnapshot {
        epoch: Epoch(81),
        serial: 44,
        at: 1_700_000_000_100_000,
        partition: PartitionCount {
            partition: 3,
            received: 40,
            captured: 14,
            dropped: dropped.clone(),
            next: 15,
        },
        totals: TapTotals {
            unhanded: 400,
            sampled_out: 30,
            not_copied: NotCopiedReason::ALL[..10].iter().copied().zip(1..).collect(),
            dropped,
            closed: false,
            paused: true,
        },
    }
}

fn number(n: u64) -> Number {
    Number { epoch: Epoch(81), partition: 3, n }
}

fn id() -> ExchangeId {
    "018bcfe5-6800-7000-8000-000000000001".parse().unwrap()
}
