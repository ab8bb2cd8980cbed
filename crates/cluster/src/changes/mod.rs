//! What a change is: one description of all the pairs of values that a place has shown.
//!
//! Invariants:
//! - Values in, words out. The order of the pairs does not matter.
//! - A description states the share of the pairs that it explains, and explains most of them.
//! - Nothing is claimed that one example, or chance, would show as well: an offset needs several
//!   values it was added to, a table of names several entries, each seen again.

mod decimal;
mod keys;
mod lists;
mod numbers;
mod texts;
mod times;

pub(crate) use keys::{one_sided, renamed};
pub(crate) use lists::{Lists, describe_lists};

use serde_json::Value;

/// What the change is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// `offset`, `factor`, …: see [`describe`].
    pub(crate) cause_type: &'static str,
    /// What the candidate's value is, to be read after "is".
    pub(crate) text: String,
    /// Of the pairs, by how often each was seen: 0 to 1.
    pub(crate) share: f64,
}

/// The primary's and the candidate's value, and how often they were seen together.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) left: Value,
    pub(crate) right: Value,
    /// As they were spelled: JSON.
    pub(crate) left_json: String,
    pub(crate) right_json: String,
    pub(crate) count: u64,
}

impl Pair {
    /// `None` where a side is no JSON.
    pub(crate) fn of(left: &str, right: &str, count: u64) -> Option<Self> {
        let value = |json: &str| serde_json::from_str::<Value>(json).ok();
        Some(Self {
            left: value(left)?,
            right: value(right)?,
            left_json: left.to_owned(),
            right_json: right.to_owned(),
            count,
        })
    }
}

/// Less than this is no description of a place.
const LEAST_SHARE: f64 = 0.6;
/// From here on a description is taken for the whole.
const NEARLY_ALL: f64 = 0.995;

/// The description of values that changed, of those that fit the one that explains most; among
/// equals the more special one, in this order:
///
/// `type_form` (`"5"` for 5), `empty` (null, "", [], {}), `case`, `trim`, `time_format`,
/// `time_precision`, `time_zone`, `time_shift`, `weekend`, `sign`, `precision`, `rounding`,
/// `offset`, `factor`, `cap`, `padding`, `affix`, `cut`, `opposite`, `enum_map`, `constant`.
pub(crate) fn describe(pairs: &[Pair]) -> Option<Change> {
    let total: u64 = pairs.iter().map(|pair| pair.count).sum();
    let found = [texts::forms(pairs), times::describe(pairs)]
        .into_iter()
        .chain([numbers::describe(pairs), texts::describe(pairs)])
        .flatten();
    let mut best: Option<Change> = None;
    for Explained { cause_type, text, count } in found {
        let share = count as f64 / total.max(1) as f64;
        if share >= LEAST_SHARE && best.as_ref().is_none_or(|best| share > best.share + 1e-9) {
            best = Some(Change { cause_type, text, share });
        }
    }
    best
}

impl Change {
    /// With the share, where it is not the whole.
    pub(crate) fn text_with_share(&self) -> String {
        if self.share >= NEARLY_ALL {
            return self.text.clone();
        }
        format!("{} in {:.0} % of them", self.text, (self.share * 100.0).floor())
    }
}

/// One description with the pairs that it explains.
#[derive(Clone, Debug)]
struct Explained {
    cause_type: &'static str,
    text: String,
    count: u64,
}

/// The description of the pairs for which `fits` holds, where at least `least` distinct values
/// of the primary are among them.
fn explained<'a>(
    pairs: impl IntoIterator<Item = &'a Pair>,
    least: usize,
    cause_type: &'static str,
    text: impl Into<String>,
    fits: impl Fn(&Pair) -> bool,
) -> Option<Explained> {
    let fitting: Vec<&Pair> = pairs.into_iter().filter(|pair| fits(pair)).collect();
    let count = fitting.iter().map(|pair| pair.count).sum();
    let mut lefts: Vec<&str> = fitting.iter().map(|pair| pair.left_json.as_str()).collect();
    lefts.sort_unstable();
    lefts.dedup();
    (lefts.len() >= least).then(|| Explained { cause_type, text: text.into(), count })
}

/// The value that most has, by count, with that count.
fn most_frequent<K: Ord>(counted: impl Iterator<Item = (K, u64)>) -> Option<(K, u64)> {
    let mut sums = std::collections::BTreeMap::new();
    for (key, count) in counted {
        *sums.entry(key).or_insert(0_u64) += count;
    }
    sums.into_iter().rev().max_by_key(|(_, count)| *count)
}

#[cfg(test)]
mod tests;
