//! `GET /api/v1/audit`: who changed what.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AuditRow, Store};

use super::{ApiError, instant};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditQuery {
    pub actor: Option<String>,
    /// `cluster.state`, or `cluster` for all that begin so.
    pub action: Option<String>,
    /// Words that must all occur.
    pub q: Option<String>,
    pub limit: Option<u32>,
    /// From `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    pub entries: Vec<AuditJson>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditJson {
    pub id: i64,
    pub at: String,
    pub actor: String,
    /// `local`, `login`, `token`, `proxy` or `command`.
    pub via: String,
    pub address: Option<String>,
    pub action: String,
    pub subject: String,
    pub before: Value,
    pub after: Value,
}

/// The newest first.
pub async fn audit(store: &Store, query: &AuditQuery) -> Result<Audit, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let problem = format!("must be from 1 to {MAX_LIMIT}");
        return Err(ApiError::Parameter { parameter: "limit", problem });
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let asked = store::AuditQuery {
        actor: given(&query.actor),
        action: given(&query.action),
        words: given(&query.q),
        limit,
        cursor: given(&query.cursor),
    };
    let page = store.audit(&asked).await?;
    Ok(Audit { entries: page.rows.into_iter().map(entry).collect(), next: page.next })
}

fn entry(row: AuditRow) -> AuditJson {
    let AuditRow { id, entry } = row;
    // What is no JSON is shown as it stands.
    let value = |text: Option<String>| {
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    };
    AuditJson {
        id,
        at: instant(entry.at),
        actor: entry.actor,
        via: entry.via,
        address: Some(entry.address).filter(|address| !address.is_empty()),
        action: entry.action,
        subject: entry.subject,
        before: value(entry.before),
        after: value(entry.after),
    }
}
