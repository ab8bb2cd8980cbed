//! Latency: p50 to p99 as a line with a mark at p95, both sides on one log axis.

use super::in_percent;
use crate::{api::LatencyMs, words};

/// The axis that all rows of a table share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LatencyAxis {
    low: f64,
    high: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RangeLine {
    pub(crate) from: String,
    pub(crate) mark: String,
    pub(crate) to: String,
}

impl LatencyAxis {
    pub(crate) fn over<'a>(rows: impl Iterator<Item = &'a LatencyMs>) -> Self {
        let mut axis = Self { low: f64::INFINITY, high: 0.0 };
        for side in rows.flat_map(|row| [row.primary, row.candidate]) {
            for ms in [side.p50, side.p99].into_iter().flatten() {
                axis.low = axis.low.min(ms);
                axis.high = axis.high.max(ms);
            }
        }
        // Half a decade at least, so that noise does not fill the column.
        if axis.low.is_finite() {
            axis.high = axis.high.max(axis.low * 3.0);
        }
        axis
    }

    pub(crate) fn line(&self, side: &crate::api::Quantiles) -> Option<RangeLine> {
        let (p50, p95, p99) = (side.p50?, side.p95?, side.p99?);
        Some(RangeLine {
            from: in_percent(self.place(p50)),
            mark: in_percent(self.place(p95)),
            to: in_percent(self.place(p99)),
        })
    }

    /// Within 4 % to 96 %, so that marks are not cut.
    pub(crate) fn place(&self, ms: f64) -> f64 {
        let span = (self.high / self.low).ln();
        let share = if span > 0.0 { (ms / self.low).ln() / span } else { 0.5 };
        0.04 + 0.92 * share.clamp(0.0, 1.0)
    }
}

/// `primary 84, candidate 61 ms at p95`.
pub(crate) fn label(latency: &LatencyMs) -> String {
    let text = |ms: Option<f64>| ms.map_or_else(|| "none".to_owned(), words::ms);
    format!(
        "p95: primary {} ms, candidate {} ms",
        text(latency.primary.p95),
        text(latency.candidate.p95)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Quantiles;

    #[test]
    fn sides_share_one_axis_and_stay_inside() {
        let side = |p50, p99| Quantiles { p50: Some(p50), p95: Some(p99), p99: Some(p99) };
        let row = LatencyMs { primary: side(10.0, 100.0), candidate: side(1.0, 10.0) };
        let axis = LatencyAxis::over([row].iter());
        assert_eq!(axis.line(&row.primary).unwrap().to, "96%");
        assert_eq!(axis.line(&row.candidate).unwrap().from, "4%");
        assert_eq!(axis.line(&row.candidate).unwrap().to, axis.line(&row.primary).unwrap().from);
        assert_eq!(axis.line(&Quantiles::default()), None);
    }
}
