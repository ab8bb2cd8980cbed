//! Rules that users saved, and their word on volatile places.
//!
//! Times are the database's: an expiry means the same to every process. A rule that was removed
//! stays as a row, so that it can be put back.

use std::collections::BTreeMap;

use exchange::Micros;

use crate::{
    EndpointKey, SignatureKey, Store, StoreError,
    sql::{Row, sql},
};

/// What is written of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// `cluster::RouteRules` as JSON.
    pub doc: String,
    pub owner: Option<String>,
    pub reason: String,
    /// It stops applying then.
    pub expires_at: Option<Micros>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    pub id: i64,
    pub text: RuleText,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub removed_at: Option<Micros>,
}

/// A user's word on whether a place differs by nature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverruledRow {
    /// As it was when it was said, before later merges.
    pub endpoint: EndpointKey,
    /// `header` or `body`.
    pub place: String,
    pub path: String,
    /// `value`, `order` or `presence`.
    pub covers: String,
    /// `volatile` or `never`.
    pub says: String,
    pub owner: Option<String>,
    pub reason: String,
    /// Set when it is written.
    pub said_at: Micros,
}

const SELECT: &str =
    "SELECT id, doc, owner, reason, expires_at, created_at, updated_at, removed_at FROM rules";

impl Store {
    /// Every rule that was ever saved, by id.
    pub async fn rules(&self) -> Result<Vec<RuleRow>, StoreError> {
        let rows = self.backend.fetch(sql(format!("{SELECT} ORDER BY id"))).await?;
        rows.iter().map(read).collect()
    }

    /// Those that apply now, by id.
    pub async fn rules_in_force(&self) -> Result<Vec<RuleRow>, StoreError> {
        let select = format!(
            "{SELECT} WHERE removed_at IS NULL AND (expires_at IS NULL OR expires_at > {{now}}) \
             ORDER BY id"
        );
        let rows = self.backend.fetch(sql(select)).await?;
        rows.iter().map(read).collect()
    }

    pub async fn rule(&self, id: i64) -> Result<Option<RuleRow>, StoreError> {
        let select = sql(format!("{SELECT} WHERE id = $1")).bind(id);
        self.backend.first(select).await?.as_ref().map(read).transpose()
    }

    /// Saves a new rule; its id.
    pub async fn add_rule(&self, text: &RuleText) -> Result<i64, StoreError> {
        let mut tx = self.backend.write().await?;
        tx.lock_table("LOCK TABLE rules IN SHARE ROW EXCLUSIVE MODE").await?;
        let insert = sql("INSERT INTO rules (id, doc, owner, reason, expires_at, created_at, \
             updated_at) SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, {now}, {now} FROM rules \
             RETURNING id");
        let row = tx.first(bound(insert, text)).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("no id for a new rule".to_owned()))?;
        let id = row.int(0)?;
        tx.commit().await?;
        Ok(id)
    }

    /// Writes a rule anew; `false` where there is none, or it was removed.
    pub async fn change_rule(&self, id: i64, text: &RuleText) -> Result<bool, StoreError> {
        let update = sql("UPDATE rules SET doc = $1, owner = $2, reason = $3, expires_at = $4, \
             updated_at = {now} WHERE id = $5 AND removed_at IS NULL");
        Ok(self.backend.run(bound(update, text).bind(id)).await? == 1)
    }

    /// `false` where there is none, or it was removed before.
    pub async fn remove_rule(&self, id: i64) -> Result<bool, StoreError> {
        let update = sql("UPDATE rules SET removed_at = {now}, updated_at = {now} \
             WHERE id = $1 AND removed_at IS NULL");
        Ok(self.backend.run(update.bind(id)).await? == 1)
    }

    /// Puts a removed rule back; `false` where there is none such.
    pub async fn restore_rule(&self, id: i64) -> Result<bool, StoreError> {
        let update = sql("UPDATE rules SET removed_at = NULL, updated_at = {now} \
             WHERE id = $1 AND removed_at IS NOT NULL");
        Ok(self.backend.run(update.bind(id)).await? == 1)
    }

    /// The cluster of each signature that has one.
    pub async fn signature_clusters(&self) -> Result<BTreeMap<SignatureKey, i64>, StoreError> {
        let select = "SELECT key, cluster FROM signatures WHERE cluster IS NOT NULL";
        let rows = self.backend.fetch(sql(select)).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
    }

    /// What users said of places, in the order of places.
    pub async fn overruled(&self) -> Result<Vec<OverruledRow>, StoreError> {
        let select = "SELECT endpoint, place, path, covers, says, owner, reason, said_at \
             FROM overruled ORDER BY endpoint, place, path, covers";
        let rows = self.backend.fetch(sql(select)).await?;
        let rows = rows.iter().map(|row| {
            Ok(OverruledRow {
                endpoint: row.int(0)?,
                place: row.text(1)?,
                path: row.text(2)?,
                covers: row.text(3)?,
                says: row.text(4)?,
                owner: row.optional_text(5)?,
                reason: row.text(6)?,
                said_at: row.int(7)?,
            })
        });
        rows.collect()
    }

    /// Keeps a user's word on a place, in place of an earlier one.
    pub async fn overrule(&self, row: &OverruledRow) -> Result<(), StoreError> {
        let upsert = "INSERT INTO overruled \
             (endpoint, place, path, covers, says, owner, reason, said_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, {now}) \
             ON CONFLICT (endpoint, place, path, covers) DO UPDATE SET says = excluded.says, \
             owner = excluded.owner, reason = excluded.reason, said_at = excluded.said_at";
        let upsert = sql(upsert)
            .bind(row.endpoint)
            .bind(row.place.as_str())
            .bind(row.path.as_str())
            .bind(row.covers.as_str())
            .bind(row.says.as_str())
            .bind(row.owner.as_deref())
            .bind(row.reason.as_str());
        self.backend.run(upsert).await.map(drop)
    }

    /// Takes a user's word back; `false` where there is none.
    pub async fn unoverrule(
        &self,
        endpoint: EndpointKey,
        place: &str,
        path: &str,
        covers: &str,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM overruled \
             WHERE endpoint = $1 AND place = $2 AND path = $3 AND covers = $4");
        let delete = delete.bind(endpoint).bind(place).bind(path).bind(covers);
        Ok(self.backend.run(delete).await? == 1)
    }
}

fn bound(statement: crate::sql::Statement, text: &RuleText) -> crate::sql::Statement {
    statement
        .bind(text.doc.as_str())
        .bind(text.owner.as_deref())
        .bind(text.reason.as_str())
        .bind(text.expires_at)
}

fn read(row: &Row) -> Result<RuleRow, StoreError> {
    Ok(RuleRow {
        id: row.int(0)?,
        text: RuleText {
            doc: row.text(1)?,
            owner: row.optional_text(2)?,
            reason: row.text(3)?,
            expires_at: row.optional_int(4)?,
        },
        created_at: row.int(5)?,
        updated_at: row.int(6)?,
        removed_at: row.optional_int(7)?,
    })
}
