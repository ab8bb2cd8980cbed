//! Counts by time: what sparklines and trends are drawn from.

use std::collections::BTreeMap;

use super::{
    Merges,
    clusters::{apportioned, shares},
    counts::word,
};
use crate::{EndpointKey, Outcome, Store, StoreError, sql::sql};

/// Pairs and trials of one endpoint, cluster and outcome within one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrendCount {
    /// The first minute of the stretch.
    pub minute: i64,
    /// After merges.
    pub endpoint: EndpointKey,
    /// That of the signature today.
    pub cluster: Option<i64>,
    pub outcome: Outcome,
    pub matches: bool,
    pub pairs: u64,
    pub trials: u64,
}

impl Store {
    /// Counts from the minute `from` on, in stretches of `length` minutes; all versions. What a
    /// signature with several clusters has is apportioned.
    pub async fn trend(&self, from: i64, length: i64) -> Result<Vec<TrendCount>, StoreError> {
        let select = "SELECT c.minute - c.minute % $2, c.endpoint, s.cluster, c.outcome, \
             COALESCE(s.matches, 0), \
             CASE WHEN EXISTS (SELECT 1 FROM shares h WHERE h.signature = s.key) \
             THEN s.key ELSE 0 END, \
             CAST(SUM(c.pairs) AS BIGINT), CAST(SUM(c.trials) AS BIGINT) \
             FROM counters c LEFT JOIN signatures s ON s.key = c.signature \
             WHERE c.versus = 'candidate' AND c.minute >= $1 GROUP BY 1, 2, 3, 4, 5, 6";
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let shares = shares(&mut tx).await?;
        let mut sums: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for row in tx.fetch(sql(select).bind(from).bind(length.max(1))).await? {
            let (pairs, trials) = (row.count(6)?, row.count(7)?);
            let whole = [(row.optional_int(2)?, pairs, trials)];
            let parts = match shares.get(&row.int(5)?) {
                None => whole.to_vec(),
                Some(own) => apportioned(pairs, own)
                    .into_iter()
                    .zip(apportioned(trials, own))
                    .map(|((cluster, pairs), (_, trials))| (Some(cluster), pairs, trials))
                    .collect(),
            };
            for (cluster, pairs, trials) in parts {
                let outcome = word::<Outcome>(&row, 3)?;
                let endpoint = merges.resolve(row.int(1)?);
                let key = (row.int(0)?, endpoint, cluster, outcome, row.truth(4)?);
                let sum = sums.entry(key).or_default();
                sum.0 += pairs;
                sum.1 += trials;
            }
        }
        let counts = sums.into_iter().map(|(key, (pairs, trials))| {
            let (minute, endpoint, cluster, outcome, matches) = key;
            TrendCount { minute, endpoint, cluster, outcome, matches, pairs, trials }
        });
        Ok(counts.collect())
    }

    /// The first minute in which anything was counted.
    pub async fn first_minute(&self) -> Result<Option<i64>, StoreError> {
        let row = self.backend.fetch(sql("SELECT MIN(minute) FROM counters")).await?;
        row.first().map_or(Ok(None), |row| row.optional_int(0))
    }
}
