//! Walks the pair once more and lays down its lines.

use std::collections::HashMap;
use std::sync::Arc;

use super::LineKind;
use super::draft::{Draft, Lines, Part, Role};
use super::fold::Folding;
use crate::align::{Aligned, Child, Item, Pairing};
use crate::change::Kind;
use crate::report::{Side, pointer};
use crate::tape::{Id, ROOT, Sort, Tape};
use crate::walk::{Trail, Verdict, counts_as_missing, mask, verdict};

/// Where moved values are in the other body, by node.
#[derive(Default)]
pub(super) struct Counterparts {
    pub(super) of_left: HashMap<Id, Arc<str>>,
    pub(super) of_right: HashMap<Id, Arc<str>>,
}

/// Two values that go together, as they stand in their containers.
#[derive(Clone, Copy)]
struct Couple {
    left: Part,
    right: Part,
    masked_by: Option<usize>,
}

enum Task {
    Couple(Couple),
    Close(Draft),
    One(One),
}

/// A value that only one side has here.
struct One {
    side: Side,
    kind: LineKind,
    part: Part,
    counterpart: Option<Arc<str>>,
    masked_by: Option<usize>,
}

pub(super) struct Plan<'p, 't, 'r> {
    pub(super) pairing: &'p mut Pairing<'t, 'r>,
    pub(super) counterparts: Counterparts,
    pub(super) folding: Folding<'t>,
    pub(super) trail: Trail,
}

