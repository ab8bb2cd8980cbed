//! What the values of a place look like over many pairs, where no second primary tells.
//!
//! Each nature is a relation that no business rule gives: both sides count up with time; both
//! hold the same number but for noise in its last digits; both draw from one small set, or from
//! one range of numbers, without regard to each other; the primary itself puts one set of
//! elements in several orders; or each side always writes one text of its own into a header.
//! Each needs many observations, and none is taken where the two sides are seen to agree more
//! often than that relation lets them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use exchange::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    chance::{follows_a_field, is_independent},
    figures::{correlation, quartiles, ranks},
};
use crate::{
    Where,
    explain::{Row, Scalar},
};

/// Observations that a nature needs.
const LEAST_COUNTED: usize = 8;
const LEAST_DRAWN: usize = 40;
const LEAST_ORDERED: usize = 8;
const LEAST_CONSTANT: usize = 4;
/// Of all pairs of observations, those that the primary orders as time does; and the candidate,
/// which is asked later and by several sessions at once.
const CONCORDANT: f64 = 0.97;
const CONCORDANT_REPLAYED: f64 = 0.8;
/// Of what goes both ways, at least one in so many goes each.
const BOTH_WAYS: usize = 6;
/// Differing in this share of the answers that have it, a place differs nearly always.
const NEARLY_ALL: f64 = 0.9;
/// Larger sets are no small sets; and each value must be seen this often.
const MOST_VALUES: usize = 40;
const EACH_VALUE: usize = 4;
/// Between two values chance is hard to tell.
const LEAST_OF_TWO: usize = 100;
/// How far the two sides' shares of the values may lie apart, and a sum of chances from one.
const APART: f64 = 0.25;
const OFF: f64 = 0.2;
/// How far the sum may be off where each value for itself is as frequent as it should be.
const SPOILT: f64 = 0.7;
/// How much further than by chance on average two samples of one distribution may lie apart.
const LUCK: f64 = 1.6;
/// What differs more seldom is drawn so unevenly that a rule could look the same.
const LEAST_DRAWN_RATE: f64 = 0.3;
/// Of what is called by nature already, so much less evidence is enough: near a threshold it
/// would come and go.
const SLACK: f64 = 1.5;
/// Beyond this two rows of numbers have to do with each other.
const CORRELATED: f64 = 0.35;
/// Relative noise in the last digits.
const JITTER: f64 = 1e-6;

/// See the head of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    Counter,
    Jitter,
    /// One of a small set, on each side by itself.
    Drawn,
    /// A number of one range, on each side by itself.
    Unrelated,
    Shuffled,
    /// One text on each side, always.
    PerSide,
}

/// One place of one endpoint as the kept samples show it.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) differing: Vec<Differing>,
    /// Weight of the samples in which both sides hold the same there.
    pub(crate) same: f64,
    /// Of them, what was asked.
    pub(crate) agreeing: Vec<Arc<Row>>,
}

/// The values of one sample.
#[derive(Clone, Debug)]
pub(crate) struct Differing {
    pub(crate) at: Micros,
    pub(crate) left: Value,
    pub(crate) right: Value,
    /// Pairs that the sample stands for.
    pub(crate) weight: f64,
    /// What was asked.
    pub(crate) row: Option<Arc<Row>>,
}

impl Observed {
    pub(crate) fn add(
        &mut self,
        at: Micros,
        (left, right): (&str, &str),
        weight: f64,
        row: Option<&Arc<Row>>,
    ) {
        let read = |json: &str| serde_json::from_str::<Value>(json).ok();
        if let (Some(left), Some(right)) = (read(left), read(right)) {
            self.differing.push(Differing { at, left, right, weight, row: row.cloned() });
        }
    }

    /// Of the answers that have the place on both sides, the share that differs there.
    fn rate(&self) -> f64 {
        let differing: f64 = self.differing.iter().map(|one| one.weight).sum();
        if differing > 0.0 { differing / (differing + self.same) } else { 0.0 }
    }

