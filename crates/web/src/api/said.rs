//! What people say of a cluster: `POST /api/v1/clusters/{id}/state`, `…/undo`, `…/history`.
//!
//! Invariant: a change is kept with what was before it, so that each can be taken back.

use serde::{Deserialize, Serialize};
use store::{AcceptanceRow, ChangeRow, ClusterRow, ClusterState, FixRow, Said, Store, Undo};

use super::{ApiError, Cluster, ClusterId, clusters::condition_of, instant};
use crate::ledger::Ledger;

/// Letters of one text that people write.
const MOST_LETTERS: usize = 4_000;
const MOST_LINKS: usize = 50;
/// Changes of one answer.
const LISTED: u32 = 50;

/// The body of `POST /api/v1/clusters/{id}/state`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateChange {
    pub state: Option<StateName>,
    /// An empty text removes it; so with the note.
    pub owner: Option<String>,
    pub note: Option<String>,
    /// All of them: addresses of tickets (http or https), and other clusters (`C-7`).
    pub links: Option<Vec<String>>,
    /// Of `accepted`: a date or an instant (RFC 3339); one that is past ends it at once. Absent:
    /// for good.
    pub expires_at: Option<String>,
    /// Of `accepted`: why.
    pub reason: Option<String>,
    /// Of `accepted`: only while today's condition describes the cluster, or whatever it is.
    pub under: Option<Under>,
}

/// What a person may say of a cluster; new, known and regressed follow from what is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    Open,
    Accepted,
    Fixed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Under {
    #[default]
    Condition,
    Anything,
}

/// The cluster after a change; `change` can be given to `…/undo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    #[serde(flatten)]
    pub cluster: Cluster,
    /// `None`: everything was so already.
    pub change: Option<i64>,
}

/// The body of `POST /api/v1/clusters/{id}/undo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    pub change: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Newest first.
    pub changes: Vec<HistoryEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub id: i64,
    pub at: String,
    pub actor: Option<String>,
    /// `accepted until 2026-12-20`
    pub what: String,
    /// The change that took it back.
    pub undone: Option<i64>,
}

impl StateChange {
    /// The end of an acceptance in µs; a date means its first moment in UTC.
    fn expiry(&self) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.expires_at.as_deref().map(str::trim).filter(|t| !t.is_empty()) else {
            return Ok(None);
        };
        let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let day: jiff::civil::Date = text.parse().ok()?;
            Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        });
        instant.map(|instant| Some(instant.as_microsecond())).ok_or_else(|| ApiError::Parameter {
            parameter: "expires_at",
            problem: format!("`{text}` is no time; write 2026-12-31 or 2026-12-31T18:00:00Z"),
        })
    }

    /// What is said after this change.
    fn apply(&self, before: &Said, row: &ClusterRow, now: i64) -> Result<Said, ApiError> {
        let mut said = before.clone();
        replace(&mut said.owner, "owner", self.owner.as_deref())?;
        replace(&mut said.note, "note", self.note.as_deref())?;
        let mut reason = None;
        replace(&mut reason, "reason", self.reason.as_deref())?;
        let expires_at = self.expiry()?;
        match self.state {
            None => {}
            Some(StateName::Open) => {
                (said.state, said.acceptance, said.fix) = (ClusterState::Open, None, None);
            }
            Some(StateName::Fixed) => {
                let by_hand = FixRow { fixed_at: now, reason: "by hand".to_owned() };
                said.fix = before.fix.clone().or(Some(by_hand));
                (said.state, said.acceptance) = (ClusterState::Fixed, None);
            }
            Some(StateName::Accepted) => {
                let condition = match self.under.unwrap_or_default() {
                    Under::Condition => condition_of(row),
                    Under::Anything => None,
                };
                let owner = said.owner.clone();
                let (cluster, accepted_at) = (row.id, now);
                let accepted =
                    AcceptanceRow { cluster, condition, accepted_at, expires_at, reason, owner };
                (said.state, said.acceptance, said.fix) =
                    (ClusterState::Accepted, Some(accepted), None);
            }
        }
        if let Some(links) = &self.links {
            said.links = links
                .iter()
                .map(|link| link.trim())
                .filter(|link| !link.is_empty())
                .map(str::to_owned)
                .collect();
        }
        Ok(said)
    }
}

fn replace(
    place: &mut Option<String>,
    parameter: &'static str,
    text: Option<&str>,
) -> Result<(), ApiError> {
    let Some(text) = text.map(str::trim) else { return Ok(()) };
    if text.chars().count() > MOST_LETTERS {
        let problem = format!("is longer than {MOST_LETTERS} letters");
        return Err(ApiError::Parameter { parameter, problem });
    }
    *place = Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(())
}

/// Whether each link leads somewhere: a web address, or a cluster that is there.
fn check_links(ledger: &Ledger, own: ClusterId, said: &Said) -> Result<(), ApiError> {
    let wrong = |problem: String| ApiError::Parameter { parameter: "links", problem };
    if said.links.len() > MOST_LINKS {
        return Err(wrong(format!("are more than {MOST_LINKS}")));
    }
    for link in &said.links {
        match link.parse::<ClusterId>() {
            Ok(id) if id == own => return Err(wrong(format!("{id} is this cluster itself"))),
            Ok(id) if ledger.clusters.iter().any(|row| row.id == id.0) => {}
            Ok(id) => return Err(wrong(format!("there is no cluster {id}"))),
            Err(_) if is_web_address(link) => {}
            Err(_) => {
                let text = format!("`{link}` is no address; write https://… or a cluster (C-7)");
                return Err(wrong(text));
            }
        }
    }
    Ok(())
}

