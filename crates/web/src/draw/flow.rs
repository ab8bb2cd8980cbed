//! The funnel as a ribbon: losses fall off the lower edge at the stage where they happen.
//!
//! Invariant: the ribbon's thickness at a stage is the sum of what leaves it, up to the smallest
//! thickness that is still visible.

use super::fixed;
use crate::{api::Funnel, ledger::Tally, words};

const FULL: f64 = 54.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 122.0;
const SMALLEST: f64 = 1.5;
/// Inner radius where a ribbon turns down.
const BEND: f64 = 7.0;
/// The verdict bar at the right.
const FAN_TOP: f64 = 22.0;
const FAN_HEIGHT: f64 = 92.0;

const CAPTURED_X: f64 = 540.0;
const COMPARED_X: f64 = 985.0;
const FAN_X: f64 = 1112.0;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flow {
    pub(crate) slots: Vec<Slot>,
    pub(crate) leaks: Vec<Leak>,
    /// Path of the band from captured to compared.
    pub(crate) bands: Vec<String>,
    pub(crate) fan: Vec<Fan>,
    pub(crate) fan_path: String,
    pub(crate) label: String,
}

/// A stage: a bar with its count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) index: usize,
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    pub(crate) count: String,
    pub(crate) share: String,
    /// Of 100, for the bar in the list.
    pub(crate) bar: String,
    pub(crate) href: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) height: String,
}

/// What leaves the ribbon.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leak {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    /// The stage it leaves, an index into `slots`.
    pub(crate) stage: usize,
    pub(crate) count: String,
    pub(crate) share: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) href: String,
    pub(crate) path: Option<String>,
    pub(crate) text_x: String,
    /// Counts as loss.
    pub(crate) warn: bool,
}

/// One verdict of the compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fan {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    pub(crate) count: String,
    pub(crate) share: String,
    pub(crate) href: String,
    pub(crate) y: String,
    pub(crate) height: String,
    pub(crate) text_y: String,
    pub(crate) two_lines: bool,
}

struct Draft {
    name: &'static str,
    key: &'static str,
    count: u64,
    x: f64,
    reasons: Vec<String>,
    warn: bool,
}

impl Flow {
    pub(crate) fn of(funnel: &Funnel, total: &Tally) -> Self {
        let scale = Scale { whole: funnel.seen.max(funnel.captured).max(1) };
        let captured = scale.thick(funnel.captured);
        let compared = scale.thick(funnel.compared);
        let mut leaks = Vec::new();
        let seen_leaks = scale.leaks(0, 0.0, captured, seen_drafts(funnel), &mut leaks);
        scale.leaks(1, CAPTURED_X, compared, captured_drafts(funnel), &mut leaks);
        let seen = (captured + seen_leaks).max(SMALLEST);
        let slot = |index, name, key, count, x: f64, tall: f64, href: &str| Slot {
            index,
            name,
            key,
            count: words::count(count),
            share: words::percent(words::share(count, scale.whole)),
            bar: fixed(words::share(count, scale.whole) * 100.0),
            href: href.to_owned(),
            x: fixed(x),
            y: fixed(TOP),
            height: fixed(tall),
        };
        let slots = vec![
            slot(0, "Seen", "seen", funnel.seen, 0.0, seen, "/exchanges?fate=seen"),
            slot(
                1,
                "Captured",
                "captured",
                funnel.captured,
                CAPTURED_X,
                captured,
                "/exchanges?fate=captured",
            ),
            slot(
                2,
                "Compared",
                "compared",
                funnel.compared,
                COMPARED_X,
                compared,
                "/exchanges?version=all",
            ),
        ];
        let bands = vec![
            band(0.0, CAPTURED_X, captured),
            band(CAPTURED_X, COMPARED_X, compared.min(captured)),
        ];
        Self {
            slots,
            leaks,
            bands,
            fan: fan(total),
            fan_path: fan_path(compared),
            label: format!(
                "{} seen, {} captured, {} compared, {} mismatched",
                words::count(funnel.seen),
                words::count(funnel.captured),
                words::count(funnel.compared),
                words::count(total.mismatched)
            ),
        }
    }
}

fn seen_drafts(funnel: &Funnel) -> Vec<Draft> {
    let draft = |name, key, count, x, reasons, warn| Draft { name, key, count, x, reasons, warn };
    vec![
        draft("Sampled out", "sampled_out", funnel.sampled_out, 44.0, Vec::new(), false),
        draft(
            "Not copied",
            "not_copied",
            funnel.not_copied_total(),
            216.0,
            reason_lines(&funnel.not_copied),
            false,
        ),
        draft(
            "Dropped",
            "dropped",
            funnel.dropped_total(),
            402.0,
            reason_lines(&funnel.dropped),
            true,
        ),
    ]
}

