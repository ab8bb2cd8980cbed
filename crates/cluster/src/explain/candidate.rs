//! The terms worth trying for one set of mismatches, each with the rows that it covers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    bits::{Bits, Weighted},
    entities::{self, Entities},
    interval, parts, remainder,
    row::Scalar,
    table::{Column, Table},
    term::{Term, Test},
    work::Work,
};

/// Candidates kept; beyond, those that separate best alone.
const MOST: usize = 1_500;
/// Values of one column tried with `==`, the most frequent among mismatches.
const MOST_VALUES: usize = 30;
/// Values of the mismatches tried as thresholds; of more, so many quantiles.
const MOST_THRESHOLDS: usize = 120;
const QUANTILES: usize = 60;
/// Distinct values up to which a column is a closed set.
const CLOSED_SET: usize = 40;
const MOST_PREFIXES: usize = 200;
const LARGEST_SET: usize = 8;
/// Values of a set from which on it is shorter to say which one is not meant.
const MANY_NAMES: usize = 3;
/// Mismatches that share a value among many.
const OUTSTANDING: u64 = 5;

#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) column: usize,
    pub(super) term: Term,
    pub(super) bits: Bits,
    /// Bits it costs to name its values, beyond what any candidate costs.
    pub(super) cost: f64,
    /// Of how many values its column has one to choose from, in bits: one of three words is less
    /// of a chance than one of a thousand amounts.
    pub(super) freedom: u32,
}

/// What is separated from what.
pub(super) struct Question<'a> {
    pub(super) table: &'a Table,
    /// Mismatches of one set of places.
    pub(super) differing: Weighted,
    /// Rows that do not differ there.
    pub(super) others: Weighted,
    /// What the rows are about.
    pub(super) entities: &'a Entities,
    pub(super) work: &'a Work,
    /// Whether a field may be named.
    pub(super) allowed: &'a dyn Fn(&str) -> bool,
    /// Of each row on either side; 0 on the other.
    weights: [Vec<f64>; 2],
}

impl<'a> Question<'a> {
    pub(super) fn new(
        table: &'a Table,
        (differing, others): (Weighted, Weighted),
        (entities, work): (&'a Entities, &'a Work),
        allowed: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        let weights = [&differing, &others].map(|side| {
            let mut weights = vec![0.0; table.rows];
            for (row, weight) in side.each() {
                if let Some(slot) = weights.get_mut(row) {
                    *slot = weight;
                }
            }
            weights
        });
        Self { table, differing, others, entities, work, allowed, weights }
    }

    /// The same of a part of the differing rows.
    pub(super) fn of(&self, differing: Weighted) -> Self {
        let sides = (differing, self.others.clone());
        Self::new(self.table, sides, (self.entities, self.work), self.allowed)
    }

    /// Of each value of a column, the weight of differing rows and of others.
    pub(super) fn weigh(&self, column: &Column) -> Vec<(f64, f64)> {
        let [differing, others] = &self.weights;
        column.weigh(differing).into_iter().zip(column.weigh(others)).collect()
    }
}

/// Candidates in a fixed order; of those that cover the same rows the one with the best name.
pub(super) fn candidates(question: &Question<'_>) -> Vec<Candidate> {
    let rows = question.table.rows;
    let differing = question.differing.bits(rows);
    let relevant = differing.or(&question.others.bits(rows));
    let mut by_rows: HashMap<Bits, Candidate> = HashMap::new();
    for (at, column) in question.table.columns.iter().enumerate() {
        if !(question.allowed)(&column.field) {
            continue;
        }
        let within = Within { question, column, differing: &differing, rows };
        for (test, cost) in within.tests() {
            let bits = within.bits_of(&test).and(&relevant);
            let covered = bits.shared(&differing);
            if covered < 2 || bits == relevant {
                continue;
            }
            let term = Term { field: column.field.clone(), test };
            let freedom = column.values.len().ilog2();
            let candidate = Candidate { column: at, term, bits: bits.clone(), cost, freedom };
            match by_rows.get(&bits) {
                Some(known) if rank(&known.term) <= rank(&candidate.term) => {}
                _ => {
                    by_rows.insert(bits, candidate);
                }
            }
        }
    }
    let mut found: Vec<Candidate> = by_rows.into_values().collect();
    found.sort_by_cached_key(|candidate| order(&candidate.term));
    if found.len() > MOST {
        best_alone(&mut found, question);
    }
    found
}

