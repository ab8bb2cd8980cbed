//! Rechecks: what people asked to be sent again, how far it is, and what came of it.
//!
//! A recheck is `waiting` until a replayer takes it, `running` while it sends, `sent` until every
//! result is in, then `done`; or `failed`. A replayer that dies leaves it `running`: the next one
//! goes on. Results are kept once per exchange, so sending one again changes nothing.

use exchange::{ExchangeId, Micros};
use uuid::Uuid;

use crate::{
    Record, Store, StoreError,
    read::{Merges, today},
    sql::{Row, Rows, Statement, Tx, sql},
};

/// Rechecks that are kept; older ones go with their results.
const KEPT: i64 = 200;

/// One recheck. `subject` is what was asked for, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecheckRow {
    pub id: i64,
    pub subject: String,
    /// The cluster it may close.
    pub cluster: Option<i64>,
    pub state: RecheckState,
    pub asked_at: Micros,
    pub changed_at: Micros,
    /// Exchanges to be sent, and sent so far.
    pub planned: u64,
    pub sent: u64,
    /// Its outcome in a sentence, or why it failed.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecheckState {
    Waiting,
    Running,
    Sent,
    Done,
    Failed,
}

impl RecheckState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Nothing more will come.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

impl std::str::FromStr for RecheckState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Waiting, Self::Running, Self::Sent, Self::Done, Self::Failed];
        all.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// What is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecheckSubject {
    Cluster(i64),
    /// Before or after merges.
    Endpoint(i64),
    Exchange(ExchangeId),
}

/// A kept exchange that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecheckItem {
    pub exchange: ExchangeId,
    /// It matched when it was kept.
    pub control: bool,
    /// The places in which it differed: `Vec<cluster::Place>` as JSON.
    pub places: String,
}

/// What came of one exchange of a recheck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecheckResult {
    pub recheck: i64,
    pub exchange: ExchangeId,
    pub control: bool,
    pub verdict: RecheckVerdict,
    /// The candidate's build that answered.
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecheckVerdict {
    Matches,
    /// At a place where it differed before; of a control, at any place.
    Differs,
    /// Only at other places than before.
    DiffersElsewhere,
    NoAnswer,
    /// The secondary no longer answers what the primary did: the data have moved on.
    Moved,
    /// It was not sent: it is a write, or its original does not open.
    NotSent,
}

impl RecheckVerdict {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Differs => "differs",
            Self::DiffersElsewhere => "differs_elsewhere",
            Self::NoAnswer => "no_answer",
            Self::Moved => "moved",
            Self::NotSent => "not_sent",
        }
    }
}

impl std::str::FromStr for RecheckVerdict {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [
            Self::Matches,
            Self::Differs,
            Self::DiffersElsewhere,
            Self::NoAnswer,
            Self::Moved,
            Self::NotSent,
        ]
        .into_iter()
        .find(|verdict| verdict.as_str() == text)
        .ok_or(())
    }
}

/// Results of one recheck with one verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecheckCount {
    pub recheck: i64,
    pub control: bool,
    pub verdict: RecheckVerdict,
    pub exchanges: u64,
}

const COLUMNS: &str = "SELECT id, subject, cluster, state, asked_at, changed_at, planned, sent, \
     detail FROM rechecks";

impl Store {
    /// Asks for a recheck; one of the same subject that is not over is that one.
    pub async fn ask_recheck(
        &self,
        subject: &str,
        cluster: Option<i64>,
    ) -> Result<RecheckRow, StoreError> {
        let mut tx = self.backend.write().await?;
        tx.lock_table("LOCK TABLE rechecks IN SHARE ROW EXCLUSIVE MODE").await?;
        let open = sql(format!("{COLUMNS} WHERE subject = $1 AND state NOT IN ('done', 'failed')"));
        if let Some(row) = tx.first(open.bind(subject)).await? {
            return recheck(&row);
        }
        let insert = "INSERT INTO rechecks (id, subject, cluster, state, asked_at, changed_at, \
             planned, sent, detail) \
             SELECT COALESCE(MAX(id), 0) + 1, $1, $2, 'waiting', {now}, {now}, 0, 0, '' \
             FROM rechecks";
        tx.run(sql(insert).bind(subject).bind(cluster)).await?;
        forget_old(&mut tx).await?;
        let newest = sql(format!("{COLUMNS} ORDER BY id DESC LIMIT 1"));
        let row = tx.first(newest).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a recheck that is not there".into()))?;
        let asked = recheck(&row)?;
        tx.commit().await?;
        Ok(asked)
    }