fn captured_drafts(funnel: &Funnel) -> Vec<Draft> {
    let skipped = Draft {
        name: "Skipped",
        key: "skipped",
        count: funnel.skipped_total(),
        x: 572.0,
        reasons: reason_lines(&funnel.skipped),
        warn: false,
    };
    let in_flight = Draft {
        name: "In flight",
        key: "in_flight",
        count: funnel.in_flight,
        x: 742.0,
        reasons: vec!["queued or comparing".to_owned()],
        warn: false,
    };
    // Losses share a column: what is parked can be looked at, what is lost must never be.
    let (name, key, count, reasons) = if funnel.lost > 0 {
        let parked = vec![format!("parked {}", words::count(funnel.parked))];
        ("Lost", "lost", funnel.lost, parked)
    } else {
        ("Parked", "parked", funnel.parked, vec!["set aside".to_owned()])
    };
    let aside = Draft { name, key, count, x: 876.0, reasons, warn: true };
    vec![skipped, in_flight, aside]
}

/// The largest reasons, at most two lines.
fn reason_lines(reasons: &std::collections::BTreeMap<String, u64>) -> Vec<String> {
    let mut sorted: Vec<(&String, &u64)> = reasons.iter().filter(|(_, n)| **n > 0).collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let mut lines: Vec<String> = sorted
        .iter()
        .take(2)
        .map(|(name, n)| format!("{} {}", words::reason(name), words::count(**n)))
        .collect();
    let rest: u64 = sorted.iter().skip(2).map(|(_, n)| **n).sum();
    if let Some(last) = lines.last_mut()
        && rest > 0
    {
        last.push_str(&format!(" · other {}", words::count(rest)));
    }
    lines
}

struct Scale {
    whole: u64,
}

impl Scale {
    fn thick(&self, count: u64) -> f64 {
        if count == 0 { 0.0 } else { (words::share(count, self.whole) * FULL).max(SMALLEST) }
    }

    /// Ribbons that leave below a band of `kept`; the outermost falls first. Returns their sum.
    fn leaks(
        &self,
        stage: usize,
        from: f64,
        kept: f64,
        drafts: Vec<Draft>,
        into: &mut Vec<Leak>,
    ) -> f64 {
        let sum: f64 = drafts.iter().map(|draft| self.thick(draft.count)).sum();
        let mut y = TOP + kept + sum;
        for draft in drafts {
            let thick = self.thick(draft.count);
            y -= thick;
            into.push(Leak {
                name: draft.name,
                key: draft.key,
                stage,
                count: words::count(draft.count),
                share: words::percent(words::share(draft.count, self.whole)),
                reasons: if draft.count == 0 { Vec::new() } else { draft.reasons },
                href: format!("/exchanges?fate={}", draft.key),
                path: (draft.count > 0).then(|| fall(from, draft.x, y, thick)),
                text_x: fixed(draft.x + thick.max(SMALLEST) + 8.0),
                warn: draft.warn && draft.count > 0,
            });
        }
        sum
    }
}

fn band(from: f64, to: f64, thick: f64) -> String {
    let (from, to, top, low) = (fixed(from), fixed(to), fixed(TOP), fixed(TOP + thick));
    format!("M{from} {top}H{to}V{low}H{from}Z")
}

/// A ribbon from `from` along `y`, that turns down at `x`.
fn fall(from: f64, x: f64, y: f64, thick: f64) -> String {
    let outer = BEND + thick;
    let right = x + thick;
    format!(
        "M{} {}H{}A{o} {o} 0 0 1 {} {}V{}H{}V{}A{i} {i} 0 0 0 {} {}H{}Z",
        fixed(from),
        fixed(y),
        fixed(right - outer),
        fixed(right),
        fixed(y + outer),
        fixed(BOTTOM.max(y + outer)),
        fixed(x),
        fixed(y + thick + BEND),
        fixed(x - BEND),
        fixed(y + thick),
        fixed(from),
        o = fixed(outer),
        i = fixed(BEND),
    )
}

