//! Fields of kept pairs: what conditions are learnt from.

use crate::{
    EndpointKey, SignatureKey, Store, StoreError,
    read::Merges,
    sql::{Row, Rows, sql},
};

/// A kept row without its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowKey {
    pub id: i64,
    /// As recorded, before merges.
    pub endpoint: EndpointKey,
    pub version: String,
    pub signature: SignatureKey,
    pub hash: i64,
    /// The condition for whose sake alone it is kept.
    pub near: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureRow {
    pub key: RowKey,
    /// Of the request, since the Unix epoch.
    pub minute: i64,
    /// `cluster::explain::Row`, packed.
    pub cells: Vec<u8>,
}

/// A kept row with today's verdict on its pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRow {
    /// `cluster::explain::Row`, packed.
    pub cells: Vec<u8>,
    /// It is a mismatch of the cluster that was asked for.
    pub shows: bool,
    pub matches: bool,
}

impl Store {
    /// Kept rows of an endpoint as one cluster sees them, at most `limit`: a fair sample, for rows
    /// are kept by a hash.
    pub async fn judged_rows(
        &self,
        cluster: i64,
        endpoint: EndpointKey,
        limit: u32,
    ) -> Result<Vec<JudgedRow>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let select = "SELECT f.cells, COALESCE(s.matches, 0), CAST(CASE WHEN s.cluster = $1 OR EXISTS \
             (SELECT 1 FROM shares h WHERE h.signature = f.signature AND h.cluster = $1) \
             THEN 1 ELSE 0 END AS BIGINT) FROM feature_rows f \
             LEFT JOIN signatures s ON s.key = f.signature \
             WHERE f.endpoint IN (SELECT endpoint FROM {rows}) ORDER BY f.hash, f.id LIMIT $2";
        let rows = Rows::default().int("endpoint", merges.members(endpoint));
        let select = sql(select).bind(cluster).bind(i64::from(limit)).rows(rows);
        let row = |row: &Row| {
            let matches = row.truth(1)?;
            Ok(JudgedRow { cells: row.bytes(0)?, shows: !matches && row.truth(2)?, matches })
        };
        tx.fetch(select).await?.iter().map(row).collect()
    }

    /// Keys of rows whose id is greater than `after`, ascending. Ids are given before rows are
    /// committed: of several comparators an older id may appear after a newer one.
    pub async fn row_keys(&self, after: i64) -> Result<Vec<RowKey>, StoreError> {
        let select = "SELECT id, endpoint, version, signature, hash, near FROM feature_rows \
             WHERE id > $1 ORDER BY id";
        self.backend.fetch(sql(select).bind(after)).await?.iter().map(key).collect()
    }

    /// The rows with these ids that are still kept, ascending.
    pub async fn feature_rows(&self, ids: &[i64]) -> Result<Vec<FeatureRow>, StoreError> {
        let select = "SELECT f.id, f.endpoint, f.version, f.signature, f.hash, f.near, f.minute, f.cells \
             FROM {rows} JOIN feature_rows f ON f.id = r.id ORDER BY f.id";
        let rows = Rows::default().int("id", ids.iter().copied());
        let rows = self.backend.fetch(sql(select).rows(rows)).await?;
        let row = |row: &Row| {
            Ok(FeatureRow { key: key(row)?, minute: row.int(6)?, cells: row.bytes(7)? })
        };
        rows.iter().map(row).collect()
    }

    pub async fn drop_rows(&self, ids: &[i64]) -> Result<(), StoreError> {
        let delete = "DELETE FROM feature_rows WHERE id IN (SELECT id FROM {rows})";
        let rows = Rows::default().int("id", ids.iter().copied());
        self.backend.run(sql(delete).rows(rows)).await.map(drop)
    }
}

/// Pairs counted for one condition since it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionCount {
    pub condition: i64,
    /// The candidate's.
    pub version: String,
    pub since: exchange::Micros,
    /// Meet it and differ so; only meet it; only differ; neither.
    pub pairs: [u64; 4],
}

impl Store {
    pub async fn condition_counts(&self) -> Result<Vec<ConditionCount>, StoreError> {
        let select = "SELECT condition, version, since, hits, spared, missed, others \
             FROM condition_counts ORDER BY condition, version";
        let rows = self.backend.fetch(sql(select)).await?;
        let count = |row: &Row| {
            Ok(ConditionCount {
                condition: row.int(0)?,
                version: row.text(1)?,
                since: row.int(2)?,
                pairs: [row.count(3)?, row.count(4)?, row.count(5)?, row.count(6)?],
            })
        };
        rows.iter().map(count).collect()
    }
}

fn key(row: &Row) -> Result<RowKey, StoreError> {
    Ok(RowKey {
        id: row.int(0)?,
        endpoint: row.int(1)?,
        version: row.text(2)?,
        signature: row.int(3)?,
        hash: row.int(4)?,
        near: row.optional_int(5)?,
    })
}
