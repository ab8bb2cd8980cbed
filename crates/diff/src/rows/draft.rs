//! Lines before they are written out: cheap, as most of them are folded away.

use std::sync::Arc;

use super::LineKind;
use crate::align::{Child, MEMBER};
use crate::tape::{Id, Tape};
use crate::walk::Trail;

#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) kind: LineKind,
    pub(super) left: Option<Part>,
    pub(super) right: Option<Part>,
    pub(super) counterpart: Option<Arc<str>>,
    pub(super) masked_by: Option<usize>,
}

/// One side of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) child: Child,
    /// The pair of containers around the child.
    pub(super) around: u32,
    pub(super) role: Role,
    pub(super) indent: u32,
    /// More of the same container follows.
    pub(super) comma: bool,
    /// Number of the line; given when the line is laid down.
    pub(super) number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A whole value: a leaf, or a container with nothing in it.
    Value,
    Open,
    Close,
}

impl Part {
    pub(super) fn new(child: Child, around: u32, indent: u32, comma: bool) -> Self {
        Self { child, around, role: Role::Value, indent, comma, number: 0 }
    }

    pub(super) fn with(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The brackets around the lines of a text, which are not shown.
    pub(super) fn is_bare(&self, tape: &Tape<'_>) -> bool {
        tape.is_lines() && self.role != Role::Value
    }

    /// Whether the line begins with the key of its member.
    pub(super) fn has_key(&self) -> bool {
        self.child.index == MEMBER && self.around != Trail::NONE && self.role != Role::Close
    }
}

/// The lines of one value, which only one side has or which face something else.
pub(super) struct Lines {
    stack: Vec<Step>,
}

#[derive(Clone, Copy)]
enum Step {
    Value(Part),
    /// Children from this node on; `count` are done.
    Children {
        container: Part,
        next: Id,
        count: u32,
        around: u32,
    },
}

impl Lines {
    pub(super) fn of(part: Part) -> Self {
        Self { stack: vec![Step::Value(part)] }
    }

    pub(super) fn next(&mut self, tape: &Tape<'_>, trail: &mut Trail) -> Option<Part> {
        loop {
            let part = self.step(tape, trail)?;
            if !part.is_bare(tape) {
                return Some(part);
            }
        }
    }

    fn step(&mut self, tape: &Tape<'_>, trail: &mut Trail) -> Option<Part> {
        loop {
            let (container, next, count, around) = match self.stack.pop()? {
                Step::Value(part) => return Some(self.value(part, tape, trail)),
                Step::Children { container, next, count, around } => {
                    (container, next, count, around)
                }
            };
            let id = container.child.id;
            let end = tape.after(id);
            if next >= end {
                return Some(container.with(Role::Close));
            }
            let object = tape.is_object(id);
            let value = next + Id::from(object);
            let after = tape.after(value);
            self.stack.push(Step::Children { container, next: after, count: count + 1, around });
            if !(object && tape.is_shadowed(value)) {
                let child = Child { id: value, index: if object { MEMBER } else { count } };
                let part = Part::new(child, around, container.indent + 1, after < end);
                self.stack.push(Step::Value(part));
            }
        }
    }

    fn value(&mut self, part: Part, tape: &Tape<'_>, trail: &mut Trail) -> Part {
        let id = part.child.id;
        if !tape.is_container(id) || tape.node(id).size == 1 {
            return part;
        }
        let around = trail.push(part.around, part.child, part.child);
        self.stack.push(Step::Children { container: part, next: id + 1, count: 0, around });
        part.with(Role::Open)
    }
}
