//! The interval of a rate on one log axis, and the ring of evidence.

use std::f64::consts::TAU;

use super::{fixed, in_percent};
use crate::words;

/// The axis: 0.001 % to 10 %.
const LOWEST: f64 = 1e-5;
const DECADES: f64 = 4.0;

/// Percent coordinates: the drawing stretches without distortion.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IntervalBar {
    pub(crate) from: String,
    pub(crate) width: String,
    /// The rate; `None` without a mismatch.
    pub(crate) dot: Option<String>,
    /// The upper bound, where there is no dot.
    pub(crate) tick: Option<String>,
    pub(crate) target: String,
    pub(crate) class: &'static str,
    pub(crate) label: String,
}

impl IntervalBar {
    /// `(mismatching, all)` trials and the interval of their rate.
    pub(crate) fn of(
        (mismatching, trials): (u64, u64),
        low: f64,
        high: f64,
        target: f64,
        class: &'static str,
    ) -> Self {
        let rate = words::share(mismatching, trials);
        let (from, to) = (place(low), place(high));
        let label = format!(
            "{} mismatch, rate {}, between {} and {}, target {}",
            words::of_trials(mismatching, trials),
            words::percent(rate),
            words::percent(low),
            words::percent(high),
            words::round_percent(target)
        );
        Self {
            from: in_percent(from),
            width: in_percent((to - from).max(0.0)),
            dot: (rate > 0.0).then(|| in_percent(place(rate))),
            tick: (rate <= 0.0).then(|| in_percent(to)),
            target: in_percent(place(target)),
            class,
            label,
        }
    }
}

/// Labels of the axis with their places; the target takes the place of what it would cover.
pub(crate) fn rate_axis(target: f64) -> Vec<(String, String, &'static str)> {
    let at = place(target);
    let marks = [(1e-5, "0.001"), (1e-4, "0.01"), (1e-3, "0.1"), (1e-2, "1"), (1e-1, "10\u{a0}%")];
    let mut axis: Vec<(String, String, &'static str)> = marks
        .into_iter()
        .filter(|(share, _)| (place(*share) - at).abs() > 0.14)
        .map(|(share, text)| {
            let anchor = match place(share) {
                0.0 => "start",
                share if share >= 1.0 => "end",
                _ => "middle",
            };
            (in_percent(place(share)), text.to_owned(), anchor)
        })
        .collect();
    axis.push((in_percent(at), words::round_percent(target), "target"));
    axis
}

/// 0 at the left end of the axis, 1 at the right; what is beyond stands at the end.
fn place(share: f64) -> f64 {
    if share <= LOWEST { 0.0 } else { ((share / LOWEST).log10() / DECADES).min(1.0) }
}

/// A ring that fills with the evidence already there: `stroke-dasharray` of a circle with
/// radius 5.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ring {
    pub(crate) dash: String,
}

impl Ring {
    pub(crate) fn of(share: f64) -> Self {
        let length = TAU * 5.0;
        let filled = length * share.clamp(0.04, 1.0);
        Self { dash: format!("{} {}", fixed(filled), fixed(length)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_is_logarithmic_and_clamped() {
        for (share, at) in
            [(0.0, 0.0), (1e-5, 0.0), (1e-4, 0.25), (1e-3, 0.5), (0.1, 1.0), (1.0, 1.0)]
        {
            assert!((place(share) - at).abs() < 1e-9, "{share}");
        }
    }

    #[test]
    fn without_a_mismatch_there_is_a_tick_at_the_upper_bound() {
        let bar = IntervalBar::of((0, 4_000), 0.0, 0.001, 0.001, "wait");
        assert_eq!((bar.dot, bar.tick.as_deref()), (None, Some("50%")));
        let bar = IntervalBar::of((1, 100), 0.001, 0.1, 0.001, "fail");
        assert_eq!((bar.dot.as_deref(), bar.tick), (Some("75%"), None));
        assert!(bar.label.starts_with("1 of 100 trials mismatch, rate 1.00"), "{}", bar.label);
        assert_eq!((bar.from.as_str(), bar.width.as_str()), ("50%", "50%"));
    }

    #[test]
    fn the_target_replaces_the_label_it_would_cover() {
        let axis = rate_axis(0.001);
        assert_eq!(axis.len(), 5);
        assert!(
            axis.iter()
                .any(|(at, text, kind)| at == "50%" && text == "0.1\u{a0}%" && *kind == "target")
        );
    }
}
