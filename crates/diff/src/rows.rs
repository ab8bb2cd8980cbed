//! Both bodies as one table of lines, for a page that shows them side by side.
//!
//! A [`Row`] is one line of the pretty-printed pair: both cells of a row belong together, so a page
//! puts them into one grid row. A row without a left (right) cell exists only on the other side.
//! Rows come in the order of the right body; what only the left has stands where it was.
//!
//! - `Line { kind: Equal, .. }`: both cells, perhaps spelled differently (`1` and `1.0`).
//! - `Changed`: both cells; [`Piece::marked`] is set on what differs, in long strings only on the
//!   words that do.
//! - `Added`, `Removed`: one cell, and one such line for each line of the value.
//! - `Moved`: one cell, twice: where the element was and where it is; `counterpart` is the pointer
//!   of the other place, in the other body.
//! - `Masked`: a difference under an ignore rule (`masked_by` is its number); cells as above.
//! - `Fold`: equal lines that are not there; ask again with a larger `context` to see them.
//! - `Rest`: the table is cut here; so many lines are left out on the longer side.
//!
//! Text is as hostile as the bodies are: escape it. Line numbers count from 1 on each side, over
//! all lines, folded ones included.

use serde::{Deserialize, Serialize};

use crate::{Budget, Document, Rules};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row {
    Line(Line),
    Fold(Fold),
    Rest { lines: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    pub left: Option<Cell>,
    pub right: Option<Cell>,
    /// JSON Pointer of the value on this line, in the right body; in the left where there is no
    /// right cell. A closing bracket has the pointer of its container.
    pub pointer: String,
    /// Where a moved element is in the other body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked_by: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    Equal,
    Changed,
    Added,
    Removed,
    Moved,
    Masked,
}

/// One side of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// From 1.
    pub number: u32,
    /// Levels of nesting; `pieces` have no leading spaces.
    pub indent: u32,
    /// The text of the line, in pieces. A line of more than 4 KiB is cut and ends in `…`.
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub text: String,
    /// This part differs from the other side.
    pub marked: bool,
}

/// A stretch of equal lines that is folded away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    pub lines: u64,
    /// The innermost value that holds all of them, in the right body.
    pub pointer: String,
    /// Number of the first folded line on each side.
    pub left_from: u32,
    pub right_from: u32,
}

/// The table of two bodies, equal stretches folded to `context` lines around each difference
/// (`usize::MAX`: nothing folded). At most 20,000 lines.
#[must_use]
pub fn rows(
    left: Document<'_>,
    right: Document<'_>,
    rules: &Rules,
    budget: &Budget,
    context: usize,
) -> Vec<Row> {
    let _ = (left, right, rules, budget, context);
    unimplemented!()
}