    /// Newest first; of one cluster, or of all.
    pub async fn rechecks(
        &self,
        cluster: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RecheckRow>, StoreError> {
        let mut tx = self.backend.read().await?;
        let mut select = sql(format!("{COLUMNS} WHERE true"));
        if let Some(cluster) = cluster {
            select = select.and(" AND cluster = $", today(&mut tx, cluster).await?);
        }
        let rows = tx.fetch(select.and(" ORDER BY id DESC LIMIT $", i64::from(limit)));
        rows.await?.iter().map(recheck).collect()
    }

    /// The newest of exactly this subject.
    pub async fn newest_recheck(&self, subject: &str) -> Result<Option<RecheckRow>, StoreError> {
        let select = sql(format!("{COLUMNS} WHERE subject = $1 ORDER BY id DESC LIMIT 1"));
        self.backend.first(select.bind(subject)).await?.as_ref().map(recheck).transpose()
    }

    pub async fn recheck(&self, id: i64) -> Result<Option<RecheckRow>, StoreError> {
        let select = sql(format!("{COLUMNS} WHERE id = $1")).bind(id);
        self.backend.first(select).await?.as_ref().map(recheck).transpose()
    }

    /// Those that are not over, oldest first.
    pub async fn open_rechecks(&self) -> Result<Vec<RecheckRow>, StoreError> {
        let select = sql(format!("{COLUMNS} WHERE state NOT IN ('done', 'failed') ORDER BY id"));
        self.backend.fetch(select).await?.iter().map(recheck).collect()
    }

    pub async fn recheck_counts(&self, id: i64) -> Result<Vec<RecheckCount>, StoreError> {
        let select = "SELECT recheck, control, verdict, COUNT(*) FROM recheck_results \
             WHERE recheck = $1 GROUP BY recheck, control, verdict ORDER BY control, verdict";
        let rows = self.backend.fetch(sql(select).bind(id)).await?;
        let counts = rows.iter().map(|row| {
            Ok(RecheckCount {
                recheck: row.int(0)?,
                control: row.truth(1)?,
                verdict: verdict(&row.text(2)?)?,
                exchanges: row.count(3)?,
            })
        });
        counts.collect()
    }

    /// How far it is; one that is over stays as it is.
    pub async fn move_recheck(
        &self,
        id: i64,
        state: RecheckState,
        planned: u64,
        sent: u64,
        detail: &str,
    ) -> Result<(), StoreError> {
        let update = "UPDATE rechecks SET state = $2, planned = $3, sent = $4, detail = $5, \
             changed_at = {now} WHERE id = $1 AND state NOT IN ('done', 'failed')";
        let column = crate::sql::column;
        let update = sql(update).bind(id).bind(state.as_str()).bind(column(planned));
        self.backend.run(update.bind(column(sent)).bind(detail)).await?;
        Ok(())
    }

    /// Kept exchanges of a subject: the newest `most` that differ (of an exchange: that one), then
    /// the newest `most` that match at the same endpoints.
    pub async fn recheck_items(
        &self,
        subject: RecheckSubject,
        most: u32,
    ) -> Result<Vec<RecheckItem>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let select = "SELECT x.exchange, x.endpoint, s.places, COALESCE(s.matches, 0) \
             FROM samples x JOIN signatures s ON s.key = x.signature WHERE ";
        let select = match subject {
            RecheckSubject::Cluster(id) => {
                let id = today(&mut tx, id).await?;
                sql(select).and("s.matches = 0 AND COALESCE(x.home, s.cluster) = $", id)
            }
            RecheckSubject::Exchange(id) => sql(select).and("x.exchange = $", id.0),
            RecheckSubject::Endpoint(key) => sql(select)
                .then("s.matches = 0 AND x.endpoint IN (SELECT endpoint FROM {rows})")
                .rows(Rows::default().int("endpoint", merges.members(key))),
        };
        let rows = tx.fetch(newest(select, most)).await?;
        let mut items = items(&rows)?;
        let mut endpoints = std::collections::BTreeSet::new();
        for row in &rows {
            endpoints.extend(merges.members(row.int(1)?));
        }
        if let RecheckSubject::Endpoint(key) = subject {
            endpoints.extend(merges.members(key));
        }
        let select = sql("SELECT x.exchange, x.endpoint, s.places, COALESCE(s.matches, 0) \
             FROM samples x JOIN signatures s ON s.key = x.signature \
             WHERE s.matches = 1 AND x.endpoint IN (SELECT endpoint FROM {rows})")
        .rows(Rows::default().int("endpoint", endpoints));
        for item in self::items(&tx.fetch(newest(select, most)).await?)? {
            if items.iter().all(|held| held.exchange != item.exchange) {
                items.push(item);
            }
        }
        Ok(items)
    }
}