impl Plan<'_, '_, '_> {
    /// Lays down all lines. `root`: how the bodies differ as wholes, if they do.
    pub(super) fn run(&mut self, root: Option<Kind>) {
        let part = Part::new(Child::member(ROOT), Trail::NONE, 0, false);
        let (left, right) = (part, part);
        let masked_by = mask(self.pairing.left_set(ROOT), self.pairing.right_set(ROOT));
        let one = |side, kind, part| One { side, kind, part, counterpart: None, masked_by };
        let couple = Couple { left, right, masked_by };
        match root {
            Some(Kind::Added) => self.one(&one(Side::Right, LineKind::Added, right)),
            Some(Kind::Removed) => self.one(&one(Side::Left, LineKind::Removed, left)),
            Some(_) => self.changed(couple),
            None => self.couples(couple),
        }
    }

    fn couples(&mut self, root: Couple) {
        let mut stack = vec![Task::Couple(root)];
        while let Some(task) = stack.pop() {
            match task {
                Task::Close(draft) => self.folding.lay(draft, &self.trail),
                Task::One(one) => self.one(&one),
                Task::Couple(couple) => {
                    let (left, right) = (couple.left.child.id, couple.right.child.id);
                    match verdict(self.pairing, left, right) {
                        Verdict::Equal => self.lay(LineKind::Equal, couple, None),
                        Verdict::Differs(_) => self.changed(couple),
                        Verdict::Inside => self.expand(couple, &mut stack),
                    }
                }
            }
        }
    }

    fn expand(&mut self, couple: Couple, stack: &mut Vec<Task>) {
        let (left, right) = (couple.left.child, couple.right.child);
        let aligned = self.pairing.children(left.id, right.id);
        let kind = match (aligned.reordered, couple.masked_by) {
            (false, _) => LineKind::Equal,
            (true, None) => LineKind::Moved,
            (true, Some(_)) => LineKind::Masked,
        };
        if aligned.items.is_empty() {
            return self.lay(kind, couple, None);
        }
        self.lay(kind, couple, Some(Role::Open));
        let close = |part: Part| Some(part.with(Role::Close));
        stack.push(Task::Close(Draft {
            kind: LineKind::Equal,
            left: close(couple.left),
            right: close(couple.right),
            counterpart: None,
            masked_by: None,
        }));
        let here = self.trail.push(couple.left.around, left, right);
        let from = stack.len();
        let indent = couple.left.indent + 1;
        self.items(&aligned, here, indent, couple.masked_by, stack);
        stack[from..].reverse();
    }

    fn items(
        &self,
        aligned: &Aligned,
        here: u32,
        indent: u32,
        masked_by: Option<usize>,
        stack: &mut Vec<Task>,
    ) {
        let last = |side: fn(&Item) -> bool| aligned.items.iter().rposition(side);
        let last_left = last(|item| match item {
            Item::Both { moved, .. } => !moved,
            Item::Left(_) | Item::Away { .. } => true,
            Item::Right(_) => false,
        });
        let last_right = last(|item| matches!(item, Item::Both { .. } | Item::Right(_)));
        for (at, item) in aligned.items.iter().enumerate() {
            let left_part =
                |child| Part::new(child, here, indent, last_left.is_some_and(|last| at < last));
            let right_part =
                |child| Part::new(child, here, indent, last_right.is_some_and(|last| at < last));
            stack.push(match *item {
                Item::Both { left, right, moved: false } => {
                    let sets = (self.pairing.left_set(left.id), self.pairing.right_set(right.id));
                    let masked_by = masked_by.or(mask(sets.0, sets.1));
                    Task::Couple(Couple {
                        left: left_part(left),
                        right: right_part(right),
                        masked_by,
                    })
                }
                Item::Both { left, right, moved: true } => {
                    let from =
                        pointer(self.pairing.left, &self.trail, here, Some(left), Side::Left);
                    self.moved(Side::Right, right_part(right), from, masked_by)
                }
                Item::Away { left, right } => {
                    let to =
                        pointer(self.pairing.right, &self.trail, here, Some(right), Side::Right);
                    self.moved(Side::Left, left_part(left), to, masked_by)
                }
                Item::Left(left) => self.single(Side::Left, left_part(left), masked_by),
                Item::Right(right) => self.single(Side::Right, right_part(right), masked_by),
            });
        }
    }

    fn moved(&self, side: Side, part: Part, other: String, masked_by: Option<usize>) -> Task {
        let masked_by = masked_by.or(self.own_mask(side, part.child.id));
        let kind = if masked_by.is_some() { LineKind::Masked } else { LineKind::Moved };
        Task::One(One { side, kind, part, counterpart: Some(other.into()), masked_by })
    }

    fn single(&self, side: Side, part: Part, masked_by: Option<usize>) -> Task {
        let id = part.child.id;
        let (tape, set, counterparts, kind) = if side == Side::Left {
            let set = self.pairing.left_set(id);
            (self.pairing.left, set, &self.counterparts.of_left, LineKind::Removed)
        } else {
            let set = self.pairing.right_set(id);
            (self.pairing.right, set, &self.counterparts.of_right, LineKind::Added)
        };
        let masked_by = masked_by.or(set.ignore);
        let counterpart = counterparts.get(&id).cloned();
        let kind = if counts_as_missing(set, tape.node(id).sort, part.child) {
            LineKind::Equal
        } else if masked_by.is_some() {
            LineKind::Masked
        } else if counterpart.is_some() {
            LineKind::Moved
        } else {
            kind
        };
        Task::One(One { side, kind, part, counterpart, masked_by })
    }

    fn own_mask(&self, side: Side, id: Id) -> Option<usize> {
        match side {
            Side::Left => self.pairing.left_set(id).ignore,
            Side::Right => self.pairing.right_set(id).ignore,
        }
    }

    /// The lines of a value on one side only.
    fn one(&mut self, one: &One) {
        let tape = if one.side == Side::Left { self.pairing.left } else { self.pairing.right };
        let mut lines = Lines::of(one.part);
        while let Some(part) = lines.next(tape, &mut self.trail) {
            let (left, right) =
                if one.side == Side::Left { (Some(part), None) } else { (None, Some(part)) };
            self.folding.lay(
                Draft {
                    kind: one.kind,
                    left,
                    right,
                    counterpart: one.counterpart.clone(),
                    masked_by: one.masked_by,
                },
                &self.trail,
            );
        }
    }

    /// Values that differ as wholes: their lines side by side, as many as the longer one has.
    fn changed(&mut self, couple: Couple) {
        let kind = if couple.masked_by.is_some() { LineKind::Masked } else { LineKind::Changed };
        let (mut lefts, mut rights) = (Lines::of(couple.left), Lines::of(couple.right));
        loop {
            let left = lefts.next(self.pairing.left, &mut self.trail);
            let right = rights.next(self.pairing.right, &mut self.trail);
            if left.is_none() && right.is_none() {
                return;
            }
            let masked_by = couple.masked_by;
            let draft = Draft { kind, left, right, counterpart: None, masked_by };
            self.folding.lay(draft, &self.trail);
        }
    }

    fn lay(&mut self, kind: LineKind, couple: Couple, role: Option<Role>) {
        let as_role = |part: Part| Some(role.map_or(part, |role| part.with(role)));
        let differs = kind != LineKind::Equal;
        let draft = Draft {
            kind,
            left: as_role(couple.left),
            right: as_role(couple.right),
            counterpart: None,
            masked_by: couple.masked_by.filter(|_| differs),
        };
        self.folding.lay(draft, &self.trail);
    }
}

impl Tape<'_> {
    /// Text by lines: shown as it is, not as an array.
    pub(super) fn is_lines(&self) -> bool {
        !self.source && self.node(ROOT).sort == Sort::Array
    }

    /// Text of any kind: its strings are shown without quotes.
    pub(super) fn is_plain(&self) -> bool {
        self.is_lines() || !self.source && self.node(ROOT).sort == Sort::String
    }
}
