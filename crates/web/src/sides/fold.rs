//! What of the rows is shown: differences with what is near them; the rest is folded and loaded
//! on demand, in chunks.

use super::{Row, Sides};

/// Equal rows shown around a difference.
const CONTEXT: usize = 2;
/// Fewer equal rows than this are not folded.
const WORTH_FOLDING: usize = 5;
/// Rows that one opening of a fold shows, and rows of one chunk of the page.
pub(crate) const CHUNK: usize = 200;
/// Rows of the first look; the rest comes as one scrolls.
pub(crate) const FIRST: usize = 5 * CHUNK;

/// Which folds a URL opens, by the row each begins at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    all: bool,
    from: Vec<usize>,
}

/// A part of the rows, from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Rows, by their place; at most [`CHUNK`].
    Rows { from: usize, to: usize },
    /// Equal rows that are not shown.
    Fold { from: usize, to: usize, places: String },
    /// Everything from here on is not shown yet.
    Rest { from: usize, left: usize },
}

impl Open {
    /// `all`, or `19,240`.
    pub(crate) fn read(text: &str) -> Self {
        let from = text.split(',').take(500).filter_map(|one| one.trim().parse().ok());
        Self { all: text == "all", from: from.collect() }
    }

    /// Whether every fold is open.
    pub(crate) fn is_all(&self) -> bool {
        self.all
    }

    fn holds(&self, at: usize) -> bool {
        self.all || self.from.contains(&at)
    }

    /// As a URL says it, with one more fold open.
    pub(crate) fn with(&self, at: usize) -> String {
        if self.all {
            return "all".to_owned();
        }
        let mut from = self.from.clone();
        if !from.contains(&at) {
            from.push(at);
        }
        from.sort_unstable();
        from.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// Rows that are all near a difference, or none of which is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: usize,
    to: usize,
    quiet: bool,
}

impl Sides<'_> {
    /// The items from row `from` on, with at most `most` rows.
    pub(crate) fn items(&self, from: usize, most: usize, open: &Open) -> Vec<Item> {
        let mut shown = Shown { items: Vec::new(), left: most };
        for stretch in stretches(&self.rows) {
            let mut at = stretch.from.max(from);
            if at >= stretch.to {
                continue;
            }
            if !stretch.quiet || stretch.to - at < WORTH_FOLDING {
                at = shown.rows(at, stretch.to);
            } else {
                while at < stretch.to && shown.left > 0 && open.holds(at) {
                    at = shown.rows(at, stretch.to.min(at + CHUNK));
                }
                if at < stretch.to && shown.left > 0 {
                    let places = self.places(at, stretch.to);
                    shown.items.push(Item::Fold { from: at, to: stretch.to, places });
                    at = stretch.to;
                }
            }
            if at < stretch.to || (shown.left == 0 && at < self.rows.len()) {
                shown.items.push(Item::Rest { from: at, left: self.rows.len() - at });
                break;
            }
        }
        shown.items
    }

    /// The first rows of the fold at `from`, and what is left of it.
    pub(crate) fn unfolded(&self, from: usize) -> Vec<Item> {
        let found = stretches(&self.rows).into_iter();
        let mut found = found.filter(|one| one.quiet && one.from <= from && from < one.to);
        let Some(stretch) = found.next() else { return Vec::new() };
        let mut shown = Shown { items: Vec::new(), left: CHUNK };
        let to = if stretch.to - from < CHUNK + WORTH_FOLDING { stretch.to } else { from + CHUNK };
        shown.left = to - from;
        shown.rows(from, to);
        if to < stretch.to {
            let places = self.places(to, stretch.to);
            shown.items.push(Item::Fold { from: to, to: stretch.to, places });
        }
        shown.items
    }

    /// The members of the body that are folded away: `/applicant, /links and 3 more`.
    fn places(&self, from: usize, to: usize) -> String {
        const NAMED: usize = 3;
        let mut places: Vec<&str> = Vec::new();
        for row in self.rows.get(from..to).unwrap_or_default() {
            let top = row.path.strip_prefix('/').and_then(|path| path.split('/').next());
            if let Some(top) = top.filter(|top| places.last() != Some(top)) {
                places.push(top);
            }
        }
        let more = places.len().saturating_sub(NAMED);
        let named = places.iter().take(NAMED).map(|place| format!("/{place}"));
        let mut text = named.collect::<Vec<_>>().join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }
}

