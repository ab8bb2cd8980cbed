//! What the gate needs beside counters: trials by what the primary answered, times side by side,
//! the primary's versions, what is masked, what is accepted.

use crate::{
    AcceptanceRow, Record, SignatureKey, Store, StoreError,
    sql::{Rows, Statement, Tx, sql},
    tally::Tally,
};

pub(crate) async fn add_strata(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.strata.is_empty() {
        return Ok(());
    }
    let keys = tally.strata.keys();
    let rows = Rows::default()
        .int("endpoint", keys.clone().map(|key| key.0))
        .text("version", keys.clone().map(|key| key.1))
        .int("status", keys.clone().map(|key| key.2))
        .text("place", keys.clone().map(|key| key.3))
        .text("value", keys.map(|key| key.4))
        .int("trials", tally.strata.values().copied());
    let upsert = "INSERT INTO strata (endpoint, version, status, place, value, trials) \
         SELECT endpoint, version, status, place, value, trials FROM {rows} WHERE true \
         ON CONFLICT (endpoint, version, status, place, value) \
         DO UPDATE SET trials = strata.trials + excluded.trials";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

pub(crate) async fn add_ratios(tx: &mut Tx, tally: &Tally<'_>) -> Result<(), StoreError> {
    if tally.ratios.is_empty() {
        return Ok(());
    }
    let keys = tally.ratios.keys();
    let rows = Rows::default()
        .int("endpoint", keys.clone().map(|key| key.0))
        .text("version", keys.clone().map(|key| key.1))
        .int("bucket", keys.map(|key| key.2))
        .int("pairs", tally.ratios.values().copied());
    let upsert = "INSERT INTO ratios (endpoint, version, bucket, pairs) \
         SELECT endpoint, version, bucket, pairs FROM {rows} WHERE true \
         ON CONFLICT (endpoint, version, bucket) \
         DO UPDATE SET pairs = ratios.pairs + excluded.pairs";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

/// By the clock of the tap: what is asked of it is which answers are older. The order in which
/// exchanges come does not matter.
pub(crate) async fn insert_primary_versions(
    tx: &mut Tx,
    record: &Record,
) -> Result<(), StoreError> {
    if record.primary_versions.is_empty() {
        return Ok(());
    }
    let versions = &record.primary_versions;
    let rows = Rows::default()
        .text("version", versions.keys().map(String::as_str))
        .int("first_seen", versions.values().copied());
    let upsert = "INSERT INTO versions (side, version, first_seen, announced) \
         SELECT 'primary', version, first_seen, 0 FROM {rows} WHERE true \
         ON CONFLICT (side, version) DO UPDATE SET first_seen = excluded.first_seen \
         WHERE excluded.first_seen < versions.first_seen";
    tx.run(sql(upsert).rows(rows)).await?;
    Ok(())
}

impl Store {
    /// Says of every signature whether it matches only because a rule hides what differs.
    pub async fn set_masked(&self, masked: &[SignatureKey]) -> Result<(), StoreError> {
        let rows = || Rows::default().int("key", masked.iter().copied());
        let mut tx = self.backend.write().await?;
        let clear = "UPDATE signatures SET masked = 0 WHERE masked <> 0 \
             AND key NOT IN (SELECT key FROM {rows})";
        tx.run(sql(clear).rows(rows())).await?;
        let set = "UPDATE signatures SET masked = 1 WHERE masked = 0 \
             AND key IN (SELECT key FROM {rows})";
        tx.run(sql(set).rows(rows())).await?;
        tx.commit().await
    }

    /// Keeps under which condition and until when a cluster is accepted.
    pub async fn accept(&self, row: &AcceptanceRow) -> Result<(), StoreError> {
        self.backend.run(acceptance(row)).await?;
        Ok(())
    }

    /// Forgets what [`Store::accept`] kept.
    pub async fn unaccept(&self, cluster: i64) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM acceptances WHERE cluster = $1").bind(cluster);
        self.backend.run(delete).await?;
        Ok(())
    }
}

pub(crate) fn acceptance(row: &AcceptanceRow) -> Statement {
    let upsert = "INSERT INTO acceptances \
         (cluster, condition, accepted_at, expires_at, reason, owner) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (cluster) DO UPDATE SET \
         condition = excluded.condition, accepted_at = excluded.accepted_at, \
         expires_at = excluded.expires_at, reason = excluded.reason, owner = excluded.owner";
    let upsert = sql(upsert).bind(row.cluster).bind(row.condition.as_deref());
    let upsert = upsert.bind(row.accepted_at).bind(row.expires_at);
    upsert.bind(row.reason.as_deref()).bind(row.owner.as_deref())
}
