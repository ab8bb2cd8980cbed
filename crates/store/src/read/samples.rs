//! Kept samples, newest first, and their sealed originals.

use exchange::ExchangeId;
use uuid::Uuid;

use super::{Merges, Page, SampleQuery, SampleRow, today};
use crate::{
    EndpointKey, Store, StoreError,
    sql::{Row, Rows, Statement, sql},
    view::unpack,
};

/// Rows of one page at most.
const MOST_ROWS: u32 = 500;

const SELECT: &str = "SELECT x.exchange, x.endpoint, x.version, x.signature, \
     COALESCE(x.home, s.cluster), COALESCE(s.matches, 0), x.captured_at, x.view, x.features \
     FROM samples x LEFT JOIN signatures s ON s.key = x.signature WHERE true";

const COUNT: &str = "SELECT COUNT(*) FROM samples x LEFT JOIN signatures s ON s.key = x.signature \
     WHERE true";

pub(super) const NEWEST_FIRST: &str = " ORDER BY x.captured_at DESC, x.exchange DESC LIMIT $";

impl Store {
    /// A page of `limit` rows, at least 1 and at most 500. `endpoint` is of before or after
    /// merges; rows show the one after.
    pub async fn samples(&self, query: &SampleQuery) -> Result<Page<SampleRow>, StoreError> {
        let limit = query.limit.clamp(1, MOST_ROWS);
        let cursor = query.cursor.as_deref().map(Cursor::read).transpose()?;
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut query = query.clone();
        if let Some(cluster) = query.cluster {
            query.cluster = Some(today(&mut tx, cluster).await?);
        }
        let select = filtered(sql(SELECT), &query, &merges, cursor);
        let select = select.and(NEWEST_FIRST, i64::from(limit) + 1);
        let rows = tx.fetch(select).await?;
        let mut rows =
            rows.iter().map(|row| sample(row, &merges)).collect::<Result<Vec<_>, _>>()?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| Cursor::after(row).write());
        Ok(Page { rows, next })
    }

    /// How many are kept; `limit` and `cursor` do not matter.
    pub async fn count_samples(&self, query: &SampleQuery) -> Result<u64, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let mut query = query.clone();
        if let Some(cluster) = query.cluster {
            query.cluster = Some(today(&mut tx, cluster).await?);
        }
        let row = tx.first(filtered(sql(COUNT), &query, &merges, None)).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    pub async fn sample(&self, exchange: ExchangeId) -> Result<Option<SampleRow>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let select = sql(SELECT).and(" AND x.exchange = $", exchange.0).and(NEWEST_FIRST, 1);
        tx.first(select).await?.map(|row| sample(&row, &merges)).transpose()
    }

    /// The sealed original of a kept sample.
    pub async fn original(&self, exchange: ExchangeId) -> Result<Option<Vec<u8>>, StoreError> {
        let select = sql("SELECT original FROM samples WHERE exchange = $1").bind(exchange.0);
        self.backend.first(select).await?.map(|row| row.bytes(0)).transpose()
    }
}

/// `select` reads samples as `x` and their signatures as `s`.
pub(super) fn filtered(
    mut select: Statement,
    query: &SampleQuery,
    merges: &Merges,
    cursor: Option<Cursor>,
) -> Statement {
    if let Some(cluster) = query.cluster {
        // Its signatures first, through their index: samples of one cluster are few among all.
        select = select
            .and(" AND x.signature IN (SELECT key FROM signatures WHERE cluster = $", cluster)
            .and(" UNION SELECT signature FROM shares WHERE cluster = $", cluster)
            .and(") AND COALESCE(x.home, s.cluster) = $", cluster);
    }
    if let Some(version) = query.version.as_deref() {
        select = select.and(" AND x.version = $", version);
    }
    if let Some(matches) = query.matches {
        // What has no verdict yet is listed with what differs. The planner knows how seldom this is.
        select = select.then(match matches {
            true => " AND s.matches = 1",
            false => " AND s.matches IS DISTINCT FROM 1",
        });
    }
    if let Some(outcome) = query.outcome {
        let counted = " AND EXISTS (SELECT 1 FROM counters c WHERE c.signature = x.signature \
             AND c.endpoint = x.endpoint AND c.version = x.version AND c.versus = 'candidate' \
             AND c.outcome = $";
        select = select.and(counted, outcome.as_str()).then(")");
    }
    if let Some(endpoints) = endpoints(query) {
        let members = endpoints.into_iter().flat_map(|endpoint| merges.members(endpoint));
        let rows = Rows::default().int("endpoint", members);
        select = select.then(" AND x.endpoint IN (SELECT endpoint FROM {rows})").rows(rows);
    }
    if let Some(Cursor { captured_at, exchange }) = cursor {
        select = select
            .and(" AND (x.captured_at, x.exchange) < ($", captured_at)
            .and(", $", exchange)
            .then(")");
    }
    select
}

/// Those that fit both, where any are named.
fn endpoints(query: &SampleQuery) -> Option<Vec<EndpointKey>> {
    match (query.endpoint, &query.among) {
        (Some(one), Some(among)) => Some(among.iter().copied().filter(|key| *key == one).collect()),
        (Some(one), None) => Some(vec![one]),
        (None, among) => among.clone(),
    }
}

fn sample(row: &Row, merges: &Merges) -> Result<SampleRow, StoreError> {
    Ok(SampleRow {
        exchange: exchange(&row.bytes(0)?)?,
        endpoint: merges.resolve(row.int(1)?),
        version: row.text(2)?,
        signature: row.int(3)?,
        cluster: row.optional_int(4)?,
        matches: row.truth(5)?,
        captured_at: row.int(6)?,
        view: unpack(&row.bytes(7)?)?,
        features: row.optional_bytes(8)?,
    })
}

pub(super) fn exchange(bytes: &[u8]) -> Result<ExchangeId, StoreError> {
    let id = Uuid::from_slice(bytes)
        .map_err(|_| StoreError::Corrupt(format!("an exchange id of {} bytes", bytes.len())))?;
    Ok(ExchangeId(id))
}

/// The last row of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    captured_at: i64,
    exchange: Uuid,
}

impl Cursor {
    fn after(row: &SampleRow) -> Self {
        Self { captured_at: row.captured_at, exchange: row.exchange.0 }
    }

    fn write(self) -> String {
        format!("{:016x}{}", self.captured_at, self.exchange.simple())
    }

    fn read(text: &str) -> Result<Self, StoreError> {
        let (at, exchange) = text.split_at_checked(16).ok_or(StoreError::Cursor)?;
        let at = u64::from_str_radix(at, 16).map_err(|_| StoreError::Cursor)?;
        let exchange = Uuid::try_parse(exchange).map_err(|_| StoreError::Cursor)?;
        Ok(Self { captured_at: at.cast_signed(), exchange })
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn cursors_read_back_and_strangers_are_refused() {
        for captured_at in [0, 1_700_000_000_000_000, -5, i64::MIN] {
            let cursor = Cursor { captured_at, exchange: uuid::Uuid::now_v7() };
            assert_eq!(Cursor::read(&cursor.write()).unwrap(), cursor);
        }
        for text in ["", "abc", "ééééééééé", &"z".repeat(48), &"0".repeat(47)] {
            assert!(Cursor::read(text).is_err(), "{text}");
        }
    }
}
