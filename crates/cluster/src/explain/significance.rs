//! How likely a rule covers so many mismatches by chance.

use super::bits::{Bits, Weighted};

/// Fisher's exact test, one-sided: the chance that of the covered rows at least as many differ,
/// if covering had nothing to do with differing. Stored rows are counted, not their weights.
pub(super) fn p_value(covered: &Bits, differing: &Weighted, others: &Weighted) -> f64 {
    let count = |side: &Weighted| (side.kept(covered).rows(), side.rows());
    let ((p, all_p), (n, all_n)) = (count(differing), count(others));
    upper_tail(p, p + n, all_p, all_p + all_n)
}

/// The chance of at least `hits` of `drawn` balls being among the `marked` of `all`.
fn upper_tail(hits: u64, drawn: u64, marked: u64, all: u64) -> f64 {
    let most = drawn.min(marked);
    let ln_choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    if drawn > all || marked > all || hits > most {
        return 1.0;
    }
    let whole = ln_choose(all, drawn);
    let mut sum = 0.0;
    for k in hits..=most {
        if drawn - k > all - marked {
            continue;
        }
        let term = (ln_choose(marked, k) + ln_choose(all - marked, drawn - k) - whole).exp();
        sum += term;
        // Beyond the mode terms only shrink.
        if term < sum * 1e-12 && k > hits + 8 {
            break;
        }
    }
    sum.min(1.0)
}

/// The logarithm of `n!`, by Stirling's series from 256 on (error below 1e-12).
fn ln_factorial(n: u64) -> f64 {
    if n < 256 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_those_of_the_tea_tasting_lady() {
        assert!((upper_tail(4, 4, 4, 8) - 1.0 / 70.0).abs() < 1e-9);
        assert!((upper_tail(3, 4, 4, 8) - 17.0 / 70.0).abs() < 1e-9);
        assert!((upper_tail(0, 4, 4, 8) - 1.0).abs() < 1e-9);
        assert!(upper_tail(200, 200, 200, 10_000) < 1e-300);
    }

    #[test]
    fn factorials_of_both_kinds_meet() {
        let exact: f64 = (2..=256_u32).map(|k| f64::from(k).ln()).sum();
        assert!((ln_factorial(256) - exact).abs() < 1e-9);
    }
}
