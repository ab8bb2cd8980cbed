//! Failed log-ins in a row: the more, the longer the next try has to wait.

use exchange::Micros;

use crate::{Store, StoreError, sql::sql};

/// How failures at one place (an account, an address) slow down the next try.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    /// So many are free.
    pub free: i64,
    /// The first wait; each further failure doubles it.
    pub first: Micros,
    pub longest: Micros,
}

impl Throttle {
    fn wait(&self, failures: i64) -> Micros {
        match failures - self.free {
            over if over <= 0 => 0,
            over => {
                let doubled = u32::try_from(over - 1).unwrap_or(u32::MAX).min(40);
                self.first.saturating_mul(1 << doubled).min(self.longest)
            }
        }
    }
}

impl Store {
    /// Takes a try, which counts as failed until [`Self::forgive`]: tries at the same moment
    /// cannot slip through together. `Some(until)`: no try before that; this one did not count.
    pub async fn take_try(
        &self,
        place: &str,
        now: Micros,
        throttle: Throttle,
    ) -> Result<Option<Micros>, StoreError> {
        let mut tx = self.backend.write().await?;
        // Forgotten a while after the wait is over.
        let forget = sql("DELETE FROM login_failures WHERE until < $1");
        tx.run(forget.bind(now - throttle.longest)).await?;
        let first = sql("INSERT INTO login_failures (place, failures, until) VALUES ($1, 0, $2) \
             ON CONFLICT (place) DO NOTHING");
        tx.run(first.bind(place).bind(now)).await?;
        let select = sql("SELECT failures, until FROM login_failures WHERE place = $1 \
             {lock OF login_failures}");
        let row = tx.first(select.bind(place)).await?;
        let (failures, until) = match row {
            Some(row) => (row.int(0)?, row.int(1)?),
            None => (0, now),
        };
        if until > now {
            return Ok(Some(until));
        }
        let failures = failures + 1;
        let update = sql("UPDATE login_failures SET failures = $2, until = $3 WHERE place = $1");
        let until = now + throttle.wait(failures);
        tx.run(update.bind(place).bind(failures).bind(until)).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// The password was right: this try was none to be slowed down for.
    pub async fn give_try_back(&self, place: &str, now: Micros) -> Result<(), StoreError> {
        let update = sql("UPDATE login_failures SET failures = failures - 1, until = $2 \
             WHERE place = $1 AND failures > 0");
        self.backend.run(update.bind(place).bind(now)).await.map(drop)
    }

    /// As if nobody had ever tried.
    pub async fn forgive(&self, place: &str) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM login_failures WHERE place = $1").bind(place);
        self.backend.run(delete).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;

    #[test]
    fn waits_double_up_to_the_longest() {
        let throttle = Throttle { free: 3, first: 10, longest: 100 };
        let waits: Vec<_> = (1..=9).map(|failures| throttle.wait(failures)).collect();
        assert_eq!(waits, [0, 0, 0, 10, 20, 40, 80, 100, 100]);
        assert_eq!(throttle.wait(i64::MAX), 100);
    }
}
