//! When a cluster is fixed: pure judgements on counts.

use store::{RecheckCount, RecheckVerdict};

/// A cluster that is still there shows in one of `1/rate` exchanges. After `CERTAIN / rate` without
/// it, chance has had less than one in a million.
const CERTAIN: f64 = 14.0;
/// However frequent it was.
const LEAST_LATER: u64 = 100;
/// Under a condition that tells which exchanges would show it.
const LEAST_UNDER_CONDITION: u64 = 20;
/// Where no build is known to have changed, traffic that is like that only at times must not look
/// like a fix.
const STRICTER: f64 = 3.0;
/// Controls that may differ: data move on while a recheck runs.
const MOST_CONTROL: f64 = 0.05;

/// A cluster while it was seen, and what was compared since then without it: at its endpoints, or
/// under its condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Later<'a> {
    pub(super) since: Since<'a>,
    /// In words, where the figures are those under it.
    pub(super) condition: Option<&'a str>,
    /// Pairs of the cluster.
    pub(super) seen: u64,
    /// Compared while it was seen.
    pub(super) of: u64,
    /// Compared since.
    pub(super) compared: u64,
    /// Far more are wanted than would be enough.
    pub(super) widely: bool,
}

/// From when on a cluster may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since<'a> {
    /// A newer build of the candidate.
    Version(&'a str),
    /// It was seen for the last time, in the newest build.
    LastSeen,
}

impl Later<'_> {
    /// Why it is gone, where that is certain.
    pub(super) fn gone(&self) -> Option<String> {
        let rate = self.seen as f64 / self.of.max(self.seen).max(1) as f64;
        let least = self.condition.map_or(LEAST_LATER, |_| LEAST_UNDER_CONDITION);
        let wanted = match (self.since, self.widely) {
            (Since::Version(_), false) => CERTAIN,
            (Since::LastSeen, _) | (_, true) => CERTAIN * STRICTER,
        };
        let certain = self.compared >= least && self.compared as f64 * rate >= wanted;
        certain.then(|| self.sentence())
    }

    fn sentence(&self) -> String {
        let under = self.condition.map_or_else(String::new, |text| format!(" under `{text}`"));
        let place = match self.since {
            Since::Version(version) => format!(" in {version}"),
            Since::LastSeen => String::new(),
        };
        format!(
            "0 of {} later exchanges{under} differ so{place}; {} of {} did before",
            self.compared, self.seen, self.of
        )
    }
}

/// Results of one recheck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    own: Side,
    control: Side,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    /// Said something about the candidate.
    judged: u64,
    differ: u64,
    elsewhere: u64,
    no_answer: u64,
    moved: u64,
    not_sent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fixed,
    Differs,
    /// What matched before differs now too: the data have moved on, or something else broke.
    ControlDiffers,
    /// Nothing could be judged.
    Unknown,
}

impl Tally {
    pub(super) fn of(counts: &[RecheckCount]) -> Self {
        let mut tally = Self::default();
        for count in counts {
            let side = if count.control { &mut tally.control } else { &mut tally.own };
            let n = count.exchanges;
            match count.verdict {
                RecheckVerdict::Matches => side.judged += n,
                RecheckVerdict::Differs => {
                    side.judged += n;
                    side.differ += n;
                }
                RecheckVerdict::DiffersElsewhere => {
                    side.judged += n;
                    side.elsewhere += n;
                }
                RecheckVerdict::NoAnswer => side.no_answer += n,
                RecheckVerdict::Moved => side.moved += n,
                RecheckVerdict::NotSent => side.not_sent += n,
            }
        }
        tally
    }

    pub(super) fn results(&self) -> u64 {
        let all = |side: &Side| side.judged + side.no_answer + side.moved + side.not_sent;
        all(&self.own) + all(&self.control)
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.own.differ > 0 {
            return Verdict::Differs;
        }
        if self.own.judged == 0 || self.own.no_answer > 0 {
            return Verdict::Unknown;
        }
        if self.control.differ as f64 > MOST_CONTROL * self.control.judged as f64 {
            return Verdict::ControlDiffers;
        }
        Verdict::Fixed
    }

