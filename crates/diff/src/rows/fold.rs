//! Lines in, rows out: equal stretches folded, everything bounded.

use std::collections::VecDeque;

use super::cell;
use super::draft::{Draft, Part, Role};
use super::{Fold, Line, LineKind, Row};
use crate::report::{Side, pointer};
use crate::tape::Tape;
use crate::walk::Trail;

const MAX_LINES: usize = 20_000;
/// Text and pointers of all rows together, in bytes.
const MAX_TEXT: usize = 32 << 20;

pub(super) struct Folding<'t> {
    left: &'t Tape<'t>,
    right: &'t Tape<'t>,
    context: usize,
    rows: Vec<Row>,
    lines: usize,
    text: usize,
    /// Lines that no longer fit.
    rest: u64,
    numbers: (u32, u32),
    /// Equal lines laid since the last difference; `None` before the first one.
    since: Option<usize>,
    /// The last equal lines, as many as may yet be context.
    held: VecDeque<Draft>,
    folded: Option<Folded>,
}

struct Folded {
    lines: u64,
    first: Draft,
    last: Draft,
}

impl<'t> Folding<'t> {
    pub(super) fn new(left: &'t Tape<'t>, right: &'t Tape<'t>, context: usize) -> Self {
        Self {
            left,
            right,
            context,
            rows: Vec::new(),
            lines: 0,
            text: 0,
            rest: 0,
            numbers: (0, 0),
            since: None,
            held: VecDeque::new(),
            folded: None,
        }
    }

    pub(super) fn lay(&mut self, mut draft: Draft, trail: &Trail) {
        draft.left = draft.left.filter(|part| !part.is_bare(self.left));
        draft.right = draft.right.filter(|part| !part.is_bare(self.right));
        if draft.left.is_none() && draft.right.is_none() {
            return;
        }
        number(&mut draft.left, &mut self.numbers.0);
        number(&mut draft.right, &mut self.numbers.1);
        if draft.kind != LineKind::Equal {
            self.unfold(trail);
            self.since = Some(0);
            self.emit(&draft, trail);
        } else if self.context == usize::MAX {
            self.emit(&draft, trail);
        } else if let Some(since) = self.since
            && since < self.context
        {
            self.since = Some(since + 1);
            self.emit(&draft, trail);
        } else {
            self.held.push_back(draft);
            if self.held.len() > self.context
                && let Some(oldest) = self.held.pop_front()
            {
                self.fold(oldest);
            }
        }
    }

    pub(super) fn finish(mut self, trail: &Trail) -> Vec<Row> {
        while let Some(draft) = self.held.pop_front() {
            self.fold(draft);
        }
        self.unfold(trail);
        if self.rest > 0 {
            self.rows.push(Row::Rest { lines: self.rest });
        }
        self.rows
    }

    fn fold(&mut self, draft: Draft) {
        match &mut self.folded {
            Some(folded) => {
                folded.lines += 1;
                folded.last = draft;
            }
            None => self.folded = Some(Folded { lines: 1, last: draft.clone(), first: draft }),
        }
    }

    /// Writes out what was held back: a fold, then the context before a difference.
    fn unfold(&mut self, trail: &Trail) {
        if let Some(folded) = self.folded.take() {
            if folded.lines == 1 {
                self.emit(&folded.first, trail);
            } else if self.is_full() {
                self.rest += folded.lines;
            } else {
                let row = self.fold_row(&folded, trail);
                self.text += row.pointer.len();
                self.rows.push(Row::Fold(row));
            }
        }
        while let Some(draft) = self.held.pop_front() {
            self.emit(&draft, trail);
        }
    }

    fn is_full(&self) -> bool {
        self.rest > 0 || self.lines >= MAX_LINES || self.text >= MAX_TEXT
    }

    fn emit(&mut self, draft: &Draft, trail: &Trail) {
        if self.is_full() {
            self.rest += 1;
            return;
        }
        self.lines += 1;
        let (left, right) = cell::cells(self.left, self.right, draft);
        let line = Line {
            kind: draft.kind,
            left,
            right,
            pointer: self.pointer(draft, trail),
            counterpart: draft.counterpart.as_deref().map(str::to_owned),
            masked_by: draft.masked_by,
        };
        let cells = line.left.iter().chain(&line.right).flat_map(|cell| &cell.pieces);
        self.text += line.pointer.len() + cells.map(|piece| piece.text.len()).sum::<usize>();
        self.text += line.counterpart.as_ref().map_or(0, String::len);
        self.rows.push(Row::Line(line));
    }

    fn pointer(&self, draft: &Draft, trail: &Trail) -> String {
        let of =
            |tape, part: &Part, side| pointer(tape, trail, part.around, Some(part.child), side);
        match (&draft.right, &draft.left) {
            (Some(right), _) => of(self.right, right, Side::Right),
            (None, Some(left)) => of(self.left, left, Side::Left),
            (None, None) => String::new(),
        }
    }

    fn fold_row(&self, folded: &Folded, trail: &Trail) -> Fold {
        let (first, last) = (self.holder(&folded.first, trail), self.holder(&folded.last, trail));
        let whole = folded.first.right.is_some_and(|part| part.role == Role::Open)
            && self.pointer(&folded.first, trail) == self.pointer(&folded.last, trail);
        let pointer = if whole {
            self.pointer(&folded.first, trail)
        } else {
            common_holder(&first, &last).to_owned()
        };
        let from = |part: &Option<Part>| part.map_or(1, |part| part.number);
        Fold {
            lines: folded.lines,
            pointer,
            left_from: from(&folded.first.left),
            right_from: from(&folded.first.right),
        }
    }

    /// The container that holds a line: of a bracket the container it belongs to.
    fn holder(&self, draft: &Draft, trail: &Trail) -> String {
        let own = self.pointer(draft, trail);
        own.rsplit_once('/').map_or(String::new(), |(holder, _)| holder.to_owned())
    }
}

fn number(part: &mut Option<Part>, last: &mut u32) {
    if let Some(part) = part {
        *last = last.saturating_add(1);
        part.number = *last;
    }
}

/// The longest pointer that both begin with.
fn common_holder<'a>(a: &'a str, b: &str) -> &'a str {
    let mut end = 0;
    for (step, other) in a.split('/').zip(b.split('/')) {
        if step != other {
            break;
        }
        end += step.len() + 1;
    }
    a.get(..end.saturating_sub(1)).unwrap_or(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_is_named_by_what_holds_it() {
        assert_eq!(common_holder("/a/b/c", "/a/b/d"), "/a/b");
        assert_eq!(common_holder("/a", "/ab"), "");
        assert_eq!(common_holder("", "/x"), "");
        assert_eq!(common_holder("/a/b", "/a/b"), "/a/b");
    }
}
