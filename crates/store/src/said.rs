//! What people say of a cluster: state, owner, note, links, acceptance. Each change is kept whole,
//! before and after, so that it can be taken back.
//!
//! Invariant: a change and its record are one transaction, and undoing one never overwrites what
//! somebody said since.

use std::collections::BTreeSet;

use exchange::Micros;
use serde::{Deserialize, Serialize};

use crate::{
    AcceptanceRow, ClusterState, FixRow, Store, StoreError,
    gate::acceptance as upsert_acceptance,
    read::{ACCEPTANCES, acceptance},
    sql::{Row, Rows, Tx, sql},
};

/// Changes kept per cluster.
const KEPT: i64 = 200;

/// All that people say of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub state: ClusterState,
    pub owner: Option<String>,
    pub note: Option<String>,
    /// Addresses of tickets, and other clusters (`C-7`).
    pub links: BTreeSet<String>,
    pub acceptance: Option<AcceptanceRow>,
    pub fix: Option<FixRow>,
}

/// One change of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    pub id: i64,
    pub cluster: i64,
    pub at: Micros,
    pub actor: Option<String>,
    /// What was done, in words: `accepted`.
    pub what: String,
    pub before: Said,
    pub after: Said,
    /// The change that took it back.
    pub undone: Option<i64>,
}

/// What came of taking a change back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    Done(Box<ChangeRow>),
    /// There is no such change, or it was taken back already.
    Unknown,
    /// Somebody changed the cluster since.
    Superseded,
}

impl Store {
    /// `None` where there is no such cluster.
    pub async fn said(&self, cluster: i64) -> Result<Option<Said>, StoreError> {
        let mut tx = self.backend.read().await?;
        read(&mut tx, cluster).await
    }

    /// Replaces what is said of a cluster; `None` where that changes nothing, or there is none.
    pub async fn say(
        &self,
        cluster: i64,
        actor: Option<&str>,
        what: &str,
        after: &Said,
    ) -> Result<Option<ChangeRow>, StoreError> {
        let mut tx = self.backend.write().await?;
        lock(&mut tx, cluster).await?;
        let Some(before) = read(&mut tx, cluster).await? else { return Ok(None) };
        if before == *after {
            return Ok(None);
        }
        write(&mut tx, cluster, after).await?;
        let change = keep(&mut tx, cluster, actor, what, (&before, after)).await?;
        tx.commit().await?;
        Ok(Some(change))
    }

    /// Takes a change back, unless the cluster was changed since.
    pub async fn undo(&self, change: i64, actor: Option<&str>) -> Result<Undo, StoreError> {
        let mut tx = self.backend.write().await?;
        let select = sql(format!("{CHANGES} WHERE id = $1 AND undone IS NULL")).bind(change);
        let Some(row) = tx.first(select).await? else { return Ok(Undo::Unknown) };
        let row = read_change(&row)?;
        lock(&mut tx, row.cluster).await?;
        let now = read(&mut tx, row.cluster).await?;
        if now.as_ref() != Some(&row.after) {
            return Ok(Undo::Superseded);
        }
        write(&mut tx, row.cluster, &row.before).await?;
        let what = format!("undid: {}", row.what);
        let done = keep(&mut tx, row.cluster, actor, &what, (&row.after, &row.before)).await?;
        let update = sql("UPDATE cluster_changes SET undone = $2 WHERE id = $1");
        tx.run(update.bind(change).bind(done.id)).await?;
        tx.commit().await?;
        Ok(Undo::Done(Box::new(done)))
    }

    /// Newest first; of one cluster, or of all.
    pub async fn changes(
        &self,
        cluster: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        let mut select = sql(format!("{CHANGES} WHERE true"));
        if let Some(cluster) = cluster {
            select = select.and(" AND cluster = $", cluster);
        }
        let rows = self.backend.fetch(select.and(" ORDER BY id DESC LIMIT $", i64::from(limit)));
        rows.await?.iter().map(read_change).collect()
    }

    pub async fn change(&self, id: i64) -> Result<Option<ChangeRow>, StoreError> {
        let select = sql(format!("{CHANGES} WHERE id = $1")).bind(id);
        self.backend.fetch(select).await?.first().map(read_change).transpose()
    }

    /// All links, by cluster.
    pub async fn cluster_links(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let select = "SELECT cluster, target FROM cluster_links ORDER BY cluster, target";
        let rows = self.backend.fetch(sql(select)).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
    }
}

const CHANGES: &str =
    "SELECT id, cluster, at, actor, what, before, after, undone FROM cluster_changes";

