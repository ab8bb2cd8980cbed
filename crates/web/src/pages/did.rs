//! Changes that were just made: the line that says so, and takes them back.

use store::{ChangeRow, Store};

use crate::api::{ApiError, ClusterId};

/// Changes of one line.
const MOST: usize = 100;
/// Clusters that are named; more are counted.
const NAMED: usize = 6;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Did {
    /// `C-7: accepted until 2026-12-20`
    pub(crate) text: String,
    pub(crate) action: String,
    /// `12,13`
    pub(crate) change: String,
    pub(crate) may_undo: bool,
    /// This page without the news.
    pub(crate) back: String,
}

/// The changes that the URL names, where there are some; `stayed` are clusters whose changes were
/// not taken back.
pub(crate) async fn did(
    store: &Store,
    asked: &str,
    stayed: &str,
    back: String,
) -> Result<Option<Did>, ApiError> {
    let mut rows = Vec::new();
    for change in asked.split(',').take(MOST).filter_map(|text| text.parse().ok()) {
        rows.extend(store.change(change).await?);
    }
    let stayed: Vec<ClusterId> = stayed.split(',').filter_map(|id| id.parse().ok()).collect();
    Ok(line(&rows, &stayed, back))
}

fn line(rows: &[ChangeRow], stayed: &[ClusterId], back: String) -> Option<Did> {
    let first = rows.first()?;
    let mut groups: Vec<(&str, Vec<ClusterId>)> = Vec::new();
    for row in rows {
        let id = ClusterId(row.cluster);
        match groups.iter_mut().find(|(what, _)| *what == row.what) {
            Some((_, ids)) => ids.push(id),
            None => groups.push((&row.what, vec![id])),
        }
    }
    let mut parts: Vec<String> =
        groups.iter().map(|(what, ids)| format!("{}: {what}", named(ids))).collect();
    if !stayed.is_empty() {
        let verb = if stayed.len() == 1 { "was" } else { "were" };
        parts.push(format!("{} {verb} changed since and not touched", named(stayed)));
    }
    let changes: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    Some(Did {
        text: parts.join("; "),
        action: match rows {
            [_] => format!("/clusters/{}/undo", ClusterId(first.cluster)),
            _ => "/clusters/undo".to_owned(),
        },
        change: changes.join(","),
        may_undo: rows.iter().all(|row| row.undone.is_none()),
        back,
    })
}

/// `C-1, C-4 and C-7`
fn named(ids: &[ClusterId]) -> String {
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        many if many.len() > NAMED => format!("{} clusters", many.len()),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use store::{ClusterState, Said};

    use super::*;

    fn change(id: i64, cluster: i64, what: &str) -> ChangeRow {
        let said = Said {
            state: ClusterState::Open,
            owner: None,
            note: None,
            links: BTreeSet::new(),
            acceptance: None,
            fix: None,
        };
        let (before, after) = (said.clone(), said);
        let what = what.to_owned();
        ChangeRow { id, cluster, at: 0, actor: None, what, before, after, undone: None }
    }

    #[test]
    fn what_several_clusters_went_through_is_said_once() {
        let rows = [
            change(3, 1, "marked as fixed"),
            change(4, 7, "marked as fixed"),
            change(5, 9, "noted"),
        ];
        let did = line(&rows, &[ClusterId(8)], String::new()).unwrap();
        assert_eq!(
            did.text,
            "C-1 and C-7: marked as fixed; C-9: noted; C-8 was changed since and not touched"
        );
        assert_eq!((did.change.as_str(), did.action.as_str()), ("3,4,5", "/clusters/undo"));
        assert_eq!(line(&rows[..1], &[], String::new()).unwrap().action, "/clusters/C-1/undo");
        let many: Vec<ChangeRow> = (0..9).map(|id| change(id, id, "noted")).collect();
        assert_eq!(line(&many, &[], String::new()).unwrap().text, "9 clusters: noted");
    }
}
