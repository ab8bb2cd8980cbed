//! Which places of a body are sensitive: names at any depth, and pointers with `*`.

use std::borrow::Cow;

use super::{NAMES, listed};

/// The built-in and the configured places.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Any case.
    names: Vec<String>,
    /// Exact; `None` is `*`, any one step.
    pointers: Vec<Vec<Option<String>>>,
}

/// What is known about one place from the steps that lead to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// It is sensitive, with everything below.
    pub(super) hidden: bool,
    depth: usize,
    /// Pointers that all steps so far agree with.
    live: Vec<usize>,
}

impl Places {
    pub(super) fn new(fields: &[String]) -> Self {
        let mut places = Self::default();
        for field in fields {
            if let Some(pointer) = field.strip_prefix('/') {
                let steps = pointer.split('/').map(|step| (step != "*").then(|| unescape(step)));
                places.pointers.push(steps.map(|step| step.map(Cow::into_owned)).collect());
            } else if !field.is_empty() {
                places.names.push(field.clone());
            }
        }
        places
    }

    pub(super) fn hides(&self, pointer: &str) -> bool {
        let mut standing = self.root();
        for step in pointer.split('/').skip(1) {
            standing = self.field(&standing, &unescape(step));
        }
        standing.hidden
    }

    fn hides_name(&self, name: &str) -> bool {
        listed(NAMES, name) || listed(&self.names, name)
    }

    /// The whole body.
    pub(super) fn root(&self) -> Standing {
        Standing { hidden: false, depth: 0, live: (0..self.pointers.len()).collect() }
    }

    /// The field `name` of an object at `above`.
    pub(super) fn field(&self, above: &Standing, name: &str) -> Standing {
        let mut standing = self.below(above, |step| step == name);
        standing.hidden |= self.hides_name(name);
        standing
    }

    /// The item `index` of an array at `above`.
    pub(super) fn item(&self, above: &Standing, index: usize) -> Standing {
        self.below(above, |step| step.parse() == Ok(index))
    }

    fn below(&self, above: &Standing, agrees: impl Fn(&str) -> bool) -> Standing {
        let mut standing =
            Standing { hidden: above.hidden, depth: above.depth + 1, live: Vec::new() };
        for &index in &above.live {
            let Some(steps) = self.pointers.get(index) else { continue };
            if steps.get(above.depth).is_some_and(|s| s.as_deref().is_none_or(&agrees)) {
                standing.hidden |= steps.len() == standing.depth;
                standing.live.push(index);
            }
        }
        standing
    }
}

fn unescape(step: &str) -> Cow<'_, str> {
    if step.contains('~') {
        Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(step)
    }
}