    pub(super) fn sentence(&self, verdict: Verdict) -> String {
        let mut text = format!(
            "{} of {} differ now; control {} of {}",
            self.own.differ, self.own.judged, self.control.differ, self.control.judged
        );
        let rest = [
            (self.own.elsewhere, "differ at other places"),
            (self.own.no_answer + self.control.no_answer, "got no answer"),
            (self.own.moved + self.control.moved, "are left out: their data have moved on"),
            (self.own.not_sent + self.control.not_sent, "were not sent: writes, or not kept"),
        ];
        for (n, what) in rest.into_iter().filter(|(n, _)| *n > 0) {
            text.push_str(&format!("; {n} {what}"));
        }
        text.push_str(match verdict {
            Verdict::Fixed | Verdict::Differs => "",
            Verdict::ControlDiffers => {
                "; what matched before differs too, so this says nothing: the data have moved on"
            }
            Verdict::Unknown => "; nothing can be said",
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_gone_only_when_it_would_have_been_seen() {
        let of = |since, condition, seen, of, compared| {
            Later { since, condition, seen, of, compared, widely: false }.gone()
        };
        let widely = |compared| {
            let since = Since::Version("v2");
            Later { since, condition: None, seen: 50, of: 100, compared, widely: true }.gone()
        };
        assert_eq!((widely(99), widely(100).is_some()), (None, true));
        assert!(widely(84).is_none(), "a hundred are the least");
        let later =
            |seen, all, compared| of(Since::Version("v2"), None, seen, all, compared).is_some();
        let under = of(Since::Version("v2"), Some("amount > 5"), 212, 213, 20);
        assert_eq!(
            under.as_deref(),
            Some(
                "0 of 20 later exchanges under `amount > 5` differ so in v2; 212 of 213 did before"
            )
        );
        assert_eq!(of(Since::Version("v2"), Some("amount > 5"), 212, 213, 19), None);
        assert_eq!(of(Since::LastSeen, None, 50, 500, 400), None);
        assert_eq!(
            of(Since::LastSeen, None, 50, 500, 420).as_deref(),
            Some("0 of 420 later exchanges differ so; 50 of 500 did before")
        );
        let table = [
            (later(50, 100, 99), false),
            (later(50, 100, 100), true),
            (later(5, 1_000, 2_000), false),
            (later(5, 1_000, 2_800), true),
            (later(1, 100_000, 100_000), false),
            (later(0, 0, 100_000), false),
        ];
        for (at, (gone, wanted)) in table.into_iter().enumerate() {
            assert_eq!(gone, wanted, "row {at}");
        }
    }

    fn counted(own: &[(RecheckVerdict, u64)], control: &[(RecheckVerdict, u64)]) -> Tally {
        let of = |control| {
            move |(verdict, exchanges): &(RecheckVerdict, u64)| RecheckCount {
                recheck: 1,
                control,
                verdict: *verdict,
                exchanges: *exchanges,
            }
        };
        let counts: Vec<RecheckCount> =
            own.iter().map(of(false)).chain(control.iter().map(of(true))).collect();
        Tally::of(&counts)
    }

    #[test]
    fn a_recheck_fixes_only_with_a_control_that_holds() {
        use RecheckVerdict::{Differs, DiffersElsewhere, Matches, Moved, NoAnswer};
        let fixed = counted(&[(Matches, 40)], &[(Matches, 39), (Differs, 1)]);
        assert_eq!(fixed.verdict(), Verdict::Fixed);
        assert_eq!(fixed.sentence(Verdict::Fixed), "0 of 40 differ now; control 1 of 40");
        let table = [
            (counted(&[(Matches, 39), (Differs, 1)], &[(Matches, 40)]), Verdict::Differs),
            (counted(&[(Matches, 40)], &[(Differs, 9), (Matches, 31)]), Verdict::ControlDiffers),
            (counted(&[(Moved, 40)], &[(Matches, 40)]), Verdict::Unknown),
            (counted(&[(Matches, 39), (NoAnswer, 1)], &[(Matches, 40)]), Verdict::Unknown),
            (counted(&[(DiffersElsewhere, 40)], &[(Matches, 40)]), Verdict::Fixed),
            (counted(&[(Matches, 1)], &[]), Verdict::Fixed),
        ];
        for (tally, wanted) in table {
            assert_eq!(tally.verdict(), wanted, "{tally:?}");
        }
    }
}
