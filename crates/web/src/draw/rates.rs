//! Mismatch rates with their intervals, one after another: by version or by time, on one
//! logarithmic axis with the target across.

use super::in_percent;
use crate::words;

/// Ends of the axis.
const LOW: f64 = 1e-5;
const HIGH: f64 = 1.0;
const TOP: f64 = 8.0;

/// One version, or one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) name: String,
    pub(crate) mismatching: u64,
    pub(crate) trials: u64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// x in percent, y in pixels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rates {
    pub(crate) height: u32,
    pub(crate) bars: Vec<Bar>,
    pub(crate) target: String,
    /// Share and y.
    pub(crate) ticks: Vec<(&'static str, String)>,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) label: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) x: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// `None` with no mismatch: then only the upper bound is marked.
    pub(crate) dot: Option<String>,
    /// `pass`, `fail` or `wait`: the interval below, above or across the target.
    pub(crate) class: &'static str,
    pub(crate) words: String,
}

impl Rates {
    pub(crate) fn of(rates: &[Rate], target: f64, height: u32) -> Self {
        let base = f64::from(height) - 20.0;
        let y = |share: f64| {
            let place = (share.clamp(LOW, HIGH) / LOW).ln() / (HIGH / LOW).ln();
            format!("{:.1}", base - place * (base - TOP))
        };
        let step = 0.86 / rates.len().max(1) as f64;
        let bars = rates.iter().enumerate().filter(|(_, rate)| rate.trials > 0);
        let bars = bars.map(|(at, rate)| {
            let share = words::share(rate.mismatching, rate.trials);
            Bar {
                x: in_percent(0.11 + step * (at as f64 + 0.5)),
                from: y(rate.high),
                to: y(rate.low),
                dot: (rate.mismatching > 0).then(|| y(share)),
                class: match (rate.high < target, rate.low > target) {
                    (true, _) => "pass",
                    (_, true) => "fail",
                    _ => "wait",
                },
                words: spoken(rate, share),
            }
        });
        Self {
            height,
            bars: bars.collect(),
            target: y(target),
            ticks: [
                ("100 %", 1.0),
                ("10 %", 0.1),
                ("1 %", 0.01),
                ("0.1 %", 1e-3),
                ("0.01 %", 1e-4),
            ]
            .map(|(name, share)| (name, y(share)))
            .to_vec(),
            first: rates.first().map(|rate| rate.name.clone()).unwrap_or_default(),
            last: rates.last().map(|rate| rate.name.clone()).unwrap_or_default(),
            label: label(rates),
        }
    }
}

fn spoken(rate: &Rate, share: f64) -> String {
    format!(
        "{}: {} ({} to {}), {}",
        rate.name,
        words::percent(share),
        words::percent(rate.low),
        words::percent(rate.high),
        words::of_trials(rate.mismatching, rate.trials)
    )
}

fn label(rates: &[Rate]) -> String {
    let seen: Vec<&Rate> = rates.iter().filter(|rate| rate.trials > 0).collect();
    let say = |rate: &Rate| spoken(rate, words::share(rate.mismatching, rate.trials));
    match (seen.first(), seen.last()) {
        (Some(first), Some(last)) if first.name != last.name => {
            format!("Mismatch rate of trials. First {}; last {}", say(first), say(last))
        }
        (Some(only), _) => format!("Mismatch rate of trials. {}", say(only)),
        _ => "No trial yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(name: &str, mismatching: u64, trials: u64, low: f64, high: f64) -> Rate {
        Rate { name: name.into(), mismatching, trials, low, high }
    }

    #[test]
    fn an_interval_says_pass_fail_or_wait_by_where_it_lies() {
        let rates = [
            rate("a", 50, 100, 0.4, 0.6),
            rate("b", 0, 0, 0.0, 1.0),
            rate("c", 1, 1000, 0.0001, 0.01),
            rate("d", 0, 100_000, 0.0, 0.0001),
        ];
        let drawn = Rates::of(&rates, 0.001, 150);
        let classes: Vec<&str> = drawn.bars.iter().map(|bar| bar.class).collect();
        assert_eq!(classes, ["fail", "wait", "pass"]);
        assert_eq!(drawn.bars[2].dot, None);
        assert!(drawn.label.contains("First a: 50.0\u{a0}%") && drawn.label.contains("last d: 0"));
    }
}
