//! Log-ins: what a browser that logged in may go on using.

use exchange::Micros;

use crate::{Store, StoreError, sql::sql};

/// A log-in that begins.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    pub hash: &'a [u8],
    pub name: &'a str,
    pub at: Micros,
    pub expires_at: Micros,
}

/// A log-in that lasts, with its user's role as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRow {
    pub name: String,
    pub role: String,
    pub used_at: Micros,
}

impl Store {
    /// Begins a log-in in place of `instead_of`, where the browser held one.
    pub async fn log_in(
        &self,
        login: Login<'_>,
        instead_of: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let mut tx = self.backend.write().await?;
        if let Some(hash) = instead_of {
            tx.run(sql("DELETE FROM logins WHERE hash = $1").bind(hash.to_vec())).await?;
        }
        tx.run(sql("DELETE FROM logins WHERE expires_at <= $1").bind(login.at)).await?;
        let insert = sql("INSERT INTO logins (hash, name, begun_at, used_at, expires_at) \
             VALUES ($1, $2, $3, $3, $4)");
        let insert = insert.bind(login.hash.to_vec()).bind(login.name).bind(login.at);
        tx.run(insert.bind(login.expires_at)).await?;
        tx.commit().await
    }

    /// The log-in with this hash, unless it ended before `now` or was not used since `idle_since`.
    pub async fn login(
        &self,
        hash: &[u8],
        now: Micros,
        idle_since: Micros,
    ) -> Result<Option<LoginRow>, StoreError> {
        let select = sql("SELECT u.name, u.role, l.used_at FROM logins l \
             JOIN users u ON u.name = l.name \
             WHERE l.hash = $1 AND l.expires_at > $2 AND l.used_at >= $3");
        let select = select.bind(hash.to_vec()).bind(now).bind(idle_since);
        let Some(row) = self.backend.first(select).await? else { return Ok(None) };
        Ok(Some(LoginRow { name: row.text(0)?, role: row.text(1)?, used_at: row.int(2)? }))
    }

    pub async fn use_login(&self, hash: &[u8], now: Micros) -> Result<(), StoreError> {
        let update = sql("UPDATE logins SET used_at = $2 WHERE hash = $1");
        self.backend.run(update.bind(hash.to_vec()).bind(now)).await.map(drop)
    }

    pub async fn log_out(&self, hash: &[u8]) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM logins WHERE hash = $1").bind(hash.to_vec());
        self.backend.run(delete).await.map(drop)
    }
}
