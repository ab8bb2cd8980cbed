//! Clusters that were closed as fixed: since when, and on what evidence.

use std::collections::BTreeMap;

use exchange::Micros;
use serde::{Deserialize, Serialize};

use crate::{ClusterState, Store, StoreError, sql::sql};

/// Why and since when a cluster counts as fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixRow {
    pub fixed_at: Micros,
    /// The evidence in words.
    pub reason: String,
}

impl Store {
    /// By cluster.
    pub async fn fixes(&self) -> Result<BTreeMap<i64, FixRow>, StoreError> {
        let rows = self.backend.fetch(sql("SELECT cluster, fixed_at, reason FROM fixes")).await?;
        let fixes = rows
            .iter()
            .map(|row| Ok((row.int(0)?, FixRow { fixed_at: row.int(1)?, reason: row.text(2)? })));
        fixes.collect()
    }

    /// Closes an open or regressed cluster as fixed, or notes since when one that is fixed is.
    pub async fn close_as_fixed(&self, cluster: i64, reason: &str) -> Result<(), StoreError> {
        let mut tx = self.backend.write().await?;
        let update = "UPDATE clusters SET state = $2 WHERE id = $1 AND state <> 'accepted'";
        tx.run(sql(update).bind(cluster).bind(ClusterState::Fixed.as_str())).await?;
        let upsert = "INSERT INTO fixes (cluster, fixed_at, reason) VALUES ($1, {now}, $2) \
             ON CONFLICT (cluster) DO UPDATE SET fixed_at = excluded.fixed_at, \
             reason = excluded.reason";
        tx.run(sql(upsert).bind(cluster).bind(reason)).await?;
        tx.commit().await
    }

    /// A fixed cluster was seen again.
    pub async fn reopen_as_regressed(&self, cluster: i64) -> Result<(), StoreError> {
        let mut tx = self.backend.write().await?;
        let update = "UPDATE clusters SET state = $2 WHERE id = $1 AND state = 'fixed'";
        tx.run(sql(update).bind(cluster).bind(ClusterState::Regressed.as_str())).await?;
        tx.run(sql("DELETE FROM fixes WHERE cluster = $1").bind(cluster)).await?;
        tx.commit().await
    }

    /// Somebody opened it again by hand.
    pub async fn forget_fix(&self, cluster: i64) -> Result<(), StoreError> {
        self.backend.run(sql("DELETE FROM fixes WHERE cluster = $1").bind(cluster)).await?;
        Ok(())
    }
}
