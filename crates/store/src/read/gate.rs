//! What the gate asks beside counters.

use std::collections::BTreeMap;

use exchange::Micros;
use serde::{Deserialize, Serialize};

use super::Merges;
use crate::{
    EndpointKey, Store, StoreError,
    sql::{Row, sql},
};

/// What went on at one endpoint with one version of the candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// After merges.
    pub endpoint: EndpointKey,
    pub version: String,
    pub pairs: u64,
    pub first_minute: i64,
    pub last_minute: i64,
    /// Judged trials at or after the minute asked for.
    pub recent_trials: u64,
    /// Judged trials before the minute of the primary's last change.
    pub stale_trials: u64,
    /// Pairs that match only because a rule hides what differs.
    pub masked: u64,
}

/// Trials by what the primary answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StratumCount {
    /// After merges.
    pub endpoint: EndpointKey,
    pub version: String,
    pub status: u16,
    /// JSON Pointer; empty: the status alone.
    pub place: String,
    pub value: String,
    pub trials: u64,
}

/// Pairs by bucket of the ratio of both sides' times (see `gate::ratio`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatioCount {
    /// After merges.
    pub endpoint: EndpointKey,
    pub version: String,
    pub buckets: BTreeMap<i32, u64>,
}

/// Under which condition and until when a cluster is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcceptanceRow {
    pub cluster: i64,
    /// JSON; `None`: whatever the condition.
    pub condition: Option<String>,
    pub accepted_at: Micros,
    pub expires_at: Option<Micros>,
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
}

impl Store {
    /// By endpoint and version; `recent` and `changed` are minutes since the Unix epoch.
    pub async fn activity(&self, recent: i64, changed: i64) -> Result<Vec<Activity>, StoreError> {
        let select = "SELECT c.endpoint, c.version, CAST(SUM(c.pairs) AS BIGINT), MIN(c.minute), \
             MAX(c.minute), \
             CAST(SUM(CASE WHEN c.minute >= $1 AND c.outcome = 'answered' THEN c.trials ELSE 0 \
             END) AS BIGINT), \
             CAST(SUM(CASE WHEN c.minute < $2 AND c.outcome = 'answered' THEN c.trials ELSE 0 \
             END) AS BIGINT), \
             CAST(SUM(CASE WHEN s.matches = 1 AND s.masked = 1 AND c.outcome = 'answered' \
             THEN c.pairs ELSE 0 END) AS BIGINT) \
             FROM counters c LEFT JOIN signatures s ON s.key = c.signature \
             WHERE c.versus = 'candidate' GROUP BY c.endpoint, c.version";
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut found: BTreeMap<(EndpointKey, String), Activity> = BTreeMap::new();
        for row in tx.fetch(sql(select).bind(recent).bind(changed)).await? {
            let (endpoint, version) = (merges.resolve(row.int(0)?), row.text(1)?);
            let one = Activity {
                endpoint,
                version,
                pairs: row.count(2)?,
                first_minute: row.int(3)?,
                last_minute: row.int(4)?,
                recent_trials: row.count(5)?,
                stale_trials: row.count(6)?,
                masked: row.count(7)?,
            };
            found
                .entry((endpoint, one.version.clone()))
                .and_modify(|sum| sum.join(&one))
                .or_insert(one);
        }
        Ok(found.into_values().collect())
    }

    pub async fn strata(&self) -> Result<Vec<StratumCount>, StoreError> {
        let select = "SELECT endpoint, version, status, place, value, trials FROM strata";
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut sums: BTreeMap<(EndpointKey, String, u16, String, String), u64> = BTreeMap::new();
        for row in tx.fetch(sql(select)).await? {
            let status = u16::try_from(row.int(2)?)
                .map_err(|_| StoreError::Corrupt("a status out of range".to_owned()))?;
            let endpoint = merges.resolve(row.int(0)?);
            let key = (endpoint, row.text(1)?, status, row.text(3)?, row.text(4)?);
            *sums.entry(key).or_default() += row.count(5)?;
        }
        let strata = sums.into_iter().map(|((endpoint, version, status, place, value), trials)| {
            StratumCount { endpoint, version, status, place, value, trials }
        });
        Ok(strata.collect())
    }

    pub async fn ratios(&self) -> Result<Vec<RatioCount>, StoreError> {
        let select = "SELECT endpoint, version, bucket, pairs FROM ratios";
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut sums: BTreeMap<(EndpointKey, String), BTreeMap<i32, u64>> = BTreeMap::new();
        for row in tx.fetch(sql(select)).await? {
            let bucket = i32::try_from(row.int(2)?)
                .map_err(|_| StoreError::Corrupt("a ratio bucket out of range".to_owned()))?;
            let buckets = sums.entry((merges.resolve(row.int(0)?), row.text(1)?)).or_default();
            *buckets.entry(bucket).or_default() += row.count(3)?;
        }
        let ratios = sums.into_iter().map(|((endpoint, version), buckets)| RatioCount {
            endpoint,
            version,
            buckets,
        });
        Ok(ratios.collect())
    }

    pub async fn acceptances(&self) -> Result<Vec<AcceptanceRow>, StoreError> {
        let select = format!("{ACCEPTANCES} ORDER BY cluster");
        self.backend.fetch(sql(select)).await?.iter().map(acceptance).collect()
    }
}

pub(crate) const ACCEPTANCES: &str =
    "SELECT cluster, condition, accepted_at, expires_at, reason, owner FROM acceptances";

pub(crate) fn acceptance(row: &Row) -> Result<AcceptanceRow, StoreError> {
    Ok(AcceptanceRow {
        cluster: row.int(0)?,
        condition: row.optional_text(1)?,
        accepted_at: row.int(2)?,
        expires_at: row.optional_int(3)?,
        reason: row.optional_text(4)?,
        owner: row.optional_text(5)?,
    })
}

impl Activity {
    /// Of an endpoint that was merged into this one.
    fn join(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.first_minute = self.first_minute.min(other.first_minute);
        self.last_minute = self.last_minute.max(other.last_minute);
        self.recent_trials += other.recent_trials;
        self.stale_trials += other.stale_trials;
        self.masked += other.masked;
    }
}
