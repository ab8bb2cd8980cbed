//! Sparklines: one column per version, or per stretch of time.

use super::fixed;

/// Versions shown.
const MOST: usize = 12;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) columns: Vec<Column>,
    /// First, peak and last, for those who do not see the columns.
    pub(crate) label: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    /// `last`, `past` or `zero`.
    pub(crate) class: &'static str,
}

impl Columns {
    /// The newest [`MOST`] of `values`, oldest first; each with its words. Scaled to their peak.
    pub(crate) fn of(values: &[(f64, String)], width: u32, height: u32) -> Self {
        let shown = &values[values.len().saturating_sub(MOST)..];
        Self::over("versions", shown, width, height)
    }

    /// All of `values`, which stand for what `noun` says.
    pub(crate) fn over(noun: &str, shown: &[(f64, String)], width: u32, height: u32) -> Self {
        let peak = shown.iter().map(|(value, _)| *value).fold(0.0, f64::max);
        // A few versions fill half of the width rather than a corner of it.
        let step = f64::from(width) / shown.len().max(MOST / 2) as f64;
        let columns = shown
            .iter()
            .enumerate()
            .map(|(place, (value, _))| {
                let zero = *value <= 0.0 || peak <= 0.0;
                let tall = if zero { 1.0 } else { (value / peak * f64::from(height)).max(2.0) };
                Column {
                    x: fixed(place as f64 * step),
                    y: fixed(f64::from(height) - tall),
                    width: fixed((step - 1.5).max(1.0)),
                    height: fixed(tall),
                    class: match (zero, place + 1 == shown.len()) {
                        (true, _) => "zero",
                        (false, true) => "last",
                        (false, false) => "past",
                    },
                }
            })
            .collect();
        Self { width, height, columns, label: label(noun, shown, peak) }
    }
}

fn label(noun: &str, shown: &[(f64, String)], peak: f64) -> String {
    let (Some((_, first)), Some((_, last))) = (shown.first(), shown.last()) else {
        return "no version yet".to_owned();
    };
    let highest = shown.iter().find(|(value, _)| *value >= peak).map_or("", |(_, words)| words);
    match shown.len() {
        1 => format!("one version: {last}"),
        number => format!("{number} {noun}: first {first}, peak {highest}, last {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_twelve_are_shown_and_zero_is_a_hairline() {
        let values: Vec<_> = (0..20).map(|n| (f64::from(n % 4), n.to_string())).collect();
        let columns = Columns::of(&values, 120, 20);
        assert_eq!(columns.columns.len(), 12);
        assert_eq!(columns.columns[0].class, "zero");
        assert_eq!(columns.columns[0].height, "1");
        assert_eq!(columns.columns[11].class, "last");
        assert_eq!(columns.columns[11].height, "20");
        assert_eq!(columns.label, "12 versions: first 8, peak 11, last 19");
    }

    #[test]
    fn few_versions_are_not_stretched_over_the_whole_width() {
        let columns = Columns::of(&[(3.0, "3".to_owned())], 120, 20);
        assert_eq!(
            (columns.columns[0].x.as_str(), columns.columns[0].width.as_str()),
            ("0", "18.5")
        );
        assert!(Columns::of(&[], 120, 20).columns.is_empty());
    }
}
