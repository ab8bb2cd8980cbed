//! What the rounds of one pair say, round by round: a pure judgement.
//!
//! Times are microseconds since asking began, by one clock: the tap's may be another machine's. The
//! primary's answer of now is the *anchor*; it is the captured one until the primary answers
//! otherwise. An answer is *as captured* where the places that differed at first differ no longer:
//! others may have moved on meanwhile.
//!
//! - The candidate is as captured while the primary's answer stands: it was behind. Asked once more
//!   to tell it from a candidate that comes and goes.
//! - The primary has moved on, and the candidate, which has not agreed with it since, now is as
//!   captured: it comes after the primary by the way the primary took.
//! - The difference stands for as long as patience, while the anchor stands: it is deterministic.
//! - The candidate keeps for as long as patience what the primary did not say at any look: it is
//!   deterministic too, however the primary moves. What a late candidate says the primary said.
//! - The primary moves on and the two agree then: the state that differed is gone, and nothing is
//!   known. Equality at another state is no evidence about this one: where users act on what they
//!   are shown, a candidate with another order of work gives the primary's next answer first, just
//!   as one does that has seen the change already.

use exchange::Finding;

/// Both sides, asked at the same moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Both {
    /// The primary's answer is the anchor still.
    pub(crate) primary_stands: bool,
    pub(crate) agree: bool,
    /// The candidate gives what was captured, where it did not at first.
    pub(crate) as_captured: bool,
    /// Somewhere the candidate has said the same ever since, and the primary at no look.
    pub(crate) foreign: bool,
}

/// The candidate alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone {
    pub(crate) as_anchor: bool,
    pub(crate) as_captured: bool,
}

/// The judgement so far.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    patience_us: u64,
    /// Between the captured answer and the beginning.
    before_us: u64,
    moved: bool,
    /// When the anchor was first seen.
    since: u64,
    /// The candidate agreed once, after so long, and is asked once more.
    caught_up: Option<u64>,
    /// Longest that the difference stood under one anchor.
    stood: u64,
}

impl Watch {
    pub(crate) fn new(patience_us: u64, before_us: u64) -> Self {
        Self { patience_us, before_us, moved: false, since: 0, caught_up: None, stood: 0 }
    }

    /// Whether the next round only confirms that the candidate has caught up.
    pub(crate) fn confirms(&self) -> bool {
        self.caught_up.is_some()
    }

    pub(crate) fn alone(&mut self, at: u64, seen: Alone) -> Option<Finding> {
        if seen.as_captured {
            return self.comes(at);
        }
        // The primary's newest, without the captured one on the way.
        (seen.as_anchor && self.moved).then(|| self.end())
    }

    pub(crate) fn both(&mut self, at: u64, seen: Both) -> Option<Finding> {
        if let Some(delay_us) = self.caught_up {
            return Some(match (seen.as_captured || seen.agree, seen.primary_stands) {
                (true, _) => Finding::Lag { delay_us },
                (false, true) => Finding::Flaky,
                (false, false) => Finding::Unchecked,
            });
        }
        self.moved |= !seen.primary_stands;
        if seen.as_captured {
            return self.comes(at);
        }
        if seen.agree {
            // What stood for a good part of the patience before its state went, stood.
            return Some(self.end());
        }
        if seen.primary_stands {
            self.stood = self.stood.max(at.saturating_sub(self.since));
        } else {
            self.since = at;
        }
        let stood_us = if seen.foreign { at } else { self.stood };
        (stood_us >= self.patience_us).then_some(Finding::Deterministic { stood_us })
    }

    /// The candidate is as captured.
    fn comes(&mut self, at: u64) -> Option<Finding> {
        let delay_us = at.saturating_add(self.before_us);
        if self.moved {
            return Some(Finding::Lag { delay_us });
        }
        self.caught_up.get_or_insert(delay_us);
        None
    }

