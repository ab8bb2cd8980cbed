//! How fast batches are recorded. Not a check: run with `--ignored --nocapture`, in release.

use std::time::Instant;

use store::{Record, SignatureRow};

use crate::{
    batch::{EQUAL, LOANS, compared, compared_with, known, mark, sample, snapshot},
    place::{Place, on_each},
};

const BATCH: u64 = 64;

async fn rate(place: &Place, what: &str, batches: impl Iterator<Item = Record>) {
    let batches: Vec<Record> = batches.collect();
    let pairs: usize = batches.iter().map(|batch| batch.items.len()).sum();
    let begun = Instant::now();
    for batch in &batches {
        place.store.record(batch).await.unwrap();
    }
    let rate = pairs as f64 / begun.elapsed().as_secs_f64();
    let dialect = if place.is_sqlite() { "SQLite" } else { "Postgres" };
    eprintln!("{dialect}: {rate:.0} {what} pairs/s");
}

fn frame(batch: u64) -> Record {
    Record {
        snapshots: vec![snapshot(batch + 1, (batch + 1) * BATCH)],
        marks: vec![mark(batch * BATCH)],
        ..Record::default()
    }
}

#[tokio::test]
#[ignore = "measures"]
async fn batches_of_64() {
    on_each(async |place| {
        place.store.record(&known()).await.unwrap();
        let equal = (0..300).map(|batch| {
            let numbers = batch * BATCH..(batch + 1) * BATCH;
            Record { items: numbers.map(|n| compared(n, EQUAL)).collect(), ..frame(batch) }
        });
        rate(place, "equal", equal).await;
        let different = (300..400).map(|batch| {
            let mut record = frame(batch);
            for n in batch * BATCH..(batch + 1) * BATCH {
                let key = 1_000_000 + n as i64;
                let places = "x".repeat(300);
                record.signatures.push(SignatureRow {
                    key,
                    endpoint: LOANS,
                    places,
                    matches: false,
                });
                record.items.push(compared_with(n, key, |compared| {
                    let mut kept = sample(n as i64, 0);
                    kept.original = vec![n as u8; 2_000];
                    compared.sample = Some(kept);
                }));
            }
            record
        });
        rate(place, "all-different", different).await;
        let begun = Instant::now();
        place.store.funnel().await.unwrap();
        let funnel = begun.elapsed();
        let begun = Instant::now();
        place.store.outcome_counts(None).await.unwrap();
        eprintln!("funnel {funnel:?}, outcomes {:?}", begun.elapsed());
    })
    .await;
}
