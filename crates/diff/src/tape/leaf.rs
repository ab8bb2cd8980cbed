//! Hashes of leaves, canonical as the rules of their place say.

use std::borrow::Cow;

use super::Sort;
use crate::hash::Seed;
use crate::instant::{Instant, epoch_unit, epochs_within};
use crate::rule::RuleSet;
use crate::{number, string};

const ANY_NUMBER: u64 = 1;
const ANY_INSTANT: u64 = 2;
const ANY_MATCH: u64 = 3;

/// The hash of a leaf. `content` is a string without escapes, or the span of anything else.
///
/// Values under a tolerance or a pattern share one hash as far as they could be equal: near is
/// not transitive, so no hash can say it. They are told apart when pairs are walked.
pub(crate) fn leaf_hash(seed: &Seed, sort: Sort, content: &[u8], set: &RuleSet) -> u64 {
    let hash = match sort {
        Sort::Number => number_hash(seed, content, set),
        Sort::String => string_hash(seed, content, set),
        Sort::Bytes => seed.bytes(content),
        Sort::Null | Sort::False | Sort::True | Sort::Array | Sort::Object => 0,
    };
    sorted(hash, sort)
}

/// Keeps the leaves of different sorts apart.
#[inline]
pub(super) fn sorted(hash: u64, sort: Sort) -> u64 {
    hash ^ (sort as u64 + 1).wrapping_mul(0xa076_1d64_78bd_642f)
}

fn number_hash(seed: &Seed, content: &[u8], set: &RuleSet) -> u64 {
    if set.rules.is_empty() {
        return number::hash(content, seed);
    }
    if set.patterns.iter().any(|pattern| matches(pattern, content)) {
        return ANY_MATCH;
    }
    if !set.numeric.is_empty() {
        return ANY_NUMBER;
    }
    if is_near_epoch(content, set) {
        return ANY_INSTANT;
    }
    if set.strict_numbers { seed.bytes(content) } else { number::hash(content, seed) }
}

fn string_hash(seed: &Seed, content: &[u8], set: &RuleSet) -> u64 {
    if set.rules.is_empty() {
        return seed.bytes(content);
    }
    if set.patterns.iter().any(|pattern| matches(pattern, content)) {
        return ANY_MATCH;
    }
    if let Some(seconds) = set.seconds
        && let Some(instant) = Instant::read(content)
    {
        return if seconds == 0.0 { instant.hash() } else { ANY_INSTANT };
    }
    if !set.numeric.is_empty() && number::is_number(content) {
        return ANY_NUMBER;
    }
    if is_near_epoch(content, set) {
        return ANY_INSTANT;
    }
    seed.bytes(&canonical(content, set))
}

fn is_near_epoch(content: &[u8], set: &RuleSet) -> bool {
    set.seconds.is_some_and(|seconds| seconds > 0.0) && epoch_unit(content).is_some()
}

pub(crate) fn canonical<'a>(content: &'a [u8], set: &RuleSet) -> Cow<'a, [u8]> {
    if set.fold_case || set.compose {
        Cow::Owned(string::canonical(content, set.fold_case, set.compose))
    } else {
        Cow::Borrowed(content)
    }
}

fn matches(pattern: &regex::Regex, content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| pattern.is_match(text))
}

/// Whether two leaves of the same type are equal under the rules of both places.
pub(crate) fn leaves_equal(
    sort: Sort,
    (left, left_set): (&[u8], &RuleSet),
    (right, right_set): (&[u8], &RuleSet),
) -> bool {
    if left == right {
        return true;
    }
    let sets = [left_set, right_set];
    if sets.iter().all(|set| set.rules.is_empty()) {
        return sort == Sort::Number && number::equal(left, right);
    }
    let patterns = || sets.iter().flat_map(|set| &set.patterns);
    let both_match = || patterns().any(|p| matches(p, left) && matches(p, right));
    match sort {
        Sort::Number => {
            let strict = sets.iter().any(|set| set.strict_numbers);
            (!strict && number::equal(left, right))
                || near_in_value(left, right, sets)
                || near_in_time(left, right, sets)
                || both_match()
        }
        Sort::String => {
            let fold = sets.iter().any(|set| set.fold_case);
            let compose = sets.iter().any(|set| set.compose);
            ((fold || compose)
                && string::canonical(left, fold, compose)
                    == string::canonical(right, fold, compose))
                || near_in_time(left, right, sets)
                || near_in_value(left, right, sets)
                || both_match()
        }
        _ => false,
    }
}

/// Money and the values of XML are often strings; both sides are then written as numbers.
fn near_in_value(left: &[u8], right: &[u8], sets: [&RuleSet; 2]) -> bool {
    let mut tolerances = sets.iter().flat_map(|set| &set.numeric).peekable();
    tolerances.peek().is_some()
        && number::is_number(left)
        && number::is_number(right)
        && tolerances.any(|near| near.accepts(left, right))
}

fn near_in_time(left: &[u8], right: &[u8], sets: [&RuleSet; 2]) -> bool {
    let seconds = sets.iter().filter_map(|set| set.seconds).reduce(f64::max);
    let Some(seconds) = seconds else { return false };
    match (Instant::read(left), Instant::read(right)) {
        (Some(left), Some(right)) => left.is_within(&right, seconds),
        _ => epochs_within(left, right, seconds),
    }
}
