//! How much may be tried at one endpoint: counted in words of bitmaps, not in time, so that the
//! same rows give the same rules on any machine.

use std::cell::Cell;

/// About a second of one core.
const AT_ENDPOINT: u64 = 800_000_000;

#[derive(Debug)]
pub(super) struct Work {
    left: Cell<u64>,
}

impl Work {
    pub(super) const fn at_endpoint() -> Self {
        Self { left: Cell::new(AT_ENDPOINT) }
    }

    /// Takes what looking at so many rows costs; false when nothing is left.
    pub(super) fn spend(&self, rows: usize) -> bool {
        let words = 1 + rows as u64 / 64;
        self.left.set(self.left.get().saturating_sub(words));
        self.left.get() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_gone() {
        let work = Work { left: Cell::new(5) };
        assert!(work.spend(100) && work.spend(10));
        assert!(!work.spend(128) && !work.spend(0));
    }
}