    /// The nature of a value, if it is clear. `alone`: its difference is not one of several that
    /// show another entity altogether; `known`: it was clear before.
    pub(crate) fn of_value(&self, place: Where, alone: bool, known: bool) -> Option<Nature> {
        let slack = if known { SLACK } else { 1.0 };
        if self.is_counter() {
            Some(Nature::Counter)
        } else if self.is_jitter() {
            Some(Nature::Jitter)
        } else if alone && self.is_drawn(slack) {
            Some(Nature::Drawn)
        } else if alone && self.is_unrelated(place, slack) {
            Some(Nature::Unrelated)
        } else {
            None
        }
    }

    pub(crate) fn is_counter(&self) -> bool {
        let counted: Option<Vec<(Micros, i64, i64)>> = self
            .differing
            .iter()
            .map(|one| Some((one.at, counter(&one.left)?, counter(&one.right)?)))
            .collect();
        let Some(counted) = counted else { return false };
        let rising = |side: fn(&(Micros, i64, i64)) -> i64, least: f64| {
            let (mut with, mut all) = (0_u32, 0_u32);
            for (at, one) in counted.iter().enumerate() {
                for other in counted.iter().skip(at + 1).filter(|other| other.0 != one.0) {
                    let up = (other.0 > one.0) == (side(other) > side(one));
                    all += 1;
                    with += u32::from(up && side(other) != side(one));
                }
            }
            all > 0 && f64::from(with) >= least * f64::from(all)
        };
        // One number on both sides is no counter, whatever else differs around it.
        let apart = counted.iter().filter(|one| one.1 != one.2).count();
        // Two that count the same requests meet, and pass each other; a rule goes one way.
        let ahead = counted.iter().filter(|one| one.2 > one.1).count();
        let both_ways = ahead * BOTH_WAYS >= apart && (apart - ahead) * BOTH_WAYS >= apart;
        counted.len() >= LEAST_COUNTED
            && apart as f64 >= NEARLY_ALL * counted.len() as f64
            && (self.rate() >= NEARLY_ALL || (both_ways && counted.len() >= 2 * LEAST_COUNTED))
            && rising(|one| one.1, CONCORDANT)
            && rising(|one| one.2, CONCORDANT_REPLAYED)
    }

    fn is_jitter(&self) -> bool {
        let numbers: Option<Vec<(f64, f64)>> = self.numbers();
        let Some(numbers) = numbers.filter(|all| all.len() >= LEAST_COUNTED) else { return false };
        let near = |(left, right): &(f64, f64)| {
            left.is_finite() && *left != 0.0 && ((right - left) / left).abs() <= JITTER
        };
        let up = numbers.iter().filter(|(left, right)| right > left).count();
        let balanced =
            up * BOTH_WAYS >= numbers.len() && (numbers.len() - up) * BOTH_WAYS >= numbers.len();
        // A side with few digits rounds; that is a rule.
        let long =
            |value: &Value| value.to_string().bytes().filter(u8::is_ascii_digit).count() >= 9;
        let fine = self.differing.iter().filter(|one| long(&one.left) && long(&one.right)).count();
        numbers.iter().all(near)
            && balanced
            && fine as f64 >= NEARLY_ALL * numbers.len() as f64
            && self.rate() >= NEARLY_ALL
    }

    fn numbers(&self) -> Option<Vec<(f64, f64)>> {
        let number = |value: &Value| value.as_f64();
        self.differing.iter().map(|one| Some((number(&one.left)?, number(&one.right)?))).collect()
    }

    /// The values of a small set that both sides draw by themselves.
    pub(crate) fn drawn_values(&self) -> BTreeSet<String> {
        let both = |one: &Differing| [one.left.to_string(), one.right.to_string()];
        self.differing.iter().flat_map(both).collect()
    }

