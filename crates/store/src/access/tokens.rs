//! Tokens of programs.

use exchange::Micros;

use crate::{
    Store, StoreError,
    sql::{Row, sql},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub name: String,
    /// `read`, `gate` or `write`.
    pub scope: String,
    pub created_at: Micros,
    pub created_by: String,
    pub expires_at: Option<Micros>,
    pub used_at: Option<Micros>,
}

const COLUMNS: &str = "SELECT name, scope, created_at, created_by, expires_at, used_at FROM tokens";

impl Store {
    /// By name, ended ones too.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        let rows = self.backend.fetch(sql(format!("{COLUMNS} ORDER BY name"))).await?;
        rows.iter().map(token).collect()
    }

    /// The token with this hash, unless it ended before `now`.
    pub async fn token(&self, hash: &[u8], now: Micros) -> Result<Option<TokenRow>, StoreError> {
        let select =
            sql(format!("{COLUMNS} WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)"));
        let row = self.backend.first(select.bind(hash.to_vec()).bind(now)).await?;
        row.as_ref().map(token).transpose()
    }

    /// False where the name is taken.
    pub async fn add_token(&self, hash: &[u8], token: &TokenRow) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO tokens \
             (name, hash, scope, created_at, created_by, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING");
        let insert = insert.bind(token.name.as_str()).bind(hash.to_vec());
        let insert = insert.bind(token.scope.as_str()).bind(token.created_at);
        let insert = insert.bind(token.created_by.as_str()).bind(token.expires_at);
        Ok(self.backend.run(insert).await? == 1)
    }

    pub async fn use_token(&self, name: &str, now: Micros) -> Result<(), StoreError> {
        let update = sql("UPDATE tokens SET used_at = $2 WHERE name = $1");
        self.backend.run(update.bind(name).bind(now)).await.map(drop)
    }

    /// False where there is no such token.
    pub async fn remove_token(&self, name: &str) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM tokens WHERE name = $1").bind(name);
        Ok(self.backend.run(delete).await? == 1)
    }
}

fn token(row: &Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        name: row.text(0)?,
        scope: row.text(1)?,
        created_at: row.int(2)?,
        created_by: row.text(3)?,
        expires_at: row.optional_int(4)?,
        used_at: row.optional_int(5)?,
    })
}