fn fan_path(compared: f64) -> String {
    let middle = (COMPARED_X + FAN_X) / 2.0;
    let (top, low) = (TOP, TOP + compared);
    let (fan_top, fan_low) = (FAN_TOP, FAN_TOP + FAN_HEIGHT);
    format!(
        "M{c} {}C{m} {} {m} {} {f} {}V{}C{m} {} {m} {} {c} {}Z",
        fixed(top),
        fixed(top),
        fixed(fan_top),
        fixed(fan_top),
        fixed(fan_low),
        fixed(fan_low),
        fixed(low),
        fixed(low),
        c = fixed(COMPARED_X),
        m = fixed(middle),
        f = fixed(FAN_X),
    )
}

/// Enlarged: what mismatches gets a visible part of the bar however rare it is.
/// Nothing compared is no verdict.
fn fan(total: &Tally) -> Vec<Fan> {
    if total.compared == 0 {
        return Vec::new();
    }
    let parts = [
        ("Match", "pass", total.matched, "/exchanges?verdict=match&version=all"),
        ("Mismatch", "fail", total.mismatched, "/exchanges?verdict=mismatch&version=all"),
        ("No answer", "warn", total.no_answer, "/exchanges?verdict=no_answer&version=all"),
        ("Lag", "wait", total.lag, "/exchanges?verdict=lag&version=all"),
        (
            "Primary 5xx",
            "wait",
            total.primary_error,
            "/exchanges?verdict=primary_error&version=all",
        ),
    ];
    let shown: Vec<_> = parts
        .into_iter()
        .filter(|(name, _, n, _)| *n > 0 || matches!(*name, "Match" | "Mismatch"))
        .collect();
    const LINE: f64 = 19.0;
    let others = shown.len().saturating_sub(1) as f64;
    let floor = if others > 0.0 { (FAN_HEIGHT * 0.5 / others).min(LINE) } else { 0.0 };
    let free = FAN_HEIGHT - floor * (others + 1.0);
    let mut y = FAN_TOP;
    shown
        .into_iter()
        .map(|(name, class, n, href)| {
            let tall = floor + free * words::share(n, total.compared.max(1));
            let two_lines = tall >= 34.0;
            let fan = Fan {
                name,
                class,
                count: words::count(n),
                share: words::percent(words::share(n, total.compared)),
                href: href.to_owned(),
                y: fixed(y),
                height: fixed((tall - 1.5).max(1.0)),
                text_y: fixed(y + tall / 2.0 + if two_lines { -4.0 } else { 4.0 }),
                two_lines,
            };
            y += tall;
            fan
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn funnel() -> Funnel {
        crate::api::funnel_of(
            &store::FunnelCounts {
                seen: 1000,
                sampled_out: 500,
                not_copied: [
                    ("write".to_owned(), 90),
                    ("paused".to_owned(), 9),
                    ("shadow".to_owned(), 1),
                ]
                .into(),
                captured: 400,
                compared: 390,
                in_flight: 10,
                taps_balanced: true,
                ..store::FunnelCounts::default()
            },
            None,
        )
    }

    #[test]
    fn losses_and_what_goes_on_fill_the_ribbon() {
        let flow = Flow::of(
            &funnel(),
            &Tally { compared: 390, matched: 380, mismatched: 10, ..Tally::default() },
        );
        let height: f64 = flow.slots[0].height.parse().unwrap();
        assert!((height - FULL).abs() < 0.1, "{height}");
        let drawn: Vec<_> =
            flow.leaks.iter().filter(|leak| leak.path.is_some()).map(|leak| leak.key).collect();
        assert_eq!(drawn, ["sampled_out", "not_copied", "in_flight"]);
        assert_eq!(flow.leaks[1].reasons, ["write 90", "paused 9 · other 1"]);
    }

    #[test]
    fn verdicts_fill_the_bar_and_rare_ones_stay_visible() {
        let flow = Flow::of(
            &funnel(),
            &Tally {
                compared: 1_000_000,
                matched: 999_998,
                mismatched: 1,
                no_answer: 1,
                ..Tally::default()
            },
        );
        let heights: Vec<f64> = flow.fan.iter().map(|fan| fan.height.parse().unwrap()).collect();
        assert_eq!(heights.len(), 3);
        assert!(heights.iter().all(|tall| *tall > 15.0), "{heights:?}");
        let sum: f64 = heights.iter().map(|tall| tall + 1.5).sum();
        assert!((sum - FAN_HEIGHT).abs() < 0.5, "{sum}");
    }

    #[test]
    fn an_empty_funnel_draws_nothing_that_is_not_a_number() {
        let flow = Flow::of(
            &crate::api::funnel_of(&store::FunnelCounts::default(), None),
            &Tally::default(),
        );
        assert!(!format!("{flow:?}").contains("NaN"));
        assert_eq!(flow.fan, [], "no verdict without a pair");
    }
}