fn best_alone(found: &mut Vec<Candidate>, question: &Question<'_>) {
    let (all, rest) = (question.differing.total(), question.others.total());
    let merit = |candidate: &Candidate| {
        let (p, n) =
            (question.differing.within(&candidate.bits), question.others.within(&candidate.bits));
        p / all.max(1.0) - n / rest.max(1.0)
    };
    found.sort_by(|a, b| {
        merit(b).total_cmp(&merit(a)).then_with(|| order(&a.term).cmp(&order(&b.term)))
    });
    found.truncate(MOST);
}

/// The better name of one extension is less: a field of the request before one of the answer
/// before a header; equality before a range before a prefix before a set before `!=`.
fn rank(term: &Term) -> (u8, u8, usize, String) {
    let derived = match (term.field.split_once('(').map(|(name, _)| name), &term.test) {
        (None, _) => 0,
        // After a prefix, which says the same of the field itself.
        (Some("prefix2" | "date"), Test::Equal(_)) => 9,
        // How long a word is says less than which word it is.
        (Some("length"), _) => 11,
        // The month before the days of it that were seen.
        (Some(_), Test::Equal(_)) => 3,
        (Some(_), _) => 5,
    };
    let form = match term.test {
        Test::Equal(_) | Test::Missing => 0,
        Test::Above(_) | Test::AtLeast(_) | Test::Below(_) | Test::AtMost(_) => 2,
        Test::Between(..) => 4,
        Test::Present => 6,
        Test::StartsWith(_) | Test::EndsWith(_) | Test::Contains(_) => 8,
        Test::In(ref values) if values.len() < MANY_NAMES => 10,
        Test::NotEqual(_) => 12,
        Test::In(_) => 13,
        Test::Mod(..) | Test::NotIn(_) => 14,
    };
    // That a remainder of an id is the same is a chance as long as anything else says it.
    let source = source(&term.field).max(if form == 14 { 4 } else { 0 });
    (source, derived + form, term.field.len(), term.field.clone())
}

/// Where a field comes from, the better to name the less.
pub(super) fn source(field: &str) -> u8 {
    let bare = super::derive::parse(field).map_or(field, |(_, inner)| inner);
    let bare = bare.strip_prefix("length(").unwrap_or(bare);
    match bare.split('.').collect::<Vec<_>>().as_slice() {
        ["request", "header", ..] => 4,
        ["request", ..] => 0,
        ["entity" | "session", ..] => 3,
        ["response", "header", ..] => 5,
        _ => 2,
    }
}

/// Of what says the same, the better name first.
fn order(term: &Term) -> (u8, u8, String, String) {
    (source(&term.field), rank(term).1, term.field.clone(), term.text())
}

/// One column before one question.
struct Within<'a> {
    question: &'a Question<'a>,
    column: &'a Column,
    differing: &'a Bits,
    rows: usize,
}

