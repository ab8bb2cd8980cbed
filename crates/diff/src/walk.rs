//! Walks two trees side by side on a stack of its own and says what differs.
//!
//! Every pair that alignment proposes is compared here, byte by byte or leaf by leaf. A hash alone
//! never makes two values equal.

use crate::align::{Child, Item, MEMBER, Pairing};
use crate::change::Kind;
use crate::proof::Proof;
use crate::rule::RuleSet;
use crate::tape::{Id, Sort, leaves_equal};

/// One change before it is put into words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) left: Option<Child>,
    pub(crate) right: Option<Child>,
    /// The pair of containers around it; [`Trail::NONE`] at the root.
    pub(crate) around: u32,
    /// The pair that was around it on the left, where a move went from one to another.
    pub(crate) left_around: Option<u32>,
    pub(crate) masked_by: Option<usize>,
}

/// Pairs of containers on the way to findings, each with the one around it.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) around: u32,
    pub(crate) left: Child,
    pub(crate) right: Child,
}

impl Trail {
    pub(crate) const NONE: u32 = u32::MAX;

    pub(crate) fn push(&mut self, around: u32, left: Child, right: Child) -> u32 {
        self.steps.push(Step { around, left, right });
        (self.steps.len() - 1) as u32
    }

    pub(crate) fn get(&self, at: u32) -> Option<&Step> {
        self.steps.get(at as usize)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    pub(crate) trail: Trail,
    /// Findings that are not in the list.
    pub(crate) unlisted: u64,
    /// Whether any finding, listed or not, counts.
    pub(crate) differs: bool,
    pub(crate) masked: usize,
}

enum Task {
    Compare { left: Child, right: Child, around: u32, masked_by: Option<usize> },
    Report(Finding),
}

/// Compares the roots. At most `max` findings that count and as many masked ones are listed.
pub(crate) fn walk(pairing: &mut Pairing<'_, '_>, roots: (Id, Id), max: usize) -> Findings {
    let mut walk = Walk {
        proof: Proof::new(pairing.left, pairing.right),
        pairing,
        stack: Vec::new(),
        found: Findings::default(),
        max,
    };
    if walk.proof.equal(roots.0, roots.1) {
        return walk.found;
    }
    walk.stack.push(Task::Compare {
        left: Child::member(roots.0),
        right: Child::member(roots.1),
        around: Trail::NONE,
        masked_by: None,
    });
    while let Some(task) = walk.stack.pop() {
        match task {
            Task::Report(finding) => walk.report(finding),
            Task::Compare { left, right, around, masked_by } => {
                walk.compare(left, right, around, masked_by);
            }
        }
    }
    walk.found
}

struct Walk<'w, 't, 'r> {
    pairing: &'w mut Pairing<'t, 'r>,
    stack: Vec<Task>,
    found: Findings,
    max: usize,
    proof: Proof<'t>,
}

impl Walk<'_, '_, '_> {
    fn report(&mut self, finding: Finding) {
        let masked = finding.masked_by.is_some();
        self.found.differs |= !masked;
        let listed =
            if masked { self.found.masked } else { self.found.list.len() - self.found.masked };
        if listed >= self.max {
            self.found.unlisted += 1;
            return;
        }
        self.found.masked += usize::from(masked);
        self.found.list.push(finding);
    }

    fn compare(&mut self, left: Child, right: Child, around: u32, masked_by: Option<usize>) {
        let sets = (self.pairing.left_set(left.id), self.pairing.right_set(right.id));
        let masked_by = masked_by.or(mask(sets.0, sets.1));
        match verdict(self.pairing, left.id, right.id) {
            Verdict::Equal => {}
            Verdict::Differs(kind) => self.report(Finding {
                kind,
                left: Some(left),
                right: Some(right),
                around,
                left_around: None,
                masked_by,
            }),
            Verdict::Inside => self.expand(left, right, around, masked_by),
        }
    }

    fn expand(&mut self, left: Child, right: Child, around: u32, masked_by: Option<usize>) {
        let aligned = self.pairing.children(&mut self.proof, left.id, right.id);
        if aligned.reordered {
            let (left, right) = (Some(left), Some(right));
            let kind = Kind::Reordered;
            self.report(Finding { kind, left, right, around, left_around: None, masked_by });
        }
        let here = self.found.trail.push(around, left, right);
        let from = self.stack.len();
        for item in aligned.items {
            self.plan(item, here, masked_by);
        }
        self.stack[from..].reverse();
    }

    fn plan(&mut self, item: Item, here: u32, masked_by: Option<usize>) {
        let finding = |kind, left, right, masked_by| {
            Task::Report(Finding { kind, left, right, around: here, left_around: None, masked_by })
        };
        match item {
            Item::Both { left, right, moved } => {
                if moved {
                    let mask = masked_by
                        .or(mask(self.pairing.left_set(left.id), self.pairing.right_set(right.id)));
                    self.stack.push(finding(Kind::Moved, Some(left), Some(right), mask));
                }
                if !self.proof.equal(left.id, right.id) {
                    self.stack.push(Task::Compare { left, right, around: here, masked_by });
                }
            }
            Item::Left(left) => {
                let set = self.pairing.left_set(left.id);
                if !counts_as_missing(set, self.pairing.left_node(left.id).sort, left) {
                    let mask = masked_by.or(set.ignore);
                    self.stack.push(finding(Kind::Removed, Some(left), None, mask));
                }
            }
            Item::Right(right) => {
                let set = self.pairing.right_set(right.id);
                if !counts_as_missing(set, self.pairing.right_node(right.id).sort, right) {
                    let mask = masked_by.or(set.ignore);
                    self.stack.push(finding(Kind::Added, None, Some(right), mask));
                }
            }
        }
    }
}

/// What a look at two values alone says.
pub(crate) enum Verdict {
    Equal,
    Differs(Kind),
    /// Two containers of one kind: it depends on their children.
    Inside,
}

pub(crate) fn verdict(pairing: &Pairing<'_, '_>, left: Id, right: Id) -> Verdict {
    let (l, r) = (pairing.left, pairing.right);
    if l.value_type(left) != r.value_type(right) {
        return Verdict::Differs(Kind::TypeChanged);
    }
    if l.is_container(left) {
        return Verdict::Inside;
    }
    let (sort, sets) = (l.node(left).sort, (pairing.left_set(left), pairing.right_set(right)));
    let equal = match sort {
        Sort::Null | Sort::False | Sort::True => sort == r.node(right).sort,
        Sort::String => leaves_equal(sort, (&l.string(left), sets.0), (&r.string(right), sets.1)),
        _ => leaves_equal(sort, (l.span(left), sets.0), (r.span(right), sets.1)),
    };
    if equal { Verdict::Equal } else { Verdict::Differs(Kind::ValueChanged) }
}

pub(crate) fn mask(left: &RuleSet, right: &RuleSet) -> Option<usize> {
    match (left.ignore, right.ignore) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}

pub(crate) fn counts_as_missing(set: &RuleSet, sort: Sort, child: Child) -> bool {
    child.index == MEMBER && sort == Sort::Null && set.null_is_missing
}