pub(crate) fn is_web_address(text: &str) -> bool {
    text.chars().count() <= MOST_LETTERS
        && url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty()
        })
}

/// Changes what is said of a cluster.
pub(crate) async fn change_state(
    store: &Store,
    id: ClusterId,
    change: &StateChange,
    actor: Option<&str>,
) -> Result<Option<ChangeRow>, ApiError> {
    let missing = || ApiError::NotFound(format!("there is no cluster {id}"));
    let (row, _) = store.cluster(id.0).await?.ok_or_else(missing)?;
    let before = store.said(id.0).await?.ok_or_else(missing)?;
    let after = change.apply(&before, &row, jiff::Timestamp::now().as_microsecond())?;
    if after.links != before.links {
        check_links(&Ledger::described(store).await?, id, &after)?;
    }
    let what = words(&before, &after);
    let changed = store.say(id.0, actor, &what, &after).await?;
    tracing::info!(cluster.id = %id, cluster.change = %what, "somebody spoke of a cluster");
    Ok(changed)
}

/// Takes a change of this cluster back.
pub(crate) async fn undo(
    store: &Store,
    id: ClusterId,
    change: i64,
    actor: Option<&str>,
) -> Result<ChangeRow, ApiError> {
    let unknown = || ApiError::NotFound(format!("{id} has no change {change} to undo"));
    let row = store.change(change).await?.filter(|row| row.cluster == id.0);
    row.ok_or_else(unknown)?;
    match store.undo(change, actor).await? {
        Undo::Done(row) => Ok(*row),
        Undo::Unknown => Err(unknown()),
        Undo::Superseded => {
            Err(ApiError::Request(format!("{id} was changed since; open it and change it by hand")))
        }
    }
}

pub(crate) async fn history(store: &Store, id: ClusterId) -> Result<History, ApiError> {
    if store.said(id.0).await?.is_none() {
        return Err(ApiError::NotFound(format!("there is no cluster {id}")));
    }
    let entry = |row: ChangeRow| HistoryEntry {
        id: row.id,
        at: instant(row.at),
        actor: row.actor,
        what: row.what,
        undone: row.undone,
    };
    let changes = store.changes(Some(id.0), LISTED).await?;
    Ok(History { changes: changes.into_iter().map(entry).collect() })
}

/// `accepted until 2026-12-20`, `owned by Mara`: what a change did.
fn words(before: &Said, after: &Said) -> String {
    let mut parts = Vec::new();
    if before.state != after.state || before.acceptance != after.acceptance {
        parts.push(match (after.state, &after.acceptance) {
            (ClusterState::Accepted, Some(accepted)) => accepted_words(accepted),
            (ClusterState::Fixed, _) => "marked as fixed".to_owned(),
            _ => "opened again".to_owned(),
        });
    }
    if before.owner != after.owner {
        parts.push(match &after.owner {
            Some(owner) => format!("owned by {owner}"),
            None => "owned by nobody".to_owned(),
        });
    }
    if before.note != after.note {
        parts.push(if after.note.is_some() { "noted" } else { "note removed" }.to_owned());
    }
    parts.extend(after.links.difference(&before.links).map(|link| format!("linked {link}")));
    parts.extend(before.links.difference(&after.links).map(|link| format!("unlinked {link}")));
    if parts.is_empty() { "unchanged".to_owned() } else { parts.join(", ") }
}

fn accepted_words(accepted: &AcceptanceRow) -> String {
    let until = accepted.expires_at.map_or_else(String::new, |end| {
        format!(" until {}", instant(end).get(..10).unwrap_or_default())
    });
    let under = if accepted.condition.is_some() { " under its condition" } else { "" };
    format!("accepted{under}{until}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        Said {
            state: ClusterState::Open,
            owner: None,
            note: None,
            links: [].into(),
            acceptance: None,
            fix: None,
        }
    }

    fn row() -> ClusterRow {
        ClusterRow {
            id: 7,
            fingerprint: "f".into(),
            endpoint: 1,
            state: ClusterState::Open,
            owner: None,
            note: None,
            first_seen: 0,
            doc: "{}".into(),
            words: String::new(),
        }
    }

    #[test]
    fn a_change_says_what_it_did() {
        let accept = StateChange {
            state: Some(StateName::Accepted),
            owner: Some(" Mara ".into()),
            reason: Some("wording".into()),
            expires_at: Some("2099-12-20".into()),
            ..StateChange::default()
        };
        let after = accept.apply(&said(), &row(), 5).unwrap();
        assert_eq!(words(&said(), &after), "accepted until 2099-12-20, owned by Mara");
        let accepted = after.acceptance.as_ref().unwrap();
        assert_eq!(
            (accepted.reason.as_deref(), accepted.owner.as_deref()),
            (Some("wording"), Some("Mara"))
        );
        let open = StateChange { state: Some(StateName::Open), ..StateChange::default() };
        let opened = open.apply(&after, &row(), 6).unwrap();
        assert_eq!(words(&after, &opened), "opened again");
        assert_eq!(opened.acceptance, None);
        let links =
            StateChange { links: Some(vec!["C-3".into(), " ".into()]), ..StateChange::default() };
        let linked = links.apply(&opened, &row(), 7).unwrap();
        assert_eq!(words(&opened, &linked), "linked C-3");
        assert_eq!(words(&linked, &linked), "unchanged");
    }

    #[test]
    fn links_lead_to_the_web() {
        for (text, fine) in [
            ("https://tickets.example/7", true),
            ("http://t/1?x=2", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("//tickets.example", false),
            ("https://user@evil.example", false),
            ("ticket 7", false),
        ] {
            assert_eq!(is_web_address(text), fine, "{text}");
        }
    }
}