fn read_change(row: &Row) -> Result<ChangeRow, StoreError> {
    let said = |text: String| serde_json::from_str(&text).map_err(StoreError::corrupt);
    Ok(ChangeRow {
        id: row.int(0)?,
        cluster: row.int(1)?,
        at: row.int(2)?,
        actor: row.optional_text(3)?,
        what: row.text(4)?,
        before: said(row.text(5)?)?,
        after: said(row.text(6)?)?,
        undone: row.optional_int(7)?,
    })
}

async fn lock(tx: &mut Tx, cluster: i64) -> Result<(), StoreError> {
    let lock = sql("SELECT c.id FROM clusters c WHERE c.id = $1 {lock OF c}").bind(cluster);
    tx.fetch(lock).await?;
    Ok(())
}

async fn read(tx: &mut Tx, cluster: i64) -> Result<Option<Said>, StoreError> {
    let select = sql("SELECT state, owner, note FROM clusters WHERE id = $1").bind(cluster);
    let Some(row) = tx.first(select).await? else { return Ok(None) };
    let state = row.text(0)?;
    let links = "SELECT target FROM cluster_links WHERE cluster = $1 ORDER BY target";
    let links = tx.fetch(sql(links).bind(cluster)).await?;
    let accepted = sql(format!("{ACCEPTANCES} WHERE cluster = $1")).bind(cluster);
    let accepted = tx.first(accepted).await?;
    let fix = sql("SELECT fixed_at, reason FROM fixes WHERE cluster = $1").bind(cluster);
    let fix = tx.first(fix).await?;
    Ok(Some(Said {
        state: state.parse().map_err(|()| StoreError::Corrupt(format!("the state `{state}`")))?,
        owner: row.optional_text(1)?,
        note: row.optional_text(2)?,
        links: links.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?,
        acceptance: accepted.as_ref().map(acceptance).transpose()?,
        fix: match fix {
            None => None,
            Some(row) => Some(FixRow { fixed_at: row.int(0)?, reason: row.text(1)? }),
        },
    }))
}

async fn write(tx: &mut Tx, cluster: i64, said: &Said) -> Result<(), StoreError> {
    let update = sql("UPDATE clusters SET state = $2, owner = $3, note = $4 WHERE id = $1");
    let update = update.bind(cluster).bind(said.state.as_str());
    tx.run(update.bind(said.owner.as_deref()).bind(said.note.as_deref())).await?;
    let target = || Rows::default().text("target", said.links.iter().map(String::as_str));
    let drop = "DELETE FROM cluster_links WHERE cluster = $1 \
         AND target NOT IN (SELECT target FROM {rows})";
    tx.run(sql(drop).bind(cluster).rows(target())).await?;
    let add = "INSERT INTO cluster_links (cluster, target, added_at) \
         SELECT $1, target, {now} FROM {rows} WHERE true ON CONFLICT DO NOTHING";
    tx.run(sql(add).bind(cluster).rows(target())).await?;
    match &said.acceptance {
        Some(row) => tx.run(upsert_acceptance(row)).await?,
        None => tx.run(sql("DELETE FROM acceptances WHERE cluster = $1").bind(cluster)).await?,
    };
    let Some(fix) = &said.fix else {
        tx.run(sql("DELETE FROM fixes WHERE cluster = $1").bind(cluster)).await?;
        return Ok(());
    };
    let upsert = "INSERT INTO fixes (cluster, fixed_at, reason) VALUES ($1, $2, $3) \
         ON CONFLICT (cluster) DO UPDATE SET fixed_at = excluded.fixed_at, reason = excluded.reason";
    tx.run(sql(upsert).bind(cluster).bind(fix.fixed_at).bind(fix.reason.as_str())).await?;
    Ok(())
}

async fn keep(
    tx: &mut Tx,
    cluster: i64,
    actor: Option<&str>,
    what: &str,
    (before, after): (&Said, &Said),
) -> Result<ChangeRow, StoreError> {
    tx.lock_table("LOCK TABLE cluster_changes IN SHARE ROW EXCLUSIVE MODE").await?;
    let json = |said: &Said| serde_json::to_string(said).map_err(StoreError::corrupt);
    let insert = "INSERT INTO cluster_changes (id, cluster, at, actor, what, before, after) \
         SELECT COALESCE(MAX(id), 0) + 1, $1, {now}, $2, $3, $4, $5 FROM cluster_changes";
    let insert = sql(insert).bind(cluster).bind(actor).bind(what);
    tx.run(insert.bind(json(before)?.as_str()).bind(json(after)?.as_str())).await?;
    let forget = "DELETE FROM cluster_changes WHERE cluster = $1 AND id NOT IN \
         (SELECT id FROM cluster_changes WHERE cluster = $1 ORDER BY id DESC LIMIT $2)";
    tx.run(sql(forget).bind(cluster).bind(KEPT)).await?;
    let row = tx.first(sql(format!("{CHANGES} ORDER BY id DESC LIMIT 1"))).await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("a change that is not there".to_owned()))?;
    read_change(&row)
}
