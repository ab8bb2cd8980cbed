//! What is known of the things that the primary's answers name: written with the batch in which it
//! was learnt, read back by every comparator.

use exchange::Micros;

use crate::{
    Record, Store, StoreError,
    sql::{Row, Rows, Tx, sql},
};

/// Things kept; what was not heard of for longest goes first.
const MOST_FACTS: i64 = 100_000;
/// Rows of one answer of [`Store::facts`].
const PAGE: i64 = 20_000;

/// The last known fields of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// A keyed hash of kind and id: 16 bytes.
    pub name: Vec<u8>,
    /// Of an id that is like no other: a keyed hash of it alone.
    pub alias: Option<Vec<u8>>,
    /// `customer`
    pub kind: String,
    /// When the primary had said so.
    pub at: Micros,
    /// Packed, redacted.
    pub fields: Vec<u8>,
    /// By the database's clock; set when it is written.
    pub updated_at: Micros,
}

/// Of one thing the newest word stays.
pub(crate) async fn keep_facts(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    let mut by_name = std::collections::BTreeMap::new();
    for row in &record.facts {
        let newest = by_name.entry(&row.name).or_insert(row);
        if newest.at <= row.at {
            *newest = row;
        }
    }
    if by_name.is_empty() {
        return Ok(());
    }
    let rows = by_name.values();
    let table = Rows::default()
        .bytes("name", rows.clone().map(|row| row.name.clone()))
        .bytes("alias", rows.clone().map(|row| row.alias.clone()))
        .text("kind", rows.clone().map(|row| row.kind.as_str()))
        .int("at", rows.clone().map(|row| row.at))
        .bytes("fields", rows.map(|row| row.fields.clone()));
    let upsert = "INSERT INTO facts (name, alias, kind, at, fields, updated_at) \
         SELECT name, alias, kind, at, fields, {now} FROM {rows} WHERE true \
         ON CONFLICT (name) DO UPDATE SET alias = excluded.alias, kind = excluded.kind, \
         at = excluded.at, fields = excluded.fields, updated_at = excluded.updated_at \
         WHERE excluded.at >= facts.at";
    tx.run(sql(upsert).rows(table)).await.map(drop)
}

impl Store {
    /// What was written at or after `since`, the oldest first; the newest of many.
    pub async fn facts(&self, since: Micros) -> Result<Vec<FactRow>, StoreError> {
        let select = "SELECT name, alias, kind, at, fields, updated_at FROM facts \
             WHERE updated_at >= $1 ORDER BY updated_at DESC, name LIMIT $2";
        let rows = self.backend.fetch(sql(select).bind(since).bind(PAGE)).await?;
        rows.iter().rev().map(read).collect()
    }

    /// Forgets what is beyond the bound; for now and then.
    pub async fn forget_old_facts(&self) -> Result<(), StoreError> {
        let excess = "DELETE FROM facts WHERE updated_at < (SELECT updated_at FROM facts \
             ORDER BY updated_at DESC LIMIT 1 OFFSET $1)";
        self.backend.run(sql(excess).bind(MOST_FACTS)).await.map(drop)
    }
}

fn read(row: &Row) -> Result<FactRow, StoreError> {
    Ok(FactRow {
        name: row.bytes(0)?,
        alias: row.optional_bytes(1)?,
        kind: row.text(2)?,
        at: row.int(3)?,
        fields: row.bytes(4)?,
        updated_at: row.int(5)?,
    })
}
