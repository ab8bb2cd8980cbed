//! Several clusters at once: what is ticked in the list, and its undoing.
//!
//! Invariant: what was done is told with its undoing, also where the rest could not be done; the
//! rest stays ticked.

use axum::{extract::State, response::Redirect};
use serde::Deserialize;

use super::{back, in_days};
use crate::{
    api::{ApiError, ClusterId, StateChange, StateName, Under},
    serve::{
        Actor, App, FormBody, PageError, begin_recheck, change_state, cluster_request, undo_change,
    },
};

/// Clusters of one request: two pages of the list.
const MOST: usize = 100;

/// What the buttons say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Accept,
    Own,
    Fix,
    Recheck,
}

#[derive(Debug, PartialEq, Eq)]
struct ManyForm {
    act: Act,
    ids: Vec<ClusterId>,
    change: StateChange,
    back: String,
}

impl ManyForm {
    /// A form names a field as often as it has values.
    fn read(fields: &[(String, String)], now: i64) -> Result<Self, ApiError> {
        let field = |name: &str| {
            let found = fields.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let act = match field("act") {
            "accept" => Act::Accept,
            "own" => Act::Own,
            "fixed" => Act::Fix,
            "recheck" => Act::Recheck,
            _ => {
                let text = "say what to do with them: accept, own, fixed or recheck";
                return Err(ApiError::Request(text.to_owned()));
            }
        };
        let ids = fields.iter().filter(|(name, _)| name == "id");
        let ids: Result<Vec<ClusterId>, String> = ids.map(|(_, id)| id.parse()).collect();
        let mut ids = ids.map_err(ApiError::NotFound)?;
        ids.sort_by_key(|id| id.0);
        ids.dedup();
        if ids.is_empty() || ids.len() > MOST {
            return Err(ApiError::Request(format!("tick from 1 to {MOST} clusters")));
        }
        let text = |name: &str| Some(field(name).to_owned());
        let change = match act {
            Act::Accept => StateChange {
                state: Some(StateName::Accepted),
                reason: text("reason"),
                owner: text("answers").filter(|owner| !owner.trim().is_empty()),
                expires_at: in_days(field("days"), now)?,
                under: Some(match field("under") {
                    "anything" => Under::Anything,
                    _ => Under::Condition,
                }),
                ..StateChange::default()
            },
            Act::Own => StateChange { owner: text("owner"), ..StateChange::default() },
            Act::Fix => StateChange { state: Some(StateName::Fixed), ..StateChange::default() },
            Act::Recheck => StateChange::default(),
        };
        Ok(Self { act, ids, change, back: field("back").to_owned() })
    }
}

pub(in crate::pages) async fn act(
    State(app): State<App>,
    actor: Actor,
    FormBody(fields): FormBody<Vec<(String, String)>>,
) -> Result<Redirect, PageError> {
    let form = ManyForm::read(&fields, app.now())?;
    let mut done = Vec::new();
    let mut left = Vec::new();
    for (place, id) in form.ids.iter().enumerate() {
        match one(&app, &actor, *id, &form).await {
            Ok(change) => done.extend(change),
            Err(error) if place == 0 => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, cluster.id = %id, "of several clusters the rest is left");
                left.extend_from_slice(&form.ids[place..]);
                break;
            }
        }
    }
    Ok(Redirect::to(&back(
        &form.back,
        "/clusters",
        &[("did", &listed(&done)), ("picked", &listed(&left)), ("stayed", "")],
    )))
}

/// The change, where there is one to undo.
async fn one(
    app: &App,
    actor: &Actor,
    id: ClusterId,
    form: &ManyForm,
) -> Result<Option<i64>, ApiError> {
    if form.act == Act::Recheck {
        return begin_recheck(app, actor, &cluster_request(id)).await.map(|_| None);
    }
    let changed = change_state(app, actor, id, &form.change).await?;
    Ok(changed.map(|row| row.id))
}

#[derive(Debug, Deserialize)]
pub(in crate::pages) struct UndoForm {
    /// `12,13`
    change: String,
    #[serde(default)]
    back: String,
}

/// Takes several changes back. Clusters that somebody changed since stay, and are named.
pub(in crate::pages) async fn undo(
    State(app): State<App>,
    actor: Actor,
    FormBody(form): FormBody<UndoForm>,
) -> Result<Redirect, PageError> {
    let (mut undone, mut stayed) = (Vec::new(), Vec::new());
    let mut refusal = ApiError::Request("name the changes to undo".to_owned());
    for change in form.change.split(',').take(MOST).filter_map(|text| text.parse().ok()) {
        let Some(row) = app.store().change(change).await? else { continue };
        let id = ClusterId(row.cluster);
        match undo_change(&app, &actor, id, change).await {
            Ok(row) => undone.push(row.id),
            Err(error @ (ApiError::Request(_) | ApiError::NotFound(_))) => {
                stayed.push(id);
                refusal = error;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if undone.is_empty() {
        return Err(refusal.into());
    }
    let said = [("did", &*listed(&undone)), ("stayed", &listed(&stayed))];
    Ok(Redirect::to(&back(&form.back, "/clusters", &said)))
}

fn listed(ids: &[impl ToString]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Result<ManyForm, ApiError> {
        let owned: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ManyForm::read(&owned, 0)
    }

    #[test]
    fn each_act_changes_what_it_says_of_each_cluster_once() {
        let ids = [("id", "C-3"), ("id", "C-1"), ("id", "C-3")];
        let accepted = form(
            &[
                &ids[..],
                &[("act", "accept"), ("reason", "wording"), ("days", "30"), ("answers", "")],
            ]
            .concat(),
        )
        .unwrap();
        assert_eq!(accepted.ids, [ClusterId(1), ClusterId(3)]);
        assert_eq!(accepted.change.state, Some(StateName::Accepted));
        assert_eq!(accepted.change.owner, None, "an empty field takes nobody's cluster away");
        assert_eq!(accepted.change.expires_at.as_deref(), Some("1970-01-31T00:00:00Z"));
        let owned = form(&[&ids[..], &[("act", "own"), ("owner", "")]].concat()).unwrap();
        assert_eq!(owned.change.owner.as_deref(), Some(""), "an empty owner is nobody");
        assert_eq!(owned.change.state, None);
    }

    #[test]
    fn what_names_no_cluster_or_no_act_is_refused() {
        for fields in [
            &[("act", "fixed")][..],
            &[("id", "C-1")],
            &[("act", "delete"), ("id", "C-1")],
            &[("act", "fixed"), ("id", "C-x")],
        ] {
            assert!(form(fields).is_err(), "{fields:?}");
        }
        let many: Vec<String> = (0..=MOST).map(|id| format!("C-{id}")).collect();
        let mut fields: Vec<(&str, &str)> = many.iter().map(|id| ("id", id.as_str())).collect();
        fields.push(("act", "fixed"));
        assert!(form(&fields).is_err());
    }
}
