//! Buttons: small forms that change a state and lead back, where the change can be undone.

mod many;

pub(super) use many::{act as clusters_act, undo as clusters_undo};

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use exchange::control::Scope;
use serde::Deserialize;

use crate::{
    api::{
        self, ApiError, ClusterId, ClustersQuery, RecheckRequest, Sort, StateChange, StateName,
        Under,
    },
    serve::{
        Actor, App, FormBody, PageError, begin_recheck, change_state, cluster_request, set_paused,
        undo_change,
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct PauseForm {
    scope: Scope,
    #[serde(default)]
    back: String,
}

/// What the forms of a cluster send; each has some of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StateForm {
    state: Option<StateName>,
    owner: Option<String>,
    note: Option<String>,
    reason: Option<String>,
    under: Option<Under>,
    /// Days until an acceptance ends; empty or absent: for good.
    days: String,
    /// A ticket or a cluster to put beside it, or to take away.
    link: Option<String>,
    unlink: Option<String>,
    back: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct UndoForm {
    change: i64,
    #[serde(default)]
    back: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BackForm {
    back: String,
}

pub(super) async fn pause(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<PauseForm>,
) -> Result<Redirect, PageError> {
    set_paused(&app, &actor, form.scope, true).await?;
    Ok(Redirect::to(&back(&form.back, "/", &[])))
}

pub(super) async fn resume(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<PauseForm>,
) -> Result<Redirect, PageError> {
    set_paused(&app, &actor, form.scope, false).await?;
    Ok(Redirect::to(&back(&form.back, "/", &[])))
}

pub(super) async fn cluster_state(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<StateForm>,
) -> Result<Redirect, PageError> {
    let id: ClusterId = id.parse().map_err(ApiError::NotFound)?;
    let change = change(&app, id, &form).await?;
    let changed = change_state(&app, &actor, id, &change).await?;
    let did = changed.map(|row| row.id.to_string()).unwrap_or_default();
    Ok(Redirect::to(&back(&form.back, &format!("/clusters/{id}"), &[("did", &did)])))
}

async fn change(app: &App, id: ClusterId, form: &StateForm) -> Result<StateChange, ApiError> {
    let links = match (&form.link, &form.unlink) {
        (None, None) => None,
        (add, drop) => {
            let said = app.store().said(id.0).await?;
            let mut links = said.map(|said| said.links).unwrap_or_default();
            links.extend(add.iter().map(|link| link.trim().to_owned()));
            drop.iter().for_each(|link| _ = links.remove(link));
            Some(links.into_iter().collect())
        }
    };
    Ok(StateChange {
        state: form.state,
        owner: form.owner.clone(),
        note: form.note.clone(),
        links,
        expires_at: in_days(&form.days, app.now())?,
        reason: form.reason.clone(),
        under: form.under,
    })
}

fn in_days(days: &str, now: i64) -> Result<Option<String>, ApiError> {
    if days.is_empty() {
        return Ok(None);
    }
    let days: i64 =
        days.parse().ok().filter(|days| (1..=3_650).contains(days)).ok_or_else(|| {
            let problem = "must be from 1 to 3650, or empty".to_owned();
            ApiError::Parameter { parameter: "days", problem }
        })?;
    Ok(Some(api::instant(now + days * 86_400_000_000)))
}

pub(super) async fn cluster_undo(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<UndoForm>,
) -> Result<Redirect, PageError> {
    let id: ClusterId = id.parse().map_err(ApiError::NotFound)?;
    let undone = undo_change(&app, &actor, id, form.change).await?;
    let did = undone.id.to_string();
    Ok(Redirect::to(&back(&form.back, &format!("/clusters/{id}"), &[("did", &did)])))
}

pub(super) async fn cluster_recheck(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    FormBody(form): FormBody<BackForm>,
) -> Result<Redirect, PageError> {
    let id: ClusterId = id.parse().map_err(ApiError::NotFound)?;
    begin_recheck(&app, &actor, &cluster_request(id)).await?;
    Ok(Redirect::to(&back(&form.back, &format!("/clusters/{id}"), &[("did", "")])))
}

/// One of both.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecheckForm {
    exchange: Option<String>,
    endpoint: Option<String>,
    back: String,
}

pub(super) async fn recheck(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<RecheckForm>,
) -> Result<Redirect, PageError> {
    let RecheckForm { exchange, endpoint, back: to } = form;
    begin_recheck(&app, &actor, &RecheckRequest { exchange, endpoint, cluster: None }).await?;
    Ok(Redirect::to(&back(&to, "/exchanges", &[])))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewForm {
    version: String,
    back: String,
}

/// Clusters of one such request: their exchanges are sent to the candidate.
const MOST_RECHECKS: u32 = 50;

/// Asks for a recheck of every new cluster, largest first.
pub(super) async fn recheck_new(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<NewForm>,
) -> Result<Redirect, PageError> {
    let query = ClustersQuery {
        version: Some(form.version).filter(|version| !version.is_empty()),
        state: Some("new".to_owned()),
        sort: Some(Sort::Count),
        limit: Some(MOST_RECHECKS),
        ..ClustersQuery::default()
    };
    for cluster in api::clusters_of(&*app.ledger().await?, &query)?.clusters {
        begin_recheck(&app, &actor, &cluster_request(cluster.id)).await?;
    }
    Ok(Redirect::to(&back(&form.back, "/clusters", &[("did", "")])))
}

/// The page to go back to: one of ours, never another site. `said` replaces parameters of that
/// page, or drops them where it is empty: `did` names what was changed there, so that the page
/// says it and offers to undo it.
fn back(asked: &str, usual: &str, said: &[(&str, &str)]) -> String {
    let base = || url::Url::parse("http://pages.invalid/").ok();
    let inside = asked.starts_with('/') && !asked.starts_with("//") && !asked.contains('\\');
    let path = if inside { asked } else { usual };
    let Some(url) = base().and_then(|base| base.join(path).ok()) else { return usual.to_owned() };
    if url.host_str() != Some("pages.invalid") {
        return usual.to_owned();
    }
    let is_said = |name: &str| said.iter().any(|(own, _)| *own == name);
    let kept = url.query_pairs().filter(|(name, _)| !is_said(name));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    query.extend_pairs(said.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish().as_str() {
        "" => url.path().to_owned(),
        query => format!("{}?{query}", url.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_leads_to_these_pages_only() {
        for (asked, to) in [
            ("/clusters?state=open&did=3", "/clusters?state=open&did=7"),
            ("/pipeline", "/pipeline?did=7"),
            ("//evil.example/x", "/clusters/C-1?did=7"),
            ("https://evil.example/", "/clusters/C-1?did=7"),
            ("/\\evil.example", "/clusters/C-1?did=7"),
            ("", "/clusters/C-1?did=7"),
            ("/a\r\nset-cookie: x", "/aset-cookie:%20x?did=7"),
        ] {
            assert_eq!(back(asked, "/clusters/C-1", &[("did", "7")]), to, "{asked}");
        }
        assert_eq!(back("/x?a=%26&did=3", "/", &[("did", "")]), "/x?a=%26");
    }

    #[test]
    fn an_acceptance_ends_after_whole_days() {
        assert_eq!(in_days("", 0).unwrap(), None);
        assert_eq!(in_days("30", 0).unwrap().as_deref(), Some("1970-01-31T00:00:00Z"));
        for odd in ["0", "-1", "x", "99999999999"] {
            assert!(in_days(odd, 0).is_err(), "{odd}");
        }
    }
}
