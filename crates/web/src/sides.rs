//! Two answers side by side: rows in which equal places stand next to each other.
//!
//! The comparator has already said what differs; this only lays it out. Invariants: no recursion
//! on bodies of strangers, at most [`MOST_ROWS`] rows, every recorded difference that lies within
//! them is marked at its place, and only rows that are shown are written.

mod changes;
mod children;
mod fold;
mod line;
mod marked;
mod read;
mod text;
mod tree;
mod walk;

use diff::{Budget, Document, Rules};
use store::view::{BodyView, DifferenceView, SampleView};

pub(crate) use fold::{CHUNK, FIRST, Item, Open};
pub(crate) use line::Cell;

use line::{Line, What};
use marked::marked;
use tree::Tree;

/// Rows of one pair of bodies; what is beyond is not laid out.
const MOST_ROWS: usize = 400_000;

/// Both bodies, laid out.
#[derive(Debug, Default)]
pub(crate) struct Sides<'a> {
    /// `None` for bodies that are no JSON.
    trees: Option<(Tree<'a>, Tree<'a>)>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    left: Option<Line>,
    right: Option<Line>,
    /// `same`, `added`, `removed`, `changed`, `moved`, `volatile` or `ignored`.
    class: &'static str,
    /// Stands at the right of a side.
    note_left: String,
    note_right: String,
    /// JSON Pointer: into the candidate's body, of a row of the primary alone into that.
    path: String,
}

/// A row as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Its place among all rows.
    pub(crate) at: usize,
    pub(crate) left: Option<Cell>,
    pub(crate) right: Option<Cell>,
    pub(crate) class: &'static str,
    pub(crate) note_left: String,
    pub(crate) note_right: String,
    pub(crate) path: String,
    /// Whether `path` leads into the primary's body.
    pub(crate) of_primary: bool,
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

impl<'a> Sides<'a> {
    /// Lays out the bodies of `view`; `None` where there is nothing to lay out.
    pub(crate) fn of(view: &'a SampleView, masks: Masks<'_>) -> Option<Self> {
        let (left, right) = (text_of(&view.primary.body)?, text_of(&view.candidate.body)?);
        let (Some(left_tree), Some(right_tree)) = (Tree::parse(left), Tree::parse(right)) else {
            return Some(Self { trees: None, rows: text::rows(left, right) });
        };
        let changes = view.differences.iter().filter(|one| one.place == "body");
        let changes = changes::Changes::of(changes, masks);
        let rows = walk::rows(&left_tree, &right_tree, &changes);
        Some(Self { trees: Some((left_tree, right_tree)), rows })
    }

    /// Whether rows are missing at the end.
    pub(crate) fn is_cut(&self) -> bool {
        self.rows.len() > MOST_ROWS
    }

    /// Rows as they are shown.
    pub(crate) fn shown(&self, from: usize, to: usize) -> Vec<Shown> {
        let rows = self.rows.get(from..to.min(self.rows.len())).unwrap_or_default();
        rows.iter().enumerate().map(|(place, row)| self.show(from + place, row)).collect()
    }

    fn show(&self, at: usize, row: &Row) -> Shown {
        let trees = self.trees.as_ref();
        let (left_value, right_value) = match (&row.left, &row.right) {
            (Some(left), Some(right)) if row.class == "changed" => {
                self.marked(left, right).map_or((None, None), |(a, b)| (Some(a), Some(b)))
            }
            _ => (None, None),
        };
        let left = row.left.as_ref().map(|line| line.cell(trees.map(|t| &t.0), left_value));
        let right = row.right.as_ref().map(|line| line.cell(trees.map(|t| &t.1), right_value));
        Shown {
            at,
            of_primary: right.is_none(),
            left,
            right,
            class: row.class,
            note_left: row.note_left.clone(),
            note_right: row.note_right.clone(),
            path: row.path.clone(),
        }
    }

    /// What differs between two values on one line each.
    fn marked(&self, left: &Line, right: &Line) -> Option<(Vec<line::Piece>, Vec<line::Piece>)> {
        match (&left.what, &right.what, &self.trees) {
            (What::Text(left), What::Text(right), _) => Some(marked(left, right)),
            (What::Value(_), What::Value(_), Some(trees)) => {
                let (left, right) = (left.value(&trees.0), right.value(&trees.1));
                let secret = line::token(&left).is_some() || line::token(&right).is_some();
                (!secret).then(|| marked(&left, &right))
            }
            _ => None,
        }
    }
}

/// Places of one body that a rule may name.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    tree: Tree<'a>,
}

impl<'a> Places<'a> {
    /// `None` where the body is no JSON.
    pub(crate) fn of(body: &'a BodyView) -> Option<Self> {
        Some(Self { tree: Tree::parse(text_of(body)?)? })
    }

    /// Whether the pointer leads somewhere.
    pub(crate) fn holds(&self, pointer: &str) -> bool {
        self.tree.find(pointer).is_some()
    }

    /// The pointer with array positions as `*`.
    pub(crate) fn general(&self, pointer: &str) -> String {
        self.tree.general(pointer)
    }

    /// The value as it is spelt.
    pub(crate) fn raw(&self, pointer: &str) -> Option<&'a str> {
        self.tree.find(pointer).map(|id| self.tree.raw(id))
    }

    /// A JSONPath to exactly this place.
    pub(crate) fn json_path(&self, pointer: &str) -> String {
        self.tree.json_path(pointer)
    }

    /// How many places a generalised path names in this body.
    pub(crate) fn count_general(&self, general: &str) -> u64 {
        self.tree.count_general(general)
    }

    /// How many members have this name, at any depth.
    pub(crate) fn count_named(&self, name: &str) -> u64 {
        self.tree.count_named(name)
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
