//! Who shares the partitions of a lane: processes that said so lately.

use std::time::Duration;

use uuid::Uuid;

use crate::{Store, StoreError, sql::sql};

impl Store {
    /// Says that `member` takes part in `lane` for `ttl` from now, by the database's clock; all
    /// who do.
    pub async fn attend(
        &self,
        lane: &str,
        member: Uuid,
        ttl: Duration,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut tx = self.backend.write().await?;
        let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX / 4);
        let upsert = "INSERT INTO members (lane, member, expires_at) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (lane, member) DO UPDATE SET expires_at = excluded.expires_at";
        tx.run(sql(upsert).bind(lane).bind(member.to_string().as_str()).bind(ttl)).await?;
        let gone = sql("DELETE FROM members WHERE lane = $1 AND expires_at <= {now}");
        tx.run(gone.bind(lane)).await?;
        let select = sql("SELECT member FROM members WHERE lane = $1 ORDER BY member").bind(lane);
        let rows = tx.fetch(select).await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                let text = row.text(0)?;
                text.parse().map_err(|_| StoreError::Corrupt(format!("a member named `{text}`")))
            })
            .collect()
    }

    /// Says that `member` goes, so that the others need not wait for its end.
    pub async fn leave(&self, lane: &str, member: Uuid) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM members WHERE lane = $1 AND member = $2");
        self.backend.run(delete.bind(lane).bind(member.to_string().as_str())).await?;
        Ok(())
    }
}
