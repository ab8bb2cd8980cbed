//! Old minutes become hours, so that counters grow with signatures and not with time of day.

use crate::{Store, StoreError, sql::sql};

impl Store {
    /// Folds counters of minutes before `minute` to the first minute of their hour; sums stay as
    /// they are. Returns the rows that went. Rerunning it is harmless.
    pub async fn fold_minutes(&self, minute: i64) -> Result<u64, StoreError> {
        let mut tx = self.backend.write().await?;
        // A late pair must not land between the two statements.
        tx.lock_table("LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE").await?;
        let add = "INSERT INTO counters (signature, endpoint, version, versus, outcome, minute, \
             model, pairs, trials) \
             SELECT signature, endpoint, version, versus, outcome, minute - minute % 60, model, \
             CAST(SUM(pairs) AS BIGINT), CAST(SUM(trials) AS BIGINT) FROM counters \
             WHERE minute < $1 AND minute % 60 <> 0 \
             GROUP BY signature, endpoint, version, versus, outcome, minute - minute % 60, model \
             ON CONFLICT (signature, endpoint, version, versus, outcome, minute, model) \
             DO UPDATE SET pairs = counters.pairs + excluded.pairs, \
             trials = counters.trials + excluded.trials";
        tx.run(sql(add).bind(minute)).await?;
        let delete = "DELETE FROM counters WHERE minute < $1 AND minute % 60 <> 0";
        let folded = tx.run(sql(delete).bind(minute)).await?;
        tx.commit().await?;
        Ok(folded)
    }
}
