//! Sets of rows as bitmaps.

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(super) fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)] }
    }

    pub(super) fn all(rows: usize) -> Self {
        let mut bits = Self { words: vec![u64::MAX; rows.div_ceil(64)] };
        if let (Some(last), tail) = (bits.words.last_mut(), rows % 64)
            && tail > 0
        {
            *last = (1 << tail) - 1;
        }
        bits
    }

    /// Rows that it is about, in or out.
    pub(super) fn size(&self) -> usize {
        self.words.len() * 64
    }

    pub(super) fn set(&mut self, row: usize) {
        if let Some(word) = self.words.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    pub(super) fn has(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    pub(super) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// Rows in both.
    pub(super) fn shared(&self, other: &Self) -> u64 {
        self.words.iter().zip(&other.words).map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }

    /// Rows in all three.
    pub(super) fn shared_by(&self, second: &Self, third: &Self) -> u64 {
        let words = self.words.iter().zip(&second.words).zip(&third.words);
        words.map(|((a, b), c)| u64::from((a & b & c).count_ones())).sum()
    }

    /// Size of the intersection over size of the union; 1 for two empty sets.
    pub(super) fn jaccard(&self, other: &Self) -> f64 {
        let shared = self.shared(other);
        let either = self.count() + other.count() - shared;
        if either == 0 { 1.0 } else { shared as f64 / either as f64 }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }

    fn zip(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self { words: self.words.iter().zip(&other.words).map(|(a, b)| combine(*a, *b)).collect() }
    }
}

/// Rows that count with weights: a stored row stands for as many as were counted.
#[derive(Clone, Debug)]
pub(super) struct Weighted {
    /// Disjoint sets, each with its weight.
    parts: Vec<(f64, Bits)>,
}

impl Weighted {
    /// Each of `rows` with its weight.
    pub(super) fn of(rows: impl Iterator<Item = (usize, f64)>, total: usize) -> Self {
        let mut parts: Vec<(f64, Bits)> = Vec::new();
        for (row, weight) in rows {
            match parts.iter_mut().find(|(own, _)| (own - weight).abs() <= 1e-9 * weight) {
                Some((_, bits)) => bits.set(row),
                None => {
                    let mut bits = Bits::none(total);
                    bits.set(row);
                    parts.push((weight, bits));
                }
            }
        }
        Self { parts }
    }

    pub(super) fn total(&self) -> f64 {
        self.parts.iter().map(|(weight, bits)| weight * bits.count() as f64).sum()
    }

    pub(super) fn within(&self, set: &Bits) -> f64 {
        self.parts.iter().map(|(weight, bits)| weight * bits.shared(set) as f64).sum()
    }

    pub(super) fn within_both(&self, one: &Bits, two: &Bits) -> f64 {
        self.parts.iter().map(|(weight, bits)| weight * bits.shared_by(one, two) as f64).sum()
    }

    pub(super) fn without(&self, set: &Bits) -> Self {
        let left = self.parts.iter().map(|(weight, bits)| (*weight, bits.without(set)));
        Self { parts: left.filter(|(_, bits)| !bits.is_empty()).collect() }
    }

    pub(super) fn kept(&self, set: &Bits) -> Self {
        let left = self.parts.iter().map(|(weight, bits)| (*weight, bits.and(set)));
        Self { parts: left.filter(|(_, bits)| !bits.is_empty()).collect() }
    }

    /// The rows themselves.
    pub(super) fn bits(&self, total: usize) -> Bits {
        self.parts.iter().fold(Bits::none(total), |all, (_, bits)| all.or(bits))
    }

    pub(super) fn rows(&self) -> u64 {
        self.parts.iter().map(|(_, bits)| bits.count()).sum()
    }

    /// Every row with its weight.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, f64)> {
        self.parts.iter().flat_map(|(weight, bits)| bits.rows().map(move |row| (row, *weight)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_counted_and_combined() {
        let mut odd = Bits::none(130);
        (1..130).step_by(2).for_each(|row| odd.set(row));
        let all = Bits::all(130);
        assert_eq!((all.count(), odd.count(), odd.shared(&all)), (130, 65, 65));
        assert_eq!(all.without(&odd).rows().take(3).collect::<Vec<_>>(), [0, 2, 4]);
        assert!(odd.has(129) && !odd.has(128) && !odd.has(500));
        assert!((odd.jaccard(&all) - 0.5).abs() < 1e-9);
        assert!((Bits::none(3).jaccard(&Bits::none(3)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn weights_stand_for_what_was_counted() {
        let weights = [(0, 1.0), (1, 1.0), (2, 4.0)];
        let weighted = Weighted::of(weights.into_iter(), 10);
        let mut set = Bits::none(10);
        set.set(1);
        set.set(2);
        assert!(
            (weighted.total() - 6.0).abs() < 1e-9 && (weighted.within(&set) - 5.0).abs() < 1e-9
        );
        assert_eq!((weighted.without(&set).rows(), weighted.rows()), (1, 3));
    }
}
