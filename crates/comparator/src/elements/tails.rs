//! Lists that differ in where they end: what one side has beyond the end of the other says
//! something about the length of lists (a page size, a limit), nothing about those elements.

use std::collections::{BTreeMap, BTreeSet};

use diff::{Change, Kind};
use serde_json::Value;

/// Elements that one list lacks at its end, from which on it is cut rather than incomplete.
const SEVERAL: usize = 2;

/// Places (`Change::path`) of the elements beyond the end of the other side's list, where lists
/// differ in nothing but that. `body` is the primary's.
pub(super) fn beyond_the_end<'a>(
    changes: impl Iterator<Item = &'a Change>,
    body: &[u8],
) -> BTreeSet<&'a str> {
    let mut lists: BTreeMap<&str, Vec<(usize, &Change)>> = BTreeMap::new();
    for change in changes {
        let own = matches!(change.kind, Kind::Added | Kind::Removed);
        let Some((list, at)) = change.path.rsplit_once('/') else { continue };
        if let Some(at) = at.parse().ok().filter(|_| own && change.general.ends_with("/*")) {
            lists.entry(list).or_default().push((at, change));
        }
    }
    if lists.is_empty() {
        return BTreeSet::new();
    }
    let Ok(primary) = serde_json::from_slice::<Value>(body) else { return BTreeSet::new() };
    let cut = lists.into_iter().filter_map(|(list, mut ends)| {
        ends.sort_by_key(|(at, _)| *at);
        let length = list_of(&primary, list, &ends)?.len();
        is_tail(&ends, length).then_some(ends)
    });
    cut.flatten().map(|(_, change)| change.path.as_str()).collect()
}

/// The primary's list that goes with a list of changes.
fn list_of<'v>(
    primary: &'v Value,
    list: &str,
    ends: &[(usize, &Change)],
) -> Option<&'v Vec<Value>> {
    let left = ends.first().and_then(|(_, change)| change.left_path.as_deref());
    let place = left.and_then(|path| Some(path.rsplit_once('/')?.0)).unwrap_or(list);
    primary.pointer(place)?.as_array()
}

/// Whether changes are all that is beyond the end of the other side's list.
fn is_tail(ends: &[(usize, &Change)], length: usize) -> bool {
    let kinds: BTreeSet<bool> = ends.iter().map(|(_, c)| c.kind == Kind::Added).collect();
    let runs = ends.windows(2).all(|two| matches!(two, [(a, _), (b, _)] if a + 1 == *b));
    let (Some((first, _)), Some((last, _)), true) = (ends.first(), ends.last(), runs) else {
        return false;
    };
    match kinds.first() {
        _ if kinds.len() > 1 => false,
        Some(true) => *first == length && length > 0,
        // One that is not there is as likely missing; a list without any is not cut.
        _ => last + 1 == length && *first > 0 && ends.len() >= SEVERAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(json: &str) -> diff::Document<'_> {
        diff::Document { content_type: Some("application/json"), bytes: json.as_bytes() }
    }

    fn tails(left: &str, right: &str) -> Vec<String> {
        let rules = diff::Rules::compile(&[]).unwrap();
        let (one, other) = (document(left), document(right));
        let changes = diff::diff(one, other, &rules, &diff::Budget::default()).changes;
        let tails = beyond_the_end(changes.iter(), left.as_bytes());
        tails.into_iter().map(str::to_owned).collect()
    }

    fn list(ids: impl IntoIterator<Item = u64>) -> String {
        let items: Vec<String> = ids.into_iter().map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        format!(r#"{{"items":[{}]}}"#, items.join(","))
    }

    #[test]
    fn what_is_beyond_an_end_is_told_from_what_is_missing() {
        assert_eq!(tails(&list(0..3), &list(0..5)), ["/items/3", "/items/4"]);
        assert_eq!(tails(&list(0..3), &list(0..4)), ["/items/3"]);
        assert_eq!(tails(&list(0..5), &list(0..3)), ["/items/3", "/items/4"]);
        let none: [&str; 0] = [];
        assert_eq!(tails(&list(0..5), &list(0..4)), none, "one that is missing");
        assert_eq!(tails(&list(0..5), &list([])), none, "nothing is there");
        assert_eq!(tails(&list([]), &list(0..5)), none, "nothing was there");
        assert_eq!(tails(&list(0..5), &list([0, 2, 3, 4])), none);
        assert_eq!(tails(&list([0, 2, 4]), &list(0..5)), none);
    }
}
