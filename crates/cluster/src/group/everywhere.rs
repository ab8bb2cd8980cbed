//! One change that shows at many endpoints.
//!
//! Groups of several endpoints are one where their places say that the same was done: ids became
//! strings, a list got an envelope, members are spelled otherwise, a header is set otherwise;
//! where the same member differs in nearly every answer of each, and not in ways that are known
//! to be different ones; where every answer of each is of another form (cents, capital letters,
//! another zone), whichever member it is; or where the endpoints differ in one name of a
//! collection (`/queues/approval/next`, `/queues/fraud/next`).

use std::collections::{BTreeMap, BTreeSet};

use diff::Kind;

use super::{Constant, Group, Told, bare};
use crate::{
    Place, Where,
    signature::{fingerprint_keys, kind_word},
};

/// Joins what is one change.
pub(super) fn join(groups: Vec<Group>, constant: &Constant, told: &Told<'_>) -> Vec<Group> {
    let always = always(&groups, constant, told);
    let mut of_key: BTreeMap<String, usize> = BTreeMap::new();
    // The first group of each that belongs together, by place in the list.
    let mut first: Vec<usize> = (0..groups.len()).collect();
    for (at, group) in groups.iter().enumerate() {
        let of_always = always.get(&at).into_iter().flatten().cloned();
        for key in keys(group, &(told.named)(group.endpoint)).into_iter().chain(of_always) {
            let known = *of_key.entry(key).or_insert(at);
            let (one, other) = (root(&first, known), root(&first, at));
            let (low, high) = (one.min(other), one.max(other));
            if let Some(slot) = first.get_mut(high) {
                *slot = low;
            }
        }
    }
    let mut joined: BTreeMap<usize, Group> = BTreeMap::new();
    for (at, group) in groups.into_iter().enumerate() {
        match joined.entry(root(&first, at)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(group);
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => slot.get_mut().absorb(group),
        }
    }
    joined.into_values().collect()
}

fn root(first: &[usize], mut at: usize) -> usize {
    while let Some(next) = first.get(at).copied().filter(|next| *next != at) {
        at = next;
    }
    at
}

impl Group {
    /// Takes in another group with the same cause. The older of the two gives the fingerprint,
    /// so that a cluster keeps its id when its change shows elsewhere too.
    fn absorb(&mut self, other: Self) {
        let older =
            (other.first_minute, &other.fingerprint) < (self.first_minute, &self.fingerprint);
        if older {
            self.fingerprint.clone_from(&other.fingerprint);
        }
        if (other.pairs, &self.fingerprint) > (self.pairs, &other.fingerprint) {
            self.endpoint = other.endpoint;
            self.places.clone_from(&other.places);
        }
        self.first_minute = self.first_minute.min(other.first_minute);
        self.pairs += other.pairs;
        self.most = self.most.max(other.most);
        self.signatures.extend(other.signatures);
    }
}

/// Groups that share one of these are one.
fn keys(group: &Group, endpoint: &str) -> Vec<String> {
    let places = &group.places;
    let headers = || {
        let all = places.iter().all(|place| place.place == Where::Header);
        all.then(|| {
            joined("header", places.iter().map(|p| format!("{} {}", p.path, kind_word(p.kind))))
        })
    };
    let mut keys: Vec<String> = [form(places), headers()].into_iter().flatten().collect();
    let own: Vec<String> = fingerprint_keys(places)
        .iter()
        .map(|key| {
            format!("{:?} {} {:?} {} {}", key.place, key.path, key.kind, key.left, key.right)
        })
        .collect();
    keys.extend(
        siblings(endpoint).into_iter().map(|blank| format!("sibling {blank} {}", own.join(";"))),
    );
    keys
}

/// One key or more of each group, by place in the list, whose places differ in nearly every
/// answer.
fn always(groups: &[Group], constant: &Constant, told: &Told<'_>) -> BTreeMap<usize, Vec<String>> {
    let is_constant = |group: &Group| {
        group.places.iter().all(|place| constant.contains(&(group.endpoint, bare(place))))
    };
    let mut all: Vec<(usize, String, Option<String>)> = Vec::new();
    let mut ways: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate().filter(|(_, group)| is_constant(group)) {
        let leaf = joined("always", group.places.iter().map(key_of_leaf));
        let own: Option<Vec<_>> =
            group.places.iter().map(|place| (told.way)(&group.signatures, place)).collect();
        let way = own.as_ref().map(|own| joined("way", own.iter().map(|way| way.text.clone())));
        if let Some(way) = &way {
            *ways.entry(leaf.clone()).or_default().entry(way.clone()).or_default() += group.pairs;
            if own.is_some_and(|own| !own.is_empty() && own.iter().all(|way| way.is_form)) {
                found.entry(at).or_default().push(way.clone());
            }
        }
        all.push((at, leaf, way));
    }
    for (at, leaf, way) in all {
        let known = ways.get(&leaf).filter(|known| known.len() > 1);
        // Where nothing is known of one, it goes with the most frequent of those that differ.
        let most = known.and_then(|known| known.iter().max_by_key(|(_, pairs)| **pairs));
        let key = match (way, most) {
            (Some(way), Some(_)) => format!("{leaf} {way}"),
            (None, Some((way, _))) => format!("{leaf} {way}"),
            (_, None) => leaf,
        };
        found.entry(at).or_default().push(key);
    }
    found
}

