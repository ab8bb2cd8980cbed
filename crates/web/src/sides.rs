//! Two answers side by side: rows in which equal places stand next to each other.
//!
//! The comparator has already said what differs; this only lays it out. Invariants: no recursion
//! on bodies of strangers, at most [`MOST_ROWS`] rows, and every recorded difference that lies
//! within them is marked at its place.

mod changes;
mod lines;
mod text;
mod tree;
mod walk;

use diff::{Budget, Document, Rules};
use store::view::{BodyView, DifferenceView, SampleView};

use lines::Cell;

/// Rows of one view; what is beyond is counted.
const MOST_ROWS: usize = 5_000;
/// Equal rows shown around a difference.
const CONTEXT: usize = 2;
/// Fewer equal rows than this are not folded.
const WORTH_FOLDING: usize = 5;

/// Both bodies, laid out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sides {
    pub(crate) items: Vec<Item>,
    /// Rows beyond the limit.
    pub(crate) cut: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Row(Row),
    /// Equal rows, folded.
    Fold {
        rows: Vec<Row>,
        places: String,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) left: Option<Cell>,
    pub(crate) right: Option<Cell>,
    /// `same`, `added`, `removed`, `changed`, `moved`, `volatile` or `ignored`.
    pub(crate) class: &'static str,
    /// Stands at the right of a side.
    pub(crate) note_left: String,
    pub(crate) note_right: String,
    /// JSON Pointer.
    pub(crate) path: String,
}

/// How many differences of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) changed: usize,
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) moved: usize,
    pub(crate) volatile: usize,
    pub(crate) ignored: usize,
}

/// Why a recorded difference does not count today; `None` where it counts.
pub(crate) type Masks<'a> = &'a dyn Fn(&DifferenceView) -> Option<String>;

impl Sides {
    /// Lays out the bodies of `view`; `None` where there is nothing to lay out.
    pub(crate) fn of(view: &SampleView, masks: Masks<'_>) -> Option<Self> {
        let (left, right) = (text_of(&view.primary.body)?, text_of(&view.candidate.body)?);
        let rows = match (tree::Tree::parse(left), tree::Tree::parse(right)) {
            (Some(left), Some(right)) => {
                let changes = view.differences.iter().filter(|one| one.place == "body");
                walk::rows(&left, &right, &changes::Changes::of(changes, masks))
            }
            _ => text::rows(left, right),
        };
        let cut = rows.len().saturating_sub(MOST_ROWS);
        let shown = rows.into_iter().take(MOST_ROWS).collect();
        Some(Self { items: fold(shown), cut })
    }
}

impl Kinds {
    pub(crate) fn of(differences: &[DifferenceView], masks: Masks<'_>) -> Self {
        let mut kinds = Self::default();
        for one in differences {
            let class = class_of(&one.kind, masks(one).as_deref());
            let counter = match class {
                "added" => &mut kinds.added,
                "removed" => &mut kinds.removed,
                "moved" => &mut kinds.moved,
                "volatile" => &mut kinds.volatile,
                "ignored" => &mut kinds.ignored,
                _ => &mut kinds.changed,
            };
            *counter += 1;
        }
        kinds
    }
}

/// The class of a difference; a mask decides over its kind.
pub(crate) fn class_of(kind: &str, mask: Option<&str>) -> &'static str {
    match mask {
        Some(why) if why.starts_with("volatile") => "volatile",
        Some(_) => "ignored",
        None => match kind {
            "added" => "added",
            "removed" => "removed",
            "moved" | "reordered" => "moved",
            _ => "changed",
        },
    }
}

/// RFC 6902, from the primary's body to the candidate's as they are shown; `None` where one is no
/// JSON.
pub(crate) fn patch(view: &SampleView) -> Option<serde_json::Value> {
    let (left, right) = (text_of(&view.primary.body)?, text_of(&view.candidate.body)?);
    for text in [left, right] {
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    }
    let json = |text| Document { content_type: Some("application/json"), bytes: text };
    let (left, right) = (json(left.as_bytes()), json(right.as_bytes()));
    let found = diff::diff(left, right, &Rules::default(), &Budget::default());
    serde_json::to_value(diff::patch(left, right, &found)).ok()
}

fn text_of(body: &BodyView) -> Option<&str> {
    match body {
        BodyView::Text { text } => Some(text),
        BodyView::Empty => Some(""),
        BodyView::Binary { .. } | BodyView::Absent { .. } => None,
    }
}

/// Long stretches of equal rows become one fold each.
fn fold(rows: Vec<Row>) -> Vec<Item> {
    let near: Vec<bool> = {
        let differs: Vec<bool> = rows.iter().map(|row| row.class != "same").collect();
        (0..rows.len())
            .map(|at| {
                let from = at.saturating_sub(CONTEXT);
                let to = (at + CONTEXT + 1).min(rows.len());
                differs.get(from..to).is_some_and(|window| window.contains(&true))
            })
            .collect()
    };
    // Two equal bodies are shown as they are.
    if !near.contains(&true) {
        return rows.into_iter().map(Item::Row).collect();
    }
    let mut items = Vec::new();
    let mut quiet: Vec<Row> = Vec::new();
    for (row, near) in rows.into_iter().zip(near) {
        if near {
            close_fold(&mut quiet, &mut items);
            items.push(Item::Row(row));
        } else {
            quiet.push(row);
        }
    }
    close_fold(&mut quiet, &mut items);
    items
}

fn close_fold(quiet: &mut Vec<Row>, items: &mut Vec<Item>) {
    let rows = std::mem::take(quiet);
    if rows.len() < WORTH_FOLDING {
        items.extend(rows.into_iter().map(Item::Row));
        return;
    }
    let mut places: Vec<String> = Vec::new();
    for row in &rows {
        let top: String =
            row.path.split('/').nth(1).map(|name| format!("/{name}")).unwrap_or_default();
        if !top.is_empty() && !places.contains(&top) {
            places.push(top);
        }
    }
    let more = places.len().saturating_sub(3);
    places.truncate(3);
    let mut places = places.join(", ");
    if more > 0 {
        places.push_str(&format!(" and {more} more"));
    }
    items.push(Item::Fold { rows, places });
}