    /// Both sides hold each value equally often, and agree as often as chance lets them.
    fn is_drawn(&self, slack: f64) -> bool {
        let scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        if self.differing.len() < LEAST_DRAWN
            || !self.differing.iter().all(|one| scalar(&one.left) && scalar(&one.right))
            || self.drawn_values().len() > MOST_VALUES
            || self.drawn_values().len() * EACH_VALUE > self.differing.len() * 2
        {
            return false;
        }
        let total: f64 = self.differing.iter().map(|one| one.weight).sum();
        let mut shares: BTreeMap<String, [f64; 2]> = BTreeMap::new();
        for one in &self.differing {
            shares.entry(one.left.to_string()).or_default()[0] += one.weight / total;
            shares.entry(one.right.to_string()).or_default()[1] += one.weight / total;
        }
        let apart: f64 =
            shares.values().map(|[left, right]| (left - right).abs()).sum::<f64>() / 2.0;
        // What two samples of one distribution lie apart by chance: much, where values are many.
        let squares: f64 = self.differing.iter().map(|one| (one.weight / total).powi(2)).sum();
        let by_chance: f64 =
            shares.values().map(|[left, right]| 0.4 * ((left + right) * squares).sqrt()).sum();
        let most_apart = (APART * slack).max(LUCK * by_chance);
        // A value drawn with chance p is the left one of a differing pair in p(1-p) of all pairs.
        let rate = self.rate();
        let chances: Option<Vec<f64>> = shares
            .values()
            .map(|[left, right]| {
                let inner = 1.0 - 4.0 * rate * (left + right) / 2.0;
                (inner > -0.15).then(|| (1.0 - inner.max(0.0).sqrt()) / 2.0)
            })
            .collect();
        let Some(chances) = chances else { return false };
        let sum: f64 = chances.iter().sum();
        // The most frequent one may have more than half.
        let largest = chances.iter().copied().fold(0.0, f64::max);
        let fits = |sum: f64| (sum - 1.0).abs() <= OFF * slack;
        rate >= LEAST_DRAWN_RATE
            && apart <= most_apart
            && (fits(sum)
                || fits(sum - largest + (1.0 - largest))
                || is_near(&shares, &chances, (rate, squares)))
    }

    /// Whether values that look drawn are so beyond doubt, at one endpoint alone: nothing that
    /// both sides agree on, in the request or the answer, says which one it is.
    pub(crate) fn is_drawn_by_chance(&self, path: &str, is_given: &dyn Fn(&str) -> bool) -> bool {
        let text = |one: &Differing| (one.left.to_string(), one.right.to_string());
        let pairs: Vec<(String, String)> = self.differing.iter().map(text).collect();
        let few = self.drawn_values().len() < 3 && pairs.len() < LEAST_OF_TWO;
        let own = format!("response.body{}", path.replace('/', "."));
        let differing = self.differing.iter().filter_map(|one| {
            let value = Scalar::of_json(&one.left)?;
            Some((value.json().to_string(), one.row.as_deref()?))
        });
        let agreeing = self.agreeing.iter().filter_map(|row| {
            let value = row.values(&own).next()?;
            Some((value.json().to_string(), &**row))
        });
        let given = |field: &str| field != own && is_given(field);
        !few && is_independent(&pairs) && !follows_a_field(differing.chain(agreeing), &given)
    }

    /// Numbers that have nothing to do with each other: of one range, but for those in headers, by
    /// which a faster or slower side tells how long it took.
    fn is_unrelated(&self, place: Where, slack: f64) -> bool {
        let Some(numbers) = self.numbers().filter(|all| all.len() >= LEAST_DRAWN) else {
            return false;
        };
        let (lefts, rights): (Vec<f64>, Vec<f64>) = numbers.iter().copied().unzip();
        let up = numbers.iter().filter(|(left, right)| right > left).count() as f64;
        let share = up / numbers.len() as f64;
        let (left, right) = (quartiles(&lefts), quartiles(&rights));
        let one_range = (0.25..=0.75).contains(&share) && left.0 <= right.1 && right.0 <= left.1;
        let distinct =
            |side: &[f64]| side.iter().map(f64::to_string).collect::<BTreeSet<String>>().len();
        self.rate() >= 0.8
            && distinct(&lefts) >= 5
            && (one_range || (place == Where::Header && distinct(&rights) >= 5))
            && correlation(&ranks(&lefts), &ranks(&rights)).abs() <= CORRELATED * slack
    }

