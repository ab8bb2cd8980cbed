//! Thresholds where they belong: at the roundest number between what matches and what differs.

use super::{
    bits::{Bits, Weighted},
    candidate::Question,
    round::{roundest, usual},
    row::Scalar,
    score::Score,
    table::{Column, Table},
    term::{Term, Test},
};

/// Distinct numbers from which on equality with one of them looks like the edge of a range.
const RANGE: usize = 8;

/// Every row of the table that meets all terms.
pub(super) fn covered(terms: &[Term], table: &Table) -> Bits {
    terms.iter().fold(Bits::all(table.rows), |bits, term| bits.and(&rows_of(term, table)))
}

fn rows_of(term: &Term, table: &Table) -> Bits {
    let with = |passes: &dyn Fn(&Scalar) -> bool| {
        let column = table.column(&term.field);
        column.map_or_else(|| Bits::none(table.rows), |column| column.rows_with(table.rows, passes))
    };
    let but = |bits: Bits| Bits::all(table.rows).without(&bits);
    match &term.test {
        Test::Missing => but(with(&|value| *value != Scalar::Null)),
        Test::NotEqual(named) => but(with(&|value| value.is(named))),
        Test::NotIn(named) => but(with(&|value| named.iter().any(|one| value.is(one)))),
        test => with(&|value| test.passes(value)),
    }
}

/// Moves every threshold to where it separates best while the other terms stand, then to the
/// roundest number in the gap. Two ends of one field become one range.
pub(super) fn thresholds(
    terms: &mut Vec<Term>,
    question: &Question<'_>,
    differing: &Weighted,
    score: Score,
) {
    pair_ends(terms);
    for at in 0..terms.len() {
        let others: Vec<Term> = terms
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, t)| t.clone())
            .collect();
        let Some(term) = terms.get_mut(at) else { continue };
        let Some(column) = question.table.column(&term.field) else { continue };
        if column.scale.is_none() {
            continue;
        }
        let among = covered(&others, question.table);
        let line =
            Line::of(column, &differing.kept(&among), &question.others.kept(&among), question);
        if let Some(test) = line.placed(&term.test, score) {
            term.test = test;
        }
    }
}

/// `a >= 5` and `a <= 9` are `a between 5 and 9`.
fn pair_ends(terms: &mut Vec<Term>) {
    let low = terms.iter().position(|term| matches!(term.test, Test::AtLeast(_)));
    let Some(low) = low else { return };
    let field = terms.get(low).map(|term| term.field.clone()).unwrap_or_default();
    let high = terms.iter().position(|t| t.field == field && matches!(t.test, Test::AtMost(_)));
    let Some(high) = high else { return };
    let ends = (terms.get(low).map(|t| t.test.clone()), terms.get(high).map(|t| t.test.clone()));
    if let (Some(Test::AtLeast(from)), Some(Test::AtMost(to))) = ends {
        if let Some(term) = terms.get_mut(low) {
            term.test = Test::Between(from, to);
        }
        terms.remove(high);
    }
}

/// One value on the scale, and what lies there.
struct Point {
    at: f64,
    value: Scalar,
    p: f64,
    n: f64,
}

/// A column's values along its scale, of the rows that meet all other terms.
struct Line {
    points: Vec<Point>,
    whole: bool,
    dates: bool,
    /// Numbers that people choose for such a field.
    usual: &'static [f64],
}

impl Line {
    fn of(
        column: &Column,
        differing: &Weighted,
        others: &Weighted,
        question: &Question<'_>,
    ) -> Self {
        let weights = |side: &Weighted| {
            let mut weights = vec![0.0; question.table.rows];
            for (row, weight) in side.each() {
                if let Some(slot) = weights.get_mut(row) {
                    *slot = weight;
                }
            }
            column.weigh(&weights)
        };
        let mut points: Vec<Point> = weights(differing)
            .into_iter()
            .zip(weights(others))
            .zip(&column.values)
            .enumerate()
            .filter(|(_, ((p, n), _))| p + n > 0.0)
            .filter_map(|(place, ((p, n), value))| {
                Some(Point { at: column.at(place as u32)?, value: value.clone(), p, n })
            })
            .collect();
        points.sort_by(|a, b| a.at.total_cmp(&b.at));
        let whole = points.iter().all(|point| point.at.fract() == 0.0);
        Self { points, whole, dates: column.is_of_dates(), usual: usual(&column.field) }
    }

    fn placed(&self, test: &Test, score: Score) -> Option<Test> {
        match test {
            Test::AtLeast(_) => {
                let first = self.best_start(score)?;
                Some(self.from(first))
            }
            Test::AtMost(_) => {
                let last = self.best_end(score)?;
                Some(self.to(last))
            }
            Test::Between(low, high) => {
                let first = self.place_of(low)?;
                let last = self.place_of(high)?;
                Some(self.within(first, last))
            }
            _ => None,
        }
    }

    fn place_of(&self, value: &Scalar) -> Option<usize> {
        self.points.iter().position(|point| point.value == *value)
    }

