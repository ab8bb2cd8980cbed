//! `/api/v1/rechecks`: kept exchanges sent to the candidate again, on request.

use serde::{Deserialize, Serialize};
use store::{RecheckCount, RecheckRow, RecheckVerdict, Store};

use super::{ApiError, ClusterId, instant};
use crate::ledger::Ledger;

const LISTED: u32 = 50;

/// The body of `POST /api/v1/rechecks`: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecheckRequest {
    /// `C-7`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// `GET /loans/{id}`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of a kept exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rechecks {
    pub rechecks: Vec<Recheck>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recheck {
    pub id: i64,
    /// What was asked for, as it was asked.
    pub subject: RecheckRequest,
    /// `waiting`, `running`, `sent`, `done` or `failed`.
    pub state: String,
    pub asked_at: String,
    pub changed_at: String,
    /// Exchanges to be sent, and sent so far; those that matched before are among them.
    pub planned: u64,
    pub sent: u64,
    /// Exchanges that differed when they were kept.
    pub differed: RecheckSide,
    /// Exchanges that matched when they were kept.
    pub control: RecheckSide,
    /// The outcome in a sentence, or why it failed; empty before.
    pub outcome: String,
}

/// Results by what they say now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecheckSide {
    pub matches: u64,
    pub differs: u64,
    /// Only at other places than before.
    pub differs_elsewhere: u64,
    pub no_answer: u64,
    /// The secondary says that the data have moved on.
    pub moved: u64,
    pub not_sent: u64,
}

impl RecheckRequest {
    /// What the store keeps of it, and the cluster it may close.
    fn stored(&self, ledger: &Ledger) -> Result<(serde_json::Value, Option<i64>), ApiError> {
        let wrong = |parameter, problem: String| ApiError::Parameter { parameter, problem };
        match (&self.cluster, &self.endpoint, &self.exchange) {
            (Some(id), None, None) => {
                let id: ClusterId = id.parse().map_err(|problem| wrong("cluster", problem))?;
                if !ledger.clusters.iter().any(|row| row.id == id.0) {
                    return Err(ApiError::NotFound(format!("there is no cluster {id}")));
                }
                Ok((serde_json::json!({ "cluster": id.0 }), Some(id.0)))
            }
            (None, Some(name), None) => {
                let key = ledger.endpoint_named(name).ok_or_else(|| {
                    ApiError::NotFound(format!(
                        "there is no endpoint `{name}`; /api/v1/endpoints lists them"
                    ))
                })?;
                Ok((serde_json::json!({ "endpoint": key }), None))
            }
            (None, None, Some(id)) => {
                let id: exchange::ExchangeId =
                    id.parse().map_err(|_| wrong("exchange", format!("`{id}` is no UUID")))?;
                Ok((serde_json::json!({ "exchange": id.to_string() }), None))
            }
            _ => Err(ApiError::Request(
                "name one of `cluster`, `endpoint` and `exchange`".to_owned(),
            )),
        }
    }

    /// What the store kept, as it was asked.
    fn read(ledger: &Ledger, subject: &str) -> Self {
        let parsed: serde_json::Value = serde_json::from_str(subject).unwrap_or_default();
        Self {
            cluster: parsed["cluster"].as_i64().map(|id| ClusterId(id).to_string()),
            endpoint: parsed["endpoint"].as_i64().map(|key| ledger.name(key)),
            exchange: parsed["exchange"].as_str().map(str::to_owned),
        }
    }
}

impl RecheckSide {
    fn of(counts: &[RecheckCount], control: bool) -> Self {
        let mut side = Self::default();
        for count in counts.iter().filter(|count| count.control == control) {
            let term = match count.verdict {
                RecheckVerdict::Matches => &mut side.matches,
                RecheckVerdict::Differs => &mut side.differs,
                RecheckVerdict::DiffersElsewhere => &mut side.differs_elsewhere,
                RecheckVerdict::NoAnswer => &mut side.no_answer,
                RecheckVerdict::Moved => &mut side.moved,
                RecheckVerdict::NotSent => &mut side.not_sent,
            };
            *term += count.exchanges;
        }
        side
    }
}

/// Asks for a recheck, or gives the one of the same subject that is under way.
pub async fn ask_recheck(store: &Store, request: &RecheckRequest) -> Result<Recheck, ApiError> {
    let ledger = Ledger::described(store).await?;
    let (subject, cluster) = request.stored(&ledger)?;
    if let Some(id) = &request.exchange
        && let Ok(id) = id.parse()
        && store.sample(id).await?.is_none()
    {
        let text = format!("exchange {id} is not kept: samples are, the rest is counted");
        return Err(ApiError::NotFound(text));
    }
    let row = store.ask_recheck(&subject.to_string(), cluster).await?;
    of_row(store, &ledger, &row).await
}

/// Newest first; of one cluster, or of all.
pub async fn rechecks(store: &Store, cluster: Option<ClusterId>) -> Result<Rechecks, ApiError> {
    let ledger = Ledger::described(store).await?;
    let mut rechecks = Vec::new();
    for row in store.rechecks(cluster.map(|id| id.0), LISTED).await? {
        rechecks.push(of_row(store, &ledger, &row).await?);
    }
    Ok(Rechecks { rechecks })
}

/// The newest of what a page shows; `None` where there was none, or nothing of that name.
pub(crate) async fn newest_recheck(
    store: &Store,
    ledger: &Ledger,
    request: &RecheckRequest,
) -> Result<Option<Recheck>, ApiError> {
    let row = match request.stored(ledger) {
        // Also that of a cluster that became this one.
        Ok((_, Some(cluster))) => store.rechecks(Some(cluster), 1).await?.into_iter().next(),
        Ok((subject, None)) => store.newest_recheck(&subject.to_string()).await?,
        Err(_) => None,
    };
    match row {
        Some(row) => of_row(store, ledger, &row).await.map(Some),
        None => Ok(None),
    }
}

pub async fn recheck(store: &Store, id: i64) -> Result<Recheck, ApiError> {
    let row = store.recheck(id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound(format!("there is no recheck {id}")))?;
    of_row(store, &Ledger::described(store).await?, &row).await
}

async fn of_row(store: &Store, ledger: &Ledger, row: &RecheckRow) -> Result<Recheck, ApiError> {
    let counts = store.recheck_counts(row.id).await?;
    Ok(Recheck {
        id: row.id,
        subject: RecheckRequest::read(ledger, &row.subject),
        state: row.state.as_str().to_owned(),
        asked_at: instant(row.asked_at),
        changed_at: instant(row.changed_at),
        planned: row.planned,
        sent: row.sent,
        differed: RecheckSide::of(&counts, false),
        control: RecheckSide::of(&counts, true),
        outcome: row.detail.clone(),
    })
}

impl Recheck {
    /// Nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "done" | "failed")
    }

    /// How it stands, in a sentence for pages.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.state.as_str() {
            "waiting" => "waits for a replayer".to_owned(),
            "running" => format!("{} of {} exchanges sent", self.sent, self.planned),
            "sent" => format!("all {} exchanges sent, the last are compared", self.sent),
            "failed" => format!("not possible: {}", self.outcome),
            _ => self.outcome.clone(),
        }
    }
}
