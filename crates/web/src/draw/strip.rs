//! The share strip: one bar of all mismatches, a segment per cluster.

use super::in_percent;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) x: String,
    pub(crate) width: String,
    /// Percent of all, rounded.
    pub(crate) share: String,
    /// Wide enough for a label below.
    pub(crate) labelled: bool,
    pub(crate) first: bool,
}

/// Segments of `parts` (name, link, count) within `whole`, in the order given. The one `chosen` by
/// name is in accent, else the first.
pub(crate) fn strip(parts: &[(String, String, u64)], whole: u64, chosen: &str) -> Vec<Segment> {
    let accent = parts.iter().position(|(name, ..)| name == chosen).unwrap_or(0);
    let mut at = 0.0;
    parts
        .iter()
        .enumerate()
        .map(|(place, (name, href, count))| {
            let share = crate::words::share(*count, whole);
            let segment = Segment {
                name: name.clone(),
                href: href.clone(),
                x: in_percent(at),
                width: in_percent(share),
                share: format!("{:.0}\u{a0}%", share * 100.0),
                labelled: share >= 0.09,
                first: place == accent,
            };
            at += share;
            segment
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_stand_one_after_another() {
        let parts = [("a".to_owned(), String::new(), 50), ("b".to_owned(), String::new(), 25)];
        let strip = strip(&parts, 100, "b");
        assert_eq!((strip[0].x.as_str(), strip[0].width.as_str()), ("0%", "50%"));
        assert!(strip[1].first && !strip[0].first);
        assert_eq!((strip[1].x.as_str(), strip[1].width.as_str()), ("50%", "25%"));
    }
}
