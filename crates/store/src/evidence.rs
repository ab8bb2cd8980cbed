//! Trials: repetition is not evidence, so a key counts once per endpoint and version.

use std::collections::BTreeMap;

use crate::{
    StoreError,
    sql::{Rows, Tx, sql, storable},
    tally::{Scope, Tally},
};

/// Trial keys kept per endpoint and version; beyond, no further evidence is counted.
const MOST_TRIALS: i64 = 100_000;

/// Adds to each counter the trials that are new to the store.
pub(crate) async fn count_trials(tx: &mut Tx, tally: &mut Tally<'_>) -> Result<(), StoreError> {
    if tally.trials.is_empty() {
        return Ok(());
    }
    let held = lock(tx, tally.trials.keys().copied()).await?;
    let mut owners = BTreeMap::new();
    for (scope, trials) in &tally.trials {
        let Some((id, held)) = held.get(&(scope.0, storable(scope.1).into_owned())) else {
            continue;
        };
        let room = usize::try_from(MOST_TRIALS - held).unwrap_or(0);
        owners.extend(trials.iter().take(room).map(|(key, counter)| ((*id, *key), *counter)));
    }
    if owners.is_empty() {
        return Ok(());
    }
    let rows = Rows::default()
        .int("evidence", owners.keys().map(|key| key.0))
        .int("key", owners.keys().map(|key| key.1));
    let insert = "INSERT INTO trials (evidence, key) \
         SELECT evidence, key FROM {rows} WHERE true ON CONFLICT DO NOTHING \
         RETURNING evidence, key";
    let mut added: BTreeMap<i64, i64> = BTreeMap::new();
    for row in tx.fetch(sql(insert).rows(rows)).await? {
        let key = (row.int(0)?, row.int(1)?);
        *added.entry(key.0).or_default() += 1;
        if let Some(counter) = owners.get(&key) {
            tally.add_trial(*counter, key.1);
        }
    }
    if !added.is_empty() {
        let rows =
            Rows::default().int("id", added.keys().copied()).int("trials", added.values().copied());
        let update = "UPDATE evidence SET trials = evidence.trials + r.trials FROM {rows} \
             WHERE evidence.id = r.id";
        tx.run(sql(update).rows(rows)).await?;
    }
    Ok(())
}

/// Id and number of trials per scope, locked so that the limit holds among comparators.
async fn lock(
    tx: &mut Tx,
    scopes: impl ExactSizeIterator<Item = Scope<'_>> + Clone,
) -> Result<BTreeMap<(i64, String), (i64, i64)>, StoreError> {
    let rows = Rows::default()
        .int("endpoint", scopes.clone().map(|scope| scope.0))
        .text("version", scopes.clone().map(|scope| scope.1));
    let held = select(tx, rows.clone()).await?;
    if held.len() == scopes.len() {
        return Ok(held);
    }
    let insert = "INSERT INTO evidence (endpoint, version, trials) \
         SELECT endpoint, version, 0 FROM {rows} WHERE true ON CONFLICT DO NOTHING";
    tx.run(sql(insert).rows(rows.clone())).await?;
    select(tx, rows).await
}

async fn select(
    tx: &mut Tx,
    rows: Rows,
) -> Result<BTreeMap<(i64, String), (i64, i64)>, StoreError> {
    let select = "SELECT e.endpoint, e.version, e.id, e.trials \
         FROM {rows} JOIN evidence e ON e.endpoint = r.endpoint AND e.version = r.version \
         ORDER BY e.endpoint, e.id {lock OF e}";
    let rows = tx.fetch(sql(select).rows(rows)).await?;
    let held = rows.iter().map(|row| Ok(((row.int(0)?, row.text(1)?), (row.int(2)?, row.int(3)?))));
    held.collect()
}
