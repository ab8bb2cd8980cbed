//! What the kept samples of a cluster show at each of its places.

use std::collections::BTreeMap;

use diff::Kind;

use crate::{
    Place, Where,
    changes::{self, Change, Lists, Pair},
    learn::SampleSeen,
};

/// The values of one place in the samples of a cluster.
#[derive(Debug)]
pub(super) struct Values<'a> {
    pub(super) place: &'a Place,
    /// JSON text of both sides, with how often it was seen; most frequent first.
    pub(super) pairs: Vec<(ValuePair<'a>, u64)>,
    /// What the change is.
    pub(super) change: Option<Change>,
    /// The name under which the primary has it.
    pub(super) renamed_from: Option<String>,
    /// The body is text: its places are lines.
    pub(super) is_text: bool,
}

/// The primary's and the candidate's.
pub(super) type ValuePair<'a> = (Option<&'a str>, Option<&'a str>);

impl<'a> Values<'a> {
    pub(super) fn of(place: &'a Place, samples: &[&'a SampleSeen]) -> Self {
        let mut seen: BTreeMap<ValuePair<'_>, u64> = BTreeMap::new();
        for difference in samples.iter().flat_map(|sample| &sample.differences) {
            let here = (difference.place, difference.path.as_str(), difference.kind);
            if here == (place.place, place.path.as_str(), place.kind) {
                let pair = (difference.primary.as_deref(), difference.candidate.as_deref());
                *seen.entry(pair).or_default() += 1;
            }
        }
        let mut pairs: Vec<_> = seen.into_iter().collect();
        pairs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let texts = samples.iter().filter(|sample| sample.is_text).count();
        let is_text = place.place == Where::Body && texts * 2 > samples.len();
        let change = change_of(place, &pairs, samples);
        let renamed_from = moved_from(place, samples);
        Self { place, pairs, change, renamed_from, is_text }
    }
}

/// Whole elements of an array came, went or moved.
pub(super) fn is_element(place: &Place) -> bool {
    let whole = matches!(place.kind, Kind::Added | Kind::Removed | Kind::Moved);
    place.place == Where::Body && whole && place.path.ends_with("/*")
}

/// The path of what is spoken of: the array itself where whole elements differ.
pub(super) fn array_path(place: &Place) -> &str {
    let path = place.path.as_str();
    if is_element(place) { path.strip_suffix("/*").unwrap_or(path) } else { path }
}

fn change_of(
    place: &Place,
    pairs: &[(ValuePair<'_>, u64)],
    samples: &[&SampleSeen],
) -> Option<Change> {
    if place.place == Where::Status {
        return None;
    }
    if is_element(place) || place.kind == Kind::Reordered {
        let path = array_path(place);
        let lists = samples.iter().flat_map(|sample| &sample.lists).filter(|l| l.path == path);
        let lists: Vec<Lists<'_>> =
            lists.map(|l| Lists { left: &l.primary, right: &l.candidate }).collect();
        return changes::describe_lists(&lists);
    }
    match place.kind {
        Kind::ValueChanged | Kind::TypeChanged => {
            let of = |((left, right), count): &(ValuePair<'_>, u64)| {
                Pair::of((*left)?, (*right)?, *count)
            };
            changes::describe(&pairs.iter().filter_map(of).collect::<Vec<_>>())
        }
        Kind::Added | Kind::Removed => {
            let added = place.kind == Kind::Added;
            let sides = pairs.iter().filter_map(|((left, right), count)| {
                Some((if added { *right } else { *left }?, *count))
            });
            changes::one_sided(&sides.collect::<Vec<_>>(), added)
        }
        Kind::Moved | Kind::Reordered => None,
    }
}

/// Where a value that stands at another place came from, the most frequent answer.
fn moved_from(place: &Place, samples: &[&SampleSeen]) -> Option<String> {
    if place.kind != Kind::Moved || is_element(place) {
        return None;
    }
    let here = samples.iter().flat_map(|sample| &sample.differences).filter(|difference| {
        (difference.place, difference.path.as_str(), difference.kind)
            == (place.place, place.path.as_str(), place.kind)
    });
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for from in here.filter_map(|difference| difference.from.as_deref()) {
        *seen.entry(from).or_default() += 1;
    }
    seen.into_iter().rev().max_by_key(|(_, count)| *count).map(|(from, _)| from.to_owned())
}

/// Takes additions that are a removal under another name for what they are: the removal goes,
/// the addition knows its old name.
pub(super) fn join_renamed(values: &mut Vec<Values<'_>>, samples: &[&SampleSeen]) {
    let is = |values: &Values<'_>, kind| {
        values.place.place == Where::Body && values.place.kind == kind && !is_element(values.place)
    };
    let mut gone = Vec::new();
    for new in 0..values.len() {
        if !is(&values[new], Kind::Added) {
            continue;
        }
        let old = (0..values.len()).find(|old| {
            !gone.contains(old)
                && is(&values[*old], Kind::Removed)
                && is_renamed(values[*old].place, values[new].place, samples)
        });
        if let Some(old) = old {
            gone.push(old);
            values[new].renamed_from = Some(values[old].place.path.clone());
            values[new].change = None;
        }
    }
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
}

fn is_renamed(old: &Place, new: &Place, samples: &[&SampleSeen]) -> bool {
    let split = |path: &str| path.rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let (Some((old_parent, old_name)), Some((new_parent, new_name))) =
        (split(&old.path), split(&new.path))
    else {
        return false;
    };
    if old_parent != new_parent {
        return false;
    }
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for sample in samples {
        let values = |place: &Place| {
            let here = sample.differences.iter().filter(move |difference| {
                (difference.place, difference.kind) == (place.place, place.kind)
                    && difference.path == place.path
            });
            here.filter_map(|d| d.primary.as_deref().or(d.candidate.as_deref()))
                .collect::<Vec<&str>>()
        };
        pairs.extend(values(old).into_iter().zip(values(new)));
    }
    changes::renamed(&old_name, &new_name, &pairs)
}