    /// The differing value from which on covering gains most.
    fn best_start(&self, score: Score) -> Option<usize> {
        let (mut p, mut n) = (0.0, 0.0);
        let mut best: Option<(f64, usize)> = None;
        for (at, point) in self.points.iter().enumerate().rev() {
            (p, n) = (p + point.p, n + point.n);
            let gain = score.gain(p, n, 1, 0.0);
            if point.p > 0.0 && best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, at));
            }
        }
        best.map(|(_, at)| at)
    }

    fn best_end(&self, score: Score) -> Option<usize> {
        let (mut p, mut n) = (0.0, 0.0);
        let mut best: Option<(f64, usize)> = None;
        for (at, point) in self.points.iter().enumerate() {
            (p, n) = (p + point.p, n + point.n);
            let gain = score.gain(p, n, 1, 0.0);
            if point.p > 0.0 && best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// The nearest value below that matches.
    fn below(&self, first: usize) -> Option<f64> {
        self.points[..first].iter().rev().find(|point| point.n > 0.0).map(|point| point.at)
    }

    fn above(&self, last: usize) -> Option<f64> {
        self.points[last + 1..].iter().find(|point| point.n > 0.0).map(|point| point.at)
    }

    /// The most usual number between two neighbours.
    fn usual_within(&self, low: f64, high: f64) -> Option<Scalar> {
        let inside = self.usual.iter().find(|number| low < **number && **number < high);
        inside.map(|number| Scalar::Number(*number))
    }

    fn from(&self, first: usize) -> Test {
        let point = &self.points[first];
        let Some(matching) = self.below(first).filter(|_| !self.dates) else {
            return Test::AtLeast(point.value.clone());
        };
        if let Some(usual) = self.usual_within(matching, point.at) {
            return Test::AtLeast(usual);
        }
        let round = roundest(matching, point.at);
        if round >= point.at {
            Test::AtLeast(Scalar::Number(point.at))
        } else {
            Test::Above(Scalar::Number(round))
        }
    }

    fn to(&self, last: usize) -> Test {
        let point = &self.points[last];
        let Some(matching) = self.above(last).filter(|_| !self.dates) else {
            return Test::AtMost(point.value.clone());
        };
        if let Some(usual) = self.usual_within(point.at, matching) {
            return Test::Below(usual);
        }
        let round = roundest(point.at, matching);
        if round <= point.at {
            Test::AtMost(Scalar::Number(point.at))
        } else {
            Test::Below(Scalar::Number(round))
        }
    }

    /// Both ends belong to a range; a neighbour that matches does not.
    fn within(&self, first: usize, last: usize) -> Test {
        let (low, high) = (&self.points[first], &self.points[last]);
        if self.dates {
            return Test::Between(low.value.clone(), high.value.clone());
        }
        let step = if self.whole { 1.0 } else { 0.0 };
        let end = |own: f64, neighbour: Option<f64>, step: f64| match neighbour {
            Some(other) if (other + step - own) * (own - other).signum() < 0.0 => {
                let inside = if step == 0.0 { other + (own - other) * 0.05 } else { other + step };
                let (a, b) = if inside < own { (inside, own) } else { (own, inside) };
                roundest(a, b)
            }
            _ => own,
        };
        let from = end(low.at, self.below(first), step);
        let to = end(high.at, self.above(last), -step);
        Test::Between(Scalar::Number(from), Scalar::Number(to))
    }
}

/// What a reader should know of the terms: how wide the gap around a threshold is, and that a
/// single value looks like the edge of a range.
pub(super) fn notes(terms: &[Term], question: &Question<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, term) in terms.iter().enumerate() {
        let others: Vec<Term> = terms
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, t)| t.clone())
            .collect();
        let Some(column) = question.table.column(&term.field) else { continue };
        if column.scale.is_none() || column.is_of_dates() {
            continue;
        }
        let among = covered(&others, question.table);
        let line = Line::of(
            column,
            &question.differing.kept(&among),
            &question.others.kept(&among),
            question,
        );
        notes.extend(line.note(term));
    }
    notes
}

impl Line {
    fn note(&self, term: &Term) -> Option<String> {
        let (low, high) = match &term.test {
            Test::Equal(value) => {
                let own = value.on_scale()?;
                let between = |side: &dyn Fn(f64) -> bool| {
                    self.points.iter().any(|point| point.n > 0.0 && side(point.at))
                };
                let edge = self.points.len() >= RANGE
                    && between(&|at| at < own)
                    && between(&|at| at > own);
                return edge.then(|| "boundary of >= against >".to_owned());
            }
            Test::Above(bound) | Test::AtLeast(bound) => {
                let bound = bound.on_scale()?;
                let first = self.points.iter().find(|point| point.p > 0.0 && point.at >= bound)?;
                let before = self.points.iter().rev().find(|p| p.n > 0.0 && p.at <= bound)?;
                (before.at, first.at)
            }
            Test::Below(bound) | Test::AtMost(bound) => {
                let bound = bound.on_scale()?;
                let last = self.points.iter().rev().find(|p| p.p > 0.0 && p.at <= bound)?;
                let after = self.points.iter().find(|point| point.n > 0.0 && point.at >= bound)?;
                (last.at, after.at)
            }
            _ => return None,
        };
        let tight = if self.whole { high - low <= 1.0 } else { high - low <= 0.001 * high.abs() };
        let number = |at: f64| super::row::json_number(at).to_string();
        (!tight).then(|| format!("nothing seen between {} and {}", number(low), number(high)))
    }
}
