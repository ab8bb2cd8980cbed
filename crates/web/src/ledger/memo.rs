//! What was judged of a ledger, kept with it: pages and API ask for the same again and again, and
//! intervals of hundreds of endpoints are what a page takes longest for.
//!
//! A ledger that was counted anew begins with the questions of the one before.
//!
//! Invariant: it belongs to one content. A copy of a ledger, which somebody may change, begins
//! without it; who knows that nothing changed says [`Memo::same`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use gate::{EndpointDecision, Policy};
use store::EndpointKey;

use super::{Ledger, Scope};

pub(crate) type Decisions = BTreeMap<EndpointKey, EndpointDecision>;

/// Judges a ledger.
pub(crate) type Judge = fn(&Ledger, &Scope, Option<&str>, &Policy) -> Decisions;

/// As many versions and slices as pages show at once, some times over.
const MOST: usize = 64;
/// What nobody asked for in this time is not judged ahead.
const ASKED_WITHIN: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
pub struct Memo {
    kept: Arc<Mutex<Vec<Kept>>>,
}

/// What was asked, with what was judged then.
#[derive(Debug, Clone)]
struct Kept {
    asked: Arc<Asked>,
    last_asked: Instant,
    judge: Judge,
    decisions: Arc<Decisions>,
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

    /// What was judged of `ledger`, which this belongs to, before, or is now.
    pub(crate) fn judged(
        &self,
        ledger: &Ledger,
        (scope, slice, policy): (&Scope, Option<&str>, &Policy),
        judge: Judge,
    ) -> Arc<Decisions> {
        let asked =
            Asked { scope: scope.clone(), slice: slice.map(str::to_owned), policy: policy.clone() };
        let last_asked = Instant::now();
        if let Some(kept) = self.lock().iter_mut().find(|kept| *kept.asked == asked) {
            kept.last_asked = last_asked;
            return Arc::clone(&kept.decisions);
        }
        // Two who come at once both judge: that is cheaper than to wait with the lock held.
        let decisions = Arc::new(judge(ledger, scope, slice, policy));
        let answer = Arc::clone(&decisions);
        self.keep(Kept { asked: Arc::new(asked), last_asked, judge, decisions });
        answer
    }

    /// Judges `ledger`, which this belongs to, by what was asked of an older one lately, so that
    /// the next who asks need not wait.
    pub(super) fn renew(&self, older: &Self, ledger: &Ledger) {
        let before = older.lock().clone();
        for kept in before.into_iter().filter(|kept| kept.last_asked.elapsed() < ASKED_WITHIN) {
            let Asked { scope, slice, policy } = &*kept.asked;
            let decisions = Arc::new((kept.judge)(ledger, scope, slice.as_deref(), policy));
            self.keep(Kept { decisions, ..kept });
        }
    }

    fn keep(&self, one: Kept) {
        let mut kept = self.lock();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.push(one);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static JUDGED: AtomicU32 = AtomicU32::new(0);

    fn judge(_: &Ledger, _: &Scope, _: Option<&str>, _: &Policy) -> Decisions {
        JUDGED.fetch_add(1, Ordering::SeqCst);
        Decisions::new()
    }

    #[test]
    fn the_same_question_is_judged_once_and_a_copy_begins_anew() {
        let ledger = Ledger::default();
        let ask = |memo: &Memo, slice, policy: &Policy| {
            memo.judged(&ledger, (&Scope::All, slice, policy), judge);
            JUDGED.load(Ordering::SeqCst)
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
        let newer = Memo::default();
        newer.renew(&memo, &ledger);
        assert_eq!(JUDGED.load(Ordering::SeqCst), 7, "each of the three questions again");
        assert_eq!(ask(&newer, Some("Offers"), &policy), 7);
    }
}
