//! Latency of both sides as percentile curves on one logarithmic axis.

use std::collections::BTreeMap;

use super::in_percent;
use crate::{api::quantile, words};

/// Name and share of each mark of the axis.
const MARKS: [(&str, f64); 6] =
    [("p50", 0.50), ("p75", 0.75), ("p90", 0.90), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];
const TOP: f64 = 8.0;

/// x in percent, y in pixels: it stretches without distortion.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curves {
    pub(crate) height: u32,
    pub(crate) primary: Side,
    pub(crate) candidate: Side,
    /// Value and y.
    pub(crate) ticks: Vec<(String, String)>,
    /// Name and x.
    pub(crate) marks: Vec<(&'static str, String)>,
    pub(crate) base: String,
    pub(crate) label: String,
}

/// Points of one side, and the stretches between them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Side {
    pub(crate) points: Vec<Point>,
    /// x1, y1, x2, y2.
    pub(crate) lines: Vec<[String; 4]>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: String,
    pub(crate) y: String,
    /// `p95: 128 ms`
    pub(crate) words: String,
}

type Buckets = BTreeMap<u16, u64>;

impl Curves {
    /// `None` where a side has no answer.
    pub(crate) fn of(primary: &Buckets, candidate: &Buckets, height: u32) -> Option<Self> {
        let values = |buckets: &Buckets| -> Option<Vec<f64>> {
            MARKS.iter().map(|(_, share)| quantile(buckets, *share)).collect()
        };
        let (one, other) = (values(primary)?, values(candidate)?);
        let all = || one.iter().chain(&other).copied().filter(|ms| *ms > 0.0);
        let low = all().min_by(f64::total_cmp)?;
        let high = all().max_by(f64::total_cmp)?.max(low * 3.0);
        let base = f64::from(height) - 20.0;
        let y = |ms: f64| {
            let share = (ms.max(low) / low).ln() / (high / low).ln();
            base - 4.0 - share.clamp(0.0, 1.0) * (base - 4.0 - TOP)
        };
        let x = |at: usize| in_percent(0.16 + 0.79 * at as f64 / (MARKS.len() - 1) as f64);
        let side = |values: &[f64]| {
            let points: Vec<Point> = values
                .iter()
                .enumerate()
                .map(|(at, ms)| Point {
                    x: x(at),
                    y: format!("{:.1}", y(*ms)),
                    words: format!("{}: {} ms", MARKS[at].0, words::ms(*ms)),
                })
                .collect();
            let line = |pair: &[Point]| {
                let [from, to] = pair else { return None };
                Some([from.x.clone(), from.y.clone(), to.x.clone(), to.y.clone()])
            };
            Side { lines: points.windows(2).filter_map(line).collect(), points }
        };
        Some(Self {
            height,
            primary: side(&one),
            candidate: side(&other),
            ticks: ticks(low, high)
                .into_iter()
                .map(|ms| (words::ms(ms), format!("{:.1}", y(ms))))
                .collect(),
            marks: MARKS.iter().enumerate().map(|(at, (name, _))| (*name, x(at))).collect(),
            base: format!("{base:.1}"),
            label: label(&one, &other),
        })
    }
}

/// Round values within the axis; its ends where there are fewer than two.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let round = |step: f64| -> Vec<f64> {
        (-3..7)
            .flat_map(|power| [1.0, step].map(|factor| factor * 10f64.powi(power)))
            .filter(|ms| (low..=high).contains(ms))
            .collect()
    };
    let mut found = round(1.0);
    found.dedup();
    if found.len() < 2 {
        found = round(3.0);
        found.dedup();
    }
    if found.len() < 2 { vec![low, high] } else { found }
}

fn label(one: &[f64], other: &[f64]) -> String {
    let mut parts = Vec::new();
    for (at, (name, _)) in MARKS.iter().enumerate() {
        if let (Some(one), Some(other)) = (one.get(at), other.get(at)) {
            parts.push(format!("{name} {} and {}", words::ms(*one), words::ms(*other)));
        }
    }
    format!("Latency in ms, primary and candidate: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_share_one_axis_and_a_faster_side_lies_lower() {
        let slow: Buckets = [(240, 90), (260, 10)].into();
        let fast: Buckets = [(200, 90), (230, 10)].into();
        let curves = Curves::of(&slow, &fast, 120).unwrap();
        let y = |point: &Point| point.y.parse::<f64>().unwrap();
        for (one, other) in curves.primary.points.iter().zip(&curves.candidate.points) {
            assert!(y(one) < y(other) && y(other) <= 120.0 && y(one) >= TOP);
        }
        assert_eq!(curves.primary.points.len(), MARKS.len());
        assert!(curves.ticks.len() >= 2);
        assert_eq!(Curves::of(&slow, &Buckets::new(), 120), None);
    }
}