fn joined(kind: &str, parts: impl Iterator<Item = String>) -> String {
    let parts: BTreeSet<String> = parts.collect();
    format!("{kind} {}", parts.into_iter().collect::<Vec<_>>().join(";"))
}

fn leaf(path: &str) -> &str {
    path.rsplit('/').find(|segment| *segment != "*").unwrap_or_default()
}

fn key_of_leaf(place: &Place) -> String {
    let classes = match place.place {
        Where::Status => format!("{}>{}", place.left, place.right),
        Where::Header | Where::Body => String::new(),
    };
    format!("{:?} {} {} {classes}", place.place, leaf(&place.path), kind_word(place.kind))
}

/// What was done to the form of an answer, where that is all that the places say.
fn form(places: &[Place]) -> Option<String> {
    if places.is_empty() || places.iter().any(|place| place.place != Where::Body) {
        return None;
    }
    let of = |kind: Kind| places.iter().filter(move |place| place.kind == kind);
    let retyped = of(Kind::TypeChanged);
    let mut found: Vec<String> = Vec::new();
    for place in retyped {
        let (left, right) = (type_of(place.left.name())?, type_of(place.right.name())?);
        let name = leaf(&place.path);
        let what = match (place.path.as_str(), is_id(name)) {
            ("", _) => "the body",
            (_, true) => "ids",
            (_, false) => name,
        };
        found.push(format!("{left}>{right} {what}"));
    }
    let (gone, new): (Vec<&Place>, Vec<&Place>) =
        (of(Kind::Removed).collect(), of(Kind::Added).collect());
    found.extend(renamed(&gone, &new)?);
    let other = places.len() - of(Kind::TypeChanged).count() - gone.len() - new.len();
    (other == 0).then(|| joined("form", found.into_iter()))
}

/// Types that say something of a form; of `null` and nothing a rule may decide.
fn type_of(class: &str) -> Option<&'static str> {
    Some(match class {
        "null" | "missing" | "bytes" | "over_cap" | "undecodable" => return None,
        "integer" | "decimal" => "number",
        "boolean" => "boolean",
        "array" => "array",
        "object" => "object",
        _ => "text",
    })
}

fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("Id") || name.ends_with("_ids")
}

/// What is gone under one name and new under another beside it, for all of them.
fn renamed(gone: &[&Place], new: &[&Place]) -> Option<Vec<String>> {
    let split = |path: &str| path.rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let letters = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if gone.len() != new.len() {
        return None;
    }
    let mut found = Vec::new();
    for old in gone {
        let (parent, name) = split(&old.path)?;
        let beside: Vec<String> = new
            .iter()
            .filter_map(|place| split(&place.path))
            .filter(|(own, _)| *own == parent)
            .map(|(_, name)| name)
            .collect();
        match beside.iter().find(|other| letters(other) == letters(&name)) {
            // Members spelled otherwise are one change, whatever their names.
            Some(other) => found.push(format!("{}>{}", spelling(&name), spelling(other))),
            None => {
                let [other] = beside.as_slice() else { return None };
                found.push(format!("{name}>{other}"));
            }
        }
    }
    Some(found)
}

fn spelling(name: &str) -> &'static str {
    if name.contains('_') {
        "snake"
    } else if name.contains('-') {
        "kebab"
    } else if name.starts_with(char::is_uppercase) {
        "Pascal"
    } else {
        "camel"
    }
}

/// The endpoint with one name below a collection left blank, for each such name.
fn siblings(endpoint: &str) -> Vec<String> {
    let segments: Vec<&str> = endpoint.split('/').collect();
    let word = |at: usize| segments.get(at).copied().unwrap_or_default();
    let literal = |segment: &str| !segment.is_empty() && !segment.starts_with('{');
    let collection = |segment: &str| {
        literal(segment) && segment.len() > 2 && segment.ends_with('s') && !segment.ends_with("ss")
    };
    let below = (2..segments.len()).filter(|at| literal(word(*at)) && collection(word(at - 1)));
    below
        .map(|at| {
            let mut blank = segments.clone();
            if let Some(slot) = blank.get_mut(at) {
                *slot = "{}";
            }
            blank.join("/")
        })
        .collect()
}
