//! What was judged of a ledger, kept with it: pages and API ask for the same again and again, and
//! intervals of hundreds of endpoints are what a page takes longest for.
//!
//! Invariant: it belongs to one content. A copy of a ledger, which somebody may change, begins
//! without it; who knows that nothing changed says [`Memo::same`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use gate::{EndpointDecision, Policy};
use store::EndpointKey;

use super::Scope;

/// What was asked, with what was judged then.
type Kept = (Asked, Arc<Decisions>);

pub(crate) type Decisions = BTreeMap<EndpointKey, EndpointDecision>;

/// As many versions and slices as pages show at once, some times over.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub struct Memo {
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug, PartialEq)]
struct Asked {
    scope: Scope,
    slice: Option<String>,
    policy: Policy,
}

impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Memo {
    /// For a ledger with the same content.
    pub(super) fn same(&self) -> Self {
        Self { kept: Arc::clone(&self.kept) }
    }

    /// What was judged before, or is now.
    pub(crate) fn judged(
        &self,
        scope: &Scope,
        slice: Option<&str>,
        policy: &Policy,
        judge: impl FnOnce() -> Decisions,
    ) -> Arc<Decisions> {
        let asked =
            Asked { scope: scope.clone(), slice: slice.map(str::to_owned), policy: policy.clone() };
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lock().iter().find(|(own, _)| *own == asked).map(|(_, kept)| Arc::clone(kept));
        // Two who come at once both judge: that is cheaper than to wait with the lock held.
        found.unwrap_or_else(|| {
            let decisions = Arc::new(judge());
            let mut kept = lock();
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.push((asked, Arc::clone(&decisions)));
            decisions
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_same_question_is_judged_once_and_a_copy_begins_anew() {
        let judged = Cell::new(0);
        let ask = |memo: &Memo, slice, policy: &Policy| {
            memo.judged(&Scope::All, slice, policy, || {
                judged.set(judged.get() + 1);
                Decisions::new()
            });
            judged.get()
        };
        let (memo, policy) = (Memo::default(), Policy::default());
        assert_eq!(ask(&memo, None, &policy), 1);
        assert_eq!(ask(&memo, None, &policy), 1);
        assert_eq!(ask(&memo.same(), None, &policy), 1);
        assert_eq!(ask(&memo, Some("Offers"), &policy), 2);
        let mut strict = policy.clone();
        strict.targets.min_samples += 1;
        assert_eq!(ask(&memo, None, &strict), 3, "another policy is another question");
        assert_eq!(ask(&memo.clone(), None, &policy), 4);
    }
}