impl Within<'_> {
    fn bits_of(&self, test: &Test) -> Bits {
        let column = self.column;
        let with = |passes: &dyn Fn(&Scalar) -> bool| column.rows_with(self.rows, passes);
        let but = |bits: Bits| Bits::all(self.rows).without(&bits);
        match test {
            Test::Missing => but(with(&|value| *value != Scalar::Null)),
            Test::NotEqual(named) => but(with(&|value| value == named)),
            Test::NotIn(named) => but(with(&|value| named.contains(value))),
            test => with(&|value| test.passes(value)),
        }
    }

    /// Tests with their extra cost.
    fn tests(&self) -> Vec<(Test, f64)> {
        let mut tests = vec![(Test::Missing, 0.0), (Test::Present, 0.0)];
        let tokens = self.column.values.iter().any(|value| matches!(value, Scalar::Token(_)));
        if !self.column.is_id_like() {
            self.equalities(&mut tests);
        } else if !entities::names_a_thing(&self.column.field) {
            self.outstanding(&mut tests);
        }
        if tokens {
            return tests;
        }
        if self.column.values.len() <= self.closed_set() {
            self.sets(&mut tests);
        }
        if self.column.scale.is_some() {
            self.thresholds(&mut tests);
            tests.extend(interval::best(self.column, self.question));
            // Where one value alone says it, it is not said by a remainder that the value has.
            let remainders = remainder::tests(self.column, &self.in_mismatches());
            tests.extend(remainders.into_iter().map(|(test, cost)| (test, cost + self.naming())));
        } else {
            tests.extend(parts::of_texts(self.column, self.differing));
        }
        tests
    }

    /// Distinct values up to which sets of them are tried: beginnings of codes are a set however
    /// many there are.
    fn closed_set(&self) -> usize {
        if self.column.field.starts_with("prefix2(") { MOST_PREFIXES } else { CLOSED_SET }
    }

    /// Of each value, how many mismatches have it.
    fn in_mismatches(&self) -> BTreeMap<u32, u64> {
        let mut counts = BTreeMap::new();
        for (row, value) in &self.column.cells {
            if self.differing.has(*row as usize) {
                *counts.entry(*value).or_insert(0) += 1;
            }
        }
        counts
    }

    /// What it costs to say which value it is.
    fn naming(&self) -> f64 {
        (self.column.values.len() as f64 / MOST_VALUES as f64).log2().max(0.0)
    }

    fn value(&self, place: u32) -> Option<Scalar> {
        self.column.values.get(place as usize).cloned()
    }

    fn equalities(&self, tests: &mut Vec<(Test, f64)>) {
        let counts = self.in_mismatches();
        let mut frequent: Vec<(u32, u64)> =
            counts.iter().filter(|(_, n)| **n >= 2).map(|(value, n)| (*value, *n)).collect();
        frequent.sort_by_key(|(value, n)| (std::cmp::Reverse(*n), self.value(*value)));
        for (value, _) in frequent.into_iter().take(MOST_VALUES) {
            tests.extend(self.value(value).map(|value| (Test::Equal(value), self.naming())));
        }
        if self.column.values.len() > CLOSED_SET {
            return;
        }
        for (place, value) in self.column.values.iter().enumerate() {
            if !counts.contains_key(&(place as u32)) || self.column.values.len() <= 12 {
                tests.push((Test::NotEqual(value.clone()), 0.0));
            }
        }
    }

    /// Where nearly every row has a value of its own, those that many mismatches share.
    fn outstanding(&self, tests: &mut Vec<(Test, f64)>) {
        let counts = self.in_mismatches();
        let total: u64 = counts.values().sum();
        let shared = counts.iter().filter(|(_, n)| **n >= OUTSTANDING && **n * 5 >= total);
        let values = shared.filter_map(|(value, _)| self.value(*value));
        tests.extend(values.map(|value| (Test::Equal(value), self.naming())));
    }

    /// Sets of values in the order of their share of mismatches.
    fn sets(&self, tests: &mut Vec<(Test, f64)>) {
        let mut rated: Vec<(f64, Scalar)> = Vec::new();
        let mut absent = Vec::new();
        for (value, (p, n)) in self.column.values.iter().zip(self.question.weigh(self.column)) {
            if p + n <= 0.0 {
                continue;
            }
            if p > 0.0 {
                rated.push((p / (p + n), value.clone()));
            } else {
                absent.push(value.clone());
            }
        }
        rated.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let distinct = self.column.values.len() as f64;
        for size in 2..=rated.len().min(LARGEST_SET) {
            let mut values: Vec<Scalar> = rated.iter().take(size).map(|(_, v)| v.clone()).collect();
            values.sort();
            tests.push((Test::In(values), (size - 1) as f64 * distinct.log2().max(1.0) / 2.0));
        }
        if (2..=LARGEST_SET).contains(&absent.len()) && rated.len() > 1 {
            absent.sort();
            let cost = (absent.len() - 1) as f64 * distinct.log2().max(1.0) / 2.0;
            tests.push((Test::NotIn(absent), cost));
        }
    }

    fn thresholds(&self, tests: &mut Vec<(Test, f64)>) {
        let mut seen: Vec<(f64, u32)> = self
            .in_mismatches()
            .keys()
            .filter_map(|value| Some((self.column.at(*value)?, *value)))
            .collect();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let chosen: BTreeSet<usize> = if seen.len() <= MOST_THRESHOLDS {
            (0..seen.len()).collect()
        } else {
            (0..QUANTILES).map(|q| q * (seen.len() - 1) / (QUANTILES - 1)).collect()
        };
        for at in chosen {
            if let Some(value) = seen.get(at).and_then(|(_, value)| self.value(*value)) {
                tests.push((Test::AtLeast(value.clone()), 0.0));
                tests.push((Test::AtMost(value), 0.0));
            }
        }
    }
}
