//! What the sides made differently: sealed for replayers, shown for people.

use exchange::Micros;

use crate::{
    Store, StoreError,
    sql::{Row, Rows, sql},
};

/// Rows kept; the oldest go first.
const MOST_ROWS: i64 = 200_000;

/// One remembered value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryRow {
    /// `candidate` or `secondary`.
    pub side: String,
    /// A hash that names it: 16 bytes.
    pub name: Vec<u8>,
    pub entity: String,
    /// For people; a token where it is a credential.
    pub primary: String,
    /// `None`: the side has nothing in its place.
    pub other: Option<String>,
    pub secret: bool,
    /// In every session; else only in the one it was made in.
    pub everywhere: bool,
    pub sealed: Vec<u8>,
    /// By the database's clock; set when it is written.
    pub updated_at: Micros,
}

/// Which remembered values a page asks for.
#[derive(Clone, Debug, Default)]
pub struct MemoryQuery {
    pub side: Option<String>,
    /// A part of the entity or of a shown value.
    pub text: Option<String>,
    pub limit: u32,
}

impl Store {
    /// Keeps values; one that is known under the same name is replaced.
    pub async fn remember(&self, rows: &[MemoryRow]) -> Result<(), StoreError> {
        // The last of one name counts; a statement must not meet a row twice.
        let mut by_name = std::collections::BTreeMap::new();
        for row in rows {
            by_name.insert((&row.side, &row.name), row);
        }
        if by_name.is_empty() {
            return Ok(());
        }
        let rows = || by_name.values();
        let table = Rows::default()
            .text("side", rows().map(|row| row.side.as_str()))
            .bytes("name", rows().map(|row| row.name.clone()))
            .text("entity", rows().map(|row| row.entity.as_str()))
            .text("here", rows().map(|row| row.primary.as_str()))
            .text("there", rows().map(|row| row.other.as_deref()))
            .int("secret", rows().map(|row| i64::from(row.secret)))
            .int("everywhere", rows().map(|row| i64::from(row.everywhere)))
            .bytes("sealed", rows().map(|row| row.sealed.clone()));
        let upsert = "INSERT INTO remembered \
             (side, name, entity, here, there, secret, everywhere, sealed, updated_at) \
             SELECT side, name, entity, here, there, secret, everywhere, sealed, {now} \
             FROM {rows} WHERE true ON CONFLICT (side, name) DO UPDATE SET \
             entity = excluded.entity, here = excluded.here, there = excluded.there, \
             secret = excluded.secret, everywhere = excluded.everywhere, \
             sealed = excluded.sealed, updated_at = excluded.updated_at";
        let mut tx = self.backend.write().await?;
        tx.run(sql(upsert).rows(table)).await?;
        tx.commit().await
    }

    /// Forgets the oldest values beyond the bound; for now and then.
    pub async fn forget_excess(&self) -> Result<(), StoreError> {
        let excess = "DELETE FROM remembered WHERE updated_at < (SELECT updated_at FROM remembered \
             ORDER BY updated_at DESC LIMIT 1 OFFSET $1)";
        self.backend.run(sql(excess).bind(MOST_ROWS)).await.map(drop)
    }

    /// Values written at or after `since`, the oldest first.
    pub async fn remembered(&self, since: Micros) -> Result<Vec<MemoryRow>, StoreError> {
        let select = format!("{SELECT} WHERE updated_at >= $1 ORDER BY updated_at, side, name");
        let rows = self.backend.fetch(sql(select).bind(since)).await?;
        rows.iter().map(read).collect()
    }

    /// Values for a page, the newest first.
    pub async fn memory_page(&self, query: &MemoryQuery) -> Result<Vec<MemoryRow>, StoreError> {
        let mut select = sql(format!("{SELECT} WHERE true"));
        if let Some(side) = &query.side {
            select = select.and(" AND side = $", side.as_str());
        }
        if let Some(text) = &query.text {
            let like = format!("%{}%", text.replace(['%', '_', '\\'], ""));
            select = select
                .and(" AND (entity LIKE $", like.as_str())
                .and(" OR here LIKE $", like.as_str())
                .and(" OR there LIKE $", like.as_str())
                .then(")");
        }
        let select =
            select.then(" ORDER BY updated_at DESC, name").and(" LIMIT $", i64::from(query.limit));
        let rows = self.backend.fetch(select).await?;
        rows.iter().map(read).collect()
    }

    /// How many values are kept.
    pub async fn memory_size(&self) -> Result<u64, StoreError> {
        let row = self.backend.first(sql("SELECT COUNT(*) FROM remembered")).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    /// Whether other processes may write to this store too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.backend.is_shared()
    }
}

const SELECT: &str = "SELECT side, name, entity, here, there, secret, everywhere, sealed, \
     updated_at FROM remembered";

fn read(row: &Row) -> Result<MemoryRow, StoreError> {
    Ok(MemoryRow {
        side: row.text(0)?,
        name: row.bytes(1)?,
        entity: row.text(2)?,
        primary: row.text(3)?,
        other: row.optional_text(4)?,
        secret: row.truth(5)?,
        everywhere: row.truth(6)?,
        sealed: row.bytes(7)?,
        updated_at: row.int(8)?,
    })
}
