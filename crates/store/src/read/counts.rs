//! Endpoints and what was counted at them.

use std::collections::BTreeMap;

use super::{EndpointRow, Histogram, Merges, OutcomeCount, SignatureCount};
use crate::{
    EndpointKey, Outcome, Store, StoreError, Versus,
    sql::{Row, sql},
};

impl Store {
    pub async fn endpoints(&self) -> Result<Vec<EndpointRow>, StoreError> {
        let select = "SELECT key, method, template, slice, merged_into, first_seen FROM endpoints \
             ORDER BY template, method, key";
        let rows = self.backend.fetch(sql(select)).await?;
        let endpoints = rows.iter().map(|row| {
            Ok(EndpointRow {
                key: row.int(0)?,
                method: row.text(1)?,
                template: row.text(2)?,
                slice: row.optional_text(3)?,
                merged_into: row.optional_int(4)?,
                first_seen: row.int(5)?,
            })
        });
        endpoints.collect()
    }

    /// Candidate outcomes; `version` `None` = all. A signature that is not known yet counts as a
    /// mismatch.
    pub async fn outcome_counts(
        &self,
        version: Option<&str>,
    ) -> Result<Vec<OutcomeCount>, StoreError> {
        let mut select = sql("SELECT c.endpoint, c.version, c.outcome, COALESCE(s.matches, 0), \
             CAST(SUM(c.pairs) AS BIGINT), CAST(SUM(c.trials) AS BIGINT) \
             FROM counters c LEFT JOIN signatures s ON s.key = c.signature \
             WHERE c.versus = 'candidate'");
        if let Some(version) = version {
            select = select.and(" AND c.version = $", version);
        }
        let select = select.then(" GROUP BY 1, 2, 3, 4");
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut sums: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for row in tx.fetch(select).await? {
            let endpoint = merges.resolve(row.int(0)?);
            let key = (endpoint, row.text(1)?, outcome(&row, 2)?, row.truth(3)?);
            let sum = sums.entry(key).or_default();
            sum.0 += row.count(4)?;
            sum.1 += row.count(5)?;
        }
        let counts = sums.into_iter().map(|((endpoint, version, outcome, matches), sum)| {
            OutcomeCount { endpoint, version, outcome, matches, pairs: sum.0, trials: sum.1 }
        });
        Ok(counts.collect())
    }

    /// Answered pairs of a version of the candidate that were captured after `minute`, by endpoint.
    /// Of old minutes whole hours are told, those that began later.
    pub async fn compared_after(
        &self,
        version: &str,
        minute: i64,
    ) -> Result<BTreeMap<EndpointKey, u64>, StoreError> {
        let select = "SELECT endpoint, CAST(SUM(pairs) AS BIGINT) FROM counters \
             WHERE versus = 'candidate' AND outcome = 'answered' AND version = $1 AND minute > $2 \
             GROUP BY endpoint";
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut sums: BTreeMap<EndpointKey, u64> = BTreeMap::new();
        for row in tx.fetch(sql(select).bind(version).bind(minute)).await? {
            *sums.entry(merges.resolve(row.int(0)?)).or_default() += row.count(1)?;
        }
        Ok(sums)
    }

    /// Everything the analyst learns from.
    pub async fn signature_counts(&self) -> Result<Vec<SignatureCount>, StoreError> {
        let select = "SELECT s.key, c.endpoint, c.versus, c.version, c.outcome, s.places, \
             CAST(SUM(c.pairs) AS BIGINT), MIN(c.minute), MAX(c.minute) \
             FROM counters c JOIN signatures s ON s.key = c.signature \
             GROUP BY s.key, c.endpoint, c.versus, c.version, c.outcome \
             ORDER BY s.key, c.endpoint, c.versus, c.version, c.outcome";
        let rows = self.backend.fetch(sql(select)).await?;
        let counts = rows.iter().map(|row| {
            Ok(SignatureCount {
                key: row.int(0)?,
                endpoint: row.int(1)?,
                versus: word::<Versus>(row, 2)?,
                version: row.text(3)?,
                outcome: outcome(row, 4)?,
                places: row.text(5)?,
                pairs: row.count(6)?,
                first_minute: row.int(7)?,
                last_minute: row.int(8)?,
            })
        });
        counts.collect()
    }

    /// Pairs compared with the secondary, by endpoint (before merges).
    pub async fn baseline_counts(&self) -> Result<BTreeMap<EndpointKey, u64>, StoreError> {
        let select = "SELECT endpoint, CAST(SUM(pairs) AS BIGINT) FROM counters \
             WHERE versus = 'secondary' GROUP BY endpoint";
        let rows = self.backend.fetch(sql(select)).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.count(1)?))).collect()
    }

    /// By endpoint (after merges) and version.
    pub async fn latencies(&self, version: Option<&str>) -> Result<Vec<Histogram>, StoreError> {
        let mut select =
            sql("SELECT endpoint, version, side, bucket, answers FROM latencies WHERE true");
        if let Some(version) = version {
            select = select.and(" AND version = $", version);
        }
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut sides: BTreeMap<_, [BTreeMap<u16, u64>; 2]> = BTreeMap::new();
        for row in tx.fetch(select).await? {
            let [primary, candidate] =
                sides.entry((merges.resolve(row.int(0)?), row.text(1)?)).or_default();
            let side = if row.text(2)? == "primary" { primary } else { candidate };
            let bucket = u16::try_from(row.int(3)?)
                .map_err(|_| StoreError::Corrupt("a latency bucket out of range".to_owned()))?;
            *side.entry(bucket).or_default() += row.count(4)?;
        }
        let histograms = sides.into_iter().map(|((endpoint, version), [primary, candidate])| {
            Histogram { endpoint, version, primary, candidate }
        });
        Ok(histograms.collect())
    }
}

fn outcome(row: &Row, place: usize) -> Result<Outcome, StoreError> {
    word(row, place)
}

/// One of a closed list of words.
pub(super) fn word<T: std::str::FromStr>(row: &Row, place: usize) -> Result<T, StoreError> {
    let text = row.text(place)?;
    text.parse().map_err(|_| StoreError::Corrupt(format!("the word `{text}`")))
}