fn newest(select: Statement, most: u32) -> Statement {
    select.and(" ORDER BY x.captured_at DESC, x.exchange LIMIT $", i64::from(most))
}

fn items(rows: &[Row]) -> Result<Vec<RecheckItem>, StoreError> {
    let items = rows.iter().map(|row| {
        let control = row.truth(3)?;
        Ok(RecheckItem { exchange: exchange(row)?, control, places: row.text(2)? })
    });
    items.collect()
}

fn exchange(row: &Row) -> Result<ExchangeId, StoreError> {
    let bytes = row.bytes(0)?;
    let id = Uuid::from_slice(&bytes)
        .map_err(|_| StoreError::Corrupt(format!("an exchange id of {} bytes", bytes.len())))?;
    Ok(ExchangeId(id))
}

fn recheck(row: &Row) -> Result<RecheckRow, StoreError> {
    let state = row.text(3)?;
    Ok(RecheckRow {
        id: row.int(0)?,
        subject: row.text(1)?,
        cluster: row.optional_int(2)?,
        state: state.parse().map_err(|()| StoreError::Corrupt(format!("the word `{state}`")))?,
        asked_at: row.int(4)?,
        changed_at: row.int(5)?,
        planned: row.count(6)?,
        sent: row.count(7)?,
        detail: row.text(8)?,
    })
}

fn verdict(word: &str) -> Result<RecheckVerdict, StoreError> {
    word.parse().map_err(|()| StoreError::Corrupt(format!("the word `{word}`")))
}

async fn forget_old(tx: &mut Tx) -> Result<(), StoreError> {
    let newest = "(SELECT COALESCE(MAX(id), 0) FROM rechecks)";
    for delete in [
        format!("DELETE FROM recheck_results WHERE recheck <= {newest} - $1"),
        format!("DELETE FROM rechecks WHERE id <= {newest} - $1"),
    ] {
        tx.run(sql(delete).bind(KEPT)).await?;
    }
    Ok(())
}

/// Those of a record: the first result of an exchange stays.
pub(crate) async fn keep_results(tx: &mut Tx, record: &Record) -> Result<(), StoreError> {
    if record.rechecked.is_empty() {
        return Ok(());
    }
    let results = record.rechecked.iter();
    let rows = Rows::default()
        .int("recheck", results.clone().map(|result| result.recheck))
        .bytes("exchange", results.clone().map(|result| result.exchange.0.as_bytes().to_vec()))
        .int("control", results.clone().map(|result| i64::from(result.control)))
        .text("verdict", results.clone().map(|result| result.verdict.as_str()))
        .text("version", results.map(|result| result.version.as_str()));
    let insert = "INSERT INTO recheck_results (recheck, exchange, control, verdict, version) \
         SELECT recheck, exchange, control, verdict, version FROM {rows} WHERE true \
         ON CONFLICT DO NOTHING";
    tx.run(sql(insert).rows(rows)).await?;
    Ok(())
}
