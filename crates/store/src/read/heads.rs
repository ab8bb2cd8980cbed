//! Kept samples without their bodies, for lists.

use exchange::{ExchangeId, Micros};

use super::{
    Merges, SampleQuery,
    samples::{NEWEST_FIRST, exchange, filtered},
    today,
};
use crate::{
    SignatureKey, Store, StoreError,
    sql::{Row, Rows, Statement, sql},
    view::{line, unpack},
};

/// What a list shows of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleHead {
    pub exchange: ExchangeId,
    pub captured_at: Micros,
    /// `GET /loans/L1?page=2`, redacted.
    pub line: String,
    pub matches: bool,
    /// `cluster::explain::Row`, packed.
    pub features: Option<Vec<u8>>,
}

/// Of a sample that an older build kept, the view says which line it was.
const SELECT: &str = "SELECT x.exchange, x.captured_at, x.line, COALESCE(s.matches, 0), \
     x.features, CASE WHEN x.line IS NULL THEN x.view END \
     FROM samples x LEFT JOIN signatures s ON s.key = x.signature WHERE true";

impl Store {
    /// The newest of a query, at most its limit; its cursor is not looked at.
    pub async fn sample_heads(&self, query: &SampleQuery) -> Result<Vec<SampleHead>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut query = query.clone();
        if let Some(cluster) = query.cluster {
            query.cluster = Some(today(&mut tx, cluster).await?);
        }
        let select = filtered(sql(SELECT), &query, &merges, None);
        let rows = tx.fetch(select.and(NEWEST_FIRST, i64::from(query.limit))).await?;
        rows.iter().map(head).collect()
    }

    /// The newest of these signatures, at most `limit`, and how many are kept of them.
    pub async fn sample_heads_of(
        &self,
        signatures: &[SignatureKey],
        version: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<SampleHead>, u64), StoreError> {
        let within = |select: Statement| {
            let rows = Rows::default().int("key", signatures.iter().copied());
            let select = select.then(" AND x.signature IN (SELECT key FROM {rows})").rows(rows);
            match version {
                Some(version) => select.and(" AND x.version = $", version),
                None => select,
            }
        };
        let mut tx = self.backend.read().await?;
        let select = within(sql(SELECT)).and(NEWEST_FIRST, i64::from(limit));
        let heads = tx.fetch(select).await?.iter().map(head).collect::<Result<Vec<_>, _>>()?;
        let count = within(sql("SELECT COUNT(*) FROM samples x WHERE true"));
        let kept = tx.first(count).await?.map_or(Ok(0), |row| row.count(0))?;
        Ok((heads, kept))
    }

    /// Of these exchanges, as far as they are kept, the newest first.
    pub async fn sample_heads_at(
        &self,
        exchanges: &[ExchangeId],
    ) -> Result<Vec<SampleHead>, StoreError> {
        let ids = exchanges.iter().map(|one| one.0.as_bytes().to_vec());
        let rows = Rows::default().bytes("exchange", ids);
        let select = sql(SELECT)
            .then(" AND x.exchange IN (SELECT exchange FROM {rows})")
            .rows(rows)
            .then(" ORDER BY x.captured_at DESC, x.exchange DESC");
        self.backend.fetch(select).await?.iter().map(head).collect()
    }
}

fn head(row: &Row) -> Result<SampleHead, StoreError> {
    let line = match (row.optional_text(2)?, row.optional_bytes(5)?) {
        (Some(line), _) => line,
        (None, Some(view)) => line(&unpack(&view)?),
        (None, None) => String::new(),
    };
    Ok(SampleHead {
        exchange: exchange(&row.bytes(0)?)?,
        captured_at: row.int(1)?,
        line,
        matches: row.truth(3)?,
        features: row.optional_bytes(4)?,
    })
}
