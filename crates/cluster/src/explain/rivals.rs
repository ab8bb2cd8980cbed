//! One mismatch of one place that the rules of several causes cover: whose is it?
//!
//! Two rules may decide the same field. Where both apply to a request, the field shows what the
//! stronger one says: a blocked customer's large loan is declined, not sent to review. Each cause
//! is known by what the primary answers where it applies alone, and a doubtful mismatch goes to
//! the causes whose usual answer it has.

use std::collections::BTreeMap;

use super::{
    cause::{Found, Subject},
    row::Scalar,
};

/// What the primary answers at the places of a cause, where it alone applies.
type Usual = BTreeMap<Vec<(u32, Scalar)>, u64>;

pub(super) struct Rivals {
    usual: Vec<Usual>,
}

impl Rivals {
    /// `owners`: by row, the causes that cover it and show in it.
    pub(super) fn of(subject: &Subject<'_>, found: &[Found], owners: &[Vec<usize>]) -> Self {
        let mut usual: Vec<Usual> = vec![Usual::new(); found.len()];
        for (row, owners) in owners.iter().enumerate() {
            for owner in owners {
                let Some(part) = subject.part(found, *owner, row) else { continue };
                let mut others = owners.iter().filter(|other| *other != owner);
                if others.any(|other| subject.meet(found, (*owner, *other), row)) {
                    continue;
                }
                if let Some(usual) = usual.get_mut(*owner) {
                    *usual.entry(subject.answered(row, part)).or_default() += 1;
                }
            }
        }
        Self { usual }
    }

    /// Those of a row's causes that have it: each that has no rival there, and of rivals those
    /// whose usual answer it is, all of them where it is nobody's.
    pub(super) fn settle(
        &self,
        subject: &Subject<'_>,
        found: &[Found],
        (row, owners): (usize, &[usize]),
    ) -> Vec<usize> {
        if owners.len() < 2 {
            return owners.to_vec();
        }
        let likely = |owner: usize| self.likely(subject, found, (row, owner));
        let beaten = |owner: usize| {
            let own = likely(owner);
            let mut rivals = owners.iter().filter(|other| **other != owner);
            rivals.any(|other| subject.meet(found, (owner, *other), row) && likely(*other) > own)
        };
        owners.iter().copied().filter(|owner| !beaten(*owner)).collect()
    }

    /// Of causes whose rules do not cover a row the one whose usual answer it is the most, else
    /// the one that shows the most often.
    pub(super) fn closest(
        &self,
        subject: &Subject<'_>,
        found: &[Found],
        (row, near): (usize, &[usize]),
    ) -> Option<usize> {
        let shown = |cause: usize| self.usual.get(cause).map_or(0, |u| u.values().sum::<u64>());
        let rank = |cause: usize| (self.likely(subject, found, (row, cause)), shown(cause));
        near.iter().copied().max_by(|one, two| {
            let (one, two) = (rank(*one), rank(*two));
            one.0.total_cmp(&two.0).then(one.1.cmp(&two.1))
        })
    }

    /// How often a cause shows this row's answer where it alone applies.
    fn likely(&self, subject: &Subject<'_>, found: &[Found], (row, cause): (usize, usize)) -> f64 {
        let Some(usual) = self.usual.get(cause) else { return 0.0 };
        let Some(part) = subject.part(found, cause, row) else { return 0.0 };
        let own = usual.get(&subject.answered(row, part)).copied().unwrap_or(0);
        own as f64 / usual.values().sum::<u64>().max(1) as f64
    }
}

impl Subject<'_> {
    /// The set of a cause that shows in a row.
    fn part(&self, found: &[Found], cause: usize, row: usize) -> Option<usize> {
        let whole = self.spots(self.rows.get(row)?.set?);
        let own = &found.get(cause)?.sets;
        own.iter().copied().find(|set| self.spots(*set).is_subset(whole))
    }

    /// Whether two causes show at one place of a row.
    fn meet(&self, found: &[Found], (one, two): (usize, usize), row: usize) -> bool {
        match (self.part(found, one, row), self.part(found, two, row)) {
            (Some(one), Some(two)) => !self.spots(one).is_disjoint(self.spots(two)),
            _ => false,
        }
    }

    /// The primary's values at the places of a set.
    fn answered(&self, row: usize, set: usize) -> Vec<(u32, Scalar)> {
        let kept = self.rows.get(row).and_then(|seen| self.book.kept(seen.id));
        let (Some(kept), Some(restated)) = (kept, self.restated.get(set)) else {
            return Vec::new();
        };
        self.book.cells_where(kept, &|field| restated.holds(field))
    }
}
