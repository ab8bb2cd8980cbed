//! Small durable state: settings, leases, writes that have begun.

use std::{collections::BTreeSet, time::Duration};

use exchange::Number;
use uuid::Uuid;

use crate::{
    Store, StoreError, settled,
    sql::{Rows, column, sql},
};

impl Store {
    /// Notes that these writes are about to be sent; `true` per number that was neither noted nor
    /// settled before. Committed, durably, when this returns.
    pub async fn begin_writes(&self, numbers: &[Number]) -> Result<Vec<bool>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.backend.write().await?;
        let sorted: BTreeSet<Number> = numbers.iter().copied().collect();
        let rows = Rows::default()
            .int("epoch", sorted.iter().map(|number| number.epoch.0))
            .int("partition", sorted.iter().map(|number| i64::from(number.partition)))
            .int("n", sorted.iter().map(|number| column(number.n)));
        let insert = "INSERT INTO begun_writes (epoch, partition, n) \
             SELECT epoch, partition, n FROM {rows} WHERE true ON CONFLICT DO NOTHING \
             RETURNING epoch, partition, n";
        let mut fresh = BTreeSet::new();
        for row in tx.fetch(sql(insert).rows(rows)).await? {
            fresh.insert((row.int(0)?, row.int(1)?, row.int(2)?));
        }
        // Asked after the insert: a settlement that removed a note is committed by now.
        let settled = settled::settled(&mut tx, numbers).await?;
        tx.commit().await?;
        let unsent = numbers.iter().zip(settled).map(|(number, settled)| {
            let (epoch, partition) = settled::key(*number);
            // Of a number that is named twice, only the first is unsent.
            fresh.remove(&(epoch, partition, column(number.n))) && !settled
        });
        Ok(unsent.collect())
    }

    /// Takes or renews a named lease; `true` if `owner` holds it for `ttl` from now, by the
    /// database's clock.
    pub async fn lease(&self, name: &str, owner: Uuid, ttl: Duration) -> Result<bool, StoreError> {
        let take = "INSERT INTO leases (name, owner, expires_at) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, \
             expires_at = excluded.expires_at \
             WHERE leases.owner = excluded.owner OR leases.expires_at <= {now}";
        let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX / 4);
        let owner = owner.to_string();
        Ok(self.backend.run(sql(take).bind(name).bind(owner.as_str()).bind(ttl)).await? == 1)
    }

    /// Gives a lease back, so that another need not wait for its end.
    pub async fn release(&self, name: &str, owner: Uuid) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM leases WHERE name = $1 AND owner = $2");
        self.backend.run(delete.bind(name).bind(owner.to_string().as_str())).await?;
        Ok(())
    }

    /// Small durable settings by name (desired pause state, announced versions, …).
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let select = sql("SELECT value FROM settings WHERE name = $1").bind(name);
        self.backend.first(select).await?.map(|row| row.text(0)).transpose()
    }

    /// Sets what was never set; what is there stays.
    pub async fn set_setting_once(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let insert = "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO NOTHING";
        self.backend.run(sql(insert).bind(name).bind(value)).await?;
        Ok(())
    }

    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let upsert = "INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.backend.run(sql(upsert).bind(name).bind(value)).await?;
        Ok(())
    }
}
