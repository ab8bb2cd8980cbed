//! Both bodies as one table of lines, for a page that shows them side by side.
//!
//! A [`Row`] is one line of the pretty-printed pair: both cells of a row belong together, so a page
//! puts them into one grid row. A row without a left (right) cell exists only on the other side.
//! Rows come in the order of the right body; what only the left has stands where it was.
//!
//! - `Line { kind: Equal, .. }`: both cells, perhaps spelled differently (`1` and `1.0`); one cell
//!   where a null counts as missing.
//! - `Changed`: both cells; [`Piece::marked`] is set on what differs, in long strings only on the
//!   words that do. Where values of a different type have different numbers of lines, the surplus
//!   lines have one cell.
//! - `Added`, `Removed`: one cell, and one such line for each line of the value.
//! - `Moved`: one cell, twice: where the element was and where it is; `counterpart` is the pointer
//!   of the other place, in the other body. With both cells and no counterpart it is the opening
//!   line of an array whose elements stand in another order; they follow in the right's order.
//!   What also changed inside a moved element is not marked; the changes of `diff` list it.
//! - `Masked`: a difference under an ignore rule (`masked_by` is its number); cells as above.
//! - `Fold`: equal lines that are not there; ask again with a larger `context` to see them.
//! - `Rest`: the table is cut here; so many lines are left out on the longer side.
//!
//! Text is as hostile as the bodies are: escape it. Line numbers count from 1 on each side, over
//! all lines, folded ones included.

mod cell;
mod draft;
mod fold;
mod plan;
mod words;

use serde::{Deserialize, Serialize};

use self::fold::Folding;
use self::plan::{Counterparts, Plan};
use crate::align::{Pairing, Work};
use crate::compare::{find, root_difference};
use crate::format::{Pair, Reading};
use crate::hash::Seed;
use crate::report;
use crate::rule::Scope;
use crate::walk::Trail;
use crate::{Budget, Document, Kind, Rules};

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
    let seed = Seed::of(left.bytes, right.bytes);
    let mut scope = Scope::new(rules);
    let reading = Reading { split: true, ..Reading::new(&seed, &mut scope, budget) };
    let pair = reading.pair(left, right);
    let (left, right) = (&pair.left.tape, &pair.right.tape);
    if pair.left.empty && pair.right.empty {
        return Vec::new();
    }
    let work = Work::new(budget.max_work);
    let mut pairing = Pairing { left, right, scope: &scope, work };
    let counterparts = counterparts(&mut pairing, &pair, budget);
    pairing.work = work;
    let mut plan = Plan {
        folding: Folding::new(left, right, context),
        pairing: &mut pairing,
        counterparts,
        trail: Trail::default(),
    };
    plan.run(root_difference(&pair));
    plan.folding.finish(&plan.trail)
}

/// Values that went from one container to another, which no single container can tell.
fn counterparts(pairing: &mut Pairing<'_, '_>, pair: &Pair<'_>, budget: &Budget) -> Counterparts {
    let found = find(pairing, pair, budget);
    let mut counterparts = Counterparts::default();
    for finding in found.list.iter().filter(|finding| finding.kind == Kind::Moved) {
        let (Some(left), Some(right), Some(from)) =
            (finding.left, finding.right, finding.left_around)
        else {
            continue;
        };
        let trail = &found.trail;
        let side = report::Side::Right;
        let to = report::pointer(pairing.right, trail, finding.around, finding.right, side);
        let side = report::Side::Left;
        let from = report::pointer(pairing.left, trail, from, finding.left, side);
        counterparts.of_left.insert(left.id, to.into());
        counterparts.of_right.insert(right.id, from.into());
    }
    counterparts
}
