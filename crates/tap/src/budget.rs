//! The bound of everything that is held for copies, in bytes, over all threads.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    held: AtomicUsize,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicUsize::new(0) })
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// An empty share.
    pub(crate) fn share(self: &Arc<Self>) -> Held {
        Held { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Held {
    /// Whether `more` bytes fit; then they are held.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let before = self.budget.held.fetch_add(more, Ordering::Relaxed);
        let fits = before.saturating_add(more) <= self.budget.limit;
        if fits {
            self.bytes += more;
        } else {
            self.budget.held.fetch_sub(more, Ordering::Relaxed);
        }
        fits
    }

    /// Gives back all but `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.budget.held.fetch_sub(less, Ordering::Relaxed);
        self.bytes -= less;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_never_exceeds_the_limit_and_all_comes_back() {
        let budget = Budget::new(100);
        let mut first = budget.share();
        let mut second = budget.share();
        assert!(first.grow(60));
        assert!(!second.grow(60));
        assert!(second.grow(40));
        assert_eq!(budget.held(), 100);
        first.shrink_to(10);
        assert!(second.grow(50));
        drop((first, second));
        assert_eq!(budget.held(), 0);
    }
}
