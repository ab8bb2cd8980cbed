//! A comparison as RFC 6902 operations.

use crate::{Diff, Document};

/// Operations that turn the left body into the right one as far as `diff` says they differ.
#[must_use]
pub fn patch(left: Document<'_>, right: Document<'_>, diff: &Diff) -> json_patch::Patch {
    let _ = (left, right, diff);
    unimplemented!()
}
