//! What the comparator recorded, by place.

use std::collections::{BTreeMap, HashMap};

use store::view::DifferenceView;

use super::{Masks, class_of};

/// What is recorded of one place.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) kind: String,
    pub(super) note: String,
    /// The same place on the other side, where it differs.
    pub(super) other: Option<String>,
}

/// Recorded differences by their place.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By pointer into the candidate's body.
    pub(super) right: HashMap<String, Mark>,
    /// By pointer into the primary's body.
    pub(super) left: HashMap<String, Mark>,
    /// Positions of elements that belong together, by the arrays' pointers.
    pub(super) pairs: HashMap<(String, String), BTreeMap<usize, usize>>,
}

impl Changes {
    pub(super) fn of<'a>(
        differences: impl Iterator<Item = &'a DifferenceView>,
        masks: Masks<'_>,
    ) -> Self {
        let mut changes = Self::default();
        for one in differences {
            let mask = masks(one);
            let mark = Mark {
                class: class_of(&one.kind, mask.as_deref()),
                kind: one.kind.clone(),
                note: mask.unwrap_or_default(),
                other: one.left_path.clone(),
            };
            let left_path = one.left_path.clone().unwrap_or_else(|| one.path.clone());
            match one.kind.as_str() {
                "removed" => drop(changes.left.insert(one.path.clone(), mark)),
                "added" => drop(changes.right.insert(one.path.clone(), mark)),
                "moved" => {
                    let back = Mark { other: Some(one.path.clone()), ..mark.clone() };
                    changes.left.insert(left_path, back);
                    changes.right.insert(one.path.clone(), mark);
                }
                _ => {
                    changes.pair_up(&left_path, &one.path);
                    changes.left.insert(left_path, mark.clone());
                    changes.right.insert(one.path.clone(), mark);
                }
            }
        }
        changes
    }

    /// Where both paths go through one array at different positions, these elements belong
    /// together.
    fn pair_up(&mut self, left: &str, right: &str) {
        let (mut left_at, mut right_at) = (String::new(), String::new());
        for (one, other) in left.split('/').zip(right.split('/')).skip(1) {
            if let (Ok(one), Ok(other)) = (one.parse::<usize>(), other.parse::<usize>()) {
                let arrays = (left_at.clone(), right_at.clone());
                self.pairs.entry(arrays).or_default().insert(one, other);
            }
            left_at = format!("{left_at}/{one}");
            right_at = format!("{right_at}/{other}");
        }
    }
}

impl Mark {
    /// Shapes differ though nothing is recorded: beyond the limit of recorded differences.
    pub(super) fn unrecorded() -> Self {
        Self {
            class: "changed",
            kind: "type_changed".to_owned(),
            note: "not among the recorded differences".to_owned(),
            other: None,
        }
    }
}
