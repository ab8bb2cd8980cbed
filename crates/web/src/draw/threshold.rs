//! Where a threshold lies: stored values as rings (match) and dots (differ), with the gap between
//! them.

use super::{fixed, in_percent};

/// Values drawn of each side: those nearest to the threshold.
const MOST: usize = 60;
/// Rows into which values of one place are spread.
const LANES: [&str; 4] = ["8", "17", "26", "35"];

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strip {
    pub(crate) marks: Vec<Mark>,
    /// Left edge and width.
    pub(crate) gap: Option<(String, String)>,
    pub(crate) low: String,
    pub(crate) high: String,
    /// The neighbours of the threshold: `49,950 matches`, `50,010 differs`.
    pub(crate) neighbours: Vec<Neighbour>,
    pub(crate) label: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) x: String,
    pub(crate) y: &'static str,
    pub(crate) differs: bool,
    /// One of the two neighbours.
    pub(crate) edge: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Neighbour {
    pub(crate) x: String,
    /// `end` or `start`: away from the gap.
    pub(crate) anchor: &'static str,
    pub(crate) text: String,
    pub(crate) differs: bool,
}

impl Strip {
    /// `above`: values over the threshold differ. `None` where a side has no value.
    pub(crate) fn of(
        matching: &[f64],
        differing: &[f64],
        threshold: f64,
        above: bool,
    ) -> Option<Self> {
        let nearest = |values: &[f64]| {
            let mut near: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
            near.sort_by(|a, b| (a - threshold).abs().total_cmp(&(b - threshold).abs()));
            near.truncate(MOST);
            near
        };
        let (matching, differing) = (nearest(matching), nearest(differing));
        let below = |values: &[f64]| {
            values.iter().copied().filter(|v| *v <= threshold).max_by(f64::total_cmp)
        };
        let over = |values: &[f64]| {
            values.iter().copied().filter(|v| *v >= threshold).min_by(f64::total_cmp)
        };
        let (left, right) = if above {
            (below(&matching)?, over(&differing)?)
        } else {
            (below(&differing)?, over(&matching)?)
        };
        let all = || matching.iter().chain(&differing).copied();
        let (low, high) = (all().min_by(f64::total_cmp)?, all().max_by(f64::total_cmp)?);
        let span = if high > low { high - low } else { 1.0 };
        let place = |value: f64| 0.02 + 0.96 * (value - low) / span;
        let marks = |values: &[f64], differs: bool| -> Vec<Mark> {
            let edge = if differs == above { right } else { left };
            let mark = |(at, value): (usize, &f64)| Mark {
                x: in_percent(place(*value)),
                y: LANES[at % LANES.len()],
                differs,
                edge: *value == edge,
            };
            values.iter().enumerate().map(mark).collect()
        };
        let word = |differs| if differs { "differs" } else { "matches" };
        let neighbour = |value: f64, anchor, differs| Neighbour {
            x: in_percent(place(value)),
            anchor,
            text: format!("{} {}", number(value), word(differs)),
            differs,
        };
        Some(Self {
            marks: [marks(&matching, false), marks(&differing, true)].concat(),
            gap: (right > left)
                .then(|| (in_percent(place(left)), in_percent(place(right) - place(left)))),
            neighbours: vec![neighbour(left, "end", !above), neighbour(right, "start", above)],
            label: format!(
                "{} kept values match and {} differ; {} {}, {} {}",
                matching.len(),
                differing.len(),
                number(left),
                word(!above),
                number(right),
                word(above)
            ),
            low: number(low),
            high: number(high),
        })
    }
}

/// `49,950`, `12.5`
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let sign = if value < 0.0 { "−" } else { "" };
        format!("{sign}{}", crate::words::count(value.abs() as u64))
    } else {
        fixed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_lies_between_the_neighbours_of_the_threshold() {
        let strip =
            Strip::of(&[30_000.0, 49_950.0], &[50_010.0, 80_000.0], 50_000.0, true).unwrap();
        let texts: Vec<&str> = strip.neighbours.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["49,950 matches", "50,010 differs"]);
        assert!(strip.gap.is_some());
        assert_eq!(strip.marks.iter().filter(|mark| mark.edge).count(), 2);
        assert_eq!((strip.low.as_str(), strip.high.as_str()), ("30,000", "80,000"));
    }

    #[test]
    fn below_a_threshold_the_left_side_differs() {
        let strip = Strip::of(&[20.0, 25.0], &[3.0, 12.5], 20.0, false).unwrap();
        assert_eq!(strip.neighbours[0].text, "12.5 differs");
        assert_eq!(strip.neighbours[1].text, "20 matches");
        assert_eq!(Strip::of(&[], &[1.0], 2.0, false), None);
    }
}
