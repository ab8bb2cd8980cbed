//! How much a rule says: the gain in bits of describing which rows differ, less the bits that
//! naming the rule takes.
//!
//! The score of robust subgroup lists (Proença, Grünwald, Bäck and van Leeuwen, "Robust subgroup
//! discovery", 2022) for one binary target: the likelihood ratio of a rule's own rate against
//! the base rate. Paying the logarithm of the number of candidates for each term corrects for
//! having tried so many.

#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    base: f64,
    /// Bits for each term.
    pub(super) per_term: f64,
}

/// Bits a rule must gain to be told.
pub(super) const ENOUGH: f64 = 10.0;

impl Score {
    /// Of `differing` against `others` rows (by weight), with so many candidates for a term.
    pub(super) fn new(differing: f64, others: f64, candidates: usize) -> Self {
        let base = (differing / (differing + others).max(1e-9)).clamp(1e-9, 1.0 - 1e-9);
        Self { base, per_term: (candidates.max(2) as f64).log2() }
    }

    /// Of a rule of `terms` that covers `p` differing and `n` other rows; `cost` in bits beside
    /// that of its terms.
    pub(super) fn gain(self, p: f64, n: f64, terms: usize, cost: f64) -> f64 {
        let rate = (p + 0.5) / (p + n + 1.0);
        // A rule for fewer differing rows than anywhere says nothing.
        if rate <= self.base {
            return f64::NEG_INFINITY;
        }
        p * (rate / self.base).log2() + n * ((1.0 - rate) / (1.0 - self.base)).log2()
            - terms as f64 * self.per_term
            - cost
            - 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pure_mismatches_pay_where_mismatches_are_rare() {
        let rare = Score::new(5.0, 9_995.0, 1_000);
        assert!(rare.gain(5.0, 0.0, 1, 0.0) > ENOUGH);
        assert!(rare.gain(2.0, 0.0, 1, 0.0) < ENOUGH);
        let common = Score::new(500.0, 500.0, 1_000);
        assert!(common.gain(5.0, 0.0, 1, 0.0) < ENOUGH);
        assert!(common.gain(400.0, 500.0, 1, 0.0) < 0.0);
    }

    #[test]
    fn a_longer_rule_pays_for_its_term() {
        let score = Score::new(100.0, 9_900.0, 256);
        let gap = score.gain(100.0, 0.0, 1, 0.0) - score.gain(100.0, 0.0, 2, 0.0);
        assert!((gap - 8.0).abs() < 1e-9);
    }
}
