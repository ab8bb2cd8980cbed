//! Recording: a batch's sums into the store, in one transaction.

use std::collections::BTreeMap;

use exchange::{ParkReason, Unreadable};

use crate::{
    Record, RecordItem, Recorded, Store, StoreError,
    evidence::count_trials,
    facts::keep_facts,
    gate::{add_ratios, add_strata, insert_primary_versions},
    rechecks::keep_results,
    settled,
    sql::{Rows, Tx, column, sql},
    tally::Tally,
    view::{line, pack},
};

/// Postgres may end a transaction because of another one; it is run again so often.
const ATTEMPTS: u32 = 4;
/// Parked rows, the newest, whose sealed bodies are kept; of older ones only what was said.
const PARKED_BODIES: i64 = 10_000;

impl Store {
    /// Records one batch of settled exchanges in one transaction.
    ///
    /// A record without items is fine: endpoints, voids, snapshots and marks come alone too.
    pub async fn record(&self, record: &Record) -> Result<Recorded, StoreError> {
        let mut attempt = 1;
        loop {
            match self.record_once(record).await {
                Err(error) if error.is_collision() && attempt < ATTEMPTS => {
                    tracing::debug!(attempt, error = %error, "record collided, trying again");
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn record_once(&self, record: &Record) -> Result<Recorded, StoreError> {
        let mut tx = self.backend.write().await?;
        let fresh = settled::claim(&mut tx, record).await?;
        let counted =
            || record.items.iter().zip(&fresh).filter(|(_, fresh)| **fresh).map(|(item, _)| item);
        let mut tally = Tally::of(counted());
        insert_endpoints(&mut tx, record).await?;
        insert_signatures(&mut tx, record).await?;
        forget_begun(&mut tx, counted()).await?;
        // Rows that comparators of other partitions write too come last, always in this order.
        add_fates(&mut tx, &tally).await?;
        insert_versions(&mut tx, &tally).await?;
        insert_primary_versions(&mut tx, record).await?;
        keep_samples(&mut tx, &tally).await?;
        keep_rows(&mut tx, &tally).await?;
        keep_facts(&mut tx, record).await?;
        count_conditions(&mut tx, &tally).await?;
        park(&mut tx, &tally).await?;
        park_messages(&mut tx, record).await?;
        drop_parked_bodies(&mut tx, &tally, record).await?;
        add_latencies(&mut tx, &tally).await?;
        add_ratios(&mut tx, &tally).await?;
        add_checks(&mut tx, &tally).await?;
        count_trials(&mut tx, &mut tally).await?;
        add_strata(&mut tx, &tally).await?;
        add_counters(&mut tx, &tally).await?;
        keep_results(&mut tx, record).await?;
        take_accounts(&mut tx, record).await?;
        tx.commit().await?;
        let repeated = record.items.len() as u64 - tally.items;
        Ok(Recorded { counted: tally.items, repeated })
    }
}

async fn insert_endpoints(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    if record.endpoints.is_empty() {
        return Ok(());
    }
    let sorted: BTreeMap<_, _> = record.endpoints.iter().map(|row| (row.key, row)).collect();
    let rows = Rows::default()
        .int("key", sorted.keys().copied())
        .text("method", sorted.values().map(|row| row.method.as_str()))
        .text("template", sorted.values().map(|row| row.template.as_str()))
        .text("slice", sorted.values().map(|row| row.slice.as_deref()))
        .int("merged_into", sorted.values().map(|row| row.merged_into))
        .int("first_seen", sorted.values().map(|row| row.first_seen));
    let insert = "INSERT INTO endpoints (key, method, template, slice, merged_into, first_seen) \
         SELECT key, method, template, slice, merged_into, first_seen FROM {rows} WHERE true \
         ON CONFLICT DO NOTHING";
    tx.run(sql(insert).rows(rows)).await?;
    Ok(())
}

async fn insert_signatures(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    if record.signatures.is_empty() {
        return Ok(());
    }
    let sorted: BTreeMap<_, _> = record.signatures.iter().map(|row| (row.key, row)).collect();
    let rows = Rows::default()
        .int("key", sorted.keys().copied())
        .int("endpoint", sorted.values().map(|row| row.endpoint))
        .text("places", sorted.values().map(|row| row.places.as_str()))
        .int("matches", sorted.values().map(|row| i64::from(row.matches)));
    let insert = "INSERT INTO signatures (key, endpoint, places, matches) \
         SELECT key, endpoint, places, matches FROM {rows} WHERE true ON CONFLICT DO NOTHING";
    tx.run(sql(insert).rows(rows)).await?;
    Ok(())
}

/// A settled number needs no note that its write was begun: it is in the settled set.
async fn forget_begun(
    tx: &mut Tx,
    items: impl Iterator<Item = &RecordItem> + Clone,
) -> Result<(), StoreError> {
    if items.clone().next().is_none() {
        return Ok(());
    }
    let numbers = items.map(|item| item.number);
    let rows = Rows::default()
        .int("epoch", numbers.clone().map(|number| number.epoch.0))
        .int("partition", numbers.clone().map(|number| i64::from(number.partition)))
        .int("n", numbers.map(|number| column(number.n)));
    let delete = "DELETE FROM begun_writes WHERE (epoch, partition, n) IN \
         (SELECT epoch, partition, n FROM {rows})";
    tx.run(sql(delete).rows(rows)).await?;
    Ok(())
}

async fn add_fates(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.fates.is_empty() {
        return Ok(());
    }
    let keys = tally.fates.keys();
    let rows = Rows::default()
        .text("fate", keys.clone().map(|key| key.0))
        .text("version", keys.clone().map(|key| key.1))
        .text("reason", keys.map(|key| key.2))
        .int("exchanges", tally.fates.values().copied());
    let upsert = "INSERT INTO fates (fate, version, reason, exchanges) \
         SELECT fate, version, reason, exchanges FROM {rows} WHERE true \
         ON CONFLICT (fate, version, reason) \
         DO UPDATE SET exchanges = fates.exchanges + excluded.exchanges";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

/// By the database's clock: a backlog captured before a version was deployed does not make the
/// version older.
async fn insert_versions(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.versions.is_empty() {
        return Ok(());
    }
    let rows = Rows::default().text("version", tally.versions.iter().copied());
    let insert = "INSERT INTO versions (side, version, first_seen, announced) \
         SELECT 'candidate', version, {now}, 0 FROM {rows} WHERE true ON CONFLICT DO NOTHING";
    tx.run(sql(insert).rows(rows)).await?;
    Ok(())
}

async fn keep_samples(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.samples.is_empty() {
        return Ok(());
    }
    let (keys, samples) = (tally.samples.keys(), tally.samples.values());
    let views = samples.clone().map(|sample| pack(&sample.view)).collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<String> = samples.clone().map(|sample| line(&sample.view)).collect();
    let rows = Rows::default()
        .int("endpoint", keys.clone().map(|key| key.0))
        .text("version", keys.clone().map(|key| key.1))
        .int("signature", keys.clone().map(|key| key.2))
        .int("slot", keys.map(|key| i64::from(key.3)))
        .bytes("exchange", samples.clone().map(|sample| sample.exchange.0.as_bytes().to_vec()))
        .int("captured_at", samples.clone().map(|sample| sample.captured_at))
        .bytes("view", views)
        .bytes("original", samples.clone().map(|sample| sample.original.clone()))
        .bytes("features", samples.map(|sample| sample.features.clone()))
        .text("line", lines.iter().map(String::as_str));
    let upsert = "INSERT INTO samples (endpoint, version, signature, slot, exchange, captured_at, \
         view, original, features, line) \
         SELECT endpoint, version, signature, slot, exchange, captured_at, view, original, features, \
         line FROM {rows} WHERE true \
         ON CONFLICT (endpoint, version, signature, slot) DO UPDATE SET \
         exchange = excluded.exchange, captured_at = excluded.captured_at, \
         view = excluded.view, original = excluded.original, features = excluded.features, \
         line = excluded.line, home = NULL";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

async fn keep_rows(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.rows.is_empty() {
        return Ok(());
    }
    let pairs = tally.rows.iter().map(|(compared, _)| compared);
    let kept = tally.rows.iter().map(|(_, row)| row);
    let rows = Rows::default()
        .int("endpoint", pairs.clone().map(|pair| pair.endpoint))
        .text("version", pairs.clone().map(|pair| pair.version.as_str()))
        .int("signature", pairs.clone().map(|pair| pair.signature))
        .int("hash", kept.clone().map(|row| row.hash))
        .int("minute", pairs.map(|pair| pair.minute))
        .int("near", kept.clone().map(|row| row.near))
        .bytes("cells", kept.map(|row| row.cells.clone()));
    let insert = "INSERT INTO feature_rows \
         (endpoint, version, signature, hash, minute, near, cells) \
         SELECT endpoint, version, signature, hash, minute, near, cells FROM {rows}";
    tx.run(sql(insert).rows(rows)).await?;
    Ok(())
}

async fn count_conditions(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.conditions.is_empty() {
        return Ok(());
    }
    let (keys, sums) = (tally.conditions.keys(), tally.conditions.values());
    let rows = Rows::default()
        .int("condition", keys.clone().map(|key| key.0))
        .int("endpoint", keys.clone().map(|key| key.1))
        .text("version", keys.map(|key| key.2))
        .int("hits", sums.clone().map(|sum| sum[0]))
        .int("spared", sums.clone().map(|sum| sum[1]))
        .int("missed", sums.clone().map(|sum| sum[2]))
        .int("others", sums.map(|sum| sum[3]));
    let upsert = "INSERT INTO condition_counts (condition, endpoint, version, since, hits, spared, \
         missed, others) \
         SELECT condition, endpoint, version, {now}, hits, spared, missed, others \
         FROM {rows} WHERE true \
         ON CONFLICT (condition, version) DO UPDATE SET \
         hits = condition_counts.hits + excluded.hits, \
         spared = condition_counts.spared + excluded.spared, \
         missed = condition_counts.missed + excluded.missed, \
         others = condition_counts.others + excluded.others";
    tx.run(sql(upsert).rows(rows)).await.map(drop)
}

async fn park(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.parked.is_empty() {
        return Ok(());
    }
    let parked = tally.parked.iter();
    let exchanges = parked.clone().map(|row| row.exchange.map(|id| id.0.as_bytes().to_vec()));
    let rows = Rows::default()
        .bytes("exchange", exchanges)
        .text("reason", parked.clone().map(|row| row.reason))
        .text("detail", parked.clone().map(|row| row.detail))
        .int("parked_at", parked.clone().map(|row| row.at))
        .bytes("sealed", parked.map(|row| row.sealed.to_vec()));
    let insert = "INSERT INTO parked (exchange, reason, detail, parked_at, sealed) \
         SELECT exchange, reason, detail, parked_at, sealed FROM {rows}";
    tx.run(sql(insert).rows(rows)).await?;
    Ok(())
}

async fn park_messages(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    if record.unreadable.is_empty() {
        return Ok(());
    }
    let digest = |message: &Unreadable| *blake3::hash(&message.sealed).as_bytes();
    let messages: BTreeMap<_, _> =
        record.unreadable.iter().map(|message| (digest(message), message)).collect();
    let rows = Rows::default()
        .text("detail", messages.values().map(|message| message.detail.as_str()))
        .int("parked_at", messages.values().map(|message| message.at))
        .bytes("sealed", messages.values().map(|message| message.sealed.clone()))
        .bytes("digest", messages.keys().map(|digest| digest.to_vec()));
    let insert = "INSERT INTO parked (reason, detail, parked_at, sealed, digest) \
         SELECT $1, detail, parked_at, sealed, digest FROM {rows} WHERE true \
         ON CONFLICT (digest) DO NOTHING";
    tx.run(sql(insert).bind(ParkReason::Unreadable.as_str()).rows(rows)).await?;
    Ok(())
}

/// Looks no further back than as many rows again: what is older was dropped before.
async fn drop_parked_bodies(
    tx: &mut Tx,
    tally: &Tally<'_>,
    record: &Record,
) -> Result<(), StoreError> {
    if tally.parked.is_empty() && record.unreadable.is_empty() {
        return Ok(());
    }
    let update = "UPDATE parked SET sealed = $1 WHERE length(sealed) > 0 AND id IN \
         (SELECT id FROM parked ORDER BY id DESC LIMIT $2 OFFSET $2)";
    tx.run(sql(update).bind(Vec::<u8>::new()).bind(PARKED_BODIES)).await?;
    Ok(())
}

async fn add_latencies(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.latencies.is_empty() {
        return Ok(());
    }
    let keys = tally.latencies.keys();
    let rows = Rows::default()
        .int("endpoint", keys.clone().map(|key| key.0))
        .text("version", keys.clone().map(|key| key.1))
        .text("side", keys.clone().map(|key| key.2))
        .int("bucket", keys.map(|key| key.3))
        .int("answers", tally.latencies.values().copied());
    let upsert = "INSERT INTO latencies (endpoint, version, side, bucket, answers) \
         SELECT endpoint, version, side, bucket, answers FROM {rows} WHERE true \
         ON CONFLICT (endpoint, version, side, bucket) \
         DO UPDATE SET answers = latencies.answers + excluded.answers";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

async fn add_checks(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.checks.is_empty() {
        return Ok(());
    }
    let keys = tally.checks.keys();
    let rows = Rows::default()
        .int("endpoint", keys.clone().map(|key| key.0))
        .text("version", keys.clone().map(|key| key.1))
        .int("signature", keys.clone().map(|key| key.2))
        .text("finding", keys.clone().map(|key| key.3))
        .int("bucket", keys.map(|key| key.4))
        .int("pairs", tally.checks.values().copied());
    let upsert = "INSERT INTO checks (endpoint, version, signature, finding, bucket, pairs) \
         SELECT endpoint, version, signature, finding, bucket, pairs FROM {rows} WHERE true \
         ON CONFLICT (endpoint, version, signature, finding, bucket) \
         DO UPDATE SET pairs = checks.pairs + excluded.pairs";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

async fn add_counters(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.counters.is_empty() {
        return Ok(());
    }
    let (keys, counts) = (tally.counters.keys(), tally.counters.values());
    let rows = Rows::default()
        .int("signature", keys.clone().map(|key| key.signature))
        .int("endpoint", keys.clone().map(|key| key.endpoint))
        .text("version", keys.clone().map(|key| key.version))
        .text("versus", keys.clone().map(|key| key.versus))
        .text("outcome", keys.clone().map(|key| key.outcome))
        .int("minute", keys.clone().map(|key| key.minute))
        .int("model", keys.map(|key| key.model))
        .int("pairs", counts.clone().map(|count| count.pairs))
        .int("trials", counts.map(|count| count.trials));
    let upsert = "INSERT INTO counters (signature, endpoint, version, versus, outcome, minute, \
         model, pairs, trials) \
         SELECT signature, endpoint, version, versus, outcome, minute, model, pairs, trials \
         FROM {rows} WHERE true \
         ON CONFLICT (signature, endpoint, version, versus, outcome, minute, model) DO UPDATE SET \
         pairs = counters.pairs + excluded.pairs, trials = counters.trials + excluded.trials";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

/// The totals of each tap epoch; the highest serial wins, here and against the store.
async fn take_accounts(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    let mut newest = BTreeMap::new();
    for snapshot in &record.snapshots {
        let held = newest.entry(snapshot.epoch.0).or_insert(snapshot);
        if snapshot.serial > held.serial {
            *held = snapshot;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let snapshots = newest.values();
    let mut not_copied = Vec::with_capacity(newest.len());
    let mut dropped = Vec::with_capacity(newest.len());
    for totals in snapshots.clone().map(|snapshot| &snapshot.totals) {
        let words: BTreeMap<_, _> =
            totals.not_copied.iter().map(|(why, n)| (why.as_str(), n)).collect();
        not_copied.push(serde_json::to_string(&words).map_err(StoreError::corrupt)?);
        let words: BTreeMap<_, _> =
            totals.dropped.iter().map(|(why, n)| (why.as_str(), n)).collect();
        dropped.push(serde_json::to_string(&words).map_err(StoreError::corrupt)?);
    }
    let totals = snapshots.clone().map(|snapshot| &snapshot.totals);
    let rows = Rows::default()
        .int("epoch", newest.keys().copied())
        .int("serial", snapshots.clone().map(|snapshot| column(snapshot.serial)))
        .int("taken_at", snapshots.map(|snapshot| snapshot.at))
        .int("unhanded", totals.clone().map(|totals| column(totals.unhanded)))
        .int("sampled_out", totals.clone().map(|totals| column(totals.sampled_out)))
        .text("not_copied", not_copied.iter().map(String::as_str))
        .text("dropped", dropped.iter().map(String::as_str))
        .int("closed", totals.clone().map(|totals| i64::from(totals.closed)))
        .int("paused", totals.map(|totals| i64::from(totals.paused)));
    let upsert = "INSERT INTO tap_epochs (epoch, serial, taken_at, unhanded, sampled_out, \
         not_copied, dropped, closed, paused) \
         SELECT epoch, serial, taken_at, unhanded, sampled_out, not_copied, dropped, closed, \
         paused FROM {rows} WHERE true \
         ON CONFLICT (epoch) DO UPDATE SET serial = excluded.serial, \
         taken_at = excluded.taken_at, unhanded = excluded.unhanded, \
         sampled_out = excluded.sampled_out, not_copied = excluded.not_copied, \
         dropped = excluded.dropped, closed = excluded.closed, paused = excluded.paused \
         WHERE excluded.serial > tap_epochs.serial";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}
