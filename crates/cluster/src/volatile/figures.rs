//! Statistics of plain numbers.

/// One-sided 95 %.
const Z95: f64 = 1.645;

/// The first and the third.
pub(super) fn quartiles(numbers: &[f64]) -> (f64, f64) {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: usize| sorted.get(sorted.len() * share / 4).copied().unwrap_or(0.0);
    (at(1), at(3))
}

/// Equal numbers share the middle of their ranks.
pub(super) fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut at = 0;
    while at < order.len() {
        let same = order[at..].iter().take_while(|n| numbers[**n] == numbers[order[at]]).count();
        for n in &order[at..at + same.max(1)] {
            ranks[*n] = at as f64 + (same as f64 - 1.0) / 2.0;
        }
        at += same.max(1);
    }
    ranks
}

/// Pearson's coefficient; of ranks, Spearman's.
pub(super) fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
    let (ml, mr) = (mean(left), mean(right));
    let (mut both, mut own_left, mut own_right) = (0.0, 0.0, 0.0);
    for (l, r) in left.iter().zip(right) {
        both += (l - ml) * (r - mr);
        own_left += (l - ml).powi(2);
        own_right += (r - mr).powi(2);
    }
    // A side that does not vary says nothing.
    if own_left == 0.0 || own_right == 0.0 { 1.0 } else { both / (own_left * own_right).sqrt() }
}

/// Wilson's score interval for `hits` of `n`.
pub(super) fn wilson(hits: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, rate) = (n as f64, hits.min(n) as f64 / n as f64);
    let (square, scale) = (Z95 * Z95, 1.0 + Z95 * Z95 / n);
    let middle = (rate + square / (2.0 * n)) / scale;
    let half = Z95 / scale * (rate * (1.0 - rate) / n + square / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}
