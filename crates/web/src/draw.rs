//! Charts: values in, geometry out. Templates write it as SVG attributes; colours are classes.

mod columns;
mod curves;
mod flow;
mod interval;
mod range;
mod rates;
mod strip;
mod threshold;

pub(crate) use columns::Columns;
pub(crate) use curves::Curves;
pub(crate) use flow::Flow;
pub(crate) use interval::{IntervalBar, Ring, rate_axis};
pub(crate) use range::{LatencyAxis, RangeLine, label as latency_label};
pub(crate) use rates::{Rate, Rates};
pub(crate) use strip::{Segment, strip};
pub(crate) use threshold::Strip;

/// A length with at most two digits after the point.
fn fixed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn in_percent(share: f64) -> String {
    format!("{}%", fixed(share * 100.0))
}
