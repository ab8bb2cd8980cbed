//! Medians, ratios within rounds, and the lines they are printed as.

use super::{contenders::Contender, load::Measured};

/// One contender's measurement in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) round: usize,
    pub(crate) contender: Contender,
    pub(crate) measured: Measured,
}

/// Some figure of a measurement.
pub(crate) type Figure = fn(&Measured) -> f64;

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

pub(crate) fn median_of(rows: &[Row], contender: Contender, figure: Figure) -> f64 {
    let own = rows.iter().filter(|row| row.contender == contender);
    median(own.map(|row| figure(&row.measured)).collect())
}

/// The median of the ratios to `base` within each round; NaN where `base` was not measured.
pub(crate) fn ratio(rows: &[Row], contender: Contender, base: Contender, figure: Figure) -> f64 {
    let ratios = rows.iter().filter(|row| row.contender == contender).filter_map(|row| {
        let mut same = rows.iter().filter(|other| other.round == row.round);
        let base = same.find(|other| other.contender == base)?;
        Some(figure(&row.measured) / figure(&base.measured))
    });
    median(ratios.collect())
}

/// One goal: said, measured, and whether it holds.
pub(crate) fn goal(what: &str, value: f64, within: impl FnOnce(f64) -> bool, bound: &str) {
    let says = match value {
        value if value.is_nan() => "not measured",
        value if within(value) => "reached",
        _ => "NOT REACHED",
    };
    println!("  {what:<58} {value:>7.2}  {bound:<10} {says}");
}

/// At most `bound`.
pub(crate) fn at_most(what: &str, value: f64, bound: f64) {
    goal(what, value, |value| value <= bound, &format!("<= {bound}"));
}

/// At least `bound`.
pub(crate) fn at_least(what: &str, value: f64, bound: f64) {
    goal(what, value, |value| value >= bound, &format!(">= {bound}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_rounds() {
        let row = |round, contender, cpu_us| Row {
            round,
            contender,
            measured: Measured { cpu_us, ..Measured::default() },
        };
        let (own, base) = (Contender::TapNull, Contender::Nginx);
        // The machine was twice as slow in the second round.
        let rows = [
            row(0, base, 10.0),
            row(0, own, 12.0),
            row(1, base, 20.0),
            row(1, own, 24.0),
            row(2, base, 10.0),
            row(2, own, 30.0),
        ];
        assert!((ratio(&rows, own, base, |m| m.cpu_us) - 1.2).abs() < 1e-9);
        assert!(ratio(&rows, own, Contender::Envoy, |m| m.cpu_us).is_nan());
        assert!((median(vec![4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-9);
    }
}