struct Shown {
    items: Vec<Item>,
    /// Rows that may still be shown.
    left: usize,
}

impl Shown {
    /// Shows rows as far as they may be; where it stopped.
    fn rows(&mut self, from: usize, to: usize) -> usize {
        let end = to.min(from + self.left);
        let mut at = from;
        while at < end {
            // Neighbours share a chunk.
            let last = match self.items.last_mut() {
                Some(Item::Rows { from, to }) if *to == at && *to - *from < CHUNK => {
                    Some((from, to))
                }
                _ => None,
            };
            let room = last.as_ref().map_or(CHUNK, |(from, to)| CHUNK - (**to - **from));
            let next = end.min(at + room);
            match last {
                Some((_, to)) => *to = next,
                None => self.items.push(Item::Rows { from: at, to: next }),
            }
            at = next;
        }
        self.left -= end.saturating_sub(from);
        end
    }
}

/// Two equal bodies are one stretch that is shown.
fn stretches(rows: &[Row]) -> Vec<Stretch> {
    let mut near = vec![false; rows.len()];
    for at in (0..rows.len()).filter(|at| rows.get(*at).is_some_and(|row| row.class != "same")) {
        let span = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(rows.len());
        near.get_mut(span).unwrap_or_default().fill(true);
    }
    if !near.contains(&true) && rows.len() <= CHUNK {
        near.fill(true);
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    for (at, near) in near.into_iter().enumerate() {
        match stretches.last_mut() {
            // The same kind of rows goes on.
            Some(last) if last.quiet != near => last.to = at + 1,
            _ => stretches.push(Stretch { from: at, to: at + 1, quiet: !near }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of which those at `differs` differ.
    fn sides(count: usize, differs: &[usize]) -> Sides<'static> {
        let rows = (0..count).map(|at| Row {
            class: if differs.contains(&at) { "changed" } else { "same" },
            path: format!("/{}/x", at / 100),
            ..Row::default()
        });
        Sides { trees: None, rows: rows.collect() }
    }

    fn rows(from: usize, to: usize) -> Item {
        Item::Rows { from, to }
    }

    #[test]
    fn equal_stretches_are_folded_and_open_in_chunks() {
        let sides = sides(1_000, &[10]);
        let fold = |from, to, places: &str| Item::Fold { from, to, places: places.to_owned() };
        let closed = sides.items(0, FIRST, &Open::default());
        assert_eq!(
            closed,
            [fold(0, 8, "/0"), rows(8, 13), fold(13, 1_000, "/0, /1, /2 and 7 more")]
        );
        let open = sides.items(0, FIRST, &Open::read("13"));
        assert_eq!(open[1..3], [rows(8, 208), rows(208, 213)]);
        assert_eq!(open[3], fold(213, 1_000, "/2, /3, /4 and 5 more"));
        assert_eq!(sides.unfolded(13), [rows(13, 213), open[3].clone()]);
        assert_eq!(Open::read("13").with(8), "8,13");
    }

    #[test]
    fn what_is_beyond_the_first_look_comes_later() {
        let all: Vec<usize> = (0..3_000).collect();
        let sides = sides(3_000, &all);
        let first = sides.items(0, FIRST, &Open::default());
        assert_eq!(first.len(), 6);
        assert_eq!(first[5], Item::Rest { from: 1_000, left: 2_000 });
        assert_eq!(
            sides.items(2_800, CHUNK, &Open::default()),
            [rows(2_800, 3_000)],
            "the end has no rest"
        );
    }

    #[test]
    fn all_folds_open_at_once_are_loaded_as_one_scrolls() {
        let items = sides(1_000, &[500]).items(0, 600, &Open::read("all"));
        assert_eq!(items.last(), Some(&Item::Rest { from: 600, left: 400 }));
        assert!(!items.iter().any(|item| matches!(item, Item::Fold { .. })));
    }

    #[test]
    fn two_equal_bodies_are_shown() {
        assert_eq!(sides(9, &[]).items(0, FIRST, &Open::default()), [rows(0, 9)]);
    }
}
