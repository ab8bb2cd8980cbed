//! Forgetting what was compared, at an endpoint or of a build of the candidate.
//!
//! Deleted: counters, trials by key and by kind of answer, latencies, checks, samples, kept rows of
//! fields and what conditions count. Kept: settled numbers, what the taps saw and what was skipped
//! or parked; endpoints, signatures, clusters with their ids, states, owners and notes; rechecks
//! and their results; the model, which is learnt anew from what is left.
//!
//! Invariant: the funnel stays balanced. Exchanges whose counters go stay compared: they are
//! counted on as the fate `reset`.

use std::collections::BTreeSet;

use crate::{
    EndpointKey, Store, StoreError,
    read::Merges,
    sql::{Rows, Statement, Tx, sql},
};

/// The setting that says how often something was reset: who holds counts in memory starts anew.
pub const RESETS_SETTING: &str = "resets";

/// Tables of what was compared, by endpoint and version, beside those that need more than that.
const FORGOTTEN: [&str; 7] =
    ["counters", "latencies", "checks", "feature_rows", "strata", "ratios", "condition_counts"];

/// What to forget: `None` is every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reset {
    /// Before or after merges.
    pub endpoint: Option<EndpointKey>,
    /// Of the candidate.
    pub version: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WasReset {
    /// Compared exchanges whose verdict is forgotten.
    pub pairs: u64,
    pub samples: u64,
}

impl Store {
    pub async fn reset(&self, reset: &Reset) -> Result<WasReset, StoreError> {
        let mut tx = self.backend.write().await?;
        tx.lock_table("LOCK TABLE counters, samples IN SHARE ROW EXCLUSIVE MODE").await?;
        let members = match reset.endpoint {
            Some(key) => Some(Merges::load(&mut tx).await?.members(key)),
            None => None,
        };
        let scope = Scope { members, version: reset.version.as_deref() };
        let pairs = count_on(&mut tx, &scope).await?;
        let samples = tx.run(scope.rows_of("DELETE FROM samples", "")).await?;
        for table in FORGOTTEN {
            tx.run(scope.rows_of(&format!("DELETE FROM {table}"), "")).await?;
        }
        let evidence = "DELETE FROM trials WHERE evidence IN (SELECT id FROM evidence";
        tx.run(scope.rows_of(evidence, ")")).await?;
        tx.run(scope.rows_of("DELETE FROM evidence", "")).await?;
        if let (None, Some(version)) = (reset.endpoint, scope.version) {
            let delete = "DELETE FROM versions WHERE side = 'candidate' AND version = $1";
            tx.run(sql(delete).bind(version)).await?;
        }
        let again = "INSERT INTO settings (name, value) VALUES ($1, '1') ON CONFLICT (name) \
             DO UPDATE SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT)";
        tx.run(sql(again).bind(RESETS_SETTING)).await?;
        tx.commit().await?;
        Ok(WasReset { pairs, samples })
    }
}

/// Rows by endpoint and version.
struct Scope<'a> {
    members: Option<BTreeSet<EndpointKey>>,
    version: Option<&'a str>,
}

impl Scope<'_> {
    /// `head`, the condition on `endpoint` and `version`, `tail`.
    fn rows_of(&self, head: &str, tail: &str) -> Statement {
        let mut statement = sql(format!("{head} WHERE true"));
        if let Some(version) = self.version {
            statement = statement.and(" AND version = $", version);
        }
        if let Some(members) = &self.members {
            statement = statement
                .then(" AND endpoint IN (SELECT endpoint FROM {rows})")
                .rows(Rows::default().int("endpoint", members.iter().copied()));
        }
        statement.then(tail)
    }
}

/// Moves what is about to be deleted into the fates; says how many.
async fn count_on(tx: &mut Tx, scope: &Scope<'_>) -> Result<u64, StoreError> {
    let select = "SELECT version, CAST(SUM(pairs) AS BIGINT) FROM \
         (SELECT version, endpoint, pairs FROM counters WHERE versus = 'candidate') AS c";
    let rows = tx.fetch(scope.rows_of(select, " GROUP BY version")).await?;
    let mut pairs = 0;
    for row in rows {
        let count = row.count(1)?;
        pairs += count;
        let upsert = "INSERT INTO fates (fate, version, reason, exchanges) \
             VALUES ('reset', $1, '', $2) ON CONFLICT (fate, version, reason) \
             DO UPDATE SET exchanges = fates.exchanges + excluded.exchanges";
        let count = crate::sql::column(count);
        tx.run(sql(upsert).bind(row.text(0)?.as_str()).bind(count)).await?;
    }
    Ok(pairs)
}