    /// The orders of arrays: the primary gives one set of elements in several, and so does the
    /// candidate, partly in the same.
    pub(crate) fn is_shuffled(&self) -> bool {
        let mut sets: BTreeMap<Vec<String>, [BTreeSet<String>; 2]> = BTreeMap::new();
        let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for one in &self.differing {
            let (Some(left), Some(right)) = (elements(&one.left), elements(&one.right)) else {
                return false;
            };
            if left != right {
                continue;
            }
            *seen.entry(left.clone()).or_default() += 1;
            let orders = sets.entry(left).or_default();
            orders[0].insert(one.left.to_string());
            orders[1].insert(one.right.to_string());
        }
        let several = sets.iter().filter(|(_, [left, right])| {
            left.len() >= 2 && right.len() >= 2 && left.intersection(right).next().is_some()
        });
        let shown: usize = several.filter_map(|(set, _)| seen.get(set)).sum();
        let all: usize = seen.values().sum();
        // Sets seen once show nothing either way.
        let lone = seen.values().filter(|count| **count == 1).count();
        shown >= LEAST_ORDERED && shown * 10 >= (all - lone) * 9
    }

    /// Whether the nature would not show yet.
    pub(crate) fn is_few_for(&self, nature: Nature) -> bool {
        let least = match nature {
            Nature::Drawn | Nature::Unrelated => LEAST_DRAWN,
            Nature::Counter | Nature::Jitter => LEAST_COUNTED,
            Nature::Shuffled => LEAST_ORDERED,
            Nature::PerSide => LEAST_CONSTANT,
        };
        self.differing.len() < least
    }

    /// Whether these few values are of a nature that the same path has elsewhere, where it holds
    /// `values`.
    pub(crate) fn could_be(&self, nature: Nature, values: &BTreeSet<String>) -> bool {
        let all = |fits: &dyn Fn(&Differing) -> bool| self.differing.iter().all(fits);
        match nature {
            Nature::Counter => {
                self.rate() >= NEARLY_ALL
                    && all(&|one| counter(&one.left).is_some() && counter(&one.right).is_some())
            }
            Nature::Drawn => self.drawn_values().is_subset(values),
            Nature::Shuffled => all(&|one| elements(&one.left) == elements(&one.right)),
            Nature::Jitter => self.numbers().is_some_and(|numbers| {
                numbers.iter().all(|(left, right)| (right - left).abs() <= JITTER * left.abs())
            }),
            Nature::Unrelated => self.numbers().is_some_and(|numbers| {
                let range: Vec<f64> = values.iter().filter_map(|v| v.parse().ok()).collect();
                let (least, most) =
                    range.iter().fold((f64::MAX, f64::MIN), |(low, high), value| {
                        (low.min(*value), high.max(*value))
                    });
                let within = |value: f64| (least..=most).contains(&value);
                let higher = numbers.iter().filter(|(left, right)| right > left).count();
                numbers.iter().all(|(left, right)| within(*left) && within(*right))
                    && higher * 5 > numbers.len()
                    && higher * 5 < numbers.len() * 4
            }),
            Nature::PerSide => false,
        }
    }

    /// One text of its own on each side.
    pub(crate) fn is_per_side(&self) -> bool {
        let one = |side: fn(&Differing) -> &Value| {
            let texts: BTreeSet<String> =
                self.differing.iter().map(|one| side(one).to_string()).collect();
            texts.len() == 1
        };
        self.differing.len() >= LEAST_CONSTANT
            && self.rate() >= NEARLY_ALL
            && one(|differing| &differing.left)
            && one(|differing| &differing.right)
    }
}

/// Whether chances that were told one by one, brought to a sum of one, give each value about as often
/// as it was seen: near one half a chance is told badly, and a few such values spoil the sum.
fn is_near(
    shares: &BTreeMap<String, [f64; 2]>,
    chances: &[f64],
    (rate, squares): (f64, f64),
) -> bool {
    let sum: f64 = chances.iter().sum();
    chances.len() > 2
        && (SPOILT..=1.0 / SPOILT).contains(&sum)
        && shares.values().zip(chances).all(|([left, right], chance)| {
            let (seen, chance) = (rate * (left + right) / 2.0, chance / sum);
            let given = chance * (1.0 - chance);
            (seen - given).abs() <= 2.0 * (given * squares * rate).sqrt()
        })
}

/// A whole number, or the one at the end of a text (`INV-000123`).
fn counter(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let start = text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            text.get(start..).filter(|digits| digits.len() <= 18)?.parse().ok()
        }
        _ => None,
    }
}

/// What an array holds, in an order of its own.
fn elements(value: &Value) -> Option<Vec<String>> {
    let mut texts: Vec<String> = value.as_array()?.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    Some(texts)
}

#[cfg(test)]
mod tests;
