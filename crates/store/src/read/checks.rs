//! What asking again said of differing pairs.

use std::collections::BTreeMap;

use super::{CheckCount, Merges};
use crate::{Store, StoreError, sql::sql};

impl Store {
    /// All versions.
    pub async fn checks(&self) -> Result<Vec<CheckCount>, StoreError> {
        let select = "SELECT c.endpoint, c.version, c.signature, c.finding, c.bucket, s.cluster, \
             c.pairs FROM checks c LEFT JOIN signatures s ON s.key = c.signature";
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        for row in tx.fetch(sql(select)).await? {
            let bucket = u16::try_from(row.int(4)?)
                .map_err(|_| StoreError::Corrupt("a bucket of delays out of range".to_owned()))?;
            let key = (
                merges.resolve(row.int(0)?),
                row.text(1)?,
                row.int(2)?,
                row.text(3)?,
                bucket,
                row.optional_int(5)?,
            );
            *sums.entry(key).or_default() += row.count(6)?;
        }
        let counts = sums.into_iter().map(|(key, pairs)| {
            let (endpoint, version, signature, finding, bucket, cluster) = key;
            CheckCount { endpoint, version, signature, cluster, finding, bucket, pairs }
        });
        Ok(counts.collect())
    }
}