    /// Nothing more is asked.
    pub(crate) fn end(&self) -> Finding {
        if self.caught_up.is_none() && self.stood * 2 >= self.patience_us {
            Finding::Deterministic { stood_us: self.stood }
        } else {
            Finding::Unchecked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000;
    const STANDS: Asked = both(true, false, false);
    const AGREE: Asked = both(true, true, true);
    const AGREE_NOW: Asked = both(true, true, false);
    const MOVED: Asked = both(false, false, false);
    const ELSEWHERE: Asked = both(false, true, false);
    const MOVED_BEHIND: Asked = both(false, false, true);

    #[derive(Clone, Copy)]
    enum Asked {
        Alone(Alone),
        Both(Both),
    }

    const fn both(primary_stands: bool, agree: bool, as_captured: bool) -> Asked {
        Asked::Both(Both { primary_stands, agree, as_captured, foreign: false })
    }

    const fn foreign(primary_stands: bool) -> Asked {
        let (agree, as_captured) = (false, false);
        Asked::Both(Both { primary_stands, agree, as_captured, foreign: true })
    }

    const fn alone(as_anchor: bool, as_captured: bool) -> Asked {
        Asked::Alone(Alone { as_anchor, as_captured })
    }

    /// Under a patience of 700 ms, 10 ms after the capture.
    fn found(rounds: &[(u64, Asked)]) -> Finding {
        let mut watch = Watch::new(700 * MS, 10 * MS);
        for (at, asked) in rounds {
            let done = match asked {
                Asked::Alone(seen) => watch.alone(at * MS, *seen),
                Asked::Both(both) => watch.both(at * MS, *both),
            };
            if let Some(finding) = done {
                return finding;
            }
        }
        watch.end()
    }

    #[test]
    fn a_difference_that_stands_is_deterministic() {
        let rounds = [(40, STANDS), (300, STANDS), (800, STANDS)];
        assert_eq!(found(&rounds), Finding::Deterministic { stood_us: 800 * MS });
        assert_eq!(found(&rounds[..2]), Finding::Unchecked, "not for long enough");
    }

    #[test]
    fn one_that_catches_up_is_late_by_what_was_measured() {
        let both = [(40, STANDS), (140, AGREE), (190, AGREE)];
        assert_eq!(found(&both), Finding::Lag { delay_us: 150 * MS });
        let by_itself = [(40, STANDS), (90, alone(true, true)), (140, AGREE)];
        assert_eq!(found(&by_itself), Finding::Lag { delay_us: 100 * MS });
        assert_eq!(found(&by_itself[..2]), Finding::Unchecked, "not confirmed");
        let gone_on = [(40, STANDS), (140, AGREE), (190, ELSEWHERE)];
        assert_eq!(found(&gone_on), Finding::Lag { delay_us: 150 * MS }, "with the primary");
        let lost = [(40, STANDS), (140, AGREE), (190, MOVED)];
        assert_eq!(found(&lost), Finding::Unchecked);
    }

    #[test]
    fn one_that_comes_after_a_primary_that_has_moved_on_is_late() {
        let late = Finding::Lag { delay_us: 210 * MS };
        assert_eq!(found(&[(40, STANDS), (100, MOVED), (200, alone(false, true))]), late);
        assert_eq!(found(&[(40, STANDS), (200, MOVED_BEHIND)]), late);
        let agreed = [(100, ELSEWHERE), (200, alone(false, true))];
        assert_eq!(found(&agreed), Finding::Unchecked, "it was ahead");
    }

    #[test]
    fn one_that_comes_and_goes_is_flaky() {
        assert_eq!(found(&[(40, AGREE), (90, STANDS)]), Finding::Flaky);
    }

    #[test]
    fn agreement_at_another_state_proves_nothing_about_this_one() {
        for rounds in [
            &[(40, STANDS), (140, ELSEWHERE)][..],
            &[(40, ELSEWHERE)],
            &[(40, STANDS), (140, MOVED), (300, AGREE_NOW), (350, AGREE_NOW)],
            &[(40, STANDS), (140, MOVED), (200, alone(true, false)), (300, AGREE_NOW)],
        ] {
            assert_eq!(found(rounds), Finding::Unchecked);
        }
        let stood = [(40, STANDS), (400, STANDS), (600, ELSEWHERE)];
        assert_eq!(found(&stood), Finding::Deterministic { stood_us: 400 * MS });
    }

    #[test]
    fn what_the_primary_never_says_is_deterministic_however_it_moves() {
        let moves = [(100, foreign(false)), (300, foreign(false)), (700, foreign(false))];
        assert_eq!(found(&moves), Finding::Deterministic { stood_us: 700 * MS });
        assert_eq!(found(&moves[..2]), Finding::Unchecked, "not for long enough");
        let said = [(100, foreign(false)), (300, foreign(false)), (700, MOVED)];
        assert_eq!(found(&said), Finding::Unchecked);
    }

    #[test]
    fn a_state_that_keeps_moving_decides_nothing_until_it_rests() {
        let rounds = [(40, MOVED), (140, MOVED), (900, STANDS)];
        assert_eq!(found(&rounds[..2]), Finding::Unchecked);
        assert_eq!(found(&rounds), Finding::Deterministic { stood_us: 760 * MS });
    }
}
