//! The best range of a column with two ends: single thresholds do not find what lies between.

use super::{candidate::Question, row::Scalar, score::Score, table::Column, term::Test};

/// Ends tried; every pair of them.
const MOST_ENDS: usize = 40;
const KEPT: usize = 3;

/// Ranges with their extra cost.
pub(super) fn best(column: &Column, question: &Question<'_>) -> Vec<(Test, f64)> {
    let points = points(column, question);
    if points.len() < 4 {
        return Vec::new();
    }
    let score = Score::new(question.differing.total(), question.others.total(), 1);
    // Ends lie where the mismatches have values.
    let ends: Vec<usize> = (0..points.len()).filter(|at| points[*at].1 > 0.0).collect();
    let ends: Vec<usize> = if ends.len() <= MOST_ENDS {
        ends
    } else {
        (0..MOST_ENDS).map(|q| ends[q * (ends.len() - 1) / (MOST_ENDS - 1)]).collect()
    };
    let mut sums = vec![(0.0, 0.0)];
    for (_, p, n, _) in &points {
        let (before_p, before_n) = sums.last().copied().unwrap_or_default();
        sums.push((before_p + p, before_n + n));
    }
    let mut found: Vec<(f64, usize, usize)> = Vec::new();
    for (nth, low) in ends.iter().enumerate() {
        for high in &ends[nth + 1..] {
            let (p, n) = (sums[high + 1].0 - sums[*low].0, sums[high + 1].1 - sums[*low].1);
            found.push((score.gain(p, n, 1, 0.0), *low, *high));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let cost = (ends.len() as f64).log2();
    let test = |low: usize, high: usize| {
        (Test::Between(points[low].3.clone(), points[high].3.clone()), cost)
    };
    found.into_iter().take(KEPT).map(|(_, low, high)| test(low, high)).collect()
}

/// Values on the scale with the weight of mismatches and others there, ascending.
fn points(column: &Column, question: &Question<'_>) -> Vec<(f64, f64, f64, Scalar)> {
    let mut points: Vec<(f64, f64, f64, Scalar)> = column
        .values
        .iter()
        .zip(question.weigh(column))
        .enumerate()
        .filter(|(_, (_, (p, n)))| p + n > 0.0)
        .filter_map(|(at, (value, (p, n)))| Some((column.at(at as u32)?, p, n, value.clone())))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}
