//! `GET /api/v1/memory`: values that the sides made differently, as far as people may see them.

use exchange::control::{MEMORY_SETTING, MemoryReport};
use serde::{Deserialize, Serialize};
use store::{MemoryQuery as StoreQuery, MemoryRow, Store};

use super::{ApiError, instant};

const USUAL: u32 = 100;
const MOST: u32 = 10_000;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryQuery {
    /// `candidate` or `secondary`.
    pub side: Option<String>,
    /// A part of an entity or value.
    pub q: Option<String>,
    /// 1 to 10,000.
    pub limit: Option<u32>,
    /// `jsonl`: the ids of the candidate as a seed file, credentials and session values left out.
    pub format: Option<String>,
}

/// What is remembered, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemoryJson {
    /// Values kept in the store, of all sides.
    pub kept: u64,
    /// How the candidate's memory stands.
    #[serde(flatten)]
    pub report: MemoryReport,
    pub memory: Vec<Remembered>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    pub side: String,
    /// `loan`; `token`, `cookie:NAME`; empty for a value that is like no other.
    pub entity: String,
    /// A token where it is a credential.
    pub primary: String,
    /// `null`: the side has nothing in its place.
    pub other: Option<String>,
    /// It holds in the session it was made in alone.
    pub session_only: bool,
    pub secret: bool,
    pub updated_at: String,
}

/// One line of a seed file.
#[derive(Serialize)]
struct SeedLine<'a> {
    entity: &'a str,
    primary: &'a str,
    candidate: &'a str,
}

pub async fn memory(store: &Store, query: &MemoryQuery) -> Result<MemoryJson, ApiError> {
    let rows = store.memory_page(&page(query)?).await?;
    let report = match store.setting(MEMORY_SETTING).await? {
        Some(text) => serde_json::from_str(&text).unwrap_or_default(),
        None => MemoryReport::default(),
    };
    let kept = store.memory_size().await?;
    Ok(MemoryJson { kept, report, memory: rows.into_iter().map(remembered).collect() })
}

/// The ids of the candidate as the text of a seed file.
pub async fn memory_seed(store: &Store, query: &MemoryQuery) -> Result<String, ApiError> {
    let limit = Some(query.limit.unwrap_or(MOST));
    let side = Some("candidate".to_owned());
    let rows = store.memory_page(&page(&MemoryQuery { limit, side, ..query.clone() })?).await?;
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.everywhere && !row.secret) {
        let Some(candidate) = &row.other else { continue };
        let line = SeedLine { entity: &row.entity, primary: &row.primary, candidate };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    Ok(text)
}

fn page(query: &MemoryQuery) -> Result<StoreQuery, ApiError> {
    let limit = query.limit.unwrap_or(USUAL);
    if limit == 0 || limit > MOST {
        let problem = format!("must be from 1 to {MOST}");
        return Err(ApiError::Parameter { parameter: "limit", problem });
    }
    let known = |side: &str| ["candidate", "secondary"].contains(&side);
    if query.side.as_deref().is_some_and(|side| !known(side)) {
        let problem = "must be candidate or secondary".to_owned();
        return Err(ApiError::Parameter { parameter: "side", problem });
    }
    if query.format.as_deref().is_some_and(|format| !["json", "jsonl"].contains(&format)) {
        let problem = "must be json or jsonl".to_owned();
        return Err(ApiError::Parameter { parameter: "format", problem });
    }
    let text = query.q.clone().filter(|text| !text.is_empty());
    Ok(StoreQuery { side: query.side.clone(), text, limit })
}

fn remembered(row: MemoryRow) -> Remembered {
    Remembered {
        side: row.side,
        entity: row.entity,
        primary: row.primary,
        other: row.other,
        session_only: !row.everywhere,
        secret: row.secret,
        updated_at: instant(row.updated_at),
    }
}
