//! Who changed what, from what to what, and when.

use exchange::Micros;

use crate::{
    Page, Store, StoreError,
    sql::{Row, Statement, sql},
};

/// One change, as it happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Micros,
    pub actor: String,
    /// `local`, `login`, `token`, `proxy` or `command`.
    pub via: String,
    /// Where the request came from; empty for commands.
    pub address: String,
    /// `cluster.state`, `user.add`, …
    pub action: String,
    pub subject: String,
    /// JSON.
    pub before: Option<String>,
    /// JSON.
    pub after: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub id: i64,
    pub entry: AuditEntry,
}

#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub actor: Option<String>,
    /// Or what it begins with, before a dot.
    pub action: Option<String>,
    /// Words that must all occur in the entry (case-insensitive).
    pub words: Option<String>,
    pub limit: u32,
    /// From [`Page::next`].
    pub cursor: Option<String>,
}

impl Store {
    pub async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO audit \
             (at, actor, via, address, action, subject, before, after, folded) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        let insert = insert.bind(entry.at).bind(entry.actor.as_str()).bind(entry.via.as_str());
        let insert = insert.bind(entry.address.as_str()).bind(entry.action.as_str());
        let insert = insert.bind(entry.subject.as_str()).bind(entry.before.as_deref());
        let insert = insert.bind(entry.after.as_deref()).bind(folded(entry).as_str());
        self.backend.run(insert).await.map(drop)
    }

    /// Newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRow>, StoreError> {
        let mut rows = self.backend.fetch(filtered(query)?).await?;
        let limit = query.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let rows = rows.iter().map(audit_row).collect::<Result<Vec<_>, _>>()?;
        let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
        Ok(Page { rows, next })
    }
}

fn filtered(query: &AuditQuery) -> Result<Statement, StoreError> {
    let mut select = sql("SELECT id, at, actor, via, address, action, subject, before, after \
         FROM audit WHERE true");
    if let Some(cursor) = &query.cursor {
        let id: i64 = cursor.parse().map_err(|_| StoreError::Cursor)?;
        select = select.and(" AND id < $", id);
    }
    if let Some(actor) = &query.actor {
        select = select.and(" AND actor = $", actor.as_str());
    }
    if let Some(action) = &query.action {
        let within = format!("{}.%", crate::sql::escaped(action));
        select = select.and(" AND (action = $", action.as_str());
        select = select.and(" OR action LIKE $", within.as_str()).then(" ESCAPE '\\')");
    }
    for word in query.words.as_deref().unwrap_or_default().split_whitespace() {
        let pattern = format!("%{}%", crate::sql::escaped(&word.to_lowercase()));
        select = select.and(" AND folded LIKE $", pattern.as_str()).then(" ESCAPE '\\'");
    }
    Ok(select.and(" ORDER BY id DESC LIMIT $", i64::from(query.limit) + 1))
}

fn folded(entry: &AuditEntry) -> String {
    let parts = [&entry.actor, &entry.address, &entry.action, &entry.subject];
    let values = [&entry.before, &entry.after].into_iter().flatten();
    let all: Vec<&str> = parts.into_iter().chain(values).map(String::as_str).collect();
    all.join(" ").to_lowercase()
}

fn audit_row(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: row.int(0)?,
        entry: AuditEntry {
            at: row.int(1)?,
            actor: row.text(2)?,
            via: row.text(3)?,
            address: row.text(4)?,
            action: row.text(5)?,
            subject: row.text(6)?,
            before: row.optional_text(7)?,
            after: row.optional_text(8)?,
        },
    })
}
