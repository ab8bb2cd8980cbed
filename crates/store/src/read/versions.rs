//! Versions of both sides, and what was set aside.

use super::{ParkedRow, VersionRow, samples::exchange};
use crate::{Store, StoreError, sql::sql};

impl Store {
    /// Newest first, by when the store first heard of them.
    pub async fn versions(&self) -> Result<Vec<VersionRow>, StoreError> {
        let select = "SELECT side, version, first_seen, announced FROM versions \
             ORDER BY first_seen DESC, version DESC, side";
        let rows = self.backend.fetch(sql(select)).await?;
        let versions = rows.iter().map(|row| {
            Ok(VersionRow {
                side: row.text(0)?,
                version: row.text(1)?,
                first_seen: row.int(2)?,
                announced: row.truth(3)?,
            })
        });
        versions.collect()
    }

    pub async fn announce_version(&self, side: &str, version: &str) -> Result<(), StoreError> {
        let upsert = "INSERT INTO versions (side, version, first_seen, announced) \
             VALUES ($1, $2, {now}, 1) \
             ON CONFLICT (side, version) DO UPDATE SET announced = 1";
        self.backend.run(sql(upsert).bind(side).bind(version)).await?;
        Ok(())
    }

    /// Newest first.
    pub async fn parked(&self, limit: u32) -> Result<Vec<ParkedRow>, StoreError> {
        let select = "SELECT id, exchange, reason, detail, parked_at FROM parked \
             ORDER BY id DESC LIMIT $1";
        let rows = self.backend.fetch(sql(select).bind(i64::from(limit))).await?;
        let parked = rows.iter().map(|row| {
            Ok(ParkedRow {
                id: row.int(0)?,
                exchange: row.optional_bytes(1)?.map(|bytes| exchange(&bytes)).transpose()?,
                reason: row.text(2)?,
                detail: row.text(3)?,
                at: row.int(4)?,
            })
        });
        parked.collect()
    }

    /// The sealed body of a parked row; empty where there was none or where it is too old.
    pub async fn parked_original(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let select = sql("SELECT sealed FROM parked WHERE id = $1").bind(id);
        self.backend.first(select).await?.map(|row| row.bytes(0)).transpose()
    }
}
